"""Rows of images, labels and further columns in an HDF5 file, checked before they are read."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import h5py

from mnistkit.compression import MOST_RATIO, compression_of
from mnistkit.dataset import DTYPES, Array, Batch, ExtraColumn, SplitInfo, bounds_of
from mnistkit.errors import DataError, MnistkitError
from mnistkit_hdf5.columns import Column, place_of, spelt
from mnistkit_hdf5.direct import Direct
from mnistkit_hdf5.places import Placed, State, placed
from mnistkit_hdf5.rows import Stretches

#: Datasets of images that Caffe and Fuel store as (channels, height, width).
_CHANNELS_FIRST = frozenset({"data", "features"})

#: Types that no dataset of mnistkit has -> the type that holds their values exactly.
_WIDENED = {"bool": "uint8", "float16": "float32"}

_CACHE_BYTES = 16 << 20  # the chunks of some rows, also where each holds only a piece of an image
_MOST_CHUNK_BYTES = 256 << 20  # HDF5 decompresses a chunk whole, in memory
_BLOCK_BYTES = 256 << 20
_LABEL_ROWS = 1 << 17

_log = logging.getLogger("mnistkit.hdf5")


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of one split in one file.

    Attributes:
        path: The file.
        group: Name of the group that holds the datasets.
        image: The images.
        label: The labels, or None.
        extra: The further columns.
        info: What the rows are.
        first: Index in the datasets of the first row.
        chunk: Number of images that HDF5 decompresses together; 0 where they are not in chunks.
        notes: Sentences on what is read otherwise than it is stored.
    """

    path: Path
    group: str
    image: Column
    label: Column | None
    extra: tuple[Column, ...]
    info: SplitInfo
    first: int = 0
    chunk: int = 0
    notes: tuple[str, ...] = ()

    def direct(self, file: h5py.File) -> Direct | None:
        """Find out where the rows are; None where HDF5 must read them, or they are not read as they stand."""
        group, state = file[self.group], State.of(self.path.stat())
        places: dict[str, Placed] = {}
        for column in (self.image, *([self.label] if self.label else []), *self.extra):
            place = placed(group[column.name]) if column.is_as_stored(group[column.name]) else None
            if place is None:
                return None
            places[column.name] = place
        return Direct(
            path=self.path,
            state=state,
            image=places.pop(self.image.name),
            shape=self.info.shape,
            beside=places,
            label=self.label.name if self.label else None,
            first=self.first,
            task=self.info.batch_rows,
        )

    def blocks(self, file: h5py.File, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Read rows ``start`` to ``stop``, in pieces of about ``size`` or, if need be, a multiple of it."""
        group = file[self.group]
        beside = {
            column.name: Stretches(partial(column.read, group), column.rows)
            for column in (self.label, *self.extra)
            if column
        }
        for pixels in self._pixels(group, self.first + start, self.first + stop, size):
            yield self._batch(pixels, beside, start)
            start += len(pixels)

    def _pixels(self, group: h5py.Group, start: int, stop: int, size: int) -> Iterator[Array]:
        """Read images; chunks too large for HDF5's cache whole, or each batch would unpack them anew."""
        step = size
        if self.chunk * self.info.image_bytes > _CACHE_BYTES:
            step *= math.ceil(min(self.chunk, _BLOCK_BYTES // self.info.image_bytes) / size) or 1
        for first in range(start, stop, step):
            yield self.image.read(group, first, min(first + step, stop))

    def _batch(self, pixels: Array, beside: Mapping[str, Stretches], start: int) -> Batch:
        rows = (self.first + start, self.first + start + len(pixels))
        labels = None if self.label is None else beside[self.label.name].read(*rows).reshape(-1)
        extra = {column.name: beside[column.name].read(*rows) for column in self.extra}
        return Batch(pixels.reshape(-1, *self.info.shape), labels, start, extra)

    def with_label_range(self, file: h5py.File) -> Table:
        """Read the labels for their bounds."""
        if self.label is None:
            return self
        bounds, end = None, self.first + self.info.length
        for start in range(self.first, end, _LABEL_ROWS):
            labels = self.label.read(file[self.group], start, min(start + _LABEL_ROWS, end))
            bounds = bounds_of(labels, bounds)
        return replace(self, info=replace(self.info, label_range=bounds))


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open a file for reading.

    Raises:
        DataError: It is not HDF5; or, while it is read, it is damaged.
    """
    try:
        with h5py.File(path, "r", rdcc_nbytes=_CACHE_BYTES) as file:
            yield file
    except MnistkitError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        packed = compression_of(path) != "none"
        todo = "decompress it first" if packed else "get the file again"
        raise DataError(path, "not readable as HDF5", found=error, todo=todo) from error


def table_of(
    group: h5py.Group,
    image: Column,
    label: Column | None,
    *,
    split: str,
    extra: Sequence[Column] = (),
    shape: tuple[int, ...] | None = None,
) -> Table:
    """Describe images, labels and further columns that stand in one group.

    Args:
        group: The group.
        image: The images.
        label: The labels, or None.
        split: What the split is called.
        extra: The further columns.
        shape: Shape of one image, where somebody says so.

    Raises:
        DataError: They differ in length, are no images or labels, or lie outside the file.
    """
    place, stored = place_of(group[image.name]), (image, *([] if label is None else [label]))
    image = _as_images(image, place)
    label = label and _as_labels(label, image.rows, place_of(group[label.name]))
    for column in (image, *([label] if label else []), *extra):
        _check_stored(group[column.name], column, image.rows)
    info = SplitInfo(
        name=split,
        length=image.rows,
        shape=_image_shape(image, shape, place),
        dtype=image.dtype,
        label_dtype=label.dtype if label else None,
        extra=tuple(ExtraColumn(c.name, c.dtype, c.shape[1:]) for c in extra),
    )
    chunks = group[image.name].chunks
    return Table(
        path=Path(group.file.filename),
        group=group.name,
        image=image,
        label=label,
        extra=tuple(extra),
        info=info,
        chunk=chunks[image.axes[0]] if chunks else 0,
        notes=tuple(_changes(stored, (image, label))),
    )


def _changes(stored: Sequence[Column], read: Sequence[Column | None]) -> Iterator[str]:
    for before, after in zip(stored, read, strict=False):
        if after and before.dtype != after.dtype:
            yield f"{before.name}: {before.dtype} is read as {after.dtype}"


def _as_images(image: Column, place: str) -> Column:
    """Take a column for images: widen types that no dataset has, and put channels last."""
    image = replace(image, dtype=_WIDENED.get(image.dtype, image.dtype))
    if image.dtype not in DTYPES:
        raise DataError(place, "pixel type", expected=", ".join(DTYPES), found=image.dtype)
    if len(image.shape) not in {2, 3, 4} or min(image.shape[1:]) < 1:
        expected = "number x height x width [x channels]"
        raise DataError(place, "not images", expected=expected, found=spelt(image.shape))
    if not _is_channels_first(image):
        return image
    number, channels, height, width = image.shape
    shape = (number, height, width) if channels == 1 else (number, height, width, channels)
    return replace(image, shape=shape, axes=(0, 2, 3, 1))


def _is_channels_first(image: Column) -> bool:
    return (
        image.name in _CHANNELS_FIRST
        and image.axes == (0, 1, 2, 3)
        and image.shape[1] in {1, 3}
        and image.shape[3] > 4
    )


def _as_labels(label: Column, length: int, place: str) -> Column:
    """Take a column for labels; what Caffe and MATLAB keep as floating point is read as integers."""
    if label.rows == length and (label.kind not in "iuf" or not label.is_vector):
        raise DataError(
            place,
            "labels",
            expected="one integer for each image",
            found=f"{spelt(label.shape)} {label.dtype}",
        )
    return replace(label, dtype="int64") if label.kind == "f" else label


def _check_stored(dataset: h5py.Dataset, column: Column, length: int) -> None:
    """Make sure that a dataset has this many rows, all of them in this file, and can be read."""
    place = place_of(dataset)
    if column.rows != length:
        raise DataError(
            place,
            "images and what belongs to them differ in number",
            expected=f"{length:,}",
            found=f"{column.rows:,}",
        )
    made = dataset.id.get_create_plist()
    if made.get_layout() == h5py.h5d.VIRTUAL or made.get_external_count():
        raise DataError(place, "its values lie in other files", todo="copy it with h5repack")
    filters = [made.get_filter(i) for i in range(made.get_nfilters())]
    for code, _, _, name in filters:
        if not h5py.h5z.filter_avail(code):
            raise DataError(
                place,
                "packed with a filter that is not installed",
                found=name.decode(errors="replace") or code,
                todo="repack it with gzip: h5repack -f GZIP=4",
            )
    _check_size(dataset, MOST_RATIO["gzip"] if filters else 1)
    _check_chunk(dataset)


def _check_size(dataset: h5py.Dataset, most_per_byte: int) -> None:
    """Refuse a dataset that claims more values than its bytes in the file can hold."""
    held = min(dataset.id.get_storage_size(), Path(dataset.file.filename).stat().st_size)
    if dataset.nbytes > held * most_per_byte:
        raise DataError(
            place_of(dataset),
            "values are missing",
            expected=f"{dataset.nbytes:,} bytes",
            found=f"{held:,} in the file",
            todo="get the file again",
        )


def _check_chunk(dataset: h5py.Dataset) -> None:
    size = math.prod(dataset.chunks or ()) * dataset.dtype.itemsize
    if dataset.chunks and size > _MOST_CHUNK_BYTES:
        raise DataError(
            place_of(dataset),
            "chunks too large to be read",
            expected=f"at most {_MOST_CHUNK_BYTES >> 20} MiB",
            found=f"{size:,} bytes",
            todo="repack it: h5repack -l CHUNK=…",
        )


def _image_shape(image: Column, wanted: tuple[int, ...] | None, place: str) -> tuple[int, ...]:
    stored = image.shape[1:]
    if len(stored) == 1:
        return _flat_shape(stored[0], wanted, place)
    if wanted and wanted != stored:
        raise DataError(place, "shape of an image", expected=spelt(wanted), found=spelt(stored))
    return stored


def _flat_shape(values: int, wanted: tuple[int, ...] | None, place: str) -> tuple[int, ...]:
    side = math.isqrt(values)
    if wanted is None and side * side == values:
        _log.warning(
            "%s: rows of %d values are taken as gray images of %dx%d; --read shape=HxW[xC] says otherwise",
            place, values, side, side,
        )  # fmt: skip
        return side, side
    if wanted is None or math.prod(wanted) != values:
        raise DataError(
            place,
            "shape of an image",
            expected=spelt(wanted) if wanted else "a square number of values",
            found=f"{values} values",
            todo="say --read shape=HxW or shape=HxWxC",
        )
    return wanted
