"""Runs one target under the fuzzer: ``python -m fuzz.worker TARGET FOLDER ARGUMENTS…``."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import atheris
from fuzz.targets import TARGETS


def main(name: str, folder: str, *arguments: str) -> None:
    """Import the target with its branches counted, and hand over to libFuzzer, which ends the process.

    Args:
        name: The target.
        folder: Where the compiled loops are that count branches and run under sanitizers.
        arguments: Of libFuzzer.
    """
    _stay_on_one_cpu()
    logging.disable()
    with atheris.instrument_imports(include=list(TARGETS[name].modules)):
        from fuzz import replay, sanitized  # noqa: PLC0415 - watched from the first import on

        sanitized.use(TARGETS[name].native, Path(folder))
        target = replay.load(name).target
    atheris.Setup([sys.argv[0], *arguments], target)
    atheris.Fuzz()


def _stay_on_one_cpu() -> None:
    """Have readers start no threads: each run of an input is the same then, and quicker."""
    if hasattr(os, "sched_setaffinity"):
        cpus = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cpus[os.getpid() % len(cpus)]})


if __name__ == "__main__":
    main(*sys.argv[1:])
