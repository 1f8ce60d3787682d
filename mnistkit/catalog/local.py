"""Gives files at hand that are a published dataset what the catalogue knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mnistkit.catalog.entry import Entry
from mnistkit.dataset import Dataset, DatasetInfo
from mnistkit.errors import DataError


def open_local(
    entry: Entry, dataset: Dataset, files: Mapping[str, Path], *, raw_orientation: bool = False
) -> Dataset:
    """Open files that turned out to be those of a catalogue entry.

    Args:
        entry: What they turned out to be.
        dataset: They, as they were opened.
        files: Published name -> where the file is.
        raw_orientation: Leave images as they are stored.
    """
    if not entry.has_quirks:
        return Dataset(dataset.reader, info=_described(dataset.info, entry))
    from mnistkit.catalog.reader import CatalogReader  # noqa: PLC0415 - with the cache, which few files need

    found = Dataset(CatalogReader(entry, local=files, raw_orientation=raw_orientation))
    for name in dataset.splits.keys() - found.splits.keys():
        raise DataError(
            dataset.path,
            f"split {name!r} of {entry.name} is not whole",
            expected=", ".join(entry.files) if name not in entry.splits else entry.splits[name].labels,
            todo="put the missing file beside the others",
        )
    return found


def _described(info: DatasetInfo, entry: Entry) -> DatasetInfo:
    return replace(
        info,
        name=entry.name,
        class_names=entry.class_names or None,
        licence=entry.licence,
        citation=entry.citation,
        homepage=entry.homepage,
        notes=entry.notes,
    )
