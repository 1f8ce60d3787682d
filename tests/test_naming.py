"""File names tell splits."""

from __future__ import annotations

from pathlib import Path

import pytest

from mnistkit.errors import DataError
from mnistkit.naming import by_split, canonical, find_split, slug, stem_of


def sort(*names, **more):
    splits = by_split([Path(name) for name in names], (".csv",), **more)
    return {split: [path.name for path in paths] for split, paths in splits.items()}


def test_words_tell_splits_in_their_usual_order():
    assert sort("mnist_val.csv", "mnist_test.csv", "mnist_train.csv") == {
        "train": ["mnist_train.csv"],
        "test": ["mnist_test.csv"],
        "validation": ["mnist_val.csv"],
    }


@pytest.mark.parametrize("name", ["digits.csv", "digits.csv.gz", "train.csv"])
def test_one_file_is_train(name):
    assert sort(name) == {"train": [name]}


def test_files_without_a_word_are_splits_of_their_own():
    assert sort("train.csv", "Dig MNIST.csv") == {"train": ["train.csv"], "dig-mnist": ["Dig MNIST.csv"]}


def test_known_names_win_over_words():
    assert sort("train-extra.csv", "train.csv", known=("train", "train-extra")) == {
        "train": ["train.csv"],
        "train-extra": ["train-extra.csv"],
    }


def test_shards_are_one_split_in_order():
    names = [f"train-{i:05}-of-00003.csv" for i in range(3)]

    assert sort(*reversed(names), "test.csv") == {"train": names, "test": ["test.csv"]}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ("a-train.csv", "b-train.csv"),
            "several datasets in one folder: expected one, found a, b; name one as",
        ),
        (
            ("train.csv", "train.csv.gz"),
            "two files for split 'train': expected one, or shards of it, found train.csv, train.csv.gz",
        ),
        (
            ("train-00000-of-00003.csv", "train-00002-of-00003.csv"),
            "shards of split 'train': expected shards 0 to 2, once each",
        ),
        (("train-00000-of-00001.csv", "train-00001-of-00002.csv"), "expected shards 0 to 1, once each"),
        (("train-00000-of-00002.csv", "train.csv"), "two files for split 'train'"),
    ],
    ids=str,
)
def test_contradictions_are_refused(names, message):
    with pytest.raises(DataError, match=message):
        sort(*names)


def test_prefix_picks():
    assert sort("a-train.csv", "b-train.csv", prefix="b") == {"train": ["b-train.csv"]}


@pytest.mark.parametrize(
    ("stem", "found"),
    [
        ("t10k-images", ("", "test")),
        ("X_kannada_MNIST_train", ("X_kannada_MNIST", "train")),
        ("emnist-letters-test-images", ("emnist-letters", "test")),
        ("constraint", None),
        ("test10k", None),
    ],
)
def test_words_are_whole_words(stem, found):
    assert find_split(stem) == found


def test_small_things():
    assert (canonical("t10k"), canonical("VAL"), canonical("nist")) == ("test", "validation", "nist")
    assert slug("Dig MNIST!") == "dig-mnist"
    assert slug("…") == "data"
    assert stem_of("train.CSV.gz", (".csv",)) == "train"
    assert stem_of(".csv", (".csv",)) == ".csv"
