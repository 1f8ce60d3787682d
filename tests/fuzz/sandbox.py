"""What all targets share: a folder to write in, both lanes, and what comes of a job."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from mnistkit import native
from mnistkit.errors import MnistkitError

T = TypeVar("T")


class Refusal(str):
    """What the project says of an input that it refuses."""

    __slots__ = ()


@cache
def _holder() -> tempfile.TemporaryDirectory[str]:
    memory = Path("/dev/shm")
    return tempfile.TemporaryDirectory(prefix="mnistkit-fuzz-", dir=memory if memory.is_dir() else None)


def folder() -> Path:
    """Return a folder of this process, in memory where the system has such; it goes when the process ends."""
    return Path(_holder().name)


def outcome(job: Callable[[], T]) -> T | Refusal:
    """Return what a job returns, or the words of its refusal; anything else that it raises is a finding."""
    try:
        return job()
    except MnistkitError as error:
        message = str(error)
    assert message
    assert len(message.splitlines()) == 1, message
    return Refusal(message)


def lanes() -> tuple[str, ...]:
    """Return the values of ``MNISTKIT_NATIVE`` that make a difference here."""
    with _lane("1"):
        return ("1", "0") if native.state() == "in use" else ("0",)


def same_in_both_lanes(job: Callable[[], T]) -> T | Refusal:
    """Return what comes of a job in the compiled and in the pure lane, which must be the same."""
    found = []
    for lane in lanes():
        with _lane(lane):
            found.append(outcome(job))
    assert found[0] == found[-1], f"compiled: {found[0]!r:.400}, pure: {found[-1]!r:.400}"
    return found[0]


@contextmanager
def _lane(wanted: str) -> Iterator[None]:
    before = os.environ.get("MNISTKIT_NATIVE")
    os.environ["MNISTKIT_NATIVE"] = wanted
    try:
        yield
    finally:
        del os.environ["MNISTKIT_NATIVE"]
        if before is not None:
            os.environ["MNISTKIT_NATIVE"] = before


def loops_of(name: str) -> Any:
    """Return compiled loops: those that the fuzzer has built with sanitizers, or the installed ones."""
    return import_module(f"mnistkit.native.{name}")
