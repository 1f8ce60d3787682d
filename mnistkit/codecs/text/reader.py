"""The reader of any format that is lines of numbers: one strict scan, then rows from wherever they start."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mnistkit.codecs.text.layout import Layout, NoImagesError
from mnistkit.codecs.text.lines import Lines
from mnistkit.codecs.text.memory import keep_freed_blocks
from mnistkit.codecs.text.pure import Integers
from mnistkit.codecs.text.rows import Table, groups_of, load
from mnistkit.codecs.text.scan import scan
from mnistkit.dataset import Array, Batch, DatasetInfo, ExtraColumn, SplitInfo, bounds_of
from mnistkit.errors import DataError
from mnistkit.naming import SPLIT_WORDS
from mnistkit.plugin import Reader, Source, parse_shape
from mnistkit.printable import printable


class TextReader(Reader):
    """Reads files of lines of numbers; a subclass says how they begin."""

    #: Endings of the format's files, the usual one first: a folder is read for the first that it has.
    suffixes: ClassVar[tuple[str, ...]]
    log: ClassVar[logging.Logger]

    _tables: dict[str, tuple[Table, ...]]

    def __init__(self, source: Source, options: Any) -> None:
        super().__init__(source, options)
        self._shape = parse_shape(options.shape)

    @abstractmethod
    def layout(self, lines: Lines, shape: tuple[int, ...] | None) -> Layout:
        """Read a file's header, leave ``lines`` at the first image, and say what its columns are.

        Args:
            lines: The file, at its beginning.
            shape: Shape of one image of the split, where it is known.

        Raises:
            NoImagesError: Its columns have names, and none is a pixel's.
            DataError: The file does not begin as the format does.
        """

    def dtype(self, split: str) -> str | None:  # noqa: ARG002 - for subclasses
        """Return the type of the pixels of a split, where it is told from outside: text does not tell it."""
        return None

    def info(self) -> DatasetInfo:
        """Judge every line of every file once, on all CPUs, and keep an index of where rows begin."""
        keep_freed_blocks()
        self._tables = dict(self._scan_splits())
        tables = [table for shards in self._tables.values() for table in shards]
        if any(table.compressed for table in tables):
            self.access = "sequential"
        for sentence in dict.fromkeys(t.layout.assumed for t in tables if t.layout.assumed):
            self.log.warning("%s: %s", self.source.path, printable(sentence))
        splits = tuple(split_info(name, shards) for name, shards in self._tables.items())
        return DatasetInfo(self.source.name, splits, _class_names(tables))

    def _scan_splits(self) -> Iterator[tuple[str, tuple[Table, ...]]]:
        """Scan each split; pass over ``sample_submission.csv`` and the like where others have images."""
        ignored: list[NoImagesError] = []
        readable = 0
        for name, paths in self._files().items():
            layout_of = partial(self._layout_of, name)
            try:
                tables = tuple(scan(path, layout_of) for path in paths)
            except NoImagesError as error:
                if len(paths) > 1 or name in {*self.source.split_names, *SPLIT_WORDS.values()}:
                    raise
                ignored.append(error)
                continue
            readable += 1
            yield name, tables
        if ignored and not readable:
            raise ignored[0]
        if ignored:
            self.log.warning("%s", "; ".join(f"ignored: {error}" for error in ignored))

    def _layout_of(self, split: str, lines: Lines) -> Layout:
        found = self.layout(lines, self._shape or self.source.shape_of(split))
        dtype = self.dtype(split)
        return replace(found, dtype=dtype) if dtype else found

    def _files(self) -> dict[str, tuple[Path, ...]]:
        for suffix in self.suffixes:
            if splits := self.source.splits((suffix,)):
                return splits
        raise self.source.lacks(self.suffixes)

    def batches(self, split: str, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Yield rows in batches of exactly ``size``, but for the last."""
        tables = self._tables[split]
        layout = tables[0].layout
        for rows in groups_of(tables, start, stop, size):
            yield _batch(rows.pixels, rows.integers, layout, start)
            start += len(rows)

    def load(self, split: str, start: int, stop: int) -> Batch | None:
        """Decode plain files straight into one array; None where batches are as good."""
        tables = self._tables[split]
        if start == stop or any(table.compressed for table in tables):
            return None
        try:
            pixels = np.empty((stop - start, tables[0].layout.values), tables[0].layout.dtype)
        except MemoryError:
            return None
        return _batch(pixels, load(tables, start, stop, pixels), tables[0].layout, start)

    def files(self, split: str) -> Sequence[Path]:
        """Name the files that hold a split."""
        return [table.path for table in self._tables[split]]


def split_info(name: str, tables: Sequence[Table]) -> SplitInfo:
    """Describe a split by its files.

    Raises:
        DataError: The files differ in their columns.
    """
    layout = tables[0].layout
    bounds = None
    for table in tables:
        if (table.layout.shape, table.layout.label, table.layout.extra) != (
            layout.shape,
            layout.label,
            layout.extra,
        ):
            raise DataError(
                table.path, f"other columns than {tables[0].path.name}", expected=_said(layout),
                found=_said(table.layout),
            )  # fmt: skip
        bounds = bounds_of(np.array(table.bounds or (), np.int64), bounds)
    return SplitInfo(
        name=name,
        length=sum(table.rows for table in tables),
        shape=layout.shape,
        dtype=layout.dtype,
        label_dtype=None if layout.label is None else "int64",
        label_range=bounds,
        extra=tuple(ExtraColumn(column, "int64") for column in layout.extra),
    )


def _said(layout: Layout) -> str:
    others = ", ".join((*layout.before, *layout.after))
    return f"images of {'x'.join(map(str, layout.shape))}" + (f" beside {others[:80]}" if others else "")


def _class_names(tables: Sequence[Table]) -> tuple[str, ...] | None:
    """Return the names of the classes where files list them.

    Raises:
        DataError: Two files list different ones.
    """
    listed = [table for table in tables if table.layout.class_names]
    for table in listed[1:]:
        if table.layout.class_names != listed[0].layout.class_names:
            raise DataError(
                table.path, f"other class names than {listed[0].path.name}",
                expected=", ".join(listed[0].layout.class_names)[:80],
                found=", ".join(table.layout.class_names)[:80],
            )  # fmt: skip
    return listed[0].layout.class_names if listed else None


def _batch(pixels: Array, integers: Sequence[Integers], layout: Layout, start: int) -> Batch:
    images = pixels.reshape(-1, *layout.shape)
    images.flags.writeable = False
    for column in integers:
        column.flags.writeable = False
    labels = None if layout.label is None else integers[layout.label]
    return Batch(images, labels, start, {name: integers[i] for name, i in layout.extra.items()})
