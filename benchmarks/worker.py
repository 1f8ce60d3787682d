"""A process that knows one job: sets a side up once, then times calls and checks outputs on command.

``python -m benchmarks.worker MODULE JOB DATA``, one JSON object a line::

    {"do": "start", "side": NAME}                      -> {}
    {"do": "run", "folder": PATH}                      -> {"seconds", "peak", "cpu", "others", "returned"}
    {"do": "check", "side": NAME, "folder": PATH}      -> {"wrong": null or a sentence}

What a run returns is checked here; what it writes, by a second worker that sets nothing up, so that
what a check imports neither warms nor burdens the side.  Errors come back as ``{"failed": …}``.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any, TextIO

from benchmarks import load
from benchmarks.data import Data
from benchmarks.model import Job, Run, Unavailable, WrongOutput


class Worker:
    """Carries out the commands."""

    def __init__(self, job: Job, data: Data) -> None:
        self.job = job
        self.data = data
        self.sides = {side.name: side for side in job.sides}
        self._run: Run | None = None
        self._returned: Any = None
        self._held: int | None = None

    def start(self, side: str) -> dict[str, Any]:
        """Do what comes before the first call."""
        setup = self.sides[side].setup
        assert setup is not None
        self._run = setup(self.data)
        len(self.data.images), len(self.data.labels)  # a check loads them: they are not the side's
        self._held = load.reset_peak()
        return {}

    def run(self, folder: str) -> dict[str, Any]:
        """Time one call."""
        assert self._run is not None
        self._returned = None  # two results at once would count as the peak of the second
        gc.collect()
        load.reset_peak()
        busy, cpu, start = load.busy_seconds(), _cpu_seconds(), time.perf_counter()
        self._returned = self._run(Path(folder))
        seconds = time.perf_counter() - start
        used, peak = _cpu_seconds() - cpu, load.peak()
        return {
            "seconds": seconds,
            "cpu": used,
            "others": load.others(busy, load.busy_seconds(), used, seconds),
            "peak": None if self._held is None or peak is None else max(0, peak - self._held),
            "returned": self._returned is not None,
        }

    def check(self, side: str, folder: str) -> dict[str, Any]:
        """Compare an output with the source."""
        try:
            self.job.check_of(self.sides[side])(self.data, Path(folder), self._returned)
        except WrongOutput as wrong:
            return {"wrong": str(wrong)}
        return {"wrong": None}


def job_named(module: str, name: str) -> Job:
    """Find a job in a module's ``JOBS``."""
    (job,) = (job for job in import_module(module).JOBS if job.name == name)
    found: Job = job
    return found


def main() -> None:
    """Answer until the input ends."""
    module, name, data = sys.argv[1:]
    answers = _own_output()
    facts = json.loads(data)
    worker = Worker(job_named(module, name), Data(**{**facts, "root": Path(facts["root"])}))
    for line in sys.stdin:
        print(json.dumps(_answer(worker, **json.loads(line))), file=answers, flush=True)


def _answer(worker: Worker, do: str, **arguments: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = getattr(worker, do)(**arguments)
    except Unavailable as missing:
        return {"missing": str(missing)}
    except Exception as error:  # noqa: BLE001 - a peer may fail in any way; the others are measured all the same
        return {"failed": f"{type(error).__name__}: {error}".split("\n")[0][:300]}
    return answer


def _own_output() -> TextIO:
    """Keep standard output for answers; whatever a side prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _cpu_seconds() -> float:
    children = getrusage(RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    main()
