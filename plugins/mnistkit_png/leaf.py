"""What lies in one folder of a tree: images, most of them named by numbers, and folders."""

from __future__ import annotations

import itertools
import os
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mnistkit.dataset import Array
from mnistkit.errors import DataError
from mnistkit.naming import CHECKSUMS, RECEIPT, is_export, is_litter
from mnistkit_png import SUFFIXES, TAGS

# 00042.png, or 00042-num7.png as pjreddie names his images of MNIST.
_NUMBERED = re.compile(r"([0-9]{1,18})((?:-num[0-9]{1,19})?\.[A-Za-z]+)")
_OURS = re.compile(r"[0-9]{1,18}(?:-num[0-9]{1,19})?\.png")
_PNG, _MOST_DIGITS = ".png", 18
_AT_ONCE = 4096  # entries of a folder, of which no more than these are held
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
        links: Names of images and folders that are links.
    """

    path: Path
    folders: tuple[str, ...]
    tails: tuple[str, ...]
    tail: Array
    numbers: Array
    digits: Array
    others: tuple[str, ...]
    links: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.numbers) + len(self.others)

    def name(self, i: int) -> str:
        """Return the name of image i of those named by numbers."""
        return f"{self.numbers[i]:0{self.digits[i]}d}{self.tails[self.tail[i]]}"

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
                self.path / min(bare),
                "image without a label",
                expected="NUMBER-numLABEL.png as others here",
                found=min(bare),
            )
        labels = [int(match[1]) for match in found if match]
        if max(labels) >= 1 << 63:
            raise DataError(self.path, "label in a file name", expected="64 bits", found=max(labels))
        return labels


@dataclass(slots=True, eq=False)
class _Found:
    """A leaf that grows."""

    folders: list[str] = field(default_factory=list)
    tails: dict[str, int] = field(default_factory=dict)
    tail: array[int] = field(default_factory=lambda: array("i"))
    numbers: array[int] = field(default_factory=lambda: array("q"))
    digits: array[int] = field(default_factory=lambda: array("B"))
    others: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    def add_alike(self, numbers: Array, digits: int) -> None:
        """Add images named by as many digits each."""
        self.tail.extend([self.tails.setdefault(_PNG, len(self.tails))] * len(numbers))
        self.numbers.frombytes(numbers.tobytes())
        self.digits.extend([digits] * len(numbers))

    def add(self, name: str, *, is_folder: bool) -> None:
        """Add a folder or an image."""
        if is_folder:
            self.folders.append(name)
        elif match := _NUMBERED.fullmatch(name):
            self.tail.append(self.tails.setdefault(match[2], len(self.tails)))
            self.numbers.append(int(match[1]))
            self.digits.append(len(match[1]))
        else:
            self.others.append(name)

    def leaf(self, path: Path) -> Leaf:
        """Return it as it is now."""
        return Leaf(
            path,
            tuple(sorted(self.folders)),
            tuple(self.tails),
            np.array(self.tail, np.int32),
            np.array(self.numbers, np.int64),
            np.array(self.digits, np.uint8),
            tuple(self.others),
            tuple(self.links),
        )


def scan(folder: Path, *, is_root: bool = False) -> Leaf:
    """List a folder, not what is below it; a root may hold documents and lists of its splits too.

    Raises:
        DataError: The folder cannot be read, or holds what is neither folder nor image.
    """
    found = _Found()
    try:
        with os.scandir(folder) as entries:
            while some := list(itertools.islice(entries, _AT_ONCE)):
                if (numbers := _numbers(some)) is not None:
                    found.add_alike(numbers, len(some[0].name) - len(_PNG))
                    continue
                for name, is_folder in _entries(folder, some, is_root=is_root):
                    found.add(name, is_folder=is_folder)
                found.links += [entry.name for entry in some if entry.is_symlink()]
    except OSError as error:
        raise DataError(
            error.filename or folder, "cannot be read", expected="a folder of images", found=error.strerror
        ) from error
    return found.leaf(folder)


def _numbers(entries: Sequence[os.DirEntry[str]]) -> Array | None:
    """Return the numbers of files all named by as many digits, as we do: (n,) int64; None for any other.

    Links are others: they are told of.
    """
    names = [entry.name for entry in entries]
    size, text = len(names[0]), "".join(names)
    if not (len(_PNG) < size <= _MOST_DIGITS + len(_PNG) and text.isascii() and {*map(len, names)} == {size}):
        return None
    letters = np.frombuffer(text.encode("ascii"), np.uint8).reshape(-1, size)
    digits = letters[:, : -len(_PNG)] - np.uint8(ord("0"))
    tails = letters[:, -len(_PNG) :] == np.frombuffer(_PNG.encode("ascii"), np.uint8)
    if not (
        (digits <= 9).all() and tails.all() and all(entry.is_file(follow_symlinks=False) for entry in entries)
    ):
        return None
    numbers: Array = digits @ 10 ** np.arange(digits.shape[1] - 1, -1, -1, dtype=np.int64)
    return numbers


def _are_files(entries: Sequence[os.DirEntry[str]]) -> bool:
    return all(entry.is_file(follow_symlinks=False) for entry in entries)


def _entries(folder: Path, some: Sequence[os.DirEntry[str]], *, is_root: bool) -> Iterator[tuple[str, bool]]:
    """Yield the name of each image and folder among some entries of a folder, and whether it is a folder."""
    for entry in some:
        name = entry.name
        if _OURS.fullmatch(name) and entry.is_file():  # all checks below are answered
            yield name, False
        elif entry.is_dir():
            if _is_data(name) and not is_export(entry.path):
                _check_text(name, folder)
                yield name, True
        elif not (_is_ignored(name, is_root=is_root) or (is_root and _is_tags(entry, folder))):
            _check_image(entry, folder)
            yield name, False


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
            found=entry.name,
            todo="move each image into the folder of its class and remove the file",
        )
    if not entry.name.lower().endswith(SUFFIXES):
        raise DataError(
            entry.path, "stray file in a tree of images", expected=f"{', '.join(SUFFIXES)} alone",
            found=entry.name,
        )  # fmt: skip
    if not entry.is_file():
        raise DataError(entry.path, "not a regular file", expected="an image", found="something else")
    _check_text(entry.name, folder)


def _check_text(name: str, folder: Path) -> None:
    """Refuse a name that is no text: nothing could say it."""
    if not name.isascii() and any("\ud800" <= character <= "\udfff" for character in name):
        raise DataError(folder, "name in a tree of images", expected="UTF-8", found=ascii(name))
