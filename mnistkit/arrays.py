"""Datasets out of arrays in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mnistkit.dataset import Array, Batch, DatasetInfo, ExtraColumn, SplitInfo, bounds_of
from mnistkit.errors import DataError
from mnistkit.plugin import Reader


class ArrayReader(Reader):
    """Reads a dataset out of arrays in memory."""

    def __init__(
        self,
        name: str,
        splits: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike | None]],
        class_names: Sequence[str] | None,
        extra: Mapping[str, Mapping[str, npt.ArrayLike]],
    ) -> None:
        self._batches = {
            split: _batch_of(split, images, labels, extra.get(split, {}))
            for split, (images, labels) in _pairs(splits)
        }
        infos = tuple(_info_of(split, batch) for split, batch in self._batches.items())
        self._info = DatasetInfo(name, infos, tuple(class_names) if class_names else None)

    def info(self) -> DatasetInfo:
        """Return what is known of the arrays."""
        return self._info

    def files(self, split: str) -> tuple[()]:  # noqa: ARG002 - the same for each split
        """Return no files: the arrays are in memory."""
        return ()

    def batches(self, split: str, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Yield views of the arrays."""
        for first in range(start, stop, size):
            yield self._batches[split][first : min(first + size, stop)]

    def load(self, split: str, start: int, stop: int) -> Batch:
        """Return a view of the arrays."""
        return replace(self._batches[split][start:stop], start=0)


def _pairs(
    splits: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike | None]],
) -> Iterator[tuple[str, tuple[npt.ArrayLike, npt.ArrayLike | None]]]:
    for split, pair in splits.items():
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise DataError(f"split {split!r}", "expected a pair (images, labels or None)")
        yield split, pair


def _batch_of(
    split: str, images: npt.ArrayLike, labels: npt.ArrayLike | None, extra: Mapping[str, npt.ArrayLike]
) -> Batch:
    columns = {name: _read_only(np.asarray(column)) for name, column in extra.items()}
    pixels = _read_only(np.asarray(images))
    classes = None if labels is None else _read_only(np.asarray(labels))
    for name, column in (("labels", classes), *columns.items()):
        if column is not None and len(column) != len(pixels):
            raise DataError(
                f"split {split!r}",
                f"{name} and images differ in number",
                expected=len(pixels),
                found=len(column),
            )
    if classes is not None and (classes.dtype.kind not in "iu" or classes.ndim != 1):
        raise DataError(
            f"split {split!r}",
            "labels",
            expected="a vector of integers",
            found=f"{classes.ndim}-d {classes.dtype}",
        )
    return Batch(pixels, classes, 0, columns)


def _read_only(array: Array) -> Array:
    view = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("=")).view()
    view.flags.writeable = False
    return view


def _info_of(split: str, batch: Batch) -> SplitInfo:
    return SplitInfo(
        name=split,
        length=len(batch),
        shape=batch.images.shape[1:],
        dtype=batch.images.dtype.name,
        label_dtype=None if batch.labels is None else batch.labels.dtype.name,
        label_range=None if batch.labels is None else bounds_of(batch.labels),
        extra=tuple(ExtraColumn(name, c.dtype.name, c.shape[1:]) for name, c in batch.extra.items()),
    )
