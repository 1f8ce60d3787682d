"""How a PNG file is put together, and what every file is held to.

One encoded image is, with every number big-endian::

    89 'PNG' 0D 0A 1A 0A                      signature
    IHDR  width, height u32; depth, colour, 0, 0, 0 u8
    IDAT  zlib of the rows, each a filter byte and its samples
    IEND

each chunk being length u32, type, data, CRC-32 of type and data (ISO/IEC 15948, clause 5).
"""

from __future__ import annotations

import struct

from zlib_ng import zlib_ng
from zlib_ng.zlib_ng import crc32

from mnistkit.errors import DataError

#: Pixels of one image, such as 8192 x 8192; less than Pillow's MAX_IMAGE_PIXELS, above which it warns.
MOST_PIXELS = 1 << 26

#: Bytes of rows, and of packed rows, that are worked on at once.
STRIP = 1 << 20

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER = struct.Struct(">8sI4sIIBBBBBI")  # signature and the whole IHDR chunk
CHUNK = struct.Struct(">I4s")
CRC = struct.Struct(">I")
END = b"\0\0\0\0IEND\xaeB`\x82"
IDAT_CRC = crc32(b"IDAT")
SHORTEST = HEADER.size + 12 + len(END)  # an empty IDAT between header and end

#: (shape of one pixel, dtype) -> (bit depth, colour type), for all that is written.
KINDS: dict[tuple[tuple[int, ...], str], tuple[int, int]] = {
    ((), "uint8"): (8, 0),
    ((2,), "uint8"): (8, 4),
    ((3,), "uint8"): (8, 2),
    ((4,), "uint8"): (8, 6),
    ((), "uint16"): (16, 0),
}
PIXELS = {kind: pixel for pixel, kind in KINDS.items()}
BYTES = {(8, 0): 1, (8, 4): 2, (8, 2): 3, (8, 6): 4, (16, 0): 2}  # of one pixel

#: Methods of compression and filters, and whether an image is interlaced: there are no others.
_METHODS = ((0, 0, 0), (0, 0, 1))

PackingError: type[Exception] = zlib_ng.error  # type: ignore[assignment]  # its stub says an instance

_MOST_PACKED = 1032  # deflate spends two bits at least on the 258 bytes that it can copy


def header_of(height: int, width: int, kind: tuple[int, int]) -> bytes:
    """Return the signature and IHDR of an image of this (bit depth, colour type)."""
    unsigned = HEADER.pack(SIGNATURE, 13, b"IHDR", width, height, *kind, 0, 0, 0, 0)[:-4]
    return unsigned + CRC.pack(crc32(unsigned[12:]))


def framed(header: bytes, packed: bytes) -> bytes:
    """Return a whole file: a header, packed rows as the only IDAT, and the end."""
    crc = CRC.pack(crc32(packed, IDAT_CRC))
    return b"".join((header, CHUNK.pack(len(packed), b"IDAT"), packed, crc, END))


def parse_header(data: bytes, where: object) -> tuple[int, int, tuple[int, int]]:
    """Return height, width and (depth, colour type); (0, 0) as the kind sends interlaced images to Pillow."""
    if len(data) < HEADER.size:
        raise DataError(where, "PNG ends too early", expected="a header", found=f"{len(data)} bytes")
    _, length, name, width, height, depth, colour, *methods, crc = HEADER.unpack_from(data)
    if length != 13 or name != b"IHDR":
        raise DataError(where, "damaged PNG", expected="chunk IHDR first", found=repr(name))
    if crc != crc32(data[12:29]):
        raise _wrong_checksum(where, name)
    if tuple(methods) not in _METHODS:
        found = ", ".join(map(str, methods))
        raise DataError(
            where, "compression, filters and interlacing of PNG", expected="0, 0, 0 or 0, 0, 1", found=found
        )
    check_size(height, width, where)
    if height * width * depth // 8 > _MOST_PACKED * len(data):
        raise DataError(
            where, "PNG ends too early", expected=f"{height} x {width}", found=f"{len(data)} bytes"
        )
    if depth == 16 and colour != 0:
        # Pillow would halve the samples without a word.
        raise DataError(where, "16-bit colour", expected="8 bits a channel, or 16-bit gray", found="16 bits")
    return height, width, (0, 0) if any(methods) else (depth, colour)


def only_idat(data: bytes, where: object) -> memoryview | None:
    """Check all chunks; return the pixels' chunk of a file that has IHDR, one IDAT and IEND alone."""
    view = memoryview(data)
    if len(data) >= SHORTEST and data.endswith(END):
        length, name = CHUNK.unpack_from(data, HEADER.size)
        if name == b"IDAT" and SHORTEST + length == len(data):
            packed = view[HEADER.size + 8 : -len(END) - 4]
            if crc32(packed, IDAT_CRC) != CRC.unpack_from(data, len(data) - len(END) - 4)[0]:
                raise _wrong_checksum(where, name)
            return packed
    _check_chunks(view, where)
    return None


def check_size(height: int, width: int, where: object) -> None:
    """Refuse an image without pixels, or of more than any honest one has.

    Raises:
        DataError: It is so.
    """
    if not (height > 0 and width > 0 and height * width <= MOST_PIXELS):
        raise DataError(
            where, "size of image", expected=f"1 to {MOST_PIXELS:,} pixels", found=f"{height} x {width}"
        )


def damaged(where: object, error: Exception) -> DataError:
    """Return the error for what a decoder could not make sense of."""
    return DataError(where, "damaged image", expected="a sound one", found=str(error) or type(error).__name__)


def _wrong_checksum(where: object, chunk: bytes) -> DataError:
    return DataError(
        where,
        "damaged PNG",
        expected="sound chunks",
        found=f"wrong checksum in chunk {chunk.decode('latin-1')}",
    )


def _check_chunks(data: memoryview, where: object) -> None:
    """Check length and checksum of each chunk to IEND; Pillow does not check those of pixels."""
    at, name = len(SIGNATURE), b""
    while name != b"IEND":
        if at + 12 > len(data):
            raise DataError(where, "PNG ends too early", expected="chunk IEND", found=f"{len(data)} bytes")
        length, name = CHUNK.unpack_from(data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            raise DataError(
                where, "PNG ends too early", expected=f"{end + 4} bytes or more", found=f"{len(data)} bytes"
            )
        if CRC.unpack_from(data, end)[0] != crc32(data[at + 4 : end]):
            raise _wrong_checksum(where, name)
        at = end + 4
