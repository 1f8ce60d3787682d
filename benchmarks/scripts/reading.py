"""How a script reads compressed IDX files with what every tutorial uses: gzip and numpy."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np


def read_idx(folder: str) -> tuple[Any, Any]:
    """Return images, uint8 (n, 28, 28), and labels, uint8 (n,)."""
    with gzip.open(Path(folder, "train-images-idx3-ubyte.gz")) as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(Path(folder, "train-labels-idx1-ubyte.gz")) as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return images, labels


def read_table(folder: str) -> tuple[Any, list[str]]:
    """Return label and pixels side by side, uint8 (n, 785), and the names of the columns."""
    images, labels = read_idx(folder)
    flat = np.column_stack([labels, images.reshape(len(images), -1)])
    return flat, ["label", *(f"pixel{i}" for i in range(flat.shape[1] - 1))]
