"""How long a mirror may take, and how often it is tried."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When to give a mirror up.

    Attributes:
        connect: Seconds to wait for a connection.
        silence: Seconds to wait for the next bytes.
        window: Seconds over which the rate is measured.
        least_rate: Bytes a second below which a mirror is too slow.
        retries: How often to try a mirror again after a failure that may pass.
        pause: Seconds before the first of these; each further pause is twice as long.
        redirects: How many redirects to follow.
        most_bytes: The largest file to accept where nobody states its size.
    """

    connect: float = 10.0
    silence: float = 30.0
    window: float = 30.0
    least_rate: int = 1024
    retries: int = 2
    pause: float = 0.5
    redirects: int = 5
    most_bytes: int = 4 << 30
