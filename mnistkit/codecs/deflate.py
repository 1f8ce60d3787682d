"""Deflate that is fast and makes the same bytes on every machine.

That is zlib-ng's.  Python's own zlib is another library on some systems, and what Intel's ISA-L makes
differs between x86-64 and ARM.
"""

from __future__ import annotations

import struct
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, Self

from zlib_ng import zlib_ng

if TYPE_CHECKING:
    from types import TracebackType

    from mnistkit.dataset import Array

#: For values of two and more bytes, and pixels of several: repetitions count, wherever they lie.
_NEAR = (2, zlib_ng.Z_DEFAULT_STRATEGY)

#: For single bytes: only runs are looked for, which in gray images is most of what there is to find.
_RUNS = (1, zlib_ng.Z_RLE)

_MOST_MEMORY = 9  # 256 KiB a call: the fewer blocks, the fewer tables of codes

_PIECE = 1 << 20
_HEADER = struct.pack("<HBBIBB", 0x8B1F, 8, 0, 0, 4, 255)  # RFC 1952: deflate, no name, no time, fastest
_END = b"\x03\0"  # an empty last block


class Output(Protocol):
    """What bytes are written to."""

    def write(self, data: bytes, /) -> object:
        """Write all of them."""


def pack(values: Array) -> bytes:
    """Return C-ordered values in zlib's format (RFC 1950), fast."""
    level, strategy = _RUNS if _is_gray(values) else _NEAR
    packer = zlib_ng.compressobj(level, zlib_ng.DEFLATED, zlib_ng.MAX_WBITS, _MOST_MEMORY, strategy)
    return packer.compress(values.data) + packer.flush()


def pack_at(values: Array, level: int) -> bytes:
    """Return C-ordered values in zlib's format at a level of zlib's, 0 to 9."""
    return zlib_ng.compress(values.data, level)


def _is_gray(images: Array) -> bool:
    return images.itemsize == 1 and images.ndim < 4


class DeflateWriter:
    """Writes a stream of deflate (RFC 1951), in pieces that are compressed on several threads.

    The bytes depend on neither the number of threads nor the sizes of what is written.

    Args:
        file: Where to; stays open.
        itemsize: Bytes of a value.
        workers: How many threads compress.

    Attributes:
        crc: CRC-32 of what was written.
        size: How many bytes that is.
        packed: How many bytes the file was given.
    """

    def __init__(self, file: Output, *, itemsize: int, workers: int) -> None:
        self.crc = self.size = self.packed = 0
        self._file, self._waiting = file, workers
        self._level, self._strategy = _RUNS if itemsize == 1 else _NEAR
        self._piece = bytearray()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="mnistkit-deflate")
        self._pieces: deque[Future[bytes]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def write(self, data: bytes | memoryview, /) -> None:
        """Take further bytes."""
        view = memoryview(data)
        self.crc = zlib_ng.crc32(view, self.crc)
        self.size += len(view)
        while view:
            more = view[: _PIECE - len(self._piece)]
            self._piece += more
            view = view[len(more) :]
            if len(self._piece) == _PIECE:
                self._submit()

    def _submit(self) -> None:
        self._pieces.append(self._pool.submit(self._pack, self._piece))
        self._piece = bytearray()
        self._store(self._waiting)

    def _pack(self, piece: bytearray) -> bytes:
        packer = zlib_ng.compressobj(
            self._level, zlib_ng.DEFLATED, -zlib_ng.MAX_WBITS, _MOST_MEMORY, self._strategy
        )
        return packer.compress(piece) + packer.flush(zlib_ng.Z_SYNC_FLUSH)  # ends at a whole byte

    def _store(self, waiting: int) -> None:
        """Write what is packed, in order, until no more than so many pieces are under way."""
        while len(self._pieces) > waiting:
            self._put(self._pieces.popleft().result())

    def _finish(self) -> None:
        if self._piece:
            self._submit()
        self._store(0)
        self._put(_END)

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self.packed += len(data)


class GzipWriter(DeflateWriter):
    """Writes a gzip file (RFC 1952) as :class:`DeflateWriter` does."""

    def __enter__(self) -> Self:
        self._file.write(_HEADER)
        return self

    def _finish(self) -> None:
        super()._finish()
        self._file.write(struct.pack("<II", self.crc, self.size & 0xFFFFFFFF))
