"""What the reader of every format keeps."""

from __future__ import annotations

import pickle
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from mnistkit.contract import content
from mnistkit.contract.datasets import assert_same_content
from mnistkit.contract.faults import expect
from mnistkit.contract.watching import assert_flat, lengths, no_file_left_open
from mnistkit.dataset import Array, Batch, Dataset, SplitInfo, bounds_of
from mnistkit.testing.base import Contract


class ReadingContract(Contract):
    """A reader gives any rows, as promised, and keeps nothing."""

    def test_row_ranges_are_read(self, tmp_path: Path) -> None:
        """Any slice of a split is what the same slice of the source is."""
        self._need("reader", "writer")
        content.gives_any_rows(self.subject, tmp_path)

    def test_batches_are_what_they_promise(self, tmp_path: Path) -> None:
        """Batches of any size are all announced rows in order, as typed, C-ordered, in native byte order."""
        dataset = self.subject.drawn_with_columns(130, 5)
        found = self._round_trip(dataset, tmp_path)

        for name, split in found.splits.items():
            expected = dataset[name].load()
            for size in (7, 1, 13, 128, 129, 1000):
                position = 0
                for batch in found.reader.batches(name, 0, len(split), size):
                    _check_batch(batch, split.info, size)
                    assert batch.start == position, f"a batch says it starts at {batch.start}, not {position}"
                    rows = slice(position, position + len(batch))
                    content.expect_rows(batch, expected[rows], f"in batches of {size}")
                    position += len(batch)
                assert position == len(split), f"{position} rows of {len(split)} in batches of {size}"

    def test_batches_stay_as_they_are(self, tmp_path: Path) -> None:
        """A batch that somebody keeps is not written to when the next ones are read."""
        dataset = self.subject.drawn_with_columns(130, 5)
        found = self._round_trip(dataset, tmp_path)

        kept = list(found.reader.batches("train", 0, 130, 13))

        expected = dataset["train"].load()
        for batch in kept:
            rows = slice(batch.start, batch.start + len(batch))
            content.expect_rows(batch, expected[rows], "in a batch that was kept while others were read")

    def test_label_bounds_are_exact(self, tmp_path: Path) -> None:
        """A reader knows the least and the greatest label of each split before it is read."""
        found = self._round_trip(self.subject.drawn(23, 0, classes=7), tmp_path)

        for name, split in found.splits.items():
            labels = split.load().labels
            expect(labels is not None, f"{name}: written with labels, read without")
            said, true = split.info.label_range, bounds_of(cast("Array", labels))
            expect(said == true, f"{name}: label_range is {said}, the labels have {true}")

    def test_files_of_a_split_are_there(self, tmp_path: Path) -> None:
        """A reader names existing files for each split that has images."""
        found = self._round_trip(self.subject.drawn(), tmp_path)

        for name in found.splits:
            files = found.reader.files(name)
            assert files, f"no files for {name}"
            assert all(path.exists() for path in files), files

    def test_a_reader_can_be_pickled(self, tmp_path: Path) -> None:
        """A reader that knows its source reads on in another process."""
        dataset = self.subject.drawn()
        found = self._round_trip(dataset, tmp_path)

        again = pickle.loads(pickle.dumps(found.reader))  # noqa: S301 - what we pickled ourselves

        assert_same_content(Dataset(again, info=found.info), dataset)

    def test_several_threads_read_at_once(self, tmp_path: Path) -> None:
        """A reader with random access serves several threads."""
        dataset = self.subject.drawn_with_columns(400, 10)
        found = self._round_trip(dataset, tmp_path)
        if found.reader.access != "random":
            pytest.skip(f"{self.format} is read in order")
        expected = dataset["train"].load()

        def read(start: int) -> None:
            rows = slice(start, start + 50)
            content.expect_split(found["train"][rows], expected[rows], f"from row {start} on")

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(read, range(0, 351, 7)))  # labels repeat every ten rows: no step may hide that

    def test_an_abandoned_reader_closes_its_files(self, tmp_path: Path) -> None:
        """Whoever stops reading early leaves no file open."""
        found = self._round_trip(self.subject.drawn(), tmp_path)

        with no_file_left_open(tmp_path):
            batches = cast("Generator[Batch]", found.reader.batches("train", 0, 30, 4))
            next(batches)
            batches.close()

    def test_reading_keeps_no_batches(self, tmp_path: Path) -> None:
        """Reading more images takes no more memory."""
        subject = self.subject
        found = self._round_trip(subject.drawn(max(lengths(subject.rows)), 0), tmp_path)

        def read(rows: int) -> None:
            for _ in found.reader.batches("train", 0, rows, subject.rows):
                pass

        assert_flat(read, subject.rows, subject.image_bytes)


def _check_batch(batch: Batch, info: SplitInfo, size: int) -> None:
    """Hold a batch to what was asked for and announced."""
    assert 0 < len(batch) <= size, f"{len(batch)} rows, asked for {size}"
    images, labels = batch.images, batch.labels
    assert images.flags.c_contiguous, "images are not C-ordered"
    assert images.dtype.isnative, f"images are {images.dtype.str}, not of the machine's byte order"
    assert images.dtype.name == info.dtype, f"images are {images.dtype.name}, info says {info.dtype}"
    assert images.shape[1:] == info.shape, f"images are {images.shape[1:]}, info says {info.shape}"
    assert (labels is not None) == info.labelled, "labels in one of info and batches only"
    if labels is not None:
        assert labels.dtype.isnative, f"labels are {labels.dtype.str}, not of the machine's byte order"
        assert labels.shape == (len(batch),), f"labels are {labels.shape}, of {len(batch)} images"
