"""What the author of a plugin needs to test it: datasets to write, and the contract to keep.

Needs pytest and hypothesis: ``pip install mnistkit[test]``.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistkit.dataset import Dataset
from mnistkit.options import build
from mnistkit.plugin import Format, Part, Source, Written

if TYPE_CHECKING:
    from collections.abc import Sequence


def write_dataset(
    card: Format, dataset: Dataset, folder: Path, *, workers: int = 1, **options: object
) -> Sequence[Written]:
    """Write a dataset with a format's writer alone: no receipt, no digest, no scratch folder."""
    chosen = build(card.write_options, options, where=card.name)
    writer = _resolve(card.writer)(chosen)
    writer.check(dataset.info)
    whole = card.with_options(chosen).unit == "dataset"
    groups = [list(dataset.splits.values())] if whole else [[s] for s in dataset.splits.values()]
    written = []
    for group in groups:
        rows = sum(len(split) for split in group)
        stem = dataset.info.name if whole else group[0].info.name
        part = Part(stem, tuple(s.info for s in group), dataset.info, 0, rows, workers=workers)
        batches = (batch for split in group for batch in split.batches())
        written.append(writer.write(folder, part, batches))
    return [*written, writer.finish(folder, dataset.info, written)]


def read_dataset(
    card: Format, path: Path, *, shape: tuple[int, ...] | None = None, **options: object
) -> Dataset:
    """Open a file or folder with a format's reader alone."""
    reader = _resolve(card.reader)
    return Dataset(reader(Source(path, shape=shape), build(card.read_options, options, where=card.name)))


def assert_same_content(found: Dataset, expected: Dataset) -> None:
    """Assert that two datasets have the same splits, images (bit for bit) and labels."""
    assert list(found.splits) == list(expected.splits)
    for name, split in expected.splits.items():
        a, b = found[name].load(), split.load()
        assert a.images.shape == b.images.shape, name
        assert a.images.dtype == b.images.dtype, name
        assert a.images.tobytes() == b.images.tobytes(), name
        assert (a.labels is None) == (b.labels is None), name
        if a.labels is not None and b.labels is not None:
            np.testing.assert_array_equal(a.labels, b.labels, err_msg=name)


def drawn_dataset(
    train: int = 30,
    test: int = 10,
    *,
    shape: tuple[int, ...] = (28, 28),
    dtype: str = "uint8",
    classes: int = 10,
    labelled: bool = True,
    **more: Any,
) -> Dataset:
    """Return a dataset of random pixels, every class in every split that is long enough.

    Args:
        train: Images in ``train``.
        test: Images in ``test``.
        shape: Shape of one image.
        dtype: numpy name of the pixels' type; the whole range of it is used.
        classes: Number of classes.
        labelled: Whether there are labels.
        more: Further arguments of :meth:`Dataset.from_arrays`.
    """
    generator = np.random.default_rng(0)
    splits = {}
    for name, rows in (("train", train), ("test", test)):
        size = (rows, *shape)
        raw = generator.bytes(int(np.prod(size)) * np.dtype(dtype).itemsize)
        pixels = np.frombuffer(raw, dtype).reshape(size)
        pixels = np.nan_to_num(pixels) if pixels.dtype.kind == "f" else pixels
        labels = (np.arange(rows) % classes).astype("uint8" if classes <= 256 else "int32")
        splits[name] = (pixels, labels if labelled else None)
    return Dataset.from_arrays(splits, **{"name": "drawn", **more})


def _resolve(path: str | None) -> Any:
    assert path is not None, "the format has no such class"
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
