"""Our own sides: the library's public verbs, and a format's writer alone where a row is about the codec."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.data import Data
from benchmarks.model import Run, Setup

#: Ratios leave syncing to disk out on both sides.
NO_SYNC: Mapping[str, str] = {"MNISTKIT_SYNC": "0"}
PURE: Mapping[str, str] = {**NO_SYNC, "MNISTKIT_NATIVE": "0"}


def encoding(to: str, **options: object) -> Setup:
    """Return the setup of a format's writer alone: no receipt, no digest, no scratch folder."""

    def setup(data: Data) -> Run:
        return lambda folder: encode(data, to, folder, **options)

    return setup


def encode(data: Data, to: str, folder: Path, **options: object) -> None:
    """Write the images by a format's writer."""
    from mnistkit.options import build
    from mnistkit.plugin import Part
    from mnistkit.registry import load_format, load_writer

    card = load_format(to)
    chosen: object = build(card.write_options, options, where=to)
    writer, dataset = load_writer(card)(chosen), dataset_of(data)
    part = Part("train", dataset.info.splits, dataset.info, 0, data.rows, workers=data.workers)
    written = writer.write(folder, part, dataset["train"].batches())
    writer.finish(folder, dataset.info, [written])


def exporting(to: str, *, verify: bool = False) -> Setup:
    """Return the setup of ``mnistkit.export()`` from arrays, everything included."""

    def setup(data: Data) -> Run:
        import mnistkit

        dataset = dataset_of(data)

        def run(folder: Path) -> None:
            mnistkit.export(dataset, to, folder / "export", workers=data.workers, verify=verify)

        return run

    return setup


def loading(path: Path, *, read: Mapping[str, object] | None = None) -> Run:
    """Return a run that opens a file or folder and reads ``train`` whole."""
    import mnistkit

    def run(_: Path) -> Any:
        batch = mnistkit.open(path, read=read)["train"].load()
        return batch.images, batch.labels

    return run


def dataset_of(data: Data) -> Any:
    """Return the source arrays as a dataset."""
    from mnistkit.dataset import Dataset

    return Dataset.from_arrays({"train": (data.images, data.labels)}, name="mnist")
