"""Looks at the pages of a file before Arrow does, which decompresses a page as large as its header says.

A column of a row group is a row of pages, each behind a header in Thrift's compact protocol
(https://github.com/apache/parquet-format, ``PageHeader``): field 2 is the size of the page when
decompressed, field 3 its size in the file.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from mnistkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import pyarrow.parquet as pq

#: A page may be as large as this, or as the file; usual ones have 1 MiB.
_MOST = 128 << 20

#: How many times more than its size in the file a page of a codec can be; others know no bounds.
_RATIOS = {"UNCOMPRESSED": 1, "SNAPPY": 32, "LZ4": 256, "GZIP": 1100, "ZSTD": 1 << 16}

#: Bytes of a header to try; statistics may make it long.
_HEADERS = (1 << 8, 1 << 14, 1 << 20)

_SIZE, _STORED = 2, 3
_BOOLEANS, _BYTE, _INTEGERS, _DOUBLE, _BINARY, _STRUCT = (1, 2), 3, (4, 5, 6), 7, 8, 12


def check_pages(path: Path, group: pq.RowGroupMetaData, names: Collection[str]) -> None:
    """Refuse columns with pages out of proportion to their file.

    Args:
        path: The file.
        group: One of its row groups.
        names: The columns that will be read.

    Raises:
        DataError: A page that is too large, or a damaged header of a page.
    """
    roots = tuple(f"{name}." for name in names)
    chunks = (group.column(i) for i in range(group.num_columns))
    most = max(_MOST, path.stat().st_size)
    with path.open("rb") as file:
        for chunk in chunks:
            size = chunk.total_compressed_size
            if size * _RATIOS.get(chunk.compression, most) <= most:
                continue
            if chunk.path_in_schema in names or chunk.path_in_schema.startswith(roots):
                _check_chunk(file, chunk, most, path)


def _check_chunk(file: IO[bytes], chunk: Any, most: int, path: Path) -> None:
    at = chunk.data_page_offset
    if chunk.dictionary_page_offset is not None:
        at = min(at, chunk.dictionary_page_offset)
    end = at + chunk.total_compressed_size
    while at < end:
        header, length = _header(file, at, path)
        size, stored = header.get(_SIZE, -1), header.get(_STORED, -1)
        if size < 0 or stored < 0:
            raise DataError(path, "damaged header of a page", found=f"byte {at}")
        if size > most:
            where = f"{path}: column {chunk.path_in_schema!r}"
            raise DataError(where, "page too large", expected=f"at most {most:,} bytes", found=f"{size:,}")
        at += length + stored


def _header(file: IO[bytes], at: int, path: Path) -> tuple[dict[int, int], int]:
    """Return the integers of a header by field, and the header's length."""
    for length in _HEADERS:
        file.seek(at)
        try:
            return _struct(file.read(length), 0)
        except (IndexError, RecursionError):
            continue
    raise DataError(path, "damaged header of a page", found=f"byte {at}")


def _struct(data: bytes, at: int) -> tuple[dict[int, int], int]:
    """Return the integers of a struct by field, and where it ends."""
    integers, field = {}, 0
    while data[at]:
        delta, kind = data[at] >> 4, data[at] & 15
        at += 1
        if delta:
            field += delta
        else:
            field, at = _integer(data, at)
        if kind in _INTEGERS:
            integers[field], at = _integer(data, at)
        else:
            at = _skipped(data, at, kind)
    return integers, at + 1


def _skipped(data: bytes, at: int, kind: int) -> int:
    """Return where a value ends that begins at ``at``."""
    if kind in _BOOLEANS:
        return at
    if kind == _BYTE:
        return at + 1
    if kind in _INTEGERS:
        return _integer(data, at)[1]
    if kind == _DOUBLE:
        return at + 8
    if kind == _BINARY:
        length, at = _varint(data, at)
        return at + length
    if kind == _STRUCT:
        return _struct(data, at)[1]
    raise IndexError  # lists and maps, which no header of a page has


def _integer(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while data[at] & 0x80 and shift < 64:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | data[at] << shift, at + 1
