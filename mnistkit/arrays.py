"""Datasets out of arrays in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mnistkit.dataset import Array, Batch, DatasetInfo, ExtraColumn, SplitInfo, bounds_of, read_only
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
        unknown = sorted(map(str, extra.keys() - splits.keys()))
        if unknown:
            raise DataError(name, "extra columns of no split", found=", ".join(unknown))
        self._batches = {
            split: _batch_of(split, images, labels, extra.get(split, {}))
            for split, (images, labels) in _pairs(splits)
        }
        infos = tuple(_info_of(split, batch) for split, batch in self._batches.items())
        if isinstance(class_names, str):
            raise DataError(name, "class names", expected="a list of names", found=repr(class_names))
        self._info = DatasetInfo(name, infos, None if class_names is None else tuple(class_names) or None)

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
    pixels = _array(split, "images", images)
    classes = None if labels is None else _array(split, "labels", labels)
    columns = {name: _array(split, f"extra column {name!r}", column) for name, column in extra.items()}
    if classes is not None and (classes.dtype.kind not in "iu" or classes.ndim != 1):
        raise DataError(
            f"split {split!r}",
            "labels",
            expected="a vector of integers",
            found=f"{classes.ndim}-d {classes.dtype}",
        )
    for name, column in (("labels", classes), *columns.items()):
        if column is not None and len(column) != len(pixels):
            raise DataError(
                f"split {split!r}",
                f"{name} and images differ in number",
                expected=len(pixels),
                found=len(column),
            )
    return Batch(pixels, classes, 0, columns)


def _array(split: str, what: str, values: npt.ArrayLike) -> Array:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise DataError(f"split {split!r}", f"{what}: not an array", found=error) from error
    if not array.ndim:
        raise DataError(f"split {split!r}", f"{what}: not an array", found=repr(values)[:80])
    return read_only(array)


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
