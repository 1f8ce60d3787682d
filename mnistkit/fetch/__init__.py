"""Brings published files into the cache, each checked before it can be seen there.

::

    cache       where files are kept, and which of them are there          cache.py
    checks      whether a file is the published one                        checks.py
    private     files under way, for their owner alone                     private.py
    mirrors     which URLs to ask, in which order                          mirrors.py
    download    one mirror after the other, until one delivers             download.py
    parts       what has arrived so far, and how to go on from there       parts.py
    archive     one member of a zip archive, near or far                   archive.py
    transport   one request: redirects, timeouts, reasons for failure      transport.py
    peers       where connections lead: not into the local network         peers.py
    limits      how long to wait, how often to try again                   limits.py

Only a download imports what the last five need.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mnistkit.errors import DataError
from mnistkit.fetch.cache import (
    CachedFile,
    archive_of,
    cached,
    fault_in_cache,
    listing,
    locked,
    place_of,
    remove,
)
from mnistkit.fetch.checks import is_checkable
from mnistkit.fetch.limits import Limits
from mnistkit.progress import Progress, no_progress
from mnistkit.settings import cache_folder

if TYPE_CHECKING:
    from mnistkit.catalog.entry import RemoteFile

__all__ = ["CachedFile", "Limits", "cache_folder", "cached", "fetch_file", "listing", "remove"]


def fetch_file(
    dataset: str,
    file: RemoteFile,
    *,
    offline: bool = False,
    progress: Progress = no_progress,
    limits: Limits = Limits(),
) -> Path:
    """Return the path in the cache of a published file, downloading it first where it is not there.

    Args:
        dataset: The dataset's name in the catalogue.
        file: What is known of the file.
        offline: Whether to refuse instead of downloading.
        progress: Called with ``fetch <file name>``, bytes that are there, and bytes in all.
        limits: How long to wait for mirrors, and how often to try them again.

    Raises:
        DataError: No mirror delivers the published file, or it is not cached and ``offline`` is set.
        DestinationError: The cache cannot be written.
    """
    if found := cached(dataset, file):
        return found
    if not is_checkable(file):
        raise DataError(f"{dataset}/{file.name}", "no checksum of it is known", todo="fetch it by hand")
    archive = archive_of(dataset, file)
    if offline and archive is None:
        raise _not_cached(dataset, file)
    from mnistkit.fetch import download  # noqa: PLC0415 - 100 ms of HTTP that only downloads need

    with locked(place_of(dataset, file.name)):
        if found := cached(dataset, file):
            return found
        if archive is not None:
            return download.from_archive(archive, dataset, file)
        return download.from_mirrors(dataset, file, progress=progress, limits=limits)


def _not_cached(dataset: str, file: RemoteFile) -> DataError:
    place = place_of(dataset, file.name)
    fault = fault_in_cache(place, file)
    return DataError(
        f"{dataset}/{file.name}",
        f"the file in the cache is not the published one ({fault})" if fault else "not in the cache",
        todo=f"run 'mnistkit fetch {dataset}' once while online, or put the published file at {place.path}",
    )
