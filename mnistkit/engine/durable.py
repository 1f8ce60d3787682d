"""Waits until the disk has what was written: files, and the folders that name them."""

from __future__ import annotations

import ctypes
import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mnistkit import settings

#: Above this many files one sync of the file system is quicker than one for each file.
_MANY_FILES = 1000


def sync_export(folder: Path) -> None:
    """Make sure that the disk has all files of an export, and the folders that name them.

    Raises:
        OSError: The disk is full, or broken.
    """
    if not settings.syncs():
        return
    count = sum(1 for _ in itertools.islice(_files(folder), _MANY_FILES + 1))
    if count > _MANY_FILES:
        _sync_file_system(folder)
        return
    for path in _files(folder):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    for where, _, _ in os.walk(folder):
        sync_folder(Path(where))


def sync_folder(folder: Path) -> None:
    """Make sure that the disk has the names in a folder.

    Raises:
        OSError: The disk is broken.
    """
    if os.name == "nt" or not settings.syncs():
        return  # Windows cannot sync folders
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(folder: Path) -> Iterator[Path]:
    return (Path(where, name) for where, _, names in os.walk(folder) for name in names)


def _sync_file_system(folder: Path) -> None:
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library
            sync = ctypes.CDLL(None, use_errno=True).syncfs
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                if sync(descriptor) != 0:
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), os.fspath(folder))
            finally:
                os.close(descriptor)
            return
    if hasattr(os, "sync"):
        os.sync()
