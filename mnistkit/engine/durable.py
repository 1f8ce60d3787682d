"""Waits until the disk has what was written: files, and the folders that name them."""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from mnistkit import settings

#: Above this many files one sync of the file system is quicker than one for each file.
_MANY_FILES = 1000

#: Windows syncs only what is open for writing; elsewhere, files may forbid that.
_MODE = "r+b" if os.name == "nt" else "rb"

#: What systems say of a folder that they cannot sync: fsync(2) promises nothing for folders.
_UNSYNCABLE = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)


def sync_export(folder: Path) -> None:
    """Make sure that the disk has all files of an export, and the folders that name them.

    Raises:
        OSError: The disk is full or broken, or a folder cannot be looked into.
    """
    if not settings.syncs():
        return
    count = sum(1 for _ in itertools.islice(_files(folder), _MANY_FILES + 1))
    if count > _MANY_FILES:
        _sync_file_system(folder)
        return
    for path in _files(folder):
        with open(path, _MODE) as file:  # noqa: PTH123 - text for speed
            os.fsync(file.fileno())
    for where, _, _ in _walk(folder):
        sync_folder(Path(where))


def sync_folder(folder: Path) -> None:
    """Make sure that the disk has the names in a folder, as far as the system and its rights allow.

    Raises:
        OSError: The disk is broken, or the folder is gone.
    """
    if os.name == "nt" or not settings.syncs():
        return  # Windows cannot sync folders
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # one may write to a folder that one may not read
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _UNSYNCABLE:
            raise
    finally:
        os.close(descriptor)


def _files(folder: Path) -> Iterator[str]:
    return (f"{where}/{name}" for where, _, names in _walk(folder) for name in names)


def _walk(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    return os.walk(folder, onerror=_raise)


def _raise(error: OSError) -> NoReturn:
    raise error


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
