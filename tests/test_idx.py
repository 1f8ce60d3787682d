"""IDX files: every type, any rank, every compression, and nothing that is not what it promises."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mnistkit
from mnistkit.dataset import Dataset
from mnistkit.errors import CapabilityError, DataError
from mnistkit.idx import TYPE_CODES, IdxWriteOptions
from mnistkit.idx.codec import open_idx
from mnistkit.idx.writer import IdxWriter
from mnistkit.plugin import Part
from mnistkit.registry import load_format
from mnistkit.testing import assert_same_content, drawn_dataset, read_dataset, write_dataset

IDX = load_format("idx")


def encode(array):
    """Encode an array as IDX, independently of the package."""
    head = bytes([0, 0, TYPE_CODES[array.dtype.name], array.ndim])
    sizes = b"".join(struct.pack(">I", n) for n in array.shape)
    return head + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


def zipped(data, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member", data)


COMPRESSIONS = {
    "plain": lambda data, path: path.write_bytes(data),
    "gzip": lambda data, path: path.write_bytes(gzip.compress(data)),
    "gzip of two members": lambda data, path: path.write_bytes(
        gzip.compress(data[:30]) + gzip.compress(data[30:])
    ),
    "bzip2": lambda data, path: path.write_bytes(bz2.compress(data)),
    "xz": lambda data, path: path.write_bytes(lzma.compress(data)),
    "zip": zipped,
    "zstd": lambda data, path: path.write_bytes(pa.compress(data, "zstd", asbytes=True)),
}


def rows_of(file, start=0, stop=None, size=7):
    pieces = [rows.copy() for rows in file.rows(start, len(file) if stop is None else stop, size)]
    return np.concatenate(pieces) if pieces else np.empty((0, *file.shape[1:]), file.dtype)


@given(st.data())
@settings(deadline=None, max_examples=80)
def test_every_type_rank_and_range_reads_back(tmp_path_factory, data):
    shape = data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=6).map(tuple))
    dtype = data.draw(st.sampled_from(sorted(TYPE_CODES)))
    start = data.draw(st.integers(0, shape[0]))
    stop = data.draw(st.integers(start, shape[0]))
    raw = np.random.default_rng(0).bytes(int(np.prod(shape)) * np.dtype(dtype).itemsize)
    array = np.frombuffer(raw, dtype).reshape(shape)
    path = tmp_path_factory.mktemp("idx") / "array"
    path.write_bytes(encode(array))

    file = open_idx(path)

    found = rows_of(file, start, stop, data.draw(st.integers(1, 6)))
    assert found.dtype == array.dtype
    assert found.shape == array[start:stop].shape
    assert found.tobytes() == array[start:stop].tobytes()
    assert file.map(start, stop).tobytes() == array[start:stop].tobytes()


@pytest.mark.parametrize("pack", COMPRESSIONS.values(), ids=COMPRESSIONS)
@pytest.mark.parametrize("dtype", ["u1", "i4"])
def test_rows_are_loaded_at_once_whatever_the_compression(tmp_path, pack, dtype):
    array = np.arange(20 * 3 * 4, dtype=dtype).reshape(20, 3, 4)
    path = tmp_path / "images-idx3"
    pack(encode(array), path)

    whole, some = (
        read_dataset(IDX, path)["train"][rows].load().images for rows in (slice(None), slice(5, 9))
    )

    np.testing.assert_array_equal(whole, array)
    np.testing.assert_array_equal(some, array[5:9])
    assert not whole.flags.writeable


@pytest.mark.parametrize("change", [1, -1], ids=["surplus", "too short"])
def test_compressed_file_of_another_length_is_refused_when_loaded(tmp_path, change):
    array = np.ones((20, 3, 4), "u1")
    path = tmp_path / "images-idx3"
    data = encode(array)
    path.write_bytes(gzip.compress(data + b"?" if change > 0 else data[:-1]))

    with pytest.raises(DataError, match=r"expected 256 bytes, found (more|fewer)"):
        read_dataset(IDX, path)["train"].load()


def test_fast_gzip_depends_neither_on_workers_nor_on_batches(tmp_path):
    dataset, contents = drawn_dataset(3000, 0).select(["train"]), []
    for workers, size in ((1, 7), (3, 3000)):
        folder = tmp_path / str(size)
        folder.mkdir()
        part = Part("train", dataset.info.splits, dataset.info, 0, 3000, workers=workers)
        IdxWriter(IdxWriteOptions(gzip="fast")).write(folder, part, dataset["train"].batches(size))
        contents.append({path.name: path.read_bytes() for path in folder.iterdir()})

    assert contents[0] == contents[1]
    assert len(contents[0]) == 2


@pytest.mark.parametrize("pack", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_compression_is_told_by_content(tmp_path, pack):
    array = np.arange(20 * 3 * 4, dtype="u1").reshape(20, 3, 4)
    path = tmp_path / "named-like-nothing.bin"
    pack(encode(array), path)

    file = open_idx(path)

    np.testing.assert_array_equal(rows_of(file), array)
    np.testing.assert_array_equal(rows_of(file, 5, 9), array[5:9])


def test_plain_range_reads_no_more_than_its_rows(tmp_path, monkeypatch):
    array = np.zeros((1000, 10, 10), "u1")
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(encode(array))
    file = open_idx(path)
    with path.open("r+b") as raw:  # damage what lies outside of the range: nobody may look there
        raw.truncate(file.header.size + 510 * 100)

    assert len(rows_of(file, 500, 510)) == 10


def test_batches_stay_valid_while_held(tmp_path):
    array = np.arange(3000, dtype="u1").reshape(300, 2, 5)
    path = tmp_path / "images"
    path.write_bytes(encode(array))

    held = [rows[2:, 1] for rows in open_idx(path).rows(0, 300, 10)]

    expected = [array[i + 2 : i + 10, 1] for i in range(0, 300, 10)]
    for view, original in zip(held, expected, strict=True):
        np.testing.assert_array_equal(view, original)


def test_buffers_are_used_again(tmp_path):
    path = tmp_path / "images"
    path.write_bytes(encode(np.zeros((3000, 2, 5), "u1")))

    addresses = {rows.ctypes.data for rows in open_idx(path).rows(0, 3000, 10)}

    assert len(addresses) <= 2


def bases_of(array):
    """Yield the types of what an array's memory belongs to."""
    while array is not None:
        yield type(array)
        array = getattr(array, "base", None)


def test_load_maps_a_plain_file(tmp_path, small):
    write_dataset(IDX, small, tmp_path)

    whole = read_dataset(IDX, tmp_path)["train"].load()

    assert "memmap" in str(list(bases_of(whole.images)))
    np.testing.assert_array_equal(whole.images, small["train"].load().images)


@pytest.mark.parametrize("gzip_option", ["none", "fast"])
@pytest.mark.parametrize("dtype", sorted(TYPE_CODES))
@pytest.mark.parametrize("shape", [(28, 28), (20, 28), (1, 1), (4, 5, 3)], ids=str)
def test_dataset_round_trip(tmp_path, shape, dtype, gzip_option):
    dataset = drawn_dataset(shape=shape, dtype=dtype)

    write_dataset(IDX, dataset, tmp_path, gzip=gzip_option)

    assert_same_content(read_dataset(IDX, tmp_path), dataset)


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [([0, 255], "uint8"), ([0, 256], "int32"), ([-1, 3], "int32"), ([2**31 - 1, 0], "int32")],
    ids=str,
)
def test_labels_are_uint8_where_they_fit_else_int32(tmp_path, labels, dtype):
    dataset = Dataset.from_arrays({"train": (np.zeros((2, 2, 2), "u1"), np.array(labels, "i8"))})

    write_dataset(IDX, dataset, tmp_path)

    found = read_dataset(IDX, tmp_path)["train"]
    assert found.info.label_dtype == dtype
    assert found.load().labels.tolist() == labels


def test_labels_beyond_int32_are_refused(tmp_path):
    dataset = Dataset.from_arrays({"train": (np.zeros((1, 2, 2), "u1"), np.array([2**31]))})

    with pytest.raises(CapabilityError, match="expected -2147483648 to 2147483647, found 2147483648"):
        write_dataset(IDX, dataset, tmp_path)


def test_extra_columns_leave_beside_the_class(tmp_path):
    images, labels = np.zeros((3, 2, 2), "u1"), np.array([7, 8, 9])
    writers = np.array([100, -5, 2**30])
    dataset = Dataset.from_arrays({"train": (images, labels)}, extra={"train": {"writer": writers}})

    write_dataset(IDX, dataset, tmp_path)

    assert (tmp_path / "train-labels-idx2-int").exists()
    found = read_dataset(IDX, tmp_path)["train"].load()
    assert found.labels.tolist() == [7, 8, 9]
    assert found.extra["label_1"].tolist() == writers.tolist()


def test_columns_without_labels_are_said_to_be_lost(tmp_path):
    columns = {"train": {"atelectasis": np.arange(3), "mass": np.arange(3)}}
    dataset = Dataset.from_arrays({"train": (np.zeros((3, 2, 2), "u1"), None)}, name="chest", extra=columns)

    receipt = mnistkit.export(dataset, "idx", tmp_path / "out")

    assert "idx keeps no extra columns without labels (atelectasis, mass)" in receipt.lost
    assert mnistkit.open(tmp_path / "out")["train"].info.extra == ()
    with pytest.raises(CapabilityError, match="idx keeps no extra columns without labels"):
        mnistkit.export(dataset, "idx", tmp_path / "strict", strict=True)


def test_published_names(tmp_path):
    write_dataset(IDX, drawn_dataset(), tmp_path)

    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
    ]


def read_to_the_end(folder):
    for split in read_dataset(IDX, folder).splits.values():
        list(split.batches())


IMAGES = encode(np.zeros((3, 2, 2), "u1"))
HOSTILE = {
    "empty": (b"", "not an IDX file: .* found an empty file"),
    "web page": (b"<!DOCTYPE html>", "not an IDX file: .* found a web page"),
    "first bytes wrong": (b"\1" + IMAGES[1:], "not an IDX file"),
    "unknown type": (b"\0\0\7\3" + IMAGES[4:], "not an IDX file"),
    "no dimensions": (b"\0\0\x08\0", "IDX without dimensions"),
    "header cut": (IMAGES[:9], "ends within its header: expected 16 bytes, found 9"),
    "one byte short": (IMAGES[:-1], "ends too early: expected 28 bytes, found 27"),
    "one byte more": (IMAGES + b"\0", "data behind the end of the array: expected 28 bytes, found 29"),
    "terabytes claimed": (b"\0\0\x08\3" + b"\xff" * 12, "ends too early"),
    "255 dimensions": (b"\0\0\x08\xff" + b"\0\0\0\2" * 255, "ends too early"),
    "gzip of short": (gzip.compress(IMAGES[:-1]), "ends too early"),
    "gzip of long": (gzip.compress(IMAGES + b"\0"), "data behind the end"),
    "gzip cut": (
        gzip.compress(IMAGES)[:-9],
        "damaged gzip data: expected a whole stream, found one that ends too early",
    ),
    "gzip with wrong check": (
        gzip.compress(IMAGES)[:-8] + b"\0" * 8,
        "damaged gzip data: expected a whole stream, found CRC check failed",
    ),
    "gzip claiming terabytes": (
        gzip.compress(b"\0\0\x08\3" + b"\0\xff\xff\xff" * 3),
        "promises more than 30 bytes of gzip can hold",
    ),
    "bzip2 claiming a huge row": (
        bz2.compress(b"\0\0\x08\3\0\0\0\1\0\0\x20\0\0\0\x20\1"),
        "one row is too large: expected at most 67,108,864 bytes, found 67,117,056",
    ),
    "xz claiming a huge row": (lzma.compress(b"\0\0\x08\3" + b"\0\xff\xff\xff" * 3), "promises more than"),
    "more dimensions than numpy has": (b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"\0", "not an array: expected"),
    "too large but for a zero": (
        b"\0\0\x0c\3" + b"\xff\xff\xff\xff" + b"\0\0\0\0" + b"\xff\xff\xff\xff",
        "not an array: expected one that numpy can hold, found array is too big",
    ),
    "vector": (encode(np.zeros(3, "f4")), "."),
}


@pytest.mark.parametrize(("content", "message"), HOSTILE.values(), ids=HOSTILE)
def test_file_that_is_not_what_it_promises_is_refused(tmp_path, content, message):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)

    with pytest.raises(DataError, match=message) as refused:
        read_to_the_end(tmp_path)

    assert "\n" not in str(refused.value)
    assert "train-images-idx3-ubyte" in str(refused.value) or str(tmp_path) in str(refused.value)


def test_a_row_of_a_gibibyte_that_is_only_promised_takes_no_memory(tmp_path, measured_peak):
    path = tmp_path / "train-images-idx3-ubyte.xz"
    path.write_bytes(lzma.compress(struct.pack(">HBB3I", 0, 8, 3, 1, 1 << 15, 1 << 15)))

    assert measured_peak("export", path, "--to", "idx", "--out", tmp_path / "out") < 200e6
    assert not (tmp_path / "out").exists()


# ---------------------------------------------------------------- folders


def put(folder, name, array, pack=COMPRESSIONS["plain"]):
    folder.mkdir(exist_ok=True)
    pack(encode(np.asarray(array)), folder / name)


PIXELS = np.arange(12, dtype="u1").reshape(3, 2, 2)
CLASSES = np.array([2, 0, 1], "u1")

SPELLINGS = {
    "published": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "dotted": ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
    "prefixed": ("emnist-letters-train-images-idx3-ubyte", "emnist-letters-train-labels-idx1-ubyte"),
    "X and y": ("X_kannada_MNIST_train-idx3-ubyte", "y_kannada_MNIST_train-idx1-ubyte"),
    "gzipped": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "capitals": ("Train-Images-idx3-ubyte", "Train-Labels-idx1-ubyte"),
}


@pytest.mark.parametrize(("images", "labels"), SPELLINGS.values(), ids=SPELLINGS)
def test_spellings_of_names(tmp_path, images, labels):
    put(tmp_path, images, PIXELS)
    put(tmp_path, labels, CLASSES)

    dataset = read_dataset(IDX, tmp_path)

    assert list(dataset.splits) == ["train"]
    assert dataset["train"].load().labels.tolist() == [2, 0, 1]


@pytest.mark.parametrize(("word", "split"), [("t10k", "test"), ("test", "test"), ("val", "validation")])
def test_words_for_splits(tmp_path, word, split):
    for name in ("train", word):
        put(tmp_path, f"{name}-images-idx3-ubyte", PIXELS)
        put(tmp_path, f"{name}-labels-idx1-ubyte", CLASSES)

    assert list(read_dataset(IDX, tmp_path).splits) == ["train", split]


def test_three_and_more_splits(tmp_path):
    for name in ("train", "t10k", "val", "nist", "extra_2"):
        put(tmp_path, f"{name}-images-idx3-ubyte", PIXELS)

    assert list(read_dataset(IDX, tmp_path).splits) == ["train", "test", "validation", "extra_2", "nist"]


def test_images_without_labels(tmp_path):
    put(tmp_path, "train-images-idx3-ubyte", PIXELS)

    split = read_dataset(IDX, tmp_path)["train"]

    assert not split.info.labelled
    assert split.load().labels is None


def test_label_columns_become_extra_columns(tmp_path):
    put(tmp_path, "qmnist-train-images-idx3-ubyte", PIXELS)
    put(tmp_path, "qmnist-train-labels-idx2-int", np.array([[5, 0, 70], [3, 1, 71], [9, 2, -72]], "i4"))

    split = read_dataset(IDX, tmp_path)["train"]
    whole = split.load()

    assert whole.labels.tolist() == [5, 3, 9]
    assert {name: c.tolist() for name, c in whole.extra.items()} == {
        "label_1": [0, 1, 2],
        "label_2": [70, 71, -72],
    }
    assert split.info.label_range == (3, 9)


def test_plain_beside_its_own_gzip_is_used_once(tmp_path):
    put(tmp_path, "train-images-idx3-ubyte", PIXELS)
    put(tmp_path, "train-images-idx3-ubyte.gz", PIXELS, COMPRESSIONS["gzip"])

    dataset = read_dataset(IDX, tmp_path)

    assert [p.name for p in dataset["train"].files()] == ["train-images-idx3-ubyte"]


def test_plain_beside_another_gzip_is_refused(tmp_path):
    put(tmp_path, "train-images-idx3-ubyte", PIXELS)
    put(tmp_path, "train-images-idx3-ubyte.gz", PIXELS[::-1], COMPRESSIONS["gzip"])

    with pytest.raises(DataError, match=r"two files for one thing differ: .*ubyte and .*ubyte\.gz"):
        read_dataset(IDX, tmp_path)


def test_more_label_columns_win_over_fewer(tmp_path):
    put(tmp_path, "test-images-idx3-ubyte", PIXELS)
    put(tmp_path, "test-labels-idx1-ubyte", CLASSES)
    put(tmp_path, "test-labels-idx2-int", np.stack([CLASSES, CLASSES + 1], 1).astype("i4"))

    assert read_dataset(IDX, tmp_path)["test"].load().extra["label_1"].tolist() == [3, 1, 2]


def test_labels_of_another_number_are_refused(tmp_path):
    put(tmp_path, "train-images-idx3-ubyte", PIXELS)
    put(tmp_path, "train-labels-idx1-ubyte", CLASSES[:2])

    with pytest.raises(DataError, match="labels and images differ in number: expected 3 labels, found 2"):
        read_dataset(IDX, tmp_path)


def test_float_labels_are_refused(tmp_path):
    put(tmp_path, "train-images-idx3-ubyte", PIXELS)
    put(tmp_path, "train-labels-idx1-float", CLASSES.astype("f4"))

    with pytest.raises(DataError, match="labels: expected integers, found float32"):
        read_dataset(IDX, tmp_path)


def test_several_sets_in_a_folder_are_refused_with_their_names(tmp_path):
    for prefix in ("emnist-letters", "emnist-digits"):
        put(tmp_path, f"{prefix}-train-images-idx3-ubyte", PIXELS)

    with pytest.raises(DataError, match=r"several datasets .* found emnist-digits, emnist-letters; .*PREFIX"):
        mnistkit.open(tmp_path)


def test_prefix_picks_one_set(tmp_path):
    put(tmp_path, "emnist-letters-train-images-idx3-ubyte", PIXELS)
    put(tmp_path, "emnist-digits-train-images-idx3-ubyte", PIXELS[:1])

    dataset = mnistkit.open(tmp_path / "emnist-digits")

    assert dataset.info.name == "emnist-digits"
    assert len(dataset["train"]) == 1


def test_image_file_alone_finds_its_labels_beside_it(tmp_path):
    put(tmp_path, "t10k-images-idx3-ubyte", PIXELS)
    put(tmp_path, "t10k-labels-idx1-ubyte", CLASSES)
    put(tmp_path, "train-labels-idx1-ubyte", CLASSES)

    dataset = mnistkit.open(tmp_path / "t10k-images-idx3-ubyte")

    assert dataset["test"].load().labels.tolist() == [2, 0, 1]


def test_image_file_of_any_name_is_train(tmp_path):
    put(tmp_path, "anything.bin", PIXELS)

    assert list(mnistkit.open(tmp_path / "anything.bin").splits) == ["train"]


def test_labels_alone_are_refused(tmp_path):
    put(tmp_path, "train-labels-idx1-ubyte", CLASSES)

    with pytest.raises(DataError, match="labels without images"):
        mnistkit.open(tmp_path / "train-labels-idx1-ubyte")


def test_other_files_in_the_folder_do_not_matter(tmp_path):
    put(tmp_path, "train-images-idx3-ubyte", PIXELS)
    (tmp_path / "README.md").write_text("about")
    (tmp_path / ".DS_Store").write_bytes(b"\0\0\x08\3litter")

    assert len(mnistkit.open(tmp_path)["train"]) == 3


def test_qmnist_labels_are_read_in_the_right_byte_order(qmnist, tmp_path):
    labels = open_idx(qmnist / "qmnist-train-labels-idx2-int.gz")

    rows = rows_of(labels, size=4096)

    assert rows.shape == (60000, 8)
    assert rows[:5, 0].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(rows[:, 0]).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
