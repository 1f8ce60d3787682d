"""Reads datasets from HDF5 files."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mnistkit.dataset import Batch, DatasetInfo, SplitInfo
from mnistkit.errors import DataError
from mnistkit.naming import split_order
from mnistkit.plugin import Reader, parse_shape, spans
from mnistkit_hdf5 import SUFFIXES
from mnistkit_hdf5.finding import Found, Hints, facts_of, find_tables
from mnistkit_hdf5.tables import Table, opened

_log = logging.getLogger("mnistkit.hdf5")


class Hdf5Reader(Reader):
    """Reads a file of one or several splits, or a folder of such files."""

    def info(self) -> DatasetInfo:
        """Read what the files say of their datasets, and the labels for their bounds."""
        files = self.source.splits(SUFFIXES)
        if not files:
            raise DataError(
                self.source.path, "no HDF5 files", expected=" or ".join(f"*{s}" for s in SUFFIXES)
            )
        self._tables: dict[str, list[Table]] = {}
        self._notes: list[str] = []
        facts: dict[str, Any] = {}
        for split, shards in files.items():
            found: dict[str, list[Table]] = {}
            for path in shards:
                self._survey(path, split, found, facts)
            for name in found.keys() & self._tables.keys():
                raise DataError(self.source.path, f"two files for split {name!r}", found=_paths(found[name]))
            self._tables |= found
        splits = tuple(_merged(self._tables[name]) for name in sorted(self._tables, key=split_order))
        return DatasetInfo(self.source.name, splits, notes=tuple(self._notes), **facts)

    def files(self, split: str) -> Sequence[Path]:
        """Name the file of a split, or its shards in order."""
        return [table.path for table in self._tables[split]]

    def batches(self, split: str, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Read rows from one shard after the other."""
        tables = self._tables[split]
        for span in spans((table.info.length for table in tables), start, stop):
            with opened(tables[span.shard].path) as file:
                for block in tables[span.shard].blocks(file, span.start, span.stop, size):
                    for position in range(0, len(block), size):
                        piece = block[position : position + size]
                        yield replace(piece, start=span.offset + piece.start)

    def load(self, split: str, start: int, stop: int) -> Batch | None:
        """Inflate chunks into place where one file holds all rows."""
        tables = self._tables[split]
        if len(tables) > 1 or start == stop:
            return None
        with opened(tables[0].path) as file:
            return tables[0].load(file, start, stop)

    def _survey(self, path: Path, split: str, found: dict[str, list[Table]], facts: dict[str, Any]) -> None:
        """Add what a file holds and says of itself to what is known."""
        shape = parse_shape(self.options.shape)
        hints = Hints(
            lambda name: shape or self.source.shape_of(name),
            self.options.image,
            self.options.label,
            self.source.split_names,
        )
        with opened(path) as file:
            for fact, value in facts_of(file).items():
                if facts.setdefault(fact, value) != value and fact == "class_names":
                    raise DataError(path, "class names", expected=facts[fact], found=value)
            in_file = find_tables(file, split, hints)
        for table in in_file.tables:
            found.setdefault(table.info.name, []).append(table)
        self._note(path, in_file)

    def _note(self, path: Path, found: Found) -> None:
        """Say what is not read, and what is read otherwise than it is stored."""
        if found.skipped:
            skipped = ", ".join(found.skipped)
            _log.warning("%s: not read: %s", path, skipped)
            self._notes.append(f"{path.name}: not read: {skipped}")
        changes = dict.fromkeys(note for table in found.tables for note in table.notes)
        self._notes += [f"{path.name}: {note}" for note in changes]


def _merged(tables: Sequence[Table]) -> SplitInfo:
    """Describe a split by its shards.

    Raises:
        DataError: Shards of different types or shapes.
    """
    whole = tables[0].info
    for table in tables[1:]:
        part = table.info
        if replace(part, length=0, label_range=None) != replace(whole, length=0, label_range=None):
            raise DataError(table.path, "shards that differ in type, shape or columns", found=_paths(tables))
        bounds = [b for b in (whole.label_range, part.label_range) if b]
        widest = (min(b[0] for b in bounds), max(b[1] for b in bounds)) if bounds else None
        whole = replace(whole, length=whole.length + part.length, label_range=widest)
    return whole


def _paths(tables: Sequence[Table]) -> str:
    return ", ".join(table.path.name for table in tables)
