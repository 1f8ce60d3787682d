"""Tells whether two datasets hold the same, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mnistkit.dataset import Array, Batch, Dataset, Split, SplitInfo

_ROWS = 1024


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between two datasets, A and B.

    Attributes:
        split: The split it is in.
        what: The difference as a sentence.
        index: Index of the image in its split, or None where the split as a whole differs.
        labels: Its label in A and in B.
        position: (row, column[, channel]) of the first pixel that differs, or None.
        values: The value of that pixel in A and in B.
        pixels: How many of the image's pixel values differ.
    """

    split: str
    what: str
    index: int | None = None
    labels: tuple[int | None, int | None] = (None, None)
    position: tuple[int, ...] | None = None
    values: tuple[float, float] | None = None
    pixels: int = 0

    def __str__(self) -> str:
        return f"{self.split}: {self.what}"


def differences(a: Dataset, b: Dataset) -> Iterator[Difference]:
    """Yield what differs between A and B: splits, shapes, lengths, then image by image."""
    for name in [*a.splits, *(n for n in b.splits if n not in a.splits)]:
        if name not in b.splits or name not in a.splits:
            there, missing = ("A", "B") if name in a.splits else ("B", "A")
            yield Difference(name, f"this split is in {there}, not in {missing}")
        else:
            yield from _split_differences(a[name], b[name])


def _split_differences(a: Split, b: Split) -> Iterator[Difference]:
    unlike = list(_unlike(a.info, b.info))
    yield from unlike
    if not unlike or (a.info.shape, a.info.dtype, a.info.labelled) == (
        b.info.shape,
        b.info.dtype,
        b.info.labelled,
    ):
        rows = min(len(a), len(b))
        for left, right in zip(a[:rows].batches(_ROWS), b[:rows].batches(_ROWS), strict=True):
            yield from _batch_differences(a.info.name, left, right)


def _unlike(a: SplitInfo, b: SplitInfo) -> Iterator[Difference]:
    facts = {
        "shape of an image": ("x".join(map(str, a.shape)), "x".join(map(str, b.shape))),
        "pixel type": (a.dtype, b.dtype),
        "labels": ("present" if a.labelled else "absent", "present" if b.labelled else "absent"),
        "number of images": (f"{a.length:,}", f"{b.length:,}"),
    }
    for what, (left, right) in facts.items():
        if left != right:
            yield Difference(a.name, f"{what}: {left} in A, {right} in B")


def _batch_differences(split: str, a: Batch, b: Batch) -> Iterator[Difference]:
    rows = _bits(a.images) != _bits(b.images)
    differing = rows.any(axis=1)
    if a.labels is not None and b.labels is not None:
        differing |= a.labels.astype(np.int64) != b.labels.astype(np.int64)
    for row in np.flatnonzero(differing):
        yield _image_difference(split, a, b, int(row))


def _bits(images: Array) -> Array:
    """Return the raw bytes of each image (n, bytes): equal only where bit for bit equal, NaN too."""
    return np.ascontiguousarray(images).reshape(len(images), -1).view(np.uint8)


def _image_difference(split: str, a: Batch, b: Batch, row: int) -> Difference:
    index = a.start + row
    labels = tuple(None if x.labels is None else int(x.labels[row]) for x in (a, b))
    shape = a.images.shape[1:]
    size = a.images.dtype.itemsize
    unequal = (_bits(a.images[row : row + 1]) != _bits(b.images[row : row + 1])).reshape(-1, size).any(axis=1)
    where = np.flatnonzero(unequal)
    shown = f"label {labels[0]}" if labels[0] == labels[1] else f"label {labels[0]} in A, {labels[1]} in B"
    head = f"image {index:,}" + (f" ({shown})" if labels != (None, None) else "")
    if not len(where):
        return Difference(split, head, index, (labels[0], labels[1]))
    position = tuple(int(i) for i in np.unravel_index(where[0], shape))
    values = (a.images[row][position].item(), b.images[row][position].item())
    names = ("row", "column", "channel")
    spot = ", ".join(f"{name} {i}" for name, i in zip(names, position, strict=False))
    what = f"{head}: pixel at {spot} is {values[0]} in A, {values[1]} in B"
    what += f" ({len(where)} pixel values differ)" if len(where) > 1 else ""
    return Difference(split, what, index, (labels[0], labels[1]), position, values, len(where))
