"""The content digest is what its definition says, in whatever pieces it is computed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import digest_by_hand
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistkit.dataset import DTYPES, Batch, Dataset
from mnistkit.digest import BlockHash, SplitDigest, _json, class_names_digest, dataset_digest

TRAIN = "mk1:ca833e301e596d61c1636c27371e4ab704b941390df924e259595dccb0bcdafd"
TEST = "mk1:3269015e2215b00a4df48a38728ce2eb9125d364fb73466dd5690565939c10c2"


def digest(split, size=None):
    result = SplitDigest(split.info)
    for batch in split.batches(size):
        result.update(batch)
    return result


def by_hand(images, labels):
    shape, dtype = images.shape[1:], images.dtype
    row = int(np.prod(shape)) * dtype.itemsize
    pixels = images.astype(dtype.newbyteorder("<")).tobytes()
    return digest_by_hand.digest(shape, dtype.name, pixels, row, None if labels is None else labels.tolist())


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_digest_follows_its_definition_in_pieces_of_any_size(data):
    rows = data.draw(st.sampled_from([0, 1, 5, 4095, 4096, 4097, 9000]))
    shape = data.draw(st.sampled_from([(1, 1), (2, 3), (1, 2, 3)]))
    dtype = data.draw(st.sampled_from(DTYPES))
    size = data.draw(st.integers(1, 5000) if rows < 100 else st.integers(500, 5000))
    generator = np.random.default_rng(rows)
    images = generator.integers(0, 100, (rows, *shape)).astype(dtype)
    labels = generator.integers(-(2**40), 2**40, rows) if data.draw(st.booleans()) else None
    split = Dataset.from_arrays({"train": (images, labels)})["train"]

    found = digest(split, size)

    assert found.content() == by_hand(images, labels)


def test_labelled_and_unlabelled_empty_splits_differ():
    empty = np.zeros((0, 2, 2), "u1")
    labelled = Dataset.from_arrays({"train": (empty, np.zeros(0, int))})["train"]
    unlabelled = Dataset.from_arrays({"train": (empty, None)})["train"]

    assert digest(labelled).content() == by_hand(empty, np.zeros(0, int))
    assert digest(labelled).content() != digest(unlabelled).content()


def test_width_of_labels_is_no_content(small):
    images, labels = small["train"].load().images, small["train"].load().labels
    wide = Dataset.from_arrays({"train": (images, labels.astype("i8"))})["train"]

    assert digest(wide).content() == digest(small["train"]).content()


@pytest.mark.parametrize("row", [0, 4095, 4096, 8999])
def test_blocks_tell_where_a_label_differs(row):
    images, labels = np.zeros((9000, 1, 1), "u1"), np.zeros(9000, "u1")
    changed = labels.copy()
    changed[row] = 1

    a = digest(Dataset.from_arrays({"train": (images, labels)})["train"])
    b = digest(Dataset.from_arrays({"train": (images, changed)})["train"])
    a.content(), b.content()

    pairs = [(a.blocks()[i : i + 8], b.blocks()[i : i + 8]) for i in range(0, 24, 8)]
    assert [i for i, (x, y) in enumerate(pairs) if x != y] == [row // 4096]


def test_blocks_of_images_without_labels_are_of_the_images_alone():
    images = np.arange(4097, dtype="u1").reshape(-1, 1, 1)
    found = digest(Dataset.from_arrays({"train": (images, None)})["train"])

    pieces = (images[:4096].tobytes(), images[4096:].tobytes())
    expected = [hashlib.sha256(hashlib.sha256(piece).digest()).hexdigest()[:8] for piece in pieces]
    assert found.blocks() == "".join(expected)


def test_labels_of_some_of_the_images_alone_have_no_blocks():
    info = Dataset.from_arrays({"train": (np.zeros((1, 1, 1), "u1"), np.zeros(1, "u1"))})["train"].info
    found = SplitDigest(info)
    found.update(Batch(np.zeros((4096, 1, 1), "u1"), np.zeros(4096, "u1")))
    found.update(Batch(np.zeros((1, 1, 1), "u1"), None))

    with pytest.raises(ValueError, match="shorter"):
        found.blocks()


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", ["u1", "i2", "f8"])
def test_bytes_are_hashed_lowest_first_whatever_their_order_in_memory(dtype, order):
    values = np.arange(12).reshape(3, 2, 2)
    found = BlockHash()

    found.update(values.astype(np.dtype(dtype).newbyteorder(order)))

    assert (
        found.finish() == hashlib.sha256(values.astype(np.dtype(dtype).newbyteorder("<")).tobytes()).digest()
    )


def test_rows_are_hashed_in_c_order_whatever_their_order_in_memory():
    values = np.asfortranarray(np.arange(24, dtype="u1").reshape(2, 3, 4))
    found = BlockHash()

    found.update(values[::-1])

    assert found.finish() == hashlib.sha256(values[::-1].tobytes("C")).digest()


def test_dataset_digest_is_of_sorted_lines():
    expected = hashlib.sha256(b"test:mk1:b\ntrain:mk1:a\n").hexdigest()

    assert dataset_digest({"train": "mk1:a", "test": "mk1:b"}) == f"mk1:{expected}"


def test_json_has_sorted_keys_no_spaces_and_its_characters_as_they_are():
    assert _json({"b": [1, 2], "a": "ключ", "c": {"z": None, "y": True}}) == (
        '{"a":"ключ","b":[1,2],"c":{"y":true,"z":null}}'.encode()
    )


def test_class_names_digest_is_of_their_json():
    assert class_names_digest(["ключ", "a"]) == hashlib.sha256('["ключ","a"]'.encode()).hexdigest()
    assert class_names_digest(None) is None


def test_extra_column_digest_is_of_name_type_shape_and_values():
    column = np.array([[1, 2], [3, 4]], "i4")
    images = np.zeros((2, 1, 1), "u1")
    split = Dataset.from_arrays({"train": (images, None)}, extra={"train": {"box": column}})["train"]

    header = b'{"dtype":"int32","name":"box","shape":[2]}'
    blocks = hashlib.sha256(column.astype("<i4").tobytes()).digest()
    expected = hashlib.sha256(header + hashlib.sha256(blocks).digest()).hexdigest()
    assert digest(split).extra() == {"box": expected}


def test_script_without_mnistkit_gives_the_known_digests_of_mnist(mnist):
    script = Path(digest_by_hand.__file__)
    for name, expected in (("train", TRAIN), ("t10k", TEST)):
        files = [str(mnist / f"{name}-{what}-ubyte.gz") for what in ("images-idx3", "labels-idx1")]
        run = subprocess.run(
            [sys.executable, "-I", script, *files], capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == expected
