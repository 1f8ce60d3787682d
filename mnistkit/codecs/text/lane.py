"""Which of the two lanes text takes: compiled loops, or numpy and Arrow.  Both give the same."""

from __future__ import annotations

from typing import Literal, Protocol

from mnistkit import native
from mnistkit.codecs.text import pure
from mnistkit.codecs.text.layout import Layout
from mnistkit.codecs.text.pure import Bytes, Columns, Integers, Text


class Lane(Protocol):
    """What each of the two modules has."""

    def encode(
        self, pixels: Bytes, labels: Integers | None, *, separator: bytes, label: Literal["first", "last"]
    ) -> bytes:
        """Return one line for each row of pixels."""

    def decode(self, text: Text, layout: Layout, into: Bytes | None = None) -> tuple[Bytes, Columns] | None:
        """Decode plain lines; None where they are not plain, or not as many as there is room for."""

    def survey(self, text: Text, layout: Layout) -> tuple[Columns, Integers] | None:
        """Judge lines as ``decode`` does; return the other columns, and where each line begins."""

    def count(self, text: Text) -> int:
        """Count the line ends."""

    def starts(self, text: Text) -> Integers:
        """Return where each whole line begins."""


def lane() -> Lane:
    """Return the compiled lane, or the pure one where it is not built or ``MNISTKIT_NATIVE=0``."""
    if native.state() != "in use":
        return pure
    from mnistkit.codecs.text import native as compiled  # noqa: PLC0415 - may not be there

    return compiled
