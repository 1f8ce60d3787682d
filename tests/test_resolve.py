"""What a source is called, and what it turns out to be."""

from __future__ import annotations

import json
import lzma
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

import mnistkit
from mnistkit.dataset import Dataset
from mnistkit.errors import DataError, PluginError, UsageError
from mnistkit.testing import assert_same_content, drawn_dataset


@pytest.mark.parametrize("name", ["csv", "hdf5", "idv", "idx", "mlnet", "parquet", "png"])
def test_format_is_told_without_a_receipt(tmp_path, name, small):
    mnistkit.export(small, name, tmp_path / "out")
    (tmp_path / "out" / "mnistkit.json").unlink()
    (tmp_path / "out" / "mnistkit.sha256").unlink()
    (tmp_path / "out" / ".DS_Store").write_text("litter")

    assert_same_content(mnistkit.open(tmp_path / "out"), small)


@pytest.mark.parametrize("other", ["csv", "hdf5"])
def test_two_formats_in_a_folder_are_both_named(tmp_path, other, small):
    mnistkit.export(small, "idx", tmp_path / "out")
    mnistkit.export(small, other, tmp_path / "more")
    shutil.copytree(tmp_path / "more", tmp_path / "out", dirs_exist_ok=True)
    (tmp_path / "out" / "mnistkit.json").unlink()

    with pytest.raises(
        DataError, match=rf"could be several formats: expected one, found {other}, idx; say which with --from"
    ):
        mnistkit.open(tmp_path / "out")

    assert_same_content(mnistkit.open(tmp_path / "out", format="idx"), small)


def test_file_of_an_export_is_read_as_its_receipt_says(tmp_path):
    dataset = drawn_dataset(shape=(4, 9))
    mnistkit.export(dataset, "csv", tmp_path / "out", label="last", header=False)

    found = mnistkit.open(tmp_path / "out" / "test.csv")

    assert_same_content(found, dataset.select(["test"]))


def test_prefix_needs_files_that_are_named_so(tmp_path, small):
    (tmp_path / "training-notes").mkdir()
    mnistkit.export(small, "csv", tmp_path / "training-notes" / "mnist-csv")
    (tmp_path / "mnist-train.csv").write_text("label,pixel0\n1,2\n")

    assert mnistkit.open(tmp_path / "mnist").info.name == "mnist"
    for wrong in ("tr", "mnist-cs", "mnis"):
        with pytest.raises(DataError, match="no such file or folder"):
            mnistkit.open(tmp_path / wrong)


def test_prefix_decides_the_format_too(tmp_path, small):
    mnistkit.export(small, "idx", tmp_path / "out")
    shutil.move(tmp_path / "out", tmp_path / "mixed")
    (tmp_path / "mixed" / "mnistkit.json").unlink()
    (tmp_path / "mixed" / "tiny-train.csv").write_text("label,pixel0\n1,2\n")

    assert len(mnistkit.open(tmp_path / "mixed" / "tiny")["train"]) == 1


@pytest.mark.parametrize("source", ["synthetic", "synthetic:train=3", "mnist"])
@pytest.mark.parametrize("more", [{"format": "idx"}, {"read": {"shape": "2x2"}}], ids=str)
def test_names_have_neither_format_nor_read_options(source, more):
    with pytest.raises(UsageError, match="no format and no read options"):
        mnistkit.open(source, **more)


@pytest.mark.parametrize("name", ["a" * 300, "nowhere/at/all", "b\0d"], ids=["long", "path", "NUL"])
def test_what_cannot_be_is_not_there(tmp_path, name):
    with pytest.raises((DataError, UsageError), match="no such file or folder"):
        mnistkit.open(str(tmp_path / name))


def test_dangling_link_is_no_data(tmp_path, small):
    mnistkit.export(small, "idx", tmp_path / "out")
    (tmp_path / "out" / "mnistkit.json").unlink()
    (tmp_path / "out" / "notes").symlink_to(tmp_path / "gone")

    assert_same_content(mnistkit.open(tmp_path / "out"), small)


def test_export_of_a_format_that_is_not_installed_says_so(tmp_path, small):
    mnistkit.export(small, "idx", tmp_path / "out")
    edit(tmp_path / "out", lambda receipt: receipt.update(format="strange"))

    with pytest.raises(PluginError, match=r"the export's format is not installed; .*'strange'"):
        mnistkit.open(tmp_path / "out")


def test_licence_and_citation_travel_along_a_chain(tmp_path):
    mnistkit.export("synthetic:train=3,test=3", "csv", tmp_path / "a")

    receipt = mnistkit.export(tmp_path / "a", "idx", tmp_path / "b")

    assert receipt.licence == "CC0-1.0"


# ---------------------------------------------------------------- receipts that were edited


def edit(export: Path, change) -> None:
    path = export / "mnistkit.json"
    receipt = json.loads(path.read_text())
    change(receipt)
    path.write_text(json.dumps(receipt))


def split(**facts):
    return lambda receipt: receipt["splits"]["train"].update(facts)


EDITS = {
    "rows": (split(rows=29), "train: rows: mnistkit.json says 29, found 30"),
    "dtype": (split(dtype="int16"), "train: dtype: mnistkit.json says int16, found uint8"),
    "labelled": (split(labelled=False), "train: labelled: mnistkit.json says False, found True"),
    "shape": (split(shape=[14, 56]), "train: shape: mnistkit.json says (14, 56), found (28, 28)"),
    "blocks": (split(blocks="00000000"), "train: the fingerprints of blocks in mnistkit.json"),
    "digest": (lambda r: r.update(digest="mk1:0"), "mnistkit.json: the dataset's digest is not that of"),
    "class names": (lambda r: r.update(class_names="0" * 64), "the class names differ"),
}


@pytest.mark.parametrize(("change", "message"), EDITS.values(), ids=EDITS)
def test_verify_believes_no_fact_of_a_receipt(tmp_path, small, change, message):
    mnistkit.export(small, "idx", tmp_path / "out")
    edit(tmp_path / "out", change)

    result = mnistkit.verify(tmp_path / "out")

    assert any(message in problem for problem in result.problems), result.problems


NONSENSE = {
    "options null": lambda r: r.update(options=None),
    "options a list": lambda r: r.update(options=[1]),
    "extra null": split(extra=None),
    "rows a text": split(rows="30"),
    "rows negative": split(rows=-1),
    "shape of text": split(shape=["28"]),
    "shape of nothing": split(shape=[]),
    "format a number": lambda r: r.update(format=1),
    "lone surrogate": lambda r: r.update(dataset="\ud800"),
    "lone surrogate in what is told on": lambda r: r.update(licence="\ud800"),
    "lone surrogate as an option": lambda r: r["options"].update({"\ud800": 1}),
    "a split's name": lambda r: r["splits"].update({"../x": r["splits"].pop("train")}),
    "notes a text": lambda r: r.update(notes="abc"),
    "lost an object": lambda r: r.update(lost={}),
    "shape an object": split(shape={}),
    "sources of text": lambda r: r.update(sources=["x"]),
}


@pytest.mark.parametrize("change", NONSENSE.values(), ids=NONSENSE)
@pytest.mark.parametrize("command", ["info", "verify"])
def test_nonsense_in_a_receipt_is_one_line(tmp_path, small, cli, change, command):
    mnistkit.export(small, "idx", tmp_path / "out")
    edit(tmp_path / "out", change)

    result = cli(command, tmp_path / "out")

    assert result.code == 1
    assert "mnistkit.json: not a receipt of mnistkit" in result.err
    assert result.err.count("\n") == 1


# ---------------------------------------------------------------- comparing what is cut differently


def test_diff_compares_whatever_the_batches(tmp_path):
    dataset = drawn_dataset(train=3000)
    mnistkit.export(dataset, "parquet", tmp_path / "a", row_group=700, layout="pixels", verify=True)
    mnistkit.export(dataset, "idx", tmp_path / "b")

    assert list(mnistkit.diff(tmp_path / "a", tmp_path / "b")) == []


def test_diff_sees_extra_columns_and_class_names():
    images, labels = np.zeros((3, 2, 2), "u1"), np.arange(3)

    def dataset(names, column):
        return Dataset.from_arrays(
            {"train": (images, labels)}, class_names=names, extra={"train": {"x": column}}
        )

    a = dataset(("a", "b", "c"), [1, 2, 3])
    b = dataset(("a", "c", "b"), [1, 5, 3])

    assert [str(d) for d in mnistkit.diff(a, b)] == [
        "classes: their names: a, b, c in A, a, c, b in B",
        "train: image 1 (label 1): x differs",
    ]


def test_diff_of_large_images_stays_small(tmp_path, measured_peak):
    dataset = drawn_dataset(train=150, test=1, shape=(700, 700))
    mnistkit.export(dataset, "idx", tmp_path / "a")

    peak = measured_peak("diff", tmp_path / "a", tmp_path / "a")

    assert peak < 200e6


# ---------------------------------------------------------------- IDX folders that are not whole


def test_labels_whose_images_are_missing_are_refused(tmp_path, small):
    mnistkit.export(small, "idx", tmp_path / "out")
    (tmp_path / "out" / "train-images-idx3-ubyte").unlink()

    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte: labels without images"):
        mnistkit.open(tmp_path / "out")


def test_missing_shard_of_idx_is_refused(tmp_path):
    for shard in (0, 2):
        head = b"\0\0\x08\3" + struct.pack(">3I", 1, 2, 2)
        (tmp_path / f"train-0000{shard}-of-00003-images-idx3-ubyte").write_bytes(head + bytes(4))

    with pytest.raises(DataError, match="shards of split 'train': expected shards 0 to 2, once each"):
        mnistkit.open(tmp_path)


def test_compressed_file_without_images_must_end_there(tmp_path):
    head = b"\0\0\x08\3" + struct.pack(">3I", 0, 2, 2)
    (tmp_path / "train-images-idx3-ubyte.xz").write_bytes(lzma.compress(head + b"more"))

    with pytest.raises(DataError, match="data behind the end of the array"):
        mnistkit.open(tmp_path)


def test_recognising_reads_no_further_than_the_promise(tmp_path, measured_peak):
    head = b"\0\0\x08\3" + struct.pack(">3I", 60000, 28, 28)
    with lzma.open(tmp_path / "train-images-idx3-ubyte.xz", "wb", preset=0) as file:
        file.write(head + bytes(60000 * 784 + 1))

    assert measured_peak("info", tmp_path) < 200e6
    with pytest.raises(DataError, match="data behind the end"):
        list(mnistkit.open(tmp_path)["train"].batches())


def test_splits_of_any_legal_name_come_back(tmp_path):
    image = (np.zeros((2, 2, 2), "u1"), np.arange(2))
    dataset = Dataset.from_arrays({"t10k": image, "train-extra": image, "a--b": image, "val": image})

    mnistkit.export(dataset, "idx", tmp_path / "out", verify=True)

    assert set(mnistkit.open(tmp_path / "out").splits) == set(dataset.splits)


def test_split_named_like_a_shard_is_refused(tmp_path):
    dataset = Dataset.from_arrays({"train-00000-of-00001": (np.zeros((2, 2, 2), "u1"), None)})

    with pytest.raises(mnistkit.CapabilityError, match="is named like a shard"):
        mnistkit.export(dataset, "idx", tmp_path / "out")


def test_loaded_data_may_be_changed(tmp_path, small):
    mnistkit.export(small, "idx", tmp_path / "out")

    (x_train, _), _ = mnistkit.load_data(tmp_path / "out")
    x_train //= 2

    assert x_train.max() <= 127
