"""Whether a file is the published one: its size, and every checksum that is known of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mnistkit.compression import open_decompressed
from mnistkit.errors import DataError

if TYPE_CHECKING:
    from hashlib import _Hash

    from mnistkit.catalog.entry import RemoteFile

_CHUNK = 1 << 20

#: Kinds of checksums, the best first.
_KINDS = ("sha256", "git", "md5")


def is_checkable(file: RemoteFile) -> bool:
    """Whether anything is known that tells the published file from another."""
    return bool(file.checksums or _raw_checksums(file))


def fault_of(path: Path, file: RemoteFile, *, quick: bool = False) -> str | None:
    """Say what is not as published about a file, or None where it is the published one.

    The content inside the compression is checked where only its checksum is known.

    Args:
        path: The file to look at.
        file: What is known of the published one.
        quick: Whether the best checksum is enough.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        size = path.stat().st_size
        if file.size is not None and size != file.size:
            return f"{size:,} bytes instead of {file.size:,}"
        if not file.checksums:
            return _raw_fault(path, file)
        with path.open("rb") as stream:
            return _difference(stream, best_of(file.checksums) if quick else file.checksums, size)
    except OSError as error:
        raise DataError(path, "cannot be read", found=error.strerror) from error


def best_of(checksums: Mapping[str, str]) -> dict[str, str]:
    """Return the strongest of some checksums alone, as a mapping of one."""
    return next(({kind: checksums[kind]} for kind in _KINDS if kind in checksums), {})


def _raw_fault(path: Path, file: RemoteFile) -> str | None:
    try:
        with open_decompressed(path) as stream:
            fault = _difference(stream, _raw_checksums(file), file.raw_size)
    except DataError as error:
        return str(error.found or error.what)
    return f"inside the compression: {fault}" if fault else None


def _raw_checksums(file: RemoteFile) -> dict[str, str]:
    """Return the usable ones: Git's needs the size before the first byte."""
    return {k: v for k, v in file.raw_checksums.items() if k != "git" or file.raw_size is not None}


def _difference(stream: IO[bytes], expected: Mapping[str, str], size: int | None) -> str | None:
    hashes = {kind: _start(kind, size) for kind in expected}
    seen = 0
    while chunk := stream.read(_CHUNK):
        seen += len(chunk)
        if size is not None and seen > size:
            break
        for running in hashes.values():
            running.update(chunk)
    if size is not None and seen != size:
        return f"{'more' if seen > size else 'fewer'} than {size:,} bytes"
    for kind, running in hashes.items():
        if running.hexdigest() != expected[kind].lower():
            return f"{kind} {running.hexdigest()[:16]}… instead of {expected[kind].lower()[:16]}…"
    return None


def _start(kind: str, size: int | None) -> _Hash:
    match kind:
        case "sha256":
            return hashlib.sha256()
        case "md5":
            return hashlib.md5(usedforsecurity=False)
        case "git":
            return hashlib.sha1(b"blob %d\0" % (size or 0), usedforsecurity=False)
    raise DataError("checksum", "unknown kind", expected=", ".join(_KINDS), found=kind)
