"""Lines out of pixels without compiled code: words, looked up and strung together by Arrow.

A dictionary holds every word that a line may need::

    0 … 65535        two pixels, each with its separator, by their two bytes as one number
    65536 + v        one pixel of value v with its separator: what is left of a line
    65792 + v        one pixel of value v that ends its line
    66048 + n        n pairs of zeros, up to 256
    66305 + i        the i-th of the labels at hand, separator or line end included

Most of a drawn image is zeros, so that there are three to four words where there are twelve pairs.
Arrow's ``take`` lets go of the interpreter lock; looking up padded words with numpy and dropping the
padding takes half as long again, and ``bytes.translate`` keeps the lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mnistkit.codecs.text.pure import Bytes, Integers

Words: TypeAlias = npt.NDArray[np.uint32]

_PAIRS = 1 << 16
_LONGEST_RUN = 256
_SINGLES, _LAST, _RUNS = _PAIRS, _PAIRS + 256, _PAIRS + 512
_LABELS = _RUNS + _LONGEST_RUN + 1
#: Arrow counts the bytes of one text with 32 bits; a value takes at most four.
_MOST_VALUES = 1 << 26
#: Values whose words are found in one go.  Fewer would stay in a processor's own cache, but each step lets go
#: of the interpreter lock and takes it again, and threads that wait for each other lose more than that wins.
_PIECE_VALUES = 1 << 20


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
    places, dictionary = None, _dictionary(separator)
    if labels is not None:
        known, inverse = np.unique(labels, return_inverse=True)
        end = separator if label == "first" else b"\n"
        dictionary = _with_labels(separator, tuple(b"%d" % n + end for n in known.tolist()))
        places = inverse.astype(np.uint32) + np.uint32(_LABELS)
    words = _words_of(pixels, places, label)
    indices = pa.Array.from_buffers(pa.uint32(), words.size, [None, pa.py_buffer(words)])
    text: bytes = pc.take(dictionary, indices, boundscheck=False).buffers()[2].to_pybytes()
    return text


def _words_of(pixels: Bytes, labels: Words | None, label: Literal["first", "last"]) -> Words:
    """Return which words of the dictionary the lines are made of, one line after the other."""
    step = max(1, _PIECE_VALUES // pixels.shape[1])
    pieces = [slice(row, row + step) for row in range(0, len(pixels), step)]
    tables = (_table(pixels[rows], None if labels is None else labels[rows], label) for rows in pieces)
    return np.concatenate([np.empty(0, np.uint32), *map(_in_runs, tables)])


def _table(pixels: Bytes, labels: Words | None, label: Literal["first", "last"]) -> Words:
    """Return which words each line is made of where pairs of zeros are words of their own: (n, words)."""
    paired = (pixels.shape[1] - 1) // 2 * 2
    pairs = np.ascontiguousarray(pixels[:, :paired]).view(np.uint16)
    rest = pixels[:, paired:].astype(np.uint32) + np.uint32(_SINGLES)
    if labels is None or label == "first":
        rest[:, -1] += np.uint32(_LAST - _SINGLES)
    if labels is None:
        return np.hstack([pairs, rest])
    column = labels.reshape(-1, 1)
    return np.hstack([column, pairs, rest] if label == "first" else [pairs, rest, column])


def _in_runs(words: Words) -> Words:
    """Put one word in place of pairs of zeros that follow each other in a line; lines end with another."""
    flat = words.reshape(-1)
    kept = flat != 0
    kept[1:] |= kept[:-1]  # the first of a run
    kept.reshape(words.shape)[:, ::_LONGEST_RUN] = True
    places = np.flatnonzero(kept)
    found = flat.take(places)
    runs = np.flatnonzero(found == 0)
    found[runs] = places.take(runs + 1) - places.take(runs) + _RUNS
    return found


@lru_cache(maxsize=4)
def _with_labels(separator: bytes, labels: tuple[bytes, ...]) -> Any:
    """Return the dictionary with these labels behind it: the same for each batch, as a rule."""
    return pa.concat_arrays([_dictionary(separator), _texts(labels)])


@cache
def _dictionary(separator: bytes) -> Any:
    one = [b"%d%b" % (value, separator) for value in range(256)]
    last = [b"%d\n" % value for value in range(256)]
    in_memory = np.arange(_PAIRS, dtype=np.uint16).view(np.uint8).reshape(_PAIRS, 2)
    runs = [2 * n * one[0] for n in range(_LONGEST_RUN + 1)]
    return _texts([one[a] + one[b] for a, b in in_memory.tolist()] + one + last + runs)


def _texts(words: Sequence[bytes]) -> Any:
    # As pa.array does, which imports pandas where it is installed: 0.3 s.
    ends = np.cumsum([0, *map(len, words)], dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(words))]
    return pa.Array.from_buffers(pa.binary(), len(words), buffers)
