"""Datasets as columns: rows first, whatever the order in which a file keeps the axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod

import h5py
import numpy as np

from mnistkit.dataset import COLUMN_DTYPES, Array
from mnistkit.errors import DataError
from mnistkit_hdf5.attributes import read_attribute


@dataclass(frozen=True, kw_only=True)
class Column:
    """A dataset of numbers as rows.

    Attributes:
        name: Its name in the group.
        shape: Number of rows, then the shape of one.
        dtype: numpy's name of the type that its values are read as.
        axes: The stored axes in the order of ``shape``; the first is that of the rows.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    axes: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} {spelt(self.shape)} {self.dtype}"

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.shape[0]

    @property
    def kind(self) -> str:
        """The letter that numpy has for the kind of its values."""
        return np.dtype(self.dtype).kind

    @property
    def is_vector(self) -> bool:
        """Whether a row is one value."""
        return prod(self.shape[1:]) == 1

    def is_as_stored(self, dataset: h5py.Dataset) -> bool:
        """Whether values are read just as they are stored, in the same order and type."""
        return self.axes == tuple(range(dataset.ndim)) and self.dtype == dataset.dtype.name

    def read(self, group: h5py.Group, start: int, stop: int) -> Array:
        """Read rows: (stop - start, …), C-ordered, in native byte order, read-only.

        Raises:
            DataError: Values that are read as integers and are none.
        """
        dataset = group[self.name]
        stored = dataset[(slice(None),) * self.axes[0] + (slice(start, stop),)].transpose(self.axes)
        with np.errstate(invalid="ignore"):  # what is no number differs, below
            read = np.ascontiguousarray(stored, self.dtype)
        if stored.dtype.kind == "f" and read.dtype.kind == "i" and not np.array_equal(stored, read):
            found = stored[stored != read].flat[0]
            raise DataError(place_of(dataset), "labels", expected="whole numbers", found=found)
        read.flags.writeable = False
        return read


@dataclass(frozen=True)
class Members:
    """What is in a group.

    Attributes:
        columns: The arrays of numbers.
        groups: The groups.
        links: Names of links, which are not followed: what they lead to may lie in another file.
        others: Names of texts, scalars and whatever else is no array of numbers.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    groups: dict[str, h5py.Group] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def members_of(group: h5py.Group) -> Members:
    """Sort what is in a group by what it is."""
    found, arrays = Members(), dict[str, h5py.Dataset]()
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            found.links.append(name)
            continue
        member = group[name]
        if isinstance(member, h5py.Group):
            found.groups[name] = member
        elif isinstance(member, h5py.Dataset) and _is_array_of_numbers(member):
            arrays[name] = member
        else:
            found.others.append(name)
    found.columns.update(_columns(arrays))
    return found


def place_of(dataset: h5py.Dataset) -> str:
    """Return what messages call a dataset."""
    return f"{dataset.file.filename}, dataset {dataset.name!r}"


def spelt(shape: Iterable[int]) -> str:
    """Write a shape as messages have it: ``20x28x28``."""
    return "x".join(map(str, shape))


def _is_array_of_numbers(dataset: h5py.Dataset) -> bool:
    try:
        numbers = bool(dataset.shape) and dataset.dtype.name in COLUMN_DTYPES
    except TypeError:  # a type that numpy does not have
        return False
    return numbers and read_attribute(dataset, "MATLAB_class") not in {b"char", "char"}


def _columns(arrays: Mapping[str, h5py.Dataset]) -> dict[str, Column]:
    """Describe arrays as columns; those that MATLAB wrote are turned.

    MATLAB stores its first axis last.  Of its arrays, the rows are the axis that is as long as a vector
    beside them; failing that, the last of three or four axes and the first of two, as it is usual there.
    """
    turned = {n for n, array in arrays.items() if "MATLAB_class" in array.attrs}
    lengths = {max(arrays[name].shape) for name in turned if _is_vector(arrays[name])}
    columns = {}
    for name, array in arrays.items():
        axes = tuple(range(array.ndim))
        if name in turned:
            axes = axes[::-1] if _rows_are_last(array, lengths) else (0, *axes[:0:-1])
        columns[name] = Column(
            name=name, shape=tuple(array.shape[axis] for axis in axes), dtype=str(array.dtype.name), axes=axes
        )
    return columns


def _is_vector(array: h5py.Dataset) -> bool:
    return bool(sum(length != 1 for length in array.shape) <= 1)


def _rows_are_last(array: h5py.Dataset, lengths: Iterable[int]) -> bool:
    """Whether rows are along the stored order's last axis, which is MATLAB's first."""
    first, last = array.shape[0], array.shape[-1]
    if _is_vector(array):
        return bool(last >= first)
    if (first in lengths) != (last in lengths):
        return bool(last in lengths)
    return len(array.shape) == 2
