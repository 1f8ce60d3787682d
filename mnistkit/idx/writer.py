"""Writes datasets as IDX files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from mnistkit.codecs.deflate import GzipWriter
from mnistkit.dataset import Array, Batch, DatasetInfo, SplitInfo
from mnistkit.errors import CapabilityError
from mnistkit.idx import TYPE_WORDS
from mnistkit.idx.canonical import Sink, check_gzip, open_canonical
from mnistkit.idx.codec import Header
from mnistkit.plugin import Loss, Part, Writer, Written

#: Datasets that torchvision has classes of their own for; its MNIST reads all others.
_TORCHVISION = {"fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}

_UINT8, _INT32 = (0, 255), (-(2**31), 2**31 - 1)


class IdxWriter(Writer):
    """Writes a file of images and, where there are labels, one of labels for each split.

    Labels are uint8 where all fit, else int32.  Integer extra columns go beside the class as int32.
    """

    def check(self, info: DatasetInfo) -> Sequence[Loss]:
        """Refuse labels that fit neither uint8 nor int32; labels get no wider than they need be.

        Raises:
            CapabilityError: A label beyond int32, no program to compress with, or what torchvision would
                not find or not read.
        """
        if self._for_torchvision:
            _check_torchvision(info, self.options.gzip)
        if self.options.gzip == "canonical":
            check_gzip()
        if {"test", "t10k"} <= {split.name for split in info.splits}:
            raise CapabilityError("format 'idx'", "splits 'test' and 't10k' have the same files")
        return [*self._lost_widths(info), *self._lost_columns(info)]

    def write(self, folder: Path, part: Part, batches: Iterator[Batch]) -> Written:
        """Write the files of one split under their published names."""
        split, columns = part.split, self._columns(part.split)
        place = _place(part.info) if self._for_torchvision else ""
        (folder / place).mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            images = _Array(split.dtype, (part.rows, *split.shape), "images", part, self.options.gzip)
            files = [images]
            images_file = stack.enter_context(images.open(folder / place))
            if split.labelled:
                shape = (part.rows, 1 + len(columns)) if columns else (part.rows,)
                labels = _Array(_label_type(split, columns), shape, "labels", part, self.options.gzip)
                files.append(labels)
                labels_file = stack.enter_context(labels.open(folder / place))
            for batch in batches:
                images_file.write(_big_endian(batch.images, split.dtype))
                if batch.labels is not None:
                    labels_file.write(_big_endian(_label_rows(batch, columns), labels.dtype))
        return Written(tuple(place + f.name for f in files), part.rows)

    @property
    def _for_torchvision(self) -> bool:
        return bool(self.options.layout == "torchvision")

    def _columns(self, split: SplitInfo) -> list[str]:
        """Name the extra columns that IDX can carry: whole numbers, one an image."""
        if self._for_torchvision:
            return []
        return [c.name for c in split.extra if c.shape == () and c.is_integer]

    def _lost_widths(self, info: DatasetInfo) -> Iterator[Loss]:
        stored = {s.label_dtype: _label_type(s, self._columns(s)) for s in info.splits if s.label_dtype}
        for wide, narrow in sorted(stored.items()):
            if not np.can_cast(wide, narrow):
                yield Loss(f"idx keeps labels as {narrow}, not as {wide}")

    def _lost_columns(self, info: DatasetInfo) -> Iterator[Loss]:
        """Tell the columns that have no file to go to: they stand beside the labels, where there are any."""
        unlabelled = [split for split in info.splits if not split.labelled]
        lost = dict.fromkeys(name for split in unlabelled for name in self._columns(split))
        if lost:
            yield Loss(f"idx keeps no extra columns without labels ({', '.join(lost)})", columns=tuple(lost))


class _Array:
    """An IDX file to be written: its type, shape and name."""

    def __init__(self, dtype: str, shape: tuple[int, ...], what: str, part: Part, gzip: str) -> None:
        self.dtype = dtype
        self.header = Header(np.dtype(dtype).newbyteorder(">"), shape)
        stem = "t10k" + part.stem.removeprefix("test") if part.split.name == "test" else part.stem
        self.name = f"{stem}-{what}-idx{len(shape)}-{TYPE_WORDS[dtype]}{'' if gzip == 'none' else '.gz'}"
        self._gzip, self._workers = gzip, part.workers

    @contextmanager
    def open(self, folder: Path) -> Iterator[Sink]:
        with self._sink(folder / self.name) as file:
            file.write(self.header.encode())
            yield file

    @contextmanager
    def _sink(self, path: Path) -> Iterator[Sink]:
        if self._gzip == "canonical":
            with open_canonical(path) as sink:
                yield sink
            return
        with path.open("xb") as file:
            if self._gzip == "none":
                yield file
                return
            with GzipWriter(file, itemsize=self.header.dtype.itemsize, workers=self._workers) as packed:
                yield packed


def _place(info: DatasetInfo) -> str:
    """Return the folder where torchvision looks for a dataset."""
    return f"{_TORCHVISION.get(info.name, 'MNIST')}/raw/"


def _check_torchvision(info: DatasetInfo, gzip: str) -> None:
    """Refuse what torchvision would not find, or would not read.

    Raises:
        CapabilityError: Compressed files, or labels beyond a byte.
    """
    if gzip != "none":
        raise CapabilityError("layout torchvision", "its files are plain", expected="gzip none", found=gzip)
    for split in info.splits:
        if split.label_range and split.label_range[1] > _UINT8[1]:
            raise CapabilityError(
                f"split {split.name!r}",
                "labels for torchvision",
                expected="0 to 255",
                found=split.label_range[1],
            )


def _label_type(split: SplitInfo, columns: Sequence[str]) -> str:
    fitting = {"int32": _INT32} if columns else {"uint8": _UINT8, "int32": _INT32}
    least, greatest = split.label_range or (0, 0)
    for name, (low, high) in fitting.items():
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
