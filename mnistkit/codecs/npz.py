"""NumPy archives (``.npz``): arrays read row by row, whole or not at all; pickles are never loaded.

Source: the documentation of ``numpy.lib.format`` and of ``numpy.savez``.
"""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from mnistkit.compression import MOST_RATIO
from mnistkit.dataset import Array
from mnistkit.errors import DataError, MnistkitError

SUFFIX = ".npy"

_SKIP_BYTES = 1 << 20
_MOST_HEADER_BYTES = 1 << 16

#: What zipfile raises on damaged archives, and numpy on headers, which it takes apart as Python does.
_DAMAGED = (
    OSError,
    ValueError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    RuntimeError,
    SyntaxError,
    tokenize.TokenError,
    MemoryError,
)


@dataclass(frozen=True)
class NpzArray:
    """An array in a NumPy archive whose header has been read.

    Use :func:`open_npz` or :func:`arrays_in` to get one.
    """

    path: Path
    key: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    def __len__(self) -> int:
        return self.shape[0]

    def rows(self, start: int, stop: int, size: int) -> Iterator[Array]:
        """Yield rows ``start`` to ``stop``, ``size`` at a time; the archive is read from its front.

        Raises:
            DataError: The archive is damaged.
        """
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        with _opened(self.path) as archive, archive.open(self.key + SUFFIX) as member:
            _read_header(member)
            _skip(member, start * row_bytes)
            for first in range(start, stop, size):
                count = min(size, stop - first)
                raw = member.read(count * row_bytes)
                yield np.frombuffer(raw, self.dtype).reshape(count, *self.shape[1:])
            if stop == len(self):
                member.read(1)  # at the end its checksum is compared


def open_npz(path: Path, key: str) -> NpzArray:
    """Read the header of an array in a NumPy archive.

    Raises:
        DataError: No archive, no such array, or not a plain C-ordered array.
    """
    with _opened(path) as archive:
        return _array(archive, path, key)


def arrays_in(path: Path) -> dict[str, NpzArray]:
    """Read the headers of all arrays in a NumPy archive, by key.

    Raises:
        DataError: No archive, something else in it, or not plain C-ordered arrays.
    """
    with _opened(path) as archive:
        for name in archive.namelist():
            if not name.endswith(SUFFIX):
                raise DataError(path, f"member {name!r}", expected=f"arrays alone, *{SUFFIX}")
        keys = [name.removesuffix(SUFFIX) for name in archive.namelist()]
        return {key: _array(archive, path, key) for key in keys}


def read_texts(array: NpzArray) -> tuple[str, ...]:
    """Return an array of texts: (n,) of fixed length.

    Raises:
        DataError: It is no such array.
    """
    if array.dtype.kind != "U" or len(array.shape) != 1:
        raise DataError(array.path, f"array {array.key!r}", expected="texts", found=array.dtype)
    rows = array.rows(0, len(array), max(1, len(array)))
    return tuple(str(text) for piece in rows for text in piece)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive; what goes wrong while it is read is said of it."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except MnistkitError:
        raise
    except _DAMAGED as error:
        raise DataError(path, "damaged NumPy archive", found=str(error), todo="get the file again") from error


def _array(archive: zipfile.ZipFile, path: Path, key: str) -> NpzArray:
    name = key + SUFFIX
    with archive.open(name) as member:
        shape, fortran, dtype = _read_header(member)
        start = member.tell()
    if fortran or dtype.hasobject or not shape:
        order = "Fortran order" if fortran else "C order"
        raise DataError(
            path, f"array {key!r}", expected="rows of plain numbers in C order",
            found=f"{dtype} {shape} in {order}", todo="save it with numpy.ascontiguousarray",
        )  # fmt: skip
    info = archive.getinfo(name)
    claimed = start + math.prod(shape) * dtype.itemsize
    if claimed != info.file_size or claimed > max(info.compress_size, 64) * MOST_RATIO["zip"]:
        raise DataError(
            path, f"array {key!r}", expected=f"{claimed:,} bytes",
            found=f"{info.file_size:,}, packed into {info.compress_size:,}", todo="get the file again",
        )  # fmt: skip
    return NpzArray(path, key, shape, dtype)


def _read_header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    version = npy.read_magic(member)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    return read(member, max_header_size=_MOST_HEADER_BYTES)


def _skip(member: IO[bytes], count: int) -> None:
    while count:
        skipped = len(member.read(min(count, _SKIP_BYTES)))
        if not skipped:
            raise EOFError("ends too early")
        count -= skipped
