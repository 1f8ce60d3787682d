import gzip
import pickle
import re
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mnistkit.dataset import DTYPES, Batch, Dataset, DatasetInfo
from mnistkit.errors import CapabilityError, DataError, UsageError
from mnistkit.naming import canonical
from mnistkit.plugin import Part, Source
from mnistkit.registry import load_format
from mnistkit.testing import assert_same_content, drawn_dataset, read_dataset, reread_dataset, write_dataset
from mnistkit_hdf5 import Hdf5ReadOptions, Hdf5WriteOptions, mnistkit_register_format
from mnistkit_hdf5.reader import Hdf5Reader
from mnistkit_hdf5.writer import Hdf5Writer

CARD = mnistkit_register_format()
LAYOUTS = ("splits", "keras")
COMPRESSIONS = ("gzip", "lzf", "none")
PIXELS = drawn_dataset(20, 0)["train"].load().images
LABELS = np.arange(20) % 10
TIMES_STORED = 0x20  # in the flags of an object header: HDF5 file format specification, IV.A.1.b


@pytest.fixture
def make(tmp_path):
    """Make ``train.h5`` with these datasets, as any other tool would."""

    def make(datasets, attributes=None, name="train.h5", **options):
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            for key, value in datasets.items():
                file.create_dataset(key, data=value, **options)
            file.attrs.update(attributes or {})
        return path

    return make


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def open_objects():
    kinds = h5py.h5f.OBJ_FILE | h5py.h5f.OBJ_DATASET | h5py.h5f.OBJ_GROUP
    return h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, kinds)


def reader_of(path, **options):
    return Hdf5Reader(Source(path), Hdf5ReadOptions(**options))


def columns_dataset(**columns):
    return Dataset.from_arrays({"train": (PIXELS, LABELS)}, extra={"train": columns})


# Round trips


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize(
    "content",
    [
        {"shape": (28, 28)},
        {"shape": (50, 50)},
        {"shape": (20, 28)},
        {"shape": (32, 32, 3)},
        {"shape": (1, 1)},
        {"shape": (1, 28, 28)},
        {"train": 1, "test": 1},
        {"train": 0},
        {"train": 0, "test": 0},
        {"train": 300, "test": 129},
        {"train": 124, "test": 62, "classes": 62},
        {"train": 400, "classes": 300},
        {"labelled": False},
        {"dtype": "int16"},
        {"dtype": "float32"},
    ],
    ids=str,
)
def test_every_dataset_comes_back(tmp_path, layout, compression, content):
    dataset = drawn_dataset(**content)

    write_dataset(CARD, dataset, tmp_path, layout=layout, compression=compression)

    found = read_dataset(CARD, tmp_path)
    assert_same_content(found, dataset)
    assert found.info.splits == dataset.info.splits


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_is_written_is_read(tmp_path_factory, data):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=3, max_side=6))
    dtype = data.draw(st.sampled_from(DTYPES))
    integers = st.sampled_from([d for d in DTYPES if "int" in d and d != "uint64"])
    splits = {}
    for name in ("train", "test"):
        rows = data.draw(st.integers(0, 9))
        images = data.draw(hnp.arrays(dtype, (rows, *shape)))
        splits[name] = images, data.draw(st.none() | hnp.arrays(data.draw(integers), rows))
    options = {
        "layout": data.draw(st.sampled_from(LAYOUTS)),
        "compression": data.draw(st.sampled_from(COMPRESSIONS)),
        "chunk": data.draw(st.integers(1, 10)),
        "level": data.draw(st.integers(0, 9)),
    }
    dataset = Dataset.from_arrays(splits)
    folder = tmp_path_factory.mktemp("export")

    write_dataset(CARD, dataset, folder, **options)

    found = read_dataset(CARD, folder)
    assert_same_content(found, dataset)
    assert found.info.splits == dataset.info.splits


@pytest.mark.parametrize("size", [1, 7, 256, 257, 1000])
def test_batches_of_any_size_fill_the_same_chunks(tmp_path, size):
    dataset = drawn_dataset(300, 0)
    usual, other = tmp_path / "usual", tmp_path / "other"
    usual.mkdir()
    other.mkdir()
    write_dataset(CARD, dataset.select(["train"]), usual)
    part = Part("train", dataset.info.splits[:1], dataset.select(["train"]).info, 0, 300)

    Hdf5Writer(Hdf5WriteOptions()).write(other, part, dataset["train"].batches(size))

    assert bytes_of(other) == bytes_of(usual)


def test_labels_keep_their_type_and_sign(tmp_path):
    labels = np.array([-3, 0, 2**40] * 5)
    dataset = Dataset.from_arrays({"train": (PIXELS[:15], labels)})

    write_dataset(CARD, dataset, tmp_path)

    assert_same_content(read_dataset(CARD, tmp_path), dataset)
    assert read_dataset(CARD, tmp_path).info.splits[0].label_range == (-3, 2**40)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("count", [10, 5000], ids=["few", "more than the oldest HDF5 holds"])
def test_class_names_come_back(tmp_path, layout, count):
    names = ("T-shirt/top", "naïve", "あ", " ", "=1", *(f"class {i}" for i in range(5, count)))
    dataset = drawn_dataset(class_names=names)

    write_dataset(CARD, dataset, tmp_path, layout=layout)

    assert read_dataset(CARD, tmp_path).info.class_names == names


def test_licence_citation_and_homepage_come_back(tmp_path):
    small = drawn_dataset()
    facts = {"licence": "CC BY-SA 3.0", "citation": "LeCun, 1998 – MNIST", "homepage": "https://example.org"}
    dataset = Dataset(small.reader, info=replace(small.info, **facts))

    write_dataset(CARD, dataset, tmp_path)

    found = read_dataset(CARD, tmp_path).info
    assert {name: getattr(found, name) for name in facts} == facts


def test_extra_columns_come_back(tmp_path):
    columns = {
        "writer": np.arange(20, dtype="int32"),
        "box": np.arange(80, dtype="float32").reshape(20, 4),
        "seen": np.arange(20) % 2 == 0,
        "labels": np.arange(20),
    }
    dataset = columns_dataset(**columns)

    write_dataset(CARD, dataset, tmp_path)

    found = read_dataset(CARD, tmp_path)["train"].load()
    assert sorted(found.extra) == sorted(columns)
    for name, column in columns.items():
        assert found.extra[name].dtype == column.dtype
        np.testing.assert_array_equal(found.extra[name], column)


def test_a_column_is_never_taken_for_missing_labels(tmp_path):
    dataset = Dataset.from_arrays({"train": (PIXELS, None)}, extra={"train": {"target": LABELS}})

    write_dataset(CARD, dataset, tmp_path)

    assert_same_content(read_dataset(CARD, tmp_path), dataset)


def test_shards_are_read_as_one_split(tmp_path):
    dataset = drawn_dataset(300, 0).select(["train"])
    writer = Hdf5Writer(Hdf5WriteOptions())
    for index, (start, stop) in enumerate([(0, 130), (130, 131), (131, 300)]):
        part = Part(f"train-{index:05}-of-00003", dataset.info.splits, dataset.info, start, stop, index, 3)
        writer.write(tmp_path, part, dataset["train"][start:stop].batches())

    found = read_dataset(CARD, tmp_path)

    assert_same_content(found, dataset)
    assert [b.start for b in found["train"].batches(100)] == [0, 100, 130, 131, 231]
    np.testing.assert_array_equal(
        found["train"][129:133].load().images, dataset["train"][129:133].load().images
    )


def test_published_mnist_comes_back(tmp_path, mnist):
    dataset = read_dataset(load_format("idx"), mnist)

    write_dataset(CARD, dataset, tmp_path, workers=2)

    assert_same_content(read_dataset(CARD, tmp_path), dataset)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 12_500_000


# Bytes


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_bytes_depend_on_content_alone(tmp_path, layout, compression):
    dataset = drawn_dataset(3000, 200, class_names=tuple("abcdefghij"))
    contents = []
    for run, workers in enumerate((1, 3, 1)):
        folder = tmp_path / str(run)
        folder.mkdir()
        write_dataset(CARD, dataset, folder, workers=workers, layout=layout, compression=compression)
        contents.append(bytes_of(folder))

    assert contents[0] == contents[1] == contents[2]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_bytes_do_not_depend_on_batches(tmp_path, layout):
    dataset = drawn_dataset(3000, 0).select(["train"])
    split, contents = dataset["train"].info, []
    writer = Hdf5Writer(Hdf5WriteOptions(layout=layout))
    for size in (1, 100, 3000):
        folder = tmp_path / str(size)
        folder.mkdir()
        part = Part("drawn", (split,), dataset.info, 0, 3000)
        writer.write(folder, part, dataset["train"].batches(size))
        contents.append(bytes_of(folder))

    assert contents[0] == contents[1] == contents[2]


def test_no_object_records_a_time(tmp_path):
    write_dataset(CARD, drawn_dataset(), tmp_path)

    headers = re.findall(rb"OHDR\x02(.)", (tmp_path / "train.h5").read_bytes(), re.DOTALL)

    assert len(headers) == 3
    assert not any(flags[0] & TIMES_STORED for flags in headers)


# A full disk

FILL_THE_DISK = """
import resource, signal, sys
from pathlib import Path
from mnistkit.testing import drawn_dataset, write_dataset
from mnistkit_hdf5 import mnistkit_register_format

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    write_dataset(mnistkit_register_format(), drawn_dataset(3000), Path(sys.argv[1]), compression=sys.argv[2])
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit the size of a file")
@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("room", [100, 200_000])
def test_a_full_disk_is_an_error_and_no_crash(tmp_path, compression, room):
    command = [sys.executable, "-c", FILL_THE_DISK, str(tmp_path), compression, str(room)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "[Errno 27] File too large\n", "")


# What others see


def test_stock_h5py_reads_the_files_value_for_value(tmp_path):
    dataset = drawn_dataset(300, 20, class_names=tuple("abcdefghij"))
    train = dataset["train"].load()

    write_dataset(CARD, dataset, tmp_path)

    with h5py.File(tmp_path / "train.h5") as file:
        assert sorted(file) == ["image", "label"]
        np.testing.assert_array_equal(file["image"], train.images)
        np.testing.assert_array_equal(file["label"], train.labels)
        np.testing.assert_array_equal(file["image"][299], train.images[299])
        assert [name.decode() for name in file.attrs["class_names"]] == list("abcdefghij")
        assert file["image"].compression == "gzip"
        assert file["image"].chunks == (256, 28, 28)


def test_keras_layout_is_one_file_of_four_arrays(tmp_path):
    dataset = drawn_dataset()

    write_dataset(CARD, dataset, tmp_path, layout="keras")

    assert [path.name for path in tmp_path.iterdir()] == ["drawn.h5"]
    with h5py.File(tmp_path / "drawn.h5") as file:
        assert sorted(file) == ["x_test", "x_train", "y_test", "y_train"]
        np.testing.assert_array_equal(file["x_test"], dataset["test"].load().images)
        np.testing.assert_array_equal(file["y_test"], dataset["test"].load().labels)


def test_values_are_little_endian(tmp_path):
    write_dataset(CARD, drawn_dataset(dtype="int16", classes=300), tmp_path)

    with h5py.File(tmp_path / "train.h5") as file:
        assert file["image"].dtype.str == "<i2"
        assert file["label"].dtype.str == "<i4"


def test_a_chunk_of_large_images_stays_small(tmp_path):
    write_dataset(CARD, drawn_dataset(5, 1, shape=(700, 700)), tmp_path)

    with h5py.File(tmp_path / "train.h5") as file:
        assert file["image"].chunks == (2, 700, 700)


def test_an_uncompressed_image_is_where_numpy_can_map_it(tmp_path):
    dataset = drawn_dataset()
    write_dataset(CARD, dataset, tmp_path, compression="none")

    with h5py.File(tmp_path / "train.h5") as file:
        offset = file["image"].id.get_offset()

    mapped = np.memmap(tmp_path / "train.h5", "uint8", "r", offset, (30, 28, 28))
    np.testing.assert_array_equal(mapped, dataset["train"].load().images)


# What is refused on writing


@pytest.mark.parametrize("name", ["image", "label", "a/b", "."])
def test_a_column_that_no_dataset_can_be_is_refused(tmp_path, name):
    with pytest.raises(CapabilityError, match="a name without '/' other than image and label") as refused:
        write_dataset(CARD, columns_dataset(**{name: LABELS}), tmp_path)

    assert refused.value.found == repr(name)
    assert not list(tmp_path.iterdir())


def test_a_text_that_hdf5_would_cut_is_refused(tmp_path):
    small = drawn_dataset()
    dataset = Dataset(small.reader, info=replace(small.info, citation="a\0b"))

    with pytest.raises(CapabilityError, match="ends at the first NUL character"):
        write_dataset(CARD, dataset, tmp_path)


def test_the_keras_layout_says_on_its_card_that_it_drops_columns():
    card = CARD.with_options(Hdf5WriteOptions(layout="keras"))

    assert (card.unit, card.extra_columns) == ("dataset", "none")


def test_options_out_of_range_are_refused(tmp_path):
    with pytest.raises(UsageError, match="--level: expected a whole number from 0 to 9, found 10"):
        write_dataset(CARD, drawn_dataset(), tmp_path, level=10)
    with pytest.raises(UsageError, match="--chunk: expected a whole number from 1, found 0"):
        write_dataset(CARD, drawn_dataset(), tmp_path, chunk=0)


# What others write


@pytest.mark.parametrize(
    "datasets",
    [
        {"image": PIXELS, "label": LABELS},
        {"images": PIXELS, "labels": LABELS},
        {"x": PIXELS, "y": LABELS[:, None]},
        {"data": PIXELS, "target": LABELS},
        {"features": PIXELS, "targets": LABELS},
        {"features": PIXELS[:, None], "targets": LABELS[:, None].astype("uint8")},
        {"train_set_x": PIXELS, "train_set_y": LABELS},
        {"train/data": PIXELS, "train/target": LABELS},
        {"image": PIXELS, "label": LABELS.astype(">i4")},
        {"x_train": PIXELS, "y_train": LABELS},
        {"X_train": PIXELS, "y_train": LABELS},
    ],
    ids=lambda datasets: ",".join(f"{name}-{array.dtype}-{array.ndim}" for name, array in datasets.items()),
)
@pytest.mark.parametrize("compression", [None, "gzip", "lzf"])
def test_the_usual_names_are_understood(make, datasets, compression):
    path = make(datasets, compression=compression)

    assert_same_content(read_dataset(CARD, path), Dataset.from_arrays({"train": (PIXELS, LABELS)}))


def test_colour_images_of_caffe_and_fuel_are_turned(make):
    images = np.random.default_rng(0).integers(0, 255, (20, 12, 10, 3), "uint8")
    path = make({"data": np.moveaxis(images, -1, 1), "label": LABELS})

    assert_same_content(read_dataset(CARD, path), Dataset.from_arrays({"train": (images, LABELS)}))


def test_big_endian_pixels_are_read_in_native_order(make):
    path = make({"image": PIXELS.astype(">i2"), "label": LABELS})

    found = read_dataset(CARD, path)["train"].load()

    assert found.images.dtype == np.dtype("int16")
    assert found.images.dtype.isnative
    np.testing.assert_array_equal(found.images, PIXELS)


def test_groups_are_splits(make):
    path = make({
        "train/data": PIXELS, "train/target": LABELS, "t10k/data": PIXELS[:3], "t10k/target": LABELS[:3],
        "notes/scores": LABELS,
    })  # fmt: skip

    expected = Dataset.from_arrays({"train": (PIXELS, LABELS), "test": (PIXELS[:3], LABELS[:3])})
    assert_same_content(read_dataset(CARD, path), expected)


def test_splits_of_fuel_are_row_ranges(make):
    kind = [("split", "S5"), ("source", "S8"), ("start", "i8"), ("stop", "i8"), ("indices", h5py.ref_dtype)]
    spans = np.zeros(4, kind)
    rows = ((split, source) for split in (b"train", b"test") for source in (b"features", b"targets"))
    for span, (split, source) in zip(spans, rows, strict=True):
        span["split"], span["source"] = split, source
        span["start"], span["stop"] = (0, 15) if split == b"train" else (15, 20)
        span["indices"] = h5py.Reference()
    path = make({"features": PIXELS[:, None], "targets": LABELS[:, None]}, {"split": spans})

    expected = {"train": (PIXELS[:15], LABELS[:15]), "test": (PIXELS[15:], LABELS[15:])}
    found = read_dataset(CARD, path)
    assert_same_content(found, Dataset.from_arrays(expected))
    assert [split.label_range for split in found.info.splits] == [(0, 9), (5, 9)]


def test_class_names_as_bytes_are_read(make):
    names = [f"n{i}" for i in range(10)]
    path = make({"image": PIXELS, "label": LABELS}, {"class_names": np.array(names, "S")})

    assert read_dataset(CARD, path).info.class_names == tuple(names)


def test_the_user_says_which_datasets_are_meant(make):
    path = make({"a": PIXELS, "b": PIXELS[:3], "c": LABELS, "d": LABELS + 1, "mean": PIXELS[0].astype("f4")})

    found = read_dataset(CARD, path, image="a", label="d")

    assert_same_content(found, Dataset.from_arrays({"train": (PIXELS, LABELS + 1)}))
    assert list(found["train"].load().extra) == ["c"]


def test_flat_rows_take_the_shape_that_is_said(make, caplog):
    path = make({"data": PIXELS.reshape(20, -1), "target": LABELS})

    assert reader_of(path, shape="14x56").info().splits[0].shape == (14, 56)
    assert reader_of(path, shape="7x56x2").info().splits[0].shape == (7, 56, 2)
    assert not caplog.records


def test_the_receipt_tells_the_shape_of_flat_rows(make):
    path = make({"data": PIXELS.reshape(20, -1), "target": LABELS})

    found = Hdf5Reader(Source(path, shape=(14, 56)), Hdf5ReadOptions()).info()

    assert found.splits[0].shape == (14, 56)


def test_a_square_is_assumed_and_said(make, caplog):
    path = make({"data": PIXELS.reshape(20, -1), "target": LABELS})

    found = read_dataset(CARD, path)

    assert_same_content(found, Dataset.from_arrays({"train": (PIXELS, LABELS)}))
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("mnistkit.hdf5", "WARNING")
    assert "rows of 784 values are taken as gray images of 28x28" in record.getMessage()


@pytest.mark.parametrize("chunks", [(20, 1, 28), (7, 28, 4), (20, 28, 28)], ids=str)
def test_chunks_of_any_form_are_read_and_not_again_and_again(make, monkeypatch, chunks):
    monkeypatch.setattr("mnistkit_hdf5.tables._CACHE_BYTES", 0)
    path = make({"image": PIXELS, "label": LABELS}, chunks=None)
    with h5py.File(path, "a") as file:
        del file["image"]
        file.create_dataset("image", data=PIXELS, chunks=chunks, compression="gzip")
    found = read_dataset(CARD, path)

    batches = list(found["train"].batches(4))

    assert [len(batch) for batch in batches] == [4] * 5
    np.testing.assert_array_equal(np.concatenate([b.images for b in batches]), PIXELS)
    blocks = {id(batch.images.base if batch.images.base is not None else batch.images) for batch in batches}
    assert len(blocks) < 5


def test_a_file_behind_a_user_block_is_read(tmp_path):
    path = tmp_path / "train.h5"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["image"], file["label"] = PIXELS, LABELS

    assert CARD.sniff(path.read_bytes()[:4096], ["train.h5"]) == "maybe"
    assert_same_content(read_dataset(CARD, path), Dataset.from_arrays({"train": (PIXELS, LABELS)}))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_split_names_that_a_receipt_lists_are_taken_as_they_stand(tmp_path, layout):
    names = ("a--b", "t10k", "training", "val", "validation", "x_y")
    splits = {name: (PIXELS[: i + 1], LABELS[: i + 1]) for i, name in enumerate(names)}
    dataset = Dataset.from_arrays(splits, name="odd")

    write_dataset(CARD, dataset, tmp_path, layout=layout)

    found = reread_dataset(CARD, tmp_path, dataset, layout=layout)
    assert {name: len(split) for name, split in found.splits.items()} == {
        n: i + 1 for i, n in enumerate(names)
    }
    assert all(np.array_equal(found[n].load().images, images) for n, (images, _) in splits.items())


def test_the_receipt_tells_the_shape_of_each_split(make):
    path = make({"x_train": PIXELS.reshape(20, -1), "x_test": PIXELS.reshape(20, -1)[:, :300]})
    shapes = {"train": (14, 56), "test": (10, 30)}

    found = Hdf5Reader(Source(path, shapes=shapes), Hdf5ReadOptions()).info()

    assert {split.name: split.shape for split in found.splits} == shapes


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("{}_images", "{}_labels"),
        ("{}_x", "{}_y"),
        ("{}_X", "{}_Y"),
        ("{}_set_x", "{}_set_y"),
        ("{}_data", "{}_target"),
        ("X_{}", "Y_{}"),
    ],
)
def test_names_with_the_split_in_front_or_behind_are_understood(make, images, labels):
    rows = {"train": 20, "test": 7, "val": 5}
    path = make({n: a for w, r in rows.items() for n, a in (
        (images.format(w), PIXELS[:r]), (labels.format(w), LABELS[:r, None]),
    )})  # fmt: skip

    expected = {canonical(word): (PIXELS[:r], LABELS[:r]) for word, r in rows.items()}
    assert_same_content(read_dataset(CARD, path), Dataset.from_arrays(expected))


def test_a_column_with_the_name_of_keras_images_is_a_column(tmp_path):
    dataset = columns_dataset(x_left=LABELS, y_top=LABELS, train_images=PIXELS)

    write_dataset(CARD, dataset, tmp_path)

    found = read_dataset(CARD, tmp_path)
    assert_same_content(found, dataset)
    assert sorted(found["train"].load().extra) == ["train_images", "x_left", "y_top"]


def test_groups_beside_images_are_further_splits(make):
    path = make({"image": PIXELS, "label": LABELS, "test/image": PIXELS[:3], "test/label": LABELS[:3]})

    expected = Dataset.from_arrays({"train": (PIXELS, LABELS), "test": (PIXELS[:3], LABELS[:3])})
    assert_same_content(read_dataset(CARD, path), expected)


def test_what_is_not_read_is_said_once_and_noted(make, caplog):
    path = make({
        "image": PIXELS, "label": LABELS, "mean": np.zeros(3), "names": ["x"] * 20, "classes": 10,
        "test/image": PIXELS, "test/deep/image": PIXELS, "test/std": np.zeros(2), "notes/text": b"hello",
    })  # fmt: skip
    with h5py.File(path, "a") as file:
        file["data"], file["again"] = h5py.SoftLink("/image"), file["/"]

    found = read_dataset(CARD, path)

    assert list(found.splits) == ["train", "test"]
    said = (
        "mean 3 float64, data (a link), classes (no array of numbers), names (no array of numbers), "
        "test/std 2 float64, test/deep (a group), again (a group), notes (a group)"
    )
    assert found.info.notes == (f"train.h5: not read: {said}",)
    assert [record.getMessage() for record in caplog.records] == [f"{path}: not read: {said}"]


def test_what_stands_beside_keras_arrays_is_said(make):
    path = make({"x_train": PIXELS, "y_train": LABELS, "weights": PIXELS[0]})

    assert read_dataset(CARD, path).info.notes == ("train.h5: not read: weights 28x28 uint8",)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_labels_of_caffe_are_read_as_integers(make, dtype):
    path = make({"data": PIXELS[:, None], "label": LABELS.astype(dtype)})

    found = read_dataset(CARD, path)

    assert_same_content(found, Dataset.from_arrays({"train": (PIXELS, LABELS)}))
    assert found.info.splits[0].label_dtype == "int64"
    assert found.info.notes == (f"train.h5: label: {dtype} is read as int64",)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [(PIXELS > 127, (PIXELS > 127).astype("uint8")), (PIXELS.astype("f2") / 8, PIXELS.astype("f4") / 8)],
    ids=["bool", "float16"],
)
def test_pixels_of_types_that_no_dataset_has_are_widened(make, stored, expected):
    path = make({"image": stored, "label": LABELS})

    found = read_dataset(CARD, path)

    assert_same_content(found, Dataset.from_arrays({"train": (expected, LABELS)}))
    assert found.info.notes == (f"train.h5: image: {stored.dtype} is read as {expected.dtype}",)


# MATLAB


@pytest.fixture
def matlab(tmp_path):
    """Make a file as MATLAB does from arrays as MATLAB shows them: axes reversed, behind a header."""

    def matlab(**arrays):
        path = tmp_path / "train.h5"
        with h5py.File(path, "w", userblock_size=512) as file:
            for name, array in arrays.items():
                dataset = file.create_dataset(name, data=np.ascontiguousarray(array.T), compression="gzip")
                dataset.attrs["MATLAB_class"] = np.bytes_("uint8" if array.dtype == "uint8" else "double")
        with path.open("r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512))
        return path

    return matlab


GRAY = np.random.default_rng(1).integers(0, 255, (20, 9, 7), "uint8")
COLOUR = np.random.default_rng(2).integers(0, 255, (20, 9, 7, 3), "uint8")


@pytest.mark.parametrize("images", [GRAY, COLOUR, GRAY[:, :, :1], GRAY[:1]], ids=lambda a: str(a.shape))
@pytest.mark.parametrize("at", [0, -1], ids=["number first", "number last"])
@pytest.mark.parametrize("labels", ["column", "row"])
def test_arrays_of_matlab_are_turned(matlab, images, at, labels):
    values = LABELS[: len(images)].astype("f8")
    path = matlab(
        images=np.moveaxis(images, 0, at),
        labels=values[:, None] if labels == "column" else values[None],
    )

    found = read_dataset(CARD, path)

    assert_same_content(found, Dataset.from_arrays({"train": (images, LABELS[: len(images)])}))
    np.testing.assert_array_equal(found["train"][3:9].load().images, images[3:9])


@pytest.mark.parametrize("turn", [False, True], ids=["number first", "number last"])
def test_columns_of_matlab_are_turned(matlab, turn):
    scores = np.arange(80.0).reshape(20, 4)
    path = matlab(images=GRAY, labels=LABELS[:, None], scores=scores.T if turn else scores)

    np.testing.assert_array_equal(read_dataset(CARD, path)["train"].load().extra["scores"], scores)


@pytest.mark.parametrize("images", [GRAY, COLOUR], ids=["gray", "colour"])
def test_unlabelled_arrays_of_matlab_have_the_number_last(matlab, images):
    path = matlab(images=np.moveaxis(images, 0, -1))

    assert_same_content(read_dataset(CARD, path), Dataset.from_arrays({"train": (images, None)}))


def test_flat_rows_of_matlab_are_rows(matlab):
    path = matlab(train_x=PIXELS.reshape(20, -1), train_y=LABELS[:, None], test_x=PIXELS.reshape(20, -1)[:3])

    expected = Dataset.from_arrays({"train": (PIXELS, LABELS), "test": (PIXELS[:3], None)})
    assert_same_content(read_dataset(CARD, path), expected)


# Reader


def test_a_reader_survives_pickling_and_threads(tmp_path):
    dataset = drawn_dataset(2000, 10)
    write_dataset(CARD, dataset, tmp_path)
    reader = reader_of(tmp_path)
    info = reader.info()
    train = Dataset(pickle.loads(pickle.dumps(reader)), info=info)["train"]

    with ThreadPoolExecutor(4) as pool:
        slices = [(a, a + 333) for a in range(0, 1600, 50)]
        found = list(pool.map(lambda s: train[s[0] : s[1]].load().images, slices))

    expected = dataset["train"].load().images
    assert all(np.array_equal(expected[a:b], images) for (a, b), images in zip(slices, found, strict=True))


def test_no_file_stays_open(tmp_path):
    write_dataset(CARD, drawn_dataset(), tmp_path)
    reader = reader_of(tmp_path)
    reader.info()
    batches = reader.batches("train", 0, 30, 4)
    next(batches)

    batches.close()

    assert open_objects() == 0


def test_a_failing_source_leaves_no_file_open(tmp_path):
    def failing():
        yield Batch(PIXELS, LABELS)
        raise RuntimeError("the source fails")

    (train,) = drawn_dataset(40, 0).select(["train"]).info.splits
    part = Part("train", (train,), DatasetInfo("drawn", (train,)), 0, 40)

    with pytest.raises(RuntimeError, match="the source fails"):
        Hdf5Writer(Hdf5WriteOptions()).write(tmp_path, part, failing())

    assert open_objects() == 0


def test_the_files_of_a_split_are_named(tmp_path):
    write_dataset(CARD, drawn_dataset(), tmp_path)
    reader = reader_of(tmp_path)
    reader.info()

    assert reader.files("test") == [tmp_path / "test.h5"]


# What is refused on reading


def refusal(path, **options):
    with pytest.raises(DataError) as refused:
        read_dataset(CARD, path, **options)
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    "content", [b"", b"not HDF5 at all" * 100, b"\x89HDF\r\n\x1a\n"], ids=["empty", "text", "stub"]
)
def test_a_file_that_is_no_hdf5_is_refused(tmp_path, content):
    path = tmp_path / "train.h5"
    path.write_bytes(content)

    assert "not readable as HDF5" in refusal(path)


def test_a_truncated_file_is_refused(tmp_path):
    write_dataset(CARD, drawn_dataset(300, 0), tmp_path)
    path = tmp_path / "train.h5"
    path.write_bytes(path.read_bytes()[:-1000])

    assert "truncated file" in refusal(path)


def test_damaged_pixels_are_refused_where_they_are_read(make):
    path = make({"image": PIXELS, "label": LABELS}, compression="gzip", fletcher32=True)
    with h5py.File(path) as file:
        place = file["image"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[place + 100] ^= 255
    path.write_bytes(content)
    found = read_dataset(CARD, path)

    with pytest.raises(DataError, match=r"not readable as HDF5.*get the file again"):
        found["train"].load()


def chunks_of(path, replacement=None):
    """Write images in chunks of 8, the second of which is what is given: packed bytes and a filter mask."""
    with h5py.File(path, "w") as file:
        file["label"] = LABELS
        image = file.create_dataset("image", PIXELS.shape, "u1", chunks=(8, 28, 28), compression="gzip")
        image[:8] = PIXELS[:8]
        image[16:] = PIXELS[16:]
        if replacement:
            image.id.write_direct_chunk((8, 0, 0), *replacement)
    return path


@pytest.mark.parametrize("size", [3, 8, 20])
def test_a_chunk_that_was_never_written_is_zero(tmp_path, size):
    found = read_dataset(CARD, chunks_of(tmp_path / "train.h5"))["train"]

    expected = PIXELS.copy()
    expected[8:16] = 0
    np.testing.assert_array_equal(found.load().images, expected)
    np.testing.assert_array_equal(np.concatenate([b.images for b in found.batches(size)]), expected)


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("read", [lambda s: s.load(), lambda s: list(s.batches())], ids=["load", "batches"])
def test_a_file_that_changes_after_it_was_opened_is_refused(make, compression, read):
    path = make({"image": PIXELS, "label": LABELS}, compression=compression)
    found = read_dataset(CARD, path)["train"]
    found[3]

    with path.open("ab") as file:
        file.write(b"more")

    with pytest.raises(DataError, match=r"train.h5: changed since it was opened; open it again"):
        read(found)


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_single_images_are_read_without_hdf5_once_their_places_are_known(make, monkeypatch, compression):
    found = read_dataset(CARD, make({"image": PIXELS, "label": LABELS}, compression=compression))["train"]
    found[0]
    monkeypatch.setattr("h5py.File", None)

    for i in (19, 0, 7):
        image, label = found[i]
        np.testing.assert_array_equal(image, PIXELS[i])
        assert label == LABELS[i]


def test_rows_never_written_are_the_fill_value_of_the_file(tmp_path):
    path = tmp_path / "train.h5"
    with h5py.File(path, "w") as file:
        file["label"] = LABELS
        file.create_dataset("image", PIXELS.shape, "u1", chunks=(8, 28, 28), compression="gzip", fillvalue=7)[
            :8
        ] = PIXELS[:8]

    images = read_dataset(CARD, path)["train"].load().images

    np.testing.assert_array_equal(images[:8], PIXELS[:8])
    assert (images[8:] == 7).all()


def test_a_chunk_that_gzip_left_as_it_was_is_read(tmp_path):
    path = chunks_of(tmp_path / "train.h5", (PIXELS[8:16].tobytes(), 1))

    np.testing.assert_array_equal(read_dataset(CARD, path)["train"].load().images, PIXELS)


@pytest.mark.parametrize("read", [lambda s: s.load(), lambda s: list(s.batches())], ids=["load", "batches"])
@pytest.mark.parametrize(
    "packed",
    [
        zlib.compress(PIXELS[8:16].tobytes())[:-1],
        zlib.compress(PIXELS[8:16].tobytes())[:-1] + b"?",
        zlib.compress(PIXELS[8:15].tobytes()),
        zlib.compress(PIXELS[8:17].tobytes()),
        b"no deflate",
    ],
    ids=["cut short", "wrong checksum", "too little", "too much", "other bytes"],
)
def test_a_damaged_chunk_is_refused_with_its_place(tmp_path, packed, read):
    found = read_dataset(CARD, chunks_of(tmp_path / "train.h5", (packed, 0)))["train"]

    with pytest.raises(
        DataError, match=r"train.h5, dataset '/image': damaged chunk: found .*get the file again"
    ):
        read(found)


def test_a_compressed_file_is_refused_with_the_remedy(make):
    path = make({"image": PIXELS, "label": LABELS})
    path.write_bytes(gzip.compress(path.read_bytes()))

    assert "decompress it first" in refusal(path)


def test_a_folder_without_hdf5_is_refused(tmp_path):
    assert "no HDF5 files" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ({"image": PIXELS, "label": LABELS[:19]}, "differ in number: expected 20, found 19"),
        ({"image": PIXELS, "label": LABELS / 2}, "'/label': labels: expected whole numbers, found 0.5"),
        ({"image": PIXELS, "label": LABELS * np.nan}, "labels: expected whole numbers, found nan"),
        ({"image": PIXELS, "label": LABELS * 1e300}, "labels: expected whole numbers, found 1e+300"),
        ({"image": PIXELS, "label": 5}, "expected one number for each image, found a scalar"),
        ({"image": PIXELS, "label": ["a"] * 20}, "'label' is no array of numbers"),
        ({"x_train": PIXELS, "y_train": 5}, "'y_train' is no array of numbers: found a scalar"),
        ({"images": PIXELS, "label": np.eye(20)}, "expected one integer for each image, found 20x20 float64"),
        ({"label": LABELS}, "no images: found label 20 int64"),
        ({"a": PIXELS, "b": PIXELS}, "several datasets that may be the images: found a 20x28x28 uint8, b"),
        ({"a": PIXELS, "b": LABELS, "c": LABELS}, "several datasets that may be the labels: found b 20"),
        ({"image": PIXELS[..., None, None]}, "height x width [x channels], found 20x28x28x1x1"),
        ({"image": PIXELS[:, :0]}, "height x width [x channels], found 20x0x28"),
        ({"image": PIXELS.reshape(20, -1)[:, 1:]}, "expected a square number of values, found 783"),
        ({"x_train": PIXELS, "y_train": LABELS, "y_test": LABELS}, "expected images of 'test', found y_test"),
        ({"x_val": PIXELS, "x_validation": PIXELS}, "'validation': found /x_val, /x_validation"),
        ({"image": PIXELS, "train/image": PIXELS}, "'train': found /image, /train/image"),
        ({"notes/text": b"hello"}, "no images: found groups notes"),
        ({"text": b"hello"}, "no images: found no arrays of numbers"),
    ],

    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_datasets_that_make_no_sense_are_refused(make, datasets, message):
    assert message in refusal(make(datasets))


def test_a_name_that_is_not_there_is_refused(make):
    path = make({"image": PIXELS, "label": LABELS})

    assert "no array of numbers 'pictures': found image 20x28x28 uint8, label" in refusal(
        path, image="pictures"
    )


def test_a_shape_that_does_not_fit_is_refused(make):
    flat = make({"data": PIXELS.reshape(20, -1)}, name="train.h5")
    full = make({"image": PIXELS}, name="test.h5")

    assert "expected 20x20, found 784 values" in refusal(flat, shape=(20, 20))
    assert "expected 14x56, found 28x28" in refusal(full, shape=(14, 56))


@pytest.mark.parametrize("value", [3, "ten", [1, 2]], ids=str)
def test_class_names_that_are_no_texts_are_refused(make, value):
    path = make({"image": PIXELS, "label": LABELS}, {"class_names": value})

    assert "attribute 'class_names': expected a list of texts" in refusal(path)


@pytest.mark.parametrize(
    "link", [h5py.ExternalLink("other.h5", "/image"), h5py.SoftLink("/elsewhere")], ids=["external", "soft"]
)
def test_links_are_not_followed(make, link):
    make({"image": PIXELS}, name="other.h5")
    path = make({"label": LABELS})
    with h5py.File(path, "a") as file:
        file["image"] = link

    assert "'image' is a link: expected data in the file itself" in refusal(path)


def test_values_in_other_files_are_refused(tmp_path, make):
    (tmp_path / "raw").write_bytes(PIXELS.tobytes())
    outside = tmp_path / "external.h5"
    with h5py.File(outside, "w") as file:
        file.create_dataset("image", PIXELS.shape, "u1", external=[(str(tmp_path / "raw"), 0, PIXELS.nbytes)])
    other = make({"image": PIXELS}, name="other.h5")
    virtual = tmp_path / "virtual.h5"
    layout = h5py.VirtualLayout(PIXELS.shape, "u1")
    layout[:] = h5py.VirtualSource(other, "image", PIXELS.shape)
    with h5py.File(virtual, "w") as file:
        file.create_virtual_dataset("image", layout)

    assert "its values lie in other files" in refusal(outside)
    assert "its values lie in other files" in refusal(virtual)


def test_a_claim_that_the_file_cannot_hold_is_refused_before_memory_is_taken(tmp_path):
    path = tmp_path / "train.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("image", (10, 1 << 20, 1 << 20), "u1", chunks=(1, 1024, 1024), compression="gzip")

    assert "values are missing: expected 10,995,116,277,760 bytes, found 0 in the file" in refusal(path)


def test_a_filter_that_is_missing_is_named(tmp_path):
    path = tmp_path / "train.h5"
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_chunk((1, 28, 28))
    made.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))  # Zstandard
    with h5py.File(path, "w") as file:
        h5py.h5d.create(file.id, b"image", h5py.h5t.STD_U8LE, h5py.h5s.create_simple((20, 28, 28)), made)

    assert "packed with a filter that is not installed: found 32015" in refusal(path)


def test_shards_that_differ_are_refused(make):
    make({"image": PIXELS, "label": LABELS}, name="train-00000-of-00002.h5")
    path = make({"image": PIXELS[:, :20], "label": LABELS}, name="train-00001-of-00002.h5")

    assert "shards that differ in type, shape or columns" in refusal(path.parent)


def test_two_files_for_one_split_are_refused(make):
    make({"image": PIXELS, "label": LABELS}, name="train.h5")
    path = make({"x_train": PIXELS, "y_train": LABELS}, name="test.h5")

    assert "two files for split 'train'" in refusal(path.parent)


def test_files_that_name_classes_differently_are_refused(make):
    make({"image": PIXELS, "label": LABELS}, {"class_names": list("abcdefghij")}, name="train.h5")
    path = make({"image": PIXELS, "label": LABELS}, {"class_names": list("jihgfedcba")}, name="test.h5")

    assert "class names: expected ('a'" in refusal(path.parent)


def test_a_chunk_that_fills_the_memory_is_refused(tmp_path):
    path = tmp_path / "train.h5"
    with h5py.File(path, "w") as file:
        images = file.create_dataset(
            "image", (4_000_000, 28, 28), "u1", chunks=(4_000_000, 28, 28), compression="gzip"
        )
        images.id.write_direct_chunk((0, 0, 0), bytes(3_000_000))

    message = "chunks too large to be read: expected at most 256 MiB, found 3,136,000,000 bytes"
    assert message in refusal(path)


@pytest.mark.parametrize("share", ["shape", ()], ids=["list", "scalar"])
def test_a_split_of_fuel_may_stand_alone(make, share):
    kind = [("split", "S5"), ("source", "S8"), ("start", "i8"), ("stop", "i8")]
    spans = np.array([(b"train", b"features", 0, 10)], kind)
    path = make({"features": PIXELS, "targets": LABELS}, {"split": spans if share == "shape" else spans[0]})

    found = read_dataset(CARD, path)

    assert_same_content(found, Dataset.from_arrays({"train": (PIXELS[:10], LABELS[:10])}))


# Texts


def test_texts_are_of_fixed_length(tmp_path):
    names = ("T-shirt/top", "naïve", *(f"class {i} {'x' * 2000}" for i in range(2, 100)))
    small = drawn_dataset(class_names=names)
    dataset = Dataset(small.reader, info=replace(small.info, licence="CC BY-SA 3.0", citation="é" * 70_000))

    write_dataset(CARD, dataset, tmp_path)

    content = (tmp_path / "train.h5").read_bytes()
    assert b"GCOL" not in content
    with h5py.File(tmp_path / "train.h5") as file:
        assert h5py.check_string_dtype(file.attrs.get_id("class_names").dtype).length == 2000 + len(
            "class 99 "
        )
        assert h5py.check_string_dtype(file.attrs.get_id("licence").dtype).encoding == "utf-8"
    assert read_dataset(CARD, tmp_path).info.class_names == names
    assert read_dataset(CARD, tmp_path).info.citation == "é" * 70_000


def test_texts_of_variable_length_are_read(make):
    facts = {"class_names": [f"n{i}" for i in range(10)], "licence": "MIT"}
    path = make({"image": PIXELS, "label": LABELS}, facts)

    found = read_dataset(CARD, path).info

    assert found.class_names == tuple(facts["class_names"])
    assert found.licence == "MIT"


READ = """
import sys
from pathlib import Path
from mnistkit.errors import DataError
from mnistkit.testing import read_dataset
from mnistkit_hdf5 import mnistkit_register_format

try:
    read_dataset(mnistkit_register_format(), Path(sys.argv[1]))
except DataError as error:
    print(error)
"""


@pytest.mark.parametrize(
    "damage",
    [bytes(16), bytes(8) + b"\xf0" + b"\xff" * 7, b"\1" + bytes(7) + b"\xf0" + b"\xff" * 7],
    ids=["no size", "free space that ends before it", "a text that ends before it"],
)  # fmt: skip
def test_a_damaged_heap_of_texts_is_refused_and_does_not_hang(make, damage):
    path = make({"image": PIXELS, "label": LABELS}, {"class_names": [f"n{i}" for i in range(10)]})
    content = bytearray(path.read_bytes())
    first = content.index(b"GCOL") + 16
    content[first : first + 16] = damage
    path.write_bytes(content)

    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True, timeout=20
    )

    assert done.stdout == f"{path}, attribute 'class_names': its texts are damaged; get the file again\n"


def test_texts_that_damage_makes_lists_are_refused_and_do_not_crash(make):
    path = make({"image": PIXELS, "label": LABELS}, {"class_names": [f"n{i}" for i in range(10)]})
    content = bytearray(path.read_bytes())
    content[content.index(b"\x19\x01\x01\0\x10") + 1] = 0x53  # neither a text (1) nor a list (0)
    path.write_bytes(content)

    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)

    assert "attribute 'class_names': of a type that is not read: found lists of variable" in done.stdout


def test_an_attribute_that_the_file_cannot_hold_is_refused(make):
    path = make({"image": PIXELS, "label": LABELS}, {"class_names": np.array(["n"] * 10_007, "S")})
    content, count = path.read_bytes(), struct.Struct("<Q").pack
    path.write_bytes(content.replace(count(10_007), count(1 << 40)))

    refusal(path)


# Sniffing


def test_the_signature_tells_hdf5(tmp_path):
    write_dataset(CARD, drawn_dataset(), tmp_path)

    assert CARD.sniff((tmp_path / "train.h5").read_bytes()[:4096], ["train.h5"]) == "yes"
    assert CARD.sniff(b"\0\0\x08\x03", ["train.h5"]) == "no"
