"""Finds entries by name: mnistkit's own in TOML files, those of plugins through entry points."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mnistkit._version import __version__
from mnistkit.catalog.check import problems
from mnistkit.catalog.entry import Entry, RemoteFile
from mnistkit.catalog.parse import read_entry
from mnistkit.errors import PluginError, UsageError
from mnistkit.hints import closest
from mnistkit.hooks import DATASETS
from mnistkit.registry import Plugin, call_hook, find_plugins, only_claim

#: ``mnist.toml`` is mnist, ``emnist/letters.toml`` is emnist/letters; ``_shared.toml`` is no dataset.
_DATA = Path(__file__).with_name("data")


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What a checksum identifies: a file of a dataset, ``served`` or ``raw`` (decompressed)."""

    dataset: str
    file: str
    form: Literal["served", "raw"]


def names() -> tuple[str, ...]:
    """Return the names of all datasets, sorted; nothing is read or imported."""
    return tuple(sorted(_own_files().keys() | find_plugins(DATASETS, "dataset").keys()))


def claims() -> tuple[Plugin, ...]:
    """Return who claims names of datasets, sorted by name; nothing is read or imported."""
    own = (claim for name in _own_files() for claim in _own_claim(name))
    others = (claim for claims in find_plugins(DATASETS, "dataset").values() for claim in claims)
    return tuple(sorted((*own, *others), key=lambda claim: claim.name))


def find(name: str) -> Entry:
    """Return the entry of a dataset.

    Raises:
        UsageError: No such dataset; the message says what may be meant.
        PluginError: Its plugin is broken, or claims a name that is taken.
    """
    claims = (*_own_claim(name), *find_plugins(DATASETS, "dataset").get(name, ()))
    if not claims:
        raise UsageError("", f"unknown dataset {name!r}", todo=_hint(name, names()))
    return _load(only_claim(claims))


def entries() -> tuple[Entry, ...]:
    """Return all entries by name, without those of plugins that are broken: :func:`find` says why."""
    own = {name: _read(name) for name in _own_files()}
    return tuple(entry for _, entry in sorted({**dict(_of_plugins()), **own}.items()))


def entries_listing(checksums: Collection[str]) -> tuple[Entry, ...]:
    """Return the entries that list one of some checksums in hex; others of mnistkit's own are not parsed."""
    listing = {name for name, path in _own_files().items() if _mentions(path, checksums)}
    own = {name: _read(name) for name in listing}
    return tuple(entry for _, entry in sorted({**dict(_of_plugins()), **own}.items()))


def known_checksums(among: Iterable[Entry] | None = None) -> Mapping[str, tuple[KnownFile, ...]]:
    """Return hex checksum, of any kind -> the files that have it, as served or decompressed.

    Args:
        among: The entries to look into, by default all.
    """
    known: dict[str, tuple[KnownFile, ...]] = {}
    for entry in entries() if among is None else among:
        for file in entry.files.values():
            for checksum, form in _checksums(file):
                known[checksum] = (*known.get(checksum, ()), KnownFile(entry.name, file.name, form))
    return known


def _checksums(file: RemoteFile) -> Iterator[tuple[str, Literal["served", "raw"]]]:
    yield from ((checksum, "served") for checksum in file.checksums.values())
    yield from ((checksum, "raw") for checksum in file.raw_checksums.values())


def _mentions(path: Path, checksums: Collection[str]) -> bool:
    text = _text(path)
    return any(checksum in text for checksum in checksums)


@functools.cache
def _text(path: Path) -> str:
    return path.read_text("utf-8")


@functools.cache
def _own_files() -> dict[str, Path]:
    files = (path for path in _DATA.rglob("*.toml") if not path.name.startswith("_"))
    return {path.relative_to(_DATA).with_suffix("").as_posix(): path for path in files}


def _own_claim(name: str) -> tuple[Plugin, ...]:
    own = Plugin(name, __package__, "mnistkit", __version__, "dataset")
    return (own,) if name in _own_files() else ()


def _of_plugins() -> Iterator[tuple[str, Entry]]:
    for name, claims in find_plugins(DATASETS, "dataset").items():
        try:
            yield name, _load(only_claim(claims))
        except PluginError:
            continue  # a broken plugin hurts only who names it


def _load(plugin: Plugin) -> Entry:
    return _read(plugin.name) if plugin.module == __package__ else _ask(plugin)


@functools.cache
def _read(name: str) -> Entry:
    return read_entry(_own_files()[name], name=name)


@functools.cache
def _ask(plugin: Plugin) -> Entry:
    entry = call_hook(plugin, "mnistkit_register_dataset", Entry)
    if entry.name != plugin.name:
        raise PluginError(plugin.title, "entry of another name", expected=plugin.name, found=entry.name)
    for problem in problems(entry):
        raise PluginError(plugin.title, problem)
    return entry


def _hint(name: str, known: Sequence[str]) -> str:
    small = name.lower()
    parts = [small] if small in known else [n for n in known if small in n.split("/")]
    near = parts or list(filter(None, [closest(small, known)]))
    return f"did you mean {' or '.join(map(repr, near))}?" if near else "see 'mnistkit datasets'"
