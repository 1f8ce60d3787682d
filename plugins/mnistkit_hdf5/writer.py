"""Writes datasets as HDF5 files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mnistkit.codecs import deflate
from mnistkit.dataset import Array, Batch, DatasetInfo, SplitInfo
from mnistkit.errors import CapabilityError
from mnistkit.plugin import Loss, Part, Writer, Written
from mnistkit_hdf5 import SUFFIXES
from mnistkit_hdf5.attributes import write_texts
from mnistkit_hdf5.disk import Disk, create
from mnistkit_hdf5.rows import regrouped

_CHUNK_BYTES = 1 << 20  # what HDF5's chunk cache holds unless a reader asks for more

#: Bytes of a column beside the images that are held before they are written.
_BESIDE_BYTES = 1 << 18

#: Bytes of images that a worker compresses at once; less, and handing them over would cost too much.
_TASK_BYTES = 1 << 20

_FAST = 1  # the level that stands for our own way of compressing, not for zlib's


class Hdf5Writer(Writer):
    """Writes one file per split, or one for the whole dataset where the layout is ``keras``."""

    def check(self, info: DatasetInfo) -> Sequence[Loss]:
        """Refuse names and types that HDF5 has no place for.

        Raises:
            CapabilityError: A text that HDF5 cannot hold, or a column that cannot be a dataset.
        """
        for text in (*(info.class_names or ()), info.licence, info.citation, info.homepage):
            _check_text(text, info.name)
        if self.options.layout == "splits":
            for split in info.splits:
                _check_columns(split)
        return ()

    def write(self, folder: Path, part: Part, batches: Iterator[Batch]) -> Written:
        """Write the file of one split, or that of the whole dataset."""
        name = part.stem + SUFFIXES[0]
        with Disk(folder / name) as disk, create(disk) as file:
            batches = disk.while_fine(batches)
            write_texts(file, _attributes(part.info))
            if self.options.layout == "keras":
                for split, rows in part.by_split(batches):
                    self._write_split(file, split, rows, part)
            else:
                self._write_split(file, replace(part.split, length=part.rows), batches, part)
        return Written((name,), part.rows)

    def _write_split(self, file: h5py.File, split: SplitInfo, batches: Iterator[Batch], part: Part) -> None:
        keras = self.options.layout == "keras"
        image, label = (f"x_{split.name}", f"y_{split.name}") if keras else ("image", "label")
        pixels = _dataset(file, image, split, split.shape, split.dtype, **self._filters(split))
        beside = {}
        if split.label_dtype is not None:
            beside["label"] = _dataset(file, label, split, (), split.label_dtype)
        if not keras:
            beside |= {c.name: _dataset(file, c.name, split, c.shape, c.dtype) for c in split.extra}
        pieces = _storing(beside, batches)
        if pixels.compression == "gzip":
            _write_packed(pixels, pieces, part)
        else:
            _write_plain(pixels, pieces)

    def _filters(self, split: SplitInfo) -> Mapping[str, Any]:
        """Return h5py's arguments for compressed images; no chunks where there is nothing to compress."""
        kind = self.options.compression
        if kind == "none" or not split.length:
            return {}
        rows = min(self.options.chunk, split.length, _CHUNK_BYTES // split.image_bytes)
        level = self.options.level if kind == "gzip" else None
        return {"chunks": (max(1, rows), *split.shape), "compression": kind, "compression_opts": level}


def _check_text(text: str, where: str) -> None:
    if "\0" in text:
        raise CapabilityError(where, "an HDF5 text ends at the first NUL character", found=ascii(text))


def _check_columns(split: SplitInfo) -> None:
    where = f"split {split.name!r}"
    for column in split.extra:
        _check_text(column.name, where)
        if column.name in {"image", "label", "", "."} or "/" in column.name:
            raise CapabilityError(
                where,
                "column that cannot be an HDF5 dataset",
                expected="a name without '/' other than image and label",
                found=repr(column.name),
            )


def _attributes(info: DatasetInfo) -> Mapping[str, str | Sequence[str]]:
    texts = {"licence": info.licence, "citation": info.citation, "homepage": info.homepage}
    known: dict[str, str | Sequence[str]] = {name: text for name, text in texts.items() if text}
    return known | ({"class_names": info.class_names} if info.class_names else {})


def _dataset(
    file: h5py.File, name: str, split: SplitInfo, shape: tuple[int, ...], dtype: str, **filters: Any
) -> h5py.Dataset:
    little = np.dtype(dtype).newbyteorder("<")
    return file.create_dataset(name, (split.length, *shape), little, track_times=False, **filters)


def _storing(beside: Mapping[str, h5py.Dataset], batches: Iterable[Batch]) -> Iterator[Array]:
    """Store labels and extra columns as batches pass; yield the images."""
    columns = [_Beside(name, dataset) for name, dataset in beside.items()]
    for batch in batches:
        for column in columns:
            column.add(batch)
        yield batch.images
    for column in columns:
        column.store()


class _Beside:
    """A dataset beside the images, written in large pieces: a call of h5py costs 0.1 ms."""

    def __init__(self, name: str, dataset: h5py.Dataset) -> None:
        self._name, self._dataset = name, dataset
        self._held: list[Array] = []
        self._bytes = self._position = 0

    def add(self, batch: Batch) -> None:
        """Take the values of a batch."""
        values = batch.labels if self._name == "label" else batch.extra[self._name]
        assert values is not None
        self._held.append(values.copy())  # a view would keep the whole batch
        self._bytes += values.nbytes
        if self._position == 0 or self._bytes >= _BESIDE_BYTES:
            self.store()  # the first at once: where the dataset lies must not depend on the size of batches

    def store(self) -> None:
        """Write what is held."""
        if self._held:
            values = np.concatenate(self._held)
            self._dataset[self._position : self._position + len(values)] = values
            self._position += len(values)
            self._held, self._bytes = [], 0


def _write_plain(pixels: h5py.Dataset, pieces: Iterable[Array]) -> None:
    position = 0
    for piece in regrouped(pieces, pixels.chunks[0]) if pixels.chunks else pieces:
        pixels[position : position + len(piece)] = piece
        position += len(piece)


def _write_packed(pixels: h5py.Dataset, pieces: Iterable[Array], part: Part) -> None:
    """Compress chunks on all workers and store them as they are.

    HDF5 itself would compress one after the other.
    """
    chunk, corner = pixels.chunks, (0,) * (pixels.ndim - 1)
    pack = partial(_packed, chunk=chunk, dtype=pixels.dtype, level=pixels.compression_opts)
    position = 0
    for packed in part.map(pack, regrouped(pieces, _task_rows(pixels))):
        for data in packed:
            pixels.id.write_direct_chunk((position, *corner), data)
            position += chunk[0]


def _task_rows(pixels: h5py.Dataset) -> int:
    """Return how many images to compress at once: the rows of a power of two of chunks."""
    size = math.prod(pixels.chunks) * pixels.dtype.itemsize
    rows: int = pixels.chunks[0] << max(0, (_TASK_BYTES // size).bit_length() - 1)
    return rows


def _packed(images: Array, *, chunk: tuple[int, ...], dtype: np.dtype[Any], level: int) -> list[bytes]:
    """Compress chunks as HDF5's gzip filter does: zlib's format, the last chunk padded with zeros."""
    ordered = np.ascontiguousarray(images, dtype)
    return [
        _deflated(_padded(ordered[start : start + chunk[0]], chunk), level)
        for start in range(0, len(ordered), chunk[0])
    ]


def _padded(images: Array, chunk: tuple[int, ...]) -> Array:
    if len(images) == chunk[0]:
        return images
    padded = np.zeros(chunk, images.dtype)
    padded[: len(images)] = images
    return padded


def _deflated(images: Array, level: int) -> bytes:
    return deflate.pack(images) if level == _FAST else deflate.pack_at(images, level)
