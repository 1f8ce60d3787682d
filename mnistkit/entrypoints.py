"""Finds entry points as ``importlib.metadata`` does, without the 30 ms that importing and asking it take.

A distribution is a folder on the search path::

    mnistkit_npy-1.0.dist-info/        or .egg-info
        entry_points.txt               [group], then name = module
        METADATA                       or PKG-INFO: Name: and Version: among the headers

Where distributions may be anywhere else (in archives, in eggs, with finders of others),
``importlib.metadata`` is asked after all.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import PathFinder
from typing import NamedTuple

_log = logging.getLogger(__name__)

_ENDINGS = (".dist-info", ".egg-info")
_UNKNOWN = "an unknown distribution"


class EntryPoint(NamedTuple):
    """What a distribution announces.

    Attributes:
        group: The group it is announced in.
        name: Its name there.
        value: What stands behind it: a module.
        distribution: Name of the distribution.
        version: Version of the distribution; empty where nobody says.
    """

    group: str
    name: str
    value: str
    distribution: str
    version: str


def entry_points(groups: Sequence[str]) -> list[EntryPoint]:
    """Return all entry points of some groups, sorted.

    Of several distributions of one name, the first on the search path counts.
    """
    return sorted(_in_folders(groups) if _only_folders() else _anywhere(groups))


def _only_folders() -> bool:
    """Whether distributions are nowhere but in folders on the search path."""
    foreign = any(hasattr(f, "find_distributions") for f in sys.meta_path if f is not PathFinder)
    odd = any(place.lower().endswith(".egg") or os.path.isfile(place) for place in sys.path)  # noqa: PTH113 - text for speed
    return not (foreign or odd)


def _in_folders(groups: Sequence[str]) -> Iterator[EntryPoint]:
    seen = set()
    for place, folder in _distributions():
        name = re.sub(r"[-_.]+", "_", folder.lower().rpartition(".")[0].partition("-")[0])
        if name not in seen:
            seen.add(name)
            yield from _announced(f"{place}/{folder}", groups)


def _distributions() -> Iterator[tuple[str, str]]:
    for place in (place or "." for place in sys.path):
        try:
            names = os.listdir(place)  # noqa: PTH208 - as above
        except OSError:
            continue
        yield from ((place, name) for name in names if name.lower().endswith(_ENDINGS))


def _announced(folder: str, groups: Sequence[str]) -> Iterator[EntryPoint]:
    text = _read(f"{folder}/entry_points.txt")
    if not any(f"[{group}]" in text for group in groups):
        return
    distribution, version = _headers(_read(f"{folder}/METADATA") or _read(f"{folder}/PKG-INFO"))
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1]
        elif group in groups and line and not line.startswith("#"):
            name, _, value = (part.strip() for part in line.partition("="))
            if name and value and "\ufffd" not in line:
                yield EntryPoint(group, name, value, distribution, version)
            else:  # it must hurt nobody else
                title = f"{distribution} {version}"
                _log.warning("%s: an entry point cannot be read: %r; reinstall it", title, line)


def _headers(text: str) -> tuple[str, str]:
    """Return name and version from the headers of a distribution's metadata."""
    head = text.replace("\r\n", "\n").partition("\n\n")[0]
    lines = (line.partition(":") for line in head.split("\n"))
    facts = {name.lower(): value.strip() for name, _, value in lines}
    return facts.get("name", _UNKNOWN), facts.get("version", "")


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - as above
            return file.read()
    except OSError:
        return ""


def _anywhere(groups: Sequence[str]) -> Iterator[EntryPoint]:
    from importlib import metadata  # noqa: PLC0415 - what this module is there to avoid

    for group in groups:
        for point in metadata.entry_points(group=group):
            name = point.dist.name if point.dist else _UNKNOWN
            version = point.dist.version if point.dist else ""
            yield EntryPoint(group, point.name, point.value, name, version)
