"""Writes datasets as HDF5 files."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mnistkit.dataset import Array, Batch, DatasetInfo, SplitInfo
from mnistkit.errors import CapabilityError
from mnistkit.plugin import Loss, Part, Writer, Written
from mnistkit_hdf5 import SUFFIXES
from mnistkit_hdf5.attributes import write_texts
from mnistkit_hdf5.disk import Disk, create

_CHUNK_BYTES = 1 << 20  # what HDF5's chunk cache holds unless a reader asks for more


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
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise CapabilityError(where, "no Unicode text", found=ascii(text)) from error
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
    """Store labels and extra columns of each batch as it passes; yield its images."""
    position = 0
    for batch in batches:
        rows = slice(position, position + len(batch))
        for name, column in beside.items():
            column[rows] = batch.labels if name == "label" else batch.extra[name]
        position += len(batch)
        yield batch.images


def _write_plain(pixels: h5py.Dataset, pieces: Iterable[Array]) -> None:
    position = 0
    for piece in _regrouped(pieces, pixels.chunks[0]) if pixels.chunks else pieces:
        pixels[position : position + len(piece)] = piece
        position += len(piece)


def _write_packed(pixels: h5py.Dataset, pieces: Iterable[Array], part: Part) -> None:
    """Compress chunks on all workers and store them as they are.

    HDF5 itself would compress one after the other.
    """
    chunk, corner = pixels.chunks, (0,) * (pixels.ndim - 1)
    pack = partial(_packed, chunk=chunk, dtype=pixels.dtype, level=pixels.compression_opts)
    for index, packed in enumerate(part.map(pack, _regrouped(pieces, chunk[0]))):
        pixels.id.write_direct_chunk((index * chunk[0], *corner), packed)


def _packed(images: Array, *, chunk: tuple[int, ...], dtype: np.dtype[Any], level: int) -> bytes:
    """Compress images as HDF5's gzip filter does: zlib, the last chunk padded with zeros."""
    padded = np.ascontiguousarray(images, dtype)
    if len(images) < chunk[0]:
        padded = np.zeros(chunk, dtype)
        padded[: len(images)] = images
    return zlib.compress(padded.data, level)


def _regrouped(pieces: Iterable[Array], rows: int) -> Iterator[Array]:
    """Cut images that come in any number into arrays of ``rows``; only the last may be shorter."""
    rest: Array | None = None
    for piece in pieces:
        joined = piece if rest is None else np.concatenate((rest, piece))
        whole = len(joined) - len(joined) % rows
        for start in range(0, whole, rows):
            yield joined[start : start + rows]
        rest = joined[whole:] if whole < len(joined) else None
    if rest is not None:
        yield rest
