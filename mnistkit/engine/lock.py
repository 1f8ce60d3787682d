"""The lock of a scratch folder: held by the process that writes, and let go however that ends."""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

from mnistkit.errors import DestinationError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK = "lock"

#: What the system says where the lock is no file, or not ours to open; all else may pass.
_IN_THE_WAY = (errno.ELOOP, errno.EISDIR, errno.EACCES, errno.EPERM)

#: Seconds between two attempts.
_PAUSE = 0.005


def lock_folder(scratch: Path, out: Path, patience: float) -> int:
    """Lock a scratch folder until the process ends, however it does; return the lock's descriptor.

    Raises:
        DestinationError: Somebody else holds it, or it is nothing that can be locked.
        OSError: The folder is gone, the disk is full, or the like.
    """
    status = scratch.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise DestinationError(scratch, "is in the way", expected="a folder", todo="remove it yourself")
    if hasattr(os, "geteuid") and os.geteuid() not in (0, status.st_uid):
        todo = "wait for their export to end, or have them remove it"
        raise DestinationError(scratch, "is another user's", todo=todo)
    until = time.monotonic() + patience
    while (lock := _try_lock(scratch)) is None:
        if time.monotonic() > until:
            raise DestinationError(out, "another export to it is running", todo="wait for it to end")
        time.sleep(_PAUSE)
    return lock


def _try_lock(scratch: Path) -> int | None:
    """Return the descriptor of the locked file, or None where somebody else holds or has removed it."""
    try:
        return _lock_file(scratch / LOCK)
    except OSError as error:
        if os.name == "nt" and isinstance(error, PermissionError):  # it is being removed
            return None
        if error.errno not in _IN_THE_WAY:
            raise
        raise DestinationError(
            scratch, "cannot be locked", found=error.strerror, todo="remove it yourself"
        ) from error


def _lock_file(path: Path) -> int | None:
    descriptor = _open(path)
    locked = False
    try:
        with suppress(FileNotFoundError):
            # Who held it may have removed the file: then the lock is on what nobody else can find.
            locked = _flock(descriptor) and os.path.samestat(os.fstat(descriptor), path.stat())
    finally:
        if not locked:
            os.close(descriptor)
    return descriptor if locked else None


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        return os.open(path, flags, 0o600)
    except PermissionError:
        if os.name == "nt":
            raise
        path.parent.chmod(0o700)  # it is ours; a lock of our own opens then
        return os.open(path, flags, 0o600)


def _flock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
