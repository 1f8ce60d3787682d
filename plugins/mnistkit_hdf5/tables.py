"""Rows of images, labels and further columns in an HDF5 file, checked before they are read."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np

from mnistkit.compression import compression_of
from mnistkit.dataset import DTYPES, Array, Batch, ExtraColumn, SplitInfo, bounds_of
from mnistkit.errors import DataError, MnistkitError

#: Datasets of images that Caffe and Fuel store as (channels, height, width).
_CHANNELS_FIRST = frozenset({"data", "features"})

_CACHE_BYTES = 16 << 20  # the chunks of some rows, also where each holds only a piece of an image
_BLOCK_BYTES = 256 << 20
_LABEL_ROWS = 1 << 17
_MOST_PER_BYTE = 1100  # what one compressed byte may stand for; deflate's limit is 1,032

_log = logging.getLogger("mnistkit.hdf5")


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of one split in one file.

    Attributes:
        path: The file.
        group: Name of the group that holds the datasets.
        image: Name in it of the dataset of images.
        label: Name in it of the dataset of labels, or None.
        info: What the rows are.
        first: Index in the datasets of the first row.
        channels_first: Whether a stored image is (channels, height, width).
        chunk: Number of images that HDF5 decompresses together; 0 where they are not in chunks.
    """

    path: Path
    group: str
    image: str
    label: str | None
    info: SplitInfo
    first: int = 0
    channels_first: bool = False
    chunk: int = 0

    def blocks(self, file: h5py.File, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Read rows ``start`` to ``stop``, in pieces of ``size`` or, if need be, a multiple of it.

        Chunks that are too large for HDF5's cache would be decompressed anew for every batch in them.
        """
        step = size
        if self.chunk * self.info.image_bytes > _CACHE_BYTES:
            step *= math.ceil(min(self.chunk, _BLOCK_BYTES // self.info.image_bytes) / size) or 1
        for first in range(start, stop, step):
            yield self.read(file, first, min(first + step, stop))

    def read(self, file: h5py.File, start: int, stop: int) -> Batch:
        """Read rows, counted from the table's first."""
        group, rows = file[self.group], slice(self.first + start, self.first + stop)
        images = group[self.image][rows]
        if self.channels_first:
            images = np.moveaxis(images, 1, -1)
        pixels = _read_only(images.reshape(-1, *self.info.shape))
        extra = {c.name: _read_only(group[c.name][rows]) for c in self.info.extra}
        labels = None if self.label is None else _read_only(group[self.label][rows].reshape(-1))
        return Batch(pixels, labels, start, extra)

    def with_label_range(self, file: h5py.File) -> Table:
        """Read the labels for their bounds."""
        if self.label is None:
            return self
        labels, bounds = file[self.group][self.label], None
        for start in range(self.first, self.first + self.info.length, _LABEL_ROWS):
            stop = min(start + _LABEL_ROWS, self.first + self.info.length)
            bounds = bounds_of(labels[start:stop], bounds)
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
    image: str,
    label: str | None,
    *,
    split: str,
    extra: Sequence[str] = (),
    shape: tuple[int, ...] | None = None,
) -> Table:
    """Describe images, labels and further columns that stand in one group.

    Args:
        group: The group.
        image: Name of the images.
        label: Name of the labels, or None.
        split: What the split is called.
        extra: Names of the further columns.
        shape: Shape of one image, where somebody says so.

    Raises:
        DataError: They differ in length, are no images or labels, or lie outside the file.
    """
    pixels = group[image]
    _check_pixels(pixels)
    if label is not None:
        _check_labels(group[label], len(pixels))
    for name in extra:
        _check_stored(group[name], len(pixels))
    channels_first = _is_channels_first(pixels)
    info = SplitInfo(
        name=split,
        length=len(pixels),
        shape=_image_shape(pixels, shape, channels_first=channels_first),
        dtype=_type_name(pixels),
        label_dtype=None if label is None else _type_name(group[label]),
        extra=tuple(ExtraColumn(n, _type_name(group[n]), group[n].shape[1:]) for n in extra),
    )
    return Table(
        path=Path(group.file.filename),
        group=group.name,
        image=image,
        label=label,
        info=info,
        channels_first=channels_first,
        chunk=pixels.chunks[0] if pixels.chunks else 0,
    )


def place_of(dataset: h5py.Dataset) -> str:
    """Return what messages call a dataset."""
    return f"{dataset.file.filename}, dataset {dataset.name!r}"


def _read_only(array: Array) -> Array:
    native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    native.flags.writeable = False
    return native


def _type_name(dataset: h5py.Dataset) -> str:
    return str(dataset.dtype.newbyteorder("=").name)


def _check_pixels(pixels: h5py.Dataset) -> None:
    if _type_name(pixels) not in DTYPES:
        raise DataError(place_of(pixels), "pixel type", expected=", ".join(DTYPES), found=pixels.dtype.name)
    if len(pixels.shape) not in {2, 3, 4} or min(pixels.shape[1:]) < 1:
        raise DataError(
            place_of(pixels),
            "not images",
            expected="number x height x width [x channels]",
            found=_spelt(pixels.shape),
        )
    _check_stored(pixels, len(pixels))


def _check_labels(labels: h5py.Dataset, length: int) -> None:
    _check_stored(labels, length)
    if labels.dtype.kind not in "iu" or labels.size != length:
        raise DataError(
            place_of(labels),
            "labels",
            expected="one integer for each image",
            found=f"{_spelt(labels.shape)} {labels.dtype.name}",
        )


def _check_stored(dataset: h5py.Dataset, length: int) -> None:
    """Make sure that a dataset has this many rows, all of them in this file, and can be read."""
    if len(dataset) != length:
        raise DataError(
            place_of(dataset),
            "images and what belongs to them differ in number",
            expected=f"{length:,}",
            found=f"{len(dataset):,}",
        )
    made = dataset.id.get_create_plist()
    if made.get_layout() == h5py.h5d.VIRTUAL or made.get_external_count():
        raise DataError(place_of(dataset), "its values lie in other files", todo="copy it with h5repack")
    filters = [made.get_filter(i) for i in range(made.get_nfilters())]
    for code, _, _, name in filters:
        if not h5py.h5z.filter_avail(code):
            raise DataError(
                place_of(dataset),
                "packed with a filter that is not installed",
                found=name.decode(errors="replace") or code,
                todo="repack it with gzip: h5repack -f GZIP=4",
            )
    _check_size(dataset, _MOST_PER_BYTE ** min(1, len(filters)))


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


def _is_channels_first(pixels: h5py.Dataset) -> bool:
    name = pixels.name.rpartition("/")[2]
    return (
        name in _CHANNELS_FIRST
        and len(pixels.shape) == 4
        and pixels.shape[1] in {1, 3}
        and pixels.shape[3] > 4
    )


def _image_shape(
    pixels: h5py.Dataset, wanted: tuple[int, ...] | None, *, channels_first: bool
) -> tuple[int, ...]:
    stored: tuple[int, ...] = pixels.shape[1:]
    if len(stored) == 1:
        return _flat_shape(pixels, wanted)
    if channels_first:
        channels, height, width = stored
        stored = (height, width) if channels == 1 else (height, width, channels)
    if wanted and wanted != stored:
        raise DataError(place_of(pixels), "shape of an image", expected=_spelt(wanted), found=_spelt(stored))
    return stored


def _flat_shape(pixels: h5py.Dataset, wanted: tuple[int, ...] | None) -> tuple[int, ...]:
    values = pixels.shape[1]
    side = math.isqrt(values)
    if wanted is None and side * side == values:
        _log.warning(
            "%s: rows of %d values are taken as gray images of %dx%d; --read shape=HxW[xC] says otherwise",
            place_of(pixels), values, side, side,
        )  # fmt: skip
        return side, side
    if wanted is None or math.prod(wanted) != values:
        raise DataError(
            place_of(pixels),
            "shape of an image",
            expected=_spelt(wanted) if wanted else "a square number of values",
            found=f"{values} values",
            todo="say --read shape=HxW or shape=HxWxC",
        )
    return wanted


def _spelt(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
