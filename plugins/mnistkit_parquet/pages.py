"""Looks at the pages of a file before Arrow does, which decompresses a page as large as its header says.

A column of a row group is a row of pages, each behind a header (https://github.com/apache/parquet-format,
``PageHeader``): field 2 is the size of the page when decompressed, field 3 its size in the file.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from mnistkit.errors import DataError
from mnistkit_parquet.thrift import Kind, Struct, decode

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
        size, stored = _size_of(header, _SIZE), _size_of(header, _STORED)
        if size < 0 or stored < 0:
            raise DataError(path, "damaged header of a page", found=f"byte {at}")
        if size > most:
            where = f"{path}: column {chunk.path_in_schema!r}"
            raise DataError(where, "page too large", expected=f"at most {most:,} bytes", found=f"{size:,}")
        at += length + stored


def _header(file: IO[bytes], at: int, path: Path) -> tuple[Struct, int]:
    """Return a header and its length."""
    for length in _HEADERS:
        file.seek(at)
        try:
            return decode(file.read(length))
        except (IndexError, ValueError, RecursionError):
            continue
    raise DataError(path, "damaged header of a page", found=f"byte {at}")


def _size_of(header: Struct, field: int) -> int:
    value = header.get(field)
    return int(value.held) if value and value.kind == Kind.I32 else -1
