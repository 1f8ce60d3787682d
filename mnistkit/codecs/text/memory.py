"""Blocks of memory that are used again."""

from __future__ import annotations

from functools import cache

import numpy as np

#: Just below the most that glibc takes for a hint.
_HINT_BYTES = 31 << 20


@cache
def keep_freed_blocks() -> None:
    """Have the C library keep freed blocks for the next ones, instead of giving them back each time.

    glibc returns a block of some size to the system until one of that size has been freed once
    (``M_MMAP_THRESHOLD`` in mallopt(3)).  So one large block, never touched, is freed here.  Without
    it, a fifth of the time of reading and writing goes into memory that is new each time.
    """
    np.empty(_HINT_BYTES, np.uint8)
