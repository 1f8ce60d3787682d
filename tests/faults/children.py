"""Runs ``mnistkit`` in processes of its own, many a second, and says how each ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

#: Seconds after which a command hangs: none takes a tenth of that.
LIMIT = 60


@dataclass(frozen=True)
class Outcome:
    """How a command ended; ``code`` is negative where a signal ended it."""

    code: int
    out: str
    err: str


class Child:
    """A command that runs."""

    def __init__(self, children, process, folder):
        self.process = process
        self.began = time.monotonic()
        self._children, self._folder = children, folder

    def send(self, number=signal.SIGKILL):
        """Send a signal; the command may have ended by then."""
        os.kill(self.process, number)

    def wait(self, limit=LIMIT) -> Outcome:
        """Wait for the end."""
        code = self._children.ask({"wait": self.process, "limit": limit})
        # Killed at once, it has not made them yet.
        said = [path for name in ("out", "err") if (path := self._folder / name).exists()]
        out, err = [*(path.read_text(errors="replace") for path in said), "", ""][:2]
        assert code is not None, f"no end after {limit} s; it said: {err}"
        return Outcome(code, out, err)


class Children:
    """The process that forks one for each command."""

    def __init__(self, folder: Path, **environment: str):
        tests = Path(__file__).parents[1]
        self._folder, self._count = folder, 0
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "faults.zygote"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tests,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment},
        )  # fmt: skip
        assert json.loads(self._zygote.stdout.readline()) == "ready"

    def start(
        self, *arguments, cwd="/", environment=None, habits=(), accident=None, user=None, file_bytes=None,
        program=None,
    ) -> Child:  # fmt: skip
        """Start ``mnistkit`` with some arguments."""
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        request = {
            "arguments": list(map(str, arguments)),
            "cwd": str(cwd),
            "environment": environment or {},
            "habits": habits,
            "accident": accident,
            "user": user,
            "file_bytes": file_bytes,
            "program": program and str(program),
            "out": str(folder / "out"),
            "err": str(folder / "err"),
        }
        return Child(self, self.ask(request), folder)

    def run(self, *arguments, **more) -> Outcome:
        """Run ``mnistkit`` to its end."""
        return self.start(*arguments, **more).wait()

    def ask(self, request):
        """Send a request and return the answer."""
        self._zygote.stdin.write(json.dumps(request) + "\n")
        self._zygote.stdin.flush()
        return json.loads(self._zygote.stdout.readline())

    def end(self):
        """End the process; its children have ended."""
        self._zygote.stdin.close()
        self._zygote.stdout.close()
        self._zygote.wait(LIMIT)
