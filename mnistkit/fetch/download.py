"""Asks one mirror after the other for a file, until one delivers what was published."""

from __future__ import annotations

import gzip
import logging
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mnistkit.errors import DataError
from mnistkit.fetch.archive import DistantFile, open_distant, stretch_with, unpack
from mnistkit.fetch.cache import (
    Place,
    cached,
    family_of,
    fault_in_cache,
    locked,
    new_file,
    place_of,
    publish,
)
from mnistkit.fetch.checks import fault_of, is_checkable
from mnistkit.fetch.mirrors import Mirror, MirrorFailed, NoRanges, mirrors_of
from mnistkit.fetch.parts import Part, receive
from mnistkit.fetch.transport import open_session
from mnistkit.progress import Progress

if TYPE_CHECKING:
    from mnistkit.catalog.entry import RemoteFile
    from mnistkit.fetch.limits import Limits
    from mnistkit.fetch.peers import Session

log = logging.getLogger(__name__)

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Job:
    """A file to fetch, and by what means."""

    dataset: str
    file: RemoteFile
    session: Session
    limits: Limits
    progress: Progress

    @property
    def place(self) -> Place:
        """Where the cache will keep the file."""
        return place_of(self.dataset, self.file.name)

    def report(self, done: int, total: int) -> None:
        """Tell how many bytes have arrived, of how many."""
        self.progress(f"fetch {self.file.name}", done, total)


Way: TypeAlias = Callable[[Job, Mirror], Path]

#: Returns the path of the published file that a whole part is or holds, or raises MirrorFailed.
Check: TypeAlias = Callable[[Part], Path]


def from_archive(archive: Path, dataset: str, file: RemoteFile) -> Path:
    """Take a file out of an archive in the cache, while its lock is held.

    Raises:
        DataError: The archive does not hold the published file.
        DestinationError: The cache cannot be written.
    """
    place = place_of(dataset, file.name)
    try:
        with zipfile.ZipFile(archive) as opened:
            return publish(place, _checked(unpack(opened, file, place), file), file)
    except (MirrorFailed, zipfile.BadZipFile, FileNotFoundError) as error:
        raise DataError(archive, f"{file.member!r} cannot be taken out", found=error) from error


def from_mirrors(dataset: str, file: RemoteFile, *, progress: Progress, limits: Limits) -> Path:
    """Fetch a file into the cache, while its lock is held.

    Raises:
        DataError: No mirror delivers the published file.
        DestinationError: The cache cannot be written.
    """
    failures: dict[Mirror, str] = {}
    with open_session() as session:
        job = Job(dataset, file, session, limits, progress)
        for mirror, way in _ways(job):
            if mirror in failures:
                continue
            try:
                return way(job, mirror)
            except MirrorFailed as failed:
                log.info("%s %s", mirror, failed.reason)
                if not isinstance(failed, NoRanges):
                    failures[mirror] = failed.reason
    raise _nowhere(job, failures)


def _ways(job: Job) -> Iterator[tuple[Mirror, Way]]:
    """Yield what to try, the user's own mirrors first: the file, its stretch of the archive, the archive."""
    for mirrors in mirrors_of(job.dataset, job.file):
        yield from ((mirror, _fetch_whole) for mirror in mirrors.alone)
        yield from ((mirror, _fetch_stretch) for mirror in mirrors.archives)
        yield from ((mirror, _fetch_archive) for mirror in mirrors.archives)


def _nowhere(job: Job, failures: dict[Mirror, str]) -> DataError:
    reasons = "; ".join(f"{mirror} {reason}" for mirror, reason in failures.items())
    fault = fault_in_cache(job.place, job.file)
    also = f"; the file in the cache is not the published one either: {fault}" if fault else ""
    return DataError(
        f"{job.dataset}/{job.file.name}",
        f"no mirror delivers it ({reasons or 'none is known'}{also})",
        todo=f"put the published file at {job.place.path}, or name a folder with all files as SOURCE",
    )


def _fetch_whole(job: Job, mirror: Mirror) -> Path:
    part = Part(place=job.place, size=job.file.size)
    found = _receive_checked(job, mirror, part, partial(_found_whole, job))
    return publish(job.place, found, job.file)


def _fetch_stretch(job: Job, mirror: Mirror) -> Path:
    assert job.file.archive is not None
    archive, distant = open_distant(job.session, mirror, job.limits, job.file.archive)
    part = stretch_with(archive, job.file, job.place, job.limits)
    found = _receive_checked(job, mirror, part, partial(_found_in_stretch, job.file, archive, distant))
    return publish(job.place, found, job.file)


def _fetch_archive(job: Job, mirror: Mirror) -> Path:
    archive = job.file.archive
    assert archive is not None
    if not is_checkable(archive):
        raise MirrorFailed("does not serve parts of files, and no checksum of the whole is known")
    log.warning("%s does not serve parts of files: fetching all of it", mirror)
    whole = replace(job, dataset=family_of(job.dataset), file=archive)
    with locked(whole.place):
        path = cached(whole.dataset, archive) or _fetch_whole(whole, mirror)
    return from_archive(path, job.dataset, job.file)


def _receive_checked(job: Job, mirror: Mirror, part: Part, check: Check, *, again: bool = True) -> Path:
    """Receive a part and check it; where it was pieced together and is wrong, all of it once more."""
    receive(job.session, mirror, part, job.limits, job.report)
    try:
        return check(part)
    except MirrorFailed:
        note = part.note()
        part.discard()
        if not again or (note.sender, note.answers) == (mirror.fingerprint, 1):
            raise
    return _receive_checked(job, mirror, part, check, again=False)


def _found_whole(job: Job, part: Part) -> Path:
    """Find the file in a part; decoded once, if the mirror encoded it and did not only say so."""
    if part.note().encoded and fault_of(part.path, job.file) is not None:
        return _checked(_decoded(part, job.file.size or job.limits.most_bytes), job.file)
    return _checked(part.path, job.file)


def _found_in_stretch(file: RemoteFile, archive: zipfile.ZipFile, distant: DistantFile, part: Part) -> Path:
    distant.near = part
    return _checked(unpack(archive, file, part.place), file)


def _checked(path: Path, file: RemoteFile) -> Path:
    if fault := fault_of(path, file):
        path.unlink()
        raise MirrorFailed(f"delivers another file: {fault}")
    return path


def _decoded(part: Part, most: int) -> Path:
    try:
        with gzip.open(part.path) as packed, new_file(part.place) as new:
            while chunk := packed.read(_CHUNK):
                new.write(chunk)
                if new.tell() > most:
                    raise MirrorFailed(f"sends more than {most:,} bytes")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise MirrorFailed(f"encodes the file in a way that cannot be undone ({error})") from error
    return part.place.beside(".new")
