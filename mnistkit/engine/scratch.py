"""The folder beside the destination in which an export grows until it is whole.

::

    .<name>.mnistkit-<plan digest>/
        lock       held by the process that writes
        export/    what becomes the destination
        old/       what was there before, for the moment of a swap in two renames
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from mnistkit.errors import DestinationError

log = logging.getLogger(__name__)

EXPORT, OLD, LOCK = "export", "old", "lock"


@contextmanager
def scratch_folder(out: Path, digest: str) -> Iterator[Path]:
    """Make and lock the scratch folder of a destination; remove it afterwards, whatever happens.

    Left-over scratch folders of the destination that nobody holds are removed first.

    Raises:
        DestinationError: Another export to the destination is running, or the place is not writable.
    """
    finish_swap(out)
    for left in _scratch_folders(out):
        _remove_left_over(left, out)
    scratch = out.parent / f".{out.name}.mnistkit-{digest}"
    _make(scratch, out)
    try:
        with _locked(scratch, out):
            yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def finish_swap(out: Path) -> None:
    """Roll a swap forward that was cut off between its two renames."""
    if os.path.lexists(out):
        return
    for scratch in _scratch_folders(out):
        if (scratch / OLD).exists() and (scratch / EXPORT).exists():
            with suppress(DestinationError), _locked(scratch, out):  # locked: it is being swapped right now
                (scratch / EXPORT).rename(out)
                log.warning("%s: finished the swap of an interrupted export", out)


def _make(scratch: Path, out: Path) -> None:
    """Make the scratch folder, for nobody else to look into."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DestinationError(out, "cannot be written", found=error.strerror) from error
    try:
        scratch.mkdir(mode=0o700)
        (scratch / EXPORT).mkdir()
    except (FileExistsError, FileNotFoundError) as error:
        raise _running(out) from error  # it was made, or taken for a left-over, by somebody else just now
    except OSError as error:
        raise DestinationError(out, "cannot be written", found=error.strerror) from error


def _scratch_folders(out: Path) -> list[Path]:
    pattern = re.compile(re.escape(f".{out.name}.mnistkit-") + r"[0-9a-f]{12}")
    if not out.parent.is_dir():
        return []
    return sorted(p for p in out.parent.iterdir() if pattern.fullmatch(p.name) and p.is_dir())


def _remove_left_over(scratch: Path, out: Path) -> None:
    with _locked(scratch, out):
        log.warning("%s: removed what an interrupted export left", scratch)
        shutil.rmtree(scratch / EXPORT, ignore_errors=True)
    shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _locked(scratch: Path, out: Path) -> Iterator[None]:
    """Hold a scratch folder's lock, which ends with the process.

    Raises:
        DestinationError: Somebody else holds it.
    """
    try:
        lock = FileLock(scratch / LOCK, timeout=0)
        lock.acquire()
    except (Timeout, FileNotFoundError) as error:
        raise _running(out) from error
    except OSError as error:
        raise DestinationError(out, "cannot be written", found=error.strerror) from error
    try:
        yield
    finally:
        lock.release()


def _running(out: Path) -> DestinationError:
    return DestinationError(out, "another export to it is running", todo="wait for it to end")
