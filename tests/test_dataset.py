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
        return DatasetInfo("liar", (SplitInfo("train", 10, (2, 2), "uint8", "uint8", (0, 9)),))

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
    "too many images": (
        Batch(np.zeros((11, 2, 2), "u1"), np.zeros(11, "u1")),
        "expected 10 images, found 11 or more",
    ),
    "fewer labels": (
        Batch(np.zeros((10, 2, 2), "u1"), np.zeros(7, "u1")),
        "labels and images differ in number: expected 10, found 7",
    ),
    "a table of labels": (Batch(np.zeros((10, 2, 2), "u1"), np.zeros((10, 1), "u1")), "found .*2-d labels"),
    "labels beyond their range": (
        Batch(np.zeros((10, 2, 2), "u1"), np.full(10, 200, "u1")),
        "split 'train': labels beyond the range announced: expected 0 to 9, found 200 to 200",
    ),
    "no arrays": (Batch([[0]], [0]), "failed while reading: found AttributeError"),
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
    with pytest.raises(DataError, match="labels without a class name: expected labels from 0 to 8, found 9"):
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


class Columns(Reader):
    """Two images with an extra column, as it was given."""

    def __init__(self, images, column):
        self.images, self._column = images, column

    def info(self):
        return DatasetInfo("columns", (SplitInfo("train", 2, (2, 3), extra=(ExtraColumn("x", "int64"),)),))

    def files(self, split):
        return ()

    def batches(self, split, start, stop, size):
        yield Batch(self.images, extra={"x": self._column})


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (np.zeros(2), r"found .*\('x', 'float64', \(\)\)"),
        (np.zeros((2, 4), "i8"), r"found .*\('x', 'int64', \(4,\)\)"),
        (np.zeros(1, "i8"), "x and images differ in number: expected 2, found 1"),
    ],
    ids=["another type", "another shape", "another number"],
)
def test_extra_columns_are_held_to_their_word(column, message):
    with pytest.raises(PluginError, match=message):
        list(Dataset(Columns(np.zeros((2, 2, 3), "u1"), column))["train"].batches())


def test_batches_are_ordered_native_and_read_only_without_touching_the_readers_own():
    images = np.arange(12, dtype="u1").reshape(2, 3, 2).swapaxes(1, 2)
    column = np.arange(2, dtype=">i8")

    (batch,) = Dataset(Columns(images, column))["train"].batches()

    assert batch.images.flags.c_contiguous
    np.testing.assert_array_equal(batch.images, images)
    assert batch.extra["x"].dtype.isnative
    assert not batch.images.flags.writeable
    assert not batch.extra["x"].flags.writeable
    assert images.flags.writeable
    assert column.flags.writeable


def test_batches_hold_no_more_than_was_asked_for():
    batch = Batch(np.zeros((10, 2, 2), "u1"), np.zeros(10, "u1"))

    with pytest.raises(PluginError, match="a batch: expected at most 4 images, found 10"):
        list(Dataset(Liar(batch))["train"].batches(4))


def test_what_is_loaded_at_once_is_held_to_the_same_word():
    class Loading(Liar):
        def load(self, split, start, stop):
            return self._batches[0]

    for batch, message in [
        (Batch(np.zeros((9, 2, 2), "u1"), np.zeros(9, "u1")), "expected 10 images, found 9"),
        (Batch(np.zeros((10, 2, 2), "u1"), np.full(10, 99, "u1")), "labels beyond the range announced"),
    ]:
        with pytest.raises(PluginError, match=message):
            Dataset(Loading(batch))["train"].load()


@pytest.mark.parametrize("labels", [[0, 2**63], [0, 2**64 - 1]])
def test_labels_beyond_int64_are_refused(labels):
    with pytest.raises(
        DataError, match=f"split 'train': labels: expected labels that fit int64, found 0 to {labels[1]}"
    ):
        Dataset.from_arrays({"train": (np.zeros((2, 2, 2), "u1"), np.array(labels, "u8"))})


def test_the_greatest_label_is_carried():
    split = Dataset.from_arrays({"train": (np.zeros((1, 2, 2), "u1"), np.array([2**63 - 1], "u8"))})["train"]

    assert split.info.label_range == (2**63 - 1, 2**63 - 1)


def test_labels_are_whole_numbers():
    with pytest.raises(
        DataError, match="split 'train': labels: expected a type of whole numbers, found float32"
    ):
        SplitInfo("train", 1, (2, 2), label_dtype="float32")


NO_COLUMNS = {
    "text": (np.array(["a", "b"]), "extra column 'x': type: expected numbers or booleans, found str"),
    "objects": (np.array([None, 1]), "expected numbers or booleans, found object"),
    "dates": (np.array(["2020", "2021"], "M8[s]"), "expected numbers or booleans, found datetime64"),
    "complex": (np.zeros(2, "c8"), "expected numbers or booleans, found complex64"),
    "ragged": ([[1], [1, 2]], "split 'train': extra column 'x': not an array: found "),
    "one number": (5, "split 'train': extra column 'x': not an array: found 5"),
}


@pytest.mark.parametrize(("column", "message"), NO_COLUMNS.values(), ids=NO_COLUMNS)
def test_extra_columns_are_numbers_or_booleans(column, message):
    with pytest.raises(DataError, match=message):
        Dataset.from_arrays({"train": (np.zeros((2, 2, 2), "u1"), None)}, extra={"train": {"x": column}})


@pytest.mark.parametrize("dtype", ["?", "u1", "i8", "f2", "f8"])
def test_numbers_and_booleans_are_extra_columns(dtype):
    column = np.ones(2, dtype)
    dataset = Dataset.from_arrays(
        {"train": (np.zeros((2, 2, 2), "u1"), None)}, extra={"train": {"x": column}}
    )

    assert dataset["train"].load().extra["x"].dtype == dtype


@pytest.mark.parametrize("name", ["", 5, "a\nb", "\ud800", "a\x7f"], ids=repr)
def test_names_of_extra_columns_are_plain_text(name):
    with pytest.raises(DataError, match="bad name: expected text without control characters"):
        ExtraColumn(name, "int64")


def test_extra_columns_belong_to_a_split_and_have_names_of_their_own():
    images = np.zeros((2, 2, 2), "u1")

    with pytest.raises(DataError, match="dataset: extra columns of no split: found tran"):
        Dataset.from_arrays({"train": (images, None)}, extra={"tran": {"x": [1, 2]}})
    with pytest.raises(DataError, match="split 'train': two extra columns of one name: found x, x"):
        SplitInfo("train", 1, (2, 2), extra=(ExtraColumn("x", "int8"), ExtraColumn("x", "int16")))


BAD_NAMES = {
    "a number": (["a", 5], "mine: name of class 1: expected text, found 5"),
    "nothing": (["", "b"], "mine: name of class 0: expected text, found ''"),
    "a lone surrogate": (["a", "\ud800"], r"mine: name of class 1: expected text, found '\\ud800'"),
    "the same twice": (
        ["a", "b", "a"],
        "mine: two classes of one name: expected names that differ, found 'a'",
    ),
    "one text": ("abc", "mine: class names: expected a list of names, found 'abc'"),
}


@pytest.mark.parametrize(("names", "message"), BAD_NAMES.values(), ids=BAD_NAMES)
def test_class_names_are_different_texts(names, message):
    with pytest.raises(DataError, match=message):
        Dataset.from_arrays({"train": (np.zeros((1, 2, 2), "u1"), [0])}, name="mine", class_names=names)


def test_no_class_has_a_number_below_zero():
    with pytest.raises(DataError, match="labels without a class name: expected labels from 0 to 1, found -1"):
        Dataset.from_arrays({"train": (np.zeros((1, 2, 2), "u1"), [-1])}, class_names=["a", "b"])


def test_dataset_is_used_like_a_mapping(small):
    assert len(small) == 2
    assert list(small) == ["train", "test"]
    assert "train" in small
    assert "tset" not in small


def test_a_view_of_no_rows_has_no_labels_to_bound(small):
    assert small["train"][5:5].info.label_range is None
    assert small["train"][5:6].info.label_range == small["train"].info.label_range
    assert small.select(limit=0).info.greatest_label == -1


@pytest.mark.parametrize("limit", [1.5, -1, "5", True], ids=repr)
def test_limit_is_a_whole_number_from_zero(small, limit):
    with pytest.raises(UsageError, match="limit: bad value: expected 0 or more images, found"):
        small.select(limit=limit)


def test_limit_may_be_of_numpy(small):
    assert len(small.select(limit=np.int64(3))["train"]) == 3


@pytest.mark.parametrize("names", ["train", b"train", 5], ids=repr)
def test_select_takes_a_list_of_names(small, names):
    with pytest.raises(UsageError, match="splits: bad value: expected a list of names, found"):
        small.select(names)


@pytest.mark.parametrize("length", [10**9, 10**18], ids=["more than there is", "more than can be addressed"])
def test_what_is_too_large_for_memory_is_refused_in_one_line(length):
    class Huge(Liar):
        def info(self):
            return DatasetInfo("huge", (SplitInfo("train", length, (1000, 1000)),))

    with pytest.raises(
        DataError, match=r"split 'train': too large for memory: found .* bytes of images"
    ) as caught:
        Dataset(Huge())["train"].load()

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [-1, 10**30])
def test_a_number_of_images_is_one_that_can_be(length):
    with pytest.raises(DataError, match=f"split 'train': bad number of images: found {length}"):
        SplitInfo("train", length, (2, 2))
