"""Small datasets of every kind, as ML.NET reads them."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from mlnet.client import ask, binary, images, options, text, text_with

import mnistkit
from mnistkit.dataset import Dataset
from mnistkit.testing import drawn_dataset

#: What a comma, a quote or an encoding would break.
NAMES = ["T-shirt/top", 'a"b', "ключ"]
SUFFIXES = {"tab": ".tsv", "comma": ".csv", "semicolon": ".csv", "space": ".txt", "bar": ".txt"}


@pytest.fixture
def look(mlnet_home, tmp_path):
    """Export a dataset and return what ML.NET hands back of one of its files, values and all."""

    def answer(dataset, to, file, view, **chosen):
        mnistkit.export(dataset, to, tmp_path / "out", **chosen)
        return ask(mlnet_home, {"it": view(tmp_path / "out" / file, values=True)})["views"]["it"]

    return answer


def extremes() -> Dataset:
    """Return images 3 × 4: all 0, all 255, the first pixel alone, the last alone; classes 0, 9, 3, 1."""
    pixels = np.zeros((4, 3, 4), np.uint8)
    pixels[1] = 255
    pixels[2, 0, 0] = 1
    pixels[3, 2, 3] = 254
    return Dataset.from_arrays({"train": (pixels, np.array([0, 9, 3, 1]))}, name="extremes")


def assert_is(seen, dataset):
    """Assert that ML.NET handed back a dataset's ``train`` and had nothing to say about it."""
    whole = dataset["train"].load()
    assert (seen["bad"], seen["messages"]) == (0, [])
    assert seen["pixels"] == whole.images.reshape(len(whole.images), -1).tolist()
    assert seen["labels"] == (None if whole.labels is None else whole.labels.tolist())


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("separator", SUFFIXES)
def test_every_separator_is_read_by_the_file_alone(look, separator, sparse):
    file = "train" + SUFFIXES[separator]

    seen = look(extremes(), "mlnet", file, text, separator=separator, sparse=sparse)

    assert_is(seen, extremes())
    assert seen["schema"] == {"Label": "Key<UInt32, 0-9>", "Features": "Vector<Single, 12>"}
    assert seen["slot_names"] == [f"pixel{i}" for i in range(12)]


def test_sparse_text_without_a_schema_is_read_by_options(look):
    given = options(12, 10, header=True, sparse=True)

    def view(path, **more):
        return text_with(path, given, **more)

    assert_is(look(extremes(), "mlnet", "train.tsv", view, schema=False, sparse=True), extremes())


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_channels_stand_side_by_side_in_the_vector(look, sparse):
    dataset = drawn_dataset(5, 0, shape=(4, 4, 3)).select(["train"])

    assert_is(look(dataset, "mlnet", "train.tsv", text, sparse=sparse), dataset)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_text_without_labels_has_no_label_column(look, sparse):
    dataset = drawn_dataset(5, 0, shape=(4, 4), labelled=False).select(["train"])

    seen = look(dataset, "mlnet", "train.tsv", text, sparse=sparse)

    assert_is(seen, dataset)
    assert seen["schema"] == {"Features": "Vector<Single, 16>"}


def test_labels_may_be_numbers(look):
    seen = look(extremes(), "mlnet", "train.tsv", text, label_kind="single")

    assert_is(seen, extremes())
    assert seen["schema"]["Label"] == "Single"


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_labels_may_be_the_names_of_the_classes(look, sparse):
    dataset = drawn_dataset(6, 0, shape=(4, 4), classes=3, class_names=NAMES).select(["train"])

    seen = look(dataset, "mlnet", "train.tsv", text, label_kind="text", sparse=sparse)

    assert seen["schema"]["Label"] == "String"
    assert seen["labels"] == NAMES * 2
    assert seen["pixels"] == dataset["train"].load().images.reshape(6, 16).tolist()
    assert seen["messages"] == []


def floats() -> Dataset:
    """Return float32 images, 16 × 16: pixels divided by 255, any bits at all, and the ends of the range."""
    scaled = np.arange(256, dtype=np.float32) / np.float32(255)
    drawn = np.frombuffer(np.random.default_rng(0).bytes(4 * 4 * 256), np.float32).reshape(4, 256)
    drawn = np.where(np.isfinite(drawn), drawn, np.float32(1.1754944e-38))
    drawn[0, :4] = [-0.0, 1e-45, -3.4028235e38, 0.0]  # a sparse row must spell out minus nought
    images = np.concatenate([scaled[None], drawn]).reshape(5, 16, 16)
    return Dataset.from_arrays({"train": (images, np.arange(5))}, name="floats")


@pytest.mark.parametrize(
    ("to", "file", "view", "chosen"),
    [
        ("mlnet", "train.tsv", text, {}),
        ("mlnet", "train.tsv", text, {"sparse": True}),
        ("idv", "train.idv", binary, {"type": "single"}),
    ],
    ids=["dense", "sparse", "idv"],
)
def test_floating_point_pixels_are_the_same_bits(look, to, file, view, chosen):
    expected = floats()["train"].load().images.tobytes()

    seen = look(floats(), to, file, view, **chosen)

    assert seen["float_pixels_sha256"] == hashlib.sha256(expected).hexdigest()
    assert (seen["bad"], seen["messages"]) == (0, [])


@pytest.mark.parametrize("compression", ["deflate", "none"])
@pytest.mark.parametrize(("type_", "item"), [("byte", "Byte"), ("single", "Single")])
def test_binary_files_are_read(look, type_, item, compression):
    seen = look(extremes(), "idv", "train.idv", binary, type=type_, compression=compression)

    assert_is(seen, extremes())
    assert seen["schema"] == {"Label": "Key<UInt32, 0-9>", "Features": f"Vector<{item}, 12>"}
    assert seen["slot_names"] == [f"pixel{i}" for i in range(12)]


@pytest.mark.parametrize(
    "case",
    [
        {"train": 20_000, "shape": (3, 3)},
        {"train": 6, "shape": (4, 4, 3)},
        {"train": 6, "shape": (4, 4), "labelled": False},
        {"train": 310, "shape": (2, 2), "classes": 300},
    ],
    ids=["several-blocks", "channels", "unlabelled", "300-classes"],
)
def test_every_kind_of_binary_file_is_read(look, case):
    dataset = drawn_dataset(**case, test=0).select(["train"])

    assert_is(look(dataset, "idv", "train.idv", binary), dataset)


def test_binary_files_carry_the_names_of_the_classes(look):
    dataset = drawn_dataset(6, 0, shape=(4, 4), classes=3, class_names=NAMES).select(["train"])

    seen = look(dataset, "idv", "train.idv", binary)

    assert_is(seen, dataset)
    assert seen["schema"]["Label"] == "Key<UInt32, 0-2>"
    assert seen["key_values"] == NAMES


def test_listed_images_in_folders_with_names_are_read(images_home, look):
    dataset = drawn_dataset(6, 0, shape=(9, 9), classes=3, class_names=NAMES).select(["train"])

    def view(path, **more):
        return images(path, side=9, classes=3, **more)

    assert_is(look(dataset, "png", "train-tags.tsv", view, tags=True), dataset)


def test_libsvm_is_read_as_sparse_text(mlnet_home, tmp_path):
    # libsvm counts from 1, so feature k stands in column k + 1 and column 1 holds nothing.
    (tmp_path / "train.libsvm").write_text("7 2:10 12:255\n0 1:1\n9 12:3\n", "utf-8")
    given = options(12, 10, first=2, separator=" ", sparse=True, input_size=14)

    seen = ask(mlnet_home, {"it": text_with(tmp_path / "train.libsvm", given, values=True)})["views"]["it"]

    expected = np.zeros((3, 12))
    expected[[0, 0, 1, 2], [1, 11, 0, 11]] = [10, 255, 1, 3]
    assert (seen["labels"], seen["pixels"]) == ([7, 0, 9], expected.tolist())
    assert seen["messages"] == []


def test_what_is_bad_would_be_seen(mlnet_home, tmp_path):
    """What the other tests find nothing of is there to be found."""
    (tmp_path / "train.tsv").write_text("0\t1\t2\n10\t3\tx\n", "utf-8")

    view = text_with(tmp_path / "train.tsv", options(2, 10), values=True)
    seen = ask(mlnet_home, {"it": view})["views"]["it"]

    assert (seen["bad"], seen["missing"], seen["pixels_sha256"], seen["labels_sha256"]) == (1, 1, None, None)
    assert any("1 bad values and 0 format errors" in message for message in seen["messages"])


def test_what_cannot_be_loaded_is_an_error(mlnet_home, tmp_path):
    (tmp_path / "train.idv").write_bytes(bytes(300))

    with pytest.raises(AssertionError, match=r"^ML\.NET: "):
        ask(mlnet_home, {"it": binary(tmp_path / "train.idv")})
