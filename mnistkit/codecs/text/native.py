"""The compiled lane: what :mod:`mnistkit.codecs.text.pure` does, by the loops of ``native/text.c``."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mnistkit.codecs.text.layout import Layout
from mnistkit.codecs.text.pure import Bytes, Columns, Integers
from mnistkit.native import text as loops


def encode(
    pixels: Bytes, labels: Integers | None, *, separator: bytes, label: Literal["first", "last"]
) -> bytes:
    """As :func:`mnistkit.codecs.text.pure.encode`."""
    return loops.encode(pixels, labels, pixels.shape[1], ord(separator), label == "last")


def decode(text: bytes, layout: Layout, into: Bytes | None = None) -> tuple[Bytes, Columns] | None:
    """As :func:`mnistkit.codecs.text.pure.decode`."""
    rows = loops.count(text)
    pixels = np.empty((rows, layout.values), np.uint8) if into is None else into
    columns = _decoded(text, layout, rows, pixels) if len(pixels) == rows else None
    return None if columns is None else (pixels, columns)


def survey(text: bytes, layout: Layout) -> tuple[Columns, Integers] | None:
    """As :func:`mnistkit.codecs.text.pure.survey`."""
    begins = starts(text)
    columns = _decoded(text, layout, len(begins), None)
    return None if columns is None else (columns, begins)


def count(text: bytes) -> int:
    """As :func:`mnistkit.codecs.text.pure.count`."""
    return loops.count(text)


def starts(text: bytes) -> Integers:
    """As :func:`mnistkit.codecs.text.pure.starts`."""
    return np.frombuffer(loops.starts(text), np.int64)


def _decoded(text: bytes, layout: Layout, rows: int, pixels: Bytes | None) -> Columns | None:
    before, after = len(layout.before), len(layout.after)
    integers = np.empty((before + after, rows), np.int64)
    plain = loops.decode(text, ord(layout.separator), before, layout.values, after, rows, integers, pixels)
    return tuple(integers) if plain else None
