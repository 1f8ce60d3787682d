"""Reads trees of images: ours, and those that others make."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mnistkit.codecs import png
from mnistkit.dataset import Batch, DatasetInfo, SplitInfo, bounds_of
from mnistkit.errors import DataError
from mnistkit.plugin import Reader
from mnistkit_png.listing import Listing
from mnistkit_png.tree import survey

_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_MOST_BYTES = 8 * png.MOST_PIXELS  # twice as many as the pixels have, uncompressed


class PngReader(Reader):
    """Reads a folder of split folders of class folders of images."""

    def info(self) -> DatasetInfo:
        """List the tree and read the header of the first image of each split.

        Raises:
            DataError: No tree of images.
        """
        if not self.source.path.is_dir():
            raise DataError(self.source.path, "one file", expected="a folder of images")
        self._listings, class_names = survey(self.source)
        like = next((name for name, images in self._listings.items() if len(images)), None)
        if like is None:
            raise DataError(self.source.path, "no images")
        model = _described(like, self._listings[like])
        self._splits = {
            name: _described(name, images) if len(images) else _empty(name, self.source.shape_of(name), model)
            for name, images in self._listings.items()
        }
        return DatasetInfo(self.source.name, tuple(self._splits.values()), class_names)

    def files(self, split: str) -> Sequence[Path]:
        """Return the paths of a split's images, made as they are asked for."""
        return self._listings[split]

    def batches(self, split: str, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Decode images, each of which has to look like the first of its split."""
        images, info = self._listings[split], self._splits[split]
        for first in range(start, stop, size):
            last = min(first + size, stop)
            paths = images.paths(first, last)
            pixels = np.empty((last - first, *info.shape), info.dtype)
            png.decode_batch([_content(path) for path in paths], pixels, paths.__getitem__, images[0])
            pixels.flags.writeable = False
            yield Batch(pixels, images.labels(first, last), first)


def _described(name: str, images: Listing) -> SplitInfo:
    shape, dtype = png.peek(_content(*images.paths(0, 1)), images[0])
    labels = images.labels(0, len(images))
    if labels is None:
        return SplitInfo(name, len(images), shape, dtype)
    return SplitInfo(name, len(images), shape, dtype, "int64", bounds_of(labels))


def _empty(name: str, shape: tuple[int, ...] | None, like: SplitInfo) -> SplitInfo:
    """Describe a split without images: what no receipt tells is as in another split."""
    return SplitInfo(name, 0, shape or like.shape, like.dtype, like.label_dtype)


def _content(path: str) -> bytes:
    """Return what a regular file holds; opening anything else might wait for ever."""
    try:
        descriptor = os.open(path, _FLAGS)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise DataError(path, "not a regular file", expected="an image")
            if status.st_size > _MOST_BYTES:
                found = f"{status.st_size:,}"
                raise DataError(path, "file too large", expected=f"{_MOST_BYTES:,} bytes", found=found)
            return _read(descriptor, status.st_size)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise DataError(path, "cannot be read", found=error.strerror) from error


def _read(descriptor: int, size: int) -> bytes:
    data = os.read(descriptor, size)
    while len(data) < size and (more := os.read(descriptor, size - len(data))):
        data += more
    return data
