"""Runs the code blocks of a page as a reader would: one after the other, in one folder."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from docs.pages import Block

#: Packages that blocks may need beside what the tests' own extra installs.
_PACKAGES = {"cv2", "datasets", "keras", "tensorflow", "torch", "torchvision"}

#: Language -> the program that runs it, and its arguments for a file of code.
_INTERPRETERS = {
    "r": ("Rscript", "--vanilla", "{}"),
    "octave": ("octave-cli", "--norc", "{}"),
    "sqlite3": ("sqlite3", "-bail", ":memory:", ".read {}"),
}

#: Programs that shell blocks may call beside mnistkit.
_PROGRAMS = {"cat", "head", "ls", "mkdir", "cp", "rm", "sha256sum", "(cd"}

_IMPORT = re.compile(r"^\s*(?:from|import)\s+(\w+)", re.MULTILINE)
_ASSIGNMENT = re.compile(r"[A-Z_]+=.*")


def needs(block: Block) -> frozenset[str]:
    """Return what a block needs that not every machine has: packages, programs, packages of R."""
    if block.language in _INTERPRETERS:
        libraries = re.findall(r"^library\((\w+)\)", block.code, re.MULTILINE)
        return frozenset([_INTERPRETERS[block.language][0], *(f"R's {library}" for library in libraries)])
    imported = _IMPORT.findall(block.code) if block.language == "python" else []
    if "keras" in imported:
        imported.append("tensorflow")  # Keras reads image folders with it, whatever it trains with
    return frozenset(imported) & _PACKAGES


def is_here(need: str) -> bool:
    """Whether this machine has something that a block needs."""
    if need in _PACKAGES:
        return importlib.util.find_spec(need) is not None
    if need.startswith("R's "):
        asked = ["Rscript", "--vanilla", "-e", f"library({need[4:]})"]
        return is_here("Rscript") and subprocess.run(asked, check=False, capture_output=True).returncode == 0
    return shutil.which(need) is not None


class Reader:
    """Runs blocks; what a failing one did not do is in the message.

    Args:
        cli: Runs ``mnistkit`` with arguments.
        patch: Sets environment variables for the time of the test.
    """

    def __init__(self, cli: Callable, patch: pytest.MonkeyPatch) -> None:
        self._cli, self._patch, self._code = cli, patch, 0

    def run(self, block: Block) -> None:
        """Run a block, or check what cannot run for syntax."""
        _LANGUAGES[block.language](self, block)

    def python(self, block: Block) -> None:
        exec(compile(block.code, block.place, "exec"), {"__name__": "__main__"})

    def shell(self, block: Block) -> None:
        for line in _commands(block.code):
            printed = self._command(line)
            assert self._code == 0, f"{block.place}: {line}\n{printed}"

    def console(self, block: Block) -> None:
        """Run the lines that begin with ``$`` and compare what they print; ``…`` stands for anything."""
        for typed, expected in _exchanges(block.code):
            printed = self._command(typed)
            pattern = ".*".join(map(re.escape, expected.strip().split("…")))
            assert re.fullmatch(pattern, printed.strip(), re.DOTALL), f"{block.place}: {typed}\n{printed}"

    def sql(self, block: Block) -> None:
        import duckdb  # noqa: PLC0415 - only pages with SQL need it

        duckdb.sql(block.code).fetchall()

    def interpreted(self, block: Block) -> None:
        script = Path(f"block.{block.language}")
        script.write_text(block.code, "utf-8")
        command = [argument.format(script) for argument in _INTERPRETERS[block.language]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{block.place}\n{done.stderr}{done.stdout}"

    def toml(self, block: Block) -> None:
        tomllib.loads(block.code)

    def json(self, block: Block) -> None:
        json.loads(block.code)

    def nothing(self, block: Block) -> None:
        """Drawings, and C#, which the tests of ML.NET compile."""

    def _command(self, line: str) -> str:
        words = shlex.split(line, comments=True)
        if words == ["echo", "$?"]:
            return str(self._code)
        if words[0] == "export" or all(map(_ASSIGNMENT.fullmatch, words)):
            for name, _, value in (word.partition("=") for word in words[words[0] == "export" :]):
                self._patch.setenv(name, value)
            return ""
        with self._assigned(words) as command:
            if command[0] == "mnistkit":
                result = self._cli(*command[1:])
                self._code = result.code
                return result.err + result.out
            assert command[0] in _PROGRAMS, f"mark it as not run, with the reason: {line}"
            done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
            self._code = done.returncode
            return done.stderr + done.stdout

    @contextmanager
    def _assigned(self, words: list[str]) -> Iterator[list[str]]:
        """Set the variables that stand before a command while it runs."""
        count = next(i for i, word in enumerate(words) if not _ASSIGNMENT.fullmatch(word))
        with pytest.MonkeyPatch.context() as patch:
            for name, _, value in (word.partition("=") for word in words[:count]):
                patch.setenv(name, os.path.expandvars(value))
            yield words[count:]


_LANGUAGES = {
    "python": Reader.python,
    "sh": Reader.shell,
    "console": Reader.console,
    "sql": Reader.sql,
    "r": Reader.interpreted,
    "octave": Reader.interpreted,
    "sqlite3": Reader.interpreted,
    "toml": Reader.toml,
    "json": Reader.json,
    "text": Reader.nothing,
    "csharp": Reader.nothing,
}


def is_runnable(language: str) -> bool:
    """Whether blocks of a language run, or hold nothing that could."""
    return language in _LANGUAGES


def _commands(code: str) -> list[str]:
    lines = code.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _exchanges(code: str) -> Iterator[tuple[str, str]]:
    """Yield each command and what it prints."""
    for part in re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]:
        typed, _, printed = part.partition("\n")
        yield typed, printed
