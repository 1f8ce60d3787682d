"""Reads the format: maps the arrays into memory, so that any rows can be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from mnistkit.dataset import Array, Batch, DatasetInfo, SplitInfo, bounds_of
from mnistkit.errors import DataError
from mnistkit.plugin import Reader, spans
from numpy.lib import format as npy

from mnistkit_sketch import SUFFIX


class SketchReader(Reader):
    """Reads splits of one file, or of several shards."""

    def info(self) -> DatasetInfo:
        """Read the headers, and the labels for their bounds; no images."""
        self._splits = self.source.splits([SUFFIX])
        if not self._splits:
            expected = f"files named *{SUFFIX}"
            raise DataError(self.source.path, "nothing to read", expected=expected)
        splits = [self._describe(split) for split in self._splits]
        return DatasetInfo(self.source.name, tuple(splits))

    def files(self, split: str) -> Sequence[Path]:
        """Name the files that hold a split."""
        return self._splits[split]

    def batches(self, split: str, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Yield rows in order, at most ``size`` at a time."""
        shards = [_open(path) for path in self._splits[split]]
        for span in spans((len(images) for images, _ in shards), start, stop):
            images, labels = shards[span.shard]
            for row in range(span.start, span.stop, size):
                rows = slice(row, min(row + size, span.stop))
                classes = None if labels is None else _native(labels[rows])
                yield Batch(_native(images[rows]), classes, span.offset + row)

    def _describe(self, split: str) -> SplitInfo:
        length, bounds, kinds = 0, None, set()
        for images, labels in map(_open, self._splits[split]):
            length += len(images)
            bounds = bounds if labels is None else bounds_of(labels, bounds)
            label_dtype = None if labels is None else labels.dtype.name
            kinds.add((images.shape[1:], images.dtype.name, label_dtype))
        if len(kinds) > 1:
            where = self.source.path
            raise DataError(where, f"files of split {split!r} differ", found=kinds)
        ((shape, dtype, label_dtype),) = kinds
        return SplitInfo(split, length, shape, dtype, label_dtype, bounds)


def _open(path: Path) -> tuple[Array, Array | None]:
    """Map the images of a file, and its labels, where there are any."""
    try:
        with path.open("rb") as file:
            images = _map(file)
            labels = _map(file) if file.tell() < path.stat().st_size else None
    except (OSError, ValueError) as error:
        raise DataError(path, "not a file of arrays", found=error) from error
    if images.ndim not in {3, 4}:
        raise DataError(path, "images", expected="3 or 4 axes", found=images.ndim)
    if labels is not None and labels.shape != images.shape[:1]:
        expected = f"({len(images)},)"
        raise DataError(path, "labels", expected=expected, found=labels.shape)
    return images, labels


def _map(file: BinaryIO) -> Array:
    """Map the array that begins where a file stands, and go to its end."""
    if npy.read_magic(file) != (1, 0):
        raise ValueError("an array of another version")
    shape, fortran_order, dtype = npy.read_array_header_1_0(file)
    if fortran_order or dtype.hasobject:
        raise ValueError("an array that cannot be mapped")
    start = file.tell()
    mapped = np.memmap(file, dtype, "r", start, shape)
    file.seek(start + mapped.nbytes)
    return mapped


def _native(rows: Array) -> Array:
    """Return rows in the order and the byte order that mnistkit hands on."""
    return np.ascontiguousarray(rows, rows.dtype.newbyteorder("="))
