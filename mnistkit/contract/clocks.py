"""Makes it later, for what must not depend on the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: By how many seconds: another day, month and year.
_FORWARD = 400 * 86400.0


@contextmanager
def put_forward() -> Iterator[None]:
    """Run a block in another second, by Python's ``time`` in another year.

    The clock of ``datetime`` cannot be put forward, but tells microseconds; those of C libraries, such as
    HDF5's, tell seconds.  What has taken ``from time import time`` for itself sees the next second only.
    """
    later = _later()
    usual = {name: getattr(time, name) for name in later}
    time.sleep(1 - time.time() % 1)  # until the second is over: less than one
    try:
        vars(time).update(later)
        yield
    finally:
        vars(time).update(usual)


def _later() -> dict[str, Callable[..., Any]]:
    now, local, utc, formatted = time.time, time.localtime, time.gmtime, time.strftime

    def later() -> float:
        return now() + _FORWARD

    return {
        "time": later,
        "time_ns": lambda: int(later() * 1e9),
        "localtime": lambda seconds=None: local(later() if seconds is None else seconds),
        "gmtime": lambda seconds=None: utc(later() if seconds is None else seconds),
        "strftime": lambda text, when=None: formatted(text, when or local(later())),
    }
