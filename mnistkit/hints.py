"""What somebody may have meant who named something that is not there."""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like another; None where none is like it."""
    from difflib import get_close_matches  # noqa: PLC0415 - who names what is there needs none of it

    return next(iter(get_close_matches(word, known, n=1)), None)
