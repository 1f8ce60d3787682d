"""Loading by several threads: the same arrays, the same errors, whatever the number of processors."""

from __future__ import annotations

import numpy as np
import pytest

from mnistkit import dataset as module
from mnistkit.dataset import Batch, Dataset, DatasetInfo, ExtraColumn, SplitInfo
from mnistkit.errors import DataError
from mnistkit.plugin import Reader

ROWS = 50_000


class Counting(Reader):
    """Row i of 4 x 4 pixels is i % 251; which rows were asked for is kept."""

    def __init__(self, *, access="random", bad=()):
        self.access, self.bad, self.asked = access, bad, []

    def info(self):
        extra = (ExtraColumn("index", "int64"),)
        return DatasetInfo("rows", (SplitInfo("train", ROWS, (4, 4), "uint8", "uint8", (0, 9), extra),))

    def files(self, split):
        return ()

    def batches(self, split, start, stop, size):
        self.asked.append((start, stop))
        for first in range(start, stop, size):
            index = np.arange(first, min(first + size, stop))
            if set(self.bad) & set(index.tolist()):
                raise DataError(f"rows from {first}", "damaged")
            images = np.broadcast_to((index % 251).astype("u1")[:, None, None], (len(index), 4, 4))
            yield Batch(images, (index % 10).astype("u1"), first, {"index": index})


@pytest.fixture(autouse=True)
def three_processors_and_small_stretches(monkeypatch):
    monkeypatch.setattr(module, "usable_cpus", lambda: 3)
    monkeypatch.setattr(module, "_STRETCH_BATCHES", 2)


@pytest.mark.parametrize("access", ["random", "sequential"])
@pytest.mark.parametrize("rows", [slice(None), slice(100, 40_000), slice(8192, 16384), slice(7, 7)], ids=str)
def test_any_rows_are_loaded(access, rows):
    loaded = Dataset(Counting(access=access))["train"][rows].load()

    index = np.arange(ROWS)[rows]
    np.testing.assert_array_equal(loaded.extra["index"], index)
    np.testing.assert_array_equal(loaded.labels, index % 10)
    np.testing.assert_array_equal(loaded.images[:, 3, 3], index % 251)


def test_stretches_begin_at_multiples_of_their_size():
    reader = Counting()

    Dataset(reader)["train"][100:20_000].load()

    assert sorted(reader.asked) == [(100, 8192), (8192, 16384), (16384, 20_000)]


def test_sequential_source_is_read_once_from_its_front():
    reader = Counting(access="sequential")

    Dataset(reader)["train"].load()

    assert reader.asked == [(0, ROWS)]


def test_first_of_several_errors_is_the_one_that_is_raised():
    reader = Counting(bad=[45_000, 20_000])

    with pytest.raises(DataError, match="rows from 16384: damaged"):
        Dataset(reader)["train"].load()
