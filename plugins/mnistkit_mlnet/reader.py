"""Reads text made for ML.NET: with its schema, or with nothing but a header, or with neither."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import ClassVar

from mnistkit.codecs.text import MOST_COLUMNS, SEPARATORS, Layout, Lines, TextReader, detect, separator_of
from mnistkit.errors import DataError
from mnistkit.naming import RECEIPT
from mnistkit_mlnet import MlNetReadOptions
from mnistkit_mlnet.schema import DTYPES, Head, Schema, read_head

_ITEM = re.compile(rb"\d{1,9}: *[-+.\deE]+")
_FRACTION = re.compile(rb"[-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][-+]?\d+)?")


class MlNetReader(TextReader):
    """Reads ``train.tsv``, ``test.tsv`` and the like; whether rows are sparse is told by each row."""

    suffixes = (".tsv", ".csv", ".txt")
    log: ClassVar = logging.getLogger("mnistkit.mlnet")

    options: MlNetReadOptions

    def layout(self, lines: Lines, shape: tuple[int, ...] | None) -> Layout:
        """Take the columns from the schema if there is one, else from the header or the first row."""
        head = read_head(lines)
        where = f"{lines.path}, line {lines.line}"
        line = lines.peek()
        if line is None:
            raise DataError(where, "the file ends", expected="a header or images", found="nothing")
        layout = self._detected(line, head, lines, where, shape or head.note.shape)
        if head.schema is not None:
            _compare(head.schema, layout, where)
        if layout.header:
            lines.skip()
        names, is_text = head.note.class_names, head.schema is not None and head.schema.is_text
        words = bool(names) and is_text and layout.label == 0
        told = head.note.dtype or self.source.dtypes or self.options.dtype != "auto"
        return replace(
            layout, sparse=True, class_names=names, words=words, dtype=head.note.dtype or layout.dtype,
            todo=None if told else "say --read dtype=float32 where pixels are fractions",
        )  # fmt: skip

    def _detected(
        self, line: bytes, head: Head, lines: Lines, where: str, shape: tuple[int, ...] | None
    ) -> Layout:
        schema = head.schema
        if schema is not None:
            first = line if schema.header else _as_whole_numbers(line, schema.separator, schema)
            return detect(
                first, where=where, separator=schema.separator, header=schema.header,
                label=schema.label_place, shape=shape,
            )  # fmt: skip
        separator = SEPARATORS.get(self.options.separator) or separator_of(line)
        return detect(
            _as_whole_numbers(line, separator, None), where=where, following=lines.peek_second,
            separator=separator, header=None if self.options.header == "auto" else self.options.header,
            label=self.options.label, shape=shape,
        )  # fmt: skip

    def dtype(self, split: str) -> str | None:
        """Return the type of the pixels: as the options, else the receipt say; else the file may.

        Raises:
            DataError: The receipt tells of a type that this text has not.
        """
        told = self.options.dtype if self.options.dtype != "auto" else self.source.dtype_of(split)
        if told not in (None, *DTYPES):
            raise DataError(
                self.source.path / RECEIPT,
                f"pixels of split {split!r}",
                expected=" or ".join(DTYPES),
                found=told,
            )
        return told


def _as_whole_numbers(line: bytes, separator: bytes, schema: Schema | None) -> bytes:
    """Spell a first row so that its columns can be told: dense, with 0 for fractions and for a word as label.

    A line of names, or one that is no row of this format, is left as it is.
    """
    cells = line.split(separator)
    if schema is not None and schema.is_text and schema.label == 0:
        cells[0] = b"0"
    size = next((i - 1 for i, cell in enumerate(cells) if _ITEM.fullmatch(cell)), -1)
    if size >= 0 and cells[size].isdigit() and len(cells[size]) < 8 and int(cells[size]) < MOST_COLUMNS:
        cells[size:] = [b"0"] * int(cells[size])
    return separator.join(b"0" if _FRACTION.fullmatch(cell) else cell for cell in cells)


def _compare(schema: Schema, layout: Layout, where: str) -> None:
    pixels = range(layout.cells)[layout.pixel_columns]
    others = layout.integer_columns
    label = None if layout.label is None else others[layout.label]
    if (pixels, label) != (schema.features, schema.label):
        raise DataError(
            where, "columns are not the schema's", expected=_spelled(schema.features, schema.label),
            found=_spelled(pixels, label),
        )  # fmt: skip


def _spelled(features: range, label: int | None) -> str:
    return f"features {features.start}-{features.stop - 1}" + ("" if label is None else f" and label {label}")
