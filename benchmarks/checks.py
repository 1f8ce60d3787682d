"""Compares what came out with the source arrays, by other code than ours, and raises :class:`WrongOutput`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import Array, Data
from benchmarks.model import WrongOutput

_PIECE = 1 << 20


def same_arrays(data: Data, _: Path, returned: Any) -> None:
    """Check what was read: images in any shape with n rows first, and labels, or one table of both."""
    if isinstance(returned, tuple):
        images, labels = map(np.asarray, returned)
    else:
        table = np.asarray(returned)
        images, labels = table[:, 1:], table[:, 0]
    _expect_rows(len(images), data.rows)
    _expect_pixels(images, labels, data, 0)


def same_head(data: Data, _: Path, returned: Any) -> None:
    """Check the first batch: any number of images, and their labels."""
    images, labels = returned
    if not len(images):
        message = "an empty first batch"
        raise WrongOutput(message)
    _expect_equal("pixels", np.asarray(images).reshape(len(images), -1), _flat(data)[: len(images)])
    _expect_equal("labels", labels, data.labels[: len(images)])


def csv_text(data: Data, folder: Path, _: Any) -> None:
    """Check a CSV file byte by byte."""
    _expect_lines(only(folder, "*.csv"), data.csv, copies=data.copies)


def bare_csv_text(data: Data, folder: Path, _: Any) -> None:
    """Check a CSV file without a header."""
    _expect_lines(only(folder, "*.csv"), data.csv, copies=data.copies, header=False)


def tsv_text(data: Data, folder: Path, _: Any) -> None:
    """Check tab-separated text byte by byte, behind a schema if there is one."""
    _expect_lines(only(folder, "*.tsv"), data.csv, copies=data.copies, tabs=True)


def parquet_pixels(data: Data, folder: Path, _: Any) -> None:
    """Check a table whose column ``image`` has one value an image: bytes or a list."""
    for start, table in _parquet(data, folder):
        column = table.column("image").combine_chunks()
        _expect_pixels(_buffer_of(column), table.column("label").to_numpy(), data, start)


def parquet_columns(data: Data, folder: Path, _: Any) -> None:
    """Check a table with a column a pixel."""
    for start, table in _parquet(data, folder):
        images = np.column_stack([table.column(name).to_numpy() for name in data.columns[1:]])
        _expect_pixels(images, table.column("label").to_numpy(), data, start)


def parquet_images(data: Data, folder: Path, _: Any) -> None:
    """Check a table of PNG files, as Hugging Face has them."""
    for start, table in _parquet(data, folder):
        files = table.column("image").combine_chunks().field("bytes").to_pylist()
        images = np.stack([decode_png(file) for file in files])
        _expect_pixels(images, table.column("label").to_numpy(), data, start)


def hdf5(data: Data, folder: Path, _: Any) -> None:
    """Check a file with datasets ``image`` and ``label``."""
    import h5py

    with h5py.File(only(folder, "*.h5"), "r") as file:
        _expect_rows(len(file["image"]), data.rows)
        for start in range(0, data.rows, len(data.images)):
            rows = slice(start, start + len(data.images))
            _expect_pixels(file["image"][rows], file["label"][rows], data, start)


def png_tree(data: Data, folder: Path, _: Any) -> None:
    """Check a tree of PNG files, the class in the folder and the index in the file's name."""
    files = sorted(folder.rglob("*.png"), key=lambda file: int(file.stem))
    _expect_rows(len(files), data.rows)
    if [int(file.stem) for file in files] != list(range(data.rows)):
        message = "the names of the files are not the indices of the images"
        raise WrongOutput(message)
    for start in range(0, data.rows, _BATCH):
        batch = files[start : start + _BATCH]
        images = np.stack([decode_png(file.read_bytes()) for file in batch])
        _expect_pixels(images, np.array([int(file.parent.name) for file in batch]), data, start)


def idx(data: Data, folder: Path, _: Any) -> None:
    """Check plain IDX files byte by byte."""
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        _expect_same(_pieces(only(folder, name)), _pieces(data.idx / name), name)


def said(data: Data, folder: Path, _: Any) -> None:
    """Check nothing: the command's exit status has been."""


def only(folder: Path, pattern: str) -> Path:
    """Return the only file of a name below a folder.

    Raises:
        WrongOutput: None, or several.
    """
    found = sorted(folder.rglob(pattern))
    if len(found) != 1:
        message = f"{len(found)} files {pattern}, not 1"
        raise WrongOutput(message)
    return found[0]


_BATCH = 10_000  # images compared at once


@cache
def _cv2() -> Any:
    try:
        import cv2
    except ImportError:
        return None
    return cv2


def decode_png(file: bytes) -> Array:
    """Decode one image by OpenCV, which is quick, or else by Pillow."""
    if _cv2() is not None:
        image: Array = _cv2().imdecode(np.frombuffer(file, np.uint8), _cv2().IMREAD_UNCHANGED)
        return image
    from io import BytesIO

    from PIL import Image

    return np.asarray(Image.open(BytesIO(file)))


def _parquet(data: Data, folder: Path) -> Iterator[tuple[int, Any]]:
    """Yield (index of the first row, table) for each row group."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(only(folder, "*.parquet")) as file:
        _expect_rows(file.metadata.num_rows, data.rows)
        start = 0
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            yield start, table
            start += len(table)


def _buffer_of(column: Any) -> Array:
    """Return the values of fixed-size binary or list cells: uint8 (n, 784)."""
    import pyarrow as pa

    if pa.types.is_fixed_size_binary(column.type):
        width = column.type.byte_width
        values = np.frombuffer(column.buffers()[1], np.uint8)[column.offset * width :]
        return values[: len(column) * width].reshape(len(column), width)
    return np.asarray(column.flatten()).reshape(len(column), -1)


def _flat(data: Data) -> Array:
    return data.images.reshape(len(data.images), -1)


def _expect_rows(found: int, expected: int) -> None:
    if found != expected:
        message = f"{found} images, not {expected}"
        raise WrongOutput(message)


def _expect_pixels(images: Array, labels: Array, data: Data, start: int) -> None:
    """Compare images, in any shape, and labels with the source from some index on."""
    rows = np.arange(start, start + len(images)) % len(data.images)
    _expect_equal("pixels", images.reshape(len(images), -1), _flat(data)[rows])
    _expect_equal("labels", labels, data.labels[rows])


def _expect_equal(what: str, found: Array, expected: Array) -> None:
    if found.shape != expected.shape or not np.array_equal(found, expected):
        message = f"other {what} than the source's"
        raise WrongOutput(message)


def _expect_lines(
    path: Path, reference: Path, *, copies: int, tabs: bool = False, header: bool = True
) -> None:
    """Compare a text with the reference: its header, if any, and its lines as often as there are copies."""
    found, expected = _pieces(path, skip=_schema_bytes(path)), _reference(reference, copies, header=header)
    if tabs:  # ML.NET's names begin with capitals: Label, Features
        expected = (piece.replace(b",", b"\t").replace(b"label", b"Label") for piece in expected)
    _expect_same(found, expected, path.name)


def _schema_bytes(path: Path) -> int:
    """Return how long ML.NET's schema is: the lines at the beginning that start with ``#@``."""
    size = 0
    with path.open("rb") as file:
        while (line := file.readline()).startswith(b"#@"):
            size += len(line)
    return size


def _reference(path: Path, copies: int, *, header: bool) -> Iterator[bytes]:
    with path.open("rb") as file:
        line = file.readline()
    if header:
        yield line
    for _ in range(copies):
        yield from _pieces(path, skip=len(line))


def _pieces(path: Path, *, skip: int = 0) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(skip)
        while piece := file.read(_PIECE):
            yield piece


def _expect_same(found: Iterator[bytes], expected: Iterator[bytes], name: str) -> None:
    """Compare two texts that may come in different pieces."""
    at, left, right = 0, b"", b""
    while True:
        left, right = left or next(found, b""), right or next(expected, b"")
        size = min(len(left), len(right))
        if left[:size] != right[:size] or (not size and (left or right)):
            message = f"{name}: other bytes than expected behind byte {at}"
            raise WrongOutput(message)
        if not size:
            return
        at, left, right = at + size, left[size:], right[size:]
