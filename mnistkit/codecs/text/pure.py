"""The lane without compiled code: whole blocks of lines at once by numpy, and by Arrow for writing.

Reading is cut into pieces, since the steps need memory of seven times their size.  Smaller pieces would
stay in a processor's own cache, but each step lets go of the interpreter lock and takes it again: where two
threads read, pieces of 256 KiB took twice as long as those of 1 MiB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mnistkit.codecs.text.layout import Layout
from mnistkit.codecs.text.ranks import WORD_FLAGS, Bools, ranks
from mnistkit.codecs.text.tokens import SAFE_DIGITS

Bytes: TypeAlias = npt.NDArray[np.uint8]
#: Lines, or a view of them in a buffer that others will use.
Text: TypeAlias = bytes | memoryview
Integers: TypeAlias = npt.NDArray[np.int64]
Columns: TypeAlias = tuple[Integers, ...]
Places: TypeAlias = npt.NDArray[np.intp]

#: Bytes of text that are read at once, about.
_PIECE_BYTES = 1 << 20
_LF, _CR, _MINUS = ord("\n"), ord("\r"), ord("-")
#: How many arrays as long as a piece are filled again and again: memory that is new each time costs more
#: than the work.
_ARRAYS = 7
#: Bytes before the text, so that looking back at up to three bytes needs no special case.
_MARGIN = 3


def encode(
    pixels: Bytes, labels: Integers | None, *, separator: bytes, label: Literal["first", "last"]
) -> bytes:
    """As :func:`mnistkit.codecs.text.pairs.encode`."""
    from mnistkit.codecs.text import pairs  # noqa: PLC0415 - Arrow, 100 ms that reading has no use for

    return pairs.encode(pixels, labels, separator=separator, label=label)


def decode(text: Text, layout: Layout, into: Bytes | None = None) -> tuple[Bytes, Columns] | None:
    """Decode plain lines: bare digits and separators; None where there is anything else, right or wrong.

    Args:
        text: Whole lines.
        layout: What their columns are.
        into: Where the pixels go, uint8 (lines, values); by default a new array.

    Returns:
        The pixels, and int64 (lines,) for each other column.
    """
    ends = _line_ends(text)
    pixels = np.empty((len(ends), layout.values), np.uint8) if into is None else into
    columns = _decoded(text, ends, layout, pixels) if len(pixels) == len(ends) else None
    return None if columns is None else (pixels, columns)


def survey(text: Text, layout: Layout) -> tuple[Columns, Integers] | None:
    """Judge lines as :func:`decode` does; return the other columns, and where each line begins."""
    ends = _line_ends(text)
    columns = _decoded(text, ends, layout, None)
    return None if columns is None else (columns, _starts(ends))


def count(text: Text) -> int:
    """Count the line ends."""
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == _LF))


def starts(text: Text) -> Integers:
    """Return where each whole line begins."""
    return _starts(_line_ends(text))


def without_cr(text: Text) -> bytes:
    r"""Return lines that end in ``\n`` alone."""
    lines = bytes(text)  # of bytes, no copy
    return lines.replace(b"\r\n", b"\n") if b"\r" in lines else lines


def _line_ends(text: Text) -> Places:
    return np.flatnonzero(np.frombuffer(text, np.uint8) == _LF)


def _starts(line_ends: Places) -> Integers:
    return np.concatenate([np.zeros(min(1, len(line_ends)), np.int64), line_ends[:-1] + 1])


def _decoded(text: Text, line_ends: Places, layout: Layout, pixels: Bytes | None) -> Columns | None:
    """Decode lines of either end; None where one is not plain or the text does not end with its last line."""
    if not len(line_ends) or line_ends[-1] != len(text) - 1:
        return None if text else _no_columns(layout)
    columns = None
    if text[line_ends[0] - 1] != _CR:
        columns = _decode_pieces(text, line_ends, layout, pixels)
    if columns is None and b"\r" in bytes(text):
        plain = without_cr(text)
        columns = _decode_pieces(plain, _line_ends(plain), layout, pixels)
    return columns


def _decode_pieces(text: Text, line_ends: Places, layout: Layout, pixels: Bytes | None) -> Columns | None:
    lines = np.frombuffer(text, np.uint8)
    pieces = list(_pieces(line_ends, len(text)))
    room = np.empty((_ARRAYS, _room_for(max(stop - start for _, start, stop in pieces))), np.uint8)
    found = []
    for rows, start, stop in pieces:
        part = None if pixels is None else pixels[rows]
        columns = _decode_piece(lines[start:stop], line_ends[rows] - start, layout, part, room)
        if columns is None:
            return None
        found.append(columns)
    return tuple(np.concatenate(pieces) for pieces in zip(*found, strict=True))


def _no_columns(layout: Layout) -> Columns:
    return tuple(np.empty(0, np.int64) for _ in layout.integer_columns)


def _room_for(size: int) -> int:
    """Return how long arrays for a piece of text are: a margin before it, digits behind it to fill a word."""
    return -(-(_MARGIN + size) // WORD_FLAGS) * WORD_FLAGS


def _pieces(line_ends: Places, size: int) -> Iterator[tuple[slice, int, int]]:
    """Yield rows, and where in the text they begin and end."""
    step = max(1, _PIECE_BYTES * len(line_ends) // size)
    start = 0
    for row in range(0, len(line_ends), step):
        rows = slice(row, row + step)
        stop = int(line_ends[rows][-1]) + 1
        yield rows, start, stop
        start = stop


def _decode_piece(
    text: Bytes, line_ends: Places, layout: Layout, pixels: Bytes | None, room: Bytes
) -> Columns | None:
    """Decode some lines.

    The work is done on whole bytes at once: the value of a cell stands, like everything else here,
    at the position of its last digit, and is picked up where a cell ends.
    """
    padded, digits, other, *rest = room[:, : _room_for(len(text))]
    padded[:_MARGIN], padded[_MARGIN + len(text) :] = _LF, ord("0")
    padded[_MARGIN : _MARGIN + len(text)] = text
    np.subtract(padded, np.uint8(ord("0")), out=digits)  # above 9 where it is no digit
    integers = _integers(padded, digits, line_ends + _MARGIN, layout)
    if integers is None:
        return None
    ends = np.greater(digits, 9, out=other.view(np.bool_))
    values = _values(digits, other, rest)
    dividers = len(line_ends) * (layout.cells - 1)
    if values is None or np.count_nonzero(padded == ord(layout.separator)) != dividers:
        return None
    fits = (
        _fits(ends, line_ends, layout) if pixels is None else _pick(values, ends, line_ends, layout, pixels)
    )
    return integers if fits else None


def _fits(ends: Bools, line_ends: Places, layout: Layout) -> bool:
    """Whether every line has the layout's number of cells, which is told without looking for each."""
    found = ranks(ends, line_ends + _MARGIN) - _MARGIN
    return bool((found == layout.cells * np.arange(1, len(line_ends) + 1)).all())


def _pick(values: Bytes, ends: Bools, line_ends: Places, layout: Layout, pixels: Bytes) -> bool:
    """Pick up the values where cells end; return whether every line has the layout's number of them."""
    cell_ends = np.flatnonzero(ends[_MARGIN:])
    if len(cell_ends) != len(line_ends) * layout.cells:
        return False
    # Without a mode that cannot fail, numpy fills a second array first.
    cells = values.take(cell_ends, mode="clip").reshape(len(line_ends), layout.cells)
    pixels[:] = cells[:, layout.pixel_columns]
    return bool((cell_ends[layout.cells - 1 :: layout.cells] == line_ends).all())


def _values(digits: Bytes, other: Bytes, room: Sequence[Bytes]) -> Bytes | None:
    """Return each cell's value at its last digit, counted from the margin's last byte.

    None where a cell is empty or above 255.  Digits of other columns are zeros by now, and ``other``
    is 1 where there is no digit.
    """
    keep, ones, small, hundreds = room
    small, hundreds, spare = small[:-2], hundreds[:-2], ones[_MARGIN:]
    np.subtract(other, np.uint8(1), out=keep)  # 0xFF at digits, 0 elsewhere
    np.bitwise_and(digits, keep, out=ones)
    np.multiply(ones[1:-1], np.uint8(10), out=small)
    small += ones[2:]
    np.bitwise_and(ones[:-2], keep[1:-1], out=hundreds)
    hundreds &= keep[2:]
    if hundreds.max(initial=0) > 2:
        return None
    # The greatest of all is found in half the time that any() takes.
    four_digits = np.bitwise_and(hundreds[:-1], keep[3:], out=spare).max()
    empty = np.bitwise_and(other[_MARGIN:], other[_MARGIN - 1 : -1], out=spare).max()
    if four_digits or empty:
        return None
    hundreds *= np.uint8(100)
    hundreds += small
    wrapped = np.less(hundreds, small, out=ones[2:].view(np.bool_)).view(np.uint8).max()
    return None if wrapped else hundreds


def _integers(padded: Bytes, digits: Bytes, line_ends: Places, layout: Layout) -> Columns | None:
    """Read the columns before and after the pixels, and leave zeros in ``digits`` where they stand."""
    separator = ord(layout.separator)
    found: list[Integers] = []
    start = np.concatenate([[_MARGIN], line_ends[:-1] + 1])
    for _ in layout.before:
        cell = _whole_numbers(padded, digits, start, separator)
        if cell is None:
            return None
        found.append(cell[0])
        start = cell[1] + 1
    last: list[Integers] = []
    end, closing = line_ends, _LF
    for _ in layout.after:
        begin = _cell_starts(padded, end, separator)
        cell = None if begin is None else _whole_numbers(padded, digits, begin, closing)
        if begin is None or cell is None:
            return None
        last.append(cell[0])
        end, closing = begin - 1, separator
    return (*found, *reversed(last))


def _cell_starts(padded: Bytes, ends: Places, separator: int) -> Places | None:
    starts = ends.copy()
    for _ in range(SAFE_DIGITS + 2):
        before = padded[starts - 1]
        inside = (before != separator) & (before != _LF)
        if not inside.any():
            return starts
        starts -= inside
    return None


def _whole_numbers(
    padded: Bytes, digits: Bytes, starts: Places, closing: int
) -> tuple[Integers, Places] | None:
    """Read one cell of each line, digit by digit in all lines at once; None where one is unusual.

    Returns:
        The numbers, and the positions where the cells end.
    """
    negative = padded[starts] == _MINUS
    digits[starts[negative]] = 0
    first = starts + negative
    at = first.copy()
    numbers = np.zeros(len(starts), np.int64)
    for _ in range(SAFE_DIGITS + 1):
        digit = digits[at]
        inside = digit <= 9
        if not inside.any():
            break
        np.copyto(numbers, numbers * 10 + digit, where=inside)
        digits[at[inside]] = 0
        at += inside
    usual = (at > first) & (padded[at] == closing) & (at - first <= SAFE_DIGITS)
    return (np.where(negative, -numbers, numbers), at) if usual.all() else None
