"""Reads what a file says of itself, and holds every place, length and number against the file's size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from mnistkit.errors import DataError
from mnistkit_mlnet.idv import SIGNATURE
from mnistkit_mlnet.idv.cursor import Cursor
from mnistkit_mlnet.idv.kinds import (
    BLOCK,
    DEFLATED,
    HEADER,
    HEADER_BYTES,
    MOST_BLOCK,
    MOST_BLOCK_ROWS,
    MOST_NOTE,
    MOST_TEXTS,
    STORED,
    TAIL,
    VERSION,
    Kind,
)

#: ML.NET's table of contents takes some 50 bytes a column, that of a column's annotations some 50 for each.
_MOST_CONTENTS, _MOST_NOTES = 1 << 22, 1 << 16

#: Deflate makes 258 bytes of two bits at best.
_MOST_RATIO = 1032


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A column in a file.

    Attributes:
        path: The file.
        name: What the column is called.
        kind: Its type.
        compression: Codec of its blocks.
        rows: Number of rows.
        block_rows: Rows of each block but the last.
        blocks: (number of blocks,) of :data:`BLOCK`.
        noted: Where the table of its annotations stands; 0 where it has none.
        end: Where the file's tail stands.
    """

    path: Path
    name: str
    kind: Kind
    compression: int
    rows: int
    block_rows: int
    blocks: npt.NDArray[np.void]
    noted: int
    end: int

    @property
    def where(self) -> str:
        """What messages call the column."""
        return f"{self.path}, column {self.name!r}"

    def rows_of(self, block: int) -> int:
        """Return the number of rows of a block."""
        return min(self.block_rows, self.rows - block * self.block_rows)


@dataclass(frozen=True, slots=True)
class Note:
    """An annotation of a column: what messages call it, its type, and where its only block stands."""

    where: str
    kind: Kind
    compression: int
    offset: int
    stored: int


@dataclass(frozen=True, slots=True)
class _Header:
    """Where contents and tail stand, and the numbers of rows and columns."""

    contents: int
    tail: int
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the table of contents says of a column."""

    name: str
    kind: Kind
    compression: int
    block_rows: int
    table: int
    noted: int


def read_contents(path: Path) -> dict[str, Stored]:
    """Return the columns of a file by name.

    Raises:
        DataError: It is no binary data view, or one that cannot be whole.
    """
    with path.open("rb") as file:
        header = _header(file, path)
        entries = _entries(file, path, header)
        if not entries:
            return {}
        _check_entries(path, header, entries)
        number = -(-header.rows // entries[0].block_rows)
        return {entry.name: _stored(file, path, header, entry, number) for entry in entries}


def notes_of(column: Stored) -> dict[str, Note]:
    """Return the annotations of a column by kind.

    Raises:
        DataError: Their table is damaged.
    """
    if not column.noted:
        return {}
    if not HEADER_BYTES <= column.noted < column.end:
        raise DataError(
            column.where, "place of the annotations", expected=f"bytes {HEADER_BYTES} to {column.end:,}",
            found=f"{column.noted:,}",
        )  # fmt: skip
    with column.path.open("rb") as file:
        data = _read(file, column.noted, min(column.end - column.noted, _MOST_NOTES))
    table = Cursor(data, f"{column.where}, table of annotations")
    return dict(_note(table, column) for _ in range(table.leb128()))


def _header(file: BinaryIO, path: Path) -> _Header:
    size, least = path.stat().st_size, HEADER_BYTES + len(TAIL)
    head = file.read(HEADER_BYTES)
    if not head.startswith(SIGNATURE):
        found = repr(head[: len(SIGNATURE)])
        raise DataError(path, "no binary data view", expected=f"the signature {SIGNATURE!r}", found=found)
    if size < least:
        raise DataError(path, "the file ends", expected=f"at least {least} bytes", found=size)
    _, version, oldest, contents, tail, rows, columns = HEADER.unpack_from(head)
    if not oldest <= VERSION <= version:
        raise DataError(
            path, "version", expected=f"{VERSION:#x}, as of ML.NET from 1.0",
            found=f"{version:#x}, for readers from {oldest:#x}",
        )  # fmt: skip
    _check_tail(file, path, tail, size)
    if not HEADER_BYTES <= contents <= tail or tail - contents > _MOST_CONTENTS:
        raise DataError(
            path, "place of the table of contents",
            expected=f"bytes {max(HEADER_BYTES, tail - _MOST_CONTENTS):,} to {tail:,}", found=f"{contents:,}",
        )  # fmt: skip
    if rows < 0 or columns < 0:
        raise DataError(path, "numbers of rows and columns", expected="0 or more", found=f"{rows}, {columns}")
    return _Header(contents, tail, rows, columns)


def _check_tail(file: BinaryIO, path: Path, tail: int, size: int) -> None:
    if tail != size - len(TAIL):
        raise DataError(
            path, "cut short, or goes on behind its tail", expected=f"{tail + len(TAIL):,} bytes",
            found=f"{size:,}", todo="get the file again",
        )  # fmt: skip
    if (found := _read(file, tail, len(TAIL))) != TAIL:
        raise DataError(path, "tail", expected=TAIL, found=found, todo="get the file again")


def _entries(file: BinaryIO, path: Path, header: _Header) -> list[_Entry]:
    data = _read(file, header.contents, header.tail - header.contents)
    listing = Cursor(data, f"{path}, table of contents")
    entries = [_entry(listing) for _ in range(header.columns)]
    if listing.left:
        raise DataError(listing.where, "goes on", expected="the tail", found=f"{listing.left:,} more bytes")
    return entries


def _entry(listing: Cursor) -> _Entry:
    name, kind = listing.string(), listing.kind()
    compression, block_rows = listing.byte(), listing.leb128()
    table, noted = listing.int64(), listing.int64()
    return _Entry(name, kind, compression, block_rows, table, noted)


def _check_entries(path: Path, header: _Header, entries: Sequence[_Entry]) -> None:
    names = [entry.name for entry in entries]
    if len({*names}) < len(names):
        twice = next(name for name, times in Counter(names).items() if times > 1)
        raise DataError(path, "two columns of one name", expected="names that differ", found=repr(twice))
    lengths = sorted({entry.block_rows for entry in entries})
    if len(lengths) > 1 or not 0 < lengths[0] <= MOST_BLOCK_ROWS:
        raise DataError(
            path, "rows of a block", expected=f"1 to {MOST_BLOCK_ROWS:,}, the same for all columns",
            found=", ".join(f"{length:,}" for length in lengths[:5]),
        )  # fmt: skip
    number = -(-header.rows // lengths[0])
    if number * len(entries) * BLOCK.itemsize > header.tail:
        raise DataError(
            path, "blocks", expected=f"fewer than fit into {header.tail:,} bytes",
            found=f"{number:,} in each of {len(entries):,} columns, for {header.rows:,} rows",
        )  # fmt: skip


def _stored(file: BinaryIO, path: Path, header: _Header, entry: _Entry, number: int) -> Stored:
    """Read and check the lookup table of a column."""
    where, last = f"{path}, column {entry.name!r}", header.tail - number * BLOCK.itemsize
    if entry.compression not in (STORED, DEFLATED):
        raise DataError(where, "compression", expected="0 (none) or 1 (deflate)", found=entry.compression)
    if not HEADER_BYTES <= entry.table <= last:
        raise DataError(
            where, f"place of the lookup table of {number:,} blocks", found=f"{entry.table:,}",
            expected=f"bytes {HEADER_BYTES} to {last:,}",
        )  # fmt: skip
    blocks = np.frombuffer(_read(file, entry.table, number * BLOCK.itemsize), BLOCK)
    most = MOST_TEXTS if entry.kind.name == "TextSpan" else MOST_BLOCK
    _check_blocks(blocks, where, header.tail, entry.compression, most)
    return Stored(
        path, entry.name, entry.kind, entry.compression, header.rows, entry.block_rows, blocks, entry.noted,
        header.tail,
    )  # fmt: skip


def _check_blocks(
    blocks: npt.NDArray[np.void], where: str, end: int, compression: int, most_bytes: int
) -> None:
    """Hold all places and lengths of a lookup table against the file's end, and what a block may have."""
    offset, stored, raw = (blocks[name].astype(np.int64) for name in ("offset", "stored", "raw"))
    outside = (offset < HEADER_BYTES) | (stored < 0) | (offset > end - stored)
    most = stored * _MOST_RATIO if compression == DEFLATED else stored
    least = 0 if compression == DEFLATED else stored
    wrong = (raw < least) | (raw > most) | (np.maximum(raw, stored) > most_bytes)
    for bad, what in ((outside, "stands outside the file"), (wrong, "cannot be as long as it claims")):
        if bad.any():
            block = int(np.argmax(bad))
            raise DataError(
                f"{where}, block {block}", what, expected=f"at most {most_bytes:,} bytes before byte {end:,}",
                found=f"{stored[block]:,} at byte {offset[block]:,}, {raw[block]:,} inflated",
            )  # fmt: skip


def _note(table: Cursor, column: Stored) -> tuple[str, Note]:
    name = table.string()
    where = f"{column.where}, annotation {name!r}"
    note = Note(where, table.kind(), table.byte(), table.int64(), table.leb128())
    if note.compression not in (STORED, DEFLATED):
        raise DataError(where, "compression", expected="0 (none) or 1 (deflate)", found=note.compression)
    if note.stored > MOST_NOTE or not HEADER_BYTES <= note.offset <= column.end - note.stored:
        raise DataError(
            where, "stands outside the file, or is too long",
            expected=f"at most {MOST_NOTE:,} bytes before byte {column.end:,}",
            found=f"{note.stored:,} at byte {note.offset:,}",
        )  # fmt: skip
    return name, note


def _read(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)
