"""The layout of a file, told from its first line and from what the caller knows."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isqrt, prod

from mnistkit.codecs.text.header import (
    ID_WORDS,
    LABEL_WORDS,
    WEAK_LABEL_WORDS,
    Kind,
    grid_shape,
    is_count,
    is_pixel_name,
    is_square,
    kinds_of_names,
    kinds_of_numbers,
)  # fmt: skip
from mnistkit.codecs.text.layout import MOST_COLUMNS, LabelPlace, Layout
from mnistkit.errors import DataError

_WHOLE = re.compile(r'\s*"?\s*-?\d+(?:\.0*)?\s*"?\s*')
#: Counting further leaves the range of a pixel, so that such a line is surely no image.
_SURE_COUNT = 258


def detect(
    line: bytes,
    *,
    where: str,
    following: Callable[[], bytes | None] = lambda: None,
    separator: bytes | None = None,
    header: bool | None = None,
    label: LabelPlace = "auto",
    shape: tuple[int, ...] | None = None,
) -> Layout:
    """Tell the layout of a file from its first line.

    Args:
        line: The first line, without its end.
        where: The file and the line, for messages.
        following: Called for the second line where the first alone does not tell.
        separator: The byte between cells, or None to look for it.
        header: Whether the line is a header, or None to look.
        label: Where the label stands, if there is one.
        shape: Shape of one image, where it is known.

    Raises:
        NoImagesError: It is a header without pixels.
        DataError: It is neither a header nor a line of numbers, or no image fits its columns.
    """
    separator = separator or separator_of(line)
    cells = _split(line, separator, where)
    counted = header is None and _is_counted_header(line, cells, following, where)
    named = counted or (_is_header(cells, where) if header is None else header)
    if not named:
        kinds = kinds_of_numbers(["pixel"] * len(cells), label, shape)
        return _layout(kinds, (), separator, shape, where, note=_note(kinds, (), label))
    lowered = list(map(_lowered, cells))
    kinds = kinds_of_names(lowered, label, shape, where, said=bool(header))
    known = grid_shape([n for n, kind in zip(lowered, kinds, strict=True) if kind == "pixel"], where) or shape
    names = tuple(cell.strip() for cell in cells)
    layout = _layout(kinds, names, separator, known, where, note=_note(kinds, lowered, label))
    if not counted or len(cells) >= _SURE_COUNT:
        return layout
    guess = f"the first line, {names[0]} to {names[-1]}, taken for names; --read header=no says otherwise"
    return replace(layout, assumed="; ".join(filter(None, (guess, layout.assumed))))


def separator_of(line: bytes) -> bytes:
    """Return the commonest separator; blanks only count where there is no other."""
    common = max(b",", b"\t", b";", b"|", key=line.count)
    return common if common in line else b" " if b" " in line else b","


def _split(line: bytes, separator: bytes, where: str) -> list[str]:
    if line.count(separator) >= MOST_COLUMNS:
        raise DataError(
            where, "too many columns", expected=f"at most {MOST_COLUMNS:,}",
            found=f"{line.count(separator) + 1:,}",
        )  # fmt: skip
    try:
        (cells,) = csv.reader([line.decode()], delimiter=separator.decode(), strict=True) if line else ([""],)
    except (csv.Error, ValueError) as error:
        raise DataError(
            where, "not a line of text cells", expected="UTF-8, quoted as in CSV or not at all",
            found=str(error), todo="name the format with --from",
        ) from error  # fmt: skip
    return cells


def _is_counted_header(
    line: bytes, cells: Sequence[str], following: Callable[[], bytes | None], where: str
) -> bool:
    """Whether the names count from 0 or 1, as pandas writes them.

    Raises:
        DataError: It could as well be the one image of the file.
    """
    if not is_count(cells):
        return cells[0].strip().lower() in ID_WORDS and is_count(cells[1:])
    second = (following() or b"").strip() if len(cells) < _SURE_COUNT else None
    if second in (b"", line.strip()):
        raise DataError(
            where,
            f"{cells[0]} to {cells[-1]} may be a header or an image",
            expected="another line that tells",
            found="the same again" if second else "none",
            todo="say which with --read header=yes or --read header=no",
        )
    return True


def _is_header(cells: Sequence[str], where: str) -> bool:
    odd = next((cell for cell in cells if not _WHOLE.fullmatch(cell)), None)
    if odd is None:
        return False
    lowered = list(map(_lowered, cells))
    if any(name in LABEL_WORDS or is_pixel_name(name) for name in lowered):
        return True
    named = [name for name in lowered if name not in ID_WORDS]
    if named and all(name[0].isalpha() or name[0] == "_" for name in named):
        return True
    raise DataError(
        where,
        "neither a header nor whole numbers",
        expected="names such as pixel0, or numbers",
        found=repr(odd[:24]),
        todo="say which with --read header=yes or --read header=no",
    )


def _lowered(cell: str) -> str:
    """Return a name in lower case: itself where it is so already, for there may be a million."""
    lowered = cell.strip().lower()
    return cell if lowered == cell else lowered


def _note(kinds: Sequence[Kind], names: Sequence[str], label: LabelPlace) -> str:
    """Say what was made of the label, where neither the caller nor a name tells."""
    if "label" not in kinds:
        return ", without labels" if label in ("first", "last") else ""
    place = kinds.index("label")
    if label != "auto" or (names and names[place] in LABEL_WORDS | WEAK_LABEL_WORDS):
        return ""
    return f", column {names[place]!r} for the label" if names else ", the label first"


def _layout(
    kinds: Sequence[Kind],
    names: tuple[str, ...],
    separator: bytes,
    shape: tuple[int, ...] | None,
    where: str,
    *,
    note: str,
) -> Layout:
    pixels = range(kinds.index("pixel"), len(kinds) - kinds[::-1].index("pixel"))
    if kinds.count("pixel") != len(pixels):
        raise DataError(
            where, "columns", expected="pixels side by side",
            found=f"{kinds.count('pixel')} pixels among {len(kinds)} columns",
        )  # fmt: skip
    others = [*range(pixels.start), *range(pixels.stop, len(kinds))]
    titles = tuple(names[i] or "index" if names else f"column{i + 1}" for i in others)
    return Layout(
        separator=separator,
        shape=shape if shape and prod(shape) == len(pixels) else _square(len(pixels), shape, where),
        before=titles[: pixels.start],
        after=titles[pixels.start :],
        label=next((i for i, column in enumerate(others) if kinds[column] == "label"), None),
        names=names,
        header=bool(names),
        assumed=_assumption(len(pixels), shape, note),
    )


def _square(values: int, shape: tuple[int, ...] | None, where: str) -> tuple[int, ...]:
    if shape:
        raise DataError(
            where, "columns of pixels", expected=f"{prod(shape)} for {'x'.join(map(str, shape))}",
            found=values, todo="say where the label is with --read label=first|last|none",
        )  # fmt: skip
    if not is_square(values):
        raise DataError(
            where,
            "columns of pixels of a square image",
            expected="a square number",
            found=values,
            todo="say --read shape=HxW or shape=HxWxC",
        )
    return (isqrt(values), isqrt(values))


def _assumption(values: int, shape: tuple[int, ...] | None, note: str) -> str:
    side = isqrt(values)
    return (
        "" if shape else f"taken as gray images of {side}x{side}{note}; --read shape=HxW[xC] says otherwise"
    )
