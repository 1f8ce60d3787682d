"""Drawn digits: the source that needs no file and no network, of any size and the same everywhere.

``synthetic:train=100,test=10,seed=3`` is 110 images that look like MNIST's.  Image i of a split depends
on the seed, the split's name and i alone: not on how many there are, nor on who reads them how.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mnistkit.dataset import Array, Batch, Dataset, DatasetInfo, SplitInfo, bounds_of
from mnistkit.errors import UsageError
from mnistkit.plugin import Reader
from mnistkit.synthetic.dice import key_of
from mnistkit.synthetic.drawing import SIDE, draw_images, draw_labels

__all__ = ["SyntheticReader", "open_synthetic"]

_NAME = "synthetic"
_SETTINGS = ("train", "test", "seed")
_USAGE = "write synthetic:train=N,test=N,seed=N, or some of it"
_GREATEST = 2**63 - 1  # what len() can return
_CHUNK = 512  # images drawn at once: about 13 MB of work space


class SyntheticReader(Reader):
    """Draws digits when asked for them.

    Args:
        train: Images in ``train``.
        test: Images in ``test``.
        seed: Another seed, other drawings.

    Raises:
        UsageError: A number that is negative, too large or not whole.
    """

    access = "random"

    def __init__(self, train: int = 60_000, test: int = 10_000, seed: int = 0) -> None:
        for name, value in zip(_SETTINGS, (train, test, seed), strict=True):
            if not isinstance(value, int) or not 0 <= value <= _GREATEST:
                raise _bad_number(_NAME, name, value)
        self.lengths = {"train": train, "test": test}
        self.seed = seed

    def info(self) -> DatasetInfo:
        """Say what would be drawn; only as many labels are, as it takes to see both 0 and 9."""
        splits = tuple(
            SplitInfo(
                name,
                length,
                (SIDE, SIDE),
                label_dtype="uint8",
                label_range=_label_range(key_of(self.seed, name), length),
            )
            for name, length in self.lengths.items()
        )
        return DatasetInfo(_NAME, splits, licence="CC0-1.0")

    def batches(self, split: str, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Draw images ``start`` to ``stop`` of a split."""
        key = key_of(self.seed, split)
        for first in range(start, stop, size):
            last = min(first + size, stop)
            images, labels = _draw(key, first, last), draw_labels(key, first, last)
            images.flags.writeable = labels.flags.writeable = False
            yield Batch(images, labels, first)

    def files(self, split: str) -> tuple[()]:  # noqa: ARG002 - the same for each split
        """Return no files: the images are drawn."""
        return ()


def open_synthetic(text: str) -> Dataset:
    """Open ``synthetic`` or, with any of the settings, ``synthetic:train=100,test=10,seed=3``.

    Raises:
        UsageError: Another name, an unknown setting, one given twice, or a value that is no whole number.
    """
    given: dict[str, int] = {}
    for setting in _settings(text):
        key, _, value = setting.partition("=")
        if key not in _SETTINGS:
            raise UsageError(text, f"no setting {key!r}", todo=_USAGE)
        if key in given:
            raise UsageError(text, f"{key} is given twice")
        given[key] = _number(text, key, value)
    return Dataset(SyntheticReader(**given))


def _settings(text: str) -> list[str]:
    name, colon, settings = text.partition(":")
    if name != _NAME:
        raise UsageError(text, "not drawn digits", todo=_USAGE)
    return settings.split(",") if colon else []


def _number(where: str, key: str, value: str) -> int:
    digits = value.isascii() and value.isdigit() and len(value) <= len(str(_GREATEST))
    if not digits or int(value) > _GREATEST:
        raise _bad_number(where, key, value)
    return int(value)


def _bad_number(where: str, key: str, value: object) -> UsageError:
    return UsageError(
        where, f"bad value for {key}", expected=f"a whole number from 0 to {_GREATEST}", found=repr(value)
    )


def _label_range(key: Array, length: int) -> tuple[int, int] | None:
    bounds = None
    for first in range(0, length, _CHUNK):
        bounds = bounds_of(draw_labels(key, first, min(first + _CHUNK, length)), bounds)
        if bounds == (0, 9):
            break
    return bounds


def _draw(key: Array, start: int, stop: int) -> Array:
    images = np.empty((stop - start, SIDE, SIDE), np.uint8)
    for first in range(start, stop, _CHUNK):
        last = min(first + _CHUNK, stop)
        images[first - start : last - start] = draw_images(key, first, last)
    return images
