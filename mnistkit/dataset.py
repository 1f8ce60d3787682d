"""What flows from every reader to every writer: a typed, lazy dataset.

A :class:`Dataset` holds splits by name; a :class:`Split` yields images and labels, one
:class:`Batch` after the other.  Nothing is read until a method is called: attributes are free, methods read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mnistkit.errors import DataError, PluginError, UsageError

if TYPE_CHECKING:
    from typing import Self

    from mnistkit.plugin import Reader

Array: TypeAlias = npt.NDArray[Any]

DTYPES = (
    "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64",
)  # fmt: skip

SPLIT_NAME = re.compile(r"[a-z0-9_-]+")

#: Rows of a batch are a power of two and at most this, so that batches tile the digest's blocks.
MOST_ROWS = 4096
_BATCH_BYTES = 1 << 20


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


@dataclass(frozen=True, slots=True)
class ExtraColumn:
    """A column beside image and label: its name, numpy dtype name and the shape of one value."""

    name: str
    dtype: str
    shape: tuple[int, ...] = ()

    @property
    def is_integer(self) -> bool:
        """Whether its values are whole numbers."""
        return self.dtype.startswith(("int", "uint"))


@dataclass(frozen=True, slots=True)
class SplitInfo:
    """What is known of a split before its pixels are read.

    Attributes:
        name: ``train``, ``test``, … (``[a-z0-9_-]+``).
        length: Number of images.
        shape: Shape of one image: (height, width) or (height, width, channels).
        dtype: numpy's name of the pixels' type, one of :data:`DTYPES`.
        label_dtype: numpy's name of the labels' type, or None where there are no labels.
        label_range: Bounds (least, greatest) within which every label lies, or None where there
            are no labels or no images.
        extra: The further columns.
        overlapping: Whether its images are in another split too: it is exported only when named.
    """

    name: str
    length: int
    shape: tuple[int, ...]
    dtype: str = "uint8"
    label_dtype: str | None = None
    label_range: tuple[int, int] | None = None
    extra: tuple[ExtraColumn, ...] = ()
    overlapping: bool = False

    def __post_init__(self) -> None:
        if not SPLIT_NAME.fullmatch(self.name):
            raise DataError(f"split {self.name!r}", "bad name", expected=SPLIT_NAME.pattern)
        if len(self.shape) not in (2, 3) or min(self.shape) < 1:
            raise DataError(
                f"split {self.name!r}",
                "not images",
                expected="height x width [x channels], each at least 1",
                found=" x ".join(map(str, self.shape)) or "scalars",
            )
        if self.dtype not in DTYPES:
            raise DataError(
                f"split {self.name!r}", "pixel type", expected=", ".join(DTYPES), found=self.dtype
            )

    @property
    def labelled(self) -> bool:
        """Whether the images have labels."""
        return self.label_dtype is not None

    @property
    def values(self) -> int:
        """Number of pixel values of one image, channels included."""
        return math.prod(self.shape)

    @property
    def image_bytes(self) -> int:
        """Size of one image in memory, in bytes."""
        return self.values * np.dtype(self.dtype).itemsize

    @property
    def batch_rows(self) -> int:
        """Images of a batch of about 1 MiB: a power of two from 1 to 4096."""
        fitting = max(1, _BATCH_BYTES // self.image_bytes)
        return min(MOST_ROWS, 1 << (fitting.bit_length() - 1))


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What is known of a dataset before its pixels are read.

    Attributes:
        name: What the dataset is called, such as ``mnist``; it names exports.
        splits: The splits, in order.
        class_names: Name of class i at index i, or None where classes are plain numbers
            (names that merely repeat the number, ``("0", "1", …)``, become None).
        licence: Licence of the data, as a person would write it; empty where unknown.
        citation: How to cite the dataset.
        homepage: Where the dataset comes from.
        notes: Sentences on how it differs from its files, such as labels counted from 0, not 1.
    """

    name: str
    splits: tuple[SplitInfo, ...]
    class_names: tuple[str, ...] | None = None
    licence: str = ""
    citation: str = ""
    homepage: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [split.name for split in self.splits]
        if len(set(names)) != len(names):
            raise DataError(self.name, "two splits of one name", found=", ".join(sorted(names)))
        if self.class_names is not None:
            if all(name == str(i) for i, name in enumerate(self.class_names)):
                object.__setattr__(self, "class_names", None)
            elif self.greatest_label >= len(self.class_names):
                raise DataError(
                    self.name,
                    "labels without a class name",
                    expected=f"labels below {len(self.class_names)}",
                    found=self.greatest_label,
                )

    @property
    def greatest_label(self) -> int:
        """Upper bound of the labels of all splits; -1 where there are none."""
        return max((s.label_range[1] for s in self.splits if s.label_range), default=-1)

    @property
    def least_label(self) -> int:
        """Lower bound of the labels of all splits; 0 where there are none."""
        return min((s.label_range[0] for s in self.splits if s.label_range), default=0)

    @property
    def classes(self) -> int:
        """Number of classes: of names where there are names, else the greatest label and one."""
        return len(self.class_names) if self.class_names else self.greatest_label + 1

    def class_name(self, label: int) -> str:
        """Return the name of a class: its number where it has no other."""
        return self.class_names[label] if self.class_names else str(label)


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
        narrowed = replace(self.info, length=max(0, stop - start))
        return Split(self._reader, narrowed, origin=self._origin, offset=self._offset + start)

    @property
    def is_whole(self) -> bool:
        """Whether this is all of the split as it is stored, not a part of it."""
        return len(self) == self._origin.length

    def files(self) -> Sequence[Path]:
        """Name the files that hold the split; none where it is made or kept in memory."""
        return self._reader.files(self._origin.name)

    def batches(self, size: int | None = None) -> Iterator[Batch]:
        """Yield all images in order, ``size`` at a time (by default about 1 MiB).

        Raises:
            DataError: The source is not what it promises.
            PluginError: The reader broke its contract.
        """
        size = self.info.batch_rows if size is None else size
        if size < 1:
            raise UsageError(f"split {self.info.name!r}", "batch size", expected="1 or more", found=size)
        position = 0
        stop = self._offset + len(self)
        read = self._reader.batches(self._origin.name, self._offset, stop, size) if len(self) else iter(())
        for batch in read:
            _check_batch(batch, self.info, type(self._reader).__name__)
            labels = None if not self.info.labelled else batch.labels
            yield Batch(batch.images, labels, position, batch.extra)
            position += len(batch)
        if position != len(self):
            raise PluginError(
                type(self._reader).__name__,
                f"split {self.info.name!r}",
                expected=f"{len(self)} images",
                found=position,
            )

    def load(self) -> Batch:
        """Read all images into one batch, memory-mapped where the source is a plain IDX file."""
        mapped = self._reader.load(self._origin.name, self._offset, self._offset + len(self))
        if mapped is not None:
            return mapped
        whole = _empty_batch(self.info, len(self))
        for batch in self.batches():
            rows = slice(batch.start, batch.start + len(batch))
            whole.images[rows] = batch.images
            if whole.labels is not None:
                whole.labels[rows] = batch.labels
            for name, column in batch.extra.items():
                whole.extra[name][rows] = column
        return whole


class Dataset:
    """Named splits of labelled images, read lazily from wherever they are.

    Use :func:`mnistkit.open` to get one, or :meth:`from_arrays` for arrays in memory.
    """

    def __init__(self, reader: Reader, *, info: DatasetInfo | None = None) -> None:
        self.info = info or reader.info()
        self.reader = reader
        self.splits: Mapping[str, Split] = MappingProxyType(
            {split.name: Split(reader, split) for split in self.info.splits}
        )

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

    def select(self, names: Sequence[str] = (), *, limit: int | None = None) -> Dataset:
        """Return a view of some splits, cut to their first images.

        Where none is named, all are chosen but those that overlap others.

        Raises:
            UsageError: A split that the dataset does not have.
        """
        usual = (split.name for split in self.info.splits if not split.overlapping)
        chosen = [self[name] for name in dict.fromkeys(names or usual)]
        views = [split[:limit] for split in chosen]
        view = Dataset(self.reader, info=replace(self.info, splits=tuple(v.info for v in views)))
        view.splits = MappingProxyType({v.info.name: v for v in views})
        return view


def bounds_of(labels: Array, known: tuple[int, int] | None = None) -> tuple[int, int] | None:
    """Widen known label bounds to hold further labels."""
    if not len(labels):
        return known
    least, greatest = int(labels.min()), int(labels.max())
    return (least, greatest) if known is None else (min(least, known[0]), max(greatest, known[1]))


def _empty_batch(info: SplitInfo, rows: int) -> Batch:
    return Batch(
        np.empty((rows, *info.shape), info.dtype),
        np.empty(rows, info.label_dtype) if info.label_dtype else None,
        0,
        {c.name: np.empty((rows, *c.shape), c.dtype) for c in info.extra},
    )


def _check_batch(batch: Batch, info: SplitInfo, reader: str) -> None:
    """Hold a reader to its own word, so that a broken plugin cannot corrupt an export."""
    promised = (info.dtype, info.shape, info.label_dtype, tuple(sorted(c.name for c in info.extra)))
    kept = (
        batch.images.dtype.name,
        batch.images.shape[1:],
        None if batch.labels is None else batch.labels.dtype.name,
        tuple(sorted(batch.extra)),
    )
    if promised != kept:
        raise PluginError(reader, f"split {info.name!r} is not as announced", expected=promised, found=kept)
