"""Whole lines out of a stream of bytes, in blocks, none longer than it may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO

from mnistkit.codecs.text.lane import lane
from mnistkit.codecs.text.pure import Text
from mnistkit.errors import DataError

#: Large enough that two threads decoding at once seldom wait for each other: smaller blocks are slower.
BLOCK_BYTES = 1 << 20

#: Until the number of columns is known, a line may be this long: 16 bytes for each column that may be.
FIRST_LINE_BYTES = 16 << 20

#: Blank lines behind the last row may take as much as this together.
_MOST_BLANK_BYTES = 8 << 20

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
#: Looked at for blanks before the whole of a block is.
_TAIL_BYTES = 64


@dataclass(frozen=True, slots=True)
class Block:
    r"""Consecutive whole lines, each ending in ``\n``.

    Attributes:
        text: The lines.
        line: Number of the first, from 1.
        offset: Position of the first in the decompressed file, in bytes.
    """

    text: Text
    line: int
    offset: int

    def pieces(self, rows: int) -> Iterator[Block]:
        """Cut the block into blocks of so many lines; only the last may have fewer."""
        starts = lane().starts(self.text)
        cuts = [*starts[::rows].tolist(), len(self.text)]
        for number, (begin, end) in enumerate(pairwise(cuts)):
            yield Block(self.text[begin:end], self.line + number * rows, self.offset + begin)


class Lines:
    """The lines of a stream: one by one for headers, then in blocks for rows.

    Args:
        file: The stream, already at ``offset``.
        path: What messages call it.
        line: Number of the line that begins there, from 1.
        offset: Position in the file, in bytes.
        stop: Read nothing behind this position.
    """

    def __init__(
        self, file: IO[bytes], path: Path, *, line: int = 1, offset: int = 0, stop: int | None = None
    ) -> None:
        self.path = path
        self.line = line
        self.offset = offset
        self._file = file
        self._left = None if stop is None else stop - offset
        self._buffer = self._more()
        self._cursor = 0
        if offset == 0 and self._buffer.startswith(_BOM):
            self._step(len(_BOM))

    def peek(self) -> bytes | None:
        """Return the next line without its end, and stay before it; None at the end of the file.

        Raises:
            DataError: It is longer than 16 MiB.
        """
        return self._show(0, self._reach(0))

    def peek_second(self) -> bytes | None:
        """Return the line after the next one, and stay where we are; None where there is none.

        Raises:
            DataError: It is longer than 16 MiB.
        """
        begin = self._reach(0)
        return self._show(begin, self._reach(begin))

    def skip(self) -> None:
        """Step behind the line that :meth:`peek` showed."""
        self._step(self._reach(0))
        self.line += 1

    def blocks(self, longest: int) -> Iterator[Block]:
        """Yield the remaining lines in blocks of about 1 MiB; blank lines at the end are left out.

        Args:
            longest: How many bytes a line may have.

        Raises:
            DataError: A longer line, a blank line with rows after it, or more than 8 MiB of blank lines.
        """
        ended = blank = 0
        for block in self._blocks(longest):
            rows = bytes(whole_lines(block.text))
            if rows and ended:
                raise DataError(
                    f"{self.path}, line {ended}", "blank line between rows", expected="cells", found="none"
                )
            if len(rows) < len(block.text) and not ended:
                ended = block.line + rows.count(b"\n")
            blank += len(block.text) - len(rows)
            if blank > _MOST_BLANK_BYTES:
                raise DataError(
                    f"{self.path}, line {ended}", "blank lines", found="more",
                    expected=f"at most {_MOST_BLANK_BYTES:,} bytes of them",
                )  # fmt: skip
            if rows:
                yield Block(rows, block.line, block.offset)

    def _blocks(self, longest: int) -> Iterator[Block]:
        rest, more = b"", self._buffer[self._cursor :]
        self._buffer, self._cursor = b"", 0
        while more:
            cut = more.rfind(b"\n") + 1
            if cut:
                # Joined in one go: a copy of a block takes as long as reading it.
                yield self._block(b"".join((rest, memoryview(more)[:cut])))
                rest = b""
            rest += more[cut:]
            self._check(len(rest), longest)
            more = self._more()
        if rest:
            yield self._block(rest + b"\n")

    def _block(self, text: bytes) -> Block:
        block = Block(text, self.line, self.offset)
        self.line += lane().count(text)
        self.offset += len(text)
        return block

    def _more(self, size: int = 0) -> bytes:
        size = max(size, BLOCK_BYTES)
        if self._left is not None:
            size = min(size, self._left)
            self._left -= size
        return self._file.read(size)

    def _reach(self, begin: int) -> int:
        """Hold a whole line in the buffer and return where it ends; both count from the cursor."""
        while (end := self._buffer.find(b"\n", self._cursor + begin)) < 0:
            held = len(self._buffer) - self._cursor
            self._check(held - begin, FIRST_LINE_BYTES)
            # Asking for as much again as there is keeps a long line's cost linear.
            if not (more := self._more(held)):
                return held
            self._buffer, self._cursor = self._buffer[self._cursor :] + more, 0
        self._check(end - self._cursor - begin, FIRST_LINE_BYTES)
        return end + 1 - self._cursor

    def _show(self, begin: int, end: int) -> bytes | None:
        line = self._buffer[self._cursor + begin : self._cursor + end]
        return line.removesuffix(b"\n").removesuffix(b"\r") if line else None

    def _step(self, size: int) -> None:
        self._cursor += size
        self.offset += size

    def _check(self, size: int, longest: int) -> None:
        if size > longest:
            raise DataError(
                f"{self.path}, line {self.line}", "line too long", expected=f"at most {longest:,} bytes",
                found="more", todo="is it a text file with one image a line?",
            )  # fmt: skip


def whole_lines(text: Text) -> Text:
    r"""Return lines without the blank ones at their end, the last one ended by ``\n`` in any case."""
    tail = bytes(text[-_TAIL_BYTES:])
    kept = tail.rstrip(_BLANK)
    if kept and tail[len(kept) :] in (b"\n", b"\r\n"):
        return text
    lines = bytes(text)
    end = (
        len(lines) - len(tail) + len(kept) if kept else len(lines.rstrip(_BLANK))
    )  # all only where it must be
    if not end:
        return b""
    behind = lines.find(b"\n", end) + 1
    return lines[:behind] if behind else lines + b"\n"
