"""Reads CSV in any of the published dialects, told from the first line."""

from __future__ import annotations

import logging
from typing import ClassVar

from mnistkit.codecs.text import SEPARATORS, Layout, Lines, TextReader, detect
from mnistkit.codecs.text.layout import LabelPlace
from mnistkit.errors import DataError
from mnistkit_csv import CsvReadOptions
from mnistkit_csv.dialects import DIALECTS


class CsvReader(TextReader):
    """Reads ``train.csv``, ``mnist_test.csv.gz`` and the like."""

    suffixes = (".csv", ".txt")
    log: ClassVar = logging.getLogger("mnistkit.csv")

    options: CsvReadOptions

    def layout(self, lines: Lines, shape: tuple[int, ...] | None) -> Layout:
        """Take the first line as header or first row, as it looks or as the options say."""
        line = lines.peek()
        if line is None:
            return self._of_nothing(lines, shape)
        layout = detect(
            line,
            where=f"{lines.path}, line 1",
            following=lines.peek_second,
            separator=SEPARATORS.get(self.options.delimiter),
            header=self._header,
            label=self._label,
            shape=shape,
        )
        if layout.header:
            lines.skip()
        return layout

    def _of_nothing(self, lines: Lines, shape: tuple[int, ...] | None) -> Layout:
        """Describe an empty file: no header, no images, and the shape that others tell."""
        if shape is None or self._header:
            raise DataError(
                lines.path,
                "empty file",
                expected="a header or images",
                found="nothing",
                todo="say --read shape=HxW",
            )
        label = self._label
        return Layout(
            separator=b",",
            shape=shape,
            before=("label",) if label in ("auto", "first") else (),
            after=("label",) if label == "last" else (),
            label=None if label == "none" else 0,
        )

    @property
    def _header(self) -> bool | None:
        """Whether there is a header, as the options or else the preset say; None where neither does."""
        if self.options.header != "auto":
            return self.options.header
        return DIALECTS[self.options.preset].header if self.options.preset else None

    @property
    def _label(self) -> LabelPlace:
        """Where the label stands, as the options or else the preset say."""
        if self.options.label != "auto" or self.options.preset is None:
            return self.options.label
        return DIALECTS[self.options.preset].label
