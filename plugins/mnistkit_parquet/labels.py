"""The labels of a table: whole numbers, or texts that stand for them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from mnistkit.dataset import bounds_of, read_only
from mnistkit.errors import DataError
from mnistkit_parquet.columns import dtype_in, is_text
from mnistkit_parquet.files import opened, read_group
from mnistkit_parquet.pixels import Place, dense, numbers_of, refuse_nulls

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from mnistkit.dataset import Array

#: Above so many different texts, a column holds no classes.
MOST_TEXTS = 1 << 16

_AT_ONCE = 1 << 16
_DIGITS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Labels:
    """The column with the labels of a split.

    Attributes:
        name: Its name.
        dtype: numpy's name of the labels' type.
        bounds: The least and the greatest label; None if there are no rows.
        texts: The different texts; None where the column holds numbers.
        numbers: The label that each text stands for.
    """

    name: str
    dtype: str
    bounds: tuple[int, int] | None = None
    texts: frozenset[str] | None = None
    numbers: Mapping[str, int] = field(default_factory=dict)


def survey(files: Sequence[Path], schema: pa.Schema, name: str) -> Labels:
    """Read the labels of a split and no other column.

    Raises:
        DataError: A null, or too many different texts to be classes.
    """
    if is_text(schema.field(name).type):
        return Labels(name, "int64", texts=frozenset(_texts(files, name)))
    bounds = None
    for file, row, column in _columns(files, name):
        bounds = bounds_of(dense(column, (), Place(file, name, row)), bounds)
    return Labels(name, dtype_in(schema, name, files[0]), bounds)


def number(
    splits: Sequence[Labels | None], path: object
) -> tuple[list[Labels | None], tuple[str, ...] | None]:
    """Turn texts into labels: digits into what they say, others into their places in sorted order.

    Returns:
        The labels of all splits, and the class names that the texts are, if they are.

    Raises:
        DataError: One split has numbers and another class names.
    """
    texts = sorted(set().union(*(labels.texts or () for labels in splits if labels)))
    numbers = {text: int(text) for text in texts if _DIGITS.fullmatch(text)}
    named = len(set(numbers.values())) < len(texts)  # also where two texts, 7 and 07, say one number
    if named:
        numbers = {text: i for i, text in enumerate(texts)}
        mixed = [labels for labels in splits if labels and labels.texts is None]
        if mixed:
            raise DataError(path, "labels that are numbers in one split and texts in another")
    numbered = [labels and _numbered(labels, numbers) for labels in splits]
    return numbered, tuple(texts) if named else None


def labels_in(column: pa.Array, labels: Labels, place: Place) -> Array:
    """Return the labels of some rows: (n,) of their dtype.

    Raises:
        DataError: A null, or a text that was not there when the labels were surveyed.
    """
    if labels.texts is None:
        return dense(column, (), place)
    refuse_nulls(column, 1, place)
    found = column.dictionary.to_pylist()
    if not labels.numbers.keys() >= {*found}:
        raise DataError(place.path, f"column {place.column!r} has changed since it was opened")
    numbers = np.array([labels.numbers[text] for text in found], "int64")
    return read_only(numbers[numbers_of(column.indices)])


def _texts(files: Sequence[Path], name: str) -> set[str]:
    texts: set[str] = set()
    for file, row, column in _columns(files, name, text=True):
        refuse_nulls(column, 1, Place(file, name, row))
        texts.update(column.dictionary.take(column.indices.unique()).to_pylist())
        if len(texts) > MOST_TEXTS:
            expected = f"numbers, or at most {MOST_TEXTS} classes"
            raise DataError(
                file, f"texts of column {name!r}", expected=expected, found=f"{len(texts)} or more"
            )
    return texts


def _columns(files: Sequence[Path], name: str, *, text: bool = False) -> Iterable[tuple[Path, int, pa.Array]]:
    """Yield one column in pieces, each with its file and the number of its first row."""
    for file in files:
        row = 0
        with opened(file, texts=[name] if text else []) as parquet:
            for group in range(parquet.num_row_groups):
                for records in read_group(parquet, file, group, [name], _AT_ONCE):
                    yield file, row, records.column(name)
                    row += len(records)


def _numbered(labels: Labels, numbers: Mapping[str, int]) -> Labels:
    if labels.texts is None:
        return labels
    found = [numbers[text] for text in labels.texts]
    bounds = (min(found), max(found)) if found else None
    return replace(labels, bounds=bounds, numbers=numbers)
