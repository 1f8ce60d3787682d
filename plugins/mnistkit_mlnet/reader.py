"""Reads text made for ML.NET: with its schema, or with nothing but a header, or with neither."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from mnistkit.codecs.text import SEPARATORS, Layout, Lines, TextReader, detect
from mnistkit.errors import DataError
from mnistkit_mlnet import MlNetReadOptions

_COMMENTS = (b"#", b"//")
_MOST_SCHEMA_BYTES = 1 << 16
_MOST_COMMENT_BYTES = 1 << 20
#: ``sep=`` takes ML.NET's words and the characters themselves; a blank would end the setting.
_SEPARATORS = {
    **SEPARATORS,
    **{byte.decode(): byte for word, byte in SEPARATORS.items() if word not in ("tab", "space")},
}
_SETTINGS = {"header", "header+", "header-", "quote", "quote+", "quote-", "sparse-", "sep"}
_COLUMN = re.compile(r"col=(\w+)(?::[A-Z]\w(?:\[\d+\])?)?:(\d{1,9})(?:-(\d{1,9}))?")


@dataclass(frozen=True, slots=True)
class Schema:
    """What a file's own schema says of it; columns count from 0."""

    header: bool
    separator: bytes
    label: int | None
    features: range

    @property
    def label_place(self) -> Literal["first", "last", "none"]:
        """Where the label stands."""
        if self.label is None:
            return "none"
        return "first" if self.label < self.features.start else "last"


class MlNetReader(TextReader):
    """Reads ``train.tsv``, ``test.tsv`` and the like."""

    suffixes = (".tsv", ".csv", ".txt")
    log: ClassVar = logging.getLogger("mnistkit.mlnet")

    options: MlNetReadOptions

    def layout(self, lines: Lines, shape: tuple[int, ...] | None) -> Layout:
        """Take the columns from the schema if there is one, else from the header or the first row."""
        schema = _schema(lines)
        where = f"{lines.path}, line {lines.line}"
        line = lines.peek()
        if line is None:
            raise DataError(where, "the file ends", expected="a header or images")
        if schema is None:
            layout = detect(
                line, where=where, following=lines.peek_second,
                separator=SEPARATORS.get(self.options.separator),
                header=None if self.options.header == "auto" else self.options.header,
                label=self.options.label, shape=shape,
            )  # fmt: skip
        else:
            layout = detect(
                line, where=where, separator=schema.separator, header=schema.header, label=schema.label_place,
                shape=shape,
            )  # fmt: skip
            _compare(schema, layout, where)
        if layout.header:
            lines.skip()
        return layout


def _schema(lines: Lines) -> Schema | None:
    """Step over the comments before the header and read the schema in those that begin with ``#@``."""
    text = b""
    while (line := lines.peek()) is not None and line.startswith(_COMMENTS):
        if line.startswith(b"#@"):
            text += line.removeprefix(b"#@") + b" "
        if len(text) > _MOST_SCHEMA_BYTES:
            raise DataError(f"{lines.path}, line {lines.line}", "schema of more than 64 KiB")
        if lines.offset > _MOST_COMMENT_BYTES:
            raise DataError(
                f"{lines.path}, line {lines.line}", "more than 1 MiB of comments before the first row"
            )
        lines.skip()
    return _parse(text.decode("utf-8", "replace"), f"{lines.path}, line {lines.line}") if text else None


def _parse(text: str, where: str) -> Schema:
    body = re.fullmatch(r"\s*TextLoader\s*\{(.*)\}\s*", text)
    words = body[1].split() if body else []
    columns = [match for word in words if (match := _COLUMN.fullmatch(word))]
    settings = {key: value for key, _, value in (w.partition("=") for w in words if not _COLUMN.fullmatch(w))}
    separator = _SEPARATORS.get(settings.get("sep", "tab"))
    spans = [(m[1].lower(), range(int(m[2]), int(m[3] or m[2]) + 1)) for m in columns]
    labels = [span for name, span in spans if name == "label"]
    features = [span for name, span in spans if name != "label"]
    if settings.keys() - _SETTINGS or separator is None or not features or any(len(s) != 1 for s in labels):
        raise DataError(
            where, "schema not understood", expected="dense columns Label and Features",
            found=repr(text.strip()[:80]),
        )  # fmt: skip
    if len(features) > 1 or len(labels) > 1:
        raise DataError(
            where, "columns of the schema", expected="one of features, and at most one Label",
            found=", ".join(m[1] for m in columns), todo="leave the others out of the file",
        )  # fmt: skip
    header = bool({"header", "header+"} & settings.keys())
    return Schema(header, separator, labels[0].start if labels else None, features[0])


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
