"""Which images a tree holds, and in which order: 13 bytes an image where files are named by numbers."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

import numpy as np

from mnistkit.dataset import Array
from mnistkit.errors import DataError
from mnistkit.naming import CHECKSUMS, RECEIPT, is_export, is_litter
from mnistkit_png import SUFFIXES, TAGS

# 00042.png, or 00042-num7.png as pjreddie names his images of MNIST.
_NUMBERED = re.compile(r"([0-9]{1,18})((?:-num[0-9]{1,19})?\.[A-Za-z]+)")
_OURS = re.compile(r"[0-9]{1,18}(?:-num[0-9]{1,19})?\.png")
# What publishers put beside the splits; inside them it is refused as any other file.
_DOCUMENT = re.compile(r"(README|LICENSE|LICENCE|CITATION)[^/]*|.*\.md|\.git[a-z]*", re.IGNORECASE)

# Where Hugging Face keeps labels that are not told by folders.
_METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")

_LABEL = re.compile(r"-num([0-9]+)\.")


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """What lies in one folder itself, as the file system lists it.

    Attributes:
        path: The folder.
        folders: Names of the folders in it, sorted.
        tails: What follows the numbers in names of images: ``.png``, ``-num7.png``.
        tail: (n,) int32, index into tails.
        numbers: (n,) int64, the numbers in names of images.
        digits: (n,) uint8, how many digits each is written with.
        others: Names of images that are no such numbers.
    """

    path: Path
    folders: tuple[str, ...]
    tails: tuple[str, ...]
    tail: Array
    numbers: Array
    digits: Array
    others: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.numbers) + len(self.others)

    def name(self, i: int) -> str:
        """Return the name of image i of those named by numbers."""
        return _spelt(self.numbers[i], self.digits[i], self.tails[self.tail[i]])

    def any_name(self) -> str:
        """Return the name of one image, for messages."""
        return min(self.others) if self.others else self.name(0)

    def labels_of_tails(self) -> list[int] | None:
        """Return the label of each tail, or None where names hold no labels.

        Raises:
            DataError: Some names hold one and some do not, or one is no 64-bit integer.
        """
        found = [_LABEL.match(tail) for tail in self.tails]
        if not any(found):
            return None
        bare = [*self.others, *(self.name(i) for i, tail in enumerate(self.tail) if found[tail] is None)]
        if bare:
            raise DataError(
                self.path / min(bare), "image without a label", expected="NUMBER-numLABEL.png as others here"
            )
        labels = [int(match[1]) for match in found if match]
        if max(labels) >= 1 << 63:
            raise DataError(self.path, "label in a file name", expected="64 bits", found=max(labels))
        return labels


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


def scan(folder: Path, *, is_root: bool = False) -> Leaf:
    """List a folder, not what is below it; a root may hold documents and lists of its splits too.

    Raises:
        DataError: The folder cannot be read, or holds what is neither folder nor image.
    """
    tails: dict[str, int] = {}
    tail, numbers, digits = array("i"), array("q"), array("B")
    folders, others = [], []
    for name, is_folder in _entries(folder, is_root=is_root):
        if is_folder:
            folders.append(name)
        elif match := _NUMBERED.fullmatch(name):
            tail.append(tails.setdefault(match[2], len(tails)))
            numbers.append(int(match[1]))
            digits.append(len(match[1]))
        else:
            others.append(name)
    return Leaf(
        folder,
        tuple(sorted(folders)),
        tuple(tails),
        np.array(tail, np.int32),
        np.array(numbers, np.int64),
        np.array(digits, np.uint8),
        tuple(others),
    )


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


def _entries(folder: Path, *, is_root: bool) -> Iterator[tuple[str, bool]]:
    """Yield the name of each image and folder, and whether it is a folder."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if _OURS.fullmatch(name) and entry.is_file():  # as most are: all checks below are answered
                    yield name, False
                elif entry.is_dir():
                    if _is_data(name) and not is_export(entry.path):
                        _check_text(name, folder)
                        yield name, True
                elif not (_is_ignored(name, is_root=is_root) or (is_root and _is_tags(entry, folder))):
                    _check_image(entry, folder)
                    yield name, False
    except OSError as error:
        raise DataError(folder, "cannot be read", found=error.strerror) from error


def _is_ignored(name: str, *, is_root: bool) -> bool:
    """Whether a file is none of the data: a receipt, litter, or a document beside the splits."""
    return (
        name in (RECEIPT, CHECKSUMS)
        or is_litter(name)
        or (is_root and not name.lower().endswith(SUFFIXES) and _DOCUMENT.fullmatch(name) is not None)
    )


def _is_tags(entry: os.DirEntry[str], folder: Path) -> bool:
    """Whether a file is the list of a split's images, which tells nothing that the split does not."""
    split = entry.name.removesuffix(TAGS)
    return split not in ("", entry.name) and entry.is_file() and (folder / split).is_dir()


def _is_data(name: str) -> bool:
    """Whether a folder of this name may be a split or class: not what systems and editors hide."""
    return not (name.startswith(".") or name == "__MACOSX" or is_litter(name))


def _check_image(entry: os.DirEntry[str], folder: Path) -> None:
    if entry.name.lower() in _METADATA:
        raise DataError(
            entry.path,
            "labels beside the images",
            expected="labels by folder",
            todo="move each image into the folder of its class and remove the file",
        )
    if not entry.name.lower().endswith(SUFFIXES):
        raise DataError(entry.path, "stray file in a tree of images", expected=f"{', '.join(SUFFIXES)} alone")
    if not entry.is_file():
        raise DataError(entry.path, "not a regular file", expected="an image")
    _check_text(entry.name, folder)


def _check_text(name: str, folder: Path) -> None:
    """Refuse a name that is no text: nothing could say it."""
    if not name.isascii() and any("\ud800" <= character <= "\udfff" for character in name):
        raise DataError(folder, "name in a tree of images", expected="UTF-8", found=ascii(name))


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


def _spelt(number: int, digits: int, tail: str) -> str:
    return f"{number:0{digits}d}{tail}"
