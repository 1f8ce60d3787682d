"""Batches read past HDF5, on all processors, where every column is in the file just as it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mnistkit.dataset import Array, Batch
from mnistkit.parallel import ordered_map, usable_cpus
from mnistkit_hdf5.places import Placed, State, still
from mnistkit_hdf5.rows import Stretches, regrouped


@dataclass(frozen=True, eq=False, kw_only=True)
class Direct:
    """The columns of a table and where each is.

    Attributes:
        path: The file.
        state: What tells that it is still the same.
        image: Where the images are.
        shape: Shape of one.
        beside: Where the further columns are, by name.
        label: Which of them are the labels, or None.
        first: Index in the columns of the table's first row.
        task: About how many images a worker reads at once.
    """

    path: Path
    state: State
    image: Placed
    shape: tuple[int, ...]
    beside: Mapping[str, Placed]
    label: str | None
    first: int
    task: int

    def load(self, start: int, stop: int) -> Batch:
        """Read rows at once, each chunk of images into its place.

        Raises:
            DataError: A damaged chunk, or the file has changed.
        """
        rows = np.empty((stop - start, *self.image.shape), self.image.dtype)

        def fill(task: range) -> None:
            with still(self.path, self.state) as file:
                self.image.read_into(rows[task.start - start : task.stop - start], file, self._at(task.start))

        workers = usable_cpus() if stop - start > self.task else 1  # a thread costs more than a chunk
        for _ in ordered_map(fill, self._tasks(start, stop, self.task), workers):
            pass
        beside = {name: self._read(place, start, stop) for name, place in self.beside.items()}
        return self._batch(rows, beside, start)

    def batches(self, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Read rows, ``size`` at a time; no chunk is read twice.

        Raises:
            DataError: A damaged chunk, or the file has changed.
        """
        beside = {name: Stretches(partial(self._read, place), stop) for name, place in self.beside.items()}
        images = ordered_map(
            lambda task: self._read(self.image, task.start, task.stop),
            self._tasks(start, stop, size),
            usable_cpus(),
        )
        for piece in regrouped(images, size):
            end = start + len(piece)
            yield self._batch(piece, {name: rows.read(start, end) for name, rows in beside.items()}, start)
            start = end

    def _tasks(self, start: int, stop: int, size: int) -> Iterator[range]:
        """Cut rows where chunks begin, into tasks of ``size`` or a little less or more."""
        step = self.image.step * max(1, size // self.image.step)
        begin = start
        while begin < stop:
            end = min(stop, begin + step - self._at(begin) % self.image.step)
            yield range(begin, end)
            begin = end

    def _read(self, place: Placed, start: int, stop: int) -> Array:
        rows = np.empty((stop - start, *place.shape), place.dtype)
        with still(self.path, self.state) as file:
            place.read_into(rows, file, self._at(start))
        return rows.astype(place.dtype.newbyteorder("="), copy=False)

    def _at(self, row: int) -> int:
        return self.first + row

    def _batch(self, images: Array, beside: Mapping[str, Array], start: int) -> Batch:
        native = images.astype(images.dtype.newbyteorder("="), copy=False).reshape(-1, *self.shape)
        extra = {name: rows for name, rows in beside.items() if name != self.label}
        return Batch(native, None if self.label is None else beside[self.label].reshape(-1), start, extra)
