"""Lines out of pixels without compiled code: a word for each pair of pixels, strung together by Arrow.

A dictionary holds every word that a line may need::

    0 … 65535        two pixels, each with its separator, by their two bytes as one number
    65536 + v        one pixel of value v with its separator: what is left of a line
    65792 + v        one pixel of value v that ends its line
    66048 + i        the i-th of the labels at hand, separator or line end included

Arrow's ``take`` lets go of the interpreter lock; looking up padded words with numpy and dropping the
padding takes half as long again, and ``bytes.translate`` keeps the lock.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mnistkit.codecs.text.pure import Bytes, Integers

_PAIRS = 1 << 16
_SINGLES, _LAST, _LABELS = _PAIRS, _PAIRS + 256, _PAIRS + 512
#: Arrow counts the bytes of one text with 32 bits; a value takes at most four.
_MOST_VALUES = 1 << 26


def encode(
    pixels: Bytes, labels: Integers | None, *, separator: bytes, label: Literal["first", "last"]
) -> bytes:
    """Return one line for each row of pixels.

    Args:
        pixels: uint8 (n, values).
        labels: int64 (n,), or None.
        separator: One byte.
        label: Where the label stands in its line.
    """
    step = max(1, _MOST_VALUES // pixels.shape[1])
    spans = [slice(row, row + step) for row in range(0, len(pixels), step)]
    return b"".join(
        _lines(pixels[rows], None if labels is None else labels[rows], separator, label) for rows in spans
    )


def _lines(
    pixels: Bytes, labels: Integers | None, separator: bytes, label: Literal["first", "last"]
) -> bytes:
    closing = labels is None or label == "first"
    words, dictionary = _words_of(pixels, closing=closing), _dictionary(separator)
    if labels is not None:
        known, places = np.unique(labels, return_inverse=True)
        end = separator if label == "first" else b"\n"
        dictionary = pa.concat_arrays([dictionary, _texts([b"%d" % n + end for n in known.tolist()])])
        column = (places.reshape(-1, 1) + _LABELS).astype(np.uint32)
        words = np.hstack([column, words] if label == "first" else [words, column])
    indices = pa.Array.from_buffers(pa.uint32(), words.size, [None, pa.py_buffer(words)])
    text: bytes = dictionary.take(indices).buffers()[2].to_pybytes()
    return text


def _words_of(pixels: Bytes, *, closing: bool) -> npt.NDArray[np.uint32]:
    """Return which words of the dictionary each line is made of, (n, words)."""
    paired = (pixels.shape[1] - 1) // 2 * 2
    pairs = np.ascontiguousarray(pixels[:, :paired]).view(np.uint16)
    rest = pixels[:, paired:].astype(np.uint32) + np.uint32(_SINGLES)
    if closing:
        rest[:, -1] += np.uint32(_LAST - _SINGLES)
    return np.hstack([pairs, rest])


@cache
def _dictionary(separator: bytes) -> Any:
    one = [b"%d%b" % (value, separator) for value in range(256)]
    last = [b"%d\n" % value for value in range(256)]
    in_memory = np.arange(_PAIRS, dtype=np.uint16).view(np.uint8).reshape(_PAIRS, 2)
    return _texts([one[a] + one[b] for a, b in in_memory.tolist()] + one + last)


def _texts(words: list[bytes]) -> Any:
    # As pa.array does, which imports pandas where it is installed: 0.3 s.
    ends = np.cumsum([0, *map(len, words)], dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(words))]
    return pa.Array.from_buffers(pa.binary(), len(words), buffers)
