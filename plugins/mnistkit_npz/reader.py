"""Reads NumPy archives: those of Keras, MedMNIST and KMNIST, and whatever is called alike."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mnistkit.codecs.npz import NpzArray, arrays_in, read_texts
from mnistkit.dataset import (
    COLUMN_DTYPES,
    DTYPES,
    Array,
    Batch,
    DatasetInfo,
    ExtraColumn,
    SplitInfo,
    bounds_of,
)
from mnistkit.errors import DataError
from mnistkit.naming import split_order
from mnistkit.plugin import Reader, spans
from mnistkit_npz import KMNIST, SUFFIX
from mnistkit_npz.keys import CLASS_NAMES, Keys, find_splits

_log = logging.getLogger("mnistkit.npz")

_LABEL_ROWS = 1 << 17


@dataclass(frozen=True)
class _Shard:
    """The arrays of a split in one archive, or in two."""

    images: NpzArray
    labels: NpzArray | None
    extra: Mapping[str, NpzArray]

    @property
    def arrays(self) -> list[NpzArray]:
        """All of them, the images first, then the labels."""
        return [self.images, *([] if self.labels is None else [self.labels]), *self.extra.values()]


class NpzReader(Reader):
    """Reads an archive of one or several splits, or a folder of archives."""

    access = "sequential"

    def info(self) -> DatasetInfo:
        """Read the headers of the arrays, and the labels for their bounds."""
        self._splits: dict[str, list[_Shard]] = {}
        self._class_names: dict[tuple[str, ...], Path] = {}
        self._notes: list[str] = []
        apart = self.source.splits([KMNIST[0]]) if self._is_apart() else {}
        for split, paths in apart.items():
            self._splits[split] = [_apart(path) for path in paths]
        for split, paths in ({} if apart else self.source.splits([SUFFIX])).items():
            for path in paths:
                self._survey(path, split)
        if not self._splits:
            expected = f"*{SUFFIX} with arrays called x_train, train_images or images"
            raise DataError(self.source.path, "no images", expected=expected)
        if len(self._class_names) > 1:
            found = ", ".join(path.name for path in self._class_names.values())
            raise DataError(self.source.path, "archives that name classes differently", found=found)
        splits = tuple(_described(name, self._splits[name]) for name in sorted(self._splits, key=split_order))
        names = next(iter(self._class_names), None)
        return DatasetInfo(self.source.name, splits, names, notes=tuple(self._notes))

    def files(self, split: str) -> Sequence[Path]:
        """Name the archives that hold a split."""
        return list(dict.fromkeys(array.path for shard in self._splits[split] for array in shard.arrays))

    def batches(self, split: str, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Read the arrays of a split side by side."""
        shards = self._splits[split]
        for span in spans((len(shard.images) for shard in shards), start, stop):
            shard, row = shards[span.shard], span.offset + span.start
            streams = [array.rows(span.start, span.stop, size) for array in shard.arrays]
            for rows in zip(*streams, strict=True):
                yield _batch(shard, rows, row)
                row += len(rows[0])

    def _is_apart(self) -> bool:
        """Whether each array has an archive of its own, as KMNIST's have."""
        return self.source.path.is_dir() and bool(self.source.files([KMNIST[0]]))

    def _survey(self, path: Path, alone: str) -> None:
        arrays = arrays_in(path)
        found = find_splits(arrays, alone=alone, known=self.source.split_names)
        for keys in found:
            shard = _shard(keys, arrays)
            if keys.split in self._splits and (keys.split != alone or len(found) > 1):
                raise DataError(path, f"two arrays of images for split {keys.split!r}")
            self._splits.setdefault(keys.split, []).append(shard)
        if CLASS_NAMES in arrays:
            self._class_names.setdefault(read_texts(arrays[CLASS_NAMES]), path)
        known = {key for keys in found for key in keys.all} | {CLASS_NAMES}
        if found and (skipped := sorted(arrays.keys() - known)):
            sentence = f"{path.name}: not read: {', '.join(skipped)}"
            _log.warning("%s", sentence)
            self._notes.append(sentence)


def _apart(path: Path) -> _Shard:
    """Open an archive of images and, if there is one, that of the labels beside it."""
    beside = path.with_name(path.name.removesuffix(KMNIST[0]) + KMNIST[1])
    images, labels = _only(path), _only(beside) if beside.exists() else None
    _check(images, [] if labels is None else [labels])
    return _Shard(images, labels, {})


def _only(path: Path) -> NpzArray:
    arrays = list(arrays_in(path).values())
    if len(arrays) != 1:
        raise DataError(path, "arrays", expected="one", found=len(arrays))
    return arrays[0]


def _shard(keys: Keys, arrays: Mapping[str, NpzArray]) -> _Shard:
    labels = arrays[keys.labels] if keys.labels else None
    extra = {name: arrays[key] for name, key in keys.extra.items()}
    if (
        labels and len(labels.shape) == 2 and labels.shape[1] > 1
    ):  # several labels an image, as ChestMNIST has
        extra, labels = {"labels": labels, **extra}, None
    _check(arrays[keys.images], [*([] if labels is None else [labels]), *extra.values()])
    if labels is not None and (labels.dtype.kind not in "iu" or labels.shape[1:] not in ((), (1,))):
        found = f"{labels.dtype} {labels.shape}"
        raise DataError(
            f"{labels.path}: array {labels.key!r}", "labels", expected="whole numbers", found=found
        )
    return _Shard(arrays[keys.images], labels, extra)


def _check(images: NpzArray, beside: Sequence[NpzArray]) -> None:
    where = f"{images.path}: array {images.key!r}"
    if images.dtype.name not in DTYPES or len(images.shape) not in {3, 4} or 0 in images.shape[1:]:
        expected = f"(n, height, width[, channels]) of {', '.join(DTYPES)}"
        raise DataError(where, "not images", expected=expected, found=f"{images.dtype} {images.shape}")
    for column in beside:
        place = f"{column.path}: array {column.key!r}"
        if len(column) != len(images):
            raise DataError(
                place, "rows", expected=f"{len(images):,}, as many as images", found=f"{len(column):,}"
            )
        if column.dtype.name not in COLUMN_DTYPES:
            raise DataError(place, "not numbers", found=column.dtype)


def _described(name: str, shards: Sequence[_Shard]) -> SplitInfo:
    """Describe a split by its shards.

    Raises:
        DataError: Shards that differ.
    """
    parts = [_part(name, shard) for shard in shards]
    for shard, part in zip(shards, parts, strict=True):
        if replace(part, length=0, label_range=None) != replace(parts[0], length=0, label_range=None):
            raise DataError(shard.images.path, f"differs from {shards[0].images.path.name} in type or shape")
    bounds = [part.label_range for part in parts if part.label_range]
    widest = (min(low for low, _ in bounds), max(high for _, high in bounds)) if bounds else None
    return replace(parts[0], length=sum(part.length for part in parts), label_range=widest)


def _part(name: str, shard: _Shard) -> SplitInfo:
    labels, bounds = shard.labels, None
    if labels is not None:
        for rows in labels.rows(0, len(labels), _LABEL_ROWS):
            bounds = bounds_of(rows, bounds)
    return SplitInfo(
        name=name,
        length=len(shard.images),
        shape=shard.images.shape[1:],
        dtype=shard.images.dtype.name,
        label_dtype=None if labels is None else labels.dtype.name,
        label_range=bounds,
        extra=tuple(ExtraColumn(n, column.dtype.name, column.shape[1:]) for n, column in shard.extra.items()),
    )


def _batch(shard: _Shard, rows: Sequence[Array], start: int) -> Batch:
    images, *beside = (one.astype(one.dtype.newbyteorder("="), copy=False) for one in rows)
    labels = None if shard.labels is None else beside.pop(0).reshape(-1)
    return Batch(images, labels, start, dict(zip(shard.extra, beside, strict=True)))
