"""Reads Parquet: own exports, Hugging Face's, and what pandas, polars, DuckDB and Arrow write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mnistkit.dataset import Batch, DatasetInfo, ExtraColumn, SplitInfo, bounds_of
from mnistkit.errors import DataError
from mnistkit.plugin import Reader, parse_shape, spans
from mnistkit_parquet.columns import Columns, dtype_of, find_columns, leaf
from mnistkit_parquet.files import opened, split_files
from mnistkit_parquet.pixels import Place, dense, images_in
from mnistkit_parquet.schema import Told, is_own, told_by
from mnistkit_parquet.shapes import Images, find_images, is_open, lengths_in, settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from mnistkit.dataset import Array
    from mnistkit_parquet import ParquetReadOptions

_LABELS_AT_ONCE = 1 << 16

#: Batches decoded at once where there is a column a pixel: the price of a column is paid each time.
_BATCHES_OF_COLUMNS = 8


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
    labels: tuple[str, tuple[int, int] | None] | None
    extra: tuple[ExtraColumn, ...]

    @property
    def path(self) -> Path:
        """The first file, for messages about all of them."""
        return self.files[0].path


class ParquetReader(Reader):
    """Reads one table for each split, a row group at a time."""

    access = "random"
    options: ParquetReadOptions

    def info(self) -> DatasetInfo:
        """Read footers and labels, and the first image where the footer does not tell its shape."""
        tables = {split: _survey(paths) for split, paths in split_files(self.source).items()}
        self._tables = self._settle(tables)
        splits = tuple(_split_info(split, table) for split, table in self._tables.items())
        self._infos = {split.name: split for split in splits}
        return DatasetInfo(self.source.name, splits, _class_names(list(tables.values())))

    def files(self, split: str) -> Sequence[Path]:
        """Name the files of a split, in order."""
        return [file.path for file in self._tables[split].files]

    def batches(self, split: str, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Yield rows, skipping row groups that hold none of them."""
        table, decoded = self._tables[split], max(size, self._infos[split].batch_rows)
        if table.columns.by_pixel:
            decoded *= _BATCHES_OF_COLUMNS
        for span in spans((sum(file.groups) for file in table.files), start, stop):
            file = table.files[span.shard]
            for row, records in _windows(file, range(span.start, span.stop), decoded):
                batch = _batch(records, table, file.path, row, span.offset + row)
                yield from (batch[i : i + size] for i in range(0, len(batch), size))

    def _settle(self, tables: Mapping[str, _Table]) -> dict[str, _Table]:
        """Settle the shapes of all splits; an empty one that does not tell its own takes another's."""
        asked, found = parse_shape(self.options.shape), self.source.shape
        settled = {}
        for split, table in sorted(tables.items(), key=lambda item: not item[1].images.values):
            hinted = self.source.shape if table.images.values else found
            images = settle(table.images, asked, hinted, table.path)
            settled[split] = replace(table, images=images)
            found = found or images.shape
        return {split: settled[split] for split in tables}


def _survey(paths: Sequence[Path]) -> _Table:
    """Read what is known of a split beforehand.

    Raises:
        DataError: A file is damaged or not of images and labels, or a shard differs from the first.
    """
    footers = [_footer(path) for path in paths]
    files = tuple(file for file, _ in footers)
    path, schema = paths[0], footers[0][1]
    columns = find_columns(schema, own=is_own(schema), path=path)
    told = told_by(schema, columns.label, path)
    for file, other in footers[1:]:
        if _types(other) != _types(schema) or told_by(other, columns.label, file.path) != told:
            raise DataError(file.path, f"columns or metadata differ from those of {path.name}")
    first = _first_row(files, [n for n in (*columns.images, *columns.extra) if is_open(schema.field(n).type)])
    images = find_images(schema, columns, told, first.get(columns.images[0]), path)
    extra = tuple(_extra(name, schema.field(name).type, first.get(name)) for name in columns.extra)
    label = columns.label
    labels = (_dtype(schema.field(label).type), _bounds(files, label)) if label else None
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
        records = next(parquet.iter_batches(1, row_groups=[group], columns=list(names)), None)
    if not records:
        raise DataError(file.path, f"rows of row group {group}", expected=file.groups[group], found=0)
    values = {name: records.column(name)[0].as_py() for name in names}
    for name, value in values.items():
        if value is None or (isinstance(value, dict) and value["bytes"] is None):
            raise Place(file.path, name).error(0, "null", expected="a value")
    return values


def _bounds(files: Sequence[_File], label: str) -> tuple[int, int] | None:
    """Return the least and the greatest label, reading no other column."""
    bounds = None
    for file in files:
        row = 0
        with opened(file.path) as parquet:
            for records in parquet.iter_batches(_LABELS_AT_ONCE, columns=[label]):
                bounds = bounds_of(dense(records.column(label), (), Place(file.path, label, row)), bounds)
                row += len(records)
    return bounds


def _extra(name: str, kind: pa.DataType, first: Any) -> ExtraColumn:
    return ExtraColumn(name, _dtype(leaf(kind)), lengths_in(kind, first))


def _dtype(kind: pa.DataType) -> str:
    dtype = dtype_of(kind)
    assert dtype, "find_columns has checked it"
    return dtype


def _split_info(split: str, table: _Table) -> SplitInfo:
    dtype, bounds = table.labels or (None, None)
    length = sum(sum(file.groups) for file in table.files)
    return SplitInfo(split, length, table.images.shape, table.images.dtype, dtype, bounds, table.extra)


def _class_names(tables: Sequence[_Table]) -> tuple[str, ...] | None:
    named = [table for table in tables if table.told.class_names]
    for table in named[1:]:
        if table.told.class_names != named[0].told.class_names:
            raise DataError(table.path, f"class names differ from those of {named[0].path.name}")
    return named[0].told.class_names if named else None


def _windows(file: _File, wanted: range, size: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield the wanted rows of a file, at most ``size`` at a time, and the number of the first."""
    if not wanted:
        return
    with opened(file.path) as parquet:
        end = 0
        for group, length in enumerate(file.groups):
            begin, end = end, end + length
            if end <= wanted.start or wanted.stop <= begin:
                continue
            for records in parquet.iter_batches(size, row_groups=[group]):
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
    columns = table.columns

    def values(name: str, lengths: Sequence[int] = ()) -> Array:
        return dense(records.column(name), lengths, Place(path, name, row))

    images = images_in(records, columns, table.images, Place(path, columns.images[0], row))
    labels = values(columns.label) if columns.label else None
    return Batch(images, labels, start, {c.name: values(c.name, c.shape) for c in table.extra})
