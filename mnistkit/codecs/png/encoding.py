"""Images to PNG files: one prepared header, one deflate and two checksums an image.

Digits gain nothing from filters, so all rows have filter 0 and a batch is prepared by one copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from zlib_ng import zlib_ng

from mnistkit.codecs.png.frame import KINDS, framed, header_of
from mnistkit.errors import CapabilityError

if TYPE_CHECKING:
    from mnistkit.dataset import Array, SplitInfo

#: On MNIST digits level 1 of zlib-ng makes 275 bytes an image in 6 µs, 3 makes 271 in 20, 6 makes 254 in 28;
#: level 3 of zlib makes 254 in 20, Pillow's default 275 in 56.  Two busy cores: compare, do not quote.
LEVEL = 1


def check(info: SplitInfo, format: str) -> None:
    """Refuse a split whose images no PNG can hold bit for bit.

    Raises:
        CapabilityError: Not uint8 (height, width[, 2|3|4]) or uint16 (height, width).
    """
    where = f"{format}: split {info.name!r}"
    found = f"{info.dtype} {'x'.join(map(str, info.shape))}"
    if (info.shape[2:], info.dtype) not in KINDS:
        raise CapabilityError(
            where,
            "pixels that no PNG image holds",
            expected="uint8 HxW, HxWx2, HxWx3 or HxWx4, or uint16 HxW",
            found=found,
            todo="choose a format of plain arrays, such as hdf5",
        )


def encode(image: Array, *, level: int = LEVEL) -> bytes:
    """Return one image as a PNG file: uint8 (h, w), (h, w, 2|3|4) or uint16 (h, w)."""
    return encode_batch(image[np.newaxis], level=level)[0]


def encode_batch(images: Array, *, level: int = LEVEL) -> list[bytes]:
    """Return images (n, height, width[, channels]) as PNG files; the same images always give the same bytes.

    Raises:
        CapabilityError: A combination of dtype and channels that :func:`check` refuses.
    """
    kind = KINDS.get((images.shape[3:], images.dtype.name))
    if kind is None:
        found = f"{images.dtype} {'x'.join(map(str, images.shape[1:]))}"
        raise CapabilityError("png", "pixels that no PNG image holds", found=found)
    header = header_of(images.shape[1], images.shape[2], kind)
    compress = zlib_ng.compress
    return [framed(header, compress(rows, level)) for rows in _rows(images)]


def _rows(images: Array) -> Array:
    """Return (n, height * (1 + bytes of a row)) uint8: all rows of each image behind their filter bytes."""
    n, height = images.shape[:2]
    samples = images.astype(images.dtype.newbyteorder(">"), order="C", copy=False)
    width = int(np.prod(images.shape[2:])) * images.dtype.itemsize
    rows = np.zeros((n, height, 1 + width), np.uint8)
    rows[:, :, 1:] = samples.view(np.uint8).reshape(n, height, width)
    return rows.reshape(n, height * (1 + width))
