"""Reads trees of images: ours, and those that others make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mnistkit.codecs import png
from mnistkit.dataset import Array, Batch, DatasetInfo, SplitInfo, bounds_of
from mnistkit.errors import DataError
from mnistkit.plugin import Reader
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
            raise DataError(self.source.path, "one file", expected="a folder of images")
        self._listings, class_names = survey(self.source)
        like = next((name for name, images in self._listings.items() if len(images)), None)
        if like is None:
            raise DataError(self.source.path, "no images")
        model = _described(like, self._listings[like])
        self._splits = {
            name: _described(name, images) if len(images) else _empty(name, model)
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
            pixels = np.empty((last - first, *info.shape), info.dtype)
            for i in range(first, last):
                pixels[i - first] = _decoded(images, i, info)
            pixels.flags.writeable = False
            yield Batch(pixels, images.labels(first, last), first)


def _described(name: str, images: Listing) -> SplitInfo:
    shape, dtype = png.peek(_content(images[0]), images[0])
    labels = images.labels(0, len(images))
    if labels is None:
        return SplitInfo(name, len(images), shape, dtype)
    return SplitInfo(name, len(images), shape, dtype, "int64", bounds_of(labels))


def _empty(name: str, like: SplitInfo) -> SplitInfo:
    """Describe a split without images: nothing says what they would be but another split."""
    return SplitInfo(name, 0, like.shape, like.dtype, like.label_dtype)


def _decoded(images: Listing, i: int, info: SplitInfo) -> Array:
    path = images[i]
    image = png.decode(_content(path), path)
    if image.shape != info.shape or image.dtype != info.dtype:
        raise DataError(
            path,
            "unlike the first image of its split",
            expected=f"{_spelt(info.shape, info.dtype)} as {images[0]}",
            found=_spelt(image.shape, image.dtype.name),
        )
    return image


def _spelt(shape: tuple[int, ...], dtype: str) -> str:
    return f"{dtype} {'x'.join(map(str, shape))}"


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(path, "cannot be read", found=error.strerror) from error
