"""Zip archives written from their beginning to their end, members packed on several threads.

Source: PKWARE's APPNOTE.TXT 6.3.  ``zipfile`` would pack on one thread, with a zlib that differs between
systems, and would go back to fill in sizes, so that nobody could compute a checksum meanwhile.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol, Self

from zlib_ng import zlib_ng

from mnistkit.codecs.deflate import DeflateWriter, Output

_LOCAL = struct.Struct("<4s5H3I2H")
_DESCRIPTOR = struct.Struct("<4sIQQ")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64 = struct.Struct("<4sIQI")
_END = struct.Struct("<4s4H2IH")

_VERSION = 45  # the first that knows sizes of 64 bits
_FLAGS = 0x0808  # sizes come behind the data; names are UTF-8
_STORED, _DEFLATED = 0, 8
_DATE = 0x21  # 1980-01-01, the first there is: bytes depend on content alone
_UNKNOWN = 0xFFFFFFFF  # a size that 64 bits tell elsewhere
_SIZES64 = struct.Struct("<2H2Q")
_ALL64 = struct.Struct("<2H3Q")
_MODE = 0o100644 << 16  # a plain file that all may read, as Unix has it
_UNIX = 3 << 8


class Sink(Protocol):
    """What a member's bytes are written to."""

    def write(self, data: bytes | memoryview, /) -> None:
        """Take further bytes."""


class _Member(NamedTuple):
    name: bytes
    method: int
    crc: int
    packed: int
    size: int
    at: int


class ZipWriter:
    """A new archive.

    Args:
        file: Where to; nothing was written to it yet.
        workers: How many threads compress.
    """

    def __init__(self, file: Output, *, workers: int) -> None:
        self._file, self._workers, self._at = file, workers, 0
        self._members: list[_Member] = []

    def write(self, data: bytes, /) -> None:
        """Write to the archive itself, for what packs a member."""
        self._file.write(data)
        self._at += len(data)

    @contextmanager
    def member(self, name: str, *, itemsize: int, compressed: bool) -> Iterator[Sink]:
        """Begin a member; yield what takes its bytes.

        Args:
            name: Its name in the archive.
            itemsize: Bytes of a value.
            compressed: Whether to deflate it.
        """
        at, encoded = self._at, name.encode()
        method = _DEFLATED if compressed else _STORED
        sizes = _SIZES64.pack(1, 16, 0, 0)
        self.write(
            _LOCAL.pack(
                b"PK\3\4", _VERSION, _FLAGS, method, 0, _DATE, 0, _UNKNOWN, _UNKNOWN, len(encoded), len(sizes)
            )
            + encoded
            + sizes
        )
        sink: DeflateWriter | _Stored
        with (
            DeflateWriter(self, itemsize=itemsize, workers=self._workers)
            if compressed
            else _Stored(self) as sink
        ):
            yield sink
        self.write(_DESCRIPTOR.pack(b"PK\7\10", sink.crc, sink.packed, sink.size))
        self._members.append(_Member(encoded, method, sink.crc, sink.packed, sink.size, at))

    def finish(self) -> None:
        """Write the list of members."""
        start = self._at
        for member in self._members:
            self.write(_listed(member))
        length, count, behind = self._at - start, len(self._members), self._at
        self.write(_END64.pack(b"PK\6\6", 44, _UNIX | _VERSION, _VERSION, 0, 0, count, count, length, start))
        self.write(_LOCATOR64.pack(b"PK\6\7", 0, behind, 1))
        short = min(count, 0xFFFF)
        self.write(_END.pack(b"PK\5\6", 0, 0, short, short, min(length, _UNKNOWN), min(start, _UNKNOWN), 0))


class _Stored:
    """Passes on what it is given, and counts."""

    def __init__(self, file: Output) -> None:
        self.crc = self.size = 0
        self._file = file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held back."""

    @property
    def packed(self) -> int:
        return self.size

    def write(self, data: bytes | memoryview, /) -> None:
        self.crc = zlib_ng.crc32(data, self.crc)
        self.size += len(data)
        self._file.write(bytes(data))


def _listed(member: _Member) -> bytes:
    extra, sizes = b"", (member.packed, member.size, member.at)
    if max(sizes) >= _UNKNOWN:
        extra, sizes = _ALL64.pack(1, 24, member.size, member.packed, member.at), (_UNKNOWN,) * 3
    packed, size, at = sizes
    head = _CENTRAL.pack(
        b"PK\1\2", _UNIX | _VERSION, _VERSION, _FLAGS, member.method, 0, _DATE, member.crc, packed, size,
        len(member.name), len(extra), 0, 0, 0, _MODE, at,
    )  # fmt: skip
    return head + member.name + extra
