"""The images that all sides share, and the files made of them.

::

    images.npy labels.npy                  the source arrays: uint8 (n, 28, 28) and (n,)
    idx/train-images-idx3-ubyte …          the same as IDX
    idx-gz/train-images-idx3-ubyte.gz …    the published files, or gzip at its highest level
    idx-x10/train-images-idx3-ubyte …      ten times the same
    csv/train.csv                          label,pixel0,…,pixel783 by the csv module: what all CSV must equal

Nothing here is made by the code that is measured, but for the drawing of synthetic digits.
"""

from __future__ import annotations

import csv
import gzip
import os
import struct
import sys
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

REAL_DATA = "MNISTKIT_TEST_DATA"  # as the tests have it
_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
MANY = 10  # how many times the images are repeated where scale is measured


@dataclass(frozen=True)
class Data:
    """The source of all jobs.

    Attributes:
        root: The folder drawn above.
        kind: ``mnist`` or ``synthetic``.
        workers: How many threads or processes a side may use that can be told.
        copies: How many times the images are repeated.
    """

    root: Path
    kind: str
    workers: int
    copies: int = 1

    @cached_property
    def images(self) -> Array:
        """Uint8 (n, 28, 28), in memory; not repeated."""
        images: Array = np.load(self.root / "images.npy")
        return images

    @cached_property
    def labels(self) -> Array:
        """Uint8 (n,), not repeated."""
        labels: Array = np.load(self.root / "labels.npy")
        return labels

    @property
    def rows(self) -> int:
        """Number of images, repetitions included."""
        return len(self.labels) * self.copies

    @cached_property
    def flat(self) -> Array:
        """Label and pixels side by side: uint8 (n, 785)."""
        return np.column_stack([self.labels, self.images.reshape(len(self.images), -1)])

    @property
    def columns(self) -> list[str]:
        """Names of those 785 columns."""
        return ["label", *(f"pixel{i}" for i in range(self.images[0].size))]

    @property
    def idx(self) -> Path:
        """The folder of plain IDX files."""
        return self.root / ("idx" if self.copies == 1 else f"idx-x{self.copies}")

    @property
    def idx_gz(self) -> Path:
        """The folder of compressed IDX files."""
        return self.root / "idx-gz"

    @property
    def csv(self) -> Path:
        """The CSV file that all others must equal."""
        return self.root / "csv" / "train.csv"

    def repeated(self, copies: int) -> Data:
        """Return the same images, so many times."""
        return replace(self, copies=copies)


def prepare(root: Path, *, rows: int, workers: int) -> Data:
    """Write all files that the sides read.

    Raises:
        SystemExit: More rows than the published set has.
    """
    root.mkdir(parents=True)
    kind, images, labels = _arrays(rows)
    np.save(root / "images.npy", images)
    np.save(root / "labels.npy", labels)
    data = Data(root, kind, workers)
    _write_idx(data.idx, images, labels)
    _write_idx_gz(data, kind)
    _write_csv(data)
    return data


def ensure_repeated(data: Data) -> None:
    """Write the repeated IDX files if they are not there yet: 0.5 GB that only few jobs need."""
    if not data.idx.exists():
        _write_idx(data.idx, data.images, data.labels, copies=data.copies)


def _arrays(rows: int) -> tuple[str, Array, Array]:
    published = os.environ.get(REAL_DATA)
    if published is None:
        return "synthetic", *_drawn(rows)
    folder = Path(published, "mnist")
    images = _published(folder / f"{_NAMES[0]}.gz", 16).reshape(-1, 28, 28)
    labels = _published(folder / f"{_NAMES[1]}.gz", 8)
    if rows > len(images):
        sys.exit(f"--rows {rows}: {folder} has {len(images)} images; unset {REAL_DATA} for synthetic ones")
    return "mnist", images[:rows], labels[:rows]


def _published(path: Path, header: int) -> Array:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


def _drawn(rows: int) -> tuple[Array, Array]:
    import mnistkit  # workers load this module, and peers' processes stay free of us

    batch = mnistkit.open(f"synthetic:train={rows},test=1")["train"].load()
    assert batch.labels is not None
    return batch.images, batch.labels.astype(np.uint8)


def _write_idx(folder: Path, images: Array, labels: Array, *, copies: int = 1) -> None:
    folder.mkdir()
    for name, array in zip(_NAMES, (images, labels), strict=True):
        sizes = (len(array) * copies, *array.shape[1:])
        with (folder / name).open("wb") as file:
            file.write(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *sizes))
            for _ in range(copies):
                file.write(np.ascontiguousarray(array).data)


def _write_idx_gz(data: Data, kind: str) -> None:
    data.idx_gz.mkdir()
    for name in _NAMES:
        plain = (data.idx / name).read_bytes()
        packed = gzip.compress(plain, mtime=0)
        if kind == "mnist":
            published = Path(os.environ[REAL_DATA], "mnist", f"{name}.gz").read_bytes()
            packed = published if gzip.decompress(published) == plain else packed
        (data.idx_gz / f"{name}.gz").write_bytes(packed)


def _write_csv(data: Data) -> None:
    data.csv.parent.mkdir()
    with data.csv.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(data.columns)
        writer.writerows(data.flat.tolist())
