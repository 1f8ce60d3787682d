"""Turns columns of Arrow into arrays, strictly: no nulls, no ragged rows, no value that does not fit.

In every message the row is the one in the file, counted from 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mnistkit.codecs import png
from mnistkit.dataset import read_only
from mnistkit.errors import DataError
from mnistkit_parquet.columns import Columns, dtype_of
from mnistkit_parquet.shapes import Images

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnistkit.dataset import Array


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file a column begins, for messages: the file, the column and the row."""

    path: object
    column: str
    row: int = 0

    def error(self, row: int, what: str, **facts: object) -> DataError:
        """Return an error about a row, counted from where the column begins."""
        return DataError(f"{self.path}: row {self.row + row}: column {self.column!r}", what, **facts)  # type: ignore[arg-type]  # the facts of every error


def images_in(batch: pa.RecordBatch, columns: Columns, images: Images, place: Place) -> Array:
    """Return the images of some rows: (n, height, width[, channels]) of their dtype, C-order.

    Raises:
        DataError: A null, an image of another shape or type, a list of another length, a value that does
            not fit the type.
    """
    if columns.by_pixel:
        return _stacked(batch, columns.images, images, place)
    column = batch.column(columns.images[0])
    if images.kind == "files":
        return _decoded(column, images, place)
    if images.kind == "bytes":
        return _from_bytes(column, images, place)
    values = _fitted(dense(column, images.lengths, place), images.dtype, place)
    return values.reshape(-1, *images.shape)


def dense(column: pa.Array, lengths: Sequence[int], place: Place) -> Array:
    """Return a column of numbers, or of nested lists of these lengths, as an array of shape (n, …).

    Raises:
        DataError: A null, or a list of another length.
    """
    n, per_row = len(column), 1
    column = column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column
    for length in lengths:
        column = _flat(column, length, per_row, place)
        per_row *= length
    refuse_nulls(column, per_row, place)
    return read_only(numbers_of(column).reshape(n, *lengths))


def numbers_of(column: pa.Array) -> Array:
    """Return numbers without nulls as ``to_numpy`` does, which imports pandas: 0.3 s and 50 MiB."""
    dtype, buffer = dtype_of(column.type), column.buffers()[1] or b""
    assert dtype is not None
    if dtype == "bool":
        bits = np.unpackbits(np.frombuffer(buffer, np.uint8), bitorder="little")
        return bits[column.offset : column.offset + len(column)].astype(bool)
    return np.frombuffer(buffer, dtype, len(column), column.offset * np.dtype(dtype).itemsize)


def files_in(column: pa.Array, place: Place) -> list[bytes]:
    """Return the image files in a column of bytes, or of structs with a field ``bytes``.

    Raises:
        DataError: A null.
    """
    refuse_nulls(column, 1, place)
    if pa.types.is_struct(column.type):
        column = column.field("bytes")
        refuse_nulls(column, 1, place)
    files: list[bytes] = column.to_pylist()
    return files


def _flat(column: pa.Array, length: int, per_row: int, place: Place) -> pa.Array:
    """Return the values of lists, all of one length, as one column; ``per_row`` lists make a row."""
    column = column.storage if isinstance(column, pa.ExtensionArray) else column
    refuse_nulls(column, per_row, place)
    if not pa.types.is_fixed_size_list(column.type):
        lengths = numbers_of(column.value_lengths())
        wrong = np.flatnonzero(lengths != length)
        if len(wrong):
            raise place.error(wrong[0] // per_row, "length of list", expected=length, found=lengths[wrong[0]])
    return column.flatten()


def refuse_nulls(column: pa.Array, per_row: int, place: Place) -> None:
    """Refuse a column with a null; ``per_row`` of its values make a row."""
    if column.null_count:
        first = int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise place.error(first // per_row, "null", expected="a value")


def _stacked(batch: pa.RecordBatch, names: Sequence[str], images: Images, place: Place) -> Array:
    pixels = np.empty((len(batch), len(names)), images.dtype)
    for i, name in enumerate(names):
        at = Place(place.path, name, place.row)
        pixels[:, i] = _fitted(dense(batch.column(name), (), at), images.dtype, at)
    return read_only(pixels.reshape(-1, *images.shape))


def _decoded(column: pa.Array, images: Images, place: Place) -> Array:
    files, pixels = files_in(column, place), np.empty((len(column), *images.shape), images.dtype)
    try:
        png.decode_batch(files, pixels, lambda i: _row(place, i))
    except DataError:
        _refuse_unlike(files, images, place)  # in the words of this format
        raise
    return read_only(pixels)


def _refuse_unlike(files: Sequence[bytes], images: Images, place: Place) -> None:
    expected = _kind(images.shape, images.dtype)
    for i, file in enumerate(files):
        found = _kind(*png.peek(file, _row(place, i)))
        if found != expected:
            raise place.error(i, "image", expected=expected, found=found)


def _row(place: Place, i: int) -> str:
    return f"{place.path}: row {place.row + i}"


def _from_bytes(column: pa.Array, images: Images, place: Place) -> Array:
    refuse_nulls(column, 1, place)
    little = np.dtype(images.dtype).newbyteorder("<")
    width = math.prod(images.shape) * little.itemsize
    if not pa.types.is_fixed_size_binary(column.type):
        sizes = numbers_of(pc.binary_length(column))
        wrong = np.flatnonzero(sizes != width)
        if len(wrong):
            raise place.error(wrong[0], "bytes of an image", expected=width, found=sizes[wrong[0]])
        column = column.cast(pa.binary(width))
    count = len(column) * math.prod(images.shape)
    values = np.frombuffer(column.buffers()[1] or b"", little, count, column.offset * width)
    return read_only(values.astype(images.dtype, copy=False).reshape(-1, *images.shape))


def _fitted(values: Array, dtype: str, place: Place) -> Array:
    """Turn integers into another type of integers, if all of them fit."""
    if values.dtype == dtype:
        return values
    bounds = np.iinfo(dtype)
    wrong = np.flatnonzero(
        ((values < bounds.min) | (values > bounds.max)).reshape(len(values), -1).any(axis=1)
    )
    if len(wrong):
        row = values[wrong[0]].reshape(-1)
        raise place.error(
            wrong[0],
            f"{values.dtype} pixels taken for {dtype}",
            expected=f"{bounds.min} to {bounds.max}",
            found=f"{row.min()} to {row.max()}",
            todo="store the pixels in the type they have, such as int16",
        )
    return read_only(values.astype(dtype))


def _kind(shape: Sequence[int], dtype: str) -> str:
    return f"{'x'.join(map(str, shape))} {dtype}"
