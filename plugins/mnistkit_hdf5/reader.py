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
from mnistkit.printable import printable
from mnistkit_hdf5 import SUFFIXES
from mnistkit_hdf5.direct import Direct
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
        self._places: dict[tuple[object, ...], Direct | None] = {}
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
            for piece in self._shard(tables[span.shard], span.start, span.stop, size):
                yield replace(piece, start=span.offset + piece.start)

    def load(self, split: str, start: int, stop: int) -> Batch | None:
        """Read rows into place where one file holds all of them and HDF5 is not needed."""
        tables = self._tables[split]
        direct = self._direct(tables[0]) if len(tables) == 1 and start < stop else None
        return direct.load(start, stop) if direct else None

    def _shard(self, table: Table, start: int, stop: int, size: int) -> Iterator[Batch]:
        if direct := self._direct(table):
            yield from direct.batches(start, stop, size)
            return
        with opened(table.path) as file:
            for block in table.blocks(file, start, stop, size):
                for position in range(0, len(block), size):
                    yield block[position : position + size]

    def _direct(self, table: Table) -> Direct | None:
        """Find out once where the rows of a table are."""
        key = (table.path, table.image.name, table.group, table.first)
        if key not in self._places:
            with opened(table.path) as file:
                self._places[key] = table.direct(file)
        return self._places[key]

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
            _log.warning("%s: not read: %s", path, printable(skipped))
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
