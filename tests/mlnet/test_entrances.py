"""The published MNIST goes into ML.NET through every entrance, and ML.NET hands back the published bytes."""

from __future__ import annotations

import functools
import gzip
import hashlib
import tempfile
from pathlib import Path

import pytest
from mlnet.entrances import ENTRANCES, SPLITS, export, visit

every_entrance = pytest.mark.parametrize("entrance", ENTRANCES, ids=str)
each_split = pytest.mark.parametrize("split", SPLITS)
#: Split -> file names of its IDX files.
PUBLISHED = {"train": "train-{}-ubyte.gz", "test": "t10k-{}-ubyte.gz"}


@pytest.fixture(scope="session")
def seen(request, mlnet_home, mnist, tmp_path_factory):
    """Return what ML.NET hands back of MNIST behind an entrance; each is visited once."""

    @functools.cache
    def answer(entrance):
        home = request.getfixturevalue(entrance.home)
        with tempfile.TemporaryDirectory(dir=tmp_path_factory.getbasetemp()) as scratch:
            folder = Path(scratch, entrance.to)
            export(entrance, mnist, folder)
            return visit(entrance, folder, home)

    return answer


def published(mnist: Path, split: str, kind: str, *, header: int) -> str:
    """Return the SHA-256 of a published file behind its header."""
    packed = mnist / PUBLISHED[split].format(kind)
    return hashlib.sha256(gzip.decompress(packed.read_bytes())[header:]).hexdigest()


@each_split
@every_entrance
def test_labels_are_the_published_bytes(seen, mnist, entrance, split):
    expected = published(mnist, split, "labels-idx1", header=8)

    assert seen(entrance)["views"][split]["labels_sha256"] == expected


@each_split
@every_entrance
def test_pixels_are_the_published_bytes(seen, mnist, entrance, split):
    expected = published(mnist, split, "images-idx3", header=16)

    assert seen(entrance)["views"][split]["pixels_sha256"] == expected


@each_split
@every_entrance
def test_ml_net_finds_nothing_bad(seen, entrance, split):
    view = seen(entrance)["views"][split]

    assert (view["bad"], view["missing"], view["messages"]) == (0, 0, [])


@each_split
@every_entrance
def test_the_label_is_a_key_and_features_a_vector(seen, entrance, split):
    schema = seen(entrance)["views"][split]["schema"]

    assert schema["Label"] == "Key<UInt32, 0-9>"
    assert schema["Features"] == f"Vector<{entrance.item}, {entrance.size}>"


@each_split
@every_entrance
def test_pixels_have_names_where_the_entrance_knows_them(seen, entrance, split):
    names = [f"pixel{i}" for i in range(784)] if entrance.slots else None

    assert seen(entrance)["views"][split]["slot_names"] == names


@pytest.mark.parametrize("entrance", [entrance for entrance in ENTRANCES if entrance.trained], ids=str)
def test_training_on_it_is_accurate(seen, entrance):
    assert seen(entrance)["accuracy"] > 0.90
