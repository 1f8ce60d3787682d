"""Which of the two lanes small PNG files take: compiled loops, or zlib-ng and numpy.  Both give the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mnistkit import native
from mnistkit.codecs.png import pure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnistkit.dataset import Array


class Lane(Protocol):
    """What each of the two modules has."""

    def decode_alike(self, files: Sequence[bytes], images: Array, header: bytes) -> Sequence[int]:
        """Decode the plain files among several into the rows of images; return which are not decoded."""


def lane() -> Lane:
    """Return the compiled lane, or the pure one where it is not built or ``MNISTKIT_NATIVE=0``."""
    if native.state() != "in use":
        return pure
    from mnistkit.codecs.png import native as compiled  # noqa: PLC0415 - may not be there

    return compiled
