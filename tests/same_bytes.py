"""Exports a dataset in every way there is and prints the SHA-256 of every file, as JSON.

``python tests/same_bytes.py FOLDER WORKERS ROWS`` runs under any Python that has mnistkit, with whatever
environment; what it prints must always be the same.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

import mnistkit
from mnistkit.dataset import Dataset

CLASS_NAMES = (
    "zero",
    "T-shirt/top",
    "ключ",
    "=1+1",
    "a,\u202eb",
    "\u0130stanbul",
    "ß",
    "1.5",
    "e\u0301",
    "I",
)

ZLIB_NG, ARROW, HDF5 = "zlib-ng", "pyarrow", "h5py"


class Way(NamedTuple):
    """A way to export, and whose versions decide its bytes."""

    format: str
    options: Mapping[str, Any] = MappingProxyType({})
    decided_by: tuple[str, ...] = ()
    dataset: str = "gray"


WAYS = {
    "csv": Way("csv"),
    "csv openml": Way("csv", {"preset": "openml", "delimiter": "semicolon"}),
    "csv gzip": Way("csv", {"compression": "gzip"}, (ZLIB_NG,)),
    "csv zstd": Way("csv", {"compression": "zstd"}, (ARROW,)),
    "mlnet": Way("mlnet"),
    "mlnet sparse": Way("mlnet", {"sparse": True}),
    "mlnet text": Way("mlnet", {"label_kind": "text", "separator": "bar"}, dataset="plain names"),
    "mlnet floats": Way("mlnet", dataset="floats"),
    "idv": Way("idv", {}, (ZLIB_NG,)),
    "idv none": Way("idv", {"compression": "none"}),
    "idv floats": Way("idv", {}, (ZLIB_NG,), "floats"),
    "png": Way("png", {"tags": True}, (ZLIB_NG,), "large"),
    "png flat": Way("png", {"layout": "flat", "level": 6}, (ZLIB_NG,), "large"),
    "png colour": Way("png", {}, (ZLIB_NG,), "large in colour"),
    "npz": Way("npz", {}, (ZLIB_NG, "numpy")),
    "npz none": Way("npz", {"preset": "medmnist", "compression": "none"}, ("numpy",)),
    "npz apart": Way("npz", {"preset": "kmnist"}, (ZLIB_NG, "numpy"), "floats"),
    "parquet image": Way("parquet", {}, (ARROW, ZLIB_NG)),
    "parquet pixels": Way("parquet", {"layout": "pixels"}, (ARROW,)),
    "parquet pixels gzip": Way(
        "parquet", {"layout": "pixels", "compression": "gzip", "row_group": 300}, (ARROW,)
    ),
    "parquet columns": Way("parquet", {"layout": "columns"}, (ARROW,)),
    "parquet floats": Way("parquet", {"layout": "columns", "compression": "snappy"}, (ARROW,), "floats"),
    "hdf5": Way("hdf5", {}, (HDF5, ZLIB_NG)),
    "hdf5 level 6": Way("hdf5", {"level": 6}, (HDF5, ZLIB_NG)),
    "hdf5 lzf": Way("hdf5", {"compression": "lzf"}, (HDF5,)),
    "hdf5 none": Way("hdf5", {"compression": "none"}, (HDF5,)),
    "hdf5 keras": Way("hdf5", {"layout": "keras"}, (HDF5, ZLIB_NG)),
    "idx": Way("idx"),
    "idx gzip": Way("idx", {"gzip": "fast"}, (ZLIB_NG,)),
    "idx floats gzip": Way("idx", {"gzip": "fast"}, (ZLIB_NG,), "floats"),
    "idx drawn": Way("idx", dataset="drawn"),
}


def datasets(rows: int) -> dict[str, Dataset]:
    """Make datasets without luck and without rounding; those of large images have fewer rows."""
    gray, large = _images(rows, 32, 22), _images(rows // 20, 128, 120)
    return {
        "gray": _dataset(gray),
        "plain names": _dataset(gray, [f"class {i}" for i in range(10)]),
        "floats": _dataset(gray.astype("float32") / np.float32(256)),  # exact: a power of two
        "large": _dataset(large),
        "large in colour": _dataset(large.reshape(-1, 128, 40, 3)),
        "drawn": mnistkit.open(f"synthetic:train={rows // 20},test=5,seed=3"),
    }


def _images(rows: int, height: int, width: int) -> np.ndarray[Any, Any]:
    numbers = np.arange(rows * height * width, dtype=np.uint64)
    noise = (numbers * np.uint64(2654435761) >> np.uint64(11)).astype("uint8")
    return np.where(noise < 190, 0, noise).reshape(rows, height, width)


def _dataset(images: np.ndarray[Any, Any], names: Sequence[str] = CLASS_NAMES) -> Dataset:
    rows, held_out = len(images), len(images) // 3
    labels = np.arange(rows) * 7 % 10
    columns = {"writer": np.arange(rows, dtype="int32") * 3, "box": np.arange(rows * 2).reshape(rows, 2)}
    splits = {"train": (images, labels), "test": (images[:held_out], labels[:held_out])}
    extra = {"train": columns, "test": {name: column[:held_out] for name, column in columns.items()}}
    return Dataset.from_arrays(splits, name="Same Bytes/é", class_names=names, extra=extra)


def export(way: Way, dataset: Dataset, out: Path, *, workers: int) -> dict[str, str]:
    """Export and return the SHA-256 of each file by name, and the digest of the content."""
    receipt = mnistkit.export(dataset, way.format, out, workers=workers, **way.options)
    files = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.is_file()}
    found = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in sorted(files.items())}
    return {**found, "content": receipt.digest}


def main() -> None:
    """Print what was written, and with which versions."""
    import logging  # noqa: PLC0415 - losses are known, and not what this is about

    logging.getLogger("mnistkit").setLevel(logging.ERROR)
    folder, workers, held = Path(sys.argv[1]), int(sys.argv[2]), datasets(int(sys.argv[3]))
    files = {
        name: export(way, held[way.dataset], folder / name, workers=workers) for name, way in WAYS.items()
    }
    versions = {name: version(name) for name in (ZLIB_NG, ARROW, HDF5, "numpy")}
    print(json.dumps({"python": sys.version.split()[0], "versions": versions, "files": files}))


if __name__ == "__main__":
    main()
