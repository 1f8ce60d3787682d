"""Rows of files that have been scanned: decoded by all CPUs, from marks or, where compressed, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from mnistkit.codecs.text.decode import Rows, decode
from mnistkit.codecs.text.lane import lane
from mnistkit.codecs.text.layout import Layout
from mnistkit.codecs.text.lines import Block, Lines, whole_lines
from mnistkit.codecs.text.memory import Buffers
from mnistkit.codecs.text.pure import Integers
from mnistkit.compression import open_decompressed
from mnistkit.dataset import Array
from mnistkit.errors import DataError
from mnistkit.parallel import ordered_map, usable_cpus
from mnistkit.plugin import spans

T = TypeVar("T")

#: Rows between two marks of the index, at most, and values between them, about.
_MARK_ROWS, _MARK_VALUES = 64, 1 << 16
#: Pixels decoded in one go, about: enough that threads seldom wait for each other, and little to hold.
_PIECE_PIXELS = 1 << 18
#: The same where all go into one array, and text alone is held beside.
_LOAD_PIXELS = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What one scan has found out about a file.

    Attributes:
        path: The file.
        layout: Its columns.
        rows: Number of images.
        line: Number of the line with the first image, from 1.
        marks: int64, positions in bytes of the first row and of every ``mark_rows`` behind it: an
            eighth of a byte a row, or up to eight where images are large.
        bounds: The least and the greatest label, None without labels or images.
        compressed: Whether the file can only be read from its front.
    """

    path: Path
    layout: Layout
    rows: int
    line: int
    marks: npt.NDArray[np.int64]
    bounds: tuple[int, int] | None
    compressed: bool

    @property
    def mark_rows(self) -> int:
        """How many rows are between two marks."""
        return mark_rows(self.layout)


def mark_rows(layout: Layout) -> int:
    """Return how many rows are between two marks: few enough to read them all where one is wanted."""
    return max(1, min(_MARK_ROWS, _MARK_VALUES // layout.values))


def groups_of(tables: Sequence[Table], start: int, stop: int, size: int) -> Iterator[Rows]:
    """Yield rows of a split, which may be several files, in groups of one size but for the last.

    Raises:
        DataError: A file is no longer what it was when it was scanned.
    """
    if any(table.compressed for table in tables):
        yield from _regrouped(_in_order(tables, start, stop), size)
        return
    values = tables[0].layout.values
    if size * values > _PIECE_PIXELS and size > 1:
        for first in range(start, stop, size):
            pixels = np.empty((min(size, stop - first), values), tables[0].layout.dtype)
            yield Rows(pixels, load(tables, first, first + len(pixels), pixels))
        return
    # Whole groups to a piece, so that no two pieces need to be joined.
    step = size * max(1, _PIECE_PIXELS // (size * values))
    for rows in _mapped(partial(_read, tables, Buffers()), start, stop, step):
        for first in range(0, len(rows), size):
            yield rows[first : first + size]


def load(tables: Sequence[Table], start: int, stop: int, pixels: Array) -> tuple[Integers, ...]:
    """Decode rows of plain files straight into an array, (rows, values); return the other columns.

    Raises:
        DataError: As :func:`groups_of`.
    """
    buffers = Buffers()

    def read(rows: range) -> tuple[Integers, ...]:
        return _read(tables, buffers, rows, pixels[rows.start - start : rows.stop - start]).integers

    marked = tables[0].mark_rows
    step = marked * max(1, _LOAD_PIXELS // (marked * tables[0].layout.values))
    return tuple(np.concatenate(column) for column in zip(*_mapped(read, start, stop, step), strict=True))


def _mapped(read: Callable[[range], T], start: int, stop: int, step: int) -> Iterator[T]:
    """Read rows in pieces of ``step`` on all CPUs, in order."""
    pieces = [range(row, min(row + step, stop)) for row in range(start, stop, step)]
    return ordered_map(read, pieces, min(len(pieces), usable_cpus()))


def _read(tables: Sequence[Table], buffers: Buffers, rows: range, into: Array | None = None) -> Rows:
    """Decode some rows of a split of plain files, into an array if there is one."""
    pieces, done = [], 0
    for span in spans((table.rows for table in tables), rows.start, rows.stop):
        length = span.stop - span.start
        part = None if into is None else into[done : done + length]
        pieces.append(_read_span(tables[span.shard], buffers, span.start, span.stop, part))
        done += length
    return _joined(pieces, into)


def _read_span(table: Table, buffers: Buffers, start: int, stop: int, into: Array | None) -> Rows:
    """Decode some rows of a plain file: read from the mark before them to the mark behind them."""
    offset, most = _stretch_of(table, start, stop)
    with buffers.read(table.path, offset, most) as (buffer, size):
        text = whole_lines(memoryview(buffer)[:size])
        block = _lines_of(
            Block(text, table.line + start - start % table.mark_rows, offset), table, start, stop
        )
        rows = decode(block, table.layout, path=table.path, into=into)
    if len(rows) != stop - start:
        raise _ends_early(table, stop, found=start + len(rows))
    return rows


def _stretch_of(table: Table, start: int, stop: int) -> tuple[int, int]:
    """Return where some rows begin, or the mark before them, and how many bytes of the file have them."""
    offset = int(table.marks[start // table.mark_rows])
    behind = table.marks[-(-stop // table.mark_rows) :]
    # Behind the last mark there may be no more than the rows that were there when it was scanned.
    most = int(behind[0]) - offset if len(behind) else (table.mark_rows + stop - start) * table.layout.longest
    return offset, most


def _lines_of(block: Block, table: Table, start: int, stop: int) -> Block:
    """Cut a block that begins at a mark down to some rows, as far as it has them."""
    first = start % table.mark_rows
    if not first and (stop % table.mark_rows == 0 or stop == table.rows):
        return block
    places = np.append(lane().starts(block.text), len(block.text))
    begin, end = (int(places[min(row, len(places) - 1)]) for row in (first, first + stop - start))
    return Block(block.text[begin:end], block.line + first, block.offset + begin)


def _in_order(tables: Sequence[Table], start: int, stop: int) -> Iterator[Rows]:
    """Decode rows of a split, some file of which can only be read from its front."""
    for span in spans((table.rows for table in tables), start, stop):
        table, position = tables[span.shard], 0
        with open_decompressed(table.path) as file:
            lines = Lines(file, table.path)
            while lines.line < table.line:
                lines.peek()
                lines.skip()
            decoded = partial(decode, layout=table.layout, path=table.path)
            blocks = _before(lines.blocks(table.layout.longest), table.line + span.stop)
            if table.layout.sparse:
                blocks = (piece for block in blocks for piece in block.pieces(table.layout.sparse_rows))
            for rows in ordered_map(decoded, blocks, usable_cpus()):
                wanted = rows[max(0, span.start - position) : max(0, span.stop - position)]
                position += len(rows)
                if len(wanted):
                    yield wanted
        if position < span.stop:
            raise _ends_early(table, span.stop, found=position)


def _before(blocks: Iterator[Block], line: int) -> Iterator[Block]:
    return takewhile(lambda block: block.line < line, blocks)


def _ends_early(table: Table, stop: int, *, found: int) -> DataError:
    return DataError(table.path, "ends early", expected=f"{stop} images", found=found, todo="did it change?")


def _regrouped(pieces: Iterator[Rows], size: int) -> Iterator[Rows]:
    """Cut and join rows into groups of one size, but for the last."""
    held: list[Rows] = []
    missing = size
    for piece in pieces:
        rest = piece
        while len(rest):
            held.append(rest[:missing])
            missing -= len(held[-1])
            rest = rest[len(held[-1]) :]
            if not missing:
                yield _joined(held)
                held, missing = [], size
    if held:
        yield _joined(held)


def _joined(pieces: Sequence[Rows], pixels: Array | None = None) -> Rows:
    """Join rows; their pixels may be side by side already."""
    if len(pieces) == 1:
        return pieces[0]
    columns = zip(*(piece.integers for piece in pieces), strict=True)
    if pixels is None:
        pixels = np.concatenate([piece.pixels for piece in pieces])
    return Rows(pixels, tuple(np.concatenate(column) for column in columns))
