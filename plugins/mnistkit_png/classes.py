"""Folders of classes: ``07_Sneaker`` <-> class 7, named Sneaker."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

from mnistkit.dataset import DatasetInfo
from mnistkit.errors import DataError

#: Where an encoded name is cut, in bytes; file systems allow 255 for the whole folder name.
MOST_BYTES = 100

#: A named class of a higher number than this is taken for a mistake, for all names below it are held.
MOST_NAMED = 1_000_000

_NUMBERED = re.compile(r"([0-9]+)(?:_(.*))?", re.DOTALL)
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-")


def folder_of(info: DatasetInfo, label: int) -> str:
    """Name the folder of a class."""
    number = str(label).zfill(len(str(info.classes - 1)))
    name = info.class_name(label)
    return number if name == str(label) else f"{number}_{encoded(name)}"


def encoded(name: str) -> str:
    """Percent-encode a name and cut it at 100 bytes, never within a character.

    A dot at the end is encoded too: Windows leaves it out of names.
    """
    text = ""
    for character in name:
        more = "".join(chr(o) if o in _PLAIN else f"%{o:02X}" for o in character.encode("utf-8"))
        if len(text) + len(more) > MOST_BYTES:
            return text.rstrip(".")
        text += more
    ended = f"{text[:-1]}%2E" if text.endswith(".") else text
    return ended if len(ended) <= MOST_BYTES else text.rstrip(".")


def is_cut(name: str) -> bool:
    """Whether the folder of a class does not hold the whole of its name."""
    return _decoded(encoded(name)) != name


def number(folders: Iterable[str], where: object) -> tuple[dict[str, int], tuple[str, ...] | None]:
    """Find the label of each class folder, and the names of classes where there are any.

    Folders called ``7`` or ``07_name`` have that label; where none is called so, the labels are the folders'
    places in sorted order and the folders' names are those of the classes.

    Raises:
        DataError: Some folders are numbered and some are not, a number is beyond 64 bits, one class has two
            names, or the name of a class is not UTF-8.
    """
    ordered = sorted(set(folders))
    matches = {folder: match for folder in ordered if (match := _NUMBERED.fullmatch(folder))}
    if not matches:
        return {folder: label for label, folder in enumerate(ordered)}, tuple(ordered) or None
    if len(matches) < len(ordered):
        bare = next(folder for folder in ordered if folder not in matches)
        raise DataError(
            where,
            "folders of classes",
            expected="all with a number in front, or none",
            found=f"{next(iter(matches))} and {bare}",
        )
    labels: dict[str, int] = {}
    names: dict[int, str] = {}
    for folder, match in matches.items():
        label = labels[folder] = _label(match[1], folder, where)
        if not match[2]:
            continue
        name = _named(match[2], folder, where)
        if names.setdefault(label, name) != name:
            raise DataError(
                where, f"two names of class {label}", expected="one", found=f"{names[label]!r} and {name!r}"
            )
    return labels, _filled(labels.values(), names, where)


def is_numbered(folder: str) -> bool:
    """Whether the name of a folder says which class it is."""
    return _NUMBERED.fullmatch(folder) is not None


def _label(digits: str, folder: str, where: object) -> int:
    label = int(digits)
    if label >= 1 << 63:
        raise DataError(where, "number of a class", expected="64 bits", found=folder)
    return label


def _filled(labels: Iterable[int], names: dict[int, str], where: object) -> tuple[str, ...] | None:
    """Return the names of all classes: numbers where they have none, and before repeated ones."""
    if not names:
        return None
    greatest = max(labels)
    if greatest > MOST_NAMED:
        raise DataError(
            where, "class number beside class names", expected=f"up to {MOST_NAMED}", found=greatest
        )
    filled: dict[str, int] = {}
    for label in [*sorted(names), *(label for label in range(greatest + 1) if label not in names)]:
        name = names.get(label, str(label))
        while name in filled:  # cut names may be the same, and a class may be called by another's number
            name = f"{label}_{name}"
        filled[name] = label
    return tuple(sorted(filled, key=filled.__getitem__))


def _named(text: str, folder: str, where: object) -> str:
    try:
        return _decoded(text)
    except UnicodeDecodeError as error:
        raise DataError(where, "class name", expected="percent-encoded UTF-8", found=folder) from error


def _decoded(text: str) -> str:
    return unquote(text, errors="strict")
