"""Finds the images of a file, their shape and type, and turns vectors into them."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

import numpy as np

from mnistkit.dataset import Array
from mnistkit.errors import DataError
from mnistkit_mlnet.idv.contents import Stored, notes_of
from mnistkit_mlnet.idv.decode import check_lengths, note_texts, numbers_in
from mnistkit_mlnet.idv.kinds import MOST_OWN_NOTE, OWN

_log = logging.getLogger("mnistkit.idv")

_DTYPES = ("uint8", "float32")


@dataclass(frozen=True, slots=True)
class Told:
    """What mnistkit noted in a file that it wrote."""

    dtype: str
    shape: tuple[int, ...]
    class_names: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """The images of a file: where they stand, the shape of one, and numpy's name of the pixels' type."""

    column: Stored
    shape: tuple[int, ...]
    dtype: str

    def within(self, file: BinaryIO, block: int) -> Array:
        """Return the images of a block: (n, height, width[, channels]).

        Raises:
            DataError: A pixel is not of the type.
        """
        found = numbers_in(file, self.column, block)
        pixels = (
            found.astype(self.dtype, copy=False) if self.dtype == "float32" else self._bytes(found, block)
        )
        return pixels.reshape(-1, *self.shape)

    def _bytes(self, values: Array, block: int) -> Array:
        if values.dtype == np.uint8:
            return values
        with np.errstate(invalid="ignore"):  # what is no byte is found by the comparison
            pixels = values.astype(np.uint8)
        bad = (pixels != values).any(axis=1)
        if bad.any():
            row = int(np.argmax(bad))
            value = values[row][pixels[row] != values[row]][0]
            raise DataError(
                f"{self.column.where}, row {block * self.column.block_rows + row}", "pixel",
                expected="a whole number from 0 to 255", found=value,
                todo="read fractions with --read dtype=float32",
            )  # fmt: skip
        return pixels


def told_by(column: Stored) -> Told | None:
    """Return what mnistkit noted of the images, if it wrote the file.

    Raises:
        DataError: The note is not as mnistkit writes it.
    """
    note = notes_of(column).get(OWN)
    if note is None:
        return None
    if note.kind.name != "TextSpan":
        raise _not_ours(column, str(note.kind))
    (text,) = note_texts(column.path, note, most=MOST_OWN_NOTE)
    try:
        noted = json.loads(text)
        told = Told(noted["dtype"], tuple(noted["shape"]), _strings(noted.get("class_names")))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _not_ours(column, repr(text[:80])) from error
    if told.dtype not in _DTYPES or not _is_shape(told.shape):
        raise _not_ours(column, repr(text[:80]))
    return told


def find_images(
    column: Stored,
    told: Told | None,
    *,
    asked: tuple[int, ...] | None,
    known: tuple[int, ...] | None,
    dtype: Literal["auto", "uint8", "float32"],
) -> Images:
    """Find out what a column of vectors means.

    Args:
        column: The column.
        told: What mnistkit noted in the file.
        asked: The shape that the user said.
        known: The shape that a receipt says.
        dtype: The type that the user said.

    Raises:
        DataError: It holds no images, or nothing tells their shape.
    """
    kind = column.kind
    if (
        not kind.is_vector
        or kind.dtype is None
        or not kind.size
        or (kind.items and kind.items.name == "Key2")
    ):
        raise DataError(
            column.where, "no images", expected="vectors of numbers, all of one length", found=kind,
            todo="say which column they are with --read image=NAME",
        )  # fmt: skip
    check_lengths(column)
    chosen = dtype if dtype != "auto" else told.dtype if told else "uint8"
    if chosen == "float32" and not np.can_cast(kind.dtype, np.float32):
        raise DataError(
            column.where, "pixels that float32 does not hold exactly", expected="Single", found=kind.items
        )
    return Images(column, _shape(column, told, asked, known), chosen)


def _shape(
    column: Stored, told: Told | None, asked: tuple[int, ...] | None, known: tuple[int, ...] | None
) -> tuple[int, ...]:
    size, dimensions = column.kind.size, column.kind.dimensions
    for said, by in ((asked, "shape"), (told.shape if told else None, "the note in the file")):
        if said and math.prod(said) != size:
            raise DataError(
                column.where, "values of an image", expected=f"{math.prod(said):,}, as {by} says",
                found=f"{size:,}",
            )  # fmt: skip
        if said:
            return said
    if len(dimensions) in (2, 3):
        return dimensions
    if known and math.prod(known) == size:
        return known
    return _square(column, size)


def _square(column: Stored, size: int) -> tuple[int, int]:
    side = math.isqrt(size)
    if side * side != size:
        raise DataError(
            column.where,
            "values of a square image",
            expected="a square number",
            found=f"{size:,}",
            todo="say --read shape=HxW or shape=HxWxC",
        )
    _log.warning(
        "%s: taken as gray images of %dx%d; --read shape=HxW[xC] says otherwise", column.path, side, side
    )
    return side, side


def _is_shape(shape: tuple[Any, ...]) -> bool:
    return len(shape) in (2, 3) and all(type(n) is int and n > 0 for n in shape)


def _strings(names: Any) -> tuple[str, ...] | None:
    if names is not None and not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise ValueError(names)
    return tuple(names) if names else None


def _not_ours(column: Stored, found: str) -> DataError:
    return DataError(
        column.where, f"annotation {OWN!r}", expected="dtype and shape of the images", found=found
    )
