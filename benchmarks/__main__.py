"""``python -m benchmarks``: measure, print the table, write Markdown, JSON and a plot."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from benchmarks import machine, plot, report
from benchmarks.data import REAL_DATA, prepare
from benchmarks.jobs import JOBS
from benchmarks.model import Job
from benchmarks.racing import race
from benchmarks.ratios import Result, conclude

_MOST_ROUNDS_NOTE = "medians of fewer than 7 rounds show the way, not the figure"


def main() -> int:
    """Run; return 1 if one of our own sides failed or its output was wrong."""
    chosen = _arguments()
    jobs = [job for job in JOBS if any(fnmatch(job.name, only) for only in chosen.only or ["*"])]
    if chosen.list:
        print("\n".join(f"{job.name:24} {job.title}" for job in jobs))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the scratch folder goes all the same
    results, facts = measure(jobs, chosen)
    _write(results, facts, chosen.out)
    return 1 if any(result.ours.trouble for result in results) else 0


def measure(jobs: Sequence[Job], chosen: argparse.Namespace) -> tuple[list[Result], dict[str, Any]]:
    """Run jobs one after the other in a scratch folder, which is deleted at the end."""
    if chosen.scratch is not None:
        chosen.scratch.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="mnistkit-benchmarks-", dir=chosen.scratch))
    try:
        _say(f"preparing {chosen.rows:,} images in {scratch}")
        data = prepare(scratch / "data", rows=chosen.rows, workers=chosen.workers)
        facts = {
            "machine": machine.describe(scratch),
            "versions": machine.versions(jobs),
            "data": f"{data.kind}, {data.rows:,} images of 28 × 28",
            "workers": chosen.workers,
            "rounds": f"{chosen.rounds}" + (f" ({_MOST_ROUNDS_NOTE})" if chosen.rounds < 7 else ""),
        }
        results = []
        for job in jobs:
            _say(f"{job.name}: {job.title}")
            results.append(
                conclude(job, race(job, data, scratch / job.name, rounds=chosen.rounds, wait=chosen.wait))
            )
            print(report.table(results[-1:]).split("\n", 2)[2], end="", flush=True)
    finally:
        shutil.rmtree(scratch)
    return results, facts


def _write(results: Sequence[Result], facts: dict[str, Any], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    text = report.markdown(results, facts)
    (out / "benchmarks.md").write_text(text, encoding="utf-8", newline="\n")
    (out / "benchmarks.json").write_text(report.as_json(results, facts), encoding="utf-8", newline="\n")
    drawn = plot.draw(results, out / "benchmarks.svg")
    for line in report.left_out(results):
        _say(line)
    _say(f"written to {out}: benchmarks.md, benchmarks.json" + (", benchmarks.svg" if drawn else ""))
    if not drawn:
        _say("no plot: nothing to draw, or matplotlib is missing")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure mnistkit beside its peers and the limits of the machine.",
        epilog=f"Real images where {REAL_DATA} names a folder with mnist/, else synthetic ones.",
    )
    add, here = parser.add_argument, Path("benchmark-results")
    add("--only", action="append", metavar="JOB", help="a job, or a pattern such as 'csv-*'; repeatable")
    add("--rounds", type=_positive, default=7, metavar="N", help="rounds besides the one to warm up [7]")
    add("--rows", type=_positive, default=60_000, metavar="N", help="images [60000]")
    add("--workers", type=_positive, default=_cpus(), metavar="N", help="threads or processes [the CPUs]")
    add(
        "--wait",
        type=float,
        default=0,
        metavar="SECONDS",
        help="wait for a quiet machine at most so long [0]",
    )
    add("--scratch", type=Path, metavar="DIR", help="where to write, on the file system to measure")
    add("--out", type=Path, default=here, metavar="DIR", help=f"where the results go [{here}]")
    add("--list", action="store_true", help="list the jobs")
    chosen = parser.parse_args()
    for only in chosen.only or ():
        if not any(fnmatch(job.name, only) for job in JOBS):
            parser.error(f"--only {only}: no such job; see --list")
    return chosen


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        message = f"{number} is not 1 or more"
        raise argparse.ArgumentTypeError(message)
    return number


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
