"""All that the author of a format imports.

A format is a *card* that says what it is, and up to two classes that do the work::

    from mnistkit.plugin import Format, hookimpl

    @hookimpl
    def mnistkit_register_format():
        return Format(
            api=1,
            name="npy",
            summary="One NumPy file each for the images and labels of a split.",
            suffixes=(".npy",),
            writer="mnistkit_npy.codec:NpyWriter",
            reader="mnistkit_npy.codec:NpyReader",
        )

and an entry point whose name is the format's name::

    [project.entry-points."mnistkit.formats"]
    npy = "mnistkit_npy"

The module with the card imports nothing but the standard library and this module, so that
listing formats stays quick; the classes live in another module and import what they need.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypeVar

import pluggy

from mnistkit.naming import CHECKSUMS, RECEIPT, by_split, is_litter
from mnistkit.options import NoOptions, option, parse_shape

if TYPE_CHECKING:
    from mnistkit.dataset import Batch, DatasetInfo, SplitInfo
    from mnistkit.progress import Progress

__all__ = [
    "API",
    "Format",
    "NoOptions",
    "Part",
    "Reader",
    "Source",
    "Span",
    "Verdict",
    "Writer",
    "Written",
    "hookimpl",
    "option",
    "parse_shape",
    "spans",
]

T = TypeVar("T")
R = TypeVar("R")

#: Version of the plugin interface that this mnistkit speaks.
API = 1

hookimpl = pluggy.HookimplMarker("mnistkit")

Verdict: TypeAlias = Literal["no", "maybe", "yes"]


def _never(head: bytes, names: Sequence[str]) -> Verdict:  # noqa: ARG001 - the signature of every sniff
    return "no"


@dataclass(frozen=True, kw_only=True)
class Format:
    """What a format is and can carry: its card.

    Attributes:
        api: Version of the plugin interface that the plugin was written for: the literal 1.
        name: What ``--to`` and ``--from`` say; equal to the entry point's name.
        summary: One sentence.
        suffixes: Endings of its files, the usual one first, such as ``(".csv",)``.
        reader: ``"package.module:Class"`` of the reader, or None where it is write-only.
        writer: ``"package.module:Class"`` of the writer, or None where it is read-only.
        read_options: Dataclass of read options, each declared with :func:`option`.
        write_options: Dataclass of write options.
        sniff: ``sniff(head, names)`` says whether files look like this format, from the first
            4096 bytes (decompressed) of the largest and from all relative names.
        dtypes: numpy names of the pixel types that it can carry; empty means all.
        ranks: Numbers of dimensions of one image that it can carry: 2 gray, 3 with channels.
        channels: Numbers of channels that it can carry where there are any; empty means all.
        unlabelled: Whether it can carry a split without labels.
        negative_labels: Whether it can carry labels below 0.
        label_dtype: The type that labels come back with at least; None where they keep any type.
            It speaks of width alone, not of values: IDX says ``uint8`` and carries int32 where needed.
        class_names: Whether class names come back.
        extra_columns: Which further columns come back: none of them, the values of integer columns without
            their names, or all of them.
        unit: The smallest thing written alone: an image, a split or the whole dataset.
        bytes_per_value: Typical size of one pixel value, in bytes, for the estimate of needed space.
        bytes_per_image: Size that each image adds to that, in bytes.
        given: ``given(write_options)`` returns those of the fields above that the options change.
    """

    api: int
    name: str
    summary: str
    suffixes: tuple[str, ...]
    reader: str | None = None
    writer: str | None = None
    read_options: type = NoOptions
    write_options: type = NoOptions
    sniff: Callable[[bytes, Sequence[str]], Verdict] = _never
    dtypes: tuple[str, ...] = ()
    ranks: tuple[int, ...] = (2, 3)
    channels: tuple[int, ...] = ()
    unlabelled: bool = True
    negative_labels: bool = True
    label_dtype: str | None = None
    class_names: bool = False
    extra_columns: Literal["none", "integers", "all"] = "none"
    unit: Literal["image", "split", "dataset"] = "split"
    bytes_per_value: float = 1.0
    bytes_per_image: int = 0
    given: Callable[[Any], Mapping[str, Any]] | None = None

    def with_options(self, options: object) -> Format:
        """Return the card as it reads under some write options."""
        return replace(self, **self.given(options)) if self.given else self


@dataclass(frozen=True, slots=True)
class Source:
    """The file or folder that a reader is to read, and what is known of it beforehand.

    Attributes:
        path: The file or folder; it exists.
        name: What the dataset is called unless its files say otherwise.
        prefix: Only files of the folder whose names begin so.
        shape: Shape of one image, where a receipt beside the files tells it.
        split_names: Names of the splits, where a receipt tells them.
    """

    path: Path
    name: str = "dataset"
    prefix: str = ""
    shape: tuple[int, ...] | None = None
    split_names: tuple[str, ...] = ()

    def files(self, suffixes: Sequence[str] = ()) -> list[Path]:
        """List the data files, sorted: the file itself, or all below the folder.

        Receipts, checksums and desktop litter are left out.

        Args:
            suffixes: Keep only names that end so, a compression suffix aside; empty keeps all.
        """
        if not self.path.is_dir():
            return [self.path]
        found = []
        for folder, folders, names in os.walk(self.path):
            folders.sort()
            found += [Path(folder, n) for n in names if n not in (RECEIPT, CHECKSUMS) and not is_litter(n)]
        return sorted(f for f in found if not suffixes or _ends(f.name, suffixes))

    def splits(self, suffixes: Sequence[str]) -> dict[str, tuple[Path, ...]]:
        """Sort the files with these suffixes into splits by their names, shards in order.

        Raises:
            DataError: Several datasets in one folder, or two files for one split.
        """
        return by_split(
            self.files(suffixes), suffixes, known=self.split_names, prefix=self.prefix, where=self.path
        )


def _ends(name: str, suffixes: Sequence[str]) -> bool:
    lowered = name.lower()
    packed = ("", ".gz", ".bz2", ".xz", ".zst", ".zip")
    return any(lowered.endswith(suffix + ending) for suffix in suffixes for ending in packed)


class Span(NamedTuple):
    """Rows of one shard among the shards of a split.

    Attributes:
        shard: Number of the shard, from 0.
        start: Index in the shard of the first row.
        stop: Index in the shard behind the last row.
        offset: Index in the split of the shard's own first row.
    """

    shard: int
    start: int
    stop: int
    offset: int


def spans(lengths: Iterable[int], start: int, stop: int) -> Iterator[Span]:
    """Yield which rows of which shards are rows ``start`` to ``stop`` of a split."""
    offset = 0
    for shard, length in enumerate(lengths):
        first, last = max(start - offset, 0), min(stop - offset, length)
        if first < last:
            yield Span(shard, first, last, offset)
        offset += length


class Reader(ABC):
    """Reads a dataset from files.

    The core makes one reader for each source and calls :meth:`info` once, before anything else.
    After that, a reader with ``access = "random"`` may be asked for any rows, by several threads
    at once; a sequential one is read from the front, by one thread at a time.
    """

    #: ``random`` where any row range costs no more than its rows; ``sequential`` otherwise.
    #: :meth:`info` may set it, where the files decide.
    access: Literal["random", "sequential"] = "random"

    def __init__(self, source: Source, options: Any) -> None:
        """Take note of the source and an instance of the card's ``read_options``; read nothing."""
        self.source = source
        self.options = options

    @abstractmethod
    def info(self) -> DatasetInfo:
        """Find the splits and say what is in them: from headers, or by one strict scan.

        Raises:
            DataError: The files are not what they promise to be.
        """

    @abstractmethod
    def batches(self, split: str, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Yield rows ``start`` to ``stop`` of a split in order, at most ``size`` at a time.

        Arrays are C-ordered, of native byte order, typed as :meth:`info` said, and never written to
        again while anybody holds them.

        Raises:
            DataError: The files are not what they promise to be.
        """

    @abstractmethod
    def files(self, split: str) -> Sequence[Path]:
        """Name the files that hold a split, for the receipt."""

    def prepare(self, splits: Sequence[str], progress: Progress) -> None:  # noqa: B027 - most need not
        """Get ready to read these splits whole: fetch what is not here.  Batches do so too, unasked."""

    def load(self, split: str, start: int, stop: int) -> Batch | None:  # noqa: ARG002 - for subclasses
        """Return rows at once where that is cheaper than batches (a memory map), else None."""
        return None


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
    """

    stem: str
    splits: tuple[SplitInfo, ...]
    info: DatasetInfo
    start: int
    stop: int
    index: int = 0
    shards: int = 1
    workers: int = 1

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

        return ordered_map(function, items, self.workers)

    def by_split(self, batches: Iterator[Batch]) -> Iterator[tuple[SplitInfo, Iterator[Batch]]]:
        """Divide the batches of a whole dataset into one iterator a split; use each up in turn."""
        for split in self.splits:
            yield split, _rows_of(split.length, batches)


def _rows_of(rows: int, batches: Iterator[Batch]) -> Iterator[Batch]:
    while rows > 0:
        batch = next(batches)
        rows -= len(batch)
        yield batch


@dataclass(frozen=True, slots=True)
class Written:
    """What a writer has done.

    Attributes:
        files: Relative names of the files written, or of folders whose every file it wrote.
        rows: Number of images written.
        extra: What ``finish`` wants to know of this part; JSON types only.
        lost: Sentences on what turned out to be lost on the way (class names, extra columns).
    """

    files: tuple[str, ...] = ()
    rows: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)
    lost: tuple[str, ...] = ()


class Writer(ABC):
    """Writes a dataset to files.

    A writer can be pickled; it keeps nothing between parts, which may be written in any order
    and in other processes.
    """

    def __init__(self, options: Any) -> None:
        """Take an instance of the card's ``write_options``."""
        self.options = options

    def check(self, info: DatasetInfo) -> Sequence[str]:  # noqa: ARG002 - for subclasses
        """Look at what is to be written, beyond what the card's fields say of it.

        Returns:
            Sentences on what will be lost (class names, extra columns; never content).

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
