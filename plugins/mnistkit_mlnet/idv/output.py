"""Lays a binary data view out in a file: blocks as they come, then their tables, the header last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from zlib_ng import zlib_ng

from mnistkit.dataset import Batch
from mnistkit_mlnet.idv import SIGNATURE, encode
from mnistkit_mlnet.idv.columns import Column
from mnistkit_mlnet.idv.kinds import BLOCK, DEFLATED, HEADER, HEADER_BYTES, STORED, TAIL, VERSION

_CODECS = {"none": STORED, "deflate": DEFLATED}

#: Level and strategy for items of one byte, and for wider ones.  In MNIST, runs of equal bytes are nearly all
#: that can be found: single bytes come out as small as at level 6 in a third of the time.
_BYTES = (1, zlib_ng.Z_RLE)
_WIDER = (4, zlib_ng.Z_FILTERED)


@dataclass(frozen=True, slots=True)
class Packed:
    """A block as it goes into the file, in pieces, and its length inflated, in bytes."""

    pieces: tuple[bytes | memoryview, ...]
    raw: int

    @property
    def stored(self) -> int:
        """Length in the file, in bytes."""
        return sum(len(piece) for piece in self.pieces)


def packed(batch: Batch, *, columns: Sequence[Column], compression: str) -> list[Packed]:
    """Encode some rows: a block for each column."""
    blocks = []
    for column in columns:
        pieces = encode.rows(column.values(batch), column.kind)
        blocks.append(_deflated(pieces, column) if compression == "deflate" else _plain(pieces))
    return blocks


def _plain(pieces: tuple[bytes | memoryview, ...]) -> Packed:
    return Packed(pieces, sum(len(piece) for piece in pieces))


def _deflated(pieces: tuple[bytes | memoryview, ...], column: Column) -> Packed:
    assert column.kind.dtype
    level, strategy = _BYTES if column.kind.dtype.itemsize == 1 else _WIDER
    deflate = zlib_ng.compressobj(level, zlib_ng.DEFLATED, -zlib_ng.MAX_WBITS, strategy=strategy)
    return Packed((*map(deflate.compress, pieces), deflate.flush()), sum(len(piece) for piece in pieces))


class Output:
    """A file in the making."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], block_rows: int, compression: str) -> None:
        self._file = file
        self._columns = columns
        self._block_rows = block_rows
        self._codec = _CODECS[compression]
        self._blocks: list[list[tuple[int, int, int]]] = [[] for _ in columns]
        file.write(bytes(HEADER_BYTES))

    def add(self, blocks: Sequence[Packed]) -> None:
        """Write the next block of each column."""
        for places, block in zip(self._blocks, blocks, strict=True):
            places.append((self._file.tell(), block.stored, block.raw))
            self._file.writelines(block.pieces)

    def finish(self, rows: int) -> None:
        """Write the tables, the tail and, now that all is known, the header."""
        tables = [self._write(np.array(places, BLOCK).tobytes()) for places in self._blocks]
        noted = [self._annotate(column) for column in self._columns]
        entries = map(self._entry, self._columns, tables, noted)
        contents = self._write(b"".join(entries))
        tail = self._write(TAIL)
        self._file.seek(0)
        self._write(HEADER.pack(SIGNATURE, VERSION, VERSION, contents, tail, rows, len(self._columns)))

    def _annotate(self, column: Column) -> int:
        """Write a column's annotations, values first, and return where their table stands; 0 for none."""
        if not column.annotations:
            return 0
        table = encode.leb128(len(column.annotations))
        for name, (kind, block) in column.annotations.items():
            packed, codec = self._pack(block)
            place = self._write(packed)
            table += encode.string(name) + encode.codec(kind) + bytes([codec]) + encode.int64(place)
            table += encode.leb128(len(packed))
        return self._write(table)

    def _pack(self, block: bytes) -> tuple[bytes, int]:
        if self._codec == STORED:
            return block, STORED
        return zlib_ng.compress(block, wbits=-zlib_ng.MAX_WBITS), DEFLATED

    def _entry(self, column: Column, table: int, noted: int) -> bytes:
        """Return what the table of contents says of a column."""
        codec = encode.codec(column.kind) + bytes([self._codec]) + encode.leb128(self._block_rows)
        return encode.string(column.name) + codec + encode.int64(table) + encode.int64(noted)

    def _write(self, data: bytes) -> int:
        """Write some bytes and return where they stand."""
        place = self._file.tell()
        self._file.write(data)
        return place
