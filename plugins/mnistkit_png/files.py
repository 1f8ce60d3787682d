"""Many small files in one open folder: short names to look up, and three system calls a file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mnistkit.codecs import png
from mnistkit.errors import DataError

#: Whether the system opens and makes files relative to an open folder.
RELATIVE = {os.open, os.mkdir} <= os.supports_dir_fd

_BINARY = getattr(os, "O_BINARY", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY
_OLD = os.O_RDONLY | _BINARY | getattr(os, "O_NONBLOCK", 0)
_SMALL = 1 << 16  # bytes that are read before anything is known of a file
_MOST_BYTES = 8 * png.MOST_PIXELS  # twice as many as the pixels have, uncompressed


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder whose files are made or read by name.

    Attributes:
        path: Where it is.
        open: Its file descriptor, or None where the system has no use for one.
        prefix: What file names begin with: nothing, or the path where the folder is not open.
    """

    path: Path
    open: int | None
    prefix: str


@contextmanager
def opened(path: Path) -> Iterator[Folder]:
    """Open a folder, and close it in the end.

    Raises:
        DataError: It cannot be opened.
    """
    if not RELATIVE:
        yield Folder(path, None, f"{path}{os.sep}")
        return
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError as error:
        raise DataError(path, "cannot be opened", found=error.strerror) from error
    try:
        yield Folder(path, descriptor, "")
    finally:
        os.close(descriptor)


def make_folder(folder: Folder, name: str) -> None:
    """Make a folder in a folder; several workers may find at once that it is missing."""
    with suppress(FileExistsError):
        os.mkdir(folder.prefix + name, dir_fd=folder.open)


def create_all(folder: Folder, names: Iterable[str], contents: Iterable[bytes]) -> None:
    """Make files, or replace what is in those that are there."""
    at, prefix, create, write, close = folder.open, folder.prefix, os.open, os.write, os.close
    for name, data in zip(names, contents, strict=True):
        descriptor = create(prefix + name, _NEW, 0o666, dir_fd=at)
        try:
            done = write(descriptor, data)
            while done < len(data):
                done += write(descriptor, data[done:])
        finally:
            close(descriptor)


def read_all(folder: Folder, names: Sequence[str]) -> list[bytes]:
    """Return what regular files hold; opening or reading anything else does not wait for ever.

    Raises:
        DataError: No regular file, larger than any image, or it cannot be read.
    """
    at, prefix, open_, read, close = folder.open, folder.prefix, os.open, os.read, os.close
    contents, i = [], 0
    try:
        for i, name in enumerate(names):  # noqa: B007 - the number is for the error
            descriptor = open_(prefix + name, _OLD, dir_fd=at)
            try:
                data = read(descriptor, _SMALL)
                if not 0 < len(data) < _SMALL:
                    data = _whole(descriptor, data, folder.path / name)
            finally:
                close(descriptor)
            contents.append(data)
    except OSError as error:
        raise DataError(folder.path / names[i], "cannot be read", found=error.strerror) from error
    return contents


def _whole(descriptor: int, data: bytes, path: Path) -> bytes:
    """Return data and what follows it in a file that is large, empty, or no file at all."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise DataError(path, "not a regular file", expected="an image")
    if status.st_size > _MOST_BYTES:
        raise DataError(
            path, "file too large", expected=f"{_MOST_BYTES:,} bytes", found=f"{status.st_size:,}"
        )
    pieces = [data]
    left = status.st_size - len(data)
    while left > 0 and (more := os.read(descriptor, left)):
        pieces.append(more)
        left -= len(more)
    return b"".join(pieces)
