"""Which column is what, told from a file's first line and from what the caller knows."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import isqrt, prod
from typing import Literal, TypeAlias

from mnistkit.errors import DataError

#: What options call the separators -> the byte itself.
SEPARATORS = {"comma": b",", "semicolon": b";", "tab": b"\t", "space": b" ", "bar": b"|"}

LABEL_WORDS = frozenset({"label", "labels", "class", "target"})
#: Row numbers: ``id`` as Kaggle has it, the unnamed first column that pandas and R write.
ID_WORDS = frozenset({"", "id", "imageid", "index", "unnamed: 0"})

_MOST_COLUMNS = 1 << 22
_INTEGER = re.compile(r'\s*"?\s*-?\d+\s*"?\s*')
_GRID = re.compile(r"(?:pixel_?)?(\d{1,9})[x_](\d{1,9})(?:[x_](\d{1,9}))?")
_NUMBERED = re.compile(r"(\D*)(\d{1,9})")

LabelPlace: TypeAlias = Literal["auto", "first", "last", "none"]
HasHeader: TypeAlias = Literal["auto", "yes", "no"]


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a file: whole numbers, then the pixels of an image, then whole numbers again.

    Attributes:
        separator: The byte between two cells.
        shape: Shape of one image.
        before: Names of the columns before the pixels.
        after: Names of the columns after the pixels.
        label: Which of those, counted through both, is the label; None where there is none.
        names: Names of all columns, empty where the file does not say.
        header: Whether the first line is a header.
        assumed: What nobody said and the data does not prove, as a sentence; usually empty.
    """

    separator: bytes
    shape: tuple[int, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    label: int | None = None
    names: tuple[str, ...] = ()
    header: bool = False
    assumed: str = ""

    @property
    def values(self) -> int:
        """Number of pixel values of one image, channels included."""
        return prod(self.shape)

    @property
    def cells(self) -> int:
        """Number of cells of a line."""
        return len(self.before) + self.values + len(self.after)

    @property
    def pixel_columns(self) -> slice:
        """The columns that hold pixels."""
        return slice(len(self.before), len(self.before) + self.values)

    @property
    def integer_columns(self) -> tuple[int, ...]:
        """The indices of the other columns."""
        return (*range(len(self.before)), *range(self.cells - len(self.after), self.cells))

    @property
    def extra(self) -> dict[str, int]:
        """Names of the columns that are neither pixel nor label -> where they stand among the others."""
        return {name: i for i, name in enumerate((*self.before, *self.after)) if i != self.label}

    @property
    def longest(self) -> int:
        """How many bytes a line may need: digits, separator, quotes and some blanks for each cell."""
        return 8 * self.values + 24 * (len(self.before) + len(self.after)) + 100

    def column_name(self, column: int) -> str:
        """Return what messages call a column."""
        return f"column {self.names[column]!r}" if self.names else f"column {column + 1}"


def detect(
    line: bytes,
    *,
    where: str,
    separator: bytes | None = None,
    header: HasHeader = "auto",
    label: LabelPlace = "auto",
    shape: tuple[int, ...] | None = None,
) -> Layout:
    """Tell the layout of a file from its first line.

    Args:
        line: The first line, without its end.
        where: The file and the line, for messages.
        separator: The byte between cells, or None to look for it.
        header: Whether the line is a header.
        label: Where the label stands.
        shape: Shape of one image, where it is known.

    Raises:
        DataError: It is neither a header nor a line of numbers, or no image fits its columns.
    """
    separator = separator or _separator(line)
    cells = _split(line, separator, where)
    named = header == "yes" or (header == "auto" and _is_header(cells, where))
    names = tuple(cell.strip() for cell in cells) if named else ()
    kinds = _kinds([n.lower() for n in names] or ["pixel"] * len(cells), label, where)
    grid = _grid(_pixel_names(names, kinds), where)
    known = grid or shape
    silent = (
        label == "auto" and "label" not in kinds and not any(n.lower().startswith("pixel") for n in names)
    )
    if silent and _one_too_many(kinds.count("pixel"), known):
        kinds[kinds.index("pixel")] = "label"
    _check_numbers(_pixel_names(names, kinds), where)
    return _layout(kinds, names, separator, known, where)


def _separator(line: bytes) -> bytes:
    """Return the commonest separator; blanks only count where there is no other."""
    common = max(b",", b"\t", b";", b"|", key=line.count)
    return common if common in line else b" " if b" " in line else b","


def _split(line: bytes, separator: bytes, where: str) -> list[str]:
    if line.count(separator) >= _MOST_COLUMNS:
        raise DataError(where, "too many columns", expected=f"at most {_MOST_COLUMNS:,}")
    try:
        (cells,) = csv.reader([line.decode()], delimiter=separator.decode(), strict=True) if line else ([""],)
    except (csv.Error, ValueError) as error:
        raise DataError(
            where, "not a line of text cells", found=str(error),
            todo="name the format with --from",
        ) from error  # fmt: skip
    return cells


def _is_header(cells: Sequence[str], where: str) -> bool:
    if all(_INTEGER.fullmatch(cell) for cell in cells):
        return False
    lowered = [cell.strip().lower() for cell in cells]
    if any(c in LABEL_WORDS or c.startswith("pixel") or _GRID.fullmatch(c) for c in lowered):
        return True
    if all(c[:1].isalpha() or c[:1] == "_" for c in lowered):
        return True
    odd = next(cell for cell in cells if not _INTEGER.fullmatch(cell))
    raise DataError(
        where, "neither a header nor whole numbers", found=repr(odd[:24]),
        todo="say which with --read header=yes or --read header=no",
    )  # fmt: skip


def _kinds(names: Sequence[str], label: LabelPlace, where: str) -> list[str]:
    """Call each column a label, an ``id`` (any other whole number) or a pixel."""
    kinds = ["label" if n in LABEL_WORDS else "id" if n in ID_WORDS else "pixel" for n in names]
    if label != "auto":
        kinds = ["id" if kind == "label" else kind for kind in kinds]
    if label in ("first", "last"):
        order = range(len(names)) if label == "first" else range(len(names))[::-1]
        kinds[next((i for i in order if names[i] not in ID_WORDS), order[0])] = "label"
    if kinds.count("label") > 1:
        raise DataError(
            where, "two columns of labels", todo="say which with --read label=first or label=last"
        )
    return kinds


def _pixel_names(names: Sequence[str], kinds: Sequence[str]) -> list[str]:
    return [name.lower() for name, kind in zip(names, kinds, strict=False) if kind == "pixel"]


def _grid(names: Sequence[str], where: str) -> tuple[int, ...] | None:
    """Return the shape that names from ``1x1`` to ``28x28`` tell, None where they are others."""
    found = [_GRID.fullmatch(name) for name in names]
    if not found or None in found:
        return None
    places = [tuple(int(n) for n in match.groups() if n is not None) for match in found if match]
    first, last = places[0], places[-1]
    shape = tuple(b - a + 1 for a, b in zip(first, last, strict=False))
    ranges = [range(a, a + n) for a, n in zip(first, shape, strict=False)]
    if set(first) not in ({0}, {1}) or prod(shape) != len(places) or places != list(product(*ranges)):
        raise _disorder(where)
    return shape


def _check_numbers(names: Sequence[str], where: str) -> None:
    """Make sure that numbered names (``pixel0``, ``V2``) run on without a gap."""
    found = [_NUMBERED.fullmatch(name) for name in names if not _GRID.fullmatch(name)]
    if None in found:
        if any(name.startswith("pixel") for name in names):
            raise _disorder(where)
    elif len({match[1] for match in found if match}) == 1 and not _runs([int(m[2]) for m in found if m]):
        raise _disorder(where)


def _runs(numbers: Sequence[int]) -> bool:
    return list(numbers) == list(range(numbers[0], numbers[0] + len(numbers)))


def _disorder(where: str) -> DataError:
    return DataError(
        where, "columns of pixels", expected="pixel0, pixel1, … or 1x1, 1x2, … without a gap, in order"
    )


def _one_too_many(pixels: int, shape: tuple[int, ...] | None) -> bool:
    """Whether one column fewer makes an image and this number does not."""
    return pixels - 1 == prod(shape) if shape else not _is_square(pixels) and _is_square(pixels - 1)


def _is_square(n: int) -> bool:
    return n > 0 and isqrt(n) ** 2 == n


def _layout(
    kinds: Sequence[str], names: tuple[str, ...], separator: bytes, shape: tuple[int, ...] | None, where: str
) -> Layout:
    pixels = [i for i, kind in enumerate(kinds) if kind == "pixel"]
    if not pixels or not _runs(pixels):
        raise DataError(where, "columns", expected="pixels side by side", found=_summary(kinds))
    before, after = range(pixels[0]), range(pixels[-1] + 1, len(kinds))
    others = [*before, *after]
    label = next((i for i, column in enumerate(others) if kinds[column] == "label"), None)
    titles = tuple(names[i] or "index" if names else f"column{i + 1}" for i in others)
    return Layout(
        separator=separator,
        shape=shape if shape and prod(shape) == len(pixels) else _square(len(pixels), shape, where),
        before=titles[: len(before)],
        after=titles[len(before) :],
        label=label,
        names=names,
        header=bool(names),
        assumed="" if shape else _assumption(len(pixels), label_first=not names and label == 0),
    )


def _square(values: int, shape: tuple[int, ...] | None, where: str) -> tuple[int, ...]:
    if shape:
        raise DataError(
            where, "columns of pixels", expected=f"{prod(shape)} for {'x'.join(map(str, shape))}",
            found=values, todo="say where the label is with --read label=first|last|none",
        )  # fmt: skip
    if not _is_square(values):
        raise DataError(
            where,
            f"{values} columns of pixels are no square image",
            todo="say --read shape=HxW or shape=HxWxC",
        )
    return (isqrt(values), isqrt(values))


def _assumption(values: int, *, label_first: bool) -> str:
    side, place = isqrt(values), ", the label first" if label_first else ""
    return f"taken as gray images of {side}x{side}{place}; --read shape=HxW[xC] says otherwise"


def _summary(kinds: Sequence[str]) -> str:
    return f"{kinds.count('pixel')} pixels among {len(kinds)} columns"
