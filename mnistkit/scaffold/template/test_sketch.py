"""The format keeps its contract, and its files are what they are said to be."""

from __future__ import annotations

from pathlib import Path

import mnistkit
import numpy as np
import pytest  # reader
from mnistkit.testing import FormatContract


class TestSketch(FormatContract):
    format = "sketch"


# <writer>
def test_numpy_opens_what_is_written(
    mnistkit_small: mnistkit.Dataset, tmp_path: Path
) -> None:
    mnistkit.export(mnistkit_small, "sketch", tmp_path / "out")

    with (tmp_path / "out" / "train.sketch").open("rb") as file:
        images, labels = np.load(file), np.load(file)
    expected = mnistkit_small["train"].load()
    np.testing.assert_array_equal(images, expected.images)
    np.testing.assert_array_equal(labels, expected.labels)


# </writer>
# <reader>
def test_what_numpy_writes_is_read(tmp_path: Path) -> None:
    images = np.arange(24, dtype="uint8").reshape(6, 2, 2)
    with (tmp_path / "test.sketch").open("wb") as file:
        np.save(file, images)
        np.save(file, np.arange(6))

    found = mnistkit.open(tmp_path)["test"].load()

    np.testing.assert_array_equal(found.images, images)
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "train.sketch").write_bytes(b"no arrays")

    expected = "train.sketch: not a file of arrays"
    with pytest.raises(mnistkit.DataError, match=expected):
        mnistkit.open(tmp_path, format="sketch")


# </reader>
