"""Memory that is used again, and reading into it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np

from mnistkit.errors import DataError

#: Just below the most that glibc takes for a hint.
_HINT_BYTES = 31 << 20


@cache
def keep_freed_blocks() -> None:
    """Have the C library keep freed blocks for the next ones, instead of giving them back each time.

    glibc returns a block of some size to the system until one of that size has been freed once
    (``M_MMAP_THRESHOLD`` in mallopt(3)).  So one large block, never touched, is freed here.  Without
    it, a fifth of the time of reading and writing goes into memory that is new each time.
    """
    np.empty(_HINT_BYTES, np.uint8)


class Buffers:
    """Buffers that files are read into: as many as there are threads at work, since one is lent to each."""

    def __init__(self) -> None:
        self._free: list[bytearray] = []

    @contextmanager
    def read(self, path: Path, offset: int, most: int) -> Iterator[tuple[bytearray, int]]:
        """Read at most so many bytes of a file, from a position on; lend the buffer they are at the front of.

        Yields:
            The buffer, and how many bytes there were.

        Raises:
            DataError: The file cannot be read.
        """
        buffer = self._free.pop() if self._free else bytearray()
        try:
            buffer, size = _read(path, offset, most, buffer)
            yield buffer, size
        finally:
            self._free.append(buffer)


def _read(path: Path, offset: int, most: int, buffer: bytearray) -> tuple[bytearray, int]:
    """Read into a buffer, or into a larger one where it is too small for what the file has."""
    done = 0
    try:
        with path.open("rb", buffering=0) as file:
            size = max(0, min(most, os.fstat(file.fileno()).st_size - offset))
            if len(buffer) < size:
                buffer = bytearray(size)
            file.seek(offset)
            with memoryview(buffer) as view:
                while done < size and (more := file.readinto(view[done:size])):
                    done += more
    except OSError as error:
        raise DataError(path, "cannot be read", found=error.strerror or str(error)) from error
    return buffer, done
