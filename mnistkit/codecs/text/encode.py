"""Lines of numbers out of pixels and labels, by table and without a loop over pixels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import Literal

import numpy as np
import numpy.typing as npt

from mnistkit.dataset import Array

#: Bytes kept for a label and its separator: 20 digits and sign, padded to whole 4-byte words.
_LABEL_BYTES = 24


def encode(
    images: Array, labels: Array | None, *, separator: bytes, label: Literal["first", "last"] = "first"
) -> bytes:
    r"""Return one line of decimal numbers for each image, each ending in ``\n``.

    Args:
        images: uint8 (n, …); values leave in C-order: row, column, channel.
        labels: (n,) integers of any width, or None.
        separator: One byte.
        label: Where the label stands in its line.
    """
    pixels = images.reshape(len(images), int(np.prod(images.shape[1:])))
    if labels is None:
        words = _words(pixels, separator, b"\n")
    elif label == "first":
        words = np.hstack([_label_words(labels, separator), _words(pixels, separator, b"\n")])
    else:
        words = np.hstack([_words(pixels, separator, separator), _label_words(labels, b"\n")])
    return words.tobytes().translate(None, b"\0")


def header_line(names: Sequence[str], separator: bytes) -> bytes:
    """Return the names of the columns as the first line of a file."""
    return separator.join(name.encode() for name in names) + b"\n"


def pixel_names(shape: Sequence[int], *, first: int = 0) -> list[str]:
    """Name the values of an image ``pixel0``, ``pixel1`` and so on."""
    return [f"pixel{i}" for i in range(first, first + int(np.prod(shape)))]


def grid_names(shape: Sequence[int]) -> list[str]:
    """Name the values of an image by row and column from 1: ``1x1``, ``1x2``, … (``1x1x1`` with channels)."""
    return ["x".join(map(str, place)) for place in product(*(range(1, n + 1) for n in shape))]


def _words(pixels: Array, separator: bytes, last: bytes) -> npt.NDArray[np.uint32]:
    """Look up four bytes for each pixel, padded with NUL; the last of a line ends differently."""
    words = _table(separator).take(pixels, mode="clip")
    words[:, -1] = _table(last).take(pixels[:, -1])
    return words


def _label_words(labels: Array, end: bytes) -> npt.NDArray[np.uint32]:
    padded = np.char.add(labels.astype("S20"), end).astype(f"S{_LABEL_BYTES}")
    return padded.view(np.uint32).reshape(len(labels), _LABEL_BYTES // 4)


@cache
def _table(end: bytes) -> npt.NDArray[np.uint32]:
    return np.array([b"%d%b" % (value, end) for value in range(256)], "S4").view(np.uint32)
