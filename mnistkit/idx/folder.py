"""Finds the splits in a folder of IDX files, however they are spelled and compressed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from mnistkit.compression import head_of
from mnistkit.errors import DataError
from mnistkit.idx import IDX_NAME
from mnistkit.idx.codec import IdxFile, is_idx, open_idx
from mnistkit.idx.column import Column
from mnistkit.naming import Shard, check_shards, cut_shard, find_split, is_litter, slug, split_order, stem_of
from mnistkit.plugin import Source

_COMPARE_BYTES = 1 << 20


@dataclass(frozen=True)
class SplitFiles:
    """The files of one split."""

    name: str
    images: Column
    labels: Column | None = None


@dataclass(frozen=True)
class _Named:
    """An IDX file and what its name says: which set, split and shard (None if unsaid), images or labels."""

    file: IdxFile
    prefix: str
    split: str | None
    shard: Shard | None
    labels: bool

    @property
    def set(self) -> tuple[str, str | None]:
        return self.prefix, self.split


def find_splits(source: Source) -> list[SplitFiles]:
    """Find images and labels by name and header: train first, test second, others by name.

    Raises:
        DataError: No images, several sets, files that contradict each other, or no IDX where the
            name promises it.
    """
    known = source.split_names
    if source.path.is_dir():
        named = _choose_set([_named(p, known) for p in _in_folder(source.path)], source)
        source.tell_of_links(n.file.path for n in named)
    else:
        named = _beside(source.path, known)
    sets = sorted({n.set for n in named if not n.labels}, key=lambda s: s[1] or "")
    if not sets:
        raise DataError(
            source.path, "no IDX images here", expected="arrays of 3 or 4 dimensions",
            found=", ".join(n.file.path.name for n in named[:5]) or "no IDX file",
        )  # fmt: skip
    for orphan in (n for n in named if n.labels and n.set not in sets):
        raise DataError(
            orphan.file.path, "labels without images", expected="a file of images beside them", found="none",
            todo="get the images, or remove the labels",
        )  # fmt: skip
    found = [_split_files([n for n in named if n.set == each], alone=len(sets) == 1) for each in sets]
    return sorted(found, key=lambda files: split_order(files.name))


def _in_folder(folder: Path) -> list[Path]:
    """List the IDX files of a folder; where it has none, those below it in torchvision's only ``…/raw``.

    Raises:
        DataError: Several datasets of torchvision's.
    """
    found = _candidates(folder.iterdir())
    below = {} if found else {raw: _candidates(raw.iterdir()) for raw in sorted(folder.glob("*/raw/"))}
    places = [raw for raw, files in below.items() if files]
    if len(places) > 1:
        raise DataError(
            folder, "several datasets in one folder", expected="one",
            found=", ".join(raw.parent.name for raw in places), todo=f"name one, such as {places[0]}",
        )  # fmt: skip
    return below[places[0]] if places else found


def _candidates(paths: Iterable[Path]) -> list[Path]:
    """Keep what is IDX by content, and what claims it by name so that a fake is refused later."""
    files = [p for p in paths if p.is_file() and not is_litter(p.name)]
    return sorted(p for p in files if IDX_NAME.search(p.name) or is_idx(head_of(p, 4)))


def _beside(path: Path, known: Collection[str]) -> list[_Named]:
    image = _named(path, known)
    if image.labels:
        raise DataError(
            path, "labels without images", expected="a file of images", found="one of labels",
            todo="name the file of images, or the folder",
        )  # fmt: skip
    if not IDX_NAME.search(path.name):
        return [image]
    around = [p for p in _candidates(path.parent.iterdir()) if _is_of_labels(p.name)]
    others = [_named(p, known) for p in around if _parse(p.name, known) == _parse(path.name, known)]
    return [image, *(other for other in others if other.labels)]


def _parse(name: str, known: Collection[str]) -> tuple[str, str | None, Shard | None]:
    """Return the prefix, the split and the shard that a name tells, as far as it does."""
    stem = IDX_NAME.split(stem_of(name, ()))[0]
    stem = re.sub(r"^[Xxy]_", "", stem)
    stem = re.sub(r"[-._]?(images?|labels?|imgs)$", "", stem, flags=re.IGNORECASE)
    plain, shard = (stem, None) if _known(stem, known) else cut_shard(stem)
    if split := _known(plain, known):
        return "", split, shard
    if found := find_split(plain):
        return *found, shard
    return "", slug(plain) if plain and IDX_NAME.search(name) else None, shard


def _known(stem: str, known: Collection[str]) -> str | None:
    """Return the split that the writer names so: ``t10k`` is how ``test`` is published."""
    published = "test" if stem == "t10k" else stem
    return next((name for name in (stem, published) if name in known), None)


def _is_of_labels(name: str) -> bool:
    """Whether a name says that the file holds labels."""
    words = re.findall(r"label|image|img|^[Xxy]_", name)
    return bool(words) and words[-1] in ("label", "y_")  # the last: a split may be called labels


def _ranks(name: str) -> tuple[tuple[int, ...], str]:
    """Return how many dimensions a file of some name may have, and say so."""
    if _is_of_labels(name):
        return (1, 2), "1 or 2, since the name says labels"
    if re.search(r"images|^X_", name):
        return (3, 4), "3 or 4, since the name says images"
    return (1, 3, 4), "images (3 or 4) or labels (1 or 2)"


def _named(path: Path, known: Collection[str]) -> _Named:
    file = open_idx(path)
    rank, (ranks, said) = len(file.shape), _ranks(path.name)
    if rank not in ranks:
        raise DataError(path, "dimensions of the array", expected=said, found=rank)
    return _Named(file, *_parse(path.name, known), labels=rank < 3)


def _choose_set(named: list[_Named], source: Source) -> list[_Named]:
    if source.prefix:
        kept = [n for n in named if n.prefix == source.prefix]
        if not kept:
            raise DataError(source.path, f"no IDX files named {source.prefix}-…", found=_sets(named))
        return kept
    if len({n.prefix for n in named if n.split in ("train", "test", "validation")}) > 1:
        raise DataError(
            source.path, "several datasets in one folder", expected="one", found=_sets(named),
            todo="pick one as FOLDER/PREFIX",
        )  # fmt: skip
    return named


def _sets(named: list[_Named]) -> str:
    return ", ".join(sorted({n.prefix or "(no prefix)" for n in named})) or "none"


def _split_files(named: list[_Named], *, alone: bool) -> SplitFiles:
    split = named[0].split
    images = _column([n for n in named if not n.labels], split)
    labels = _column([n for n in named if n.labels], split) if any(n.labels for n in named) else None
    if labels is not None:
        _check_numbers(images, labels)
    unsaid = alone and not IDX_NAME.search(images.files[0].path.name)
    return SplitFiles("train" if unsaid or split is None else split, images, labels)


def _column(named: list[_Named], split: str | None) -> Column:
    shards = sorted({n.shard for n in named}, key=lambda shard: shard or (0, 0))
    where = named[0].file.path.parent
    if len(named) > 1:  # one file alone may be one shard, named on purpose
        check_shards(split or "train", shards, [n.file.path.name for n in named], where)
    return Column(tuple(_only([n.file for n in named if n.shard == shard]) for shard in shards))


def _check_numbers(images: Column, labels: Column) -> None:
    """Make sure that each file of labels has as many as there are images."""
    for image, label in zip_longest(images.files, labels.files):
        if image is None or label is None or len(image) != len(label):
            raise DataError(
                (label or image).path,
                "labels and images differ in number",
                expected=f"{len(image) if image else 0:,} labels",
                found=f"{len(label) if label else 0:,}",
            )


def _only(files: list[IdxFile]) -> IdxFile:
    """Choose among files for one thing: plain before compressed, more label columns before fewer.

    Raises:
        DataError: They do not hold the same.
    """
    best = min(files, key=lambda f: (-len(f.shape), f.compression != "none", f.path.name))
    for other in files:
        if other is not best and not _same(best, other):
            raise DataError(
                best.path.parent, "two files for one thing differ", expected="the same content",
                found=f"{best.path.name} and {other.path.name}", todo="remove one of them",
            )  # fmt: skip
    return best


def _same(wide: IdxFile, narrow: IdxFile) -> bool:
    if len(wide) != len(narrow) or wide.shape[1:] != narrow.shape[1:] != ():
        return False
    size = max(1, _COMPARE_BYTES // max(1, wide.header.row_bytes))
    pairs = zip(wide.rows(0, len(wide), size), narrow.rows(0, len(narrow), size), strict=True)
    return all(np.array_equal(a[:, 0] if a.ndim > b.ndim else a, b) for a, b in pairs)
