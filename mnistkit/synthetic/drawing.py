"""Draws digits: every image is a function of the seed, the split's name and its index, to the last bit.

Geometry is done one operation of IEEE 754 at a time.  Curves and ink are sums of products that BLAS
may add up in any order: all partial sums are multiples of one unit and fit the 24 bits of a float32,
so none is ever rounded.  The numbers in here make up the look of the images; changing one of them
changes every image, which only a new major version may do.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mnistkit.dataset import Array
from mnistkit.synthetic.dice import bells, below, image_keys, key_of, rolls
from mnistkit.synthetic.glyphs import PEN_POSITIONS, SLOTS, stencils

SIDE = 28

_DIGIT, _GLYPH, _SHEET, _SWINGS = range(4)  # numbers of the rolls of an image; swings are the rest

_GRAIN = 8  # steps of a pen position per pixel
_MARGIN = 4 * _GRAIN  # how far the pen may leave the image
_TRACK = SIDE * _GRAIN + 2 * _MARGIN  # pen positions along one axis
_NIBS = 20  # nibs of different width
_PAPER = 128  # side of the sheet that each image's paper is cut from
_REACH = 400  # farthest point from the middle, in 1/16 pixel


class Hand(NamedTuple):
    """How n digits are written: columns (n, 1) of numbers from -1 to 1, mostly near 0.

    Attributes:
        slant: Leaning to the right.
        turn: Turned on the page.
        width: Wide.
        height: Tall.
        taper: Wider at the bottom than at the top.
        bow: Ends of the digit to the right, its middle to the left.
        sag: Sides lower than the middle.
        waist: Middle moved down.
        haste: Points of the strokes missed by more than usual.
        right: Off the centre.
        down: Off the centre.
        thickness: A thick pen.
        nib: Thicker across than up and down.
        pressure: Pressed harder towards the end.
        ink: Dark.
    """

    slant: Array
    turn: Array
    width: Array
    height: Array
    taper: Array
    bow: Array
    sag: Array
    waist: Array
    haste: Array
    right: Array
    down: Array
    thickness: Array
    nib: Array
    pressure: Array
    ink: Array


def draw_labels(key: Array, start: int, stop: int) -> Array:
    """Return the digits of images ``start`` to ``stop``: uint8 (n,), each of 0 to 9 equally likely."""
    return _digits(image_keys(key, start, stop)).astype(np.uint8)


def draw_images(key: Array, start: int, stop: int) -> Array:
    """Draw images ``start`` to ``stop``: uint8 (n, 28, 28), white ink (255) on black (0)."""
    keys = image_keys(key, start, stop)
    shapes = stencils()
    glyphs = shapes.slots[_digits(keys), below(SLOTS, _roll(keys, _GLYPH))]
    hand, misses = _swings(keys, shapes.points.shape[1])
    points = _written(shapes.points[glyphs], misses, hand)
    x, y = _pen(shapes.weights[glyphs], points, hand)
    return _inked(x, y, hand, shapes.spacing[glyphs, None], _paper(_roll(keys, _SHEET)))


def _swings(keys: Array, points: int) -> tuple[Hand, Array]:
    """Draw how each image is written, and by how much each point is missed: (n, points, 2)."""
    fields = len(Hand._fields)
    swings = bells(rolls(keys, _SWINGS, fields + 2 * points))
    return Hand(*(swings[:, i, None] for i in range(fields))), swings[:, fields:].reshape(-1, points, 2)


def _written(points: Array, misses: Array, hand: Hand) -> Array:
    """Move points of glyphs (n, points, 2) to where the hand puts them, in pixels from the middle."""
    sloppiness = 2.6 + 2 * hand.haste
    x = points[:, :, 0] + sloppiness * misses[:, :, 0]
    y = points[:, :, 1] + sloppiness * misses[:, :, 1]
    u, v = x / 10, y / 10
    x = x * (0.86 + 0.4 * hand.width + 0.3 * hand.taper * v) + 4 * hand.bow * (v * v - 0.4)
    y = y * (0.86 + 0.14 * hand.height) + 2.5 * hand.sag * u * u + 3 * hand.waist * (1 - v * v)
    x = x - (0.16 + 0.75 * hand.slant + 0.4 * hand.turn) * y
    y = y + 0.4 * hand.turn * x
    return np.stack([x, y], axis=2)


def _pen(weights: Array, points: Array, hand: Hand) -> tuple[Array, Array]:
    """Follow the strokes: x and y of the pen, int64 (n, PEN_POSITIONS), in steps from the track's start."""
    whole = np.clip(np.floor(points * 16), -_REACH, _REACH).astype(np.float32)
    path = np.floor(np.matmul(weights, whole) * np.float32(_GRAIN / 16)).astype(np.int64)
    path -= path.sum(axis=1, keepdims=True) // PEN_POSITIONS  # centre the ink, as MNIST does
    x = path[:, :, 0] + np.floor(_TRACK // 2 + 20 * hand.right).astype(np.int64)
    y = path[:, :, 1] + np.floor(_TRACK // 2 + 12 * hand.down).astype(np.int64)
    return np.clip(x, 0, _TRACK - 1), np.clip(y, 0, _TRACK - 1)


def _inked(x: Array, y: Array, hand: Hand, spacing: Array, paper: Array) -> Array:
    """Leave ink wherever the pen was: uint8 (n, 28, 28)."""
    along = (np.arange(PEN_POSITIONS) * 2 + 1 - PEN_POSITIONS) / PEN_POSITIONS
    thick = 6.5 + 9 * hand.thickness + 5 * hand.pressure * along
    columns = _marks()[_nib(thick + 4 * hand.nib), x]
    rows = _marks()[_nib(thick - 4 * hand.nib), y]
    ink: Array = np.matmul(rows.transpose(0, 2, 1), columns)
    ink *= (spacing * (0.0038 + 0.0026 * hand.ink)).astype(np.float32)[:, :, None]
    ink *= paper
    ink -= 12  # what is fainter than this is no ink
    return np.clip(ink, 0, 255).astype(np.uint8)


def _nib(thick: Array) -> Array:
    return np.clip(np.floor(thick), 0, _NIBS - 1).astype(np.int64)


@cache
def _marks() -> Array:
    """Return the ink that a nib somewhere on its track leaves along one axis of the image.

    Returns:
        float32 (_NIBS, _TRACK, 28): whole numbers up to 255, falling off as (1 - (distance / radius)²)².
    """
    pixel = 10 * _GRAIN  # lengths are in 1/10 of a step
    pen = (np.arange(_TRACK, dtype=np.int64) - _MARGIN)[None, :, None] * 10
    middles = np.arange(SIDE, dtype=np.int64)[None, None, :] * pixel + pixel // 2
    radius = (np.arange(_NIBS, dtype=np.int64) * 8 + 112)[:, None, None]  # 1.4 to 3.3 pixels
    inside = np.maximum(radius**2 - (pen - middles) ** 2, 0)
    return (255 * inside**2 // radius**4).astype(np.float32)


def _paper(bits: Array) -> Array:
    """Return how well the paper of each image takes ink: float32 (n, 28, 28), around 1."""
    sheets = _sheets()
    cut: Array = sheets[below(len(sheets), bits), below(len(sheets), bits << np.uint64(32))]
    return cut


@cache
def _sheets() -> Array:
    bumps = bells(rolls(key_of(0, "paper"), 0, _PAPER * _PAPER)).reshape(_PAPER, _PAPER)
    return sliding_window_view((1 + 0.7 * bumps).astype(np.float32), (SIDE, SIDE))


def _digits(keys: Array) -> Array:
    return below(10, _roll(keys, _DIGIT))


def _roll(keys: Array, number: int) -> Array:
    return rolls(keys, number, 1)[:, 0]
