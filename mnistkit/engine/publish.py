"""Puts a finished export in its place: durable first, then in one step, never over what is not ours."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

from mnistkit.checksums import read_checksums, sha256_of, walk
from mnistkit.engine.scratch import EXPORT, OLD
from mnistkit.errors import DataError, DestinationError
from mnistkit.naming import CHECKSUMS
from mnistkit.receipt import receipt_of

#: Above this many files one sync of the file system is quicker than one for each file.
_MANY_FILES = 1000

_AT_FDCWD = -100
_RENAME_NOREPLACE, _RENAME_EXCHANGE = 1, 2  # Linux, renameat2(2)
_RENAME_EXCL, _RENAME_SWAP = 4, 2  # macOS, renamex_np(2)


def check_destination(out: Path, *, overwrite: bool, source: Path | None) -> None:
    """Make sure that an export may be put there.

    Raises:
        DestinationError: It lies in the source; or something is there; or, with ``overwrite``, that is
            no export and no empty folder, or a folder that must never be replaced.
    """
    if source is not None and source.is_dir() and source.resolve() in out.resolve().parents:
        raise DestinationError(out, "lies in the source", todo="choose another --out")
    if not os.path.lexists(out):
        return
    if not overwrite:
        raise DestinationError(out, "exists already", todo="choose another --out, or add --overwrite")
    if out.is_symlink() or not out.is_dir():
        raise DestinationError(out, "is no folder", todo="choose another --out")
    _check_precious(out, source)
    if any(out.iterdir()):
        _check_is_export(out)


def publish(scratch: Path, out: Path) -> None:
    """Sync the export in the scratch folder to disk and put it in its place in one step.

    Raises:
        DestinationError: Something turned up at the destination meanwhile.
    """
    new = scratch / EXPORT
    _sync(new)
    try:
        if not os.path.lexists(out):
            _rename_new(new, out)
        elif not _rename(new, out, _RENAME_EXCHANGE, _RENAME_SWAP):
            # Two steps; finish_swap completes them if the process ends in between.
            out.rename(scratch / OLD)
            new.rename(out)
    except FileExistsError as error:
        raise DestinationError(out, "appeared while the export was written", todo="run it again") from error
    _sync_folder(out.parent)


def _check_precious(out: Path, source: Path | None) -> None:
    place = out.resolve()
    for what, path in (("home folder", Path.home()), ("current folder", Path.cwd()), ("source", source)):
        if path is not None and (path.resolve() == place or path.resolve().is_relative_to(place)):
            raise DestinationError(out, f"is the {what} or holds it", todo="choose another --out")
    if place == place.parent:
        raise DestinationError(out, "is the root folder", todo="choose another --out")


def _check_is_export(out: Path) -> None:
    try:
        receipt = receipt_of(out)
        valid = receipt is not None and sha256_of(out / CHECKSUMS) == receipt.files
        listed = read_checksums(out) if valid else {}
    except (DataError, OSError):
        valid = False
    if not valid:
        raise DestinationError(
            out, "is no export of mnistkit, so --overwrite leaves it alone", todo="choose another --out"
        )
    for name in walk(out):
        if name not in listed:
            raise DestinationError(out, "holds a file that is not of the export", found=name, todo="move it")


def _sync(folder: Path) -> None:
    files = [Path(where, name) for where, _, names in os.walk(folder) for name in names]
    if len(files) > _MANY_FILES:
        _sync_file_system(folder)
        return
    for path in files:
        with path.open("rb") as file:
            os.fsync(file.fileno())
    for where, _, _ in os.walk(folder):
        _sync_folder(Path(where))


def _sync_file_system(folder: Path) -> None:
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                if ctypes.CDLL(None).syncfs(descriptor) == 0:
                    return
            finally:
                os.close(descriptor)
    if hasattr(os, "sync"):
        os.sync()


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot sync folders
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rename_new(new: Path, out: Path) -> None:
    if not _rename(new, out, _RENAME_NOREPLACE, _RENAME_EXCL):
        if os.path.lexists(out):
            raise FileExistsError(out)
        new.rename(out)


def _rename(new: Path, out: Path, linux: int, macos: int) -> bool:
    """Rename with a flag that Python does not know; False where the system has no such thing."""
    old_name, new_name = os.fsencode(new), os.fsencode(out)
    with suppress(AttributeError, OSError):
        if sys.platform == "linux":
            call = ctypes.CDLL(None, use_errno=True).renameat2
            return bool(call(_AT_FDCWD, old_name, _AT_FDCWD, new_name, linux) == 0)
        if sys.platform == "darwin":
            call = ctypes.CDLL(None, use_errno=True).renamex_np
            return bool(call(old_name, new_name, macos) == 0)
    return False
