"""The folder beside the destination in which an export grows until it is whole.

::

    .<name>.mnistkit-<plan digest>/
        lock       held by the process that writes
        export/    what becomes the destination
        old/       what was there before, for the moment of a swap in two renames

Only who holds the lock changes or removes anything in it.  What was at the destination is ``old`` as
long as ``export`` lies beside it or the destination is missing: so long it is never removed.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from mnistkit.border import not_written
from mnistkit.engine.durable import sync_folder
from mnistkit.engine.lock import LOCK, lock_folder
from mnistkit.engine.signals import held_signals
from mnistkit.errors import DestinationError

log = logging.getLogger(__name__)

EXPORT, OLD = "export", "old"

#: Seconds to wait for a lock: others look whether a folder is in use for much less than the first.
#: Of two that begin at once, each with its folder, the one whose name comes first waits for the other to go.
_SHORT, _LONG = 0.3, 2.0

#: How often to begin again where somebody else removes the folder that was just made.
_ATTEMPTS = 200


@contextmanager
def scratch_folder(out: Path, digest: str) -> Iterator[Path]:
    """Make and lock the scratch folder of a destination; remove it afterwards, whatever happens.

    Left-over scratch folders of the destination that nobody holds are removed first.  Parent folders
    that were made are removed again if nothing was put there.

    Raises:
        DestinationError: Another export to the destination is running, the place is not writable, or
            what an interrupted export left cannot be removed.
    """
    check_name(out)
    finish_swap(out)
    scratch = out.parent / f".{out.name}.mnistkit-{digest}"
    with ExitStack() as undo:
        _make_and_lock(scratch, out, undo)
        _clear(scratch, out)
        undo.callback(_clean, scratch, out)
        _make_export(scratch, out)
        yield scratch


def finish_swap(out: Path) -> None:
    """Finish a swap that was cut off between its two renames: forward, or back where the new is gone."""
    if os.path.lexists(out):
        return
    for scratch in _scratch_folders(out):
        if os.path.lexists(scratch / OLD):
            # What is in use is being swapped right now; what cannot be moved is left to who exports there.
            with suppress(OSError), _holding(scratch, out, _SHORT):
                _settle(scratch, out)


def remove_left_overs(out: Path) -> None:
    """Remove what interrupted exports to a destination left, where nobody is at work and as far as can be."""
    for scratch in _scratch_folders(out):
        with suppress(OSError, DestinationError), _holding(scratch, out, 0.0):
            _remove_left_over(scratch, out)


def put_back(scratch: Path, out: Path) -> None:
    """Undo the first rename of a swap whose second one did not come about."""
    if os.path.lexists(scratch / OLD) and not os.path.lexists(out):
        (scratch / OLD).rename(out)


def check_name(out: Path) -> None:
    """Make sure that a destination has a name of its own.

    Raises:
        DestinationError: It is ``.``, ends with ``..`` or is the root.
    """
    if out.name in ("", ".", ".."):
        raise DestinationError(out, "has no name of its own", todo="choose another --out")


def _settle(scratch: Path, out: Path) -> None:
    """Roll a cut-off swap forward, or back; the lock is held."""
    if os.path.lexists(out) or not os.path.lexists(scratch / OLD):
        return
    if os.path.lexists(scratch / EXPORT):
        (scratch / EXPORT).rename(out)
        log.warning("%s: finished the swap of an interrupted export", out)
    else:
        put_back(scratch, out)
        log.warning("%s: put back what an interrupted export had moved away", out)


@held_signals()
def _make_and_lock(scratch: Path, out: Path, undo: ExitStack) -> None:
    """Make the scratch folder, for nobody else to look into, or take over one that was left; lock it."""
    gone: OSError | None = None
    for _ in range(_ATTEMPTS):
        try:
            _make_folders(out.parent, undo)
            with suppress(FileExistsError):
                scratch.mkdir(mode=0o700)
            undo.callback(_leave, scratch, _lock_or_remove(scratch, out))
        except FileNotFoundError as error:  # somebody else has just removed it
            gone = error
        except DestinationError:
            raise
        except OSError as error:
            raise not_written(out, error) from error
        else:
            return
    assert gone is not None
    raise not_written(out, gone) from gone


def _lock_or_remove(scratch: Path, out: Path) -> int:
    """Lock the scratch folder, or remove it if that fails and nothing is in it."""
    try:
        return lock_folder(scratch, out, _SHORT)
    except BaseException:
        _remove_empty(scratch)
        raise


def _make_folders(folder: Path, undo: ExitStack) -> None:
    """Make a folder and its parents; those that were not there are to go again if nothing gets into them."""
    for parent in reversed((folder, *folder.parents)):
        if not os.path.lexists(parent):
            with suppress(FileExistsError):
                parent.mkdir()
                undo.callback(_remove_empty, parent)
                sync_folder(parent.parent)


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # not empty, or gone
        folder.rmdir()


def _make_export(scratch: Path, out: Path) -> None:
    try:
        (scratch / EXPORT).mkdir()
    except OSError as error:
        raise not_written(out, error) from error


def _clear(scratch: Path, out: Path) -> None:
    """Remove what interrupted exports left, in the scratch folder that is held and in others.

    Raises:
        DestinationError: One is in use, or cannot be removed.
    """
    others = [folder for folder in _scratch_folders(out) if folder.name != scratch.name]
    for other in others:  # all before any is removed, which takes long and needs its lock
        with (
            suppress(FileNotFoundError),
            _holding(other, out, _LONG if scratch.name < other.name else _SHORT),
        ):
            pass
    for other in others:
        with suppress(FileNotFoundError), _holding(other, out, _LONG):
            _remove_left_over(other, out)
    _remove_left_over(scratch, out)


def _remove_left_over(scratch: Path, out: Path) -> None:
    try:
        if _is_empty(scratch):
            return
        scratch.chmod(0o700)
        _settle(scratch, out)
        _empty(scratch, out)
    except DestinationError:
        raise
    except FileNotFoundError:  # somebody else has removed it
        return
    except OSError as error:
        raise DestinationError(
            scratch, "cannot be removed", found=error.strerror, todo="remove it yourself"
        ) from error
    log.warning("%s: removed what an interrupted export left", scratch)


@held_signals()
def _clean(scratch: Path, out: Path) -> None:
    """Remove what is in the scratch folder; that it cannot be is no reason for an export to fail."""
    try:
        put_back(scratch, out)
        _empty(scratch, out)
    except OSError as error:
        if os.path.lexists(scratch):
            log.warning("%s: cannot be removed (%s); remove it yourself", scratch, error)


def _empty(scratch: Path, out: Path) -> None:
    if os.path.lexists(scratch / OLD):
        if os.path.lexists(scratch / EXPORT) or not os.path.lexists(out):
            raise DestinationError(
                scratch / OLD, "is what was at the destination before", todo="move it to where it belongs"
            )
        _remove(scratch / OLD)
    for path in list(scratch.iterdir()):
        if path.name != LOCK:
            _remove(path)


def _is_empty(scratch: Path) -> bool:
    return all(path.name == LOCK for path in scratch.iterdir())


def _remove(path: Path) -> None:
    """Remove a file or a whole tree, even where its own folders forbid it."""
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    shutil.rmtree(path, ignore_errors=True)
    if os.path.lexists(path):
        _allow(path)
        shutil.rmtree(path)


def _allow(folder: Path) -> None:
    """Let the owner change all folders of a tree; on Windows the files must allow it, too."""
    folder.chmod(0o700)
    for where, folders, names in os.walk(folder):
        for name in (*folders, *(names if os.name == "nt" else ())):
            path = Path(where, name)
            if not path.is_symlink():
                path.chmod(0o700)


def _scratch_folders(out: Path) -> list[Path]:
    pattern = re.compile(re.escape(f".{out.name}.mnistkit-") + r"[0-9a-f]{12}")
    try:
        with os.scandir(out.parent) as entries:
            found = [e.name for e in entries if pattern.fullmatch(e.name) and e.is_dir(follow_symlinks=False)]
    except OSError:  # not there, or not ours to look into
        return []
    return [out.parent / name for name in sorted(found)]


@contextmanager
def _holding(scratch: Path, out: Path, patience: float) -> Iterator[None]:
    """Hold the lock of a scratch folder; remove the folder afterwards if nothing is left in it.

    Raises:
        FileNotFoundError: The folder is not there any more.
        DestinationError: Somebody else holds it, or it is not ours.
    """
    lock = lock_folder(scratch, out, patience)
    try:
        yield
    finally:
        _leave(scratch, lock)


@held_signals()
def _leave(scratch: Path, lock: int) -> None:
    """Remove a scratch folder in which nothing is left but the lock; let the lock go."""
    try:
        if os.name == "nt":  # an open file cannot be removed; nor can it if somebody else opens it now
            os.close(lock)
        with suppress(OSError):  # not empty: the next one has already locked it
            if _is_empty(scratch):
                (scratch / LOCK).unlink()
                scratch.rmdir()
    finally:
        if os.name != "nt":
            os.close(lock)
