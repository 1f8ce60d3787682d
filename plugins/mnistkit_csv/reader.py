"""Reads CSV in any of the published dialects, told from the first line."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from mnistkit.codecs.text import SEPARATORS, Layout, Lines, TextReader, detect
from mnistkit.errors import DataError
from mnistkit.plugin import Source, parse_shape


class CsvReader(TextReader):
    """Reads ``train.csv``, ``mnist_test.csv.gz`` and the like."""

    suffixes = (".csv",)
    log: ClassVar = logging.getLogger("mnistkit.csv")

    def __init__(self, source: Source, options: Any) -> None:
        super().__init__(source, options)
        self._shape = parse_shape(options.shape) or source.shape

    def layout(self, lines: Lines) -> Layout:
        """Take the first line as header or first row, as it looks or as the options say."""
        line = lines.peek()
        if line is None:
            return self._of_nothing(lines)
        layout = detect(
            line,
            where=f"{lines.path}, line 1",
            separator=SEPARATORS.get(self.options.delimiter),
            header=self.options.header,
            label=self.options.label,
            shape=self._shape,
        )
        if layout.header:
            lines.skip()
        return layout

    def _of_nothing(self, lines: Lines) -> Layout:
        """Describe an empty file: no header, no images, and the shape that others tell."""
        if self._shape is None or self.options.header == "yes":
            raise DataError(
                lines.path, "empty file", expected="a header or images", todo="say --read shape=HxW"
            )
        labels = {"first": ("label", ""), "last": ("", "label"), "none": ("", "")}
        before, after = labels.get(self.options.label, ("label", ""))
        return Layout(
            separator=b",",
            shape=self._shape,
            before=(before,) if before else (),
            after=(after,) if after else (),
            label=0 if before or after else None,
        )
