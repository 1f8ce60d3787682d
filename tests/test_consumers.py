"""``--for``: the line that an export ends with opens it in the consumer, and shows what was exported."""

from __future__ import annotations

import shutil
import struct
import subprocess

import numpy as np
import pytest

import mnistkit
from mnistkit.consumers import CONSUMERS
from mnistkit.errors import CapabilityError, DataError
from mnistkit.testing import assert_same_content, drawn_dataset

SOURCE = "synthetic:train=40,test=15"


@pytest.fixture
def source():
    return mnistkit.open(SOURCE)["train"].load()


@pytest.fixture
def exported(cli, tmp_path, monkeypatch):
    """Export for a consumer; return the line that opens the export."""
    monkeypatch.chdir(tmp_path)

    def export(consumer):
        result = cli("export", SOURCE, "--for", consumer, "--out", "out", "--verify")
        assert result.code == 0, result.err
        return result.out.split("open it with:")[1].strip()

    return export


def pixels_and_labels(table, label):
    labels = table.pop(label).to_numpy()
    return table.to_numpy().reshape(-1, 28, 28), labels


@pytest.mark.parametrize(("consumer", "label"), [("kaggle", "label"), ("sklearn", "class")])
def test_pandas_opens_tables(exported, source, consumer, label):
    pandas = pytest.importorskip("pandas")
    line = exported(consumer).removeprefix("train = ")

    images, labels = pixels_and_labels(eval(line, {"pandas": pandas}), label)

    np.testing.assert_array_equal(images, source.images)
    np.testing.assert_array_equal(labels, source.labels)


def test_numpy_opens_kerass_archive(exported, source):
    with eval(exported("keras"), {"numpy": np}) as arrays:
        np.testing.assert_array_equal(arrays["x_train"], source.images)
        np.testing.assert_array_equal(arrays["y_train"], source.labels)


def test_duckdb_opens_parquet(exported, source):
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        images, labels = pixels_and_labels(connection.sql(exported("duckdb")).df(), "label")

    np.testing.assert_array_equal(images, source.images)
    np.testing.assert_array_equal(labels, source.labels)


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_r_opens_csv(exported, source):
    line = exported("r")

    said = subprocess.run(
        ["Rscript", "-e", f"{line}; cat(dim(train), sum(train$label), sum(train[, -1]))"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip

    assert said.split() == ["40", "785", str(source.labels.sum()), str(int(source.images.sum(dtype=int)))]


# ---------------------------------------------------------------- torchvision


def as_torchvision_reads(path):
    """Read an IDX file by the rules of ``read_sn3_pascalvincent_tensor``."""
    data = path.read_bytes()
    magic, *shape = struct.unpack_from(f">I{data[3]}I", data)
    assert magic == 0x0800 + len(shape)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def test_torchvision_finds_its_files(exported, source, tmp_path):
    assert exported("torchvision") == 'torchvision.datasets.MNIST("out", train=True, download=False)'

    raw = tmp_path / "out/MNIST/raw"
    assert sorted(path.name for path in raw.iterdir()) == [
        "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
        "train-images-idx3-ubyte", "train-labels-idx1-ubyte",
    ]  # fmt: skip
    np.testing.assert_array_equal(as_torchvision_reads(raw / "train-images-idx3-ubyte"), source.images)
    np.testing.assert_array_equal(as_torchvision_reads(raw / "train-labels-idx1-ubyte"), source.labels)


@pytest.mark.parametrize(
    ("name", "folder"), [("fashion-mnist", "FashionMNIST"), ("kmnist", "KMNIST"), ("emnist/digits", "MNIST")]
)
def test_torchvisions_own_classes_have_their_own_folders(tmp_path, name, folder):
    mnistkit.export(drawn_dataset(name=name), "idx", tmp_path / "out", layout="torchvision")

    assert (tmp_path / "out" / folder / "raw/t10k-labels-idx1-ubyte").is_file()


def test_a_root_of_torchvisions_is_read_without_a_receipt(tmp_path):
    made = drawn_dataset()
    mnistkit.export(made, "idx", tmp_path / "MNIST" / "raw")
    for file in ("mnistkit.json", "mnistkit.sha256"):
        (tmp_path / "MNIST/raw" / file).unlink()

    assert_same_content(mnistkit.open(tmp_path), made)


def test_a_root_of_two_datasets_is_refused(tmp_path):
    for folder in ("MNIST", "KMNIST"):
        mnistkit.export(drawn_dataset(), "idx", tmp_path / folder / "raw")
        (tmp_path / folder / "raw/mnistkit.json").unlink()

    with pytest.raises(DataError, match="several datasets in one folder: expected one, found KMNIST, MNIST"):
        mnistkit.open(tmp_path)


@pytest.mark.parametrize(
    ("dataset", "options", "message"),
    [
        (drawn_dataset(shape=(5, 4, 3)), {}, "cannot carry the shape"),
        (drawn_dataset(dtype="float32"), {}, "cannot carry the pixel type"),
        (drawn_dataset(labelled=False), {}, "cannot carry missing labels"),
        (drawn_dataset(), {"gzip": "fast"}, "expected gzip none, found fast"),
        (drawn_dataset(train=300, classes=300), {}, "labels for torchvision: expected 0 to 255"),
    ],
    ids=["colour", "floats", "no labels", "gzip", "labels"],
)  # fmt: skip
def test_what_torchvision_would_not_read_is_refused(tmp_path, dataset, options, message):
    with pytest.raises(CapabilityError, match=message):
        mnistkit.export(dataset, "idx", tmp_path / "out", layout="torchvision", **options)


def test_torchvision_needs_both_splits(tmp_path):
    with pytest.raises(CapabilityError, match="--for torchvision: needs splits train and test: found train"):
        mnistkit.export(drawn_dataset(), for_="torchvision", out=tmp_path / "out", splits=["train"])


def test_every_consumer_is_opened_by_a_test_or_stands_on_its_page():
    elsewhere = {"mlnet", "mlnet-images"}  # tests/mlnet opens these in ML.NET itself
    here = {"duckdb", "kaggle", "keras", "r", "sklearn", "torchvision"}

    assert {*CONSUMERS} == elsewhere | here
