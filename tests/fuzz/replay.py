"""Inputs that a target is run on without a fuzzer: its seeds, what fuzzing found, and changes of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

from fuzz.mutate import mutations

#: A folder for each target, with the inputs that once broke something.
FINDINGS = Path(__file__).with_name("findings")


class Target(Protocol):
    """What each module of :mod:`fuzz.targets` has."""

    DICTIONARY: Sequence[bytes]
    seeds: Callable[[], Iterator[bytes]]
    target: Callable[[bytes], None]


def load(name: str) -> Target:
    """Import a target."""
    return import_module(f"fuzz.targets.{name}")


def findings(name: str) -> list[bytes]:
    """Return what fuzzing has found in a target, by the names of the files."""
    return [path.read_bytes() for path in sorted((FINDINGS / name).glob("*"))]


def changed(name: str, *, seed: int, count: int) -> Iterator[bytes]:
    """Yield so many inputs, made of a target's seeds and findings by small changes."""
    found = load(name)
    inputs = [*found.seeds(), *findings(name)]
    return mutations(inputs, found.DICTIONARY, seed=seed, count=count)
