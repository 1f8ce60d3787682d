r"""Sparse lines, as ML.NET has them: how many values there are, then the place and value of each but zeros.

::

    7<TAB>784<TAB>202:84<TAB>203:185\n
    0<TAB>784<TAB>0:0\n

Places count from 0 at the first pixel and ascend.  An image of zeros keeps one item, since ML.NET would
take a lone 784 for the first pixel (TextLoaderParser.cs, TextSaver.cs).
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from mnistkit.codecs.text.floats import numbers, texts
from mnistkit.codecs.text.layout import Layout
from mnistkit.codecs.text.tokens import Bytes, Numbers, Places, tokens, whole_numbers
from mnistkit.dataset import Array
from mnistkit.errors import DataError

Words: TypeAlias = npt.NDArray[np.uint32]

#: Of a place or a number of values, as ML.NET reads it.
MOST_DIGITS = 9

_COLON, _LF = ord(":"), ord("\n")


def encode_sparse(images: Array, labels: Array | None, *, separator: bytes, where: str) -> bytes:
    r"""Return one sparse line for each image, the label first, each ending in ``\n``.

    Args:
        images: uint8 or float32 (n, …); values leave in C-order: row, column, channel.
        labels: (n,) integers or bytes, or None.
        separator: One byte, no colon.
        where: What messages call it.

    Raises:
        CapabilityError: A float32 that is not finite.
    """
    pixels = images.reshape(len(images), int(np.prod(images.shape[1:])))
    kept = pixels != 0
    kept |= np.signbit(pixels) if pixels.dtype.kind == "f" else False
    kept[~kept.any(axis=1), 0] = True
    rows, places = np.nonzero(kept)
    items = np.hstack([
        _place_words(pixels.shape[1], separator)[places],
        _value_words(pixels[kept], where),
    ])  # fmt: skip
    return _lines(_head_words(labels, pixels.shape, separator), rows, items).tobytes().translate(None, b"\0")


def _lines(heads: Words, rows: Places, items: Words) -> Words:
    """Lay out a head, any number of items and a line end for each row."""
    width = items.shape[1]
    before = heads.shape[1] + 1  # words that are no items
    counts = np.bincount(rows, minlength=len(heads))
    firsts = before * np.arange(len(heads)) + width * (np.cumsum(counts) - counts)
    words = np.zeros(before * len(heads) + items.size, np.uint32)
    words[firsts[:, None] + np.arange(before - 1)] = heads
    at = before * rows + before - 1 + width * np.arange(len(rows))
    words[at[:, None] + np.arange(width)] = items
    words[firsts + before - 1 + width * counts] = _as_words(np.array([b"\n"]))[0, 0]
    return words


def _head_words(labels: Array | None, shape: tuple[int, ...], separator: bytes) -> Words:
    size = np.full(shape[0], b"%d" % shape[1])
    return _as_words(
        size if labels is None else np.char.add(np.char.add(labels.astype("S"), separator), size)
    )


def _place_words(values: int, separator: bytes) -> Words:
    return _as_words(np.array([b"%b%d:" % (separator, place) for place in range(values)]))


def _value_words(values: Array, where: str) -> Words:
    if values.dtype == np.uint8:
        return _as_words(np.array([b"%d" % value for value in range(256)])).take(values, axis=0)
    return _as_words(np.array(texts(values, where=where).to_pylist(), "S"))


def _as_words(cells: Array) -> Words:
    """Pad texts with NUL to whole words of four bytes: (n, words)."""
    width = -(-max(1, cells.dtype.itemsize) // 4) * 4
    return cells.astype(f"S{width}").view(np.uint32).reshape(len(cells), width // 4)


def decode_sparse(text: bytes, layout: Layout) -> Numbers | None:
    """Decode plain sparse lines; None where there is anything else, right or wrong."""
    raw = np.frombuffer(text, np.uint8)
    starts, ends = tokens(raw, b":\n" + layout.separator)
    lasts = np.flatnonzero(raw[ends] == _LF)
    counts = np.diff(lasts, prepend=-1)
    lead = len(layout.before) + 1
    turn = np.arange(len(ends)) - np.repeat(lasts - counts + 1 + lead, counts)  # from 0 at the first place
    is_place, is_value = (turn >= 0) & (turn % 2 == 0), (turn >= 0) & (turn % 2 == 1)
    if (counts <= lead).any() or layout.after or ((raw[ends] == _COLON) != is_place).any():
        return None
    whole = whole_numbers(raw, starts[~is_value], ends[~is_value])
    values = _values(raw, starts[is_value], ends[is_value], layout.dtype)
    if whole is None or values is None:
        return None
    if (ends - starts)[is_place].max(initial=0) > MOST_DIGITS:
        return None
    places, heads = whole[is_place[~is_value]], whole[turn[~is_value] < 0].reshape(len(lasts), lead)
    rows = np.repeat(np.arange(len(lasts)), (counts - lead) // 2)
    if (heads[:, -1] != layout.values).any() or not _ascend(places, rows, layout.values):
        return None
    pixels = np.zeros((len(lasts), layout.values), layout.dtype)
    pixels[rows, places] = values
    return pixels, tuple(np.ascontiguousarray(column) for column in heads[:, :-1].T)


def _values(raw: Bytes, starts: Places, ends: Places, dtype: str) -> Array | None:
    if dtype != "uint8":
        return numbers(raw, starts, ends)
    found = whole_numbers(raw, starts, ends)
    return None if found is None or found.max(initial=0) > 255 else found


def _ascend(places: npt.NDArray[np.int64], rows: Places, values: int) -> bool:
    rising = (np.diff(places) > 0) | (np.diff(rows) > 0)
    return bool(rising.all()) and places.max(initial=0) < values


def dense_cells(cells: list[bytes], layout: Layout, *, where: str) -> list[bytes]:
    """Return the cells of a sparse line as those of a dense one.

    ML.NET's own saver counts a label that is a number among the values, and leaves out one that is 0.

    Raises:
        DataError: Another number of values than the layout's, or items that do not ascend below it.
    """
    lead = next(i for i, cell in enumerate(cells) if b":" in cell) - 1
    if layout.after or not 0 <= lead <= len(layout.before):
        raise DataError(where, "sparse line", expected="the number of values before the first place:value")
    values = layout.cells - lead
    said = cells[lead].strip()
    if not (said.isdigit() and len(said) <= MOST_DIGITS and int(said) == values):
        raise DataError(
            where, "number of values of a sparse line", expected=values, found=_shown(cells[lead])
        )
    return [*cells[:lead], *_spread(cells[lead + 1 :], values, where)]


def _spread(items: list[bytes], values: int, where: str) -> list[bytes]:
    """Return all values that items of a sparse line tell, in their places."""
    dense = [b"0"] * values
    least = 0
    for item in items:
        place, colon, value = item.partition(b":")
        is_place = bool(colon) and place.isdigit() and len(place) <= MOST_DIGITS
        if not (is_place and least <= int(place) < values):
            raise DataError(
                where, "item of a sparse line", found=_shown(item),
                expected=f"place:value, places ascending from 0 to {values - 1}",
            )  # fmt: skip
        dense[int(place)] = value.lstrip(b" ")
        least = int(place) + 1
    return dense


def _shown(cell: bytes) -> str:
    return repr(cell[:24].decode("utf-8", "backslashreplace"))
