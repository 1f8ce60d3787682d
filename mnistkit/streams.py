"""Compressed streams one behind the other, as in bzip2 and xz files, read as one and to the last byte.

Python's own readers take anything behind a whole stream that is no other stream for the end of the data:
a file of several streams, one of which is damaged in its first bytes, would lose all from there on unnoticed.
"""

from __future__ import annotations

import bz2
import io
import lzma
from collections.abc import Callable
from functools import partial
from typing import IO, Any, Protocol

_PIECE = 1 << 16

#: Bytes that unpacking xz may take: its strongest preset, -9, takes 65 MiB, for a dictionary of 64.
_MOST_XZ_BYTES = 80 << 20

#: Between and behind xz streams there may be zeros, a multiple of so many (XZ file format, 2.2).
_XZ_PADDING = 4


class Unpacker(Protocol):
    """What the standard library's decompressors of one stream have in common."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether there is nothing more to be had from what was given."""

    @property
    def unused_data(self) -> bytes:
        """What was given behind the end of the stream."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Take further data and return at most so many bytes of what is inside."""


def bzip2_streams(file: IO[bytes]) -> io.BufferedReader:
    """Read what is in a bzip2 file.  Reading raises OSError where it is damaged, EOFError where it is cut."""
    return io.BufferedReader(_Streams(file, bz2.BZ2Decompressor))


def xz_streams(file: IO[bytes]) -> io.BufferedReader:
    """Read what is in an xz file.  Reading raises LZMAError where it is damaged, EOFError where it is cut."""
    unpacker = partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, memlimit=_MOST_XZ_BYTES)
    return io.BufferedReader(_Streams(file, unpacker, padding=_XZ_PADDING))


class _Streams(io.RawIOBase):
    """The content of all streams of a file; closes nothing but itself."""

    def __init__(self, file: IO[bytes], unpacker: Callable[[], Unpacker], *, padding: int = 0) -> None:
        self._file, self._unpacker, self._padding = file, unpacker, padding
        self._stream = unpacker()
        self._held = b""

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any, /) -> int:
        """Fill some of the room, or none at the end of the last stream."""
        view = memoryview(room).cast("B")
        while not self._stream.eof or self._begin():
            data = self._unpacked(len(view))
            if data:
                view[: len(data)] = data
                return len(data)
        return 0

    def _unpacked(self, most: int) -> bytes:
        try:
            return self._stream.decompress(self._more(), most)
        except lzma.LZMAError as error:
            if str(error) == "Memory usage limit exceeded":
                raise lzma.LZMAError("a dictionary of more than 64 MiB, which is that of xz -9") from error
            raise

    def _more(self) -> bytes:
        if not self._stream.needs_input:
            return b""
        data, self._held = self._held or self._file.read(_PIECE), b""
        if not data:
            raise EOFError
        return data

    def _begin(self) -> bool:
        """Begin the stream behind the one that has ended, if there is any."""
        self._held, zeros = self._stream.unused_data, 0
        while self._padding:
            rest = self._held.lstrip(b"\0")
            zeros += len(self._held) - len(rest)
            self._held = rest or self._file.read(_PIECE)
            if rest or not self._held:
                break
        if self._padding and zeros % self._padding:
            raise lzma.LZMAError(f"{zeros} zeros between streams, no multiple of {self._padding}")
        self._held = self._held or self._file.read(_PIECE)
        if self._held:
            self._stream = self._unpacker()
        return bool(self._held)
