"""Datasets to check with, and ways to write, read and compare them without the rest of an export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mnistkit.contract.faults import expect
from mnistkit.dataset import Batch, Dataset, DatasetInfo
from mnistkit.engine.plan import check_content
from mnistkit.errors import DataError
from mnistkit.naming import file_stem
from mnistkit.options import adopt, as_dict, build
from mnistkit.plugin import Format, Part, Reader, Source, Written
from mnistkit.registry import load_reader, load_writer


def write_dataset(
    card: Format, dataset: Dataset, folder: Path, *, workers: int = 1, **options: object
) -> Sequence[Written]:
    """Write a dataset with a format's writer alone: no receipt, no digest, no scratch folder.

    Raises:
        CapabilityError: The card does not claim the content, or the writer refuses it.
    """
    chosen: object = build(card.write_options, options, where=card.name)
    narrowed, writer = card.with_options(chosen), load_writer(card)(chosen)
    check_content(narrowed, dataset.info)
    writer.check(dataset.info)
    parts = parts_of(narrowed, dataset, workers=workers)
    written = [writer.write(folder, part, batches) for part, batches in parts]
    return [*written, writer.finish(folder, dataset.info, written)]


def read_dataset(
    card: Format, path: Path, *, shape: tuple[int, ...] | None = None, **options: object
) -> Dataset:
    """Open a file or folder with a format's reader alone, as if a receipt told the shape."""
    chosen: object = build(card.read_options, options, where=card.name)
    return Dataset(load_reader(card)(Source(path, shape=shape), chosen))


def reread_dataset(card: Format, folder: Path, dataset: Dataset, **options: object) -> Dataset:
    """Open what was written of a dataset under some write options, as its receipt would."""
    shapes = {split.shape for split in dataset.info.splits}
    source = Source(
        folder,
        name=dataset.info.name,
        shape=shapes.pop() if len(shapes) == 1 else None,
        shapes={name: split.info.shape for name, split in dataset.splits.items()},
        dtypes={name: split.info.dtype for name, split in dataset.splits.items()},
        labelled={name: split.info.labelled for name, split in dataset.splits.items()},
    )
    written = as_dict(build(card.write_options, options, where=card.name))
    chosen: object = build(card.read_options, adopt(card.read_options, written), where=card.name)
    return Dataset(load_reader(card)(source, chosen))


def parts_of(
    card: Format, dataset: Dataset, *, workers: int = 1, shards: int = 1, size: int | None = None
) -> Iterator[tuple[Part, Iterator[Batch]]]:
    """Divide a dataset into the parts that a format writes alone, each with its batches, ``size`` long."""
    info = dataset.info
    if card.unit == "dataset":
        rows = sum(split.length for split in info.splits)
        stem = file_stem(info.name)
        batches = (batch for split in dataset.splits.values() for batch in split.batches(size))
        yield Part(stem, info.splits, info, 0, rows, workers=workers), batches
        return
    for split in dataset.splits.values():
        cuts = [len(split) * i // shards for i in range(shards + 1)]
        for index, (start, stop) in enumerate(pairwise(cuts)):
            stem = split.info.name + (f"-{index:05}-of-{shards:05}" if shards > 1 else "")
            part = Part(stem, (split.info,), info, start, stop, index, shards, workers)
            yield part, _rows_from(split[start:stop].batches(size), start)


def _rows_from(batches: Iterator[Batch], start: int) -> Iterator[Batch]:
    for batch in batches:
        yield Batch(batch.images, batch.labels, start + batch.start, batch.extra)


def assert_same_content(found: Dataset, expected: Dataset) -> None:
    """Compare the splits, images (bit for bit) and labels of two datasets.

    Raises:
        Fault: They differ; an AssertionError.
    """
    _expect_splits(list(found.splits), list(expected.splits))
    for name, split in expected.splits.items():
        a, b = found[name].load(), split.load()
        expect(a.images.shape == b.images.shape, f"{name}: {a.images.shape}, not {b.images.shape}")
        expect(a.images.dtype == b.images.dtype, f"{name}: {a.images.dtype}, not {b.images.dtype}")
        expect(a.images.tobytes() == b.images.tobytes(), f"{name}: other pixels")
        expect((a.labels is None) == (b.labels is None), f"{name}: labels on one side only")
        same = a.labels is None or b.labels is None or np.array_equal(a.labels, b.labels)
        expect(same, f"{name}: other labels")


def _expect_splits(found: list[str], expected: list[str]) -> None:
    order = " in the order of mnistkit.naming.split_order" if sorted(found) == sorted(expected) else ""
    fault = f"splits {', '.join(found) or 'missing'}, not {', '.join(expected)}{order}"
    expect(found == expected, fault)


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


def fitting_shape(card: Format, size: tuple[int, int] = (28, 28)) -> tuple[int, ...]:
    """Return the shape of images of some height and width that a card claims to carry, gray if it can."""
    return size if 2 in card.ranks else (*size, card.channels[0] if card.channels else 3)


def fitting_dtype(card: Format) -> str:
    """Return a pixel type that a card claims to carry, bytes if it can."""
    return "uint8" if not card.dtypes or "uint8" in card.dtypes else card.dtypes[0]


def failing_dataset(dataset: Dataset, *, after: int) -> Dataset:
    """Return a dataset that reads like another until a row of a split, and fails there on purpose."""
    return Dataset(_FailingReader(dataset, after))


class _FailingReader(Reader):
    """Gives some rows of each split of a dataset, then raises DataError."""

    def __init__(self, dataset: Dataset, after: int) -> None:
        self._dataset, self._after = dataset, after

    def info(self) -> DatasetInfo:
        return self._dataset.info

    def batches(self, split: str, start: int, stop: int, size: int) -> Iterator[Batch]:
        yield from _rows_from(self._dataset[split][start : min(stop, self._after)].batches(size), start)
        if stop > self._after:
            raise DataError(f"split {split!r}", "fails on purpose")

    def files(self, split: str) -> Sequence[Path]:  # noqa: ARG002 - the same for each split
        return ()
