"""Whatever a dataset, its splits, classes and columns are called, nothing leaves the destination."""

from __future__ import annotations

import unicodedata
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hostile.names import ALL, NAMES, is_portable, tree

import mnistkit
from mnistkit.api import default_out
from mnistkit.dataset import Dataset
from mnistkit.errors import CapabilityError, DataError
from mnistkit.info import SPLIT_NAME
from mnistkit.naming import file_stem
from mnistkit.testing import assert_same_content, drawn_dataset

CLASS_NAMES = tuple(ALL.values())

#: What no column is called.
UNNAMEABLE = {
    kind: name for kind, name in ALL.items() if any(unicodedata.category(letter) == "Cc" for letter in name)
}

#: Every way to write that names files or folders after data, or holds names.
WAYS = {
    "csv": ("csv", {}),
    "csv after the dataset": ("csv", {"preset": "pjreddie"}),
    "hdf5": ("hdf5", {}),
    "hdf5 after the dataset": ("hdf5", {"layout": "keras"}),
    "idv": ("idv", {}),
    "idx": ("idx", {}),
    "mlnet": ("mlnet", {}),
    "npz": ("npz", {}),
    "npz of medmnist": ("npz", {"preset": "medmnist"}),
    "npz apart": ("npz", {"preset": "kmnist"}),
    "parquet": ("parquet", {}),
    "png": ("png", {"tags": True}),
    "png flat": ("png", {"layout": "flat", "tags": True}),
}

KEPT = {"hdf5", "hdf5 after the dataset", "idv", "mlnet", "npz", "npz of medmnist", "parquet"}


def renamed(dataset: Dataset, name: str) -> Dataset:
    return Dataset(dataset.reader, info=replace(dataset.info, name=name))


def assert_tame(folder: Path, *inside: str) -> None:
    """Make sure that nothing lies in a folder but what was asked for, all with names for every system."""
    found = list(tree(folder))
    outside = [name for name in found if not any(f"{name}/".startswith(f"{place}/") for place in inside)]
    assert outside == []
    strange = [name for name in found if not all(map(is_portable, name.split("/")))]
    assert strange == []
    folded = [unicodedata.normalize("NFKC", name).casefold() for name in found]
    assert len(set(folded)) == len(found), "two names that some systems take for one"


@pytest.mark.parametrize(("name", "options"), WAYS.values(), ids=WAYS)
def test_names_of_classes_make_no_path(tmp_path, request, name, options):
    dataset = drawn_dataset(130, 70, shape=(3, 3), classes=len(CLASS_NAMES), class_names=CLASS_NAMES)
    way = request.node.callspec.id

    receipt = mnistkit.export(dataset, name, tmp_path / "out", verify=True, **options)

    assert_tame(tmp_path, "out")
    found = mnistkit.open(tmp_path / "out")
    assert_same_content(found, dataset)
    if way in KEPT:
        assert found.info.class_names == CLASS_NAMES
    else:
        assert any("name" in sentence for sentence in receipt.lost)
    if name == "png" and way != "png flat":
        uncut = [(a, b) for a, b in zip(CLASS_NAMES, found.info.class_names, strict=True) if len(a) < 15]
        assert all(a == b for a, b in uncut)


@pytest.mark.parametrize("hostile", ["evil\0.png", "evil\0", "\0"], ids=ascii)
@pytest.mark.parametrize(("name", "options"), WAYS.values(), ids=WAYS)
def test_a_class_name_with_nul_comes_back_or_is_refused(tmp_path, name, options, hostile):
    names = ["plain", hostile]
    dataset = drawn_dataset(10, 4, shape=(3, 3), classes=2, class_names=names)

    try:
        receipt = mnistkit.export(dataset, name, tmp_path / "out", verify=True, **options)
    except CapabilityError as refused:
        assert "\0" not in str(refused)  # noqa: PT017 - that it may be refused is the point
        assert list(tmp_path.iterdir()) == []
    else:
        assert_tame(tmp_path, "out")
        found = mnistkit.open(tmp_path / "out").info.class_names
        assert found == tuple(names) or any("names" in sentence for sentence in receipt.lost)


@pytest.mark.parametrize("name", ALL.values(), ids=ALL)
def test_the_name_of_a_dataset_makes_a_tame_name_for_files(name):
    stem = file_stem(name)

    assert all(map(is_portable, (stem, f"{stem}.csproj", f"{stem}.h5", str(default_out(name, "csv")))))
    assert not stem.startswith((".", "-"))
    assert default_out(name, "csv").parent == Path()


@pytest.mark.parametrize(
    "kind", ["parent", "absolute", "drive", "device", "device with an ending", "300 bytes"]
)
@pytest.mark.parametrize(
    "way", ["csv after the dataset", "hdf5 after the dataset", "mlnet", "npz", "npz apart"]
)
def test_the_name_of_a_dataset_makes_no_path(tmp_path, monkeypatch, kind, way):
    monkeypatch.chdir(tmp_path)
    name, options = WAYS[way]
    dataset = renamed(drawn_dataset(class_names=None), NAMES[kind])

    receipt = mnistkit.export(dataset, name, **options)

    assert_tame(tmp_path, str(default_out(NAMES[kind], name)))
    assert receipt.dataset == NAMES[kind]
    assert mnistkit.verify(default_out(NAMES[kind], name), against=dataset)


NO_SPLITS = {kind: name for kind, name in ALL.items() if not SPLIT_NAME.fullmatch(name)}


@pytest.mark.parametrize("name", NO_SPLITS.values(), ids=NO_SPLITS)
def test_no_split_is_called_what_is_no_plain_word(name):
    with pytest.raises(DataError, match=r"bad name: expected \[a-z0-9_-\]\+"):
        Dataset.from_arrays({name: (np.zeros((2, 3, 3), "u1"), None)})


UNFIT = {
    "con": "is named like a device of Windows",
    "com1": "is named like a device of Windows",
    "-rf": "is named like an option",
    "x" * 300: "has a name of more than 100 letters",
    "train-00000-of-00002": "is named like a shard",
}


@pytest.mark.parametrize(("split", "fault"), UNFIT.items(), ids=lambda text: text[:20])
@pytest.mark.parametrize(("name", "options"), WAYS.values(), ids=WAYS)
def test_no_file_is_named_after_a_split_that_is_no_name_everywhere(tmp_path, name, options, split, fault):
    dataset = Dataset.from_arrays({split: (np.zeros((2, 3, 3), "u1"), np.arange(2))})

    with pytest.raises(CapabilityError, match=f"{fault}; rename it$"):
        mnistkit.export(dataset, name, tmp_path / "out", **options)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "options"), WAYS.values(), ids=WAYS)
def test_names_of_columns_make_no_path(tmp_path, name, options):
    whole = drawn_dataset(20, 0, shape=(3, 3))["train"].load()
    names = [n for kind, n in ALL.items() if kind not in UNNAMEABLE]
    columns = {n: np.full(20, i, "int32") for i, n in enumerate(names)}
    if name == "hdf5":
        columns = {n: column for n, column in columns.items() if "/" not in n and n != "."}
    dataset = Dataset.from_arrays({"train": (whole.images, whole.labels)}, extra={"train": columns})

    receipt = mnistkit.export(dataset, name, tmp_path / "out", verify=True, **options)

    assert_tame(tmp_path, "out")
    found = mnistkit.open(tmp_path / "out")["train"]
    if set(receipt.splits["train"].extra) == set(columns):
        assert {column.name for column in found.info.extra} == set(columns)
    else:
        assert any("column" in sentence for sentence in receipt.lost)


@pytest.mark.parametrize("column", ["../../evil", "/etc/cron.d/evil", ".", "a/b"])
def test_a_column_that_hdf5_would_take_for_a_path_is_refused(tmp_path, column):
    whole = drawn_dataset(20, 0)["train"].load()
    extra = {"train": {column: np.arange(20)}}

    with pytest.raises(CapabilityError, match="column that cannot be an HDF5 dataset"):
        mnistkit.export(
            Dataset.from_arrays({"train": (whole.images, whole.labels)}, extra=extra),
            "hdf5",
            tmp_path / "out",
        )

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", UNNAMEABLE.values(), ids=UNNAMEABLE)
def test_no_column_is_called_by_control_characters(name):
    images = np.zeros((20, 3, 3), "u1")

    with pytest.raises(DataError, match="bad name: expected text without control characters"):
        Dataset.from_arrays({"train": (images, None)}, extra={"train": {name: np.arange(20)}})


@pytest.mark.parametrize(
    "column", ["../evil", "..\\evil", "C:evil", "/evil", "\\\\share\\evil", "x" * 70_000]
)
def test_no_member_of_an_archive_is_a_path(tmp_path, column):
    images = np.zeros((20, 3, 3), "u1")
    extra = {"train": {column: np.arange(20), "fine": np.arange(20)}}

    receipt = mnistkit.export(
        Dataset.from_arrays({"train": (images, None)}, extra=extra), "npz", tmp_path / "out", verify=True
    )

    (archive,) = (tmp_path / "out").glob("*.npz")
    assert set(zipfile.ZipFile(archive).namelist()) == {"x_train.npy", "fine_train.npy"}
    assert any(repr(column) in sentence for sentence in receipt.lost)
