"""Puts a finished export in its place: in one step, never over what is not ours."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

from mnistkit.checksums import added_files, sha256_of
from mnistkit.engine.durable import sync_folder
from mnistkit.engine.scratch import EXPORT, OLD, check_name, put_back
from mnistkit.errors import DataError, DestinationError
from mnistkit.naming import CHECKSUMS, RECEIPT
from mnistkit.receipt import receipt_of

_AT_FDCWD = -100
_RENAME_NOREPLACE, _RENAME_EXCHANGE = 1, 2  # Linux, renameat2(2)
_RENAME_EXCL, _RENAME_SWAP = 4, 2  # macOS, renamex_np(2)

#: What a kernel or file system says that does not know the flag.
_UNKNOWN = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)


def check_destination(out: Path, *, overwrite: bool, source: Path | None) -> None:
    """Make sure that an export may be put there.

    Raises:
        DestinationError: It lies in an export, which would not be whole any more; or something is
            there; or, with ``overwrite``, that is no export and no empty folder, or a folder that must
            never be replaced.
    """
    for parent in out.absolute().parents:
        if (parent / RECEIPT).is_file():
            raise DestinationError(out, f"lies in the export {parent}", todo="choose another --out")
    if not os.path.lexists(out):
        check_name(out)
        return
    if not overwrite:
        raise DestinationError(out, "exists already", todo="choose another --out, or add --overwrite")
    if out.is_symlink() or not out.is_dir():
        raise DestinationError(out, "is no folder", todo="choose another --out")
    _check_precious(out, source)
    check_name(out)
    _check_replaceable(out)


def publish(scratch: Path, out: Path, *, overwrite: bool, source: Path | None) -> None:
    """Put the export in the scratch folder, which is synced to disk, in its place in one step.

    Args:
        scratch: The scratch folder, whose lock is held.
        out: The destination.
        overwrite: Whether an export or an empty folder there may be replaced.
        source: Where the dataset was read from.

    Raises:
        DestinationError: Something turned up or changed at the destination meanwhile; it is still there.
        OSError: The system refuses.
    """
    try:
        if overwrite and os.path.lexists(out):
            checked = out.lstat()
            check_destination(out, overwrite=True, source=source)
            _replace(scratch, out, checked)
        else:
            _rename_new(scratch / EXPORT, out)
    except FileExistsError as error:
        raise DestinationError(out, "appeared while the export was written", todo="run it again") from error
    sync_folder(out.parent)


def _replace(scratch: Path, out: Path, checked: os.stat_result) -> None:
    """Swap the new export with what is at the destination, and back if that has changed meanwhile."""
    new = scratch / EXPORT
    ours = new.lstat()
    try:
        if _rename(new, out, _RENAME_EXCHANGE, _RENAME_SWAP):
            _check_unchanged(new, checked, out)
            return
    except BaseException:
        if not os.path.samestat(new.lstat(), ours):
            _exchange_back(new, out)
        raise
    try:
        # Two steps; finish_swap completes them if the process ends in between.
        out.rename(scratch / OLD)
        _check_unchanged(scratch / OLD, checked, out)
        _rename_new(new, out)
    except BaseException:
        put_back(scratch, out)
        raise


def _exchange_back(new: Path, out: Path) -> None:
    try:
        _rename(new, out, _RENAME_EXCHANGE, _RENAME_SWAP)
    except FileNotFoundError:  # the new one is gone already: somebody else has taken it away
        _rename_new(new, out)


def _check_unchanged(old: Path, checked: os.stat_result, out: Path) -> None:
    """Make sure that what was taken from the destination is what was found good to be replaced."""
    if not os.path.samestat(old.lstat(), checked):
        raise _changed(out, "another folder")
    try:
        _check_replaceable(old)
    except DestinationError as error:
        raise _changed(out, error.found or error.what) from error


def _changed(out: Path, found: object) -> DestinationError:
    todo = "look at it, then run it again"
    return DestinationError(out, "changed while the export was written", found=found, todo=todo)


def _check_precious(out: Path, source: Path | None) -> None:
    place = out.resolve()
    for what, path in (("home folder", Path.home()), ("current folder", Path.cwd()), ("source", source)):
        if path is not None and (path.resolve() == place or path.resolve().is_relative_to(place)):
            raise DestinationError(out, f"is the {what} or holds it", todo="choose another --out")
    if place == place.parent:
        raise DestinationError(out, "is the root folder", todo="choose another --out")


def _check_replaceable(folder: Path) -> None:
    """Make sure that a folder is empty, or an export with nothing else in it."""
    try:
        with os.scandir(folder) as entries:
            if next(entries, None) is None:
                return
        receipt = receipt_of(folder)
        valid = receipt is not None and sha256_of(folder / CHECKSUMS) == receipt.files
        foreign = next(added_files(folder), None) if valid else None
    except DestinationError:
        raise
    except DataError as error:
        raise _foreign(folder, f"{Path(error.where).name}: {error.what}") from error
    except OSError as error:
        raise _foreign(folder, error.strerror) from error
    if not valid:
        raise _foreign(folder)
    if foreign is not None:
        raise DestinationError(
            folder, "holds a file that is not of the export", found=foreign, todo="move it"
        )


def _foreign(folder: Path, found: object = None) -> DestinationError:
    what = "is no export of mnistkit, so --overwrite leaves it alone"
    return DestinationError(folder, what, found=found, todo="choose another --out")


def _rename_new(new: Path, out: Path) -> None:
    """Rename unless something is there, which raises FileExistsError."""
    if _rename(new, out, _RENAME_NOREPLACE, _RENAME_EXCL):
        return
    if os.path.lexists(out):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(out))
    try:
        new.rename(out)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.ENOTDIR):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(out)) from error
        raise


def _rename(new: Path, out: Path, linux: int, macos: int) -> bool:
    """Rename with a flag that Python does not know; False where the system has no such thing."""
    old_name, new_name = os.fsencode(new), os.fsencode(out)
    failed = True
    try:
        if sys.platform == "linux":
            failed = _libc().renameat2(_AT_FDCWD, old_name, _AT_FDCWD, new_name, linux) != 0
        elif sys.platform == "darwin":
            failed = _libc().renamex_np(old_name, new_name, macos) != 0
        else:
            return False
    except AttributeError:  # an older C library
        return False
    if failed and ctypes.get_errno() not in _UNKNOWN:
        raise _last_error(new, out)
    return not failed


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _last_error(path: Path, other: Path | None = None) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code), os.fspath(path), None, other and os.fspath(other))
