"""How people write the digits: strokes through points, and the pen positions along them.

A stroke is a smooth curve through its points (Catmull-Rom); corners and lifts of the pen begin a
new one.  A point named twice within a glyph is one point, so strokes that meet stay together when
the points are moved; a stroke that ends where it began is a smooth loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import sqrt
from typing import TypeAlias

import numpy as np

from mnistkit.dataset import Array

#: Pen positions of one image, evenly spaced along its strokes.
PEN_POSITIONS = 56
#: Glyphs of a digit share this many slots, from which one is drawn at random.
SLOTS = 8

_STEPS = 16  # curve points per segment: a power of two, so that spline weights are exact binary fractions

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Glyph:
    """One way to write a digit.

    Attributes:
        digit: 0 to 9.
        share: How many of :data:`SLOTS` writers write it so.
        strokes: ``x,y`` points in a box of 20 by 20, y downwards; ``|`` lifts the pen or turns a corner.
    """

    digit: int
    share: int
    strokes: str


GLYPHS = (
    Glyph(0, 3, "10,0 5,4 4,10 5,16 10,20 15,16 16,10 15,4 10,0"),
    Glyph(0, 3, "12,2 8,1 5,6 5,13 9,20 14,17 16,10 14,3 10,1 7,4"),  # overlapping ends
    Glyph(0, 2, "8,4 5,9 6,16 10,20 15,15 16,7 13,1 9,0 7,3 10,4"),  # ending in a curl
    Glyph(1, 4, "10,0 10,10 10,20"),
    Glyph(1, 3, "6,5 9,3 11,0 | 11,0 11,10 11,20"),  # with a serif
    Glyph(1, 1, "8,3 11,0 | 11,0 11,10 11,20 | 8,20 11,20 15,20"),  # serif and foot
    Glyph(2, 3, "4,5 6,1 11,0 15,4 14,9 9,15 4,20 | 4,20 10,19 17,20"),
    Glyph(2, 3, "4,4 9,0 14,2 14,8 10,14 6,18 3,19 3,16 6,15 10,17 14,20 18,18"),  # looped
    Glyph(2, 2, "5,3 10,0 14,3 13,9 9,14 4,19 | 4,19 9,17 13,19 17,17"),
    Glyph(3, 4, "4,3 9,0 14,3 13,7 8,9 | 8,9 14,11 15,16 10,20 4,17"),
    Glyph(3, 1, "4,1 9,1 15,1 | 15,1 11,5 8,8 | 8,8 14,10 15,16 9,20 3,17"),  # flat top
    Glyph(3, 3, "5,2 10,0 14,4 10,9 8,9 13,11 15,15 11,20 4,18"),  # in one sweep
    Glyph(4, 4, "5,0 4,6 4,11 10,12 17,11 | 15,1 14,10 13,20"),  # open
    Glyph(4, 2, "13,0 9,7 4,13 | 4,13 10,13 17,13 | 13,0 13,10 13,20"),  # closed
    Glyph(4, 2, "5,1 4,8 8,11 15,8 | 15,0 15,8 13,20"),
    Glyph(5, 4, "15,1 10,1 5,1 | 5,1 5,5 4,9 | 4,9 10,7 15,11 14,17 9,20 3,18"),
    Glyph(5, 2, "6,2 5,9 | 5,9 11,8 15,12 13,18 8,20 4,18 | 6,2 11,2 17,0"),  # cap put on last
    Glyph(5, 2, "15,1 9,0 5,4 7,8 13,11 14,16 9,20 4,18"),  # like an S
    Glyph(6, 3, "13,0 8,4 5,10 5,16 9,20 14,18 15,13 11,10 6,13"),
    Glyph(6, 3, "11,0 7,7 5,14 8,20 13,19 14,14 10,12 6,15"),
    Glyph(6, 2, "15,1 9,3 5,9 5,16 10,20 15,17 15,11 10,9 5,14"),
    Glyph(7, 3, "3,2 9,2 16,1 | 16,1 12,9 9,20"),
    Glyph(7, 2, "3,2 9,2 16,1 | 16,1 12,9 9,20 | 7,11 12,11 17,10"),  # barred
    Glyph(7, 1, "4,5 4,2 | 4,2 10,2 16,2 | 16,2 12,10 10,20"),  # with a serif
    Glyph(7, 2, "3,4 8,1 14,1 15,5 12,12 10,20"),  # in one sweep
    Glyph(8, 4, "14,3 9,0 5,4 8,8 13,12 14,17 9,20 5,17 7,12 12,8 14,3"),
    Glyph(8, 2, "10,9 6,6 7,1 12,1 14,5 10,9 | 10,9 5,13 6,19 13,20 15,14 10,9"),  # two rings
    Glyph(8, 2, "15,2 9,1 6,5 10,9 14,14 11,20 6,18 7,13 12,8 16,4"),  # open at the top
    Glyph(9, 3, "15,3 10,0 5,4 7,9 12,8 15,3 | 15,3 15,11 14,20"),  # straight
    Glyph(9, 3, "15,4 11,0 6,3 6,8 11,9 15,4 | 15,4 15,11 12,18 7,20 4,18"),  # curved
    Glyph(9, 2, "14,2 9,1 5,5 8,10 13,7 15,2 | 15,2 13,11 10,20"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Stencils:
    """All glyphs as arrays, to be picked by glyph number.

    Attributes:
        points: float64 (glyphs, most points, 2): x, y from the middle of the box; unused ones are 0.
        weights: float32 (glyphs, PEN_POSITIONS, most points): a pen position is this mean of the
            points; multiples of 2**-13, so that it is exact.
        spacing: float32 (glyphs,): distance from one pen position to the next.
        slots: int64 (10, SLOTS): glyph numbers of each digit.
    """

    points: Array
    weights: Array
    spacing: Array
    slots: Array


@cache
def stencils() -> Stencils:
    """Lay out all glyphs as arrays."""
    traced = [_trace(glyph) for glyph in GLYPHS]
    most = max(len(points) for points, _, _ in traced)
    points = np.zeros((len(GLYPHS), most, 2))
    weights = np.zeros((len(GLYPHS), PEN_POSITIONS, most), np.float32)
    for number, (named, weight, _) in enumerate(traced):
        points[number, : len(named)] = named
        weights[number, :, : len(named)] = weight
    spacing = np.array([spacing for _, _, spacing in traced], np.float32)
    slots = [
        [number for number, glyph in enumerate(GLYPHS) for _ in range(glyph.share) if glyph.digit == digit]
        for digit in range(10)
    ]
    return Stencils(points, weights, spacing, np.array(slots))


def _trace(glyph: Glyph) -> tuple[Array, Array, float]:
    """Return a glyph's points, the weights of its pen positions and their distance."""
    strokes = [[_point(text) for text in stroke.split()] for stroke in glyph.strokes.split("|")]
    named = list(dict.fromkeys(point for stroke in strokes for point in stroke))
    points = np.array(named) - 10.0
    rows, steps = [], []
    for stroke in strokes:
        curve = _spline([named.index(point) for point in stroke], len(named))
        rows.append(curve[:-1])
        steps.append(_lengths(curve, points))
    reached = np.cumsum(np.concatenate(steps))
    wanted = (np.arange(PEN_POSITIONS) * 2 + 1) * int(reached[-1]) // (2 * PEN_POSITIONS)
    chosen = np.searchsorted(reached, wanted, side="right")
    return points, np.concatenate(rows)[chosen], int(reached[-1]) / (_UNITS * PEN_POSITIONS)


_UNITS = 1024  # lengths are whole numbers of 1/1024, so that their sums are exact


def _point(text: str) -> Point:
    x, y = text.split(",")
    return float(x), float(y)


def _spline(path: list[int], points: int) -> Array:
    """Return the weights of points on a curve's every step: (segments * _STEPS + 1, points)."""
    identity = np.eye(points)
    knots = [identity[index] for index in path]
    looped = path[0] == path[-1]
    before = knots[-2] if looped else 2 * knots[0] - knots[1]
    after = knots[1] if looped else 2 * knots[-1] - knots[-2]
    knots = [before, *knots, after]
    rows = [
        (-t + 2 * t * t - t * t * t) / 2 * knots[k]
        + (2 - 5 * t * t + 3 * t * t * t) / 2 * knots[k + 1]
        + (t + 4 * t * t - 3 * t * t * t) / 2 * knots[k + 2]
        + (t * t * t - t * t) / 2 * knots[k + 3]
        for k in range(len(path) - 1)
        for t in (step / _STEPS for step in range(_STEPS))
    ]
    return np.array([*rows, identity[path[-1]]])


def _lengths(curve: Array, points: Array) -> Array:
    """Return the lengths of a curve's steps in whole _UNITS."""
    steps = np.diff(curve @ points, axis=0)
    return np.array([int(_UNITS * sqrt(x * x + y * y)) for x, y in steps.tolist()])
