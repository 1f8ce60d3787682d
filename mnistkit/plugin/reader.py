"""The reading side: what a reader is given, and what it must do."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from mnistkit.errors import DataError
from mnistkit.naming import CHECKSUMS, PACKED, RECEIPT, by_split, is_export, is_litter

if TYPE_CHECKING:
    from mnistkit.dataset import Batch, DatasetInfo
    from mnistkit.progress import Progress


@dataclass(frozen=True, slots=True)
class Source:
    """The file or folder that a reader is to read, and what is known of it beforehand.

    Attributes:
        path: The file or folder; it exists.
        name: What the dataset is called unless its files say otherwise.
        prefix: Only files of the folder whose names begin so.
        shape: Shape of one image, where a receipt beside the files tells one for all splits.
        shapes: Shape of one image by split, where a receipt tells them.
        dtypes: numpy's name of the pixels' type by split, where a receipt tells it.
        labelled: Whether there are labels, by split, where a receipt tells it.
    """

    path: Path
    name: str = "dataset"
    prefix: str = ""
    shape: tuple[int, ...] | None = None
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    dtypes: Mapping[str, str] = field(default_factory=dict)
    labelled: Mapping[str, bool] = field(default_factory=dict)

    @property
    def split_names(self) -> tuple[str, ...]:
        """Names of the splits, where a receipt tells them."""
        return tuple(self.shapes)

    def shape_of(self, split: str) -> tuple[int, ...] | None:
        """Return the shape of one image of a split, where it is known beforehand."""
        return self.shapes.get(split, self.shape)

    def dtype_of(self, split: str) -> str | None:
        """Return the type of the pixels of a split, where it is known beforehand."""
        return self.dtypes.get(split)

    def is_labelled(self, split: str) -> bool | None:
        """Return whether a split has labels, where it is known beforehand: no rows may not tell."""
        return self.labelled.get(split)

    def files(self, suffixes: Sequence[str] = ()) -> list[Path]:
        """List the data files, sorted: the file itself, or all below the folder.

        Receipts, checksums, desktop litter and exports inside the folder are left out.  A link that
        leads out of the folder is told of on the log.

        Args:
            suffixes: Keep only names that end so, a compression suffix aside; empty keeps all.
        """
        if not self.path.is_dir():
            return [self.path]
        found = []
        for folder, folders, names in os.walk(self.path):
            folders[:] = sorted(name for name in folders if not is_export(os.path.join(folder, name)))  # noqa: PTH118 - os.walk's own
            found += [Path(folder, n) for n in names if n not in (RECEIPT, CHECKSUMS) and not is_litter(n)]
        named = sorted(f for f in found if not suffixes or _ends(f.name, suffixes))
        files = [file for file in named if file.is_file()]  # reading a pipe would never end
        self.tell_of_links(files)
        return files

    def lacks(self, suffixes: Sequence[str]) -> DataError:
        """Return the error for a source without a file that has one of these suffixes."""
        there = ", ".join(file.name for file in self.files()[:5])
        return DataError(
            self.path, "no such files", expected=" or ".join(suffixes), found=there or "no files"
        )

    def tell_of_links(self, paths: Iterable[Path]) -> None:
        """Say how many of some files and folders are links that lead out of the folder, and where one leads.

        :meth:`files` does so; this is for readers that list files themselves.
        """
        from mnistkit.links import tell_of_links  # noqa: PLC0415 - keeps cards light

        tell_of_links(paths, self.path)

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
    return any(lowered.endswith(suffix + ending) for suffix in suffixes for ending in ("", *PACKED))


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
