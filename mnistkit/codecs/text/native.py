"""The compiled lane: what :mod:`mnistkit.codecs.text.pure` does, by the loops of ``native/text.c``."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mnistkit.codecs.text.layout import Layout
from mnistkit.codecs.text.pure import Bytes, Columns, Integers, Text
from mnistkit.native import text as loops


def encode(
    pixels: Bytes, labels: Integers | None, *, separator: bytes, label: Literal["first", "last"]
) -> bytes:
    """As :func:`mnistkit.codecs.text.pure.encode`."""
    return loops.encode(pixels, labels, pixels.shape[1], ord(separator), label == "last")


def decode(text: Text, layout: Layout, into: Bytes | None = None) -> tuple[Bytes, Columns] | None:
    """As :func:`mnistkit.codecs.text.pure.decode`."""
    pixels = np.empty((loops.count(text), layout.values), np.uint8) if into is None else into
    integers = _room_for_integers(layout, len(pixels))
    rows = loops.decode(text, *_columns_of(layout), integers, pixels)
    return (pixels, tuple(integers)) if rows == len(pixels) else None


def survey(text: Text, layout: Layout) -> tuple[Columns, Integers] | None:
    """As :func:`mnistkit.codecs.text.pure.survey`."""
    begins = np.empty(len(text) // (2 * layout.cells), np.int64)  # a cell takes two bytes at least
    integers = _room_for_integers(layout, len(begins))
    rows = loops.survey(text, *_columns_of(layout), integers, begins)
    return None if rows < 0 else (tuple(integers[:, :rows]), begins[:rows])


def count(text: Text) -> int:
    """As :func:`mnistkit.codecs.text.pure.count`."""
    return loops.count(text)


def starts(text: Text) -> Integers:
    """As :func:`mnistkit.codecs.text.pure.starts`."""
    return np.frombuffer(loops.starts(text), np.int64)


def _columns_of(layout: Layout) -> tuple[int, int, int, int]:
    return ord(layout.separator), len(layout.before), layout.values, len(layout.after)


def _room_for_integers(layout: Layout, rows: int) -> Integers:
    return np.empty((len(layout.before) + len(layout.after), rows), np.int64)
