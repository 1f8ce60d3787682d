"""Checks installed plugins, each in a process of its own, which may hang, crash or print."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from mnistkit.contract.fast import FIRST, LAST
from mnistkit.errors import PluginError
from mnistkit.installed import Provided
from mnistkit.registry import Plugin


def check_plugins(plugins: Sequence[Plugin], *, seconds: float, workers: int) -> Iterator[Provided]:
    """Yield what is found of each plugin when it is held to the fast part of the contract.

    Args:
        plugins: The plugins, in the order of the results.
        seconds: How long the process of each may take; then it is killed.
        workers: How many of them run at once.
    """
    waiting = deque(plugins)
    with ExitStack() as stack:  # ends all of them, however this ends
        running: deque[_Check] = deque()
        while waiting or running:
            while waiting and len(running) < workers:
                running.append(stack.enter_context(_Check(waiting.popleft(), seconds)))
            yield running.popleft().result()


class _Check:
    """A process that checks one plugin."""

    def __init__(self, plugin: Plugin, seconds: float) -> None:
        self._plugin, self._seconds = plugin, seconds

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="mnistkit-check-", ignore_cleanup_errors=True)
        self._end = time.monotonic() + self._seconds
        # -P: the current folder is none of the plugin's; 2: whatever it prints goes to stderr.
        self._process = subprocess.Popen(  # noqa: S603 - our own code
            [
                *(sys.executable, "-P", "-m", "mnistkit.contract"),
                *(self._plugin.kind, self._plugin.name, self._folder.name),
            ],
            stdin=subprocess.DEVNULL,
            stdout=2,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()
        self._folder.cleanup()

    def result(self) -> Provided:
        """Wait for the end, bring it about if need be, and return what was found."""
        try:
            code = self._process.wait(max(self._end - time.monotonic(), 0))
            ended = "" if code == 0 else f"an end with {_reason(code)}"
        except subprocess.TimeoutExpired:
            ended = f"no end within {self._seconds:g} s"
        self._kill()
        return self._provided(ended)

    def _provided(self, ended: str) -> Provided:
        told = self._told()
        begun = told["begin"][-1] if told["begin"] else FIRST
        problems, faults = told["problem"], told["fault"]
        if ended or begun != LAST:
            found = f"expected that {begun}, found: {ended or 'an end with exit code 0'}"
            (problems if begun == FIRST else faults).append(found)
        api = told["api"][-1] if told["api"] else None
        return Provided(
            self._plugin, api, " ".join(map(self._sentence, problems)), tuple(map(self._sentence, faults))
        )

    def _told(self) -> dict[str, list[Any]]:
        told: dict[str, list[Any]] = {"begin": [], "api": [], "problem": [], "fault": []}
        for line in self._lines():
            for what, value in json.loads(line).items():
                told[what].append(value)
        return told

    def _lines(self) -> list[str]:
        findings = Path(self._folder.name, "findings")
        lines = findings.read_text("utf-8").splitlines(keepends=True) if findings.exists() else []
        return [line for line in lines if line.endswith("\n")]  # the last may be cut off

    def _sentence(self, finding: str) -> str:
        plugin = self._plugin
        if finding.startswith(f"{plugin.kind} {plugin.name!r}"):  # says so itself
            return finding
        todo = f"update {plugin.distribution}, or tell those who make it"
        return str(PluginError(plugin.title, finding, todo=todo))

    def _kill(self) -> None:
        """End the process and all that it has started."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                if hasattr(os, "killpg"):
                    os.killpg(self._process.pid, signal.SIGKILL)
                else:
                    self._process.kill()
        self._process.wait()


def _reason(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
