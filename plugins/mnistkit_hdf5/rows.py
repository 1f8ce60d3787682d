"""Rows in the numbers that somebody wants them in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import prod

import numpy as np

from mnistkit.dataset import Array

#: Bytes of labels, or of a further column, that are read at once.
_STRETCH_BYTES = 1 << 18


class Stretches:
    """Rows that are asked for in order, read many at a time: a call of h5py costs 0.1 ms.

    Args:
        read: Reads rows by their first and last; some more of them each time.
        rows: How many there are.
    """

    def __init__(self, read: Callable[[int, int], Array], rows: int) -> None:
        self._read, self._total = read, rows
        self._rows, self._start = read(0, 0), 0
        self._step = _STRETCH_BYTES // max(1, self._rows.itemsize * prod(self._rows.shape[1:]))

    def read(self, start: int, stop: int) -> Array:
        """Return rows ``start`` to ``stop``."""
        if not self._start <= start <= stop <= self._start + len(self._rows):
            end = min(max(stop, start + self._step), self._total)
            self._rows, self._start = self._read(start, end), start
        return self._rows[start - self._start : stop - self._start]


def regrouped(pieces: Iterable[Array], rows: int) -> Iterator[Array]:
    """Cut images that come in any number into arrays of ``rows``; only the last may be shorter."""
    rest: Array | None = None
    for piece in pieces:
        joined = piece if rest is None else np.concatenate((rest, piece))
        whole = len(joined) - len(joined) % rows
        for start in range(0, whole, rows):
            yield joined[start : start + rows]
        rest = joined[whole:] if whole < len(joined) else None
    if rest is not None:
        yield rest
