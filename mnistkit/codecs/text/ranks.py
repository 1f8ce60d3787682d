"""How many flags are set up to a place, without a number for each: 64 flags to a word, and words counted."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Bools: TypeAlias = npt.NDArray[np.bool_]
Places: TypeAlias = npt.NDArray[np.intp]
Words: TypeAlias = npt.NDArray[np.uint64]

#: How many flags a word holds: their number must be a multiple of it.
WORD_FLAGS = 64

_ONE = np.uint64(1)


def ranks(flags: Bools, places: Places) -> npt.NDArray[np.int64]:
    """Return how many flags are set at each place and before it."""
    words = np.packbits(flags, bitorder="little").view("<u8").astype(np.uint64, copy=False)
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(_counts(words))])
    word, bit = np.divmod(places, WORD_FLAGS)
    up_to = (_ONE << bit.astype(np.uint64) << _ONE) - _ONE  # 64 places would be too far for one shift
    found: npt.NDArray[np.int64] = before[word] + _counts(words[word] & up_to)
    return found


def _counts(words: Words) -> npt.NDArray[np.int64]:
    """Count the bits that are set in each word, first in pairs; a function for it came with numpy 2."""
    pairs = words - (words >> np.uint64(1) & np.uint64(0x5555555555555555))
    fours = (pairs & np.uint64(0x3333333333333333)) + (pairs >> np.uint64(2) & np.uint64(0x3333333333333333))
    eights = fours + (fours >> np.uint64(4)) & np.uint64(0x0F0F0F0F0F0F0F0F)
    counts: npt.NDArray[np.int64] = (eights * np.uint64(0x0101010101010101) >> np.uint64(56)).astype(np.int64)
    return counts
