"""A format like IDX that raises where it is told to: ``FAULTY_FORMAT="write KeyError"``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from mnistkit.idx import sniff as sniff_idx
from mnistkit.plugin import Format, hookimpl, option


class Wish(BaseException):
    """What some libraries raise to stop everything."""


class Mute(Exception):  # noqa: N818 - it is what it says
    """An error that fails to say what it is."""

    def __str__(self):
        raise ValueError("not even that")


FAULTS = {
    "KeyError": KeyError("boom"),
    "OSError": OSError(5, "Input/output error"),
    "MemoryError": MemoryError(),
    "RecursionError": RecursionError("too deep"),
    "StopIteration": StopIteration(),
    "two lines": ValueError("first\nsecond"),
    "Mute": Mute(),
    "SystemExit": SystemExit(0),
    "SystemExit with words": SystemExit("bye"),
    "GeneratorExit": GeneratorExit(),
    "Wish": Wish("stop"),
    "KeyboardInterrupt": KeyboardInterrupt(),
}


def fail(place):
    """Raise, if this is the place."""
    where, _, what = os.environ.get("FAULTY_FORMAT", "").partition(":")
    if where == place:
        raise FAULTS[what]


fail("import")


@dataclass(frozen=True, kw_only=True)
class WriteOptions:
    layout: Literal["published"] = option("published", help="What the writer of IDX asks for.")
    gzip: Literal["none"] = option("none", help="What it asks for, too.")

    def __post_init__(self):
        fail("write options")


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    def __post_init__(self):
        fail("read options")


def given(options):
    fail("given")
    return {}


def sniff(head, names):
    fail("sniff")
    return sniff_idx(head, names) if any(name.startswith("faulty") for name in names) else "no"


@hookimpl
def mnistkit_register_format():
    fail("hook")
    return Format(
        api=1,
        name="faulty",
        summary="Raises wherever it is told to.",
        suffixes=(".faulty",),
        reader="mnistkit_faulty_codec:FaultyReader",
        writer="mnistkit_faulty_codec:FaultyWriter",
        read_options=ReadOptions,
        write_options=WriteOptions,
        given=given,
        sniff=sniff,
    )
