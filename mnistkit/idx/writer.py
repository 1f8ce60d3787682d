"""Writes datasets as IDX files."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, cast

import numpy as np

from mnistkit.dataset import Array, Batch, DatasetInfo, SplitInfo
from mnistkit.errors import CapabilityError
from mnistkit.idx import TYPE_WORDS
from mnistkit.idx.codec import Header
from mnistkit.plugin import Part, Writer, Written

_UINT8, _INT32 = (0, 255), (-(2**31), 2**31 - 1)


class IdxWriter(Writer):
    """Writes a file of images and, where there are labels, one of labels for each split.

    Labels are uint8 where all fit, else int32.  Integer extra columns go beside the class as int32.
    """

    def check(self, info: DatasetInfo) -> Sequence[str]:
        """Refuse labels that fit neither uint8 nor int32.

        Raises:
            CapabilityError: A label beyond int32.
        """
        for split in info.splits:
            _label_type(split)
        return ()

    def write(self, folder: Path, part: Part, batches: Iterator[Batch]) -> Written:
        """Write the files of one split under their published names."""
        split = part.split
        columns = _columns(split)
        suffix = ".gz" if self.options.gzip == "fast" else ""
        with ExitStack() as stack:
            images = _Array(split.dtype, (part.rows, *split.shape), "images", part, suffix)
            files = [images]
            images_file = stack.enter_context(images.open(folder))
            if split.labelled:
                shape = (part.rows, 1 + len(columns)) if columns else (part.rows,)
                labels = _Array(_label_type(split), shape, "labels", part, suffix)
                files.append(labels)
                labels_file = stack.enter_context(labels.open(folder))
            for batch in batches:
                images_file.write(_big_endian(batch.images, split.dtype))
                if batch.labels is not None:
                    labels_file.write(_big_endian(_label_rows(batch, columns), labels.dtype))
        return Written(tuple(f.name for f in files), part.rows)


class _Array:
    """An IDX file to be written: its type, shape and name."""

    def __init__(self, dtype: str, shape: tuple[int, ...], what: str, part: Part, suffix: str) -> None:
        self.dtype = dtype
        self.header = Header(np.dtype(dtype).newbyteorder(">"), shape)
        stem = "t10k" + part.stem.removeprefix("test") if part.split.name == "test" else part.stem
        self.name = f"{stem}-{what}-idx{len(shape)}-{TYPE_WORDS[dtype]}{suffix}"

    @contextmanager
    def open(self, folder: Path) -> Iterator[IO[bytes]]:
        with (folder / self.name).open("xb") as raw:
            if not self.name.endswith(".gz"):
                raw.write(self.header.encode())
                yield raw
                return
            # No name and time 0: the same data always makes the same file.
            with gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed:
                packed.write(self.header.encode())
                yield cast("IO[bytes]", packed)


def _columns(split: SplitInfo) -> list[str]:
    """Name the extra columns that IDX can carry: whole numbers, one an image."""
    return [c.name for c in split.extra if c.shape == () and np.dtype(c.dtype).kind in "iu"]


def _label_type(split: SplitInfo) -> str:
    if split.labelled and _columns(split):
        fitting = (("int32", _INT32),)
    else:
        fitting = (("uint8", _UINT8), ("int32", _INT32))  # type: ignore[assignment]  # one more than above
    least, greatest = split.label_range or (0, 0)
    for name, (low, high) in fitting:
        if low <= least and greatest <= high:
            return name
    raise CapabilityError(
        f"split {split.name!r}",
        "IDX labels",
        expected=f"{_INT32[0]} to {_INT32[1]}",
        found=f"{least} to {greatest}",
    )


def _label_rows(batch: Batch, columns: list[str]) -> Array:
    assert batch.labels is not None
    if not columns:
        return batch.labels
    values = [batch.labels, *(batch.extra[name] for name in columns)]
    for name, column in zip(columns, values[1:], strict=True):
        if len(column) and (column.min() < _INT32[0] or column.max() > _INT32[1]):
            raise CapabilityError(
                f"column {name!r}", "IDX columns are int32", found=f"{column.min()} to {column.max()}"
            )
    return np.stack(values, axis=1)


def _big_endian(rows: Array, dtype: str) -> memoryview:
    ordered = np.ascontiguousarray(rows, dtype=np.dtype(dtype).newbyteorder(">"))
    return ordered.reshape(-1).view(np.uint8).data
