"""Reads trees of images: ours, and those that others make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from mnistkit.codecs import png
from mnistkit.codecs.files import opened, read_all
from mnistkit.dataset import Batch, DatasetInfo, SplitInfo, bounds_of
from mnistkit.errors import DataError
from mnistkit.plugin import Reader
from mnistkit_png import SUFFIXES
from mnistkit_png.listing import Listing
from mnistkit_png.tree import survey


class PngReader(Reader):
    """Reads a folder of split folders of class folders of images."""

    def info(self) -> DatasetInfo:
        """List the tree and read the header of the first image of each split.

        Raises:
            DataError: No tree of images.
        """
        if not self.source.path.is_dir():
            raise DataError(self.source.path, "one file", expected="a folder of images", found="a file")
        self._listings, class_names = survey(self.source)
        like = next((name for name, images in self._listings.items() if len(images)), None)
        if like is None:
            raise self.source.lacks(SUFFIXES)
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
        with opened(self.source.path) as folder:
            names = images.seen_from(self.source.path)
            for first in range(start, stop, size):
                last = min(first + size, stop)
                pixels, done = np.empty((last - first, *info.shape), info.dtype), 0
                for files in read_all(folder, names.paths(first, last)):
                    where = partial(_nth, images, first + done)
                    png.decode_batch(files, pixels[done : done + len(files)], where, images[0])
                    done += len(files)
                pixels.flags.writeable = False
                yield Batch(pixels, images.labels(first, last), first)


def _nth(images: Listing, first: int, i: int) -> Path:
    return images[first + i]


def _described(name: str, images: Listing) -> SplitInfo:
    first = images[0]
    with opened(first.parent) as folder:
        (data,) = next(read_all(folder, [first.name]))
    shape, dtype = png.peek(data, first)
    labels = images.labels(0, len(images))
    if labels is None:
        return SplitInfo(name, len(images), shape, dtype)
    return SplitInfo(name, len(images), shape, dtype, "int64", bounds_of(labels))


def _empty(name: str, shape: tuple[int, ...] | None, like: SplitInfo) -> SplitInfo:
    """Describe a split without images: what no receipt tells is as in another split."""
    return SplitInfo(name, 0, shape or like.shape, like.dtype, like.label_dtype)
