"""The format ``sketch``: a file for each split, with two NumPy arrays one after the other.

::

    train.sketch    images (60000, 28, 28) uint8, then labels (60000,) uint8
    test.sketch     images (10000, 28, 28) uint8, then labels (10000,) uint8

Without labels, there is one array.  ``np.load`` reads an array each time it is given the open file.

This module is the card: mnistkit imports it to list formats, so it imports nothing that takes time.
"""

from __future__ import annotations

from collections.abc import Sequence  # reader
from dataclasses import dataclass  # writer
from typing import Literal  # writer

from mnistkit.plugin import (
    Format,
    Verdict,  # reader
    hookimpl,
    option,  # writer
)

SUFFIX = ".sketch"


# <writer>
@dataclass(frozen=True, kw_only=True)
class SketchWriteOptions:
    """How files are written: each field is a flag and a keyword argument."""

    labels: Literal["same", "int64"] = option(
        "same", help="Write labels as they are, or as int64 for PyTorch."
    )


# </writer>
# <reader>
def sniff(head: bytes, names: Sequence[str]) -> Verdict:
    """Tell our files by NumPy's magic and by their names."""
    ours = any(name.endswith(SUFFIX) for name in names)
    return "yes" if ours and head.startswith(b"\x93NUMPY") else "no"


# </reader>
@hookimpl
def mnistkit_register_format() -> Format:
    """Return the card: what the format is and can carry."""
    return Format(
        api=1,
        name="sketch",
        summary="A file of NumPy arrays for each split, which np.load opens.",
        suffixes=(SUFFIX,),
        reader="mnistkit_sketch.reader:SketchReader",  # reader
        sniff=sniff,  # reader
        writer="mnistkit_sketch.writer:SketchWriter",  # writer
        write_options=SketchWriteOptions,  # writer
    )
