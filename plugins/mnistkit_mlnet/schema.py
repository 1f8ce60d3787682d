"""What stands before the header of a file: ML.NET's own schema, and a note of what that has no place for.

ML.NET joins the lines that begin with ``#@`` and reads them as settings of its TextLoader where the caller
gives none (``TryParseSchema`` in TextLoader.cs); it skips other lines that begin with ``#`` or ``//``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mnistkit.codecs.text import MOST_COLUMNS, SEPARATORS, Lines
from mnistkit.codecs.text.formulas import without_formulas
from mnistkit.dataset import SplitInfo
from mnistkit.errors import DataError
from mnistkit_mlnet import MlNetWriteOptions

_COMMENTS = (b"#", b"//")
_NOTE = b"# mnistkit: "
_MOST_SCHEMA_BYTES = 1 << 16
_MOST_COMMENT_BYTES = 1 << 20

_KEYS = ("class_names", "dtype", "shape")

#: The types of pixels that text can hold.
DTYPES = ("uint8", "float32")

#: The longest note that is written: half of what is read.
MOST_NOTE_BYTES = _MOST_COMMENT_BYTES // 2

#: ``sep=`` takes ML.NET's words and the characters themselves; a blank would end the setting.
_SEPARATORS = {
    **SEPARATORS,
    **{byte.decode(): byte for word, byte in SEPARATORS.items() if word not in ("tab", "space")},
}
_SETTINGS = {
    "header",
    "header+",
    "header-",
    "quote",
    "quote+",
    "quote-",
    "sparse",
    "sparse+",
    "sparse-",
    "sep",
}
_COLUMN = re.compile(r"col=(\w+)(?::([A-Z]\w)(?:\[\d+\])?)?:(\d{1,9})(?:-(\d{1,9}))?")


@dataclass(frozen=True, slots=True)
class Schema:
    """What a file's own schema says of it; columns count from 0."""

    header: bool
    separator: bytes
    label: int | None
    features: range
    is_text: bool = False

    @property
    def label_place(self) -> Literal["first", "last", "none"]:
        """Where the label stands."""
        if self.label is None:
            return "none"
        return "first" if self.label < self.features.start else "last"


@dataclass(frozen=True, slots=True)
class Note:
    """What a file says of itself beyond the schema, as far as it says it."""

    class_names: tuple[str, ...] = ()
    dtype: str | None = None
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before the header: the schema if there is one, and the note."""

    schema: Schema | None = None
    note: Note = Note()


def head_lines(
    split: SplitInfo, classes: int, class_names: Sequence[str], options: MlNetWriteOptions
) -> bytes:
    """Return what stands before the header: the settings as ML.NET spells them, and the class names."""
    first = int(split.labelled)
    settings = ["header+", *(["sparse+"] if options.sparse else []), f"sep={options.separator}"]
    if split.labelled:
        kind = {"key": f"U4[{max(1, classes)}]", "single": "R4", "text": "TX"}[options.label_kind]
        settings.append(f"col=Label:{kind}:0")
    settings.append(f"col=Features:R4:{first}-{first + split.values - 1}")
    schema = "".join(["#@ TextLoader{\n", *(f"#@   {line}\n" for line in settings), "#@ }\n"]).encode()
    return schema + note_line(split, class_names)


def note_line(split: SplitInfo, class_names: Sequence[str]) -> bytes:
    """Return the comment that says what no reader could guess, as JSON; nothing where all is as usual.

    The usual is uint8, square gray images, and classes without names.
    """
    note: dict[str, object] = {}
    if class_names:
        note["class_names"] = list(class_names)
    if split.dtype != "uint8":
        note["dtype"] = split.dtype
    if len(split.shape) != 2 or split.shape[0] != split.shape[1]:
        note["shape"] = list(split.shape)
    return _NOTE + without_formulas(json.dumps(note, ensure_ascii=False)).encode() + b"\n" if note else b""


def read_head(lines: Lines) -> Head:
    """Step over the comments before the header and read the schema and the note in them.

    Raises:
        DataError: Too many comments, or a schema or a note that cannot be understood.
    """
    text, note = b"", Note()
    while (line := lines.peek()) is not None and line.startswith(_COMMENTS):
        where = f"{lines.path}, line {lines.line}"
        if line.startswith(b"#@"):
            text += line.removeprefix(b"#@") + b" "
        elif line.startswith(_NOTE):
            note = _note(line.removeprefix(_NOTE), where)
        if len(text) > _MOST_SCHEMA_BYTES:
            raise _too_much(where, "schema", _MOST_SCHEMA_BYTES)
        if lines.offset > _MOST_COMMENT_BYTES:
            raise _too_much(where, "comments before the first row", _MOST_COMMENT_BYTES)
        lines.skip()
    where = f"{lines.path}, line {lines.line}"
    return Head(_parse(text.decode("utf-8", "replace"), where) if text else None, note)


def _too_much(where: str, what: str, most: int) -> DataError:
    return DataError(where, what, expected=f"at most {most:,} bytes", found="more")


def _note(text: bytes, where: str) -> Note:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(where, "note of mnistkit", expected="JSON", found=str(error)) from error
    names, dtype, shape = map((found if isinstance(found, dict) else {"dtype": found}).get, _KEYS)
    if not (
        (names is None or (isinstance(names, list) and all(isinstance(name, str) for name in names)))
        and dtype in (None, *DTYPES)
        and (shape is None or (isinstance(shape, list) and _is_shape(shape)))
    ):
        raise DataError(
            where, "note of mnistkit", found=text[:80].decode("utf-8", "replace"),
            expected=f"class_names, dtype ({' or '.join(DTYPES)}) and shape",
        )  # fmt: skip
    return Note(tuple(names or ()), dtype, tuple(shape) if shape else None)


def _is_shape(shape: list[object]) -> bool:
    return len(shape) in (2, 3) and all(type(side) is int and 0 < side < MOST_COLUMNS for side in shape)


def _parse(text: str, where: str) -> Schema:
    body = re.fullmatch(r"\s*TextLoader\s*\{(.*)\}\s*", text)
    words = body[1].split() if body else []
    columns = [match for word in words if (match := _COLUMN.fullmatch(word))]
    settings = {key: value for key, _, value in (w.partition("=") for w in words if not _COLUMN.fullmatch(w))}
    separator = _SEPARATORS.get(settings.get("sep", "tab"))
    spans = [(m[1].lower(), m[2], range(int(m[3]), int(m[4] or m[3]) + 1)) for m in columns]
    labels = [(kind, span) for name, kind, span in spans if name == "label"]
    features = [span for name, _, span in spans if name != "label"]
    if (
        settings.keys() - _SETTINGS
        or separator is None
        or not features
        or any(len(s) != 1 for _, s in labels)
    ):
        raise DataError(
            where, "schema not understood", expected="columns Label and Features",
            found=repr(text.strip()[:80]),
        )  # fmt: skip
    if len(features) > 1 or len(labels) > 1:
        raise DataError(
            where, "columns of the schema", expected="one of features, and at most one Label",
            found=", ".join(m[1] for m in columns), todo="leave the others out of the file",
        )  # fmt: skip
    kind, place = labels[0] if labels else ("", None)
    header = bool({"header", "header+"} & settings.keys())
    return Schema(header, separator, place.start if place else None, features[0], is_text=kind == "TX")
