"""Buffers that are used again as soon as nobody holds an array in them."""

from __future__ import annotations

import weakref

import numpy as np

from mnistkit.dataset import Array


class BufferPool:
    """Hands out byte arrays of one size; an array's memory returns when its last view is gone.

    So batches can be streamed without allocating anew for each, and yet stay valid for whoever
    keeps one.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._free: list[memoryview] = []

    def take(self) -> Array:
        """Return a writable uint8 array (size,) with arbitrary content."""
        # Memory that nobody has touched: a file may promise more than it holds.
        buffer = self._free.pop() if self._free else np.empty(self._size, np.uint8).data
        # Views of this array have it as their base (its own base is no array), so it outlives them all.
        array = np.frombuffer(buffer, np.uint8)
        weakref.finalize(array, self._free.append, buffer).atexit = False
        return array
