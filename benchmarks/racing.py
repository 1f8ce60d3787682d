"""Runs the sides of a job in turn, A B A B, each time in a fresh folder and with its output checked.

Nothing is deleted between the runs: file systems create files more slowly soon after many were deleted.
Files are emptied once they are checked, lest the system write gigabytes back to disk beside the next runs.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from benchmarks.data import Data, ensure_repeated
from benchmarks.load import wait_for_quiet
from benchmarks.model import Job, Side
from benchmarks.processes import Calls, Commands, Process, Runner, Stopped, worker_command

#: A side that takes longer than this takes part in the first few rounds alone.
SLOW_SECONDS = 3.0
SLOW_ROUNDS = 3


@dataclass(frozen=True)
class Sample:
    """One checked run.

    Attributes:
        round: Counted from 1; pairs are made of the same round.
        seconds: Wall time.
        peak: Peak memory in bytes: of a command in all, of calls above what was held before the first.
        cpu: CPU seconds of all its threads and children.
        others: Share of one CPU that others took meanwhile.
        size: Bytes of the files it wrote.
    """

    round: int
    seconds: float
    peak: int | None
    cpu: float
    others: float | None
    size: int


@dataclass
class Record:
    """What became of one side: its samples, or why there are none."""

    side: Side
    samples: list[Sample] = field(default_factory=list)
    missing: str | None = None
    failed: str | None = None
    wrong: str | None = None

    @property
    def trouble(self) -> str | None:
        """Why its figures do not count."""
        if self.missing is not None:
            return f"missing: {self.missing}"
        if self.failed is not None:
            return f"failed: {self.failed}"
        return None if self.wrong is None else f"wrong output: {self.wrong}"


def race(
    job: Job, data: Data, scratch: Path, *, rounds: int, wait: float = 0, module: str = "benchmarks.jobs"
) -> list[Record]:
    """Measure all sides of a job.

    Args:
        job: What to measure.
        data: The images.
        scratch: A folder for what is written; emptied at the end unless the job keeps it.
        rounds: How many, besides the one to warm up.
        wait: How many seconds at most to wait for a quiet machine before each round.
        module: Where the workers find the job.
    """
    data = data.repeated(job.copies)
    ensure_repeated(data)
    records = [Record(side) for side in job.sides]
    scratch.mkdir(parents=True)
    with ExitStack() as stack:
        checker = stack.enter_context(
            closing(Process(worker_command(module, job, data), scratch / "checker.log"))
        )
        lanes = [
            _Lane(record, job, data, scratch=scratch / str(place), checker=checker, module=module)
            for place, record in enumerate(records)
        ]
        for lane in lanes:
            stack.enter_context(closing(lane))
        _run_rounds(lanes, min(rounds, job.rounds or rounds), wait)
    if not job.keep:
        shutil.rmtree(scratch)
    return records


def _run_rounds(lanes: list[_Lane], rounds: int, wait: float) -> None:
    """Let all lanes run in turn, once to warm up and then for the record; stop if ours cannot."""
    for number in range(rounds + 1):
        wait_for_quiet(wait)
        for lane in lanes:
            if number <= lane.rounds:
                lane.run(number)
            if lanes[0].record.trouble:
                return


class _Lane:
    """One side on its way through the rounds."""

    def __init__(
        self, record: Record, job: Job, data: Data, *, scratch: Path, checker: Process, module: str
    ) -> None:
        self.record = record
        self.rounds = sys.maxsize
        self._checker = checker
        self._scratch = scratch
        self._runner: Runner | None = None
        scratch.mkdir()
        self._attempt(lambda: self._start(job, data, module))

    def run(self, number: int) -> None:
        """Run once and check the output; round 0 warms up and is not recorded."""
        if not self.record.trouble:
            self._attempt(lambda: self._run(number))

    def close(self) -> None:
        """End the processes."""
        if self._runner is not None:
            self._runner.close()

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Stopped as stopped:
            ((what, why),) = stopped.args[0].items()
            setattr(self.record, what, why)

    def _start(self, job: Job, data: Data, module: str) -> None:
        side = self.record.side
        for name in side.needs:
            if find_spec(name) is None:
                raise Stopped({"missing": name})
        log = self._scratch / "log.txt"
        start = Commands if side.command else Calls
        self._runner = start(job, side, data, module, log)

    def _run(self, number: int) -> None:
        assert self._runner is not None
        folder = self._scratch / f"round-{number}"
        folder.mkdir()
        figures = self._runner.run(folder)
        returned = figures.pop("returned", False)
        where = self._runner if returned else self._checker
        answer = where.ask(do="check", side=self.record.side.name, folder=str(folder))
        if answer["wrong"] is not None:
            raise Stopped({"wrong": answer["wrong"]})
        if number:
            self.record.samples.append(Sample(number, **figures, size=size_of(folder)))
        elif figures["seconds"] > SLOW_SECONDS:
            self.rounds = SLOW_ROUNDS
        empty(folder)


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(file.stat().st_size for file in _files(folder))


def empty(folder: Path) -> None:
    """Cut all files below a folder to nothing, but for those that have another name elsewhere."""
    for file in _files(folder):
        if file.stat().st_nlink == 1:
            os.truncate(file, 0)


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path))
            else:
                yield entry
