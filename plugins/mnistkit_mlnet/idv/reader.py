"""Reads ML.NET's binary data view: own exports, and what ML.NET's ``SaveAsBinary`` writes."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mnistkit.dataset import Array, Batch, DatasetInfo, ExtraColumn, SplitInfo
from mnistkit.errors import DataError
from mnistkit.plugin import Reader, parse_shape, spans
from mnistkit.printable import printable
from mnistkit_mlnet.idv import SUFFIX, IdvReadOptions
from mnistkit_mlnet.idv.contents import Stored, read_contents
from mnistkit_mlnet.idv.decode import block_bytes, check_lengths, numbers_in
from mnistkit_mlnet.idv.images import Images, find_images, told_by
from mnistkit_mlnet.idv.kinds import MOST_BLOCK
from mnistkit_mlnet.idv.labels import Labels, find_labels

_log = logging.getLogger("mnistkit.idv")

#: numpy's own limit is 32 in its older versions, the rows being one.
_MOST_AXES = 31


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What is known of a file before its images are read."""

    path: Path
    info: SplitInfo
    images: Images
    labels: Labels | None
    extra: Mapping[str, Stored]
    class_names: tuple[str, ...] | None
    skipped: tuple[str, ...]


class IdvReader(Reader):
    """Reads ``train.idv``, ``test.idv`` and the like, a block at a time."""

    options: IdvReadOptions

    def info(self) -> DatasetInfo:
        """Read the tables of each file, and the labels for their bounds."""
        files = self.source.splits((SUFFIX,))
        if not files:
            raise self.source.lacks((SUFFIX,))
        self._tables = {
            split: [self._survey(path, split) for path in paths] for split, paths in files.items()
        }
        tables = [table for shards in self._tables.values() for table in shards]
        if skipped := dict.fromkeys(name for table in tables for name in table.skipped):
            found = printable(", ".join(skipped))
            _log.warning("%s: columns that are no numbers are left out: %s", self.source.path, found)
        splits = tuple(_merged(shards) for shards in self._tables.values())
        return DatasetInfo(self.source.name, splits, _class_names(tables))

    def files(self, split: str) -> Sequence[Path]:
        """Name the file of a split, or its shards in order."""
        return [table.path for table in self._tables[split]]

    def batches(self, split: str, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Yield rows, reading those blocks that hold any of them."""
        tables = self._tables[split]
        for span in spans((table.info.length for table in tables), start, stop):
            table = tables[span.shard]
            with table.path.open("rb") as file:
                for batch in _blocks(file, table, span.start, span.stop):
                    for i in range(0, len(batch), size):
                        piece = batch[i : i + size]
                        yield replace(piece, start=span.offset + piece.start)

    def _survey(self, path: Path, split: str) -> Table:
        columns = read_contents(path)
        image, label = self.options.image, self.options.label
        if image not in columns:
            raise DataError(
                path, f"no column {image!r}", expected="a column of images",
                found=", ".join(columns) or "no columns",
                todo="say which column holds the images with --read image=NAME",
            )  # fmt: skip
        told = told_by(columns[image])
        images = find_images(
            columns.pop(image),
            told,
            asked=parse_shape(self.options.shape),
            known=self.source.shape_of(split),
            dtype=self.options.dtype,
        )
        found = columns.pop(label, None)
        if found is None and label != IdvReadOptions.label:
            raise DataError(
                path,
                f"no column {label!r}",
                expected="one of labels",
                found=", ".join(columns) or "no others",
            )
        labels = find_labels(found, own=told is not None) if found else None
        extra = {name: column for name, column in columns.items() if _is_extra(column)}
        for column in extra.values():
            check_lengths(column)
        together = sum(map(block_bytes, (images.column, *extra.values())))
        if together > MOST_BLOCK:
            raise DataError(
                path, "columns of a block", expected=f"at most {MOST_BLOCK:,} bytes", found=f"{together:,}"
            )
        names = labels.names if labels else told.class_names if told else None
        skipped = tuple(name for name in columns if name not in extra)
        return Table(path, _split_info(split, images, labels, extra), images, labels, extra, names, skipped)


def _is_extra(column: Stored) -> bool:
    """Whether a column is of numbers, or of vectors of numbers of one length."""
    kind = column.kind
    shaped = not kind.is_vector or (kind.size > 0 and len(kind.dimensions) <= _MOST_AXES)
    return kind.dtype is not None and kind.name != "Key2" and shaped


def _split_info(split: str, images: Images, labels: Labels | None, extra: Mapping[str, Stored]) -> SplitInfo:
    columns = tuple(_extra_column(column) for column in extra.values())
    bounds = labels.bounds() if labels else None
    dtype = "int64" if labels else None
    return SplitInfo(split, images.column.rows, images.shape, images.dtype, dtype, bounds, columns)


def _extra_column(column: Stored) -> ExtraColumn:
    assert column.kind.dtype is not None
    return ExtraColumn(column.name, column.kind.dtype.name, column.kind.dimensions)


def _blocks(file: BinaryIO, table: Table, start: int, stop: int) -> Iterator[Batch]:
    """Yield some rows of a file, those of a block at a time."""
    size = table.images.column.block_rows
    for block in range(start // size, -(-stop // size)):
        first = block * size
        batch = Batch(
            table.images.within(file, block),
            table.labels.within(file, block) if table.labels else None,
            first,
            {name: _extra(file, column, block) for name, column in table.extra.items()},
        )
        yield batch[max(start - first, 0) : stop - first]


def _extra(file: BinaryIO, column: Stored, block: int) -> Array:
    found = numbers_in(file, column, block)
    native = found.dtype.newbyteorder("=")
    # A copy: values stand at any place in a block, and not all of numpy likes that.
    return np.array(found, native).reshape(-1, *column.kind.dimensions)


def _merged(tables: Sequence[Table]) -> SplitInfo:
    """Describe a split by its shards.

    Raises:
        DataError: Shards of different types or shapes.
    """
    whole = tables[0].info
    for table in tables[1:]:
        part = table.info
        if replace(part, length=0, label_range=None) != replace(whole, length=0, label_range=None):
            raise DataError(
                table.path, f"type, shape or columns differ from those of {tables[0].path.name}",
                expected=_said(whole), found=_said(part),
            )  # fmt: skip
        bounds = [b for b in (whole.label_range, part.label_range) if b]
        widest = (min(b[0] for b in bounds), max(b[1] for b in bounds)) if bounds else None
        whole = replace(whole, length=whole.length + part.length, label_range=widest)
    return whole


def _said(info: SplitInfo) -> str:
    beside = ", ".join(("labels",) * info.labelled + tuple(column.name for column in info.extra))
    shape = "x".join(map(str, info.shape))
    return f"{info.dtype} of {shape}" + (f" beside {beside[:80]}" if beside else "")


def _class_names(tables: Sequence[Table]) -> tuple[str, ...] | None:
    named = [table for table in tables if table.class_names]
    for table in named[1:]:
        if table.class_names != named[0].class_names:
            raise DataError(
                table.path, f"class names differ from those of {named[0].path.name}",
                expected=", ".join(named[0].class_names or ())[:80],
                found=", ".join(table.class_names or ())[:80],
            )  # fmt: skip
    return named[0].class_names if named else None
