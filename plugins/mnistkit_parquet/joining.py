"""Joins Parquet files of one row group each to one file: so that row groups can be made on all processors.

What comes out is, byte for byte, what pyarrow writes when it makes the row groups one after the other.
Source of the structures' numbers: parquet.thrift of Apache Parquet.
"""

from __future__ import annotations

import struct
from typing import NamedTuple, Protocol

from mnistkit_parquet.thrift import Encoded, Kind, Struct, Value, decode, encode, encode_list

_MAGIC = b"PAR1"
_TAIL = struct.Struct("<I4s")  # length of the footer, magic
_MOST_NUMBERED = 0x7FFF  # the number of a row group has 16 bits; those beyond go without

# Fields of FileMetaData
_ROWS, _GROUPS = 3, 4
# of RowGroup
_COLUMNS, _GROUP_ROWS, _GROUP_OFFSET, _ORDINAL = 1, 3, 5, 7
# of ColumnChunk
_CHUNK_OFFSET, _CHUNK, _OFFSET_INDEX, _OFFSET_INDEX_BYTES, _COLUMN_INDEX, _COLUMN_INDEX_BYTES = (
    2,
    3,
    4,
    5,
    6,
    7,
)
# of ColumnMetaData: where its pages are
_PAGES = (9, 10, 11)
# of OffsetIndex, and of the PageLocation that it lists
_LOCATIONS, _PAGE_OFFSET = 1, 1


class Output(Protocol):
    """What bytes are written to."""

    def write(self, data: bytes, /) -> object:
        """Write all of them."""


class Joiner:
    """A new file of the row groups of others.

    Args:
        output: The new file, which nothing was written to.
        empty: A Parquet file of the same schema without row groups.
    """

    def __init__(self, output: Output, empty: memoryview) -> None:
        self._output, self._footer = output, _footer(empty)
        self._at = self._rows = self._count = 0
        self._encoded: list[bytes] = []
        self._indexed: list[_Indexed] = []
        self._write(_MAGIC)

    def add(self, file: memoryview) -> None:
        """Add the row group of a file that has one."""
        (group,) = _footer(file)[_GROUPS].held.items
        end = _end_of_pages(file, group)
        indexes = [_Indexes.of(chunk, file) for chunk in _chunks(group)]
        _move(group, self._at - len(_MAGIC), self._count)
        if any(map(any, indexes)):  # they stand behind all row groups, and the group tells where
            self._indexed.append(_Indexed(group, indexes, self._at - len(_MAGIC)))
        else:
            self._encoded.append(encode(group))
        self._write(file[len(_MAGIC) : end])
        self._rows += group[_GROUP_ROWS].held
        self._count += 1

    def finish(self) -> None:
        """Write what comes behind the row groups."""
        self._write_indexes()
        groups = self._encoded + [encode(one.group) for one in self._indexed]
        start = self._at
        self._footer[_ROWS] = Value(Kind.I64, self._rows)
        self._footer[_GROUPS] = Value(Kind.LIST, Encoded(encode_list(Kind.STRUCT, groups)))
        self._write(encode(self._footer))
        self._write(_TAIL.pack(self._at - start, _MAGIC))

    def _write_indexes(self) -> None:
        """Write the indexes of all columns, then those of all offsets, as pyarrow does."""
        for group, indexes, _ in self._indexed:
            for chunk, index in zip(_chunks(group), indexes, strict=True):
                self._write_index(chunk, _COLUMN_INDEX, index.columns)
        for group, indexes, by in self._indexed:
            for chunk, index in zip(_chunks(group), indexes, strict=True):
                self._write_index(chunk, _OFFSET_INDEX, index.offsets and _moved(index.offsets, by))

    def _write_index(self, chunk: Struct, number: int, index: bytes) -> None:
        if index:
            chunk[number] = Value(Kind.I64, self._at)
            chunk[number + 1] = Value(Kind.I32, len(index))
            self._write(index)

    def _write(self, data: bytes | memoryview) -> None:
        self._output.write(bytes(data))
        self._at += len(data)


class _Indexes(NamedTuple):
    """What helps to find pages of a column of a row group, as in its own file; empty where there is none."""

    columns: bytes
    offsets: bytes

    @classmethod
    def of(cls, chunk: Struct, file: memoryview) -> _Indexes:
        return cls(*(_bytes_at(chunk, number, file) for number in (_COLUMN_INDEX, _OFFSET_INDEX)))


class _Indexed(NamedTuple):
    """A row group with indexes, one for each column, and how far it was moved."""

    group: Struct
    indexes: list[_Indexes]
    by: int


def _footer(file: memoryview) -> Struct:
    length, _ = _TAIL.unpack(file[-_TAIL.size :])
    return decode(file[-_TAIL.size - length : -_TAIL.size])[0]


def _end_of_pages(file: memoryview, group: Struct) -> int:
    """Return where the pages end and what follows them begins: indexes, or the footer."""
    ends: list[int] = [len(file) - _TAIL.size - _TAIL.unpack(file[-_TAIL.size :])[0]]
    for chunk in _chunks(group):
        ends += [chunk[number].held for number in (_COLUMN_INDEX, _OFFSET_INDEX) if number in chunk]
    return min(ends)


def _bytes_at(chunk: Struct, number: int, file: memoryview) -> bytes:
    if number not in chunk:
        return b""
    at, length = chunk[number].held, chunk[number + 1].held
    return bytes(file[at : at + length])


def _moved(offsets: bytes, by: int) -> bytes:
    """Return an index of offsets with all of them moved."""
    index, _ = decode(offsets)
    for page in index[_LOCATIONS].held.items:
        _shift(page, _PAGE_OFFSET, by)
    return encode(index)


def _chunks(group: Struct) -> list[Struct]:
    chunks: list[Struct] = group[_COLUMNS].held.items
    return chunks


def _move(group: Struct, by: int, number: int) -> None:
    """Change a row group to what it is further back in a file that has others."""
    _shift(group, _GROUP_OFFSET, by)
    if _ORDINAL in group:
        group[_ORDINAL] = Value(Kind.I16, number)
        if number > _MOST_NUMBERED:
            del group[_ORDINAL]
    for chunk in _chunks(group):
        if _CHUNK_OFFSET in chunk and chunk[_CHUNK_OFFSET].held:  # 0 where it says nothing
            _shift(chunk, _CHUNK_OFFSET, by)
        for pages in _PAGES:
            _shift(chunk[_CHUNK].held, pages, by)


def _shift(fields: Struct, number: int, by: int) -> None:
    if number in fields:
        fields[number] = Value(Kind.I64, fields[number].held + by)
