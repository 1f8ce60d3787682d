"""What ML.NET loads from an export and saves again in its own way is read as the same dataset."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
from mlnet.client import ask, binary, text

import mnistkit
from mnistkit.testing import drawn_dataset

SUFFIXES = {"text": ".tsv", "sparse": ".tsv", "binary": ".idv"}
#: Name of an export -> its format, its options, and how ML.NET loads its files.
EXPORTS = {
    "dense text": ("mlnet", {}, text),
    "sparse text": ("mlnet", {"sparse": True}, text),
    "labels as numbers": ("mlnet", {"label_kind": "single"}, text),
    "bytes": ("idv", {"type": "byte"}, binary),
    "singles": ("idv", {"type": "single"}, binary),
}


def dataset():
    """Return images of several blocks of a binary file, some without any ink at all."""
    drawn = drawn_dataset(20_000, 30, shape=(6, 6))
    splits = {}
    for name, split in drawn.splits.items():
        whole = split.load()
        images = whole.images.copy()
        images[::3] = 0
        images[1::3, 2:] = 0  # ML.NET saves these as sparse rows
        splits[name] = images, whole.labels
    return mnistkit.dataset.Dataset.from_arrays(splits, name="drawn")


@pytest.fixture(scope="session")
def resaved(mlnet_home, tmp_path_factory):
    """Return the folder of an export that ML.NET has loaded and saved again in one of its ways."""

    @functools.cache
    def saved(name) -> Path:
        to, chosen, view = EXPORTS[name]
        folder = tmp_path_factory.mktemp("resaved")
        mnistkit.export(dataset(), to, folder / "export", **chosen)
        views = {}
        for split in ("train", "test"):
            places = {}
            for kind, suffix in SUFFIXES.items():
                (folder / kind).mkdir(exist_ok=True)
                places[kind] = str(folder / kind / (split + suffix))
            views[split] = view(folder / "export" / (split + SUFFIXES[_own(to)]), save=places)
        ask(mlnet_home, views)
        return folder

    return lambda name, kind: saved(name) / kind


def _own(to: str) -> str:
    return "binary" if to == "idv" else "text"


@pytest.mark.parametrize("kind", SUFFIXES)
@pytest.mark.parametrize("name", EXPORTS)
def test_it_is_the_same_dataset(resaved, name, kind):
    assert list(map(str, mnistkit.diff(resaved(name, kind), dataset()))) == []


def test_names_of_classes_survive_ml_nets_own_binary_files(mlnet_home, tmp_path):
    names = ["T-shirt/top", 'a"b', "ключ"]
    named = drawn_dataset(9, 0, shape=(4, 4), classes=3, class_names=names).select(["train"])
    mnistkit.export(named, "idv", tmp_path / "export")

    ask(
        mlnet_home,
        {"it": binary(tmp_path / "export/train.idv", save={"binary": str(tmp_path / "train.idv")})},
    )

    again = mnistkit.open(tmp_path / "train.idv")
    assert again.info.class_names == tuple(names)
    assert list(map(str, mnistkit.diff(again, named))) == []
