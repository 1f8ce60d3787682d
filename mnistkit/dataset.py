"""What flows from every reader to every writer: a typed, lazy dataset.

A :class:`Dataset` holds splits by name; a :class:`Split` yields images and labels, one
:class:`Batch` after the other.  Nothing is read until a method is called: attributes are free, methods read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from numbers import Integral
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mnistkit.border import plugin_border, shown
from mnistkit.errors import DataError, PluginError, UsageError
from mnistkit.info import (
    COLUMN_DTYPES,
    DTYPES,
    LABEL_DTYPES,
    MOST_EXTRA,
    MOST_ROW_BYTES,
    MOST_ROWS,
    DatasetInfo,
    ExtraColumn,
    SplitInfo,
    within,
)
from mnistkit.parallel import ordered_map, usable_cpus
from mnistkit.progress import Progress, no_progress

if TYPE_CHECKING:
    from typing import Self

    from mnistkit.plugin import Reader

__all__ = [
    "COLUMN_DTYPES",
    "DTYPES",
    "LABEL_DTYPES",
    "MOST_EXTRA",
    "MOST_ROWS",
    "MOST_ROW_BYTES",
    "Array",
    "Batch",
    "Dataset",
    "DatasetInfo",
    "ExtraColumn",
    "Split",
    "SplitInfo",
    "bounds_of",
    "read_only",
    "title_of",
]

Array: TypeAlias = npt.NDArray[Any]

#: Batches of the usual size that one worker loads at a time: 16 MiB, Parquet's row group here.
_STRETCH_BATCHES = 16


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Consecutive images of one split.

    Attributes:
        images: (n, height, width) or (n, height, width, channels), C-order.
        labels: (n,) integers, or None where the split has no labels.
        start: Index in the split of the first image.
        extra: Further columns by name, each (n, …).

    Arrays that come from a reader are read-only: copy before you change them.
    """

    images: Array
    labels: Array | None = None
    start: int = 0
    extra: Mapping[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: slice) -> Batch:
        """Return some of the rows, counted from the first of this batch, without a copy."""
        start, _, step = rows.indices(len(self))
        if step != 1:
            raise UsageError("batch", "a slice has step 1", found=step)
        return Batch(
            self.images[rows],
            None if self.labels is None else self.labels[rows],
            self.start + start,
            {name: column[rows] for name, column in self.extra.items()},
        )


class Split:
    """Some consecutive images of one split, read when asked for.

    ``split[a:b]`` is a narrower view; ``split[i]`` reads image i and its label.
    """

    def __init__(
        self, reader: Reader, info: SplitInfo, *, origin: SplitInfo | None = None, offset: int = 0
    ) -> None:
        self.info = info
        self._reader = reader
        self._origin = origin or info
        self._offset = offset

    def __len__(self) -> int:
        return self.info.length

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.info.shape))
        return f"<Split {self.info.name}: {len(self):,} images {shape} {self.info.dtype}>"

    def __getitem__(self, key: slice | int) -> Any:
        """Return a view (slice), or one image and its label (index).

        Raises:
            IndexError: No such image.
            UsageError: A slice with a step.
        """
        if isinstance(key, slice):
            return self._view(key)
        index = range(len(self))[key]
        one = self._view(slice(index, index + 1)).load()
        return one.images[0], None if one.labels is None else int(one.labels[0])

    def _view(self, rows: slice) -> Split:
        start, stop, step = rows.indices(len(self))
        if step != 1:
            raise UsageError(f"split {self.info.name!r}", "a slice has step 1", found=step)
        length = max(0, stop - start)
        narrowed = replace(self.info, length=length, label_range=self.info.label_range if length else None)
        return Split(self._reader, narrowed, origin=self._origin, offset=self._offset + start)

    @property
    def is_whole(self) -> bool:
        """Whether this is all of the split as it is stored, not a part of it."""
        return len(self) == self._origin.length

    def files(self) -> Sequence[Path]:
        """Name the files that hold the split; none where it is made or kept in memory."""
        with self._border():
            return tuple(self._reader.files(self._origin.name))

    def batches(self, size: int | None = None) -> Iterator[Batch]:
        """Yield all images in order, ``size`` at a time (by default about 1 MiB).

        Raises:
            DataError: The source is not what it promises, or cannot be read.
            PluginError: The reader broke its contract.
        """
        size = self.info.batch_rows if size is None else size
        if size < 1:
            raise UsageError(f"split {self.info.name!r}", "batch size", expected="1 or more", found=size)
        position = 0
        with self._border():
            for batch in self._rows(size):
                checked = _checked(batch, position, self.info, title_of(self._reader))
                if len(checked) > size:
                    what = f"split {self.info.name!r}: a batch"
                    raise PluginError(
                        title_of(self._reader), what, expected=f"at most {size} images", found=len(checked)
                    )
                position += len(checked)
                self._check_length(position, least=0)
                yield checked
        self._check_length(position, least=len(self))

    def load(self) -> Batch:
        """Read all images into one batch, memory-mapped where the source is a plain IDX file.

        Where any rows can be read, all processors do.

        Raises:
            DataError: As :meth:`batches`, or it is too large for memory.
            PluginError: The reader broke its contract.
        """
        with self._border():
            mapped = self._reader.load(self._origin.name, self._offset, self._offset + len(self))
            if mapped is not None:
                self._check_length(len(mapped), least=len(self))
                return _checked(mapped, 0, self.info, title_of(self._reader))
        whole = _empty_batch(self.info, len(self))
        workers = usable_cpus() if self._reader.access == "random" else 1
        for _ in ordered_map(partial(self._load_into, whole), self._stretches(workers), workers):
            pass
        return whole

    def _stretches(self, workers: int) -> Sequence[slice]:
        """Return rows for one worker each, cut where Parquet's usual row groups begin."""
        size = _STRETCH_BATCHES * self.info.batch_rows
        if workers == 1 or len(self) <= size:
            return [slice(0, len(self))]
        cuts = [0, *range(size - self._offset % size, len(self), size), len(self)]
        return [slice(start, stop) for start, stop in pairwise(cuts)]

    def _load_into(self, whole: Batch, stretch: slice) -> None:
        part = whole[stretch]
        for batch in self[stretch].batches():
            rows = slice(batch.start, batch.start + len(batch))
            part.images[rows] = batch.images
            if part.labels is not None:
                part.labels[rows] = batch.labels
            for name, column in batch.extra.items():
                part.extra[name][rows] = column

    def _rows(self, size: int) -> Iterator[Batch]:
        stop = self._offset + len(self)
        return self._reader.batches(self._origin.name, self._offset, stop, size) if len(self) else iter(())

    def _border(self) -> plugin_border:
        return _reading(self._reader)

    def _check_length(self, found: int, *, least: int) -> None:
        if not least <= found <= len(self):
            raise PluginError(
                title_of(self._reader),
                f"split {self.info.name!r}",
                expected=f"{len(self)} images",
                found=found if found < len(self) else f"{found} or more",
            )


class Dataset:
    """Named splits of labelled images, read lazily from wherever they are.

    Use :func:`mnistkit.open` to get one, or :meth:`from_arrays` for arrays in memory.
    As a mapping does, it has a length, names to iterate over, and ``name in dataset``.

    Args:
        reader: What reads it.
        info: What is known of it, where that is not what the reader says.
        splits: Its splits, where they are not all that the info tells of, whole.

    Raises:
        DataError: The source is not what it promises to be, or cannot be read.
        PluginError: The reader failed.
    """

    def __init__(
        self, reader: Reader, *, info: DatasetInfo | None = None, splits: Iterable[Split] | None = None
    ) -> None:
        self.info = info or _info_from(reader)
        self.reader = reader
        if splits is None:
            splits = (Split(reader, split) for split in self.info.splits)
        self.splits: Mapping[str, Split] = MappingProxyType({split.info.name: split for split in splits})

    @classmethod
    def from_arrays(
        cls,
        splits: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike | None]],
        *,
        name: str = "dataset",
        class_names: Sequence[str] | None = None,
        extra: Mapping[str, Mapping[str, npt.ArrayLike]] | None = None,
    ) -> Self:
        """Make a dataset of arrays in memory.

        Args:
            splits: Name of each split -> (images, labels or None); shapes as in :class:`Batch`.
            name: What the dataset is called.
            class_names: Name of class i at index i.
            extra: Name of a split -> its further columns by name.

        Raises:
            DataError: Arrays that are not images and labels of equal length.
        """
        from mnistkit.arrays import ArrayReader  # noqa: PLC0415 - which reads what this module defines

        return cls(ArrayReader(name, splits, class_names, extra or {}))

    def __repr__(self) -> str:
        splits = ", ".join(f"{name}: {len(split):,}" for name, split in self.splits.items())
        return f"<Dataset {self.info.name}: {splits}>"

    @property
    def path(self) -> Path | None:
        """The file or folder that it is read from; None where it is made or kept in memory."""
        source = getattr(self.reader, "source", None)
        return source.path if source else None

    def __getitem__(self, name: str) -> Split:
        """Return a split by name.

        Raises:
            UsageError: No such split; the message names those there are.
        """
        if name not in self.splits:
            raise UsageError(self.info.name, f"no split {name!r}", todo=f"it has {', '.join(self.splits)}")
        return self.splits[name]

    def __len__(self) -> int:
        return len(self.splits)

    def __iter__(self) -> Iterator[str]:
        return iter(self.splits)

    def __contains__(self, name: object) -> bool:
        return name in self.splits

    def prepare(self, progress: Progress = no_progress) -> None:
        """Get ready to read all splits whole: fetch what is not here.

        Raises:
            DataError: Something cannot be fetched or read.
            PluginError: The reader failed.
        """
        with _reading(self.reader):
            self.reader.prepare(list(self.splits), progress)

    def select(self, names: Sequence[str] = (), *, limit: int | None = None) -> Dataset:
        """Return a view of some splits, cut to their first images.

        Where none is named, all are chosen but those that overlap others.

        Raises:
            UsageError: A split that the dataset does not have, one name where a list is due, or a
                limit that is no whole number from 0.
        """
        if not isinstance(names, Iterable) or isinstance(names, str | bytes):
            raise UsageError("splits", "bad value", expected="a list of names", found=repr(names))
        if limit is not None and (not isinstance(limit, Integral) or isinstance(limit, bool) or limit < 0):
            raise UsageError("limit", "bad value", expected="0 or more images", found=repr(limit))
        usual = (split.name for split in self.info.splits if not split.overlapping)
        views = [self[name][:limit] for name in dict.fromkeys(tuple(names) or usual)]
        narrowed = replace(self.info, splits=tuple(view.info for view in views))
        return Dataset(self.reader, info=narrowed, splits=views)


def bounds_of(labels: Array, known: tuple[int, int] | None = None) -> tuple[int, int] | None:
    """Widen known label bounds to hold further labels."""
    if not len(labels):
        return known
    least, greatest = int(labels.min()), int(labels.max())
    return (least, greatest) if known is None else (min(least, known[0]), max(greatest, known[1]))


def read_only(array: Array) -> Array:
    """Return an array that cannot be written to, in C order and native byte order; copied only if need be."""
    flags = array.flags
    if flags.c_contiguous and array.dtype.isnative and not flags.writeable:
        return array
    view = np.ascontiguousarray(array, array.dtype.newbyteorder("=")).view()
    view.flags.writeable = False  # of the view alone: the owner of the memory may go on writing to it
    return view


def title_of(reader: Reader) -> str:
    """Return what messages call a reader: ``package.module:Class``, as its card does."""
    return f"{type(reader).__module__}:{type(reader).__qualname__}"


def _reading(reader: Reader) -> plugin_border:
    source = getattr(reader, "source", None)
    return plugin_border(title_of(reader), doing="reading", where=getattr(source, "path", None))


def _info_from(reader: Reader) -> DatasetInfo:
    with _reading(reader):
        info = reader.info()
    if not isinstance(info, DatasetInfo):
        raise PluginError(title_of(reader), "info", expected="a DatasetInfo", found=shown(info))
    return info


def _empty_batch(info: SplitInfo, rows: int) -> Batch:
    try:
        return Batch(
            np.empty((rows, *info.shape), info.dtype),
            np.empty(rows, info.label_dtype) if info.label_dtype else None,
            0,
            {c.name: np.empty((rows, *c.shape), c.dtype) for c in info.extra},
        )
    except (MemoryError, ValueError) as error:  # numpy's word for more than can be addressed is ValueError
        raise DataError(
            f"split {info.name!r}",
            "too large for memory",
            found=f"{rows * info.image_bytes:,} bytes of images",
            todo="read it in batches",
        ) from error


def _checked(batch: Batch, start: int, info: SplitInfo, reader: str) -> Batch:
    """Hold a reader to its own word, so that a broken plugin cannot corrupt an export.

    Returns:
        The batch with C-ordered read-only arrays and its true start.
    """
    promised = (
        info.dtype,
        info.shape,
        info.label_dtype,
        sorted((c.name, c.dtype, c.shape) for c in info.extra),
    )
    kept = _kind_of(batch)
    if promised != kept:
        raise PluginError(reader, f"split {info.name!r} is not as announced", expected=promised, found=kept)
    for name, column in (("labels", batch.labels), *batch.extra.items()):
        if column is not None and len(column) != len(batch):
            what = f"split {info.name!r}: {name} and images differ in number"
            raise PluginError(reader, what, expected=len(batch), found=len(column))
    if batch.labels is not None:
        _check_labels(batch.labels, info, reader)
    return Batch(
        read_only(batch.images),
        None if batch.labels is None else read_only(batch.labels),
        start,
        {name: read_only(column) for name, column in batch.extra.items()},
    )


def _kind_of(batch: Batch) -> tuple[object, ...]:
    labels = batch.labels
    return (
        batch.images.dtype.name,
        batch.images.shape[1:],
        None if labels is None else labels.dtype.name if labels.ndim == 1 else f"{labels.ndim}-d labels",
        sorted((name, column.dtype.name, column.shape[1:]) for name, column in batch.extra.items()),
    )


def _check_labels(labels: Array, info: SplitInfo, reader: str) -> None:
    found = bounds_of(labels)
    if found and not (info.label_range and within(found, info.label_range)):
        raise PluginError(
            reader,
            f"split {info.name!r}: labels beyond the range announced",
            expected="{} to {}".format(*info.label_range) if info.label_range else "none",
            found="{} to {}".format(*found),
        )
