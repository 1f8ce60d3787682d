"""What arrays are called in archives: how each preset names them, and what names mean."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mnistkit.naming import SPLIT_WORDS, canonical, slug

if TYPE_CHECKING:
    from mnistkit.dataset import DatasetInfo

CLASS_NAMES = "class_names"

#: What makes a path of a name, here or on Windows.
_PATH = re.compile(r"[/\\:]")

_LONGEST = 1000  # letters of a key; a member's name has at most 65,535 bytes

#: What images are called, and the labels beside them, where the split's name is part of both.
_OF_SPLITS = (("x_{}", "y_{}"), ("{}_images", "{}_labels"), ("{}_x", "{}_y"))

#: The same in an archive of one split.
_ALONE = (("images", "labels"), ("image", "label"), ("x", "y"), ("X", "y"), ("data", "target"))


@dataclass(frozen=True)
class Keys:
    """The keys of one split.

    Attributes:
        split: Name of the split.
        images: Key of the images.
        labels: Key of the labels, or None.
        extra: Name of each further column -> its key.
    """

    split: str
    images: str
    labels: str | None
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def all(self) -> set[str]:
        """All keys of the split."""
        return {self.images, *self.extra.values()} | ({self.labels} if self.labels else set())


def keys_of(split: str, preset: str, splits: Collection[str]) -> tuple[str, str]:
    """Return the keys of the images and labels of one of some splits in an archive of all of them."""
    if preset == "medmnist":
        word = "val" if split == "validation" and "val" not in splits else split
        return f"{word}_images", f"{word}_labels"
    return f"x_{split}", f"y_{split}"


def key_of_column(name: str, split: str, info: DatasetInfo) -> str | None:
    """Return the key of a further column in Keras's archive; None where it would mean something else.

    A key names a member of the archive, and is no path for whoever unpacks that.
    """
    key, splits = f"{name}_{split}", [one.name for one in info.splits]
    every = [*(key for one in splits for key in keys_of(one, "keras", splits)), CLASS_NAMES]
    columns = [f"{column.name}_{one.name}" for one in info.splits for column in one.extra]
    if _PATH.search(name) or len(key) > _LONGEST or key in every or columns.count(key) > 1:
        return None
    found = find_splits([*every, *columns], alone="", known=splits)
    return key if all(one.extra.get(name) == key for one in found if one.split == split) else None


def find_splits(keys: Collection[str], *, alone: str, known: Collection[str] = ()) -> list[Keys]:
    """Find the splits in an archive by its keys.

    Args:
        keys: All keys.
        alone: Name of the split where no key tells one.
        known: Names of splits that a receipt tells; others need a usual word or labels beside them.
    """
    if found := list(_named(keys, known)):
        return found
    for images, labels in _ALONE:
        if images in keys:
            return [Keys(alone, images, labels if labels in keys else None)]
    return []


def _named(keys: Collection[str], known: Collection[str]) -> Iterator[Keys]:
    taken: set[str] = set()
    for images, labels in _OF_SPLITS:
        pattern = re.compile(images.format("(.+)"))
        for match in filter(None, map(pattern.fullmatch, keys)):
            word, beside = match[1], labels.format(match[1])
            if match[0] in taken or not (word in known or word.lower() in SPLIT_WORDS or beside in keys):
                continue
            name = word if word in known else slug(canonical(word))
            extra = _columns(keys, word) if images == "x_{}" else {}
            found = Keys(name, match[0], beside if beside in keys else None, extra)
            taken |= found.all
            yield found


def _columns(keys: Collection[str], word: str) -> dict[str, str]:
    ending = f"_{word}"
    own = {name.format(word) for name in ("x_{}", "y_{}")}
    return {key.removesuffix(ending): key for key in keys if key.endswith(ending) and key not in own}
