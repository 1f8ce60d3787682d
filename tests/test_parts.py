"""What readers and writers of plugins are told: the parts of a split, and what a receipt knows."""

from __future__ import annotations

import numpy as np

import mnistkit
from mnistkit.plugin import Part
from mnistkit.proof import source_of
from mnistkit.receipt import receipt_of
from mnistkit.testing import drawn_dataset


def divided(part, dataset, start, stop):
    """Divide rows of the splits of a part, and count those of each."""
    batches = (batch for split in part.splits for batch in dataset[split.name][start:stop].batches(4))
    return {split.name: sum(map(len, rows)) for split, rows in part.by_split(batches)}


def test_a_whole_dataset_is_divided_into_its_splits_even_without_rows():
    dataset = drawn_dataset(train=30, test=0)
    part = Part("drawn", dataset.info.splits, dataset.info, 0, 30)

    assert divided(part, dataset, 0, 30) == {"train": 30, "test": 0}


def test_a_part_of_a_split_is_divided_into_no_more_rows_than_it_has():
    dataset = drawn_dataset(train=30)
    split = dataset["train"].info
    part = Part("train-00001-of-00003", (split,), dataset.info, 10, 17)

    assert divided(part, dataset, 10, 17) == {"train": 7}


def test_a_receipt_tells_whether_there_are_labels_where_no_row_does(tmp_path):
    nothing = np.zeros((0, 2, 2), "uint8")
    splits = {"train": (nothing, np.zeros(0, "uint8")), "test": (nothing, None)}
    mnistkit.export(mnistkit.Dataset.from_arrays(splits, name="drawn"), "idx", tmp_path / "out")

    source = source_of(tmp_path / "out", receipt_of(tmp_path / "out"))

    assert [source.is_labelled(name) for name in ("train", "test", "other")] == [True, False, None]
