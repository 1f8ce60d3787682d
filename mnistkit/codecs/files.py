"""Many small files in one open folder: short names to look up, and three or four system calls a file.

The calls for a batch are made in C where ``native/files.c`` is built, without the interpreter lock, and
otherwise here.  What fails in C is done here once more, so that errors are the same.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mnistkit import native
from mnistkit.dataset import MOST_ROW_BYTES
from mnistkit.errors import DataError

#: Whether the system opens and makes files relative to an open folder.
RELATIVE = {os.open, os.mkdir} <= os.supports_dir_fd

_BINARY = getattr(os, "O_BINARY", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY
_OLD = os.O_RDONLY | _BINARY | getattr(os, "O_NONBLOCK", 0)

#: Bytes of one file: of the largest image, uncompressed, and of what else may be said in the file.
_MOST_BYTES = MOST_ROW_BYTES + (16 << 20)

#: Bytes of files that are held together.
_MOST_TOGETHER = 16 << 20


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
        raise DataError(path, "cannot be opened", expected="a folder", found=error.strerror) from error
    try:
        yield Folder(path, descriptor, "")
    finally:
        os.close(descriptor)


def make_folder(folder: Folder, name: str) -> None:
    """Make a folder in a folder; several workers may find at once that it is missing."""
    with suppress(FileExistsError):
        os.mkdir(folder.prefix + name, dir_fd=folder.open)


def create_all(folder: Folder, names: Sequence[str], contents: Sequence[bytes]) -> None:
    """Make files, or replace what is in those that are there.

    Raises:
        OSError: One cannot be made or written; it has the path.
    """
    done = _created(folder, names, contents)
    for name, data in zip(names[done:], contents[done:], strict=True):
        try:
            _create(folder, name, data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(folder.path / name)) from error


def read_all(folder: Folder, names: Sequence[str]) -> Iterator[list[bytes]]:
    """Yield what regular files hold, usually of all at once: of as many as have 16 MiB, or of one.

    Opening or reading anything else does not wait for ever.

    Raises:
        DataError: No regular file, larger than any image, or it cannot be read.
    """
    done = 0
    while done < len(names):
        contents = _found(folder, names[done:]) or _read_some(folder, names[done:])
        done += len(contents)
        yield contents


def _created(folder: Folder, names: Sequence[str], contents: Sequence[bytes]) -> int:
    """Make files in C, up to the first that fails; return how many."""
    if folder.open is None or native.state() != "in use":
        return 0
    from mnistkit.native import files  # noqa: PLC0415 - may not be there

    return files.create(folder.open, _joined(names), tuple(contents))


def _found(folder: Folder, names: Sequence[str]) -> list[bytes]:
    """Read files in C, up to the first that fails or makes them too many bytes."""
    if folder.open is None or native.state() != "in use":
        return []
    from mnistkit.native import files  # noqa: PLC0415 - may not be there

    return files.read(folder.open, _joined(names), _MOST_TOGETHER)


def _joined(names: Sequence[str]) -> bytes:
    """Return names as the system has them, a zero behind each."""
    return os.fsencode("\0".join([*names, ""]))


def _create(folder: Folder, name: str, data: bytes) -> None:
    descriptor = os.open(folder.prefix + name, _NEW, 0o666, dir_fd=folder.open)
    try:
        done = os.write(descriptor, data)
        while done < len(data):
            done += os.write(descriptor, data[done:])
    finally:
        os.close(descriptor)


def _read_some(folder: Folder, names: Sequence[str]) -> list[bytes]:
    contents, size = [], 0
    for name in names:
        try:
            contents.append(_read(folder, name))
        except OSError as error:
            raise DataError(
                folder.path / name, "cannot be read", expected="an image", found=error.strerror
            ) from error
        size += len(contents[-1])
        if size > _MOST_TOGETHER:
            break
    return contents


def _read(folder: Folder, name: str) -> bytes:
    descriptor = os.open(folder.prefix + name, _OLD, dir_fd=folder.open)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise DataError(
                folder.path / name, "not a regular file", expected="an image", found="something else"
            )
        if status.st_size > _MOST_BYTES:
            raise DataError(
                folder.path / name,
                "file too large",
                expected=f"at most {_MOST_BYTES:,} bytes",
                found=f"{status.st_size:,}",
            )
        return _content(descriptor, status.st_size)
    finally:
        os.close(descriptor)


def _content(descriptor: int, size: int) -> bytes:
    """Return so many bytes of a file, or fewer where it ends before."""
    data = os.read(descriptor, size)
    while len(data) < size and (more := os.read(descriptor, size - len(data))):
        data += more
    return data
