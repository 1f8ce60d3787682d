"""Every environment variable that mnistkit reads, read here and nowhere else."""

from __future__ import annotations

import os


def builtin_plugins_only() -> bool:
    """Whether ``MNISTKIT_PLUGINS=builtin`` leaves third-party plugins out."""
    return os.environ.get("MNISTKIT_PLUGINS", "") == "builtin"


def usable_cpus() -> int:
    """Return how many CPUs this process may use: the default of ``--workers``."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
