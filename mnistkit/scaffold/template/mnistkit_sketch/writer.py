"""Writes the format: the images as they come, and the labels behind them."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from mnistkit.dataset import Array, Batch
from mnistkit.plugin import Part, Writer, Written
from numpy.lib import format as npy

from mnistkit_sketch import SUFFIX


class SketchWriter(Writer):
    """Writes one file for each part."""

    def write(self, folder: Path, part: Part, batches: Iterator[Batch]) -> Written:
        """Write a split, or some of its rows, holding one batch at a time."""
        split, path = part.split, folder / f"{part.stem}{SUFFIX}"
        label_dtype = split.label_dtype if self.options.labels == "same" else "int64"
        labels = []  # these may be held: at most eight bytes an image
        with part.sink(path) as sink:
            sink.write(_header(split.dtype, (part.rows, *split.shape)))
            for batch in batches:
                sink.write(_bytes(batch.images, split.dtype))
                if batch.labels is not None:
                    labels.append(_bytes(batch.labels, label_dtype))
            if split.labelled:
                sink.write(_header(label_dtype, (part.rows,)))
                sink.write(b"".join(labels))
        return Written((path.name,), part.rows, sha256=sink.sha256)


def _header(dtype: str | None, shape: tuple[int, ...]) -> bytes:
    """Return what stands before an array of a type and a shape."""
    buffer, descr = BytesIO(), npy.dtype_to_descr(_little(dtype))
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(buffer, header)
    return buffer.getvalue()


def _bytes(rows: Array, dtype: str | None) -> bytes:
    return rows.astype(_little(dtype), copy=False).tobytes()


def _little(dtype: str | None) -> np.dtype[Any]:
    """Return a type as it is written: the same bytes on every machine."""
    return np.dtype(dtype).newbyteorder("<")
