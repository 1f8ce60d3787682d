"""The folder that keeps published files.

::

    <cache>/
        mnist/train-images-idx3-ubyte.gz       whole and checked; nothing else lies beside it, so that
        emnist/letters/emnist-letters-…        the folder of a dataset is a source, and a copy of the
        emnist/gzip.zip                        cache a mirror; an archive serves a whole family
        .mnistkit/mnist/
            train-images-idx3-ubyte.gz.ok      what the file was when it was last checked
            train-images-idx3-ubyte.gz.part    what has arrived of it so far
            train-images-idx3-ubyte.gz.note    where that came from
            train-images-idx3-ubyte.gz.lock    held by the process that fetches it

What is under way is for its owner alone; what is whole may be read as the umask says.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from mnistkit.errors import DataError, DestinationError
from mnistkit.fetch.checks import best_of, fault_of, is_checkable
from mnistkit.fetch.private import create, share
from mnistkit.settings import cache_folder

if TYPE_CHECKING:
    from mnistkit.catalog.entry import RemoteFile

log = logging.getLogger(__name__)

_RECORDS = ".mnistkit"

#: Files up to this size are checked at every use (10 MB take 10 ms), larger ones once they changed.
_CHECKED_EACH_TIME = 64 << 20

_FILE_NAME = re.compile(r'[^./\\<>:"|?*\x00-\x1f][^/\\<>:"|?*\x00-\x1f]*')


@dataclass(frozen=True, slots=True)
class Place:
    """Where the cache keeps a file, and what belongs to it."""

    cache: Path
    dataset: str
    name: str

    @property
    def path(self) -> Path:
        """The file itself, there only when it is whole and checked (or put there by hand)."""
        return self.cache / self.dataset / self.name

    def beside(self, suffix: str) -> Path:
        """Return the path of something about the file: ``.ok``, ``.part``, ``.note``, ``.lock``."""
        return self.cache / _RECORDS / self.dataset / (self.name + suffix)


class CachedFile(NamedTuple):
    """A file in the cache: dataset, name (``….part`` while it is incomplete), size in bytes."""

    dataset: str
    file: str
    size: int


def place_of(dataset: str, name: str) -> Place:
    """Return where the cache keeps a file.

    Raises:
        DataError: The dataset's name or the file's would lead out of the cache.
    """
    for step in (*dataset.split("/"), name):
        if not _FILE_NAME.fullmatch(step):
            raise DataError(f"{dataset}/{name}", "not a name that the cache can keep", found=repr(step))
    return Place(cache_folder(), dataset, name)


def family_of(dataset: str) -> str:
    """Return the name under which datasets share an archive: ``emnist`` for ``emnist/letters``."""
    return dataset.partition("/")[0]


def cached(dataset: str, file: RemoteFile) -> Path | None:
    """Return the path of a published file in the cache, None where it is missing or another.

    Raises:
        DataError: There is such a file, but it cannot be read.
    """
    place = place_of(dataset, file.name)
    usable = place.path.is_file() and is_checkable(file) and fault_in_cache(place, file) is None
    return place.path if usable else None


def archive_of(dataset: str, file: RemoteFile) -> Path | None:
    """Return the path in the cache of the archive that holds a file, None where it is not there."""
    if file.archive is None:
        return None
    return cached(family_of(dataset), file.archive) or cached(dataset, file.archive)


def fault_in_cache(place: Place, file: RemoteFile) -> str | None:
    """Say what is wrong with a file in the cache; None where it is as published, or not there."""
    if not place.path.is_file():
        return None
    state = _state_of(place.path, file)
    known = _recorded(place) == state
    if known and place.path.stat().st_size > _CHECKED_EACH_TIME:
        return None
    fault = fault_of(place.path, file, quick=known)
    if fault is None and not known:
        _record(place, state)
    return fault


@contextmanager
def new_file(place: Place) -> Iterator[IO[bytes]]:
    """Open a file for what may become the published one; if anything fails, it is removed again.

    Raises:
        DestinationError: The cache cannot be written.
    """
    path = place.beside(".new")
    try:
        with create(path) as file:
            yield file
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno:  # gzip's complaints are numberless OSErrors
            raise unwritable(path, error) from error
        raise


def publish(place: Place, new: Path, file: RemoteFile) -> Path:
    """Move a checked file to its place, in one step and durably; forget what belonged to its download.

    Raises:
        DestinationError: The cache cannot be written.
    """
    try:
        with new.open("rb+") as stream:
            os.fsync(stream.fileno())
        share(new)
        place.path.parent.mkdir(parents=True, exist_ok=True)
        new.replace(place.path)
        _sync_folder(place.path.parent)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise unwritable(place.path, error) from error
    _record(place, _state_of(place.path, file))
    for suffix in (".part", ".note", ".new"):
        place.beside(suffix).unlink(missing_ok=True)
    return place.path


@contextmanager
def locked(place: Place, *, wait: bool = True) -> Iterator[None]:
    """Hold the only right to fetch or remove a file; wait for another process that has it.

    Raises:
        DestinationError: The cache cannot be written, or another process has it and ``wait`` is off.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - 60 ms that only a change of the cache needs

    try:
        place.beside(".lock").parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(place.beside(".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            if not wait:
                raise DestinationError(place.path, "another process is fetching it") from error
            log.warning("%s: waiting for another process that is fetching it", place.path)
            lock.acquire()
    except DestinationError:
        raise
    except OSError as error:
        raise unwritable(place.path, error) from error
    try:
        yield
    finally:
        lock.release()


def unwritable(path: Path, error: OSError) -> DestinationError:
    """Say that the cache cannot take a file."""
    return DestinationError(
        path,
        "cannot be written",
        found=error.strerror or str(error),
        todo="free some space, or set MNISTKIT_CACHE to another folder",
    )


def listing(dataset: str | None = None) -> list[CachedFile]:
    """List the files that mnistkit has put or found in the cache, sorted; of one dataset or family, or all.

    A file that was put there by hand is listed from its first use on.
    """
    records = cache_folder() / _RECORDS
    found = []
    for record in sorted(records.rglob("*")):
        owner = record.parent.relative_to(records).as_posix()
        path = cache_folder() / owner / record.stem if record.suffix == ".ok" else record
        if record.suffix in (".ok", ".part") and _belongs(owner, dataset) and path.is_file():
            found.append(CachedFile(owner, path.name, path.stat().st_size))
    return found


def remove(dataset: str | None = None) -> list[CachedFile]:
    """Remove what :func:`listing` lists, and nothing else; return it.

    Raises:
        DestinationError: A file is just being fetched, or cannot be removed.
    """
    files = listing(dataset)
    for owner, name, _ in files:
        place = place_of(owner, name.removesuffix(".part"))
        with locked(place, wait=False):
            try:
                for path in (place.path, *(place.beside(s) for s in (".ok", ".part", ".note", ".new"))):
                    path.unlink(missing_ok=True)
            except OSError as error:
                raise DestinationError(place.path, "cannot be removed", found=error.strerror) from error
        _prune(place.path.parent)
    return files


def _belongs(owner: str, dataset: str | None) -> bool:
    return dataset is None or owner == dataset or owner.startswith(f"{dataset}/")


def _prune(folder: Path) -> None:
    """Remove a folder of the cache, and those above it, as far as they are empty."""
    with suppress(OSError):
        while folder != cache_folder():
            folder.rmdir()
            folder = folder.parent


def _state_of(path: Path, file: RemoteFile) -> dict[str, Any]:
    """Tell what a check depends on: the file as it lies there, and what it was held against."""
    status = path.stat()
    against = best_of(file.checksums or file.raw_checksums)
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns, **against}


def _recorded(place: Place) -> object:
    try:
        return json.loads(place.beside(".ok").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _record(place: Place, state: dict[str, Any]) -> None:
    record = place.beside(".ok")
    # A cache that is shared read-only has no records; its files are checked at every use.
    with suppress(OSError):
        record.parent.mkdir(parents=True, exist_ok=True)
        with create(record) as file:
            file.write(json.dumps(state, sort_keys=True).encode() + b"\n")
        share(record)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # has no such thing
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
