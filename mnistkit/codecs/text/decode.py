"""Pixels and labels out of blocks of lines: vectorised where the text is plain, exact where it is not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnistkit.codecs.text.floats import decode_floats, numbers_of
from mnistkit.codecs.text.lane import lane
from mnistkit.codecs.text.layout import Layout
from mnistkit.codecs.text.lines import Block
from mnistkit.codecs.text.pure import Bytes, Integers, Text, without_cr
from mnistkit.codecs.text.sparse import decode_sparse, dense_cells
from mnistkit.codecs.text.tokens import Numbers
from mnistkit.codecs.text.words import numbered
from mnistkit.dataset import Array
from mnistkit.errors import DataError

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


def decode(block: Block, layout: Layout, *, path: Path, into: Array | None = None) -> Rows:
    """Read every line of a block.

    Args:
        block: The lines.
        layout: Their columns.
        path: What messages call the file.
        into: Where the pixels go too, (lines, values), if there are as many lines.

    Raises:
        DataError: A line without exactly the layout's cells, a pixel that is not a whole number from 0
            to 255 (a finite number for float32), another cell that is no whole number of 64 bits, or a
            label that is none of the layout's words; file, line and column are named.
    """
    rows = decode_plain(block.text, layout, into) if layout.is_plain else None
    if rows is None:
        rows = _decode_unusual(block, layout, path)
    if into is not None and rows.pixels is not into and len(into) == len(rows):
        into[:] = rows.pixels
    return rows


def survey(block: Block, layout: Layout, *, path: Path) -> tuple[tuple[Integers, ...], Integers]:
    """Read every line of a block as strictly, but keep no pixels.

    Returns:
        The columns beside the pixels, and int64 (n,), where in the block each line begins.

    Raises:
        DataError: As :func:`decode`.
    """
    found = lane().survey(block.text, layout) if layout.is_plain else None
    if found is not None:
        return found
    pieces = block.pieces(layout.sparse_rows) if layout.sparse else iter((block,))
    columns = zip(*(decode(piece, layout, path=path).integers for piece in pieces), strict=True)
    return tuple(np.concatenate(column) for column in columns), lane().starts(block.text)


def _decode_unusual(block: Block, layout: Layout, path: Path) -> Rows:
    """Decode lines of which at least one is not plain."""
    text = without_cr(block.text)
    if layout.words:
        text = numbered(text, layout, where=str(path), line=block.line)
    rows = None
    if layout.sparse and b":" in text:
        rows = _decode_mixed(text, layout)
    elif not layout.is_plain:
        rows = _decode_dense(text, layout)
    return decode_exactly(text, layout, path=path, line=block.line) if rows is None else rows


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


def decode_plain(text: Text, layout: Layout, into: Bytes | None = None) -> Rows | None:
    """Decode lines of bare digits and separators; None where there is anything else, right or wrong."""
    return _rows(lane().decode(text, layout, into))


def decode_exactly(text: bytes, layout: Layout, *, path: Path, line: int) -> Rows:
    """Decode line by line and cell by cell, blanks, quotes and ``.0`` included, and name the first fault.

    Raises:
        DataError: As :func:`decode`.
    """
    known: dict[bytes, int] = {}
    pixels, integers = [], []
    for number, row in enumerate(without_cr(text).split(b"\n")[:-1], line):
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
        raise DataError(where, "blank line between rows", expected="cells", found="none")
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
            expected = "a whole number from 0 to 255"
            raise _bad_cell(where, layout, i, cells[i], expected, todo=layout.todo)
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


def _bad_cell(
    where: str, layout: Layout, column: int, cell: bytes, expected: str, *, todo: str | None = None
) -> DataError:
    shown = cell.decode("utf-8", "backslashreplace")
    shown = shown if len(shown) <= 24 else shown[:24] + "…"
    found = repr(shown) if shown.strip() else "an empty cell"
    return DataError(where, layout.column_name(column), expected=expected, found=found, todo=todo)
