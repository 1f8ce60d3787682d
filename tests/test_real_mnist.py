"""The published MNIST travels through every format and comes out byte for byte as it went in."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import mnistkit
from mnistkit.testing import drawn_dataset

DIGESTS = {
    "train": "mk1:ca833e301e596d61c1636c27371e4ab704b941390df924e259595dccb0bcdafd",
    "test": "mk1:3269015e2215b00a4df48a38728ce2eb9125d364fb73466dd5690565939c10c2",
}
MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def test_chain_through_all_formats_ends_with_the_published_bytes(mnist, tmp_path):
    source = mnist
    for name in ("csv", "mlnet", "idv", "png", "parquet", "hdf5", "idx"):
        receipt = mnistkit.export(source, name, tmp_path / name, verify=True)
        assert {split: r.digest for split, r in receipt.splits.items()} == DIGESTS, name
        source = tmp_path / name

    found = {name: hashlib.md5((source / name).read_bytes()).hexdigest() for name in MD5}
    assert found == MD5


def test_labels_and_pixels_are_the_known_ones(mnist):
    train = mnistkit.open(mnist)["train"]
    whole = train.load()

    assert whole.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(whole.labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert np.count_nonzero(whole.images.any(axis=0)) == 717


def test_one_changed_pixel_is_named(mnist, tmp_path, cli):
    mnistkit.export(mnist, "idx", tmp_path / "a")
    mnistkit.export(mnist, "idx", tmp_path / "b")
    images = tmp_path / "b" / "train-images-idx3-ubyte"
    before = mnistkit.open(tmp_path / "a")["train"][31007]
    with images.open("r+b") as file:
        file.seek(16 + 31007 * 784 + 14 * 28 + 9)
        file.write(bytes([before[0][14, 9] ^ 0x55]))

    result = cli("diff", tmp_path / "a", tmp_path / "b")

    label, old = before[1], int(before[0][14, 9])
    assert result.code == 3
    assert result.out == (
        f"train: image 31,007 (label {label}): pixel at row 14, column 9 is {old} in A, {old ^ 0x55} in B\n"
        "different\n"
    )


@pytest.mark.parametrize("name", ["csv", "mlnet", "idv", "png", "parquet", "hdf5", "idx"])
def test_bytes_do_not_depend_on_workers(name, tmp_path):
    dataset = drawn_dataset(train=5000, test=50)
    for workers in (1, 2, 7):
        mnistkit.export(dataset, name, tmp_path / str(workers), workers=workers)

    listings = {(tmp_path / str(workers) / "mnistkit.sha256").read_bytes() for workers in (1, 2, 7)}

    assert len(listings) == 1
