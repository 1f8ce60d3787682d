"""Pixels and labels out of blocks of lines: vectorised where the text is plain, exact where it is not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from mnistkit.codecs.text.floats import decode_floats, numbers_of
from mnistkit.codecs.text.layout import Layout
from mnistkit.codecs.text.lines import Block
from mnistkit.codecs.text.sparse import decode_sparse, dense_cells
from mnistkit.codecs.text.tokens import Numbers
from mnistkit.codecs.text.words import numbered
from mnistkit.dataset import Array
from mnistkit.errors import DataError

Bytes: TypeAlias = npt.NDArray[np.uint8]
Integers: TypeAlias = npt.NDArray[np.int64]

_LF, _MINUS = ord("\n"), ord("-")
#: Any whole number of so many digits fits int64; longer ones are left to the exact path.
_SAFE_DIGITS = 18
#: Bytes before the text, so that looking back at up to three bytes needs no special case.
_MARGIN = 3
#: A whole number; pandas writes ``5.0`` where a column once had a gap.
_WHOLE = re.compile(rb"-?0*(\d{1,19})(?:\.0*)?")


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Decoded lines.

    Attributes:
        pixels: uint8 or float32 (n, values).
        integers: int64 (n,) for each of the layout's columns beside the pixels, in its order.
    """

    pixels: Array
    integers: tuple[Integers, ...]

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, rows: slice) -> Rows:
        """Return some of the rows, without a copy."""
        return Rows(self.pixels[rows], tuple(column[rows] for column in self.integers))


def decode(block: Block, layout: Layout, *, path: Path) -> Rows:
    """Read every line of a block.

    Raises:
        DataError: A line without exactly the layout's cells, a pixel that is not a whole number from 0
            to 255 (a finite number for float32), another cell that is no whole number of 64 bits, or a
            label that is none of the layout's words; file, line and column are named.
    """
    text = block.text.replace(b"\r\n", b"\n") if b"\r" in block.text else block.text
    if layout.words:
        text = numbered(text, layout, where=str(path), line=block.line)
    rows = _decode_mixed(text, layout) if layout.sparse and b":" in text else _decode_dense(text, layout)
    return rows if rows is not None else decode_exactly(text, layout, path=path, line=block.line)


def _decode_dense(text: bytes, layout: Layout) -> Rows | None:
    if layout.dtype == "uint8":
        return decode_plain(text, layout)
    return _rows(decode_floats(text, layout))


def _decode_mixed(text: bytes, layout: Layout) -> Rows | None:
    """Decode lines of which some are sparse, each kind at once."""
    lines = text.split(b"\n")[:-1]
    is_sparse = np.array([b":" in line for line in lines])
    if is_sparse.all():
        return _rows(decode_sparse(text, layout))
    kinds = [b"".join(line + b"\n" for line, is_it in zip(lines, is_sparse, strict=True) if is_it == kind)
             for kind in (True, False)]  # fmt: skip
    sparse, dense = _rows(decode_sparse(kinds[0], layout)), _decode_dense(kinds[1], layout)
    if sparse is None or dense is None:
        return None
    order = np.argsort(np.concatenate([np.flatnonzero(is_sparse), np.flatnonzero(~is_sparse)]))
    columns = zip(sparse.integers, dense.integers, strict=True)
    return Rows(
        np.concatenate([sparse.pixels, dense.pixels])[order],
        tuple(np.concatenate(column)[order] for column in columns),
    )


def _rows(numbers: Numbers | None) -> Rows | None:
    return None if numbers is None else Rows(*numbers)


def decode_plain(text: bytes, layout: Layout) -> Rows | None:
    r"""Decode lines of bare digits and separators; None where there is anything else, right or wrong.

    The work is done on whole bytes at once: the value of a cell stands, like everything else here,
    at the position of its last digit, and is picked up where a cell ends.
    """
    padded = np.full(_MARGIN + len(text), _LF, np.uint8)
    padded[_MARGIN:] = np.frombuffer(text, np.uint8)
    digits = padded - np.uint8(ord("0"))  # above 9 where it is no digit
    line_ends = np.flatnonzero(padded[_MARGIN:] == _LF) + _MARGIN
    integers = _integers(padded, digits, line_ends, layout)
    if integers is None:
        return None
    values = _values(digits)
    cell_ends = np.flatnonzero(digits[_MARGIN:] > 9)
    if values is None or not _is_table(padded, cell_ends, line_ends, layout):
        return None
    pixel_ends = cell_ends.reshape(len(line_ends), layout.cells)[:, layout.pixel_columns]
    return Rows(values[pixel_ends], integers)


def _values(digits: Bytes) -> Bytes | None:
    """Return each cell's value at its last digit, counted from the margin's last byte.

    None where a cell is empty or above 255.  Digits of other columns are zeros by now.
    """
    other = digits > 9
    keep = other.view(np.uint8) - np.uint8(1)  # 0xFF at digits, 0 elsewhere
    ones = digits & keep
    small = ones[1:-1] * np.uint8(10)
    small += ones[2:]
    hundreds = ones[:-2] & keep[1:-1]
    hundreds &= keep[2:]
    four_digits = (hundreds[:-1] & keep[3:]).max(initial=0)
    empty = (other[_MARGIN:] & other[_MARGIN - 1 : -1]).any()
    if empty or four_digits or hundreds.max(initial=0) > 2:
        return None
    hundreds *= np.uint8(100)
    hundreds += small
    wrapped = (hundreds < small).any()
    return None if wrapped else hundreds


def _is_table(
    padded: Bytes, cell_ends: npt.NDArray[np.intp], line_ends: npt.NDArray[np.intp], layout: Layout
) -> bool:
    """Whether every line has the layout's number of cells, and nothing but separators divides them."""
    rows, cells = len(line_ends), layout.cells
    if len(cell_ends) != rows * cells or np.count_nonzero(padded == ord(layout.separator)) != rows * (
        cells - 1
    ):
        return False
    return bool((cell_ends[cells - 1 :: cells] + _MARGIN == line_ends).all())


def _integers(
    padded: Bytes, digits: Bytes, line_ends: npt.NDArray[np.intp], layout: Layout
) -> tuple[Integers, ...] | None:
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


def _cell_starts(padded: Bytes, ends: npt.NDArray[np.intp], separator: int) -> npt.NDArray[np.intp] | None:
    starts = ends.copy()
    for _ in range(_SAFE_DIGITS + 2):
        before = padded[starts - 1]
        inside = (before != separator) & (before != _LF)
        if not inside.any():
            return starts
        starts -= inside
    return None


def _whole_numbers(
    padded: Bytes, digits: Bytes, starts: npt.NDArray[np.intp], closing: int
) -> tuple[Integers, npt.NDArray[np.intp]] | None:
    """Read one cell of each line, digit by digit in all lines at once; None where one is unusual.

    Returns:
        The numbers, and the positions where the cells end.
    """
    negative = padded[starts] == _MINUS
    digits[starts[negative]] = 0
    first = starts + negative
    at = first.copy()
    numbers = np.zeros(len(starts), np.int64)
    for _ in range(_SAFE_DIGITS + 1):
        digit = digits[at]
        inside = digit <= 9
        if not inside.any():
            break
        np.copyto(numbers, numbers * 10 + digit, where=inside)
        digits[at[inside]] = 0
        at += inside
    usual = (at > first) & (padded[at] == closing) & (at - first <= _SAFE_DIGITS)
    return (np.where(negative, -numbers, numbers), at) if usual.all() else None


def decode_exactly(text: bytes, layout: Layout, *, path: Path, line: int) -> Rows:
    """Decode line by line and cell by cell, blanks, quotes and ``.0`` included, and name the first fault.

    Raises:
        DataError: As :func:`decode`.
    """
    known: dict[bytes, int] = {}
    pixels, integers = [], []
    for number, row in enumerate(text.split(b"\n")[:-1], line):
        where = f"{path}, line {number}"
        cells = _cells(row, layout, where=where)
        if layout.dtype == "uint8":
            pixels.append(_whole_pixels(cells, layout, known, where=where))
        else:
            pixels.append(_fractions(cells, layout, where=where))
        integers.append(_others(cells, layout, where=where))
    table = np.array(integers, np.int64).reshape(len(pixels), len(layout.integer_columns))
    return Rows(
        np.frombuffer(b"".join(pixels), layout.dtype).reshape(-1, layout.values),
        tuple(np.ascontiguousarray(column) for column in table.T),
    )


def _cells(row: bytes, layout: Layout, *, where: str) -> list[bytes]:
    if not row.strip():
        raise DataError(where, "blank line between rows")
    cells = row.split(layout.separator)
    if layout.sparse and b":" in row:
        cells = dense_cells(cells, layout, where=where)
    if len(cells) != layout.cells:
        raise DataError(where, "number of cells", expected=layout.cells, found=len(cells))
    return cells


def _whole_pixels(cells: Sequence[bytes], layout: Layout, known: dict[bytes, int], *, where: str) -> bytes:
    values = [known.get(cell, -1) for cell in cells[layout.pixel_columns]]
    return bytes(values if -1 not in values else _pixels(cells, layout, known, where=where))


def _pixels(cells: Sequence[bytes], layout: Layout, known: dict[bytes, int], *, where: str) -> list[int]:
    values = []
    for i in range(layout.cells)[layout.pixel_columns]:
        value = _whole(cells[i], layout)
        if value is None or not 0 <= value <= 255 or b"-" in cells[i]:
            raise _bad_cell(where, layout, i, cells[i], "a whole number from 0 to 255")
        # Short spellings are few; long ones (007, padded) could fill the memory.
        if len(cells[i]) <= 5:
            known[cells[i]] = value
        values.append(value)
    return values


def _fractions(cells: Sequence[bytes], layout: Layout, *, where: str) -> bytes:
    bare = [_bare(cell, layout) for cell in cells[layout.pixel_columns]]
    values = numbers_of(bare)
    if values is None:
        wrong = next(i for i, cell in enumerate(bare) if numbers_of([cell]) is None)
        column = layout.pixel_columns.start + wrong
        raise _bad_cell(where, layout, column, cells[column], "a finite number")
    return values.tobytes()


def _others(cells: Sequence[bytes], layout: Layout, *, where: str) -> list[int]:
    values = []
    for i in layout.integer_columns:
        value = _whole(cells[i], layout)
        if value is None or not -(2**63) <= value < 2**63:
            raise _bad_cell(where, layout, i, cells[i], "a whole number of 64 bits")
        values.append(value)
    return values


def _whole(cell: bytes, layout: Layout) -> int | None:
    bare = _bare(cell, layout)
    found = _WHOLE.fullmatch(bare)
    return None if found is None else int(found[1]) * (-1 if bare.startswith(b"-") else 1)


def _bare(cell: bytes, layout: Layout) -> bytes:
    """Strip blanks and quotes."""
    blank = b" \t".replace(layout.separator, b"")
    bare = cell.strip(blank)
    quoted = len(bare) > 1 and bare.startswith(b'"') and bare.endswith(b'"')
    return bare[1:-1].strip(blank) if quoted else bare


def _bad_cell(where: str, layout: Layout, column: int, cell: bytes, expected: str) -> DataError:
    shown = cell.decode("utf-8", "backslashreplace")
    shown = shown if len(shown) <= 24 else shown[:24] + "…"
    found = repr(shown) if shown.strip() else "an empty cell"
    return DataError(where, layout.column_name(column), expected=expected, found=found)
