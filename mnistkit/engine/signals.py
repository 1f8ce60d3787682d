"""Lets Ctrl-C and SIGTERM wait while something must not be left half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_HELD = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_signals() -> Iterator[None]:
    """Hold a signal back until the end; a second one is not held back.

    Only what Python code handles is held, and only in the main thread, where that code runs.
    """
    usual = {int(number): handler for number in _HELD if callable(handler := signal.getsignal(number))}
    arrived: list[tuple[int, FrameType | None]] = []

    def hold(number: int, frame: FrameType | None) -> None:
        if arrived:
            usual[number](number, frame)
        arrived.append((number, frame))

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    for number in usual:
        signal.signal(number, hold)
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
        for number, frame in arrived[:1]:
            usual[number](number, frame)
