"""What the columns of a file are."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal, TypeAlias

from mnistkit.errors import DataError

#: What options call the separators -> the byte itself.
SEPARATORS = {"comma": b",", "semicolon": b";", "tab": b"\t", "space": b" ", "bar": b"|"}

#: The widest line that is read: a megapixel, a label and an index.
MOST_COLUMNS = (1 << 20) + 2

#: Values of the images that are made of sparse lines in one go.
_PIECE_VALUES = 1 << 20

LabelPlace: TypeAlias = Literal["auto", "first", "last", "none"]


class NoImagesError(DataError):
    """A file whose first line names columns, but no pixels."""


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
        dtype: Type of the pixels, ``uint8`` or ``float32``.
        sparse: Whether lines may be sparse.
        todo: What to do where a pixel is a fraction, and may not be.
        class_names: Names of the classes, in order, where the file lists them.
        words: Whether labels are those names, not numbers; the label stands first then.
        assumed: What nobody said and the data does not prove, as a sentence; usually empty.
    """

    separator: bytes
    shape: tuple[int, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    label: int | None = None
    names: tuple[str, ...] = ()
    header: bool = False
    dtype: str = "uint8"
    sparse: bool = False
    todo: str | None = None
    class_names: tuple[str, ...] = ()
    words: bool = False
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
    def is_plain(self) -> bool:
        """Whether lines are, as a rule, what a lane reads: bare whole numbers."""
        return self.dtype == "uint8" and not self.words

    @property
    def sparse_rows(self) -> int:
        """How many sparse lines may be decoded in one go: each is short, its image may be large."""
        return max(1, _PIECE_VALUES // self.values)

    @property
    def longest(self) -> int:
        """How many bytes a line may need: digits, separator, quotes and some blanks for each cell."""
        widest = 8 if self.dtype == "uint8" else 24
        places = 8 * self.values if self.sparse else 0
        words = max((len(name.encode()) for name in self.class_names), default=0) if self.words else 0
        return widest * self.values + places + 24 * (len(self.before) + len(self.after)) + words + 100

    def column_name(self, column: int) -> str:
        """Return what messages call a column."""
        return f"column {self.names[column]!r}" if self.names else f"column {column + 1}"
