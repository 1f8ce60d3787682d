"""Loops in C, compiled where mnistkit was built with a C compiler at hand.

::

    text.c      lines of decimal numbers from pixels, and pixels from plain lines; cells_avx2.h
    png.c       pixels from small plain PNG files, a batch at a time; inflate.h
    files.c     many small files made or read by one call; POSIX alone

Whatever is here exists a second time without C, gives the same bytes and the same errors, and is
chosen where this is not built or ``MNISTKIT_NATIVE=0`` turns it off.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import Literal, TypeAlias

from mnistkit.settings import native_wanted

_MODULES = ("text", "png", "files") if os.name == "posix" else ("text", "png")

State: TypeAlias = Literal["in use", "off", "not built", "broken"]


def state() -> State:
    """Tell whether the compiled loops are in use, and if they are not, why."""
    if not native_wanted():
        return "off"
    return _found()[0]


def problem() -> str:
    """Return why the compiled loops are broken, as the system's loader says it; nothing if they are not."""
    return _found()[1]


@cache
def _found() -> tuple[State, str]:
    try:
        for name in _MODULES:
            import_module(f"mnistkit.native.{name}")
    except ModuleNotFoundError:
        return "not built", ""
    except ImportError as error:
        return "broken", str(error)
    return "in use", ""
