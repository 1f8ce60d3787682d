"""A process that runs command lines, watched from outside: it may hang or die without harm to the tests."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

from malformed.case import Answer

_CHILD = Path(__file__).with_name("child.py")

#: A command that is still at work after so many seconds is hanging, however busy the machine is.
_HANGING = 60


class Confined:
    """Runs command lines in one process, and in a new one where that has ended or has grown large."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._err = tempfile.TemporaryFile("w+", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115 - for as long as this

    def run(self, *arguments: object) -> Answer:
        """Run a command line; fail where it hangs, or ends the process."""
        process = self._process = self._process or self._started()
        said = self._err.seek(0, 2)
        process.stdin.write(json.dumps([str(argument) for argument in arguments]) + "\n")
        process.stdin.flush()
        hangs = not select.select([process.stdout], [], [], _HANGING)[0]
        answer = "" if hangs else process.stdout.readline()
        self._err.seek(said)
        err = self._err.read()
        if not answer:
            self.stop()
            raise AssertionError(f"{'hangs' if hangs else f'died: {process.returncode}'}: {arguments}\n{err}")
        return Answer(err=err, **json.loads(answer))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._err.close()

    def stop(self) -> None:
        """End the process; the next command gets a new one."""
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()
        self._process = None

    def _started(self) -> subprocess.Popen[str]:
        # A child's peak begins with its parent's: so a small parent starts it.
        command = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-u", str(_CHILD)]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._err,
            text=True,
            start_new_session=True,
        )
