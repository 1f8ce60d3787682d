"""The IDX format: how MNIST and its family are published.

One file holds one array::

    0  0 0            always
    2  type           08 uint8, 09 int8, 0B int16, 0C int32, 0D float32, 0E float64
    3  dimensions     their number d
    4  d x uint32     the size of each, big-endian
       data           C order, big-endian

A split is a file of images beside a file of labels::

    train-images-idx3-ubyte    train-labels-idx1-ubyte
    t10k-images-idx3-ubyte     t10k-labels-idx1-ubyte

Colour images have four dimensions (``idx4``); labels with further columns have two (``idx2``), the
class first.  Both may be compressed.

``layout="torchvision"`` puts the four files where ``torchvision.datasets`` looks for them, in
``MNIST/raw`` (``FashionMNIST/raw``, ``KMNIST/raw``).  Source: ``raw_folder``, ``_check_exists`` and
``read_label_file`` of ``torchvision/datasets/mnist.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mnistkit.plugin import Format, Verdict, hookimpl, option

TYPE_CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}
TYPE_WORDS = {
    "uint8": "ubyte",
    "int8": "byte",
    "int16": "short",
    "int32": "int",
    "float32": "float",
    "float64": "double",
}

#: Names of IDX files in both published spellings, compression suffixes aside.
IDX_NAME = re.compile(r"[-._]idx\d+[-._](ubyte|byte|short|int|float|double)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class IdxWriteOptions:
    """How IDX files are written."""

    layout: Literal["published", "torchvision"] = option(
        "published", help="The four published files as they are, or below MNIST/raw for torchvision."
    )
    gzip: Literal["none", "fast", "canonical"] = option(
        "none", help="Compress with gzip: fast, or into the published bytes (canonical)."
    )


def sniff(head: bytes, names: Sequence[str]) -> Verdict:
    """Tell IDX by its magic number; a name alone makes it possible."""
    if head[:2] == b"\0\0" and len(head) > 3 and head[2] in TYPE_CODES.values() and head[3] > 0:
        return "yes"
    return "maybe" if any(IDX_NAME.search(name) for name in names) else "no"


def given(options: IdxWriteOptions) -> Mapping[str, Any]:
    """Say what the options change of the card: torchvision reads gray bytes and labels, and nothing else."""
    if options.layout == "published":
        return {}
    return {
        "dtypes": ("uint8",),
        "ranks": (2,),
        "unlabelled": False,
        "negative_labels": False,
        "extra_columns": "none",
    }


@hookimpl
def mnistkit_register_format() -> Format:
    """Return the card of ``idx``."""
    return Format(
        api=1,
        name="idx",
        summary="The format MNIST is published in: an array a file, images and labels apart.",
        suffixes=("-ubyte",),
        reader="mnistkit.idx.reader:IdxReader",
        writer="mnistkit.idx.writer:IdxWriter",
        write_options=IdxWriteOptions,
        sniff=sniff,
        dtypes=tuple(TYPE_CODES),
        extra_columns="integers",
        given=given,
    )
