"""Tells whether two datasets hold the same, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mnistkit.dataset import Array, Batch, Dataset, Split, SplitInfo

#: Characters of class names that a message shows.
_SHOWN = 60


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
    names = (a.info.class_names, b.info.class_names)
    if all(names) and names[0] != names[1]:
        yield Difference("classes", f"their names: {_shortened(names[0])} in A, {_shortened(names[1])} in B")
    for name in [*a.splits, *(n for n in b.splits if n not in a.splits)]:
        if name in a.splits and name in b.splits:
            yield from _split_differences(a[name], b[name])
            continue
        there, missing = ("A", "B") if name in a.splits else ("B", "A")
        lone = a[name] if name in a.splits else b[name]
        if not lone.info.overlapping:  # whose images are in another split as well
            yield Difference(name, f"this split is in {there}, not in {missing}")


def _shortened(names: tuple[str, ...] | None) -> str:
    shown = ", ".join(names or ())
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"


def _split_differences(a: Split, b: Split) -> Iterator[Difference]:
    unlike = list(_unlike(a.info, b.info))
    yield from unlike
    if not unlike or (a.info.shape, a.info.dtype, a.info.labelled) == (
        b.info.shape,
        b.info.dtype,
        b.info.labelled,
    ):
        rows = min(len(a), len(b))
        for left, right in _aligned(a[:rows].batches(), b[:rows].batches()):
            yield from _batch_differences(a.info.name, left, right)


def _aligned(a: Iterator[Batch], b: Iterator[Batch]) -> Iterator[tuple[Batch, Batch]]:
    """Cut two streams of the same rows where either of them is cut."""
    left = right = None
    while True:
        left = left if left is not None and len(left) else next(a, None)
        right = right if right is not None and len(right) else next(b, None)
        if left is None or right is None:
            return
        rows = min(len(left), len(right))
        yield left[:rows], right[:rows]
        left, right = left[rows:], right[rows:]


def _unlike(a: SplitInfo, b: SplitInfo) -> Iterator[Difference]:
    facts = {
        "shape of an image": ("x".join(map(str, a.shape)), "x".join(map(str, b.shape))),
        "pixel type": (a.dtype, b.dtype),
        "labels": ("present" if a.labelled else "absent", "present" if b.labelled else "absent"),
        "number of images": (f"{a.length:,}", f"{b.length:,}"),
        "shape of extra columns": _shapes_of_shared(a, b),
    }
    for what, (left, right) in facts.items():
        if left != right:
            yield Difference(a.name, f"{what}: {left} in A, {right} in B")


def _shapes_of_shared(a: SplitInfo, b: SplitInfo) -> tuple[str, str]:
    """Describe the extra columns that both have: those that one format lost are no difference."""
    left, right = ({c.name: c.shape for c in info.extra} for info in (a, b))
    shared = sorted(left.keys() & right.keys())
    return str([(name, left[name]) for name in shared]), str([(name, right[name]) for name in shared])


def _batch_differences(split: str, a: Batch, b: Batch) -> Iterator[Difference]:
    differing = (_bits(a.images) != _bits(b.images)).any(axis=1)
    if a.labels is not None and b.labels is not None:
        differing |= a.labels.astype(np.int64) != b.labels.astype(np.int64)
    shared = [n for n in a.extra if n in b.extra and a.extra[n].shape == b.extra[n].shape]
    columns = {name: _column_differs(a.extra[name], b.extra[name]) for name in shared}
    for rows in columns.values():
        differing |= rows
    for row in np.flatnonzero(differing):
        unlike = [name for name, rows in columns.items() if rows[row]]
        yield _image_difference(split, a, b, int(row), unlike)


def _column_differs(a: Array, b: Array) -> Array:
    """Tell row by row whether two columns hold other values, whatever their types."""
    left, right = a.reshape(len(a), -1), b.reshape(len(b), -1)
    both_nan = (left != left) & (right != right)  # noqa: PLR0124 - true of NaN alone, whatever the type
    differing: Array = ((left != right) & ~both_nan).any(axis=1)
    return differing


def _bits(images: Array) -> Array:
    """Return the raw bytes of each image (n, bytes): equal only where bit for bit equal, NaN too."""
    return np.ascontiguousarray(images).reshape(len(images), -1).view(np.uint8)


def _image_difference(split: str, a: Batch, b: Batch, row: int, unlike: list[str]) -> Difference:
    index = a.start + row
    labels = tuple(None if x.labels is None else int(x.labels[row]) for x in (a, b))
    shape = a.images.shape[1:]
    size = a.images.dtype.itemsize
    unequal = (_bits(a.images[row : row + 1]) != _bits(b.images[row : row + 1])).reshape(-1, size).any(axis=1)
    where = np.flatnonzero(unequal)
    shown = f"label {labels[0]}" if labels[0] == labels[1] else f"label {labels[0]} in A, {labels[1]} in B"
    head = f"image {index:,}" + (f" ({shown})" if labels != (None, None) else "")
    if not len(where):
        head += f": {', '.join(unlike)} differs" if unlike else ""
        return Difference(split, head, index, (labels[0], labels[1]))
    position = tuple(int(i) for i in np.unravel_index(where[0], shape))
    values = (a.images[row][position].item(), b.images[row][position].item())
    names = ("row", "column", "channel")
    spot = ", ".join(f"{name} {i}" for name, i in zip(names, position, strict=False))
    what = f"{head}: pixel at {spot} is {values[0]} in A, {values[1]} in B"
    what += f" ({len(where)} pixel values differ)" if len(where) > 1 else ""
    return Difference(split, what, index, (labels[0], labels[1]), position, values, len(where))
