"""Unpacks the rows of one image, strip by strip, so that large ones are never held twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zlib_ng import zlib_ng

from mnistkit.codecs.png import frame
from mnistkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator


def inflated(packed: memoryview, promised: int, step: int, where: object) -> Iterator[bytes]:
    """Yield the rows that are packed in blocks of ``step`` bytes, the last of which may be shorter."""
    inflate, feed = (
        zlib_ng.decompressobj(),
        (packed[i : i + frame.STRIP] for i in range(0, len(packed), frame.STRIP)),
    )
    try:
        for left in range(promised, 0, -step):
            block = _block(inflate, feed, min(step, left))
            if len(block) < min(step, left):
                raise _rows_unlike(promised, promised - left + len(block), where)
            yield block
        more = _block(inflate, feed, 1)
    except frame.PackingError as error:
        raise frame.damaged(where, error) from error
    if more or not inflate.eof:
        raise _rows_unlike(promised, "more" if more else "no end", where)


def _block(inflate: zlib_ng._Decompress, feed: Iterator[memoryview], size: int) -> bytes:
    """Inflate so many bytes, or fewer where there are no more."""
    block = bytearray()
    while len(block) < size and not inflate.eof:
        given = inflate.unconsumed_tail or next(feed, b"")
        more = inflate.decompress(given, size - len(block))
        if not (given or more):
            break
        block += more
    return bytes(block)


def _rows_unlike(promised: int, found: object, where: object) -> DataError:
    return DataError(where, "damaged PNG", expected=f"{promised} bytes of rows", found=found)
