"""Rows read from where HDF5 keeps them in the file: HDF5 itself uses one processor, and opening costs."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import NamedTuple, TypeAlias

import h5py
import numpy as np
from zlib_ng import zlib_ng

from mnistkit.dataset import Array
from mnistkit.errors import DataError
from mnistkit_hdf5.columns import place_of

#: Chunks beyond this size are left to HDF5, for each worker holds one beside its rows.
_MOST_CHUNK_BYTES = 4 << 20

#: Most chunks whose places are remembered, at 16 bytes each.
_MOST_CHUNKS = 1 << 20

_NOWHERE = -1  # the offset of a chunk that was never written


class State(NamedTuple):
    """What tells that a file is still the one whose places are known."""

    device: int
    inode: int
    size: int
    changed: int

    @classmethod
    def of(cls, found: os.stat_result) -> State:
        """Take it from what the system says of a file."""
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


@dataclass(frozen=True, eq=False)
class Flat:
    """A dataset that lies in one piece.

    Attributes:
        place: What messages call it.
        dtype: Its type as it is stored.
        shape: Shape of one row.
        offset: Where it begins in the file.
    """

    place: str
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    offset: int

    #: How many rows are read together; any number can be.
    step = 1

    def read_into(self, rows: Array, file: FileIO, start: int) -> None:
        """Fill an array with the rows from ``start`` on."""
        row = math.prod(self.shape) * self.dtype.itemsize
        _read_into(rows.reshape(-1).view("u1").data, file, self.offset + start * row, self.place)


@dataclass(frozen=True, eq=False)
class Packed:
    """A dataset in chunks of whole rows, packed by gzip alone.

    Attributes:
        place: What messages call it.
        dtype: Its type as it is stored.
        shape: Shape of one row.
        step: Number of rows in a chunk.
        offsets: Where each chunk begins in the file, or -1 where it was never written.
        sizes: Bytes of each in the file.
        plain: Whether each stands in the file as it is, because gzip did not help.
        fill: The value of rows that were never written.
    """

    place: str
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    step: int
    offsets: Array
    sizes: Array
    plain: Array
    fill: Array

    def read_into(self, rows: Array, file: FileIO, start: int) -> None:
        """Fill an array with the rows from ``start`` on, each chunk inflated once."""
        stop = start + len(rows)
        for number in range(start // self.step, -(-stop // self.step)):
            first = number * self.step
            begin, end = max(start, first), min(stop, first + self.step)
            rows[begin - start : end - start] = self._chunk(file, number)[begin - first : end - first]

    def _chunk(self, file: FileIO, number: int) -> Array:
        shape, offset = (self.step, *self.shape), int(self.offsets[number])
        if offset == _NOWHERE:
            return np.broadcast_to(self.fill.astype(self.dtype), shape)
        data, size = bytearray(int(self.sizes[number])), math.prod(shape) * self.dtype.itemsize
        _read_into(memoryview(data), file, offset, self.place)
        whole = data if self.plain[number] else _inflated(data, size, self.place)
        if len(whole) != size:
            raise _damaged(self.place, f"a chunk of other than {size:,} bytes")
        return np.frombuffer(whole, self.dtype).reshape(shape)


#: Where the rows of a dataset are.
Placed: TypeAlias = Flat | Packed


def placed(dataset: h5py.Dataset) -> Placed | None:
    """Find out where the rows of a dataset are; None where HDF5 alone can read them."""
    if dataset.dtype.kind not in "iuf" or dataset.file.userblock_size:
        return None
    if dataset.chunks is None:
        offset = dataset.id.get_offset()
        return None if offset is None else Flat(place_of(dataset), dataset.dtype, dataset.shape[1:], offset)
    return _places_of_chunks(dataset) if _is_packed(dataset) else None


@contextmanager
def still(path: Path, state: State) -> Iterator[FileIO]:
    """Open a file whose places are known.

    Raises:
        DataError: It cannot be opened, or has changed since.
    """
    try:
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise DataError(path, "not readable", found=error.strerror, todo="get the file again") from error
    with file:
        if State.of(os.fstat(file.fileno())) != state:
            raise DataError(path, "changed since it was opened", todo="open it again")
        yield file


def _is_packed(dataset: h5py.Dataset) -> bool:
    made = dataset.id.get_create_plist()
    return bool(
        dataset.chunks[1:] == dataset.shape[1:]
        and made.get_nfilters() == 1
        and made.get_filter(0)[0] == h5py.h5z.FILTER_DEFLATE
        and math.prod(dataset.chunks) * dataset.dtype.itemsize <= _MOST_CHUNK_BYTES
        and dataset.shape[0] <= dataset.chunks[0] * _MOST_CHUNKS
    )


def _places_of_chunks(dataset: h5py.Dataset) -> Packed:
    step = dataset.chunks[0]
    count = -(-dataset.shape[0] // step)
    offsets, sizes = np.full(count, _NOWHERE, np.int64), np.zeros(count, np.int64)
    plain = np.zeros(count, bool)
    for stored in _stored_chunks(dataset, count):
        number = stored.chunk_offset[0] // step
        if number < count:  # a file may hold chunks behind its last row
            offsets[number], sizes[number] = stored.byte_offset, stored.size
            plain[number] = stored.filter_mask != 0
    fill = np.asarray(dataset.fillvalue)
    return Packed(place_of(dataset), dataset.dtype, dataset.shape[1:], step, offsets, sizes, plain, fill)


def _stored_chunks(dataset: h5py.Dataset, count: int) -> Iterator[h5py.h5d.StoreInfo]:
    if hasattr(dataset.id, "chunk_iter"):
        found: list[h5py.h5d.StoreInfo] = []
        dataset.id.chunk_iter(found.append)  # goes on as long as it is given None
        return iter(found)
    corners = ((number * dataset.chunks[0], *(0,) * (dataset.ndim - 1)) for number in range(count))
    every = (dataset.id.get_chunk_info_by_coord(corner) for corner in corners)
    return (stored for stored in every if stored.byte_offset is not None)


def _read_into(view: memoryview, file: FileIO, at: int, place: str) -> None:
    file.seek(at)
    while view:
        count = file.readinto(view)
        if not count:
            raise DataError(place, "the file ends too soon", todo="get the file again")
        view = view[count:]


def _inflated(packed: bytearray, size: int, place: str) -> bytes:
    inflate = zlib_ng.decompressobj()
    try:
        data = inflate.decompress(packed, size)
        more = inflate.decompress(inflate.unconsumed_tail, 1)
    except zlib_ng.error as error:  # type: ignore[misc]  # its stub gives an object, not a class
        raise _damaged(place, str(error)) from error
    if more or not inflate.eof:
        raise _damaged(place, f"a chunk of other than {size:,} bytes")
    return bytes(data)


def _damaged(place: str, found: str) -> DataError:
    return DataError(place, "damaged chunk", found=found, todo="get the file again")
