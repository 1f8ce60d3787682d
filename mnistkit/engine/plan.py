"""What an export will write, what it will lose, and whether it can be written at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mnistkit._version import __version__
from mnistkit.border import plugin_border
from mnistkit.clock import Clock
from mnistkit.dataset import DatasetInfo, SplitInfo
from mnistkit.errors import CapabilityError, DataError, DestinationError
from mnistkit.naming import file_stem, split_fault
from mnistkit.options import as_dict
from mnistkit.plugin import Format, Loss, Part, Writer
from mnistkit.registry import title_of


@dataclass(frozen=True, slots=True)
class Plan:
    """An export that can be carried out.

    Attributes:
        card: The format as it reads under the options.
        options: The format's write options.
        info: The dataset.
        out: The destination.
        workers: How many threads may encode at once.
        lost: What the format does not carry.
    """

    card: Format
    options: object
    info: DatasetInfo
    out: Path
    workers: int
    lost: tuple[Loss, ...]

    def parts(self, clock: Clock) -> tuple[Part, ...]:
        """Return the parts: one a split, or one for the whole dataset where the format's unit is that."""
        if self.card.unit == "dataset":
            rows = sum(split.length for split in self.info.splits)
            stem = file_stem(self.info.name)
            return (
                Part(
                    stem, self.info.splits, self.info, 0, rows, workers=self.workers, hashed=True, clock=clock
                ),
            )
        return tuple(
            Part(
                split.name,
                (split,),
                self.info,
                0,
                split.length,
                workers=self.workers,
                hashed=True,
                clock=clock,
            )
            for split in self.info.splits
        )

    @property
    def digest(self) -> str:
        """Twelve hex digits that tell this plan from others for the same destination."""
        facts = {
            "version": __version__,
            "format": self.card.name,
            "options": as_dict(self.options),
            "dataset": asdict(self.info),
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def estimated_bytes(self) -> int:
        """Roughly how much will be written, in bytes."""
        return sum(
            split.length * int(self.card.bytes_per_image + self.card.bytes_per_value * split.values)
            for split in self.info.splits
        )


def make_plan(
    card: Format, options: object, writer: Writer, info: DatasetInfo, *, out: Path, workers: int, strict: bool
) -> Plan:
    """Decide what an export will be.

    Raises:
        CapabilityError: The format cannot carry the content, or ``strict`` forbids what it would lose.
        DestinationError: The disk has too little space.
    """
    if not info.splits:
        raise DataError(info.name, "there is nothing to export", found="no splits")
    with plugin_border(title_of(card), doing="looking at what is to be written"):
        narrowed = card.with_options(options)
        check_content(narrowed, info)
        surprises = tuple(writer.check(info))
    lost = (*losses(narrowed, info), *surprises)
    if strict and lost:
        raise refused_loss(card.name, lost)
    plan = Plan(narrowed, options, info, out, workers, lost)
    _check_space(plan)
    return plan


def check_content(card: Format, info: DatasetInfo) -> None:
    """Make sure that a format can carry all content.

    Raises:
        CapabilityError: The first thing that it cannot carry.
    """
    for split in info.splits:
        if fault := split_fault(split.name):
            raise CapabilityError(f"split {split.name!r}", fault, todo="rename it")
        for what, allowed, found in _demands(card, split):
            raise CapabilityError(
                f"format {card.name!r}", f"cannot carry {what} of split {split.name!r}",
                expected=allowed, found=found, todo="choose another format or layout",
            )  # fmt: skip


def losses(card: Format, info: DatasetInfo) -> list[Loss]:
    """Tell what a format does not bring back: class names, extra columns, the width of labels."""
    name = card.name
    extra = {column.name: column for split in info.splits for column in split.extra}
    titles = tuple(extra)
    lost = []
    if info.class_names and not card.class_names:
        lost.append(Loss(f"{name} keeps no class names", class_names=True))
    if extra and card.extra_columns == "none":
        lost.append(Loss(f"{name} keeps no extra columns ({', '.join(titles)})", columns=titles))
    elif extra and card.extra_columns == "integers":
        lost.append(Loss(f"{name} keeps no names of extra columns ({', '.join(titles)})", columns=titles))
        dropped = [c.name for c in extra.values() if c.shape or not c.is_integer]
        if dropped:
            lost.append(Loss(f"{name} keeps only integer extra columns (not {', '.join(dropped)})"))
    kept = card.label_dtype
    widths = sorted({s.label_dtype for s in info.splits if s.label_dtype})
    wide = [width for width in widths if kept and not np.can_cast(width, kept)]
    return [*lost, *(Loss(f"{name} keeps labels as {kept}, not as {width}") for width in wide)]


def refused_loss(name: str, lost: tuple[Loss, ...]) -> CapabilityError:
    """Return the error for a loss under ``strict``."""
    return CapabilityError(
        f"format {name!r}",
        "something would be lost",
        found="; ".join(map(str, lost)),
        todo="export without --strict",
    )


def _demands(card: Format, split: SplitInfo) -> Iterator[tuple[str, str, str]]:
    """Yield (what, allowed, found) for whatever the card does not allow."""
    rank = len(split.shape)
    if card.dtypes and split.dtype not in card.dtypes:
        yield "the pixel type", " or ".join(card.dtypes), split.dtype
    if rank not in card.ranks:
        kinds = {2: "gray images", 3: "images with channels"}
        yield "the shape", " or ".join(kinds[r] for r in card.ranks), "x".join(map(str, split.shape))
    elif rank == 3 and card.channels and split.shape[2] not in card.channels:
        yield "the channels", " or ".join(map(str, card.channels)), str(split.shape[2])
    if not split.labelled and not card.unlabelled:
        yield "missing labels", "labels", "none"
    if split.label_range and split.label_range[0] < 0 and not card.negative_labels:
        yield "negative labels", "labels from 0", str(split.label_range[0])


def _check_space(plan: Plan) -> None:
    folder = next((p for p in plan.out.absolute().parents if p.is_dir()), None)
    free = shutil.disk_usage(folder).free if folder else 0
    if folder and plan.estimated_bytes > free:
        raise DestinationError(
            folder,
            "too little space",
            expected=f"about {plan.estimated_bytes:,} bytes",
            found=f"{free:,} free",
        )
