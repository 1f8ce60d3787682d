"""A compressed file is read no further than its header promises, whatever it would unpack to."""

from __future__ import annotations

import bz2
import lzma
import time
import zlib

import pyarrow as pa
import pytest

import mnistkit
from mnistkit.errors import DataError
from mnistkit.testing import drawn_dataset

MEGABYTE = bytes(1 << 20)
TIMES = 20_000  # 20 GB, which no machine unpacks in the time that the tests allow
SECONDS = 5


def repeated_gzip(head: bytes) -> bytes:
    """Pack a head and 20 GB of zeros: one block of deflate over and over, valid up to its checksum."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    begun = deflate.compress(head) + deflate.flush(zlib.Z_FULL_FLUSH)
    block = deflate.compress(MEGABYTE) + deflate.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + begun + block * TIMES + b"\x03\0" + bytes(8)


def zstd(data: bytes) -> bytes:
    return pa.Codec("zstd").compress(data, asbytes=True)


BOMBS = {
    "gzip": repeated_gzip,
    "bzip2": lambda head: bz2.compress(head) + bz2.compress(MEGABYTE) * TIMES,
    "xz": lambda head: lzma.compress(head) + lzma.compress(MEGABYTE) * TIMES,
    "zstd": lambda head: zstd(head) + zstd(MEGABYTE) * TIMES,
}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("idx") / "out"
    mnistkit.export(drawn_dataset(4, 0, labelled=False), "idx", folder)
    return (folder / "train-images-idx3-ubyte").read_bytes()


@pytest.mark.parametrize("cut", [0, 100], ids=["behind the images", "among the images"])
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_read_no_further_than_its_header_promises(tmp_path, images, bomb, cut):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(bomb(images[: len(images) - cut]))
    began = time.monotonic()

    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz: .*(goes on|more|longer)"):
        mnistkit.open(path)["train"].load()
    with pytest.raises(DataError):
        mnistkit.export(path, "csv", tmp_path / "out")

    assert time.monotonic() - began < SECONDS
    assert [name.name for name in tmp_path.iterdir()] == [path.name]
