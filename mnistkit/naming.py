"""How file names tell splits: ``t10k-images-idx3-ubyte``, ``mnist_train.csv``, ``test-00000-of-00004.h5``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mnistkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

#: Words for a split, as published files use them -> the name that mnistkit gives it.
SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "t10k": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}

#: What desktops leave behind; never data, so ignored.
LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", ".directory"})

RECEIPT = "mnistkit.json"
CHECKSUMS = "mnistkit.sha256"

_SHARD = re.compile(r"-\d{5}-of-\d{5}$")
_WORD = re.compile(r"[A-Za-z0-9]+")


def is_litter(name: str) -> bool:
    """Whether a file is a desktop's litter (``.DS_Store``, ``._photo.png``, …)."""
    return name in LITTER or name.startswith("._")


def canonical(name: str) -> str:
    """Return a split's usual name: ``t10k`` is ``test``, ``val`` is ``validation``, others stay."""
    return SPLIT_WORDS.get(name.lower(), name)


def slug(text: str) -> str:
    """Turn any text into a legal split name."""
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-") or "data"


def find_split(stem: str) -> tuple[str, str] | None:
    """Find the word for a split in a file's stem.

    Returns:
        What stands before the word (the prefix that tells datasets apart) and the split's name,
        or None where there is no such word.
    """
    for word in _WORD.finditer(stem.replace("_", " ")):
        if word.group().lower() in SPLIT_WORDS:
            return stem[: word.start()].strip("-_. "), SPLIT_WORDS[word.group().lower()]
    return None


def stem_of(name: str, suffixes: Iterable[str]) -> str:
    """Cut known suffixes and compression suffixes off a file's name."""
    endings = (".gz", ".bz2", ".xz", ".zst", ".zip", *suffixes)
    trimmed = True
    while trimmed:
        trimmed = False
        for ending in endings:
            if name.lower().endswith(ending) and len(name) > len(ending):
                name, trimmed = name[: -len(ending)], True
    return name


def by_split(
    files: Iterable[Path],
    suffixes: Collection[str],
    *,
    known: Collection[str] = (),
    prefix: str = "",
    where: object = "",
) -> dict[str, tuple[Path, ...]]:
    """Sort files into splits by their names; shards of a split come in order.

    Args:
        files: The data files.
        suffixes: Endings that are no part of a name, such as ``.csv``.
        known: Split names to expect, as a receipt tells them; they win over words in names.
        prefix: Keep only files whose names begin so.
        where: The folder, for messages.

    Raises:
        DataError: Several datasets in one folder, or two files for one split.
    """
    kept = [f for f in sorted(files) if f.name.startswith(prefix)]
    claims = [(_claim(stem_of(f.name, suffixes), known), f) for f in kept]
    prefixes = sorted({p for (p, _), _ in claims if p is not None})
    if len(prefixes) > 1:
        raise DataError(
            where, "several datasets in one folder", found=", ".join(p or "(no prefix)" for p in prefixes),
            todo="name one as FOLDER/PREFIX",
        )  # fmt: skip
    splits: dict[str, list[Path]] = {}
    for (_, split), file in claims:
        splits.setdefault(
            "train" if len(claims) == 1 and split is None else split or slug(file.stem), []
        ).append(file)
    for split, paths in splits.items():
        shards = [p for p in paths if _SHARD.search(stem_of(p.name, suffixes))]
        if len(paths) > 1 and len(shards) != len(paths):
            raise DataError(where, f"two files for split {split!r}", found=", ".join(p.name for p in paths))
    order = {"train": 0, "test": 1, "validation": 2}
    return {s: tuple(splits[s]) for s in sorted(splits, key=lambda s: (order.get(s, 3), s))}


def _claim(stem: str, known: Collection[str]) -> tuple[str | None, str | None]:
    plain = _SHARD.sub("", stem)
    if plain in known:
        return "", plain
    found = find_split(plain)
    if found:
        return found
    return None, slug(plain) if not known else None
