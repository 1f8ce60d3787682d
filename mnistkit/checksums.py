"""SHA-256 of files: the list ``mnistkit.sha256``, and the checksums of sources."""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from mnistkit.errors import DataError
from mnistkit.naming import CHECKSUMS, RECEIPT, is_litter
from mnistkit.parallel import ordered_map

#: A source of more files than this is recorded as one entry.
_MANY = 100

#: Small files are hashed this many at a time: a job for each would cost more than the hashing.
_FILES_A_JOB = 256

#: A file smaller than this is read and hashed in one go.
_PIECE = 1 << 18

#: How many sources' checksums are kept while the process runs.
_REMEMBERED = 64

_NONE_KNOWN: Mapping[str, str] = {}

#: Stands for the checksum of a source that was not read to its end.
PARTIAL = "partial"

T = TypeVar("T")

_NO_FILE = "not a file"

#: A line of a list of checksums; the name may hold anything but what is unlistable.
_LINE = re.compile(r"([0-9a-f]{64})  (.+)", re.DOTALL)

#: What ``sha256sum`` would escape, terminals would obey, or UTF-8 cannot say.
_UNLISTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]")

#: Longer lines, in characters, are no names: systems allow 4096 bytes.
_LONGEST = 8192

#: Sorts before every place.
_FIRST: list[tuple[bool, str]] = []


def sha256_of(path: Path | str) -> str:
    """Return the hex SHA-256 of a file.

    Raises:
        DataError: It is a pipe, a folder, a link to nothing or the like.
        OSError: It cannot be read.
    """
    try:
        with open(path, "rb", buffering=0, opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise DataError(path, _NO_FILE)
            head = file.read(_PIECE)
            if len(head) < _PIECE:
                return hashlib.sha256(head).hexdigest()
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        if os.path.lexists(path) and not os.path.isfile(path):  # noqa: PTH113 - text or path
            raise DataError(path, _NO_FILE) from error
        raise


def sha256_once(path: Path) -> str:
    """Return the hex SHA-256 of a file that is not read again as long as nothing has changed it.

    For sources, which are told by their checksums before they are exported, and described afterwards.

    Raises:
        DataError: As :func:`sha256_of`.
        OSError: It cannot be read.
    """
    return _sha256_of(path, state_of(path))


def state_of(path: Path) -> tuple[int, ...]:
    """Return what changes with every change of a file: which it is, its size, and when it was changed.

    Raises:
        OSError: It is not there.
    """
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


@functools.lru_cache(_REMEMBERED)
def _sha256_of(path: Path, state: tuple[int, ...]) -> str:  # noqa: ARG001 - what it depends on
    return sha256_of(path)


def walk(folder: Path) -> Iterator[str]:
    """Yield the names of all files below a folder, relative and with ``/``, each folder's in order.

    Receipt, checksums and litter are left out.  Links to folders are not followed; they and whatever
    else is neither file nor folder are yielded, for the caller to stumble over and not to miss.

    Raises:
        DataError: A folder cannot be looked into.
    """
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        names, folders = _look_into(folder, prefix)
        waiting += [f"{prefix}{name}/" for name in sorted(folders, reverse=True)]
        for name in sorted(names):
            yield prefix + name


def write_checksums(folder: Path, workers: int, known: Mapping[str, str] = _NONE_KNOWN) -> str:
    """Write ``mnistkit.sha256`` for all files of an export; return the SHA-256 of the list.

    Args:
        folder: The folder of the export.
        workers: How many threads may hash at once.
        known: Hex SHA-256 by name, of files that were hashed while they were written.

    Raises:
        DataError: Something is no file, or its name cannot be listed.
        OSError: The disk is full, or the like.
    """
    total = hashlib.sha256()
    with (folder / CHECKSUMS).open("xb") as listing:
        for name, digest in _hash_all(folder, _listable(folder), workers, known):
            line = f"{digest}  {name}\n".encode()
            total.update(line)
            listing.write(line)
    return total.hexdigest()


def read_checksums(folder: Path) -> dict[str, str]:
    """Return file name -> hex SHA-256 from an export's ``mnistkit.sha256``.

    Raises:
        DataError: The list is missing or malformed, or names what is not in the folder.
    """
    return dict(_listed(folder))


def changed_files(folder: Path, workers: int) -> Iterator[str]:
    """Yield a sentence for each file that is missing, added or not as ``mnistkit.sha256`` says.

    Raises:
        DataError: As :func:`read_checksums`.
    """
    for faults in ordered_map(partial(_faults, folder), _grouped(_side_by_side(folder)), workers):
        yield from faults


def added_files(folder: Path) -> Iterator[str]:
    """Yield the names of files that ``mnistkit.sha256`` does not list.

    Raises:
        DataError: As :func:`read_checksums`.
    """
    return (name for name, promised, _ in _side_by_side(folder) if not promised)


def describe_sources(
    files: Sequence[Path], root: Path, workers: int, *, complete: bool
) -> list[dict[str, Any]]:
    """Describe the files a split was read from: name, size, SHA-256 (or ``partial``).

    More than 100 files become one entry, whose checksum is of the list of theirs.
    """
    base = root if root.is_dir() else root.parent
    names = [_named(path, base) for path in files]
    if len(files) > _MANY:
        return [_describe_many(files, names, base, workers, complete=complete)]
    digests = [sha256_once(path) if complete else PARTIAL for path in files]
    return [
        {"name": name, "bytes": path.stat().st_size, "sha256": digest}
        for name, path, digest in zip(names, files, digests, strict=True)
    ]


def _describe_many(
    files: Sequence[Path], names: Sequence[str], base: Path, workers: int, *, complete: bool
) -> dict[str, Any]:
    described = {
        "name": _named(Path(os.path.commonpath(files)), base),
        "files": len(files),
        "bytes": sum(path.stat().st_size for path in files),
        "sha256": PARTIAL,
    }
    if complete:
        listing = hashlib.sha256()
        for name, digest in _hash_all(base, names, workers):
            listing.update(f"{digest}  {name}\n".encode())
        described["sha256"] = listing.hexdigest()
    return described


def _named(path: Path, base: Path) -> str:
    try:
        return os.path.relpath(path, base).replace(os.sep, "/") if path.is_relative_to(base) else path.name
    except ValueError:  # another drive
        return path.name


def _open_at_once(path: str, flags: int) -> int:
    """Open a file, and a pipe without waiting for somebody to write into it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _look_into(top: Path, prefix: str) -> tuple[list[str], list[str]]:
    """Return the names of one folder's files, and of its folders."""
    names, folders = [], []
    try:
        with os.scandir(f"{os.fspath(top)}/{prefix}") as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif (prefix or entry.name not in (RECEIPT, CHECKSUMS)) and not _is_litter(entry):
                    names.append(entry.name)
    except OSError as error:
        raise DataError(top / prefix, "cannot be looked into", found=error.strerror) from error
    return names, folders


def _is_litter(entry: os.DirEntry[str]) -> bool:
    return is_litter(entry.name) and entry.is_file()


def _listable(folder: Path) -> Iterator[str]:
    for name in walk(folder):
        if _UNLISTABLE.search(name):
            what = f"has a name that {CHECKSUMS} cannot list"
            raise DataError(folder, what, found=ascii(name), todo="rename what it comes from")
        yield name


def _listed(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield name and SHA-256 of each file in ``mnistkit.sha256``, in the order of :func:`walk`."""
    path, last = folder / CHECKSUMS, _FIRST
    for number, line in enumerate(_lines(path), start=1):
        found = _LINE.fullmatch(line)
        if found is None or _UNLISTABLE.search(found[2]) or {"", ".", ".."} & set(found[2].split("/")):
            raise DataError(
                f"{path}, line {number}", "malformed",
                expected="checksum, two blanks, name of a file in the folder", found=ascii(line[:200]),
            )  # fmt: skip
        place = _place(found[2])
        if place <= last:
            raise DataError(f"{path}, line {number}", "out of order", found=found[2])
        yield found[2], found[1]
        last = place


def _lines(path: Path) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8", newline="\n", opener=_open_at_once) as file:
            while line := file.readline(_LONGEST):
                yield line.removesuffix("\n")
    except OSError as error:
        raise DataError(path, "cannot be read", found=error.strerror) from error
    except UnicodeDecodeError as error:
        raise DataError(path, "malformed", expected="UTF-8", found=error.reason) from error


def _place(name: str) -> list[tuple[bool, str]]:
    """Return the key that sorts names as :func:`walk` does: a folder's files before its folders."""
    *folders, last = name.split("/")
    return [*((True, folder) for folder in folders), (False, last)]


def _side_by_side(folder: Path) -> Iterator[tuple[str, str, bool]]:
    """Yield name, listed SHA-256 (or empty) and whether it is there, for all files listed or there."""
    listed, there = _listed(folder), walk(folder)
    promise, name = next(listed, None), next(there, None)
    while promise or name:
        if promise and name == promise[0]:
            yield (*promise, True)
            promise, name = next(listed, None), next(there, None)
        elif name and (promise is None or _place(name) < _place(promise[0])):
            yield name, "", True
            name = next(there, None)
        elif promise:
            yield (*promise, False)
            promise = next(listed, None)


def _faults(folder: Path, files: list[tuple[str, str, bool]]) -> list[str]:
    found = ((name, _fault(f"{os.fspath(folder)}/{name}", digest, there)) for name, digest, there in files)
    return [f"{name}: {fault}" for name, fault in found if fault]


def _fault(path: str, promised: str, there: bool) -> str:  # noqa: FBT001 - one of three facts of a file
    if not there:
        return "missing"
    if not promised:
        return "not of this export" if os.path.isfile(path) else _NO_FILE  # noqa: PTH113 - text for speed
    try:
        return "" if sha256_of(path) == promised else "its bytes have changed"
    except DataError as error:
        return error.what
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _hash_all(
    folder: Path, names: Iterable[str], workers: int, known: Mapping[str, str] = _NONE_KNOWN
) -> Iterator[tuple[str, str]]:
    for group in ordered_map(partial(_hash_group, os.fspath(folder), known), _grouped(names), workers):
        yield from group


def _hash_group(folder: str, known: Mapping[str, str], names: list[str]) -> list[tuple[str, str]]:
    return [(name, known.get(name) or sha256_of(f"{folder}/{name}")) for name in names]


def _grouped(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while group := list(itertools.islice(rest, _FILES_A_JOB)):
        yield group
