"""The NPY format: a NumPy file of images and one of labels for each split.

::

    train-images.npy    (60000, 28, 28) uint8
    train-labels.npy    (60000,)        uint8    none where the split has no labels
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mnistkit.plugin import Format, Verdict, hookimpl, option

IMAGES, LABELS = "-images.npy", "-labels.npy"


@dataclass(frozen=True, kw_only=True)
class NpyWriteOptions:
    """How NumPy files are written."""

    labels: Literal["same", "int64"] = option(
        "same", help="Write labels as they are, or as int64 for PyTorch."
    )


def sniff(head: bytes, names: Sequence[str]) -> Verdict:
    """Tell NumPy files by their magic, and ours by their names."""
    if not head.startswith(b"\x93NUMPY"):
        return "no"
    return "yes" if any(name.endswith(IMAGES) for name in names) else "maybe"


@hookimpl
def mnistkit_register_format() -> Format:
    """Return the card of the format."""
    return Format(
        api=1,
        name="npy",
        summary="NumPy files of images and labels, which np.load opens.",
        suffixes=(".npy",),
        reader="mnistkit_npy.codec:NpyReader",
        writer="mnistkit_npy.codec:NpyWriter",
        write_options=NpyWriteOptions,
        sniff=sniff,
    )
