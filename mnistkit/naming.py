"""How file names tell splits: ``t10k-images-idx3-ubyte``, ``mnist_train.csv``, ``test-00000-of-00004.h5``."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mnistkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

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
LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", ".directory", "__MACOSX"})

#: Endings of compressed files, in lower case.
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")

RECEIPT = "mnistkit.json"
CHECKSUMS = "mnistkit.sha256"

_SCRATCH = re.compile(r"\..*\.mnistkit-[0-9a-f]{12}")
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})$")
_WORD = re.compile(r"[A-Za-z0-9]+")

#: Bytes of a name that is to be part of file names; systems allow 255 in all.
_MOST_STEM = 100

#: What Windows takes for a device, whatever follows the first dot ("Naming Files, Paths, and Namespaces").
_DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE | re.DOTALL)


def is_litter(name: str) -> bool:
    """Whether a file or folder is a desktop's litter (``.DS_Store``, ``._photo.png``, ``__MACOSX``)."""
    return name in LITTER or name.startswith("._")


def is_export(folder: str) -> bool:
    """Whether a folder is an export, finished or in the making: a dataset of its own wherever it lies."""
    place = Path(folder)
    return (place / RECEIPT).is_file() or _SCRATCH.fullmatch(place.name) is not None


def canonical(name: str) -> str:
    """Return a split's usual name: ``t10k`` is ``test``, ``val`` is ``validation``, others stay."""
    return SPLIT_WORDS.get(name.lower(), name)


def split_order(name: str) -> tuple[int, str]:
    """Return the key that sorts splits: train, test, validation, then the others by name."""
    usual = ("train", "test", "validation")
    return (usual.index(name) if name in usual else len(usual), name)


class Shard(NamedTuple):
    """What ``-00003-of-00042`` says: shard 3 of 42."""

    number: int
    total: int


def cut_shard(stem: str) -> tuple[str, Shard | None]:
    """Cut ``-00003-of-00042`` off a stem: return what is left and what was cut off, if anything."""
    found = _SHARD.search(stem)
    return (stem[: found.start()], Shard(int(found[1]), int(found[2]))) if found else (stem, None)


def check_shards(split: str, shards: Sequence[Shard | None], names: Sequence[str], where: object) -> None:
    """Make sure that files are one split, whole: a file without a shard, or all shards once each.

    Raises:
        DataError: Two files for the split, or one of its shards is missing.
    """
    shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    numbered = [shard for shard in shards if shard]
    if len(shards) > 1 and len(numbered) != len(shards):
        raise DataError(where, f"two files for split {split!r}", expected="one, or shards of it", found=shown)
    totals = {shard.total for shard in numbered}
    if numbered and (len(totals) > 1 or [s.number for s in sorted(numbered)] != list(range(max(totals)))):
        expected = f"shards 0 to {max(totals) - 1}, once each"
        raise DataError(where, f"shards of split {split!r}", expected=expected, found=shown)


def file_stem(dataset: str) -> str:
    """Turn a dataset's name into one that files may have on every system: ``emnist-letters``.

    It is at most 100 bytes long, neither hidden nor an option, and no device of Windows.
    """
    plain = re.sub(r"[^\w.+-]+", "-", unicodedata.normalize("NFC", dataset)).strip("-.")
    stem = plain.encode()[:_MOST_STEM].decode(errors="ignore").strip("-.") or "dataset"
    return f"dataset-{stem}" if _DEVICE.fullmatch(stem) else stem


def split_fault(name: str) -> str:
    """Say why no files should be named after a split; nothing where they may."""
    if cut_shard(name)[1]:
        return "is named like a shard"
    if name.startswith("-"):
        return "is named like an option"
    if _DEVICE.fullmatch(name):
        return "is named like a device of Windows"
    return f"has a name of more than {_MOST_STEM} letters" if len(name) > _MOST_STEM else ""


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
    endings = (*PACKED, *suffixes)
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
            where,
            "several datasets in one folder",
            expected="one",
            found=", ".join(p or "(no prefix)" for p in prefixes),
            todo="name one as FOLDER/PREFIX",
        )
    splits: dict[str, list[Path]] = {}
    for (_, split), file in claims:
        unsaid = "train" if len(claims) == 1 else slug(cut_shard(stem_of(file.name, suffixes))[0])
        splits.setdefault(split or unsaid, []).append(file)
    for split, paths in splits.items():
        if len(kept) > 1:  # one file alone may be one shard, named on purpose
            shards = [cut_shard(stem_of(path.name, suffixes))[1] for path in paths]
            check_shards(split, shards, [path.name for path in paths], where)
    return {split: tuple(splits[split]) for split in sorted(splits, key=split_order)}


def _claim(stem: str, known: Collection[str]) -> tuple[str | None, str | None]:
    """Return the prefix and the split that a stem tells, as far as it does."""
    plain = stem if stem in known else cut_shard(stem)[0]
    return ("", plain) if plain in known else find_split(plain) or (None, None)
