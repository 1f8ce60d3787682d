"""Reads labels: keys, as ML.NET's trainers want them, or plain numbers and digits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from mnistkit.dataset import Array, bounds_of
from mnistkit.errors import DataError
from mnistkit_mlnet.idv.contents import Stored, notes_of
from mnistkit_mlnet.idv.decode import check_lengths, note_numbers, note_texts, numbers_in, texts_in

#: A whole number as everybody writes it, of at most 18 digits: it fits int64.
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The labels of a file.

    Attributes:
        column: Where they stand.
        names: The class names, where the key has any.
        values: int64 (classes,): the label that each class stands for, where that is not its place.
    """

    column: Stored
    names: tuple[str, ...] | None = None
    values: npt.NDArray[np.int64] | None = None

    def within(self, file: BinaryIO, block: int) -> npt.NDArray[np.int64]:
        """Return the labels of a block: int64 (n,).

        Raises:
            DataError: A label is missing, beyond the classes, or no whole number.
        """
        column, first = self.column, block * self.column.block_rows
        if column.kind.name == "TextSpan":
            return _parsed(texts_in(file, column, block), column, first)
        found = numbers_in(file, column, block)
        if column.kind.name != "Key2":
            return _whole(found, column.where, first)
        classes = _classes(found, column, first)
        return classes if self.values is None else self.values[classes]

    def bounds(self) -> tuple[int, int] | None:
        """Return the least and the greatest label; reads them all."""
        found = None
        with self.column.path.open("rb") as file:
            for block in range(len(self.column.blocks)):
                found = bounds_of(self.within(file, block), found)
        return found


def find_labels(column: Stored, *, own: bool) -> Labels:
    """Find out what a column of labels means.

    Args:
        column: The column.
        own: Whether mnistkit made the file: then texts that are numbers are names, not labels.

    Raises:
        DataError: It holds no labels.
    """
    kind = column.kind
    if kind.is_vector or not (kind.dtype or kind.name == "TextSpan"):
        raise DataError(
            column.where, "no labels", expected="a key, whole numbers or digits", found=kind,
            todo="say which column they are with --read label=NAME",
        )  # fmt: skip
    check_lengths(column)
    note = notes_of(column).get("KeyValues") if kind.name == "Key2" else None
    if note is None:
        return Labels(column)
    if not note.kind.is_vector or note.kind.size != kind.count:
        raise DataError(
            note.where, "values of the key", expected=f"{kind.count:,}, as many as there are classes",
            found=note.kind,
        )  # fmt: skip
    if note.kind.dtype is not None:
        return Labels(column, values=_whole(note_numbers(column.path, note), note.where, 0))
    texts = note_texts(column.path, note)
    if not own and all(map(_WHOLE.fullmatch, texts)):
        return Labels(column, values=np.array(texts, np.int64))
    return Labels(column, names=tuple(texts))


def _classes(keys: Array, column: Stored, first: int) -> npt.NDArray[np.int64]:
    """Turn keys, which count from 1, into classes."""
    if (keys == 0).any():
        raise DataError(
            f"{column.where}, row {first + int(np.argmin(keys))}",
            "missing label",
            expected="a key from 1",
            found="key 0",
        )
    bad = keys > min(column.kind.count, np.iinfo(np.int64).max)
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(
            f"{column.where}, row {first + row}", "key", expected=f"1 to {column.kind.count:,}",
            found=f"{keys[row]:,}",
        )  # fmt: skip
    return keys.astype(np.int64) - 1


def _whole(numbers: Array, where: str, first: int) -> npt.NDArray[np.int64]:
    """Turn numbers of any type into int64, exactly."""
    if numbers.dtype.kind == "f":
        with np.errstate(invalid="ignore"):  # an infinite number has no remainder
            bad = ~(np.abs(numbers) < 2.0**63) | (numbers % 1 != 0)
    else:
        bad = numbers > np.iinfo(np.int64).max
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(
            f"{where}, row {first + row}",
            "label",
            expected="a whole number that fits int64",
            found=numbers[row],
        )
    return numbers.astype(np.int64)


def _parsed(texts: list[str], column: Stored, first: int) -> npt.NDArray[np.int64]:
    for row, text in enumerate(texts):
        if not _WHOLE.fullmatch(text):
            raise DataError(
                f"{column.where}, row {first + row}", "label", expected="digits", found=repr(text[:80]),
                todo="make keys of the texts with MapValueToKey",
            )  # fmt: skip
    return np.array(texts, np.int64)
