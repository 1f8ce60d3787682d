"""The compiled loops of text: plain lines to numbers, and numbers to lines."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

import numpy as np
from fuzz.sandbox import loops_of

DICTIONARY = (
    b"255,",
    b"256,",
    b"0,0,0,0,",
    b"\n",
    b"\r\n",
    b"-",
    b",,",
    b"9" * 18,
    b"9" * 19,
    b"0007",
    b"\0",
    b"\xff",
    b"1" * 99,
)

_SEPARATORS = b",\t; |"
_MOST_DIGITS = 18


def seeds() -> Iterator[bytes]:
    """Yield plain lines of several layouts: separator, columns before, pixels and after, then the text."""
    for values in (1, 2, 3, 8, 9, 60):
        line = b",".join(b"%d" % (37 * i % 256) for i in range(values))
        yield bytes((0, 0, values, 0)) + line + b"\n" + line + b"\r\n"
        yield bytes((0, 1, values, 1)) + b"-5," + line + b",123456789012345678\n"
        yield bytes((1, 2, values, 0)) + b"7\t8\t" + line.replace(b",", b"\t") + b"\n"
    yield bytes((0, 0, 250, 0)) + (b"0," * 249 + b"0\n") * 2
    yield bytes((0, 1, 250, 1)) + b"-1," + b"200,10,3,255," * 62 + b"99,0,77\n"
    yield bytes((0, 1, 2, 0)) + b"5,0,256\n"


def target(data: bytes) -> None:
    """Lines are called plain, and read, as ``int`` does it; written again, they read as the same.

    The first four bytes tell the separator and the numbers of columns; what is left is the text, and, as
    raw bytes, pixels and labels to be written.
    """
    if len(data) < 5:
        return
    loops = loops_of("text")
    separator, before, values, after = _SEPARATORS[data[0] % 5], data[1] % 3, data[2] or 1, data[3] % 3
    text = data[4:]
    starts = np.frombuffer(loops.starts(text), np.int64).tolist()
    lines = text.split(b"\n")[:-1]
    assert loops.count(text) == len(lines)
    assert starts == [0, *accumulate(len(line) + 1 for line in lines)][: len(lines)]
    layout = (separator, before, values, after)
    table = _read(text, *layout)
    beside = None if table is None else [row[:before] + row[before + values :] for row in table]
    for quick in (True, False):
        assert _decoded(loops, text, layout, len(lines), quick=quick) == table
        for room in {len(lines), len(lines) + 3, max(0, len(lines) - 1)}:
            found = _surveyed(loops, text, layout, room, quick=quick)
            assert found == (None if beside is None or room < len(lines) else (beside, starts))
    _check_written(loops, text, separator, values)


def _buffer(text):
    """Return a copy that ends where its memory ends: bytes have one more."""
    return np.frombuffer(text, np.uint8).copy()


def _decoded(loops, text, layout, room, *, quick):
    _, before, values, after = layout
    integers, pixels = np.empty((before + after, room), np.int64), np.empty((room, values), np.uint8)
    rows = loops.decode(_buffer(text), *layout, integers, pixels, quick)
    if rows < 0:
        return None
    return np.hstack([integers.T[:, :before], pixels, integers.T[:, before:]])[:rows].tolist()


def _surveyed(loops, text, layout, room, *, quick):
    _, before, _, after = layout
    integers, starts = np.empty((before + after, room), np.int64), np.empty(room, np.int64)
    rows = loops.survey(_buffer(text), *layout, integers, starts, quick)
    return None if rows < 0 else (integers.T[:rows].tolist(), starts[:rows].tolist())


def _read(text, separator, before, values, after):
    """Read plain lines with int; None where they are not plain."""
    if text and not text.endswith(b"\n"):
        return None
    table = []
    for line in text.split(b"\n")[:-1]:
        cells = line.removesuffix(b"\r").split(bytes((separator,)))
        if len(cells) != before + values + after:
            return None
        for i, cell in enumerate(cells):
            is_pixel = before <= i < before + values
            digits = cell if is_pixel else cell.removeprefix(b"-")
            if not digits.isdigit() or len(digits) > (3 if is_pixel else _MOST_DIGITS):
                return None
            if is_pixel and int(digits) > 255:
                return None
        table.append([int(cell) for cell in cells])
    return table


def _check_written(loops, raw, separator, values):
    rows = min(len(raw) // values, 64)
    pixels = np.frombuffer(raw, np.uint8, rows * values).reshape(rows, values).copy()
    words = np.resize(np.frombuffer(raw.ljust(8, b"\x80")[: len(raw) // 8 * 8 or 8], np.int64), rows)
    plain = [[b"%d" % value for value in row] for row in pixels.tolist()]
    between = bytes((separator,))
    for labels in (None, words):
        for last in (False, True):
            beside = [[] if labels is None else [b"%d" % label] for label in words.tolist()]
            cells = [row + own if last else own + row for row, own in zip(plain, beside, strict=True)]
            expected = b"".join(between.join(line) + b"\n" for line in cells)
            for quick in (True, False):
                assert loops.encode(pixels, labels, values, separator, last, quick) == expected
