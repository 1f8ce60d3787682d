"""One array of a NumPy archive (``.npz``), streamed row by row; pickles are never loaded."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from mnistkit.dataset import Array
from mnistkit.errors import DataError

_SKIP_BYTES = 1 << 20
_DAMAGED = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, KeyError, RuntimeError)


@dataclass(frozen=True)
class NpzArray:
    """An array in a NumPy archive whose header has been read.

    Use :func:`open_npz` to get one.
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
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(f"{self.key}.npy") as member:
                _read_header(member)
                _skip(member, start * row_bytes)
                for first in range(start, stop, size):
                    count = min(size, stop - first)
                    raw = member.read(count * row_bytes)
                    yield np.frombuffer(raw, self.dtype).reshape(count, *self.shape[1:])
        except _DAMAGED as error:
            raise _damaged(self.path, error) from error


def open_npz(path: Path, key: str) -> NpzArray:
    """Read the header of an array in a NumPy archive.

    Raises:
        DataError: No archive, no such array, or not a plain C-ordered array.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{key}.npy") as member:
            shape, fortran, dtype = _read_header(member)
    except _DAMAGED as error:
        raise _damaged(path, error) from error
    if fortran or dtype.hasobject or not shape:
        raise DataError(path, f"array {key!r}", expected="plain numbers in C order", found=f"{dtype} {shape}")
    return NpzArray(path, key, shape, dtype)


def _read_header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(member)


def _skip(member: IO[bytes], count: int) -> None:
    while count:
        skipped = len(member.read(min(count, _SKIP_BYTES)))
        if not skipped:
            raise EOFError("ends too early")
        count -= skipped


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(path, "damaged NumPy archive", found=str(error), todo="get the file again")
