"""The compiled lane: what :mod:`mnistkit.codecs.png.pure` does, by the loops of ``native/png.c``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnistkit.native import png as loops

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnistkit.dataset import Array


def decode_alike(files: Sequence[bytes], images: Array, header: bytes) -> Sequence[int]:
    """As :func:`mnistkit.codecs.png.pure.decode_alike`, with filters undone in every file."""
    n, height = images.shape[:2]
    row, pixel = images[:1, :1].nbytes, images[:1, :1, :1].nbytes
    are_plain = loops.decode(tuple(files), header, height, row, pixel, images.itemsize == 2, images)
    return [i for i in range(n) if not are_plain[i]] if 0 in are_plain else ()
