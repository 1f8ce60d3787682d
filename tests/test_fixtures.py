"""The fixtures that pytest finds wherever mnistkit is installed."""

from __future__ import annotations


def test_a_small_dataset_is_at_hand(mnistkit_small):
    assert {name: len(split) for name, split in mnistkit_small.splits.items()} == {"train": 30, "test": 10}


def test_an_export_is_at_hand(mnistkit_small, mnistkit_export, tmp_path):
    first, second = (
        mnistkit_export(mnistkit_small, "idx"),
        mnistkit_export(mnistkit_small, "idx", gzip="fast"),
    )

    assert first.parent == second.parent == tmp_path
    assert (first / "train-images-idx3-ubyte").is_file()
    assert (second / "train-images-idx3-ubyte.gz").is_file()
