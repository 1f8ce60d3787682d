"""The HDF5 format: arrays in a file that h5py, MATLAB, R, Julia and .NET open as they are.

``--layout splits``, the default, writes one file per split::

    train.h5
        image         (N, height, width[, channels])
        label         (N,)                            none where the split has no labels
        <column>      (N, …)                          one dataset per extra column
        @class_names  UTF-8 of fixed length           these four only where known
        @licence @citation @homepage

``--layout keras`` writes the whole dataset into one file, named after it::

    mnist.h5
        x_train  (N, height, width[, channels])       y_train  (N,)
        x_test   (M, height, width[, channels])       y_test   (M,)
        the same attributes

Numbers are little-endian and of the source's own types.  Images are compressed with gzip in chunks
of whole images unless ``--compression`` says otherwise; everything else is contiguous.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mnistkit.plugin import Format, Verdict, hookimpl, option

SUFFIXES = (".h5", ".hdf5", ".hdf")

SIGNATURE = b"\x89HDF\r\n\x1a\n"

#: Where the signature stands if something else, such as MATLAB's header, comes first.
_LATER = (512, 1024, 2048)


@dataclass(frozen=True, kw_only=True)
class Hdf5ReadOptions:
    """How HDF5 files that do not say it themselves are read."""

    image: str = option("", help="Name of the dataset that holds the images, where it cannot be told.")
    label: str = option("", help="Name of the dataset that holds the labels, where it cannot be told.")
    shape: str = option("", help="Shape of an image, as HxW or HxWxC, where the file holds flat rows.")


@dataclass(frozen=True, kw_only=True)
class Hdf5WriteOptions:
    """How HDF5 files are written."""

    layout: Literal["splits", "keras"] = option(
        "splits", help="Write one file per split, or one file with x_train, y_train, x_test and y_test."
    )
    compression: Literal["gzip", "lzf", "none"] = option(
        "gzip", help="Compress the images; gzip opens everywhere, lzf in h5py alone."
    )
    level: int = option(
        1, help="How hard gzip compresses: 1 is fast, 9 is smallest and slowest.", min=0, max=9
    )
    chunk: int = option(
        256, help="Compress at most this many images together, fewer where they exceed 1 MiB.", min=1
    )


def sniff(head: bytes, names: Sequence[str]) -> Verdict:  # noqa: ARG001 - content tells
    """Tell HDF5 by its signature; behind another file's header it is only possible."""
    if head.startswith(SIGNATURE):
        return "yes"
    return "maybe" if any(head[at:].startswith(SIGNATURE) for at in _LATER) else "no"


def given(options: Hdf5WriteOptions) -> Mapping[str, Any]:
    """Say what the options change of the card."""
    changed: dict[str, Any] = {} if options.compression == "none" else {"bytes_per_value": 0.3}
    if options.layout == "keras":
        changed |= {"unit": "dataset", "extra_columns": "none"}
    return changed


@hookimpl
def mnistkit_register_format() -> Format:
    """Return the card of the format."""
    return Format(
        api=1,
        name="hdf5",
        summary="HDF5 arrays of images and labels, one file per split or Keras's x_train in one.",
        suffixes=SUFFIXES,
        reader="mnistkit_hdf5.reader:Hdf5Reader",
        writer="mnistkit_hdf5.writer:Hdf5Writer",
        read_options=Hdf5ReadOptions,
        write_options=Hdf5WriteOptions,
        sniff=sniff,
        class_names=True,
        extra_columns="all",
        given=given,
    )
