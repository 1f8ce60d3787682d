"""Files under way: for their owner alone, never written through what somebody else has put there instead.

A cache may lie where others can write, such as in ``/tmp``; notes tell of mirrors that want a password.
"""

from __future__ import annotations

import os
import stat
from functools import partial
from pathlib import Path
from typing import IO, cast

_FOLLOW_NOT = getattr(os, "O_NOFOLLOW", 0)  # not on Windows, where links take a privilege to make


def create(path: Path) -> IO[bytes]:
    """Make a file that nobody else can open, in place of what is there.

    Raises:
        OSError: The folder cannot be written, or another process makes the file at the same time.
    """
    path.unlink(missing_ok=True)
    return cast("IO[bytes]", open(path, "xb", opener=partial(_open, mode=0o600)))


def reopen(path: Path) -> IO[bytes]:
    """Open a file that is there for writing at its end.

    Raises:
        OSError: It is a link, or cannot be written.
    """
    return cast("IO[bytes]", open(path, "ab", opener=_open))


def is_ours(path: Path) -> bool:
    """Whether there is a regular file of our own with no other name: no link to somebody's file."""
    try:
        status = path.lstat()
    except OSError:
        return False
    own = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and own


def share(path: Path) -> None:
    """Let those read a file who may read a new one: as the umask, or the folder's own rules, have it.

    Raises:
        OSError: The folder cannot be written.
    """
    probe = path.with_name(f"{path.name}.mode")
    probe.unlink(missing_ok=True)
    with open(probe, "xb", opener=_open) as new:
        mode = stat.S_IMODE(os.fstat(new.fileno()).st_mode)
    probe.unlink()
    path.chmod(mode)


def _open(path: str, flags: int, mode: int = 0o666) -> int:
    return os.open(path, flags | _FOLLOW_NOT, mode)
