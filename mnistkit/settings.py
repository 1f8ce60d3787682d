"""Every environment variable that mnistkit reads, read here and nowhere else."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mnistkit.errors import UsageError

_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
_BASE_URL = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?", re.IGNORECASE)


def builtin_plugins_only() -> bool:
    """Whether ``MNISTKIT_PLUGINS=builtin`` leaves third-party plugins out."""
    return os.environ.get("MNISTKIT_PLUGINS", "") == "builtin"


def plugin_seconds() -> float:
    """Return how long the import of somebody's plugin may take: ``MNISTKIT_PLUGIN_SECONDS``, by default 10.

    Raises:
        UsageError: It is no number above 0.
    """
    text = os.environ.get("MNISTKIT_PLUGIN_SECONDS") or "10"
    if not _SECONDS.fullmatch(text) or not float(text):
        raise UsageError("MNISTKIT_PLUGIN_SECONDS", "bad value", expected="a number above 0", found=text)
    return float(text)


def syncs() -> bool:
    """Whether an export waits until the disk has it; ``MNISTKIT_SYNC=0`` leaves that out."""
    return os.environ.get("MNISTKIT_SYNC", "") != "0"


def native_wanted() -> bool:
    """Whether compiled loops may be used: not where ``MNISTKIT_NATIVE=0``.

    Raises:
        UsageError: It is neither 0 nor 1.
    """
    wanted = os.environ.get("MNISTKIT_NATIVE") or "1"
    if wanted not in ("0", "1"):
        raise UsageError("MNISTKIT_NATIVE", "bad value", expected="0 or 1", found=wanted)
    return wanted == "1"


def cache_folder() -> Path:
    """Return the folder that keeps published files: ``MNISTKIT_CACHE``, else the platform's own."""
    if chosen := os.environ.get("MNISTKIT_CACHE"):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path  # noqa: PLC0415 - 25 ms that most commands have no use for

    return user_cache_path("mnistkit", appauthor=False)


def mirrors() -> tuple[str, ...]:
    """Return the base URLs of ``MNISTKIT_MIRRORS``, in order, without slashes at their ends.

    Raises:
        UsageError: One of them is no HTTP URL.
    """
    bases = [base.strip().rstrip("/") for base in os.environ.get("MNISTKIT_MIRRORS", "").split(",")]
    for base in filter(None, bases):
        if not _BASE_URL.fullmatch(base):
            raise UsageError("MNISTKIT_MIRRORS", "not a base URL", expected="https://host/folder", found=base)
    return tuple(filter(None, bases))
