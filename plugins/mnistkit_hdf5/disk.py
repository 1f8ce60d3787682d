"""A file to which HDF5 writes without ever seeing a write fail.

HDF5 crashes the process where it cannot finish a file, as on a full disk.  So errors are kept here and
raised where HDF5 is out of the way.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import h5py

T = TypeVar("T")


class Disk(io.FileIO):
    """A new file.  Once a write has failed, all further ones are taken and dropped."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "x+")
        self._error: OSError | None = None

    def write(self, data: memoryview) -> int:  # type: ignore[override]  # h5py gives no other
        """Write all of the data, or keep the error."""
        rest = memoryview(data)
        try:
            while rest and self._error is None:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self._error = error
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        """Set the length of the file, or keep the error."""
        try:
            return super().truncate(size)
        except OSError as error:
            self._error = error
            return size or 0

    def check(self) -> None:
        """Raise what a write raised.

        Raises:
            OSError: A write has failed.
        """
        if self._error is not None:
            raise self._error

    def while_fine(self, items: Iterable[T]) -> Iterator[T]:
        """Yield the items until a write fails.

        Raises:
            OSError: A write has failed.
        """
        for item in items:
            self.check()
            yield item


@contextmanager
def create(disk: Disk) -> Iterator[h5py.File]:
    """Make a file that every HDF5 since 1.8 reads and that records no time.

    Raises:
        OSError: A write has failed.
    """
    with _create(disk) as file:
        yield file
    disk.check()


def _create(disk: Disk) -> h5py.File:
    """Call what h5py has below its own ``File(…, "w")``, which in old versions records times.

    The oldest version of the file format, h5py's default, would hold no more than 4,095 class names.
    """
    creation = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    creation.set_obj_track_times(False)
    # Must not live longer than this call: in the traceback of an error it would crash Python's end.
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_V18, h5py.h5f.LIBVER_V18)
    access.set_fileobj_driver(h5py.h5fd.fileobj_driver, disk)
    return h5py.File(h5py.h5f.create(os.fsencode(disk.name), h5py.h5f.ACC_TRUNC, creation, access))
