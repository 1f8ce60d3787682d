"""Datasets are typed, lazy, sliceable, and hold their readers to their word."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistkit.dataset import Batch, Dataset, DatasetInfo, ExtraColumn, SplitInfo
from mnistkit.errors import DataError, PluginError, UsageError
from mnistkit.plugin import Reader
from mnistkit.testing import drawn_dataset


class Liar(Reader):
    """Promises ten images and yields what it was given."""

    def __init__(self, *batches):
        self._batches = batches

    def info(self):
        return DatasetInfo("liar", (SplitInfo("train", 10, (2, 2), label_dtype="uint8"),))

    def files(self, split):
        return ()

    def batches(self, split, start, stop, size):
        yield from self._batches


@given(st.integers(-40, 40), st.integers(-40, 40), st.integers(1, 50))
def test_slices_are_views_of_the_same_rows(start, stop, size):
    split = drawn_dataset()["train"]
    whole = split.load()

    view = split[start:stop]

    batches = list(view.batches(size))
    expected = whole.images[start:stop]
    assert len(view) == len(expected)
    assert [b.start for b in batches] == list(range(0, len(expected), size))
    np.testing.assert_array_equal(view.load().images, expected)
    np.testing.assert_array_equal(view[1:3].load().labels, whole.labels[start:stop][1:3])


def test_an_index_reads_one_image_and_its_label(small):
    whole = small["train"].load()

    image, label = small["train"][-1]

    np.testing.assert_array_equal(image, whole.images[-1])
    assert label == whole.labels[-1]
    with pytest.raises(IndexError):
        small["train"][30]


def test_slices_have_no_step(small):
    with pytest.raises(UsageError, match="a slice has step 1"):
        small["train"][::2]


def test_unknown_split_names_those_there_are(small):
    with pytest.raises(UsageError, match="no split 'tset'; it has train, test"):
        small["tset"]


def test_arrays_from_readers_are_read_only(small):
    with pytest.raises(ValueError, match="read-only"):
        next(small["train"].batches()).images[0] = 0


def test_batches_are_about_a_megabyte_and_tile_the_digest_blocks():
    rows = {shape: SplitInfo("train", 1, shape).batch_rows for shape in [(1, 1), (28, 28), (4000, 4000)]}

    assert rows == {(1, 1): 4096, (28, 28): 1024, (4000, 4000): 1}


LIES = {
    "too few images": (Batch(np.zeros((9, 2, 2), "u1"), np.zeros(9, "u1")), "expected 10 images, found 9"),
    "another type": (Batch(np.zeros((10, 2, 2), "f4"), np.zeros(10, "u1")), "found .*float32"),
    "another shape": (Batch(np.zeros((10, 2, 3), "u1"), np.zeros(10, "u1")), r"found .*\(2, 3\)"),
    "no labels": (Batch(np.zeros((10, 2, 2), "u1")), "found .*None"),
    "another column": (
        Batch(np.zeros((10, 2, 2), "u1"), np.zeros(10, "u1"), extra={"x": np.zeros(10)}),
        "found .*'x'",
    ),
}


@pytest.mark.parametrize(("batch", "message"), LIES.values(), ids=LIES)
def test_reader_that_breaks_its_word_is_named(batch, message):
    with pytest.raises(PluginError, match=f"Liar: .*{message}"):
        list(Dataset(Liar(batch))["train"].batches())


BAD = {
    "labels and images of different number": (
        {"train": (np.zeros((3, 2, 2), "u1"), np.zeros(2, "u1"))},
        "labels and images differ in number: expected 3, found 2",
    ),
    "labels that are no integers": (
        {"train": (np.zeros((3, 2, 2), "u1"), np.zeros(3))},
        "expected a vector of integers, found 1-d float64",
    ),
    "one dimension": ({"train": (np.zeros(3, "u1"), None)}, "not images: .* found scalars"),
    "five dimensions": ({"train": (np.zeros((3, 2, 2, 2, 2), "u1"), None)}, "not images"),
    "no pixels": ({"train": (np.zeros((3, 0, 2), "u1"), None)}, "not images: .* found 0 x 2"),
    "text": ({"train": (np.full((3, 2, 2), "x"), None)}, "pixel type: .* found str"),
    "bad name of a split": ({"Train!": (np.zeros((3, 2, 2), "u1"), None)}, "split 'Train!': bad name"),
}


@pytest.mark.parametrize(("splits", "message"), BAD.values(), ids=BAD)
def test_arrays_that_are_no_dataset_are_refused(splits, message):
    with pytest.raises(DataError, match=message):
        Dataset.from_arrays(splits)


def test_class_names_that_repeat_the_numbers_are_none():
    assert drawn_dataset(class_names=[str(i) for i in range(10)]).info.class_names is None


def test_class_names_must_name_every_label():
    with pytest.raises(DataError, match="labels without a class name: expected labels below 9, found 9"):
        drawn_dataset(class_names=[f"class {i}" for i in range(9)])


def test_big_endian_arrays_are_taken_as_native():
    split = Dataset.from_arrays({"train": (np.arange(8, dtype=">i2").reshape(2, 2, 2), None)})["train"]

    assert split.load().images.dtype == np.dtype("int16")
    assert split.load().images.ravel().tolist() == list(range(8))


def test_extra_columns_travel_with_their_rows():
    images = np.zeros((5, 2, 2), "u1")
    boxes = np.arange(10).reshape(5, 2)
    split = Dataset.from_arrays({"train": (images, None)}, extra={"train": {"box": boxes}})["train"]

    assert split.info.extra == (ExtraColumn("box", "int64", (2,)),)
    assert split[3:].load().extra["box"].tolist() == [[6, 7], [8, 9]]


def test_select_keeps_order_and_limits_each_split(small):
    view = small.select(["test", "train"], limit=4)

    assert [(name, len(split)) for name, split in view.splits.items()] == [("test", 4), ("train", 4)]
    assert not view["train"].is_whole
    assert small["train"].is_whole


def test_infos_can_be_pickled(small):
    assert pickle.loads(pickle.dumps(small.info)) == small.info
