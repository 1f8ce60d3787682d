"""The cells of a block of lines, by position: what sparse lines and lines of fractions are read from."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from mnistkit.dataset import Array

Bytes: TypeAlias = npt.NDArray[np.uint8]
Places: TypeAlias = npt.NDArray[np.intp]

#: Pixels (n, values), and int64 (n,) for each column beside them.
Numbers: TypeAlias = tuple[Array, tuple[npt.NDArray[np.int64], ...]]

#: Any whole number of so many digits fits int64.
SAFE_DIGITS = 18


def tokens(raw: Bytes, closing: bytes) -> tuple[Places, Places]:
    """Return where each token begins and ends; each is closed by one of some bytes, the last one too."""
    closes = np.zeros(256, np.bool_)
    closes[list(closing)] = True
    ends = np.flatnonzero(closes.take(raw))
    starts = np.empty_like(ends)
    starts[:1] = 0
    starts[1:] = ends[:-1] + 1
    return starts, ends


def whole_numbers(raw: Bytes, starts: Places, ends: Places) -> npt.NDArray[np.int64] | None:
    """Read tokens of 1 to 18 digits, digit by digit in all of them at once; None where one is no such."""
    lengths = ends - starts
    if lengths.min(initial=1) < 1 or lengths.max(initial=1) > SAFE_DIGITS:
        return None
    numbers = np.zeros(len(starts), np.int64)
    for place in range(int(lengths.max(initial=0))):
        inside = place < lengths
        digits = raw[np.maximum(ends - 1 - place, 0)] - np.uint8(ord("0"))  # above 9 where it is no digit
        if (digits[inside] > 9).any():
            return None
        np.add(numbers, digits * np.int64(10**place), out=numbers, where=inside)
    return numbers
