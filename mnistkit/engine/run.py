"""Moves batches from the reader through the writer, with the digest and progress beside."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mnistkit.border import plugin_border, shown
from mnistkit.clock import Clock
from mnistkit.dataset import Batch, Dataset
from mnistkit.digest import SplitDigest
from mnistkit.engine.plan import Plan
from mnistkit.errors import PluginError
from mnistkit.parallel import Lane, read_ahead
from mnistkit.plugin import Loss, Part, Writer, Written
from mnistkit.progress import Meter, Progress, no_progress
from mnistkit.registry import title_of

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of writing: the digests of all splits, and what the writer says it did."""

    digests: dict[str, SplitDigest]
    written: tuple[Written, ...]

    @property
    def lost(self) -> tuple[Loss, ...]:
        """What turned out to be lost while writing."""
        return tuple(dict.fromkeys(loss for w in self.written for loss in w.lost))

    @property
    def sha256(self) -> dict[str, str]:
        """Hex SHA-256 by name, of the files that were hashed while they were written."""
        return {name: digest for w in self.written for name, digest in w.sha256.items()}


def write_parts(
    plan: Plan, writer: Writer, dataset: Dataset, folder: Path, *, progress: Progress, clock: Clock
) -> Outcome:
    """Write all parts of a plan into a folder, each batch read once.

    Raises:
        MnistkitError: Whatever reader, writer or disk refuse.
    """
    digests = {split.name: SplitDigest(split) for split in plan.info.splits}
    meter = Meter("write", sum(len(split) for split in dataset.splits.values()), progress)
    written = []
    for part in plan.parts(clock):
        lane = Lane()
        try:
            with closing(_stream(part, dataset, digests, lane, meter)) as batches, clock.phase("write"):
                written.append(_write_part(writer, folder, part, batches, plan))
        finally:
            with clock.phase("digest"):
                lane.close()
    with _writing(plan), clock.phase("write"):
        written.append(_expect_written(writer.finish(folder, plan.info, written), plan))
    return Outcome(digests, tuple(written))


def digest_of(dataset: Dataset, progress: Progress = no_progress) -> dict[str, SplitDigest]:
    """Read a dataset to its end and return the digest of each split."""
    meter = Meter("verify", sum(len(split) for split in dataset.splits.values()), progress)
    digests = {}
    for name, split in dataset.splits.items():
        digests[name] = SplitDigest(split.info)
        with closing(read_ahead(split.batches())) as batches:
            for batch in batches:
                digests[name].update(batch)
                meter.add(len(batch))
    return digests


def _stream(
    part: Part, dataset: Dataset, digests: dict[str, SplitDigest], lane: Lane, meter: Meter
) -> Generator[Batch]:
    for split in part.splits:
        digest = digests[split.name]
        ahead = read_ahead(dataset[split.name].batches())
        with closing(part.clock.watch("read", ahead)) as batches:
            for batch in batches:
                with part.clock.phase("digest"):
                    lane.submit(partial(digest.update, batch))
                yield batch
                meter.add(len(batch))


def _write_part(writer: Writer, folder: Path, part: Part, batches: Iterator[Batch], plan: Plan) -> Written:
    feed = _Feed(batches)
    try:
        with _writing(plan):
            written = _expect_written(writer.write(folder, part, feed), plan)
    except Exception as error:
        if feed.failure is not None and feed.failure is not error:
            raise feed.failure from None  # what the writer made of it is not the cause
        raise
    if feed.failure is not None:
        raise feed.failure  # the writer went on regardless
    if next(batches, None) is not None or written.rows != part.rows:
        raise PluginError(
            title_of(plan.card), f"part {part.stem!r} is not whole",
            expected=f"{part.rows:,} images", found=f"{written.rows:,}",
        )  # fmt: skip
    return written


class _Feed:
    """Batches on their way to a writer, and what the source failed of, whatever the writer makes of that."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        try:
            return next(self._batches)
        except StopIteration:
            raise
        except Exception as error:
            self.failure = error
            raise


def _writing(plan: Plan) -> plugin_border:
    return plugin_border(title_of(plan.card), doing="writing", where=plan.out)


def _expect_written(written: object, plan: Plan) -> Written:
    if not isinstance(written, Written):
        raise PluginError(
            title_of(plan.card), "what its writer returns",
            expected="a Written", found=shown(written),
        )  # fmt: skip
    for name, digest in written.sha256.items():
        if not _SHA256.fullmatch(digest):
            raise PluginError(
                title_of(plan.card), f"checksum of {name!r}", expected="SHA-256 in hex", found=digest
            )
    return written
