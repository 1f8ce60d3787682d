"""Compressed data, whole and hostile; bombs are made quickly, of one piece again and again."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Iterator

MIB = 1 << 20

ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_BLOCK = 128 << 10


def gzip_of(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def deflate_bomb(head: bytes, size: int, byte: bytes = b"\0") -> Iterator[bytes]:
    """Yield raw deflate of a head and, behind it, so many bytes more: one compressed MiB again and again."""
    deflate = zlib.compressobj(9, wbits=-15)
    yield deflate.compress(head) + deflate.flush(zlib.Z_FULL_FLUSH)
    again = deflate.compress(byte * MIB) + deflate.flush(zlib.Z_FULL_FLUSH)
    yield from [again] * (size // MIB)
    yield deflate.flush()


def gzip_bomb(head: bytes, size: int, byte: bytes = b"\0") -> Iterator[bytes]:
    """Yield such a stream as gzip; the checksum at its end is of nothing, for nobody is to get there."""
    yield b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    yield from deflate_bomb(head, size, byte)
    yield bytes(8)


def bzip2_bomb(head: bytes, size: int) -> bytes:
    return bz2.compress(head) + bz2.compress(bytes(8 * MIB)) * (size // (8 * MIB))


def xz_bomb(head: bytes, size: int) -> bytes:
    return lzma.compress(head) + lzma.compress(bytes(MIB)) * (size // MIB)


def xz_of(data: bytes, *, dictionary: int) -> bytes:
    """Compress data so that whoever unpacks it has to hold a dictionary of so many bytes."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": dictionary}]
    return lzma.compress(data, filters=filters)


def zstd_of(data: bytes, *, window: int = 17) -> bytes:
    """Store data in a Zstandard frame (RFC 8878) that claims a window of 2 ** window bytes."""
    return ZSTD + bytes([0, (window - 10) << 3]) + _zstd_block(len(data), data, raw=True, last=True)


def zstd_bomb(head: bytes, size: int, *, window: int = 17) -> Iterator[bytes]:
    """Yield a frame of a head and, behind it, so many zeros: 4 bytes for 128 KiB."""
    yield ZSTD + bytes([0, (window - 10) << 3]) + _zstd_block(len(head), head, raw=True)
    yield _zstd_block(_ZSTD_BLOCK, b"\0") * (size // _ZSTD_BLOCK)
    yield _zstd_block(0, b"", raw=True, last=True)


def _zstd_block(size: int, data: bytes, *, raw: bool = False, last: bool = False) -> bytes:
    return (size << 3 | (0 if raw else 2) | last).to_bytes(3, "little") + data


def zip_of(*members: tuple[str, bytes], method: int = 0, flags: int = 0, **claims: int) -> bytes:
    """Put members into a zip archive as they are: plain (method 0) or raw deflate (8), with any claims.

    Args:
        members: Name and stored bytes of each.
        method: How they claim to be compressed.
        flags: General purpose bits; 1 is encryption.
        claims: ``size`` of what is inside, ``crc`` of it, and how many bytes are ``stored``.
    """
    body, listing, at = [], [], 0
    for name, data in members:
        stored = claims.get("stored", len(data))
        known = (claims.get("crc", zlib.crc32(data)), stored, claims.get("size", len(data)))
        common = struct.pack("<HHHHHIIIHH", 20, flags, method, 0, 33, *known, len(name), 0)
        place = struct.pack("<HHHII", 0, 0, 0, 0, at)
        listing.append(b"PK\1\2" + struct.pack("<H", 20) + common + place + name.encode())
        body.append(b"PK\3\4" + common + name.encode() + data)
        at += len(body[-1])
    number, size = min(len(members), 0xFFFF), sum(map(len, listing))
    end = struct.pack("<HHHHIIH", 0, 0, number, number, size, at, 0)
    return b"".join([*body, *listing, b"PK\5\6", end])


def zip_bomb(head: bytes, size: int, *, claim: int) -> bytes:
    """Return an archive of one deflated member that holds so many zeros and claims another size."""
    packed = b"".join(deflate_bomb(head, size))
    return zip_of(("member", packed), method=8, size=claim, crc=0)
