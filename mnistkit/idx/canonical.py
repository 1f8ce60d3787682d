"""Compressed IDX files as they were published, byte for byte.

The published files are GNU gzip's own deflate at level 6 (zlib's differs) behind a header with the
original name and time, which the catalogue knows.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from mnistkit import catalog
from mnistkit.catalog import RemoteFile
from mnistkit.checksums import sha256_of
from mnistkit.errors import CapabilityError

_COMMAND = ("gzip", "-6", "-n", "-c")
_PLAIN_HEADER = 10  # bytes of the header that gzip -n writes, RFC 1952


class Sink(Protocol):
    """Something that bytes are written to."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take further bytes."""


def check_gzip() -> None:
    """Make sure that the program is there.

    Raises:
        CapabilityError: It is not.
    """
    if shutil.which(_COMMAND[0]) is None:
        raise CapabilityError(
            "--gzip canonical", "needs the program gzip", todo="install GNU gzip, or use --gzip fast"
        )


@contextmanager
def open_canonical(path: Path) -> Iterator[Sink]:
    """Open a file to write what is to be compressed into the published bytes.

    Raises:
        CapabilityError: What was written is no published file, or gzip made other bytes of it.
    """
    packed = path.with_name(path.name + ".packing")
    content = hashlib.sha256()
    with packed.open("xb") as target:
        process = subprocess.Popen(_COMMAND, stdin=subprocess.PIPE, stdout=target)  # noqa: S603 - no input of others
        assert process.stdin is not None
        try:
            yield _Hashing(process.stdin, content)
        except BaseException:
            process.kill()
            raise
        finally:
            with suppress(BrokenPipeError):  # it has ended already; why, its exit code says
                process.stdin.close()
            process.wait()
    if process.returncode:
        raise CapabilityError(path.name, "gzip failed", found=f"exit code {process.returncode}")
    header, published = _published(path, content.hexdigest())
    _put_header_before(packed, path, header)
    packed.unlink()
    _check(path, published)


class _Hashing:
    """Passes bytes on and hashes them."""

    def __init__(self, target: Sink, content: hashlib._Hash) -> None:
        self._target, self._content = target, content

    def write(self, data: bytes | memoryview, /) -> None:
        self._content.update(data)
        self._target.write(data)


def _published(path: Path, content: str) -> tuple[bytes, RemoteFile]:
    for known in catalog.known_checksums().get(content, ()):
        entry = catalog.find(known.dataset)
        if known.file in entry.gzip_headers:
            return bytes.fromhex(entry.gzip_headers[known.file]), entry.files[known.file]
    raise CapabilityError(path.name, "no published file has this content", todo="use --gzip fast")


def _put_header_before(packed: Path, path: Path, header: bytes) -> None:
    with packed.open("rb") as source, path.open("xb") as target:
        source.seek(_PLAIN_HEADER)
        target.write(header)
        shutil.copyfileobj(source, target)


def _check(path: Path, published: RemoteFile) -> None:
    if sha256_of(path) != published.checksums["sha256"]:
        raise CapabilityError(
            path.name,
            "this gzip does not make the published bytes",
            todo="install GNU gzip, or use --gzip fast",
        )
