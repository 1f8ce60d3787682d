"""Whole lines out of a stream of bytes, in blocks, none longer than it may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mnistkit.errors import DataError

#: Large enough that two threads decoding at once seldom wait for each other: smaller blocks are slower.
BLOCK_BYTES = 1 << 20

#: Until the number of columns is known, a line may be this long.
FIRST_LINE_BYTES = 64 << 20

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Block:
    r"""Consecutive whole lines, each ending in ``\n``.

    Attributes:
        text: The lines.
        line: Number of the first, from 1.
        offset: Position of the first in the decompressed file, in bytes.
    """

    text: bytes
    line: int
    offset: int


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
        if offset == 0 and self._buffer.startswith(_BOM):
            self._drop(len(_BOM))

    def peek(self) -> bytes | None:
        """Return the next line without its end, and stay before it; None at the end of the file.

        Raises:
            DataError: It is longer than 64 MiB.
        """
        while (end := self._buffer.find(b"\n")) < 0 and len(self._buffer) <= FIRST_LINE_BYTES:
            # Asking for as much again as there is keeps a long line's cost linear.
            if not (more := self._more(len(self._buffer))):
                break
            self._buffer += more
        line = self._buffer if end < 0 else self._buffer[:end]
        self._check(len(line), FIRST_LINE_BYTES)
        return line.removesuffix(b"\r") if self._buffer else None

    def skip(self) -> None:
        """Step behind the line that :meth:`peek` showed."""
        end = self._buffer.find(b"\n")
        self._drop(len(self._buffer) if end < 0 else end + 1)
        self.line += 1

    def blocks(self, longest: int) -> Iterator[Block]:
        """Yield the remaining lines in blocks of about 1 MiB; blank lines at the end are left out.

        Args:
            longest: How many bytes a line may have.

        Raises:
            DataError: A longer line, or a blank line with rows after it.
        """
        ended = 0
        for block in self._blocks(longest):
            rows = _without_blank_end(block.text)
            if rows and ended:
                raise DataError(f"{self.path}, line {ended}", "blank line between rows")
            if len(rows) < len(block.text) and not ended:
                ended = block.line + rows.count(b"\n")
            if rows:
                yield Block(rows, block.line, block.offset)

    def _blocks(self, longest: int) -> Iterator[Block]:
        rest, more = b"", self._buffer
        while more:
            text = rest + more
            cut = text.rfind(b"\n") + 1
            if cut:
                yield self._block(text[:cut])
            rest = text[cut:]
            self._check(len(rest), longest)
            more = self._more()
        if rest:
            yield self._block(rest + b"\n")

    def _block(self, text: bytes) -> Block:
        block = Block(text, self.line, self.offset)
        self.line += text.count(b"\n")
        self.offset += len(text)
        return block

    def _more(self, size: int = 0) -> bytes:
        size = max(size, BLOCK_BYTES)
        if self._left is not None:
            size = min(size, self._left)
            self._left -= size
        return self._file.read(size)

    def _drop(self, size: int) -> None:
        self._buffer = self._buffer[size:]
        self.offset += size

    def _check(self, size: int, longest: int) -> None:
        if size > longest:
            raise DataError(
                f"{self.path}, line {self.line}", "line too long", expected=f"at most {longest:,} bytes",
                todo="is it a text file with one image a line?",
            )  # fmt: skip


def _without_blank_end(text: bytes) -> bytes:
    end = len(text.rstrip(_BLANK))
    return text[: text.find(b"\n", end) + 1] if end else b""
