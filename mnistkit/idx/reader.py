"""Reads datasets of IDX files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mnistkit.dataset import (
    MOST_EXTRA,
    Array,
    Batch,
    DatasetInfo,
    ExtraColumn,
    SplitInfo,
    bounds_of,
)
from mnistkit.errors import DataError
from mnistkit.idx.codec import IdxFile
from mnistkit.idx.column import Column
from mnistkit.idx.folder import SplitFiles, find_splits
from mnistkit.plugin import Reader, Source

#: Labels are looked through in pieces of this size, in bytes.
_SCAN_BYTES = 1 << 20


class IdxReader(Reader):
    """Reads splits of an image file and a label file each.

    Column 0 of two-dimensional labels is the class; the others become extra columns
    ``label_1``, ``label_2``, ….
    """

    def __init__(self, source: Source, options: Any) -> None:
        super().__init__(source, options)
        self._splits: dict[str, SplitFiles] = {}

    @property
    def image_files(self) -> list[IdxFile]:
        """The files of images; known once :meth:`info` has been called."""
        return [file for found in self._splits.values() for file in found.images.files]

    @property
    def label_files(self) -> list[IdxFile]:
        """The files of labels."""
        return [file for found in self._splits.values() if found.labels for file in found.labels.files]

    def info(self) -> DatasetInfo:
        """Read all headers, and the labels for their bounds."""
        self._splits = {files.name: files for files in find_splits(self.source)}
        columns = [c for s in self._splits.values() for c in (s.images, s.labels) if c]
        if not all(column.is_plain for column in columns):
            self.access = "sequential"
        return DatasetInfo(self.source.name, tuple(_split_info(s) for s in self._splits.values()))

    def files(self, split: str) -> Sequence[Path]:
        """Name the files of images and, where there are any, of labels."""
        found = self._splits[split]
        return [file.path for column in (found.images, found.labels) if column for file in column.files]

    def batches(self, split: str, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Stream rows into reused buffers; a compressed file is read from its front."""
        found = self._splits[split]
        images = found.images.rows(start, stop, size)
        if found.labels is None:
            for pixels in images:
                yield Batch(pixels, None, start)
                start += len(pixels)
            return
        for pixels, labels in zip(images, found.labels.rows(start, stop, size), strict=True):
            yield _batch(pixels, labels, start)
            start += len(pixels)

    def load(self, split: str, start: int, stop: int) -> Batch | None:
        """Map plain files into memory, and read compressed ones into place."""
        found = self._splits[split]
        pixels = found.images.load(start, stop)
        labels = found.labels.load(start, stop) if found.labels else None
        if pixels is None or (labels is None and found.labels):
            return None
        return Batch(pixels) if labels is None else _batch(pixels, labels, 0)


def _batch(pixels: Array, labels: Array, start: int) -> Batch:
    if labels.ndim == 1:
        return Batch(pixels, labels, start)
    extra = {_column(i): labels[:, i] for i in range(1, labels.shape[1])}
    return Batch(pixels, labels[:, 0], start, extra)


def _split_info(files: SplitFiles) -> SplitInfo:
    images, labels = files.images, files.labels
    return SplitInfo(
        name=files.name,
        length=images.length,
        shape=images.row_shape,
        dtype=images.dtype.name,
        label_dtype=labels.dtype.name if labels else None,
        label_range=_label_range(labels) if labels else None,
        extra=_extra(labels) if labels else (),
    )


def _label_range(labels: Column) -> tuple[int, int] | None:
    where = labels.files[0].path
    if labels.dtype.kind not in "iu":
        raise DataError(where, "labels", expected="integers", found=labels.dtype.name)
    columns = labels.row_shape[0] if labels.row_shape else 1
    if not 0 < columns <= 1 + MOST_EXTRA:
        raise DataError(where, "columns of labels", expected=f"1 to {1 + MOST_EXTRA:,}", found=f"{columns:,}")
    bounds = None
    size = max(1, _SCAN_BYTES // labels.files[0].header.row_bytes)
    for rows in labels.rows(0, labels.length, size):
        bounds = bounds_of(rows if rows.ndim == 1 else rows[:, 0], bounds)
    return bounds


def _extra(labels: Column) -> tuple[ExtraColumn, ...]:
    columns = labels.row_shape[0] if labels.row_shape else 1
    return tuple(ExtraColumn(_column(i), labels.dtype.name) for i in range(1, columns))


def _column(index: int) -> str:
    return f"label_{index}"
