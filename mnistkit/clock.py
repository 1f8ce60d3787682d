"""Where the time of an export goes, as seen from the thread that waits for all others.

Phases are exclusive: while one is inside another, the outer one stands still, so that they add up
to the whole.  Time spent waiting for other threads counts for what they are waited for.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

T = TypeVar("T")


class Clock:
    """Adds up seconds by phase; for one thread."""

    def __init__(self) -> None:
        #: Seconds by phase, in the order in which the phases began first.
        self.seconds: dict[str, float] = {}
        self._phases: list[str] = []
        self._since = 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Charge what happens inside to a phase."""
        self.seconds.setdefault(name, 0.0)
        self._charge()
        self._phases.append(name)
        try:
            yield
        finally:
            self._charge()
            self._phases.pop()

    def watch(self, name: str, items: Iterable[T]) -> Generator[T]:
        """Yield the items, charging to a phase what it takes to get each, not what is done with it."""
        rest = iter(items)
        try:
            while True:
                with self.phase(name):
                    try:
                        item = next(rest)
                    except StopIteration:
                        return
                yield item
                del item  # holds the last item no longer than its user does
        finally:
            if hasattr(rest, "close"):
                rest.close()

    def _charge(self) -> None:
        now = time.perf_counter()
        if self._phases:
            self.seconds[self._phases[-1]] += now - self._since
        self._since = now

    def __reduce__(self) -> tuple[type[Clock], tuple[()]]:
        """Begin anew in another process."""
        return Clock, ()
