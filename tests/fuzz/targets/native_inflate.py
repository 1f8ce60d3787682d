"""The compiled inflate: streams of deflate, unpacked again by zlib."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator

import numpy as np
from fuzz.sandbox import loops_of

from mnistkit.codecs.png import frame

DICTIONARY = (
    b"\x01\0\0\xff\xff",
    b"\0\0\0\xff\xff",
    b"\x03\0",
    b"\x63\0",
    b"\x04",
    b"\x05",
    b"\xed\xc1",
    b"\xff\xff\xff\xff",
)

_MOST = 1 << 16
#: Says whether the stream is taken as it is, and not wrapped and summed up here.
_WHOLE = 0x80


def seeds() -> Iterator[bytes]:
    """Yield streams of every kind of block and strategy: a byte for the window, then deflate."""
    rng = random.Random(1951)
    for content in (
        b"\0" * 300,
        rng.randbytes(300),
        b"\0" + b"abcabcabd" * 40,
        bytes(rng.choices(range(4), k=900)),
        b"\0x",
    ):
        for level, strategy in (
            (0, 0),
            (1, 0),
            (6, 0),
            (9, zlib.Z_FILTERED),
            (6, zlib.Z_HUFFMAN_ONLY),
            (6, zlib.Z_RLE),
            (6, zlib.Z_FIXED),
        ):
            packer = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
            yield b"\x07" + packer.compress(content) + packer.flush()
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    yield (
        b"\x07"
        + packer.compress(b"\0" * 50)
        + packer.flush(zlib.Z_FULL_FLUSH)
        + packer.compress(b"x" * 50)
        + packer.flush()
    )
    yield bytes((_WHOLE,)) + zlib.compress(b"\0" + b"whole" * 20)


def target(data: bytes) -> None:
    """What is unpacked, zlib unpacks to the same; what zlib refuses is refused.

    The low bits of the first byte tell the window, the highest that what follows has header and checksum of
    its own; where it has none, it is given those that fit.
    """
    if len(data) < 2:
        return
    stream = data[1:] if data[0] & _WHOLE else _wrapped(data[1:], data[0] & 7)
    expected = _unpacked(stream)
    promised = len(expected) if expected and 2 <= len(expected) <= _MOST else 300
    for size in {promised, promised - 1, promised + 1} - {0, 1}:
        found = _decoded(stream, size)
        if found is not None:
            assert expected is not None, "zlib refuses it"
            assert found == expected[1:]


def _wrapped(deflated: bytes, window: int) -> bytes:
    """Put a header before a stream and the checksum of what it holds behind it."""
    head = bytes((window << 4 | 8, 0))
    head = bytes((head[0], -int.from_bytes(head) % 31))
    inflate = zlib.decompressobj(-15)
    try:
        content = inflate.decompress(deflated, _MOST)
    except zlib.error:
        content = b""
    body = deflated[: len(deflated) - len(inflate.unused_data)] if inflate.eof else deflated
    return head + body + zlib.adler32(content).to_bytes(4)


def _unpacked(stream: bytes) -> bytes | None:
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(stream, _MOST + 1)
    except zlib.error:
        return None
    return content if inflate.eof and not inflate.unused_data else None


def _decoded(stream: bytes, size: int) -> bytes | None:
    """Unpack a stream as the one row, and its filter, of a gray image."""
    header = frame.header_of(1, size - 1, (8, 0))
    images = np.zeros((1, 1, size - 1), np.uint8)
    file = frame.framed(header, stream)
    plain = loops_of("png").decode((file,), header, 1, size - 1, 1, False, images)
    if not plain[0]:
        return None
    filter_ = zlib.decompressobj().decompress(stream, 1)
    return images.tobytes() if filter_ == b"\0" else _filtered(images.tobytes(), filter_[0])


def _filtered(row: bytes, number: int) -> bytes:
    """Filter the first row of an image of one byte a pixel again: there is nothing above it."""
    assert number <= 4
    left = bytes(1) + row[:-1]
    predicted = {1: left, 2: bytes(len(row)), 3: bytes(byte // 2 for byte in left), 4: left}[number]
    return bytes((a - b) % 256 for a, b in zip(row, predicted, strict=True))
