"""One IDX file: its header and its rows, plain or compressed, any type and any number of dimensions."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

import numpy as np

from mnistkit.buffers import BufferPool
from mnistkit.compression import MOST_RATIO, Compression, compression_of, open_decompressed
from mnistkit.dataset import MOST_ROW_BYTES, Array
from mnistkit.errors import DataError
from mnistkit.idx import TYPE_CODES

_TYPES = {code: np.dtype(name).newbyteorder(">") for name, code in TYPE_CODES.items()}

_SKIP_BYTES = 1 << 20

#: Bytes read at once: what is inflated stays in the processor's cache until it is copied into place.
_PIECE = 1 << 17


@dataclass(frozen=True, slots=True)
class Header:
    """What an IDX file promises: the type and shape of its array."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Size of the header itself, in bytes."""
        return 4 + 4 * len(self.shape)

    @property
    def row_bytes(self) -> int:
        """Size of one row (one image, one label), in bytes."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    @property
    def data_bytes(self) -> int:
        """Size of the data behind the header, in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize

    def encode(self) -> bytes:
        """Return the header as it stands in a file."""
        code = TYPE_CODES[self.dtype.name]
        return struct.pack(f">HBB{len(self.shape)}I", 0, code, len(self.shape), *self.shape)


@dataclass(frozen=True)
class IdxFile:
    """An IDX file on disk whose header has been read and, where it is plain, checked against its size.

    Use :func:`open_idx` to get one.
    """

    path: Path
    header: Header
    compression: Compression

    def __len__(self) -> int:
        return self.header.shape[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole array."""
        return self.header.shape

    @cached_property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of its values, in native byte order."""
        return self.header.dtype.newbyteorder("=")

    def rows(self, start: int, stop: int, size: int) -> Iterator[Array]:
        """Yield rows ``start`` to ``stop``, ``size`` at a time, each array (n, …) in native byte order.

        A plain file is read from ``start`` on; a compressed one is decompressed from its front.
        Reading to the end checks that nothing follows the promised data.

        Raises:
            DataError: The file is damaged, ends too early or holds more than it promises.
        """
        pool = BufferPool(min(size, max(1, stop - start)) * self.header.row_bytes)
        with open_decompressed(self.path, self.compression) as file:
            self._skip(file, self.header.size + start * self.header.row_bytes)
            for first in range(start, stop, size):
                yield self._read_rows(file, min(size, stop - first), pool)
            self._check_end(file, stop)

    def map(self, start: int, stop: int) -> Array | None:
        """Return rows as a memory map (a copy where the byte order differs); None if compressed."""
        if self.compression != "none":
            return None
        shape = (stop - start, *self.shape[1:])
        if not math.prod(shape):
            return np.empty(shape, self.dtype)
        offset = self.header.size + start * self.header.row_bytes
        mapped = np.memmap(self.path, self.header.dtype, "r", offset, shape)
        return np.asarray(mapped) if mapped.dtype == self.dtype else mapped.astype(self.dtype)

    def load(self, start: int, stop: int) -> Array:
        """Read rows into an array of their own, compressed or not; checks the end as :meth:`rows` does.

        Raises:
            DataError: The file is damaged, ends too early or holds more than it promises.
            MemoryError: It promises more than there is memory.
        """
        raw = np.empty((stop - start) * self.header.row_bytes, np.uint8)
        with open_decompressed(self.path, self.compression) as file:
            self._skip(file, self.header.size + start * self.header.row_bytes)
            self._fill(file, raw)
            self._check_end(file, stop)
        return self._array(raw, stop - start)

    def _skip(self, file: IO[bytes], count: int) -> None:
        if self.compression == "none":
            file.seek(count)
            return
        while count:
            skipped = len(file.read(min(count, _SKIP_BYTES)))
            if not skipped:
                raise self._too_short()
            count -= skipped

    def _read_rows(self, file: IO[bytes], count: int, pool: BufferPool) -> Array:
        raw = pool.take()[: count * self.header.row_bytes]
        self._fill(file, raw)
        return self._array(raw, count)

    def _fill(self, file: IO[bytes], raw: Array) -> None:
        view = raw.data
        filled = 0
        while filled < len(view):
            got = file.readinto(view[filled : filled + _PIECE])  # type: ignore[attr-defined]  # binary files all have it
            if not got:
                raise self._too_short()
            filled += got

    def _array(self, raw: Array, count: int) -> Array:
        values = raw.view(self.header.dtype)
        if values.dtype != self.dtype:
            values = values.byteswap(inplace=True).view(self.dtype)
        rows = values.reshape(count, *self.shape[1:])
        rows.flags.writeable = False
        return rows

    def _check_end(self, file: IO[bytes], stop: int) -> None:
        """Check that nothing follows the last row; a plain file's size has told that."""
        if stop == len(self) and self.compression != "none" and file.read(1):
            raise _surplus(self.path, self.header)

    def _too_short(self) -> DataError:
        expected = f"{self.header.size + self.header.data_bytes:,} bytes"
        return DataError(
            self.path, "ends too early", expected=expected, found="fewer", todo="get the file again"
        )


def open_idx(path: Path) -> IdxFile:
    """Read the header of an IDX file and hold it against the file's size.

    Raises:
        DataError: No IDX file, or not of the size that its header promises.
    """
    compression = compression_of(path)
    with open_decompressed(path, compression) as file:
        header = _read_header(file, path)
    stored = path.stat().st_size
    promised = header.size + header.data_bytes
    if compression == "none" and stored != promised:
        what = "ends too early" if stored < promised else "data behind the end of the array"
        raise DataError(
            path, what, expected=f"{promised:,} bytes", found=f"{stored:,}", todo="get the file again"
        )
    most = stored * MOST_RATIO.get(compression, 1)
    if compression != "none" and header.data_bytes > most:
        raise DataError(
            path, f"promises more than {stored:,} bytes of {compression} can hold",
            expected=f"at most {most:,} bytes", found=f"{promised:,}", todo="get the file again",
        )  # fmt: skip
    if header.data_bytes == 0 and compression != "none":
        _check_nothing_follows(path, header)
    if header.row_bytes > MOST_ROW_BYTES:
        raise DataError(
            path, "one row is too large", expected=f"at most {MOST_ROW_BYTES:,} bytes",
            found=f"{header.row_bytes:,}",
        )  # fmt: skip
    _check_array(path, header)
    return IdxFile(path, header, compression)


def _check_nothing_follows(path: Path, header: Header) -> None:
    """Check the end of a compressed file without rows, which nobody else will reach."""
    with open_decompressed(path) as file:
        file.read(header.size)
        if file.read(1):
            raise _surplus(path, header)


def _check_array(path: Path, header: Header) -> None:
    """Make sure that numpy has such arrays: of so many dimensions, and not too large but for a zero."""
    try:
        np.broadcast_to(np.empty((), header.dtype), header.shape)
    except ValueError as error:
        raise DataError(path, "not an array", expected="one that numpy can hold", found=error) from error


def _surplus(path: Path, header: Header) -> DataError:
    return DataError(
        path,
        "data behind the end of the array",
        expected=f"{header.size + header.data_bytes:,} bytes",
        found="more",
        todo="get the file again",
    )


def is_idx(head: bytes) -> bool:
    """Whether bytes begin like an IDX file."""
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in _TYPES


def _read_header(file: IO[bytes], path: Path) -> Header:
    magic = file.read(4)
    if not is_idx(magic):
        raise DataError(
            path, "not an IDX file", expected="bytes 00 00, a type and a number of dimensions",
            found=_kind_of(magic), todo="get the file again",
        )  # fmt: skip
    sizes = file.read(4 * magic[3])
    if not magic[3]:
        raise DataError(path, "IDX without dimensions", expected="at least 1", found=0)
    if len(sizes) < 4 * magic[3]:
        raise DataError(
            path, "ends within its header", expected=f"{4 + 4 * magic[3]} bytes", found=4 + len(sizes)
        )
    return Header(_TYPES[magic[2]], struct.unpack(f">{magic[3]}I", sizes))


def _kind_of(magic: bytes) -> str:
    if not magic:
        return "an empty file"
    known = {
        b"<": "a web page or XML",
        b"%PDF": "a PDF",
        b"\x89PNG": "a PNG",
        b"PAR1": "Parquet",
        b"\x89HDF": "HDF5",
    }
    return next((kind for start, kind in known.items() if magic.startswith(start)), magic.hex(" "))
