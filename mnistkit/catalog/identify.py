"""Tells which published dataset files are, by their checksums, whatever they are called."""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

from mnistkit.catalog.lookup import KnownFile, entries, known_checksums
from mnistkit.compression import compression_of, head_of, open_decompressed
from mnistkit.errors import DataError
from mnistkit.idx import IDX_NAME
from mnistkit.idx.codec import IdxFile, is_idx, open_idx

_CHUNK = 1 << 20

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
    """Tell which dataset the IDX files of a source are; cheap where their shapes are nobody's.

    Raises:
        DataError: A file cannot be read.
    """
    shapes = {file.shape for file in images}
    if not shapes & _published_shapes():
        return Identification(None, {})
    known = known_checksums()
    files = {
        f.path: _known_as(f.path, known, f.header.size + f.header.data_bytes) for f in (*images, *labels)
    }
    return Identification(_common(files.values()), files)


def _known_as(path: Path, known: Known, promised: int | None) -> tuple[KnownFile, ...]:
    """Return what is known of a file by its checksums, as it is or else decompressed.

    Args:
        path: The file.
        known: The checksums of the catalogue.
        promised: Size of what is inside, in bytes, as its header promises; what holds more is unknown.
    """
    with path.open("rb") as file:
        found = _lookup(known, _hash(file, path.stat().st_size))
    if found or promised is None or compression_of(path) == "none":
        return found
    try:
        with open_decompressed(path) as inside:
            checksums = _hash(inside, None, limit=promised)
            return _lookup(known, checksums) if not inside.read(1) else ()
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


@functools.cache
def _published_shapes() -> frozenset[tuple[int, ...]]:
    """Return the shapes of all files of images in the catalogue, as they are stored."""
    return frozenset(
        (split.length, *entry.stored_shape)
        for entry in entries()
        for split in entry.splits.values()
        if split.rows is None
    )


def _is_data(path: Path) -> bool:
    return bool(IDX_NAME.search(path.name)) or path.suffix == ".npz" or is_idx(head_of(path, 4))


def _common(files: Iterable[tuple[KnownFile, ...]]) -> str | None:
    datasets = [{known.dataset for known in each} for each in files]
    common = set.intersection(*datasets) if datasets else set()
    return min(common) if len(common) == 1 else None


def _hash(file: IO[bytes], size: int | None, *, limit: int = sys.maxsize) -> list[str]:
    """Return MD5 and SHA-256 and, where the size is known beforehand, the SHA-1 of a git blob."""
    hashes = [hashlib.md5(usedforsecurity=False), hashlib.sha256()]
    if size is not None:
        hashes.append(hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False))
    while chunk := file.read(min(_CHUNK, limit)):
        limit -= len(chunk)
        for each in hashes:
            each.update(chunk)
    return [each.hexdigest() for each in hashes]
