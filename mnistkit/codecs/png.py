"""PNG images: written with the standard library alone, read whatever Pillow opens.

One encoded image is, with every number big-endian::

    89 'PNG' 0D 0A 1A 0A                      signature
    IHDR  width, height u32; depth, colour, 0, 0, 0 u8
    IDAT  zlib of the rows, each a filter byte 0 and its samples
    IEND

each chunk being length u32, type, data, CRC-32 of type and data (ISO/IEC 15948, clause 5).
Digits gain nothing from filters, so all rows have filter 0 and a batch is prepared by one copy.
"""

from __future__ import annotations

import io
import struct
import zlib
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mnistkit.errors import CapabilityError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

    from mnistkit.dataset import Array, SplitInfo

#: On 5000 MNIST digits (zlib 1.2.13) level 1 makes 263 bytes an image in 15.1 µs, 3 makes 255 in 14.8,
#: 6 makes 251 in 22.1; Pillow's default makes 275 in 56.
LEVEL = 3

#: Pixels of one image, such as 8192 x 8192; less than Pillow's MAX_IMAGE_PIXELS, above which it warns.
MOST_PIXELS = 1 << 26

#: What is tried on data that is no PNG; formats that call other programs or hold no plain image are left out.
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM")

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">8sI4sIIBBBBBI")  # signature and the whole IHDR chunk
_CHUNK = struct.Struct(">I4s")
_CRC = struct.Struct(">I")
_END = b"\0\0\0\0IEND\xaeB`\x82"
_IDAT_CRC = zlib.crc32(b"IDAT")
_STRIP = 1 << 20  # bytes of rows, and of packed rows, that are worked on at once
_MOST_PACKED = 1032  # deflate spends two bits at least on the 258 bytes that it can copy
_SHORTEST = _HEADER.size + 12 + len(_END)  # an empty IDAT between header and end

#: (shape of one pixel, dtype) -> (bit depth, colour type), for all that is written.
_KINDS: dict[tuple[tuple[int, ...], str], tuple[int, int]] = {
    ((), "uint8"): (8, 0),
    ((2,), "uint8"): (8, 4),
    ((3,), "uint8"): (8, 2),
    ((4,), "uint8"): (8, 6),
    ((), "uint16"): (16, 0),
}
_Room: TypeAlias = (
    "Callable[[tuple[int, ...], str], Array]"  # makes the array for an image of a shape and dtype
)
_PIXELS = {kind: pixel for pixel, kind in _KINDS.items()}
_BYTES = {(8, 0): 1, (8, 4): 2, (8, 2): 3, (8, 6): 4, (16, 0): 2}  # of one pixel

#: Pillow's mode -> (mode to convert to, shape of one pixel, dtype).
_MODES: dict[str, tuple[str, tuple[int, ...], str]] = {
    "1": ("L", (), "uint8"),
    "L": ("L", (), "uint8"),
    "LA": ("LA", (2,), "uint8"),
    "RGB": ("RGB", (3,), "uint8"),
    "RGBA": ("RGBA", (4,), "uint8"),
    "P": ("RGB", (3,), "uint8"),
    "PA": ("RGBA", (4,), "uint8"),
    "I;16": ("I;16", (), "uint16"),
    "I;16L": ("I;16L", (), "uint16"),
    "I;16B": ("I;16B", (), "uint16"),
}


def check(info: SplitInfo, format: str) -> None:
    """Refuse a split whose images no PNG can hold bit for bit.

    Raises:
        CapabilityError: Not uint8 (height, width[, 2|3|4]) or uint16 (height, width), or too large.
    """
    where = f"{format}: split {info.name!r}"
    found = f"{info.dtype} {'x'.join(map(str, info.shape))}"
    if (info.shape[2:], info.dtype) not in _KINDS:
        raise CapabilityError(
            where,
            "pixels that no PNG image holds",
            expected="uint8 HxW, HxWx2, HxWx3 or HxWx4, or uint16 HxW",
            found=found,
            todo="choose a format of plain arrays, such as hdf5",
        )
    if info.shape[0] * info.shape[1] > MOST_PIXELS:
        raise CapabilityError(
            where,
            "images too large for image readers",
            expected=f"at most {MOST_PIXELS:,} pixels",
            found=found,
        )


def encode(image: Array, *, level: int = LEVEL) -> bytes:
    """Return one image as a PNG file: uint8 (h, w), (h, w, 2|3|4) or uint16 (h, w)."""
    return encode_batch(image[np.newaxis], level=level)[0]


def encode_batch(images: Array, *, level: int = LEVEL) -> list[bytes]:
    """Return images (n, height, width[, channels]) as PNG files; the same images always give the same bytes.

    Raises:
        CapabilityError: A combination of dtype and channels that :func:`check` refuses.
    """
    kind = _KINDS.get((images.shape[3:], images.dtype.name))
    if kind is None:
        found = f"{images.dtype} {'x'.join(map(str, images.shape[1:]))}"
        raise CapabilityError("png", "pixels that no PNG image holds", found=found)
    header = _header(images.shape[1], images.shape[2], kind)
    return [_framed(header, zlib.compress(rows, level)) for rows in _rows(images)]


def decode(data: bytes, where: object) -> Array:
    """Return the image that a file holds: uint8 (h, w[, 2|3|4]) or uint16 (h, w), read-only.

    Gray, gray with alpha, RGB and RGBA stay what they are; samples of fewer than 8 bits are spread over
    0–255 and palettes looked up, to RGBA where one of their colours is transparent, and in GIF to gray
    where all are gray.

    Args:
        data: The whole file: PNG, JPEG, BMP, TIFF, WebP, GIF, PGM or PPM.
        where: What to call the file in messages.

    Raises:
        DataError: Empty, cut short, damaged, no image, several images, or of a kind not named above.
    """
    image = _decoded(data, where, np.empty)
    image.flags.writeable = False
    return image


def decode_batch(
    files: Sequence[bytes], images: Array, where: Callable[[int], object], like: object = None
) -> None:
    """Decode files into the rows of images (n, height, width[, channels]), with no second copy of large ones.

    Args:
        files: The n whole files, as for :func:`decode`.
        images: Is overwritten; C-order.
        where: ``where(i)`` is what to call file i in messages.
        like: What has the shape and dtype of images, for messages.

    Raises:
        DataError: As :func:`decode`; or the image has another shape or dtype.
    """
    for i in _decode_alike(files, images):
        _decoded(files[i], where(i), partial(_row, images[i], where(i), like))


def peek(data: bytes, where: object = "image") -> tuple[tuple[int, ...], str]:
    """Return (shape, dtype name) of the image that :func:`decode` would return, from the header alone.

    Raises:
        DataError: As :func:`decode`, as far as the header shows it.
    """
    if data.startswith(_SIGNATURE):
        height, width, kind = _parse_header(data, where)
        if kind in _PIXELS:
            pixel, dtype = _PIXELS[kind]
            return (height, width, *pixel), dtype
    image = _opened(data, where)
    _, pixel, dtype = _mode_of(image, where)
    return (image.height, image.width, *pixel), dtype


def _header(height: int, width: int, kind: tuple[int, int]) -> bytes:
    unsigned = _HEADER.pack(_SIGNATURE, 13, b"IHDR", width, height, *kind, 0, 0, 0, 0)[:-4]
    return unsigned + _CRC.pack(zlib.crc32(unsigned[12:]))


def _rows(images: Array) -> Array:
    """Return (n, height * (1 + bytes of a row)) uint8: all rows of each image behind their filter bytes."""
    n, height = images.shape[:2]
    samples = images.astype(images.dtype.newbyteorder(">"), order="C", copy=False)
    width = int(np.prod(images.shape[2:])) * images.dtype.itemsize
    rows = np.zeros((n, height, 1 + width), np.uint8)
    rows[:, :, 1:] = samples.view(np.uint8).reshape(n, height, width)
    return rows.reshape(n, height * (1 + width))


def _framed(header: bytes, packed: bytes) -> bytes:
    crc = _CRC.pack(zlib.crc32(packed, _IDAT_CRC))
    return b"".join((header, _CHUNK.pack(len(packed), b"IDAT"), packed, crc, _END))


def _parse_header(data: bytes, where: object) -> tuple[int, int, tuple[int, int]]:
    """Return height, width and (depth, colour type); (0, 0) as the kind sends interlaced images to Pillow."""
    if len(data) < _HEADER.size:
        raise DataError(where, "PNG ends too early", expected="a header", found=f"{len(data)} bytes")
    _, length, name, width, height, depth, colour, *methods, crc = _HEADER.unpack_from(data)
    if length != 13 or name != b"IHDR":
        raise DataError(where, "damaged PNG", expected="chunk IHDR first", found=repr(name))
    if crc != zlib.crc32(data[12:29]):
        raise DataError(where, "damaged PNG", found="wrong checksum in chunk IHDR")
    _check_size(height, width, where)
    if height * width * depth // 8 > _MOST_PACKED * len(data):
        raise DataError(
            where, "PNG ends too early", expected=f"{height} x {width}", found=f"{len(data)} bytes"
        )
    if depth == 16 and colour != 0:
        # Pillow would halve the samples without a word.
        raise DataError(where, "16-bit colour", expected="8 bits a channel, or 16-bit gray")
    return height, width, (0, 0) if any(methods) else (depth, colour)


def _row(row: Array, where: object, like: object, shape: tuple[int, ...], dtype: str) -> Array:
    """Return a row of a batch as the room for an image, if that looks like it."""
    if shape != row.shape or dtype != row.dtype:
        expected = _kind(row.shape, row.dtype.name) + (f" as {like}" if like else "")
        raise DataError(
            where, "unlike the first image of its split", expected=expected, found=_kind(shape, dtype)
        )
    return row


def _kind(shape: tuple[int, ...], dtype: str) -> str:
    return f"{dtype} {'x'.join(map(str, shape))}"


def _decode_alike(files: Sequence[bytes], images: Array) -> Sequence[int]:
    """Decode small images that are as :func:`encode_batch` makes them, at once; return which are not."""
    n, height, width = images.shape[:3]
    kind = _KINDS.get((images.shape[3:], images.dtype.name))
    stride = 1 + images[:1].nbytes // height
    if kind is None or n < 2 or height * stride > _STRIP:
        return range(n)
    header = _header(height, width, kind)
    packed = [_rows_of(data, header, height * stride) for data in files]
    at = [i for i, rows in enumerate(packed) if rows is not None]
    rows = np.frombuffer(b"".join(filter(None, packed)), np.uint8).reshape(len(at), height, stride)
    samples = rows[:, :, 1:].view(images.dtype.newbyteorder(">"))
    images.reshape(n, height, -1)[at if len(at) < n else slice(None)] = samples
    filtered = np.array(at, np.intp)[rows[:, :, 0].any(axis=1)]
    return sorted({*range(n)}.difference(at).union(filtered.tolist()))


def _rows_of(data: bytes, header: bytes, promised: int) -> bytes | None:
    """Inflate the rows of a sound file with this header, one IDAT and IEND; None for any other."""
    packed = memoryview(data)[_HEADER.size + 8 : -len(_END) - 4]
    framed = data.startswith(header) and data.endswith(_END) and len(data) >= _SHORTEST
    if not framed or data[_HEADER.size : _HEADER.size + 8] != _CHUNK.pack(len(packed), b"IDAT"):
        return None
    if zlib.crc32(packed, _IDAT_CRC) != _CRC.unpack_from(data, len(data) - len(_END) - 4)[0]:
        return None
    inflate = zlib.decompressobj()
    try:
        rows = inflate.decompress(packed, promised + 1)
    except zlib.error:
        return None
    return rows if len(rows) == promised and inflate.eof else None


def _decoded(data: bytes, where: object, room: _Room) -> Array:
    plain = _decode_plain(data, where, room) if data.startswith(_SIGNATURE) else None
    if plain is not None:
        return plain
    image = _opened(data, where)
    mode, pixel, dtype = _mode_of(image, where)
    pixels = room((image.height, image.width, *pixel), dtype)
    try:
        _copy(image, mode, pixels)
    except Exception as error:  # Pillow's plugins raise whatever damaged bytes lead them to
        raise _damaged(where, error) from error
    return pixels


def _copy(image: Image, mode: str, pixels: Array) -> None:
    """Copy an image strip by strip, for Pillow makes several copies of what it hands out."""
    step = max(1, _STRIP * pixels.shape[0] // pixels.nbytes)
    for top in range(0, image.height, step):
        bottom = min(top + step, image.height)
        strip = image if step >= image.height else image.crop((0, top, image.width, bottom))
        pixels[top:bottom] = np.asarray(strip if strip.mode == mode else strip.convert(mode))


def _check_size(height: int, width: int, where: object) -> None:
    if not (height > 0 and width > 0 and height * width <= MOST_PIXELS):
        raise DataError(
            where, "size of image", expected=f"1 to {MOST_PIXELS:,} pixels", found=f"{height} x {width}"
        )


def _decode_plain(data: bytes, where: object, room: _Room) -> Array | None:
    """Decode a file that has one IDAT and filter 0 in all rows, or return None for any other sound PNG."""
    height, width, kind = _parse_header(data, where)
    packed = _only_idat(data, where)
    if packed is None or kind not in _PIXELS:
        return None
    pixel, dtype = _PIXELS[kind]
    stride = 1 + width * _BYTES[kind]
    image = room((height, width, *pixel), dtype)
    samples = image.reshape(height, -1)
    top, plain = 0, True
    for block in _inflated(packed, height * stride, max(1, _STRIP // stride) * stride, where):
        rows = np.frombuffer(block, np.uint8).reshape(-1, stride)
        plain = plain and not rows[:, 0].any()
        if plain:
            samples[top : top + len(rows)] = rows[:, 1:].view(image.dtype.newbyteorder(">"))
        top += len(rows)
    return image if plain else None


def _only_idat(data: bytes, where: object) -> memoryview | None:
    """Check all chunks; return the pixels' chunk of a file that has IHDR, one IDAT and IEND alone."""
    view = memoryview(data)
    if len(data) >= _SHORTEST and data.endswith(_END):
        length, name = _CHUNK.unpack_from(data, _HEADER.size)
        if name == b"IDAT" and _SHORTEST + length == len(data):
            packed = view[_HEADER.size + 8 : -len(_END) - 4]
            if zlib.crc32(packed, _IDAT_CRC) != _CRC.unpack_from(data, len(data) - len(_END) - 4)[0]:
                raise DataError(where, "damaged PNG", found="wrong checksum in chunk IDAT")
            return packed
    _check_chunks(view, where)
    return None


def _check_chunks(data: memoryview, where: object) -> None:
    """Check length and checksum of each chunk to IEND; Pillow does not check those of pixels."""
    at, name = len(_SIGNATURE), b""
    while name != b"IEND":
        if at + 12 > len(data):
            raise DataError(where, "PNG ends too early", expected="chunk IEND", found=f"{len(data)} bytes")
        length, name = _CHUNK.unpack_from(data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            raise DataError(
                where, "PNG ends too early", expected=f"{end + 4} bytes or more", found=f"{len(data)} bytes"
            )
        if _CRC.unpack_from(data, end)[0] != zlib.crc32(data[at + 4 : end]):
            raise DataError(where, "damaged PNG", found=f"wrong checksum in chunk {name.decode('latin-1')}")
        at = end + 4


def _inflated(packed: memoryview, promised: int, step: int, where: object) -> Iterator[bytes]:
    """Yield the rows that are packed in blocks of ``step`` bytes, the last of which may be shorter."""
    inflate, feed = zlib.decompressobj(), (packed[i : i + _STRIP] for i in range(0, len(packed), _STRIP))
    try:
        for left in range(promised, 0, -step):
            block = _block(inflate, feed, min(step, left))
            if len(block) < min(step, left):
                raise _rows_unlike(promised, promised - left + len(block), where)
            yield block
        more = _block(inflate, feed, 1)
    except zlib.error as error:
        raise _damaged(where, error) from error
    if more or not inflate.eof:
        raise _rows_unlike(promised, "more" if more else "no end", where)


def _block(inflate: zlib._Decompress, feed: Iterator[memoryview], size: int) -> bytes:
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


def _opened(data: bytes, where: object) -> ImageFile:
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - 18 ms that only images made elsewhere need

    if not data:
        raise DataError(where, "empty file", expected="an image")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        _check_size(image.height, image.width, where)
        frames = getattr(image, "n_frames", 1)
    except UnidentifiedImageError as error:
        raise DataError(where, "no image", expected=", ".join(FORMATS)) from error
    except DataError:
        raise
    except Exception as error:  # as in _decoded
        raise _damaged(where, error) from error
    if frames != 1:
        raise DataError(where, "several images in one file", expected=1, found=frames)
    return image


def _mode_of(image: ImageFile, where: object) -> tuple[str, tuple[int, ...], str]:
    """Return the mode to read an image in, the shape of one pixel and the dtype."""
    mode = image.mode
    if image.format == "PNG" and mode == "I":
        return "I", (), "uint16"  # 16-bit gray before Pillow 11
    if mode == "P" and "transparency" in image.info:
        mode = "PA"
    elif mode == "P" and image.format == "GIF" and _is_gray(image):
        mode = "L"
    if mode not in _MODES or _narrowed(image):
        raise DataError(
            where,
            "kind of image",
            expected="gray or colour of 8 bits, or gray of 16",
            found=f"{image.format} of mode {mode}" + (", not of 8 bits a channel" if mode in _MODES else ""),
        )
    return _MODES[mode]


def _is_gray(image: ImageFile) -> bool:
    """Whether a palette has grays alone; GIF has no other way to say that an image is gray."""
    colours = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
    return bool((colours == colours[:, :1]).all())


def _narrowed(image: ImageFile) -> bool:
    """Whether Pillow would change samples to 8 bits: of 16 bits, or of another maximum than 255 in PPM."""
    if not image.tile:
        return False
    decoder, arguments = image.tile[0][0], image.tile[0][3]
    if decoder in ("ppm", "ppm_plain") and isinstance(arguments, tuple) and image.mode != "1":
        return bool(arguments[1] != 255)
    raw = str(arguments[0] if isinstance(arguments, tuple) else arguments)
    # BGR;16 has 16 bits a pixel, not a channel.
    return ";16" in raw and not raw.startswith("BGR") and image.mode in ("L", "LA", "RGB", "RGBA")


def _damaged(where: object, error: Exception) -> DataError:
    return DataError(where, "damaged image", found=str(error) or type(error).__name__)
