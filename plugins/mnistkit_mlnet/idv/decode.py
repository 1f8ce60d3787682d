"""Turns blocks and annotations into numbers and texts, strictly."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mnistkit.dataset import Array
from mnistkit.errors import DataError
from mnistkit_mlnet.idv.contents import Note, Stored
from mnistkit_mlnet.idv.cursor import Cursor
from mnistkit_mlnet.idv.kinds import MOST_BLOCK, MOST_NOTE, STORED
from mnistkit_mlnet.idv.vectors import Vectors, items, parted


def block_bytes(column: Stored) -> int:
    """Return how many bytes the numbers of a block of a column take in memory; 0 where it has none."""
    dtype, size = column.kind.dtype, column.kind.size if column.kind.is_vector else 1
    return max(1, column.rows_of(0)) * size * dtype.itemsize if dtype else 0


def check_lengths(column: Stored) -> None:
    """Make sure that blocks of numbers are as long as their rows need, before any is read.

    Raises:
        DataError: A block too short or too long, or one that would fill the memory.
    """
    dtype, size = column.kind.dtype, column.kind.size if column.kind.is_vector else 1
    if dtype is None:
        return
    whole = block_bytes(column)
    if whole > MOST_BLOCK:
        raise DataError(
            column.where, "values of a block", expected=f"at most {MOST_BLOCK:,} bytes", found=f"{whole:,}"
        )
    if not len(column.blocks):
        return
    rows = np.full(len(column.blocks), column.block_rows, np.int64)
    rows[-1] = column.rows_of(len(rows) - 1)
    most = -(-rows // 8) if dtype == np.bool_ else rows * size * dtype.itemsize
    least = most
    if column.kind.is_vector:
        least = 12 + 4 * rows
        most = least + rows * size * (4 + dtype.itemsize)
    raw = column.blocks["raw"].astype(np.int64)
    bad = (raw < least) | (raw > most)
    if bad.any():
        block = int(np.argmax(bad))
        raise DataError(
            f"{column.where}, block {block}", f"bytes of {rows[block]:,} rows",
            expected=f"{least[block]:,}" + (f" to {most[block]:,}" if column.kind.is_vector else ""),
            found=f"{raw[block]:,}",
        )  # fmt: skip


def numbers_in(file: BinaryIO, column: Stored, block: int) -> Array:
    """Return the rows of a block: (n,), or (n, size) of a column of vectors, little-endian.

    Raises:
        DataError: The block is damaged or is not what the column's type says.
    """
    raw, rows = _raw(file, column, block), column.rows_of(block)
    where, dtype = f"{column.where}, block {block}", column.kind.dtype
    assert dtype is not None, "whoever asks for numbers has made sure of the type"
    if not column.kind.is_vector:
        return items(raw, rows, dtype, where)
    return parted(raw, rows, column.kind.size, where, block * column.block_rows).filled(dtype)


def texts_in(file: BinaryIO, column: Stored, block: int) -> list[str]:
    """Return the rows of a block of texts.

    Raises:
        DataError: The block is damaged or holds something else.
    """
    return _texts(_raw(file, column, block), column.rows_of(block), f"{column.where}, block {block}")


def note_texts(path: Path, note: Note, *, most: int = MOST_NOTE) -> list[str]:
    """Return the texts of an annotation: of one, or of a vector; so many bytes at most.

    Raises:
        DataError: The annotation is damaged, or larger.
    """
    raw = _note(path, note, most)
    if not note.kind.is_vector:
        return _texts(raw, 1, note.where)
    vectors = _vector(raw, note)
    if vectors.is_sparse:
        raise DataError(note.where, "sparse texts", expected="a text for each slot")
    return _texts(vectors.items, note.kind.size, note.where)


def note_numbers(path: Path, note: Note) -> Array:
    """Return the numbers of an annotation that is a vector: (size,).

    Raises:
        DataError: The annotation is damaged.
    """
    assert note.kind.dtype is not None, "whoever asks for numbers has made sure of the type"
    numbers: Array = _vector(_note(path, note, MOST_NOTE), note).filled(note.kind.dtype)[0]
    return numbers


def _note(path: Path, note: Note, most: int) -> bytes:
    if note.stored > most:
        raise DataError(note.where, "too long", expected=f"at most {most:,} bytes", found=f"{note.stored:,}")
    with path.open("rb") as file:
        file.seek(note.offset)
        data = file.read(note.stored)
    return data if note.compression == STORED else _inflated(data, most, note.where)


def _vector(raw: bytes, note: Note) -> Vectors:
    if 8 * note.kind.size > MOST_NOTE:
        raise DataError(
            note.where, "values", expected=f"at most {MOST_NOTE // 8:,}", found=f"{note.kind.size:,}"
        )
    return parted(raw, 1, note.kind.size, note.where, 0)


def _raw(file: BinaryIO, column: Stored, block: int) -> bytes:
    """Return a block, inflated to exactly what its lookup table says."""
    offset, stored, size = column.blocks[block].tolist()
    where = f"{column.where}, block {block}"
    file.seek(offset)
    data = file.read(stored)
    if column.compression != STORED:
        data = _inflated(data, size, where)
    if len(data) != size:
        raise DataError(where, "too short", expected=f"{size:,} bytes", found=f"{len(data):,}")
    return data


def _inflated(data: bytes, most: int, where: str) -> bytes:
    """Inflate raw deflate, and no further than one byte past what is allowed."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = inflate.decompress(data, most + 1)
    except zlib.error as error:
        raise _damaged(where, error) from error
    if len(found) > most:
        raise DataError(
            where, "inflates further than it may", expected=f"at most {most:,} bytes", found="more"
        )
    if not inflate.eof or inflate.unused_data:
        raise _damaged(where, "another end")
    return found


def _damaged(where: str, found: object) -> DataError:
    return DataError(
        where, "damaged", expected="one deflated stream, whole", found=found, todo="get the file again"
    )


def _texts(raw: bytes | memoryview, number: int, where: str) -> list[str]:
    """Cut joined texts where each ends, counted in UTF-16 code units."""
    cursor = Cursor(bytes(raw), where)
    if (found := cursor.int32()) != number:
        raise DataError(where, "number of texts", expected=f"{number:,}", found=f"{found:,}")
    ends = np.frombuffer(cursor.take(4 * number), "<i4").astype(np.int64)
    joined = cursor.string().encode("utf-16-le")
    if cursor.left:
        raise DataError(
            where, "goes on behind its texts", expected="its end", found=f"{cursor.left:,} more bytes"
        )
    starts = np.concatenate(([0], ends))
    if (np.diff(starts) < 0).any() or 2 * starts[-1] != len(joined):
        raise DataError(
            where,
            "ends of texts",
            expected=f"ascending to {len(joined) // 2:,}",
            found=f"{starts[-1]:,} at last",
        )
    try:
        return [joined[2 * a : 2 * b].decode("utf-16-le") for a, b in zip(starts, ends, strict=False)]
    except UnicodeDecodeError as error:
        raise DataError(where, "ends of texts", expected="whole characters", found=error) from error
