"""Chunks of whole rows that gzip has packed, inflated on all processors: HDF5 itself uses one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import h5py
import numpy as np
from zlib_ng import zlib_ng

from mnistkit.dataset import Array
from mnistkit.errors import DataError
from mnistkit.parallel import ordered_map
from mnistkit.settings import usable_cpus
from mnistkit_hdf5.columns import place_of

#: Chunks beyond this size are left to HDF5, for each worker holds one beside its rows.
_MOST_CHUNK_BYTES = 4 << 20


class _Form(NamedTuple):
    """What all chunks of a dataset have in common, and what messages call the dataset."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    place: str

    @property
    def size(self) -> int:
        """Bytes of a chunk."""
        return math.prod(self.shape) * self.dtype.itemsize


class _Chunk(NamedTuple):
    """A chunk on its way to its rows: as it stands in the file, or as HDF5 has read it."""

    first: int
    packed: bytes | None
    rows: Array | None


@dataclass(frozen=True)
class _Task:
    """Some rows and the chunks that hold them."""

    start: int
    stop: int
    chunks: list[_Chunk]


def is_packed(dataset: h5py.Dataset) -> bool:
    """Whether a dataset consists of chunks of whole rows of numbers, packed by gzip alone."""
    made = dataset.id.get_create_plist()
    return (
        dataset.chunks is not None
        and dataset.chunks[1:] == dataset.shape[1:]
        and made.get_nfilters() == 1
        and made.get_filter(0)[0] == h5py.h5z.FILTER_DEFLATE
        and dataset.dtype.kind in "iuf"
        and math.prod(dataset.chunks) * dataset.dtype.itemsize <= _MOST_CHUNK_BYTES
    )


def inflated(dataset: h5py.Dataset, start: int, stop: int, size: int) -> Iterator[Array]:
    """Yield rows ``start`` to ``stop``, ``size`` at a time; no chunk is read twice.

    Raises:
        DataError: A damaged chunk.
    """
    form = _Form(dataset.chunks, dataset.dtype, place_of(dataset))

    def rows_of(task: _Task) -> Array:
        rows = np.empty((task.stop - task.start, *form.shape[1:]), form.dtype)
        _inflate(task, form, rows)
        return rows.astype(form.dtype.newbyteorder("="), copy=False)

    yield from regrouped(ordered_map(rows_of, _tasks(dataset, start, stop, size), usable_cpus()), size)


def inflate_all(dataset: h5py.Dataset, start: int, stop: int, size: int) -> Array:
    """Return rows ``start`` to ``stop``, each chunk inflated into its place, about ``size`` rows at a time.

    Raises:
        DataError: A damaged chunk.
    """
    form = _Form(dataset.chunks, dataset.dtype, place_of(dataset))
    rows = np.empty((stop - start, *form.shape[1:]), form.dtype)

    def put(task: _Task) -> None:
        _inflate(task, form, rows[task.start - start : task.stop - start])

    workers = usable_cpus() if stop - start > size else 1  # a thread costs more than a chunk
    for _ in ordered_map(put, _tasks(dataset, start, stop, size), workers):
        pass
    return rows.astype(form.dtype.newbyteorder("="), copy=False)


def regrouped(pieces: Iterable[Array], rows: int) -> Iterator[Array]:
    """Cut images that come in any number into arrays of ``rows``; only the last may be shorter."""
    rest: Array | None = None
    for piece in pieces:
        joined = piece if rest is None else np.concatenate((rest, piece))
        whole = len(joined) - len(joined) % rows
        for start in range(0, whole, rows):
            yield joined[start : start + rows]
        rest = joined[whole:] if whole < len(joined) else None
    if rest is not None:
        yield rest


def _tasks(dataset: h5py.Dataset, start: int, stop: int, size: int) -> Iterator[_Task]:
    """Yield the chunks as they are stored, enough for ``size`` rows together."""
    chunk = dataset.chunks[0]
    step = chunk * max(1, size // chunk)
    for first in range(start - start % chunk, stop, step):
        end = min(first + step, stop)
        yield _Task(max(first, start), end, [_read(dataset, at) for at in range(first, end, chunk)])


def _read(dataset: h5py.Dataset, first: int) -> _Chunk:
    """Read a chunk; HDF5 unpacks one that was never written, or that gzip could not shrink."""
    corner = (first, *(0,) * (dataset.ndim - 1))
    stored = dataset.id.get_chunk_info_by_coord(corner)
    if stored.byte_offset is None or stored.filter_mask:
        return _Chunk(first, None, dataset[first : first + dataset.chunks[0]])
    return _Chunk(first, dataset.id.read_direct_chunk(corner)[1], None)


def _inflate(task: _Task, form: _Form, rows: Array) -> None:
    for first, packed, read in task.chunks:
        found = _unpacked(packed, form) if packed is not None else read
        assert found is not None
        begin, end = max(task.start, first), min(task.stop, first + form.shape[0])
        rows[begin - task.start : end - task.start] = found[begin - first : end - first]


def _unpacked(packed: bytes, form: _Form) -> Array:
    inflate = zlib_ng.decompressobj()
    try:
        data = inflate.decompress(packed, form.size)
        more = inflate.decompress(inflate.unconsumed_tail, 1)
    except zlib_ng.error as error:  # type: ignore[misc]  # its stub gives an object, not a class
        raise _damaged(form, str(error)) from error
    if len(data) != form.size or more or not inflate.eof:
        raise _damaged(form, f"a chunk of other than {form.size:,} bytes")
    return np.frombuffer(data, form.dtype).reshape(form.shape)


def _damaged(form: _Form, found: str) -> DataError:
    return DataError(form.place, "damaged chunk", found=found, todo="get the file again")
