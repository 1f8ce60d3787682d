"""One member of a zip archive: of one in the cache, or of one far away, without fetching all of it.

A distant archive is read as far as its index; then the stretch of it that holds the member is
received like any file, going on where an earlier attempt broke off, and unpacked from there.
"""

from __future__ import annotations

import lzma
import os
import shutil
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from mnistkit.fetch.cache import Place, new_file
from mnistkit.fetch.limits import Limits
from mnistkit.fetch.mirrors import Mirror, MirrorFailed, NoRanges
from mnistkit.fetch.parts import Part
from mnistkit.fetch.transport import ask, body_of, patiently, stretch_of

if TYPE_CHECKING:
    from mnistkit.catalog.entry import RemoteFile
    from mnistkit.fetch.peers import Session

_BLOCK = 64 << 10
_CHUNK = 1 << 20

#: The index of EMNIST's archive is 4 kB long.
_LONGEST_INDEX = 16 << 20

#: Longest local header (name, extra field) and data descriptor around a member's bytes.
_AROUND_MEMBER = 30 + 2 * 0xFFFF + 24

#: What zipfile raises on damaged archives; RuntimeError is encryption, or a compression it does not know.
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, ValueError, RuntimeError)


@dataclass(slots=True)
class DistantFile:
    """A remote file as :mod:`zipfile` wants it: ``read``, ``seek`` and ``tell``.

    Attributes:
        size: Its size in bytes.
        near: A stretch of it that is here already.
    """

    session: Session
    mirror: Mirror
    limits: Limits
    size: int
    near: Part | None = None
    _position: int = 0
    _blocks: dict[int, bytes] = field(default_factory=dict)

    def seekable(self) -> bool:
        """Say that it is."""
        return True

    def tell(self) -> int:
        """Return the offset of the next byte to be read."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Choose the next byte to be read."""
        self._position = (
            offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        )
        if self._position < 0:
            raise ValueError("an offset before the archive's beginning")
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Return bytes up to the archive's end; fewer than asked for where the stretch ends."""
        start, stop = self._position, self.size if size < 0 else min(self._position + size, self.size)
        if start >= stop:
            return b""
        data = self._from_near(start, stop) or self._from_far(start, stop)
        self._position += len(data)
        return data

    def _from_near(self, start: int, stop: int) -> bytes:
        near = self.near
        if near is None or near.size is None or not near.first <= start < near.first + near.size:
            return b""
        with near.path.open("rb") as file:
            file.seek(start - near.first)
            return file.read(stop - start)

    def _from_far(self, start: int, stop: int) -> bytes:
        blocks = range(start // _BLOCK, -(-stop // _BLOCK))
        if (len(self._blocks) + len(blocks)) * _BLOCK > _LONGEST_INDEX:
            raise MirrorFailed("the index of its archive is implausibly long")
        missing = [block for block in blocks if block not in self._blocks]
        if missing:
            self._fetch(missing[0], missing[-1] + 1)
        joined = b"".join(self._blocks[block] for block in blocks)
        return joined[start - blocks[0] * _BLOCK : stop - blocks[0] * _BLOCK]

    def _fetch(self, first: int, last: int) -> None:
        start = first * _BLOCK
        data, _ = _read_stretch(self.session, self.mirror, self.limits, start, min(last * _BLOCK, self.size))
        for block in range(first, last):
            self._blocks[block] = data[block * _BLOCK - start :][:_BLOCK]


def open_distant(
    session: Session, mirror: Mirror, limits: Limits, archive: RemoteFile
) -> tuple[zipfile.ZipFile, DistantFile]:
    """Read the index of a distant archive.

    Raises:
        NoRanges: The mirror does not serve parts of files.
        MirrorFailed: It does not deliver, or its archive is another or damaged.
    """
    _, size = _read_stretch(session, mirror, limits, 0, 1)
    if archive.size is not None and size != archive.size:
        raise MirrorFailed(f"offers {size:,} bytes instead of {archive.size:,}")
    distant = DistantFile(session, mirror, limits, size)
    try:
        return zipfile.ZipFile(cast("IO[bytes]", distant)), distant
    except _DAMAGED as error:
        raise _damaged(error) from error


def stretch_with(archive: zipfile.ZipFile, file: RemoteFile, place: Place, limits: Limits) -> Part:
    """Return where in an archive the member lies: from its header to whatever comes next.

    Raises:
        MirrorFailed: The archive has no such member, or one that is too large.
    """
    member = _member(archive, file)
    if member.file_size > (file.size or limits.most_bytes):
        raise MirrorFailed(f"the member has {member.file_size:,} bytes")
    first = member.header_offset
    others = [info.header_offset for info in archive.infolist() if info.header_offset > first]
    stop = min([*others, archive.start_dir, first + member.compress_size + _AROUND_MEMBER])
    if first >= stop:
        raise MirrorFailed("its archive is damaged")
    return Part(place=place, size=stop - first, first=first, stretch=True)


def unpack(archive: zipfile.ZipFile, file: RemoteFile, place: Place) -> Path:
    """Write a member to a new file beside its place; zipfile checks its CRC.

    Raises:
        MirrorFailed: The archive is damaged, or has no such member.
        DestinationError: The file cannot be written.
    """
    try:
        with archive.open(_member(archive, file)) as packed, new_file(place) as new:
            shutil.copyfileobj(packed, new, _CHUNK)
    except _DAMAGED as error:
        raise _damaged(error) from error
    return place.beside(".new")


def _member(archive: zipfile.ZipFile, file: RemoteFile) -> zipfile.ZipInfo:
    try:
        member = archive.getinfo(file.member)
    except KeyError as error:
        raise MirrorFailed(f"its archive has no member {file.member!r}") from error
    if file.size is not None and member.file_size != file.size:
        raise MirrorFailed(f"the member has {member.file_size:,} bytes instead of {file.size:,}")
    return member


def _read_stretch(
    session: Session, mirror: Mirror, limits: Limits, start: int, stop: int
) -> tuple[bytes, int]:
    """Return a few bytes of a remote file, and its size."""
    return patiently(limits, lambda: _read_stretch_once(session, mirror, limits, start, stop))


def _read_stretch_once(
    session: Session, mirror: Mirror, limits: Limits, start: int, stop: int
) -> tuple[bytes, int]:
    with ask(session, mirror, limits, {"Range": f"bytes={start}-{stop - 1}"}) as answer:
        stretch = stretch_of(answer)
        if answer.status_code != HTTPStatus.PARTIAL_CONTENT or stretch is None or stretch[2] is None:
            raise NoRanges("does not serve parts of files")
        if stretch[:2] != (start, stop):
            raise MirrorFailed("sends other bytes than it was asked for")
        data = b""
        for chunk in body_of(answer, limits):
            data += chunk
            if len(data) > stop - start:
                break
    if len(data) != stop - start:
        raise MirrorFailed("sends other bytes than it was asked for", passing=True)
    return data, stretch[2]


def _damaged(error: Exception) -> MirrorFailed:
    return MirrorFailed(f"its archive is damaged ({error})")
