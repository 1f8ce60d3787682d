"""SHA-256 of files: the list ``mnistkit.sha256``, and the checksums of sources."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mnistkit.errors import DataError
from mnistkit.naming import CHECKSUMS, RECEIPT, is_litter
from mnistkit.parallel import ordered_map

#: A source of more files than this is recorded as one entry.
_MANY = 100

#: Small files are hashed this many at a time: a job for each would cost more than the hashing.
_FILES_A_JOB = 256

#: A file smaller than this is read and hashed in one go.
_PIECE = 1 << 18

#: Stands for the checksum of a source that was not read to its end.
PARTIAL = "partial"


def sha256_of(path: Path | str) -> str:
    """Return the hex SHA-256 of a file."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - called for every file of a tree: speed counts
        head = file.read(_PIECE)
        if len(head) < _PIECE:
            return hashlib.sha256(head).hexdigest()
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()


def walk(folder: Path) -> Iterator[str]:
    """Yield the names of all files below a folder, relative and with ``/``, each folder's in order.

    Receipt, checksums and litter are left out.
    """
    top = os.fspath(folder)
    for where, folders, names in os.walk(top):
        folders.sort()
        inner = where[len(top) :].replace(os.sep, "/").strip("/")
        prefix = f"{inner}/" if inner else ""
        for name in sorted(names):
            if (prefix or name not in (RECEIPT, CHECKSUMS)) and not is_litter(name):
                yield prefix + name


def write_checksums(folder: Path, workers: int) -> str:
    """Write ``mnistkit.sha256`` for all files of an export; return the SHA-256 of the list."""
    total = hashlib.sha256()
    with (folder / CHECKSUMS).open("xb") as listing:
        for name, digest in _hash_all(folder, walk(folder), workers):
            line = f"{digest}  {name}\n".encode()
            total.update(line)
            listing.write(line)
    return total.hexdigest()


def read_checksums(folder: Path) -> dict[str, str]:
    """Return file name -> hex SHA-256 from an export's ``mnistkit.sha256``.

    Raises:
        DataError: The list is missing or malformed.
    """
    path = folder / CHECKSUMS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    except OSError as error:
        raise DataError(path, "cannot be read", found=error.strerror) from error
    except ValueError as error:
        raise DataError(path, "malformed", expected="lines of checksum, two blanks, name") from error


def changed_files(folder: Path, workers: int) -> Iterator[str]:
    """Yield a sentence for each file that is missing, added or not as ``mnistkit.sha256`` says."""
    listed = read_checksums(folder)
    present = []
    for name in walk(folder):
        if name in listed:
            present.append(name)
        else:
            yield f"{name}: not of this export"
    for name, digest in _hash_all(folder, present, workers):
        if digest != listed.pop(name):
            yield f"{name}: its bytes have changed"
    for name in listed:
        yield f"{name}: missing"


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
    digests = [sha256_of(path) if complete else PARTIAL for path in files]
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


def _hash_all(folder: Path, names: Iterable[str], workers: int) -> Iterator[tuple[str, str]]:
    for group in ordered_map(partial(_hash_group, os.fspath(folder)), _grouped(names), workers):
        yield from group


def _hash_group(folder: str, names: list[str]) -> list[tuple[str, str]]:
    return [(name, sha256_of(f"{folder}/{name}")) for name in names]


def _grouped(names: Iterable[str]) -> Iterator[list[str]]:
    group: list[str] = []
    for name in names:
        group.append(name)
        if len(group) == _FILES_A_JOB:
            yield group
            group = []
    if group:
        yield group
