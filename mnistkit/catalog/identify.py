"""Tells which published dataset files are, by their checksums, whatever they are called."""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

from mnistkit.catalog.entry import Entry
from mnistkit.catalog.lookup import KnownFile, entries, entries_listing, known_checksums
from mnistkit.checksums import sha256_once, state_of
from mnistkit.compression import compression_of, head_of, open_decompressed
from mnistkit.errors import DataError
from mnistkit.idx import IDX_NAME
from mnistkit.idx.codec import IdxFile, is_idx, open_idx
from mnistkit.parallel import ordered_map, usable_cpus

_CHUNK = 1 << 20

#: How many files' checksums are kept while the process runs.
_REMEMBERED = 64

#: The kinds of checksums that the catalogue has.
KINDS = ("sha256", "md5", "git")

Known: TypeAlias = Mapping[str, tuple[KnownFile, ...]]


@dataclass(frozen=True, slots=True)
class Identification:
    """What files turned out to be.

    Attributes:
        dataset: The dataset that all of them belong to, or None where there is none.
        files: Each data file and what is known of it; nothing where nobody published its checksum.
    """

    dataset: str | None
    files: dict[Path, tuple[KnownFile, ...]]

    def local(self) -> dict[str, Path]:
        """Return published file name -> which of the files it is.

        Where two published files hold the same, names decide, then order.
        """
        placed: dict[str, Path] = {}
        for path, each in self.files.items():
            names = [known.file for known in each if known.dataset == self.dataset]
            free = [name for name in names if name not in placed] or names
            if names:
                placed[path.name if path.name in names else free[0]] = path
        return placed


def identify(path: str | Path) -> Identification:
    """Tell which dataset a file or the files of a folder are, compressed or not, whatever their names.

    Every data file (IDX or ``.npz``) must be of the dataset: nothing is guessed from some of them.

    Raises:
        DataError: There is nothing to read.
    """
    place = Path(path)
    if not place.exists():
        raise DataError(place, "no such file or folder")
    paths = [place] if place.is_file() else sorted(p for p in place.iterdir() if p.is_file())
    known = known_checksums()
    files = {p: _known_as(p, known, _promised(p)) for p in paths if _is_data(p)}
    if not files:
        raise DataError(place, "no data files here", expected="IDX or .npz files")
    return Identification(_common(files.values()), files)


def recognise(images: Sequence[IdxFile], labels: Sequence[IdxFile]) -> Identification:
    """Tell which dataset the IDX files of a source are; cheap where their labels are nobody's.

    Raises:
        DataError: A file cannot be read.
    """
    candidates = entries_listing(_checksums(labels)) if labels else entries()
    if not {file.shape for file in images} & {shape for entry in candidates for shape in _shapes(entry)}:
        return Identification(None, {})
    known, kinds = known_checksums(candidates), _kinds(candidates)
    files = (*images, *labels)
    found = ordered_map(lambda f: _known_as(f.path, known, _size(f), kinds), files, usable_cpus())
    each = dict(zip((file.path for file in files), found, strict=True))
    return Identification(_common(each.values()), each)


def _checksums(files: Iterable[IdxFile]) -> set[str]:
    """Return all checksums of files, as they are and decompressed; labels are small, and tell a dataset."""
    return {c for f in files for hashed in _hashes(f.path, _size(f), KINDS) for c in hashed}


def _size(file: IdxFile) -> int:
    """Return the size in bytes that a header promises, compression aside."""
    return file.header.size + file.header.data_bytes


def _kinds(candidates: Iterable[Entry]) -> tuple[str, ...]:
    """Return the kinds of checksums needed to tell the files of some entries: SHA-256 where all have it."""
    listed = [sums for e in candidates for f in e.files.values() for sums in (f.checksums, f.raw_checksums)]
    return ("sha256",) if all("sha256" in sums for sums in listed) else KINDS


def _known_as(
    path: Path, known: Known, promised: int | None, kinds: Sequence[str] = KINDS
) -> tuple[KnownFile, ...]:
    """Return what is known of a file by its checksums, as it is or else decompressed.

    Args:
        path: The file.
        known: The checksums of the catalogue.
        promised: Size of what is inside, in bytes, as its header promises; what holds more is unknown.
        kinds: The kinds of checksums to look for.
    """
    return next(filter(None, (_lookup(known, hashed) for hashed in _hashes(path, promised, kinds))), ())


def _hashes(path: Path, promised: int | None, kinds: Sequence[str]) -> Iterator[list[str]]:
    """Yield the checksums of a file as it is, then of what is inside its compression if it has any."""
    state = state_of(path)
    others = tuple(kind for kind in kinds if kind != "sha256")
    yield [sha256_once(path), *(_hash_whole(path, others, state) if others else ())]
    if promised is not None and compression_of(path) != "none":
        yield from _hash_inside(path, promised, tuple(kind for kind in kinds if kind != "git"), state)


@functools.lru_cache(_REMEMBERED)
def _hash_whole(path: Path, kinds: tuple[str, ...], state: tuple[int, ...]) -> list[str]:
    """Hash a file; one that is in the state in which it was hashed before is not read again."""
    with path.open("rb") as file:
        return _hash(file, kinds, size=state[2])


@functools.lru_cache(_REMEMBERED)
def _hash_inside(
    path: Path,
    promised: int,
    kinds: tuple[str, ...],
    state: tuple[int, ...],  # noqa: ARG001 - as above
) -> tuple[list[str], ...]:
    try:
        with open_decompressed(path) as inside:
            hashed = _hash(inside, kinds, limit=promised)
            return () if inside.read(1) else (hashed,)
    except DataError:
        return ()  # an archive of several members has no inside of its own


def _promised(path: Path) -> int | None:
    try:
        header = open_idx(path).header
    except DataError:
        return None
    return header.size + header.data_bytes


def _lookup(known: Known, checksums: Iterable[str]) -> tuple[KnownFile, ...]:
    return tuple(dict.fromkeys(file for checksum in checksums for file in known.get(checksum, ())))


def _shapes(entry: Entry) -> Iterator[tuple[int, ...]]:
    """Yield the shapes of the files of images of an entry, as they are stored."""
    return ((s.length, *entry.stored_shape) for s in entry.splits.values() if s.rows is None)


def _is_data(path: Path) -> bool:
    return bool(IDX_NAME.search(path.name)) or path.suffix == ".npz" or is_idx(head_of(path, 4))


def _common(files: Iterable[tuple[KnownFile, ...]]) -> str | None:
    datasets = [{known.dataset for known in each} for each in files]
    common = set.intersection(*datasets) if datasets else set()
    return min(common) if len(common) == 1 else None


def _hash(file: IO[bytes], kinds: Iterable[str], *, size: int = 0, limit: int = sys.maxsize) -> list[str]:
    """Return checksums of some kinds; the SHA-1 of a git blob begins with the size."""
    hashes = [_NEW[kind](size) for kind in kinds]
    while chunk := file.read(min(_CHUNK, limit)):
        limit -= len(chunk)
        for each in hashes:
            each.update(chunk)
    return [each.hexdigest() for each in hashes]


_NEW: Mapping[str, Callable[[int], hashlib._Hash]] = {
    "sha256": lambda _: hashlib.sha256(),
    "md5": lambda _: hashlib.md5(usedforsecurity=False),
    "git": lambda size: hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False),
}
