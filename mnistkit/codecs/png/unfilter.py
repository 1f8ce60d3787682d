"""Undoes the filters of PNG rows (ISO/IEC 15948, clause 9) for many images at once.

A byte depends on those to the left, above and above left, so that a single image has to be worked on byte by
byte.  All bytes of one antidiagonal of all images, however, depend on the two antidiagonals before it alone:
a batch of 28 x 28 images takes 55 steps, each of a few operations on whole arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from mnistkit.dataset import Array

_MOST_FILTER = 4
_LEAST_LANES = 128  # bytes of one place in all images; for fewer, one image after the other is quicker
_MOST_LANES = 2048  # worked on at once, so that an antidiagonal stays in the cache
_MOST_BYTES = 1 << 23  # worked on at once
_TALLEST = 4  # times as high as wide; antidiagonals of narrower images would be mostly empty


class _Masks(NamedTuple):
    """Where rows have each filter: (height, lanes) uint8, 255 or 0; None where no row has it."""

    left: Array | None
    above: Array | None
    average: Array | None
    paeth: Array | None


def can_unfilter(height: int, width: int, lanes: int) -> bool:
    """Whether images of such a size, so many lanes of them, are quicker unfiltered here than by Pillow."""
    wide = height <= _TALLEST * width
    return wide and lanes >= _LEAST_LANES and _lanes_at_once(height, width) >= _LEAST_LANES


def unfilter(rows: Array, size: int) -> Array:
    """Return the bytes that filtered rows stand for.

    Args:
        rows: (n, height, 1 + width * size) uint8, each row behind the number of its filter, from 0 to 4.
        size: Bytes of one pixel.

    Returns:
        (n, height, width * size) uint8.
    """
    n, height, stride = rows.shape
    found = np.empty((n, height, stride - 1), np.uint8)
    step = max(1, _lanes_at_once(height, (stride - 1) // size) // size)
    for first in range(0, n, step):
        _unfilter(rows[first : first + step], found[first : first + step], size)
    return found


def are_known(filters: Array) -> Array:
    """Return which images (n,) have only filters that there are: filters (n, height) uint8."""
    known: Array = np.max(filters, axis=1) <= _MOST_FILTER
    return known


def _lanes_at_once(height: int, width: int) -> int:
    return min(_MOST_LANES, _MOST_BYTES // ((height + width) * height))


def _unfilter(rows: Array, found: Array, size: int) -> None:
    n, height, stride = rows.shape
    width, lanes = (stride - 1) // size, n * size
    # Pixel (y, x) is at [1 + y + x, 1 + y]; what is left of a row and above the first is 0, and so is the
    # last antidiagonal, which has no pixel and is two before the first.
    skewed = np.zeros((1 + height + width, 1 + height, lanes), np.uint8)
    bytes_of = rows[:, :, 1:].reshape(n, height, width, size)
    for y in range(height):
        skewed[1 + y : 1 + y + width, 1 + y] = bytes_of[:, y].transpose(1, 0, 2).reshape(width, lanes)
    masks = _masks(np.repeat(rows[:, :, 0].T, size, axis=1))
    for diagonal in range(height + width - 1):
        top, bottom = max(0, diagonal - width + 1), min(height, diagonal + 1)
        _add_prediction(skewed, 1 + diagonal, top, bottom, masks)
    places = found.reshape(n, height, width, size)
    for y in range(height):
        places[:, y] = skewed[1 + y : 1 + y + width, 1 + y].reshape(width, n, size).transpose(1, 0, 2)


def _masks(filters: Array) -> _Masks:
    """Return the masks for filters (height, lanes)."""
    found = [(filters == number).view(np.uint8) * np.uint8(255) for number in range(1, _MOST_FILTER + 1)]
    return _Masks(*(mask if mask.any() else None for mask in found))


def _add_prediction(skewed: Array, at: int, top: int, bottom: int, masks: _Masks) -> None:
    """Finish the pixels of rows top to bottom on one antidiagonal."""
    here = skewed[at, 1 + top : 1 + bottom]
    left, above = skewed[at - 1, 1 + top : 1 + bottom], skewed[at - 1, top:bottom]
    corner = skewed[at - 2, top:bottom]
    rows = slice(top, bottom)
    if masks.left is not None:
        here += left & masks.left[rows]
    if masks.above is not None:
        here += above & masks.above[rows]
    if masks.average is not None:
        here += ((left & above) + ((left ^ above) >> 1)) & masks.average[rows]
    if masks.paeth is not None:
        here += _paeth(left, above, corner) & masks.paeth[rows]


def _paeth(left: Array, above: Array, corner: Array) -> Array:
    """Return which of the three is nearest to left + above - corner, in this order where several are.

    Their distances are those of above and corner, of left and corner, and the sum of both where left and
    above are on the same side of corner, which is never the least; otherwise their difference.
    """
    far_left = np.maximum(above, corner) - np.minimum(above, corner)
    far_above = np.maximum(left, corner) - np.minimum(left, corner)
    far_corner = np.maximum(far_left, far_above) - np.minimum(far_left, far_above)
    far_corner |= _mask((above > corner) == (left > corner))
    # Also where one is corner itself: its distance is 0, and none is nearer.
    nearest = above ^ ((above ^ corner) & _mask(far_corner < far_above))
    not_left = (far_left > far_above) | (far_left > far_corner)
    return left ^ ((left ^ nearest) & _mask(not_left))


def _mask(where: Array) -> Array:
    """Return 255 where true, 0 elsewhere."""
    mask: Array = np.negative(where.view(np.uint8))
    return mask
