"""One strict pass over a file: plain lines by all CPUs, wherever they stand; the rest in order.

A file that is not compressed is cut wherever bytes happen to lie.  Whoever judges a piece looks for the
lines that begin in it, so nobody needs to have read what comes before.  From the first piece on that is not
plain throughout, lines are judged one block after the other, by code that can name what is wrong with them
and in which line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from mnistkit.codecs.text.decode import survey
from mnistkit.codecs.text.lane import lane
from mnistkit.codecs.text.layout import Layout
from mnistkit.codecs.text.lines import Block, Lines
from mnistkit.codecs.text.memory import Buffers
from mnistkit.codecs.text.pure import Columns, Integers
from mnistkit.codecs.text.rows import Table, mark_rows
from mnistkit.compression import compression_of, open_decompressed
from mnistkit.dataset import bounds_of
from mnistkit.parallel import ordered_map, usable_cpus

#: What one CPU judges at a time: on smaller pieces threads hand the interpreter lock to and fro more often.
_PIECE_BYTES = 2 << 20


class Judged(NamedTuple):
    """Consecutive lines that are what the layout promises.

    Attributes:
        starts: int64 (n,), position of each in the decompressed file, in bytes.
        labels: int64 (n,), or (0,) where there are none.
        stop: Position behind the last.
    """

    starts: Integers
    labels: Integers
    stop: int


def scan(path: Path, layout_of: Callable[[Lines], Layout]) -> Table:
    """Judge every line of a file, keeping the bounds of its labels and the positions of some rows.

    Raises:
        DataError: Any line is not what the layout promises.
    """
    rows, marks, bounds = 0, [], None
    compressed = compression_of(path) != "none"
    with open_decompressed(path) as file:
        lines = Lines(file, path)
        layout = layout_of(lines)
        first, marked = lines.line, mark_rows(layout)
        for found in _judged(file, lines, layout, anywhere=not compressed):
            marks.append(found.starts[-rows % marked :: marked])
            rows += len(found.starts)
            bounds = bounds_of(found.labels, bounds)
    index = np.concatenate(marks) if marks else np.empty(0, np.int64)
    return Table(path, layout, rows, first, index, bounds, compressed)


def _judged(file: IO[bytes], lines: Lines, layout: Layout, *, anywhere: bool) -> Generator[Judged]:
    """Judge the lines of a file from where we are to its end."""
    if anywhere and layout.is_plain and layout.longest <= _PIECE_BYTES:
        line, offset = lines.line, lines.offset
        with closing(_plain_pieces(lines.path, layout, offset, os.fstat(file.fileno()).st_size)) as pieces:
            for found in pieces:
                yield found
                line, offset = line + len(found.starts), found.stop
        file.seek(offset)
        lines = Lines(file, lines.path, line=line, offset=offset)
    judge = partial(_judge, layout=layout, path=lines.path)
    yield from ordered_map(judge, lines.blocks(layout.longest), usable_cpus())


def _judge(block: Block, *, layout: Layout, path: Path) -> Judged:
    return _judged_lines(survey(block, layout, path=path), layout, block.offset, len(block.text))


def _judged_lines(found: tuple[Columns, Integers], layout: Layout, offset: int, size: int) -> Judged:
    columns, starts = found
    labels = np.empty(0, np.int64) if layout.label is None else columns[layout.label]
    return Judged(starts + offset, labels, offset + size)


def _plain_pieces(path: Path, layout: Layout, start: int, stop: int) -> Generator[Judged]:
    """Judge plain lines piece by piece on all CPUs; end before the first piece where that fails."""
    pieces = [range(first, min(first + _PIECE_BYTES, stop)) for first in range(start, stop, _PIECE_BYTES)]
    judge = partial(_judge_piece, path, layout, Buffers(), start)
    with closing(ordered_map(judge, pieces, min(usable_cpus(), len(pieces)))) as judged:
        for found in judged:
            if found is None:
                return
            yield found


def _judge_piece(path: Path, layout: Layout, buffers: Buffers, start: int, piece: range) -> Judged | None:
    """Judge the lines that begin in a piece of a file; None where one of them is not plain or has no end.

    Args:
        path: The file.
        layout: Its columns.
        buffers: Where to read it.
        start: Where its first line begins.
        piece: Positions in bytes.
    """
    before = min(1, piece.start - start)  # the byte before the piece tells whether a line begins with it
    most = before + len(piece) + layout.longest
    with buffers.read(path, piece.start - before, most) as (buffer, size):
        begin = buffer.find(b"\n", 0, size) + 1 if before else 0
        end = buffer.find(b"\n", before + len(piece) - 1, size) + 1
        if (before and not begin) or end <= begin:
            return None
        found = lane().survey(memoryview(buffer)[begin:end], layout)
    return found and _judged_lines(found, layout, piece.start - before + begin, end - begin)
