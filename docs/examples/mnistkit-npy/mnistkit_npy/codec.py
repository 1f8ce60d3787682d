"""Reads and writes NumPy files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from mnistkit.dataset import Array, Batch, DatasetInfo, SplitInfo, bounds_of
from mnistkit.errors import DataError
from mnistkit.plugin import Part, Reader, Writer, Written, spans
from mnistkit_npy import IMAGES, LABELS


class NpyReader(Reader):
    """Maps the files into memory; a split may be spread over several."""

    def info(self) -> DatasetInfo:
        """Read the headers, and the labels for their bounds."""
        self._splits = self.source.splits([IMAGES])
        if not self._splits:
            raise DataError(self.source.path, "no images", expected=f"files named *{IMAGES}")
        return DatasetInfo(self.source.name, tuple(self._describe(split) for split in self._splits))

    def files(self, split: str) -> Sequence[Path]:
        """Name the files of images, and those of labels beside them."""
        images = self._splits[split]
        return [*images, *(labels for path in images if (labels := _beside(path)).exists())]

    def batches(self, split: str, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Yield slices of the mapped arrays."""
        paths = self._splits[split]
        for span in spans((len(_map(path)) for path in paths), start, stop):
            images, labels = _open(paths[span.shard])
            for row in range(span.start, span.stop, size):
                rows = slice(row, min(row + size, span.stop))
                classes = None if labels is None else _native(labels[rows])
                yield Batch(_native(images[rows]), classes, span.offset + row)

    def _describe(self, split: str) -> SplitInfo:
        length, bounds, kinds = 0, None, set()
        for path in self._splits[split]:
            images, labels = _open(path)
            length += len(images)
            bounds = bounds if labels is None else bounds_of(labels, bounds)
            kinds.add((images.shape[1:], images.dtype.name, None if labels is None else labels.dtype.name))
        if len(kinds) > 1:
            raise DataError(self.source.path, f"files of split {split!r} differ", found=kinds)
        ((shape, dtype, label_dtype),) = kinds
        return SplitInfo(split, length, shape, dtype, label_dtype, bounds)


class NpyWriter(Writer):
    """Writes the headers, then one batch after the other."""

    def write(self, folder: Path, part: Part, batches: Iterator[Batch]) -> Written:
        """Write the files of a split, or of some of its rows."""
        split, names = part.split, [part.stem + IMAGES]
        with ExitStack() as stack:
            shape = (part.rows, *split.shape)
            append_images = stack.enter_context(_created(folder / names[0], split.dtype, shape))
            if split.label_dtype is not None:
                names.append(part.stem + LABELS)
                dtype = split.label_dtype if self.options.labels == "same" else "int64"
                append_labels = stack.enter_context(_created(folder / names[1], dtype, (part.rows,)))
            for batch in batches:
                append_images(batch.images)
                if batch.labels is not None:
                    append_labels(batch.labels)
        return Written(tuple(names), part.rows)


def _open(path: Path) -> tuple[Array, Array | None]:
    """Map a file of images, and the labels beside it, where there are any."""
    images, beside = _map(path), _beside(path)
    if images.ndim not in {3, 4}:
        raise DataError(path, "not images", expected="3 or 4 dimensions", found=images.ndim)
    if not beside.exists():
        return images, None
    labels = _map(beside)
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
        found = f"{labels.dtype} {labels.shape}"
        raise DataError(beside, "labels", expected=f"integers ({len(images)},)", found=found)
    return images, labels


def _beside(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(IMAGES) + LABELS)


def _map(path: Path) -> Array:
    try:
        return npy.open_memmap(path, mode="r")
    except (OSError, ValueError) as error:  # Python objects are refused here, never unpickled
        raise DataError(path, "not a readable NumPy file", found=error) from error


def _native(rows: Array) -> Array:
    return np.ascontiguousarray(rows, rows.dtype.newbyteorder("="))


@contextmanager
def _created(path: Path, dtype: str, shape: tuple[int, ...]) -> Iterator[Callable[[Array], int]]:
    """Create a file with a header; yield what appends rows to it."""
    little = np.dtype(dtype).newbyteorder("<")
    header = {"descr": npy.dtype_to_descr(little), "fortran_order": False, "shape": shape}
    with path.open("xb") as file:
        npy.write_array_header_1_0(file, header)
        yield lambda rows: file.write(np.ascontiguousarray(rows, little).data)
