"""The pure lane: small plain files of one kind, unpacked by zlib-ng one by one and the rest by numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from zlib_ng import zlib_ng
from zlib_ng.zlib_ng import crc32, decompress

from mnistkit.codecs.png import frame
from mnistkit.codecs.png.unfilter import are_known, can_unfilter, unfilter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mnistkit.dataset import Array

_TRUSTED = 1 << 14  # bytes that deflate cannot make more than 17 MB of: inflated without counting


def decode_alike(files: Sequence[bytes], images: Array, header: bytes) -> Sequence[int]:
    """Decode the plain files among several into the rows of images (n, height, width[, channels]).

    Args:
        files: The n whole files.
        images: Is overwritten, for a file that is not decoded perhaps too; C-order.
        header: Signature and IHDR of the files that are meant: of a kind and size as images have.

    Returns:
        Which files are not decoded: they have another header, further chunks, or are damaged.
    """
    n, height = images.shape[:2]
    size = images[:1, :1, :1].nbytes
    stride = 1 + images[:1].nbytes // height
    unpacked = list(_unpacked(files, header, height * stride))
    at = np.array([i for i, rows in enumerate(unpacked) if rows is not None], np.intp)
    rows = np.frombuffer(b"".join(filter(None, unpacked)), np.uint8).reshape(len(at), height, stride)
    done = _place_rows(rows, at, images, size)
    return np.setdiff1d(np.arange(n), done, assume_unique=True).tolist() if len(done) < n else ()


def _place_rows(rows: Array, at: Array, images: Array, size: int) -> Array:
    """Put rows (k, height, 1 + bytes of a row) into images at their places (k,); return the places filled.

    Left out are images with unknown filters, and those with any where there are too few for :mod:`.unfilter`.
    """
    filtered = rows[:, :, 0].any(axis=1)
    if not filtered.any():
        _place(rows[:, :, 1:], at, images)
        return at
    _place(rows[~filtered, :, 1:], at[~filtered], images)
    known = filtered & are_known(rows[:, :, 0])
    if not can_unfilter(images.shape[1], images.shape[2], int(np.count_nonzero(known)) * size):
        return at[~filtered]
    _place(unfilter(rows[known], size), at[known], images)
    return at[~filtered | known]


def _place(samples: Array, at: Array, images: Array) -> None:
    """Put samples (k, height, bytes of a row), big-endian, into images at their places (k,)."""
    places = slice(None) if len(at) == len(images) else at
    images.reshape(*images.shape[:2], -1)[places] = samples.view(images.dtype.newbyteorder(">"))


def _unpacked(files: Sequence[bytes], header: bytes, promised: int) -> Iterator[bytes | None]:
    """Yield the rows of each sound file with this header, one IDAT and IEND; None for any other.

    The checks are in the loop, for calls would take as long as they.
    """
    chunk, crc, end, idat, at = frame.CHUNK.pack, frame.CRC.pack, frame.END, frame.IDAT_CRC, len(header)
    first, around = at + 8, at + 8 + 4 + len(end)
    for data in files:
        packed = data[first : first + len(data) - around]
        yield (
            _inflated(packed, promised)
            if data.startswith(header)
            and data.startswith(chunk(len(packed), b"IDAT"), at)
            and data.endswith(crc(crc32(packed, idat)) + end)
            else None
        )


def _inflated(packed: bytes, promised: int) -> bytes | None:
    """Inflate a whole zlib stream, or return None where it is damaged or holds another number of bytes."""
    try:
        if len(packed) <= _TRUSTED:
            rows = decompress(packed)
            return rows if len(rows) == promised else None
        inflate = zlib_ng.decompressobj()
        rows = inflate.decompress(packed, promised + 1)
    except frame.PackingError:
        return None
    return rows if len(rows) == promised and inflate.eof else None
