"""What a benchmark is made of: a job has sides, and each side but ours a goal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from benchmarks.data import Data

#: What is timed: takes an empty folder to write to, returns what was read, or None if it wrote.
Run: TypeAlias = Callable[[Path], Any]
#: What comes before the first call, untimed: imports, and objects that its user would have already.
Setup: TypeAlias = Callable[[Data], Run]
#: A command line that writes into an empty folder.
Command: TypeAlias = Callable[[Data, Path], Sequence[str]]
#: Compares what came out with the source arrays; raises :class:`WrongOutput`.
Check: TypeAlias = Callable[[Data, Path, Any], None]

#: How a side is compared with ours.
#:
#: peer    peer's time / our time, higher is better
#: limit   our time / limit's time, lower is better
#: part    part's time / our time: what a step costs; no goal
#: memory  our peak - base's peak, MiB, lower is better
Role: TypeAlias = Literal["ours", "peer", "limit", "part", "memory"]


class WrongOutput(Exception):  # noqa: N818 - it is what was found, not what went wrong with us
    """What a side wrote or read is not what it was given."""


class Unavailable(Exception):  # noqa: N818 - likewise
    """What a side needs is not on this machine; the message says what."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """One way to do a job: called in a process that stays, or started as a command.

    Attributes:
        name: What the report calls it.
        role: How it is compared.
        setup: For calls; returns what is timed.
        command: For whole processes; the time is from start to exit.
        check: How its output is checked; the job's own if None.
        needs: Names of the modules that it imports; where one is missing the side is left out.
        env: Environment variables of its process.
        goal: For a peer the least ratio; for a limit and for memory the greatest; None for no goal.
        size_at_most: Greatest allowed size of our output / the size of its output.
        note: A remark for the report: which codec, how many threads.
    """

    name: str
    role: Role = "ours"
    setup: Setup | None = None
    command: Command | None = None
    check: Check | None = None
    needs: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    goal: float | None = None
    size_at_most: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if (self.setup is None) == (self.command is None):
            message = f"side {self.name!r} is either a call or a command"
            raise ValueError(message)


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """One row of the table: what we do, and what it is compared with.

    Attributes:
        name: What ``--only`` takes.
        title: A few words for the report.
        ours: Our side.
        others: Peers, limits and the like.
        check: How the outputs are checked, unless a side has a check of its own.
        copies: How many times the images are repeated.
        keep: Leave what was written until all jobs are done: file systems create files more slowly soon
            after many were deleted.
        rounds: Greatest number of rounds, where more would tell nothing.
    """

    name: str
    title: str
    ours: Side
    others: tuple[Side, ...]
    check: Check
    copies: int = 1
    keep: bool = False
    rounds: int | None = None

    @property
    def sides(self) -> tuple[Side, ...]:
        """Ours first: the order in which they run."""
        return (self.ours, *self.others)

    def check_of(self, side: Side) -> Check:
        """Return the check for a side."""
        return side.check or self.check
