"""Which images a tree holds, and in which order: 13 bytes an image where files are named by numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

import numpy as np

from mnistkit.dataset import Array
from mnistkit_png.leaf import Leaf


@dataclass(frozen=True, slots=True, eq=False)
class Listing(Sequence[Path]):
    """The images of one split, in order.

    Attributes:
        groups: Folder (a separator behind it) and end of file name of images that have these in common.
        group_labels: The label of each group, or None where the split has no labels.
        group: (n,) int32, the group of each image.
        numbers: (n,) int64, the number in its file name; empty where names are held.
        digits: (n,) uint8, how many digits that is written with; empty where names are held.
        names: The file names where some are no numbers.
    """

    groups: tuple[tuple[str, str], ...]
    group_labels: Array | None
    group: Array
    numbers: Array
    digits: Array
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.group)

    @overload
    def __getitem__(self, key: int) -> Path: ...
    @overload
    def __getitem__(self, key: slice) -> list[Path]: ...
    def __getitem__(self, key: int | slice) -> Path | list[Path]:
        """Return the path of an image, or of several."""
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            return [self[i] for i in range(start, stop, step)]
        index = range(len(self))[key]
        return Path(*self.paths(index, index + 1))

    def paths(self, start: int, stop: int) -> list[str]:
        """Return the paths of some rows as text, which is far quicker to make."""
        at = [self.groups[group] for group in self.group[start:stop].tolist()]
        if self.names:
            return [folder + name for (folder, _), name in zip(at, self.names[start:stop], strict=True)]
        numbers, digits = self.numbers[start:stop].tolist(), self.digits[start:stop].tolist()
        return [
            f"{folder}{number:0{width}d}{tail}"
            for (folder, tail), number, width in zip(at, numbers, digits, strict=True)
        ]

    def seen_from(self, folder: Path) -> Listing:
        """Return the same images with paths from this folder on, with ``/`` on every system."""
        groups = tuple((f"{Path(at).relative_to(folder).as_posix()}/", tail) for at, tail in self.groups)
        return replace(self, groups=groups)

    def labels(self, start: int, stop: int) -> Array | None:
        """Return the labels of some rows: (stop - start,) int64."""
        if self.group_labels is None:
            return None
        labels = self.group_labels[self.group[start:stop]]
        labels.flags.writeable = False
        return labels


def listing(leaves: Sequence[Leaf], labels: Sequence[int] | None) -> Listing:
    """Put the images of some folders in order.

    Where all names are numbers and no two the same, that is their order; otherwise they are sorted by
    folder and name.

    Args:
        leaves: The folders, sorted by name.
        labels: The label of each; None for one folder with labels in its file names, or without any.
    """
    of_tails = leaves[0].labels_of_tails() if labels is None else None
    if any(leaf.others for leaf in leaves):
        return _named(leaves, labels)
    groups = tuple((_prefix(leaf), tail) for leaf in leaves for tail in leaf.tails)
    if labels is not None:
        of_tails = [label for leaf, label in zip(leaves, labels, strict=True) for _ in leaf.tails]
    first = np.cumsum([0, *(len(leaf.tails) for leaf in leaves)], dtype=np.int32)
    group = _joined([leaf.tail + at for leaf, at in zip(leaves, first, strict=False)], np.int32)
    numbers = _joined([leaf.numbers for leaf in leaves], np.int64)
    order = np.argsort(numbers, kind="stable")
    if (np.diff(numbers[order]) == 0).any():
        order = _by_name(leaves)
    return Listing(
        groups,
        None if of_tails is None else np.array(of_tails, np.int64),
        group[order],
        numbers[order],
        _joined([leaf.digits for leaf in leaves], np.uint8)[order],
    )


def _prefix(leaf: Leaf) -> str:
    return f"{leaf.path}{os.sep}"


def _named(leaves: Sequence[Leaf], labels: Sequence[int] | None) -> Listing:
    names = [sorted([*leaf.others, *map(leaf.name, range(len(leaf.numbers)))]) for leaf in leaves]
    return Listing(
        tuple((_prefix(leaf), "") for leaf in leaves),
        None if labels is None else np.array(labels, np.int64),
        np.repeat(np.arange(len(leaves), dtype=np.int32), [len(n) for n in names]),
        np.empty(0, np.int64),
        np.empty(0, np.uint8),
        tuple(name for of_leaf in names for name in of_leaf),
    )


def _by_name(leaves: Sequence[Leaf]) -> Array:
    """Return the places of images in the leaves' joined arrays, sorted by name within each leaf."""
    first = np.cumsum([0, *(len(leaf) for leaf in leaves)])
    return _joined(
        [
            at + np.array(sorted(range(len(leaf)), key=leaf.name), np.int64)
            for leaf, at in zip(leaves, first, strict=False)
        ],
        np.int64,
    )


def _joined(arrays: Sequence[Array], dtype: type[np.generic]) -> Array:
    return np.concatenate([np.empty(0, dtype), *arrays], dtype=dtype)
