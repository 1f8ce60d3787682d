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
from typing import IO

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
    with _made(scratch, out) as lock:
        try:
            if not _try_lock(lock):
                raise _running(out)
            (scratch / EXPORT).mkdir()
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def finish_swap(out: Path) -> None:
    """Roll a swap forward that was cut off between its two renames."""
    if out.exists():
        return
    for scratch in _scratch_folders(out):
        if (scratch / OLD).exists() and (scratch / EXPORT).exists():
            (scratch / EXPORT).rename(out)
            log.warning("%s: finished the swap of an interrupted export", out)


def _made(scratch: Path, out: Path) -> IO[bytes]:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            scratch.mkdir(mode=0o700)
        except FileExistsError as error:
            raise _running(out) from error
        return (scratch / LOCK).open("xb")
    except DestinationError:
        raise
    except OSError as error:
        raise DestinationError(out, "cannot be written", found=error.strerror) from error


def _scratch_folders(out: Path) -> list[Path]:
    pattern = re.compile(re.escape(f".{out.name}.mnistkit-") + r"[0-9a-f]{12}")
    if not out.parent.is_dir():
        return []
    return sorted(p for p in out.parent.iterdir() if pattern.fullmatch(p.name) and p.is_dir())


def _remove_left_over(scratch: Path, out: Path) -> None:
    try:
        with (scratch / LOCK).open("ab") as lock:
            if not _try_lock(lock):
                raise _running(out)
            log.warning("%s: removed what an interrupted export left", scratch)
            shutil.rmtree(scratch, ignore_errors=True)
    except FileNotFoundError:
        shutil.rmtree(scratch, ignore_errors=True)


def _running(out: Path) -> DestinationError:
    return DestinationError(out, "another export to it is running", todo="wait for it to end")


def _try_lock(file: IO[bytes]) -> bool:
    """Lock a file for this process until it is closed or the process ends; False if another has it."""
    if os.name == "nt":
        import msvcrt  # noqa: PLC0415 - there on Windows only

        with suppress(OSError):
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # Windows only
            return True
        return False
    import fcntl  # noqa: PLC0415 - there on POSIX only

    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
