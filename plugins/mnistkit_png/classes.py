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

_NUMBERED = re.compile(r"([0-9]{1,19})(?:_(.*))?", re.DOTALL)
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-")


def folder_of(info: DatasetInfo, label: int) -> str:
    """Name the folder of a class."""
    number = str(label).zfill(len(str(info.classes - 1)))
    name = info.class_name(label)
    return number if name == str(label) else f"{number}_{encoded(name)}"


def encoded(name: str) -> str:
    """Percent-encode a name and cut it at 100 bytes, never within a character."""
    text = ""
    for character in name:
        octets = character.encode("utf-8", "surrogatepass")
        more = "".join(chr(o) if o in _PLAIN else f"%{o:02X}" for o in octets)
        if len(text) + len(more) > MOST_BYTES:
            break
        text += more
    return text


def is_cut(name: str) -> bool:
    """Whether the folder of a class does not hold the whole of its name."""
    return _decoded(encoded(name)) != name


def number(folders: Iterable[str], where: object) -> tuple[dict[str, int], tuple[str, ...] | None]:
    """Find the label of each class folder, and the names of classes where there are any.

    Folders called ``7`` or ``07_name`` have that label; if any is called otherwise, then the labels are
    the folders' places in sorted order and the folders' names are those of the classes.

    Raises:
        DataError: One class has two names, or the name of a class is not UTF-8.
    """
    ordered = sorted(set(folders))
    matches = {folder: _NUMBERED.fullmatch(folder) for folder in ordered}
    if not all(match and int(match[1]) < 1 << 63 for match in matches.values()):
        return {folder: label for label, folder in enumerate(ordered)}, tuple(ordered)
    labels: dict[str, int] = {}
    names: dict[int, str] = {}
    for folder, match in matches.items():
        assert match is not None
        label = labels[folder] = int(match[1])
        if match[2] is None:
            continue
        name = _named(match[2], folder, where)
        if names.setdefault(label, name) != name:
            raise DataError(where, f"two names of class {label}", found=f"{names[label]!r} and {name!r}")
    return labels, _filled(labels.values(), names, where)


def _filled(labels: Iterable[int], names: dict[int, str], where: object) -> tuple[str, ...] | None:
    """Return the names of all classes: their numbers where they have no other."""
    if not names:
        return None
    greatest = max(labels)
    if greatest > MOST_NAMED:
        raise DataError(
            where, "class number beside class names", expected=f"up to {MOST_NAMED}", found=greatest
        )
    return tuple(names.get(label, str(label)) for label in range(greatest + 1))


def _named(text: str, folder: str, where: object) -> str:
    try:
        return _decoded(text)
    except UnicodeDecodeError as error:
        raise DataError(where, "class name", expected="percent-encoded UTF-8", found=folder) from error


def _decoded(text: str) -> str:
    return unquote(text, errors="surrogatepass")
