"""The writing side: what a writer is given, what it must do, and what it says of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mnistkit.clock import Clock
from mnistkit.plugin.sink import Buffer, Sink

if TYPE_CHECKING:
    from mnistkit.dataset import Batch, DatasetInfo, SplitInfo

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of an export that is written alone: a split, rows of a split, or the whole dataset.

    Attributes:
        stem: What its file is named, without suffix: ``train``, or ``train-00003-of-00042``.
        splits: The splits it holds: one, unless the format's unit is the dataset.
        info: The dataset it belongs to.
        start: Index in its split of the first row.
        stop: Index in its split behind the last row.
        index: Number of this shard of its split, from 0.
        shards: Number of shards of its split.
        workers: How many threads may encode at once.
        hashed: Whether the core wants the checksums of files.
        clock: Tells where the time goes; the core's own.
    """

    stem: str
    splits: tuple[SplitInfo, ...]
    info: DatasetInfo
    start: int
    stop: int
    index: int = 0
    shards: int = 1
    workers: int = 1
    hashed: bool = False
    clock: Clock = field(default_factory=Clock, compare=False, repr=False)

    @property
    def split(self) -> SplitInfo:
        """The only split that it holds."""
        (split,) = self.splits
        return split

    @property
    def rows(self) -> int:
        """Number of images."""
        return self.stop - self.start

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield ``function(item)`` for each item, in order, using all workers; few are held at once."""
        from mnistkit.parallel import ordered_map  # noqa: PLC0415 - keeps cards light

        return self.clock.watch("encode", ordered_map(function, items, self.workers))

    def sink(self, path: Path) -> Sink:
        """Open a new file that is written from its beginning to its end, hashed meanwhile if need be."""
        return Sink(path, hashed=self.hashed)

    def write_each(self, sink: Sink, function: Callable[[T], Buffer], items: Iterable[T]) -> None:
        """Write ``function(item)`` for each item, in order; workers encode and write at once."""
        with self.clock.phase("encode"):
            sink.write_each(function, items, self.workers)

    def by_split(self, batches: Iterator[Batch]) -> Iterator[tuple[SplitInfo, Iterator[Batch]]]:
        """Divide the part's batches into one iterator a split, even one without rows; use each up in turn."""
        for split in self.splits:
            rows = split.length if len(self.splits) > 1 else self.rows  # one split may come in several parts
            yield split, _rows_of(rows, batches)


def _rows_of(rows: int, batches: Iterator[Batch]) -> Iterator[Batch]:
    while rows > 0:
        batch = next(batches)
        rows -= len(batch)
        yield batch


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that will not come back: never content, only names, columns and widths.

    Attributes:
        what: A sentence.
        class_names: Whether class names are lost by it, some or all.
        columns: The extra columns that are lost by it.
    """

    what: str
    class_names: bool = False
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.what


@dataclass(frozen=True, slots=True)
class Written:
    """What a writer has done.

    Attributes:
        files: Relative names of the files written, or of folders whose every file it wrote.
        rows: Number of images written.
        extra: What ``finish`` wants to know of this part; JSON types only.
        lost: What turned out to be lost on the way.
        sha256: Hex SHA-256 by name, of files written through a :class:`Sink`; the others are read again.
    """

    files: tuple[str, ...] = ()
    rows: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)
    lost: tuple[Loss, ...] = ()
    sha256: Mapping[str, str] = field(default_factory=dict)


class Writer(ABC):
    """Writes a dataset to files.

    A writer can be pickled; it keeps nothing between parts, which may be written in any order
    and in other processes.
    """

    def __init__(self, options: Any) -> None:
        """Take an instance of the card's ``write_options``."""
        self.options = options

    def check(self, info: DatasetInfo) -> Sequence[Loss]:  # noqa: ARG002 - for subclasses
        """Look at what is to be written, beyond what the card's fields say of it.

        Returns:
            What will be lost.

        Raises:
            CapabilityError: The format cannot carry it.
        """
        return ()

    @abstractmethod
    def write(self, folder: Path, part: Part, batches: Iterator[Batch]) -> Written:
        """Write one part into a folder, pulling each batch once and keeping none.

        Args:
            folder: An existing folder; files are named after ``part.stem``.
            part: What to write.
            batches: Its rows in order; for the whole dataset, the splits' rows one after the other.
        """

    def finish(self, folder: Path, info: DatasetInfo, written: Sequence[Written]) -> Written:  # noqa: ARG002
        """Write what needs all parts: indexes and companions.  Runs once, after the last part."""
        return Written()
