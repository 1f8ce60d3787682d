"""Who an export is for: the format and the options that a consumer opens with one line, and that line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mnistkit.errors import CapabilityError, UsageError
from mnistkit.hints import closest

if TYPE_CHECKING:
    from mnistkit.dataset import DatasetInfo


@dataclass(frozen=True, slots=True)
class Consumer:
    """What a consumer wants.

    Attributes:
        format: The format to write.
        opens: The line that opens the export there; ``{folder}`` stands for the export and ``{split}`` for
            the split to begin with, ``{file}`` for that split's file, or the only one there is.
        options: Write options that it needs; others may be chosen freely.
        labelled: Whether it needs labels.
        splits: The splits that it needs.
    """

    format: str
    opens: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    labelled: bool = False
    splits: tuple[str, ...] = ()

    def line(self, out: Path, splits: Iterable[str], files: Iterable[str]) -> str:
        """Return the line that opens an export, which has some splits and files."""
        names, there = list(splits), list(files)
        split = "train" if "train" in names else names[0]
        only = there[0] if len(there) == 1 else split
        file = next((name for name in there if name.startswith(f"{split}.")), only)
        return self.opens.format(folder=out.as_posix(), split=split, file=file)


#: What ``--for`` says -> what is meant.  Each convention and its source stand on the format's page.
CONSUMERS: Mapping[str, Consumer] = {
    "duckdb": Consumer(
        "parquet", "SELECT * FROM '{folder}/data/{split}-*.parquet'", options={"layout": "columns"}
    ),
    "kaggle": Consumer("csv", 'pandas.read_csv("{folder}/{file}")', options={"preset": "kaggle"}),
    "keras": Consumer("npz", 'numpy.load("{folder}/{file}")', options={"preset": "keras"}),
    "mlnet": Consumer(
        "mlnet", 'mlContext.Data.LoadFromTextFile("{folder}/{file}")', options={"schema": True}
    ),
    "mlnet-images": Consumer(
        "png",
        'mlnet image-classification --dataset "{folder}/{split}"',
        options={"layout": "tree", "tags": True},
        labelled=True,
    ),
    "r": Consumer("csv", '{split} <- read.csv("{folder}/{file}")', options={"preset": "kaggle"}),
    "sklearn": Consumer(
        "csv", '{split} = pandas.read_csv("{folder}/{file}")', options={"preset": "openml"}, labelled=True
    ),
    "torchvision": Consumer(
        "idx",
        'torchvision.datasets.MNIST("{folder}", train=True, download=False)',
        options={"layout": "torchvision", "gzip": "none"},
        labelled=True,
        splits=("train", "test"),
    ),
}  # fmt: skip


def wanted(to: str | None, for_: str | None) -> Consumer:
    """Return what is to be written: the format that is named, or what a consumer opens.

    Raises:
        UsageError: Neither is named, there is no such consumer, or it opens another format than is named.
    """
    if for_ is None:
        if to is None:
            raise UsageError("export", "no format", todo="say which with --to FORMAT or --for CONSUMER")
        return Consumer(to)
    if for_ not in CONSUMERS:
        near = closest(for_, CONSUMERS)
        hint = f"did you mean {near!r}?" if near else f"known: {', '.join(CONSUMERS)}"
        raise UsageError("", f"unknown consumer {for_!r}", todo=hint)
    found = CONSUMERS[for_]
    if to not in (None, found.format):
        todo = "leave one of them out"
        raise UsageError(f"--for {for_}", "disagrees with --to", expected=found.format, found=to, todo=todo)
    return found


def check_options(for_: str | None, consumer: Consumer, options: Mapping[str, object]) -> None:
    """Make sure that nobody asks for what the consumer cannot open.

    Raises:
        UsageError: An option with another value than the consumer needs.
    """
    for name, value in consumer.options.items():
        if options.get(name, value) != value:
            todo = f"use --to {consumer.format} instead"
            raise UsageError(f"--for {for_}", f"needs {name} {value}", found=options[name], todo=todo)


def check_splits(for_: str | None, consumer: Consumer, info: DatasetInfo) -> None:
    """Make sure that a consumer has the splits and the labels that it needs.

    Raises:
        CapabilityError: A split is missing, or has no labels.
    """
    found = [split.name for split in info.splits]
    todo = f"use --to {consumer.format} instead"
    if not set(consumer.splits) <= set(found):
        needed = " and ".join(consumer.splits)
        raise CapabilityError(f"--for {for_}", f"needs splits {needed}", found=", ".join(found), todo=todo)
    if consumer.labelled and not all(split.labelled for split in info.splits):
        raise CapabilityError(f"--for {for_}", "needs labels", found="a split without labels", todo=todo)
