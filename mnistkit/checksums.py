"""SHA-256 of files: the list ``mnistkit.sha256``, and the checksums of sources."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mnistkit.errors import DataError
from mnistkit.naming import CHECKSUMS, RECEIPT, is_litter
from mnistkit.parallel import ordered_map

#: A source of more files than this is recorded as one entry.
_MANY = 100

#: Small files are hashed this many at a time: a job for each would cost more than the hashing.
_FILES_A_JOB = 64


def sha256_of(path: Path) -> str:
    """Return the hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def walk(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder but receipt, checksums and litter, each folder's in order."""
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if not (Path(where) == folder and name in (RECEIPT, CHECKSUMS)) and not is_litter(name):
                yield Path(where, name)


def write_checksums(folder: Path, workers: int) -> str:
    """Write ``mnistkit.sha256`` for all files of an export; return the SHA-256 of the list."""
    total = hashlib.sha256()
    with (folder / CHECKSUMS).open("xb") as listing:
        for path, digest in _hash_all(walk(folder), workers):
            line = f"{digest}  {path.relative_to(folder).as_posix()}\n".encode()
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
    present = [p for p in walk(folder) if p.relative_to(folder).as_posix() in listed]
    for path in walk(folder):
        if path.relative_to(folder).as_posix() not in listed:
            yield f"{path.relative_to(folder).as_posix()}: not of this export"
    for path, digest in _hash_all(present, workers):
        name = path.relative_to(folder).as_posix()
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
    if not complete:
        return [
            {"name": _named(p, base), "bytes": p.stat().st_size, "sha256": "partial"} for p in files[:_MANY]
        ]
    hashed = list(_hash_all(files, workers))
    if len(files) <= _MANY:
        return [{"name": _named(p, base), "bytes": p.stat().st_size, "sha256": h} for p, h in hashed]
    listing = "".join(f"{h}  {_named(p, base)}\n" for p, h in hashed)
    common = Path(os.path.commonpath(files))
    return [
        {
            "name": _named(common, base),
            "files": len(files),
            "bytes": sum(p.stat().st_size for p in files),
            "sha256": hashlib.sha256(listing.encode()).hexdigest(),
        }
    ]


def _named(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name


def _hash_all(paths: Iterable[Path], workers: int) -> Iterator[tuple[Path, str]]:
    for group in ordered_map(_hash_group, _grouped(paths), workers):
        yield from group


def _hash_group(paths: list[Path]) -> list[tuple[Path, str]]:
    return [(path, sha256_of(path)) for path in paths]


def _grouped(paths: Iterable[Path]) -> Iterator[list[Path]]:
    group: list[Path] = []
    for path in paths:
        group.append(path)
        if len(group) == _FILES_A_JOB:
            yield group
            group = []
    if group:
        yield group
