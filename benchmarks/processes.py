"""The child processes of a race: workers that stay, and a launcher of command lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from benchmarks.data import Data
from benchmarks.model import Job, Side

ROOT = Path(__file__).resolve().parent.parent


class Stopped(Exception):  # noqa: N818 - not an error of ours
    """A side cannot go on; the argument says why, as ``{"missing" | "failed" | "wrong": sentence}``."""


class Runner(Protocol):
    """What runs a side."""

    def run(self, folder: Path) -> dict[str, Any]:
        """Run once, into an empty folder; return the figures of a sample."""

    def ask(self, **command: Any) -> dict[str, Any]:
        """Pass on any other command."""

    def close(self) -> None:
        """End the process."""


class Process:
    """A child that answers each line of JSON with one."""

    def __init__(self, argv: list[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self._log = log.open("w")
        self._child = subprocess.Popen(  # noqa: S603 - our own modules
            argv, cwd=ROOT, env={**_own_env(), **(env or {})}, text=True, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
        )  # fmt: skip

    def ask(self, **command: Any) -> dict[str, Any]:
        """Send one command and wait for the answer."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            print(json.dumps(command), file=self._child.stdin, flush=True)
            line = self._child.stdout.readline()
        except BrokenPipeError:
            line = ""
        answer: dict[str, Any] = json.loads(line) if line else self._end()
        if {"missing", "failed"} & set(answer):
            raise Stopped(answer)
        return answer

    def close(self) -> None:
        """Let the child end and wait for it."""
        self._child.communicate()
        self._log.close()

    def _end(self) -> dict[str, str]:
        status = self._child.wait()
        return {"failed": f"the process ended with status {status}: {last_line(Path(self._log.name))}"}


class Calls:
    """Calls inside one process that stays warm."""

    def __init__(self, job: Job, side: Side, data: Data, module: str, log: Path) -> None:
        self._process = Process(worker_command(module, job, data), log, side.env)
        self.ask, self.close = self._process.ask, self._process.close
        try:
            self.ask(do="start", side=side.name)
        except Stopped:
            self.close()
            raise

    def run(self, folder: Path) -> dict[str, Any]:
        """Call once."""
        return self.ask(do="run", folder=str(folder))


class Commands:
    """A command line, started again each time by a small process."""

    def __init__(self, job: Job, side: Side, data: Data, module: str, log: Path) -> None:  # noqa: ARG002 - as Calls
        assert side.command is not None
        self._command, self._env, self._data, self._log = side.command, side.env, data, log
        self._process = Process(
            [sys.executable, "-E", "-S", "-m", "benchmarks.launcher"], log.with_suffix(".launcher")
        )
        self.ask, self.close = self._process.ask, self._process.close

    def run(self, folder: Path) -> dict[str, Any]:
        """Start the command and wait for its exit."""
        argv = list(map(str, self._command(self._data, folder)))
        figures = self.ask(argv=argv, env={**installed_env(), **self._env}, log=str(self._log))
        if (status := figures.pop("status")) != 0:
            raise Stopped({"failed": f"exit status {status}: {last_line(self._log)}"})
        return figures


def _own_env() -> dict[str, str]:
    """Return the environment of our own processes, which must find the module of the jobs."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), *filter(None, sys.path)))}


def installed_env() -> dict[str, str]:
    """Return an environment in which the round that warms up leaves bytecode, as an installation does.

    Without it an editable installation would be compiled anew by every command, and no peer would.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def last_line(log: Path) -> str:
    """Return the last line that a process said."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"


def worker_command(module: str, job: Job, data: Data) -> list[str]:
    """Return how a worker for a job is started."""
    facts = json.dumps(asdict(data), default=str)
    return [sys.executable, "-m", "benchmarks.worker", module, job.name, facts]
