"""Reads a dataset of the catalogue: fetches its files when they are needed, and sets its quirks right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from mnistkit.catalog.entry import Entry, SplitEntry
from mnistkit.codecs.npz import NpzArray, open_npz
from mnistkit.dataset import Array, Batch, Dataset, DatasetInfo, ExtraColumn, SplitInfo
from mnistkit.errors import DataError
from mnistkit.fetch import cache_folder, fetch_file
from mnistkit.idx.codec import IdxFile, open_idx
from mnistkit.plugin import Reader, Source
from mnistkit.progress import Progress, no_progress

Stored: TypeAlias = IdxFile | NpzArray


class CatalogReader(Reader):
    """Reads the splits of a catalogue entry.

    Args:
        entry: What the catalogue knows.
        offline: Use what is in the cache and fetch nothing.
        raw_orientation: Leave images as they are stored, even lying on their side.
        local: Published name -> where the file is, for files that need not be fetched; there are only
            the splits whose files are among them.
    """

    access = "sequential"

    def __init__(
        self,
        entry: Entry,
        *,
        offline: bool = False,
        raw_orientation: bool = False,
        local: Mapping[str, Path] | None = None,
    ) -> None:
        folder = next(iter(local.values())).parent if local else cache_folder() / entry.name
        super().__init__(Source(folder, name=entry.name), None)
        self.entry = entry
        self._local = local
        self._offline = offline
        self._upright = entry.orientation == "transposed" and not raw_orientation

    def info(self) -> DatasetInfo:
        """Say what the catalogue knows; nothing is fetched."""
        entry = self.entry
        return DatasetInfo(
            name=entry.name,
            splits=tuple(self._split_info(s) for s in entry.splits.values() if self._is_here(s.name)),
            class_names=entry.class_names or None,
            licence=entry.licence,
            citation=entry.citation,
            homepage=entry.homepage,
            notes=tuple(self._notes()),
        )

    def files(self, split: str) -> Sequence[Path]:
        """Fetch and name the files that hold a split."""
        return [self._fetched(name, no_progress) for name in self._names(split)]

    def prepare(self, splits: Sequence[str], progress: Progress) -> None:
        """Fetch the files of these splits."""
        for name in dict.fromkeys(name for split in splits for name in self._names(split)):
            self._fetched(name, progress)

    def batches(self, split: str, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Stream rows from the fetched files, upright and with classes from 0."""
        entry = self.entry.splits[split]
        first = entry.rows[0] if entry.rows else 0
        images = self._open(entry.images, entry.images_key)
        labels = self._open(entry.labels, entry.labels_key) if entry.labels else None
        self._check(entry, images, labels)
        position = start
        streams = [s.rows(first + start, first + stop, size) for s in (images, labels) if s is not None]
        for rows in zip(*streams, strict=True):
            yield self._batch(rows[0], rows[1] if labels is not None else None, position)
            position += len(rows[0])

    def _names(self, split: str) -> list[str]:
        entry = self.entry.splits[split]
        return list(dict.fromkeys(name for name in (entry.images, entry.labels) if name))

    def _is_here(self, split: str) -> bool:
        return self._local is None or self._local.keys() >= set(self._names(split))

    def _fetched(self, name: str, progress: Progress) -> Path:
        if self._local is not None:
            return self._local[name]
        return fetch_file(self.entry.name, self.entry.files[name], offline=self._offline, progress=progress)

    def _open(self, name: str, key: str) -> Stored:
        path = self._fetched(name, no_progress)
        return open_npz(path, key) if self.entry.container == "npz" else open_idx(path)

    def _check(self, split: SplitEntry, images: Stored, labels: Stored | None) -> None:
        """Hold the files to the catalogue's word."""
        expected = (self.entry.stored_shape, self.entry.dtype)
        found = (images.shape[1:], images.dtype.name)
        if found != expected:
            raise DataError(images.path, "images", expected=expected, found=found)
        needed = split.rows[1] if split.rows else split.length
        for stored in (images, labels):
            if stored is not None and (len(stored) < needed or (not split.rows and len(stored) != needed)):
                raise DataError(stored.path, "rows", expected=f"{needed:,}", found=f"{len(stored):,}")

    def _batch(self, images: Array, labels: Array | None, start: int) -> Batch:
        if self._upright:
            images = np.ascontiguousarray(images.swapaxes(1, 2))
            images.flags.writeable = False
        if labels is None:
            return Batch(images, None, start)
        if self.entry.multi_label:
            columns = self._typed(labels).T
            return Batch(images, None, start, dict(zip(self.entry.multi_label, columns, strict=True)))
        columns = self._typed(labels).reshape(len(labels), -1).T
        classes = columns[0] - columns.dtype.type(self.entry.label_offset)
        if len(classes) and not 0 <= classes.min() <= classes.max() < self.entry.classes:
            raise self._bad_labels(f"{columns[0].min()} to {columns[0].max()}")
        return Batch(images, classes, start, dict(zip(self.entry.label_columns, columns[1:], strict=True)))

    def _typed(self, labels: Array) -> Array:
        """Give labels the type that the catalogue says, where their file has a wider one."""
        typed = labels.astype(self.entry.label_dtype, copy=False)
        if typed is not labels and not np.array_equal(typed, labels):
            raise self._bad_labels(f"values beyond {self.entry.label_dtype}")
        return typed

    def _bad_labels(self, found: str) -> DataError:
        first = self.entry.label_offset
        last = first + self.entry.classes - 1
        return DataError(self.entry.name, "labels", expected=f"{first} to {last}", found=found)

    def _split_info(self, split: SplitEntry) -> SplitInfo:
        entry = self.entry
        labelled = bool(split.labels) and not entry.multi_label
        columns = entry.multi_label or entry.label_columns
        return SplitInfo(
            name=split.name,
            length=split.length,
            shape=entry.shape if self._upright else entry.stored_shape,
            dtype=entry.dtype,
            label_dtype=entry.label_dtype if labelled else None,
            label_range=(0, entry.classes - 1) if labelled else None,
            extra=tuple(ExtraColumn(name, entry.label_dtype) for name in columns),
            overlapping=split.overlapping,
        )

    def _notes(self) -> Iterator[str]:
        if self.entry.orientation == "transposed":
            turned = "turned upright" if self._upright else "left as stored, on their side"
            yield f"images are stored transposed; they are {turned}"
        if self.entry.label_offset:
            yield f"labels are stored from {self.entry.label_offset}; they are counted from 0"
        yield from self.entry.notes


def open_entry(entry: Entry, *, offline: bool = False, raw_orientation: bool = False) -> Dataset:
    """Open a dataset of the catalogue; nothing is fetched yet."""
    return Dataset(CatalogReader(entry, offline=offline, raw_orientation=raw_orientation))
