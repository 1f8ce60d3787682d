"""Writes Parquet: batches are encoded by all workers, gathered to row groups and written in order."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mnistkit.codecs import png
from mnistkit.errors import UsageError
from mnistkit.plugin import Loss, Part, Writer, Written
from mnistkit_parquet.joining import Joiner
from mnistkit_parquet.schema import ENCODED, IMAGE, kept, schema_of, why_lost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from mnistkit.dataset import Array, Batch, DatasetInfo, SplitInfo
    from mnistkit_parquet import Layout, ParquetWriteOptions

#: Most bytes of pixels in a row group, which is what a writer holds and a reader reads at once.
_GROUP_BYTES = 8 << 20


class ParquetWriter(Writer):
    """Writes one table for each part."""

    options: ParquetWriteOptions

    def check(self, info: DatasetInfo) -> Sequence[Loss]:
        """Refuse what PNG cannot hold, and a level that the codec does not have."""
        _check_level(self.options.codec, self.options.level)
        for split in info.splits:
            if self.options.layout == "image":
                png.check(split, "parquet")
        return [
            Loss(f"column {column.name!r} of split {split.name!r}: {reason}", columns=(column.name,))
            for split in info.splits
            for column in split.extra
            if (reason := why_lost(column, self.options.layout))
        ]

    def write(self, folder: Path, part: Part, batches: Iterator[Batch]) -> Written:
        """Write ``data/<split>-00000-of-00001.parquet``."""
        stem = part.stem if part.shards > 1 else f"{part.stem}-00000-of-00001"
        file = f"data/{stem}.parquet"
        (folder / "data").mkdir(exist_ok=True)
        schema = schema_of(part.split, part.info, self.options.layout)
        columns = tuple(column.name for column in kept(part.split, self.options.layout))
        encode = partial(_encode, schema=schema, layout=self.options.layout, extra=columns)
        rows = _group_rows(part.split, self.options.row_group)
        pieces = _pieces(part.map(encode, batches), _piece_rows(part.split, rows, self.options.layout))
        pack = partial(_file_of, schema=schema, options=self.options)
        with part.sink(folder / file) as sink:
            joined = Joiner(sink, pack(None))
            for group in part.map(pack, _row_groups(pieces, rows)):
                joined.add(group)
            joined.finish()
        return Written(
            (file,), rows=part.rows, sha256={f"data/{name}": digest for name, digest in sink.sha256.items()}
        )


def _check_level(codec: str, level: int | None) -> None:
    if level is None:
        return
    if codec in ("none", "snappy"):
        raise UsageError("parquet", "--level without a codec that has levels", found=codec)
    least, most = pa.Codec.minimum_compression_level(codec), pa.Codec.maximum_compression_level(codec)
    if not least <= level <= most:
        raise UsageError("parquet", "bad value for --level", expected=f"{least} to {most}", found=level)


def _file_of(group: pa.Table | None, *, schema: pa.Schema, options: ParquetWriteOptions) -> memoryview:
    """Return a file of one row group, or of none."""
    file = pa.BufferOutputStream()
    with _open(file, schema, options) as table:
        if group is not None:
            table.write_table(group, row_group_size=len(group))
    return memoryview(file.getvalue()).cast("B")  # of unsigned bytes


def _open(file: pa.NativeFile, schema: pa.Schema, options: ParquetWriteOptions) -> Any:
    # Statistics of pixels would only swell the footer, and a dictionary keeps one of all NaNs for floats.
    integers = [field.name for field in schema if pa.types.is_integer(field.type)]
    return pq.ParquetWriter(
        file,
        schema,
        compression=options.codec,
        compression_level=options.level,
        use_dictionary=integers,
        write_statistics=integers,
        write_page_checksum=True,
        write_page_index=options.layout == "image",  # as Hugging Face does, for reading single rows
    )


def _group_rows(split: SplitInfo, most: int) -> int:
    """Return how many rows a row group has: a power of two where bytes and not the user bound it."""
    fitting = max(1, _GROUP_BYTES // split.image_bytes)
    return min(most, 1 << (fitting.bit_length() - 1))


def _piece_rows(split: SplitInfo, group: int, layout: Layout) -> int:
    """Return how many rows of a row group to hand over in one piece.

    Pixels go in batches as they usually come, for which nothing is copied; the price of a piece is paid
    for each column.
    """
    return split.batch_rows if layout == "pixels" and group % split.batch_rows == 0 else group


def _encode(batch: Batch, *, schema: pa.Schema, layout: Layout, extra: Sequence[str]) -> pa.RecordBatch:
    columns: list[pa.Array] = []
    if layout == "image":
        columns.append(_encoded(batch.images))
    elif layout == "pixels":
        columns.append(_raw(batch.images, schema.field(IMAGE).type))
    if batch.labels is not None:
        columns.append(_numbers(batch.labels.astype(np.int64, copy=False)))
    if layout == "columns":
        columns += map(_numbers, np.ascontiguousarray(batch.images.reshape(len(batch), -1).T))
    columns += [_nested(batch.extra[name]) for name in extra]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _encoded(images: Array) -> pa.Array:
    files = _binary(png.encode_batch(images))
    return pa.StructArray.from_arrays([files, pa.nulls(len(files), pa.string())], fields=list(ENCODED))


def _raw(images: Array, kind: pa.DataType) -> pa.Array:
    little = np.ascontiguousarray(images, images.dtype.newbyteorder("<"))
    return pa.FixedSizeBinaryArray.from_buffers(kind, len(images), [None, pa.py_buffer(little)])


def _nested(column: Array) -> pa.Array:
    values = _numbers(np.ascontiguousarray(column).reshape(-1))
    for length in reversed(column.shape[1:]):
        values = pa.FixedSizeListArray.from_arrays(values, length)
    return values


def _numbers(values: Array) -> pa.Array:
    """Return what ``pa.array`` does, which imports pandas: 0.3 s and 50 MiB."""
    held = np.packbits(values, bitorder="little") if values.dtype == bool else values
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(held)])


def _binary(values: Sequence[bytes]) -> pa.Array:
    """Return an array of bytes, as ``pa.array`` does."""
    ends = np.cumsum([0, *map(len, values)], dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(values))]
    return pa.Array.from_buffers(pa.binary(), len(values), buffers)


def _pieces(encoded: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Gather batches to tables of exactly ``rows`` rows, the last aside, each in one piece.

    Parquet cuts pages by pieces: in pieces of one size, the bytes do not depend on how the rows came.
    """
    held: list[pa.RecordBatch] = []
    free = rows
    for batch in encoded:
        rest = batch
        while len(rest) >= free:
            yield pa.Table.from_batches([*held, rest.slice(0, free)]).combine_chunks()
            rest, held, free = rest.slice(free), [], rows
        if len(rest):
            held.append(rest)
            free -= len(rest)
    if held:
        yield pa.Table.from_batches(held).combine_chunks()


def _row_groups(pieces: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Join pieces to tables of ``rows`` rows, of which they hold a whole number, without a copy."""
    held: list[pa.Table] = []
    for piece in pieces:
        held.append(piece)
        if sum(map(len, held)) == rows:
            group, held = pa.concat_tables(held), []
            del piece
            yield group
            del group
    if held:
        yield pa.concat_tables(held)
