"""Writes NumPy archives: images as they come, labels and further columns behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import TypeAlias

import numpy as np
from numpy.lib import format as npy

from mnistkit.codecs.npz import SUFFIX as MEMBER
from mnistkit.codecs.zip import Sink, ZipWriter
from mnistkit.dataset import Array, Batch, DatasetInfo, SplitInfo
from mnistkit.errors import CapabilityError
from mnistkit.naming import SPLIT_WORDS, file_stem
from mnistkit.plugin import Loss, Part, Writer, Written
from mnistkit_npz import KMNIST, SUFFIX, NpzWriteOptions
from mnistkit_npz.keys import CLASS_NAMES, key_of_column, keys_of

#: Begins an array by its key and the bytes of a value; yields what takes its bytes.
_Begin: TypeAlias = Callable[[str, int], AbstractContextManager[Sink]]


class NpzWriter(Writer):
    """Writes one archive for the whole dataset, or one for each array of a split."""

    options: NpzWriteOptions

    def check(self, info: DatasetInfo) -> Sequence[Loss]:
        """Name the columns whose keys would be taken for other arrays.

        Raises:
            CapabilityError: A class name that numpy would cut.
        """
        for name in info.class_names or () if self.options.preset != "kmnist" else ():
            if name.endswith("\0"):
                raise CapabilityError("npz", "a text of numpy's does not end with NUL", found=ascii(name))
        if self.options.preset != "keras":
            return ()
        return [
            Loss(
                f"column {c.name!r} of split {split.name!r}: its key means something else",
                columns=(c.name,),
            )
            for split in info.splits
            for c in split.extra
            if key_of_column(c.name, split.name, info) is None
        ]

    def write(self, folder: Path, part: Part, batches: Iterator[Batch]) -> Written:
        """Write the archive of the dataset, or those of a split."""
        if self.options.preset == "kmnist":
            return self._write_apart(folder, part, batches)
        with part.sink(folder / (part.stem + SUFFIX)) as sink:
            archive = ZipWriter(sink, workers=part.workers)
            begin = self._in(archive)
            for split, rows in part.by_split(batches):
                _write_split(begin, self._columns(split, part.info), rows, folder)
            if part.info.class_names:
                names = np.array(part.info.class_names, np.str_)
                with begin(CLASS_NAMES, names.itemsize) as member:
                    member.write(_header(names.dtype.newbyteorder("<"), names.shape))
                    member.write(_little(names, names.dtype.newbyteorder("<")))
            archive.finish()
        return Written((part.stem + SUFFIX,), part.rows, sha256=sink.sha256)

    def _write_apart(self, folder: Path, part: Part, batches: Iterator[Batch]) -> Written:
        stem, sums = _stem_apart(part), dict[str, str]()

        @contextmanager
        def begin(ending: str, itemsize: int) -> Iterator[Sink]:
            with part.sink(folder / (stem + ending)) as sink:
                archive = ZipWriter(sink, workers=part.workers)
                with self._in(archive)("arr_0", itemsize) as member:
                    yield member
                archive.finish()
            sums[stem + ending] = sink.sha256.get(stem + ending, "")

        rows = replace(part.split, length=part.rows)
        _write_split(begin, self._columns(rows, part.info), batches, folder)
        return Written(
            tuple(sums), part.rows, sha256={name: digest for name, digest in sums.items() if digest}
        )

    def _in(self, archive: ZipWriter) -> _Begin:
        compressed = self.options.compression == "deflate"
        return lambda key, itemsize: archive.member(key + MEMBER, itemsize=itemsize, compressed=compressed)

    def _columns(self, split: SplitInfo, info: DatasetInfo) -> list[_Column]:
        """Name the arrays of a split, the images first."""
        preset, rows = self.options.preset, split.length
        splits = [one.name for one in info.splits]
        images, labels = KMNIST if preset == "kmnist" else keys_of(split.name, preset, splits)
        columns = [_Column(images, split.dtype, (rows, *split.shape), lambda batch: batch.images)]
        if split.label_dtype is not None:
            shape = (rows, 1) if preset == "medmnist" else (rows,)
            columns.append(_Column(labels, split.label_dtype, shape, lambda batch: batch.labels))
        for extra in split.extra if preset == "keras" else ():
            key = key_of_column(extra.name, split.name, info)
            if key is not None:
                columns.append(_Column(key, extra.dtype, (rows, *extra.shape), partial(_extra, extra.name)))
        return columns


def _stem_apart(part: Part) -> str:
    """Return KMNIST's ``kmnist-train``, unless the dataset has splits that no reader would find in that."""
    usual = {split.name for split in part.info.splits} <= set(SPLIT_WORDS.values())
    return f"{file_stem(part.info.name)}-{part.stem}" if usual else part.stem


def _extra(name: str, batch: Batch) -> Array:
    return batch.extra[name]


@dataclass(frozen=True)
class _Column:
    """An array to be written, and where its rows are in a batch."""

    key: str
    dtype: str
    shape: tuple[int, ...]
    rows_of: Callable[[Batch], Array | None]

    @property
    def header(self) -> bytes:
        return _header(self._little, self.shape)

    def encode(self, batch: Batch) -> memoryview:
        rows = self.rows_of(batch)
        assert rows is not None
        return _little(rows, self._little)

    @property
    def _little(self) -> np.dtype[np.generic]:
        return np.dtype(self.dtype).newbyteorder("<")


def _write_split(begin: _Begin, columns: Sequence[_Column], batches: Iterator[Batch], folder: Path) -> None:
    """Write images as they come; the other columns wait in files without a name, whatever their length."""
    images, beside = columns[0], columns[1:]
    with ExitStack() as stack:
        waiting = [stack.enter_context(TemporaryFile(dir=folder)) for _ in beside]
        with begin(images.key, np.dtype(images.dtype).itemsize) as member:
            member.write(images.header)
            for batch in batches:
                member.write(images.encode(batch))
                for column, file in zip(beside, waiting, strict=True):
                    file.write(column.encode(batch))
        for column, file in zip(beside, waiting, strict=True):
            file.seek(0)
            with begin(column.key, np.dtype(column.dtype).itemsize) as member:
                member.write(column.header)
                copyfileobj(file, member)


def _header(dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> bytes:
    header = BytesIO()
    npy.write_array_header_1_0(
        header, {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    )
    return header.getvalue()


def _little(rows: Array, dtype: np.dtype[np.generic]) -> memoryview:
    return np.ascontiguousarray(rows, dtype).reshape(-1).view(np.uint8).data
