"""Reads Parquet: own exports, Hugging Face's, and what pandas, polars, DuckDB and Arrow write."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistkit.dataset import MOST_ROWS, Batch, DatasetInfo, ExtraColumn, SplitInfo
from mnistkit.errors import DataError
from mnistkit.plugin import Reader, parse_shape, spans
from mnistkit.printable import printable
from mnistkit_parquet.columns import Columns, dtype_in, find_columns
from mnistkit_parquet.files import opened, read_group, split_files
from mnistkit_parquet.labels import Labels, labels_in, number, survey
from mnistkit_parquet.pixels import Place, dense, images_in
from mnistkit_parquet.schema import Told, told_by
from mnistkit_parquet.shapes import Images, find_images, is_open, lengths_in, settle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from mnistkit_parquet import ParquetReadOptions

_log = logging.getLogger("mnistkit.parquet")

#: Bytes and rows decoded at once; more where there is a column a pixel, whose price is paid each time.
_DECODED, _DECODED_COLUMNS = (1 << 20, MOST_ROWS), (16 << 20, 4 * MOST_ROWS)


@dataclass(frozen=True, slots=True)
class _File:
    """A file and the number of rows of each of its row groups."""

    path: Path
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Table:
    """What is known of the files of a split, before anything but the first row and the labels is read."""

    files: tuple[_File, ...]
    columns: Columns
    told: Told
    images: Images
    labels: Labels | None
    extra: tuple[ExtraColumn, ...]

    @property
    def path(self) -> Path:
        """The first file, for messages about all of them."""
        return self.files[0].path

    def rows_at_once(self, size: int) -> int:
        """Return how many rows to decode at once, in whole batches if they are not too large."""
        most, most_rows = _DECODED_COLUMNS if self.columns.by_pixel else _DECODED
        extra = sum(np.dtype(c.dtype).itemsize * math.prod(c.shape) for c in self.extra)
        rows = min(most // max(1, self.images.stored + extra), most_rows)
        return max(1, rows - rows % size if rows > size else rows)


class ParquetReader(Reader):
    """Reads one table for each split, a row group at a time."""

    access = "random"
    options: ParquetReadOptions

    def info(self) -> DatasetInfo:
        """Read footers and labels, and the first image where the footer does not tell its shape."""
        tables = {split: _survey(paths, self.options) for split, paths in split_files(self.source).items()}
        _tell_skipped(self.source.path, tables.values())
        labels, names = number([table.labels for table in tables.values()], self.source.path)
        self._tables = self._settle(tables)
        for split, numbered in zip(tables, labels, strict=True):
            self._tables[split] = replace(self._tables[split], labels=numbered)
        splits = tuple(_split_info(split, table) for split, table in self._tables.items())
        return DatasetInfo(self.source.name, splits, names or _class_names(tables.values()))

    def files(self, split: str) -> Sequence[Path]:
        """Name the files of a split, in order."""
        return [file.path for file in self._tables[split].files]

    def batches(self, split: str, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Yield rows, skipping row groups that hold none of them."""
        table = self._tables[split]
        for span in spans((sum(file.groups) for file in table.files), start, stop):
            file = table.files[span.shard]
            for row, records in _windows(file, range(span.start, span.stop), table, table.rows_at_once(size)):
                batch = _batch(records, table, file.path, row, span.offset + row)
                yield from (batch[i : i + size] for i in range(0, len(batch), size))

    def _settle(self, tables: Mapping[str, _Table]) -> dict[str, _Table]:
        """Settle the shapes of all splits; an empty one that does not tell its own takes another's."""
        asked, found = parse_shape(self.options.shape), None
        settled = {}
        for split, table in sorted(tables.items(), key=lambda item: not item[1].images.values):
            hinted = self.source.shape_of(split) or (None if table.images.values else found)
            images = settle(table.images, asked, hinted, table.path)
            settled[split] = replace(table, images=images)
            found = found or images.shape
        return {split: settled[split] for split in tables}


def _survey(paths: Sequence[Path], options: ParquetReadOptions) -> _Table:
    """Read what is known of a split beforehand.

    Raises:
        DataError: A file is damaged or not of images and labels, or a shard differs from the first.
    """
    footers = [_footer(path) for path in paths]
    files = tuple(file for file, _ in footers)
    path, schema = paths[0], footers[0][1]
    told = told_by(schema, path)
    columns = find_columns(schema, told, options, path)
    for file, other in footers[1:]:
        if _types(other) != _types(schema) or told_by(other, file.path) != told:
            raise DataError(file.path, f"columns or metadata differ from those of {path.name}")
    first = _first_row(files, [n for n in (*columns.images, *columns.extra) if is_open(schema.field(n).type)])
    images = find_images(schema, columns, told, first.get(columns.images[0]), path)
    extra = tuple(
        ExtraColumn(name, dtype_in(schema, name, path), lengths_in(schema.field(name).type, first.get(name)))
        for name in columns.extra
    )
    labels = survey(paths, schema, columns.label) if columns.label else None
    return _Table(files, columns, told, images, labels, extra)


def _types(schema: pa.Schema) -> dict[str, pa.DataType]:
    return dict(zip(schema.names, schema.types, strict=True))


def _footer(path: Path) -> tuple[_File, pa.Schema]:
    with opened(path) as parquet:
        groups = tuple(parquet.metadata.row_group(i).num_rows for i in range(parquet.num_row_groups))
        schema = parquet.schema_arrow
        _types(schema)  # decodes the names of the columns
        return _File(path, groups), schema


def _first_row(files: Sequence[_File], names: Sequence[str]) -> dict[str, Any]:
    """Return the values of some columns in the first row; nothing where there are no rows."""
    file = next((file for file in files if sum(file.groups)), None)
    if file is None or not names:
        return {}
    with opened(file.path) as parquet:
        group = next(i for i, rows in enumerate(file.groups) if rows)
        records = next(read_group(parquet, file.path, group, names, 1), None)
    if not records:
        raise DataError(file.path, f"rows of row group {group}", expected=file.groups[group], found=0)
    values = {name: records.column(name)[0].as_py() for name in names}
    for name, value in values.items():
        if value is None or (isinstance(value, dict) and value["bytes"] is None):
            raise Place(file.path, name).error(0, "null", expected="a value")
    return values


def _split_info(split: str, table: _Table) -> SplitInfo:
    labels = table.labels
    dtype, bounds = (labels.dtype, labels.bounds) if labels else (None, None)
    length = sum(sum(file.groups) for file in table.files)
    return SplitInfo(split, length, table.images.shape, table.images.dtype, dtype, bounds, table.extra)


def _tell_skipped(path: object, tables: Iterable[_Table]) -> None:
    names = dict.fromkeys(name for table in tables for name in table.columns.skipped)
    if names:
        found = printable(", ".join(names))
        _log.warning("%s: columns that are no numbers are left out: %s", path, found)


def _class_names(tables: Iterable[_Table]) -> tuple[str, ...] | None:
    named = [(table.path, names) for table in tables if (names := table.told.names_of(table.columns.label))]
    for path, names in named:
        if names != named[0][1]:
            raise DataError(path, f"class names differ from those of {named[0][0].name}")
    return named[0][1] if named else None


def _windows(file: _File, wanted: range, table: _Table, size: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield the wanted rows of a file, at most ``size`` at a time, and the number of the first."""
    if not wanted:
        return
    columns = table.columns.read
    texts = [table.labels.name] if table.labels and table.labels.texts is not None else []
    with opened(file.path, columns=len(columns), texts=texts) as parquet:
        end = 0
        for group, length in enumerate(file.groups):
            begin, end = end, end + length
            if end <= wanted.start or wanted.stop <= begin:
                continue
            for records in read_group(parquet, file.path, group, columns, size):
                row, stop = max(wanted.start, begin), min(wanted.stop, begin + len(records))
                if row < stop:
                    yield row, records.slice(row - begin, stop - row)
                begin += len(records)
                if begin >= wanted.stop:
                    return
            if begin != end:
                raise DataError(
                    file.path, f"rows of row group {group}", expected=length, found=begin + length - end
                )


def _batch(records: pa.RecordBatch, table: _Table, path: Path, row: int, start: int) -> Batch:
    def at(name: str) -> Place:
        return Place(path, name, row)

    images = images_in(records, table.columns, table.images, at(table.columns.images[0]))
    label = table.labels
    labels = labels_in(records.column(label.name), label, at(label.name)) if label else None
    extra = {c.name: dense(records.column(c.name), c.shape, at(c.name)) for c in table.extra}
    return Batch(images, labels, start, extra)
