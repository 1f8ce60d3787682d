"""What the reader of every format keeps."""

from __future__ import annotations

import pickle
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from mnistkit.dataset import Batch, Dataset, bounds_of
from mnistkit.testing.base import Contract
from mnistkit.testing.datasets import assert_same_content, drawn_dataset
from mnistkit.testing.watching import BATCHES, MOST_GROWTH, ROWS, no_file_left_open, peaks


class ReadingContract(Contract):
    """A reader gives any rows, as promised, and keeps nothing."""

    def test_row_ranges_are_read(self, tmp_path: Path) -> None:
        """Any slice of a split is what the same slice of the source is."""
        dataset = drawn_dataset(130, 10)
        found, generator = self._round_trip(dataset, tmp_path), np.random.default_rng(0)

        for _ in range(12):
            start, stop = sorted(map(int, generator.integers(0, 131, 2)))
            a, b = found["train"][start:stop].load(), dataset["train"][start:stop].load()
            assert np.array_equal(a.images, b.images), f"other pixels in rows {start} to {stop}"
            assert a.labels is not None
            assert b.labels is not None
            assert np.array_equal(a.labels, b.labels), f"other labels in rows {start} to {stop}"

    @pytest.mark.parametrize("size", [1, 7, 128, 1000])
    def test_batches_are_what_they_promise(self, tmp_path: Path, size: int) -> None:
        """Batches are in order, no longer than asked, and C-ordered in native byte order."""
        found = self._round_trip(drawn_dataset(130, 0), tmp_path)

        position = 0
        for batch in found.reader.batches("train", 0, 130, size):
            assert batch.start == position
            assert 0 < len(batch) <= size, f"{len(batch)} rows, asked for {size}"
            assert batch.images.flags.c_contiguous
            assert batch.images.dtype.isnative
            assert batch.labels is None or batch.labels.dtype.isnative
            position += len(batch)
        assert position == 130

    def test_label_bounds_are_exact(self, tmp_path: Path) -> None:
        """A reader knows the least and the greatest label of each split before it is read."""
        found = self._round_trip(drawn_dataset(23, 0, classes=7), tmp_path)

        for name, split in found.splits.items():
            labels = split.load().labels
            assert labels is not None
            assert split.info.label_range == bounds_of(labels), name

    def test_files_of_a_split_are_there(self, tmp_path: Path) -> None:
        """A reader names existing files for each split that has images."""
        found = self._round_trip(drawn_dataset(), tmp_path)

        for name in found.splits:
            files = found.reader.files(name)
            assert files, f"no files for {name}"
            assert all(path.exists() for path in files), files

    def test_a_reader_can_be_pickled(self, tmp_path: Path) -> None:
        """A reader that knows its source reads on in another process."""
        dataset = drawn_dataset()
        found = self._round_trip(dataset, tmp_path)

        again = pickle.loads(pickle.dumps(found.reader))  # noqa: S301 - what we pickled ourselves

        assert_same_content(Dataset(again, info=found.info), dataset)

    def test_several_threads_read_at_once(self, tmp_path: Path) -> None:
        """A reader with random access serves several threads."""
        dataset = drawn_dataset(400, 10)
        found = self._round_trip(dataset, tmp_path)
        if found.reader.access != "random":
            pytest.skip(f"{self.format} is read in order")
        starts = range(0, 390, 10)

        with ThreadPoolExecutor(4) as pool:
            slices = list(pool.map(lambda start: found["train"][start : start + 50].load().images, starts))

        expected = dataset["train"].load().images
        for start, images in zip(starts, slices, strict=True):
            assert np.array_equal(images, expected[start : start + 50]), f"other pixels from row {start} on"

    def test_an_abandoned_reader_closes_its_files(self, tmp_path: Path) -> None:
        """Whoever stops reading early leaves no file open."""
        found = self._round_trip(drawn_dataset(), tmp_path)

        with no_file_left_open(tmp_path):
            batches = cast("Generator[Batch]", found.reader.batches("train", 0, 30, 4))
            next(batches)
            batches.close()

    def test_reading_keeps_no_batches(self, tmp_path: Path) -> None:
        """Reading more images takes no more memory."""
        found = self._round_trip(drawn_dataset(BATCHES * ROWS, 0), tmp_path)

        def read(rows: int) -> None:
            for _ in found.reader.batches("train", 0, rows, ROWS):
                pass

        few, many = peaks(read)

        assert many - few < MOST_GROWTH, f"the peak grew from {few:,} to {many:,} bytes"
