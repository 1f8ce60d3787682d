"""How those who wait learn how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

#: Called with what is being done, how much of it is done, and how much there is.
Progress: TypeAlias = Callable[[str, int, int], None]


def no_progress(what: str, done: int, total: int) -> None:
    """Take note of nothing."""


class Meter:
    """Counts what is done, for a progress display.

    Args:
        what: What is being done, in a word.
        total: How much there is to do.
        progress: Whom to tell.
    """

    def __init__(self, what: str, total: int, progress: Progress) -> None:
        self._what, self._total, self._progress = what, total, progress
        self._done = 0
        progress(what, 0, total)

    def add(self, count: int) -> None:
        """Count further images or bytes."""
        self._done += count
        self._progress(self._what, self._done, self._total)
