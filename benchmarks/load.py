"""How busy the machine is, and how much memory a process has used at most.

Standard library alone: the launcher, which must stay small, imports it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

#: Others' share of one CPU above which a run counts as dirty.
DIRTY = 0.25

_GLANCE = 0.3  # seconds over which a quiet moment is told
_STAT, _STATUS, _CLEAR = Path("/proc/stat"), Path("/proc/self/status"), Path("/proc/self/clear_refs")


def busy_seconds() -> float | None:
    """Return the seconds that all CPUs have worked since the start; None where the system does not say."""
    try:
        user, nice, system, _, _, irq, softirq, steal = map(
            int, _STAT.read_text().split("\n")[0].split()[1:9]
        )
    except (OSError, ValueError):
        return None
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def others(before: float | None, after: float | None, own: float, seconds: float) -> float | None:
    """Return the share of one CPU that others took meanwhile.

    Args:
        before: :func:`busy_seconds` before the run.
        after: And behind it.
        own: CPU seconds of the run itself.
        seconds: Its wall time.
    """
    if before is None or after is None or not seconds:
        return None
    tick = 1 / os.sysconf("SC_CLK_TCK")  # the clock is no finer: short runs must not look dirty for it
    return max(0.0, after - before - own - 2 * tick * (os.cpu_count() or 1)) / seconds


def wait_for_quiet(most: float) -> None:
    """Wait until others leave the machine alone, but no longer than ``most`` seconds."""
    deadline = time.monotonic() + most
    while time.monotonic() < deadline:
        before, start = busy_seconds(), time.monotonic()
        time.sleep(_GLANCE)
        share = others(before, busy_seconds(), 0.0, time.monotonic() - start)
        if share is None or share < DIRTY:
            return


def reset_peak() -> int | None:
    """Forget this process's peak memory; return what it holds now, in bytes, or None where that cannot be."""
    try:
        _CLEAR.write_text("5")  # proc(5): resets VmHWM
    except OSError:
        return None
    return _status("VmRSS")


def peak() -> int | None:
    """Return this process's peak memory since :func:`reset_peak`, in bytes."""
    return _status("VmHWM")


def _status(key: str) -> int | None:
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    found = (line.split()[1] for line in lines if line.startswith(f"{key}:"))
    return next((int(kib) * 1024 for kib in found), None)
