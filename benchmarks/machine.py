"""What the figures were taken on: machine, versions, file system, state of the source."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from benchmarks.model import Job
from benchmarks.processes import ROOT

_ALWAYS = ("mnistkit", "numpy", "PIL", "pyarrow", "h5py", "isal", "zlib_ng")


def describe(scratch: Path) -> dict[str, str]:
    """Return facts about the machine by name; what cannot be told is left out."""
    facts = {
        "cpu": _processor(),
        "cores": str(os.cpu_count()),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "scratch": _file_system(scratch.resolve()),
        "load at the start": " ".join(f"{load:.1f}" for load in os.getloadavg()),
        "commit": _commit(),
    }
    return {name: fact for name, fact in facts.items() if fact}


def versions(jobs: Iterable[Job]) -> dict[str, str]:
    """Return the versions of all distributions that the sides name, as far as they are installed."""
    modules = {name for job in jobs for side in job.sides for name in side.needs}
    owners = packages_distributions()
    found = {}
    for module in sorted({*modules, *_ALWAYS}):
        for distribution in owners.get(module, [module]):
            try:
                found[distribution] = version(distribution)
            except PackageNotFoundError:
                continue
    return found


def _processor() -> str:
    return _after(Path("/proc/cpuinfo"), "model name") or platform.processor()


def _memory() -> str:
    kib = _after(Path("/proc/meminfo"), "MemTotal").removesuffix("kB").strip()
    return f"{int(kib) / 2**20:.0f} GiB" if kib else ""


def _after(path: Path, key: str) -> str:
    """Return what a file of ``key : value`` lines says first of a key."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def _file_system(folder: Path) -> str:
    """Return the type of the file system that holds a folder: the longest mount point above it."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return ""
    above = [(len(point), kind) for point, kind in mounts if folder.is_relative_to(point)]
    return max(above)[1] if above else ""


def _commit() -> str:
    """Return the commit of the source, with a plus where files differ from it."""
    git = shutil.which("git")
    if git is None:
        return ""
    command = [git, "-C", str(ROOT), "describe", "--always", "--dirty=+"]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()  # noqa: S603 - ours
