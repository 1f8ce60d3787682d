"""Lines of numbers out of pixels and labels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Literal

import numpy as np

from mnistkit.codecs.text.lane import lane
from mnistkit.codecs.text.memory import keep_freed_blocks
from mnistkit.dataset import Array


def encode(
    images: Array, labels: Array | None, *, separator: bytes, label: Literal["first", "last"] = "first"
) -> bytes:
    r"""Return one line of decimal numbers for each image, each ending in ``\n``.

    Args:
        images: uint8 (n, …); values leave in C-order: row, column, channel.
        labels: (n,) integers of any width that fit int64, or None.
        separator: One byte.
        label: Where the label stands in its line.
    """
    pixels = np.ascontiguousarray(images).reshape(len(images), int(np.prod(images.shape[1:])))
    numbers = None if labels is None else np.ascontiguousarray(labels, np.int64)
    keep_freed_blocks()
    return lane().encode(pixels, numbers, separator=separator, label=label)


def header_line(names: Sequence[str], separator: bytes) -> bytes:
    """Return the names of the columns as the first line of a file."""
    return separator.join(name.encode() for name in names) + b"\n"


def pixel_names(shape: Sequence[int], *, first: int = 0) -> list[str]:
    """Name the values of an image ``pixel0``, ``pixel1`` and so on."""
    return [f"pixel{i}" for i in range(first, first + int(np.prod(shape)))]


def grid_names(shape: Sequence[int]) -> list[str]:
    """Name the values of an image by row and column from 1: ``1x1``, ``1x2``, … (``1x1x1`` with channels)."""
    return ["x".join(map(str, place)) for place in product(*(range(1, n + 1) for n in shape))]
