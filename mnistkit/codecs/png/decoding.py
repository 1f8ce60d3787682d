"""PNG files to images: our own plain ones a batch at a time, any other with care or by Pillow."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mnistkit.codecs.png import frame
from mnistkit.codecs.png.foreign import decode_foreign, peek_foreign
from mnistkit.codecs.png.inflate import inflated
from mnistkit.codecs.png.lane import lane
from mnistkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mnistkit.dataset import Array

_Room: TypeAlias = (
    "Callable[[tuple[int, ...], str], Array]"  # makes the array for an image of a shape and dtype
)


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
    if data.startswith(frame.SIGNATURE):
        height, width, kind = frame.parse_header(data, where)
        if kind in frame.PIXELS:
            pixel, dtype = frame.PIXELS[kind]
            return (height, width, *pixel), dtype
    return peek_foreign(data, where)


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
    """Decode small plain images of the kind that the batch has, all at once; return which are others."""
    n, height, width = images.shape[:3]
    kind = frame.KINDS.get((images.shape[3:], images.dtype.name))
    stride = 1 + images[:1].nbytes // height
    if kind is None or n < 2 or height * stride > frame.STRIP:
        return range(n)
    return lane().decode_alike(files, images, frame.header_of(height, width, kind))


def _decoded(data: bytes, where: object, room: _Room) -> Array:
    plain = _decode_plain(data, where, room) if data.startswith(frame.SIGNATURE) else None
    return decode_foreign(data, where, room) if plain is None else plain


def _decode_plain(data: bytes, where: object, room: _Room) -> Array | None:
    """Decode a file that has one IDAT and filter 0 in all rows, or return None for any other sound PNG."""
    height, width, kind = frame.parse_header(data, where)
    packed = frame.only_idat(data, where)
    if packed is None or kind not in frame.PIXELS:
        return None
    pixel, dtype = frame.PIXELS[kind]
    stride = 1 + width * frame.BYTES[kind]
    image = room((height, width, *pixel), dtype)
    samples = image.reshape(height, -1)
    top, plain = 0, True
    for block in inflated(packed, height * stride, max(1, frame.STRIP // stride) * stride, where):
        rows = np.frombuffer(block, np.uint8).reshape(-1, stride)
        plain = plain and not rows[:, 0].any()
        if plain:
            samples[top : top + len(rows)] = rows[:, 1:].view(image.dtype.newbyteorder(">"))
        top += len(rows)
    return image if plain else None
