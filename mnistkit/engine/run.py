"""Moves batches from the reader through the writer, with the digest and progress beside."""

from __future__ import annotations

import errno
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mnistkit.dataset import Batch, Dataset
from mnistkit.digest import SplitDigest
from mnistkit.engine.plan import Plan
from mnistkit.errors import DestinationError, MnistkitError, PluginError
from mnistkit.parallel import Lane, read_ahead
from mnistkit.plugin import Part, Writer, Written
from mnistkit.progress import Meter, Progress, no_progress


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of writing: the digests of all splits, and what the writer says it did."""

    digests: dict[str, SplitDigest]
    written: tuple[Written, ...]

    @property
    def lost(self) -> tuple[str, ...]:
        """What turned out to be lost while writing."""
        return tuple(dict.fromkeys(sentence for w in self.written for sentence in w.lost))


def write_parts(plan: Plan, writer: Writer, dataset: Dataset, folder: Path, progress: Progress) -> Outcome:
    """Write all parts of a plan into a folder, each batch read once.

    Raises:
        MnistkitError: Whatever reader, writer or disk refuse.
    """
    digests = {split.name: SplitDigest(split) for split in plan.info.splits}
    meter = Meter("write", sum(len(split) for split in dataset.splits.values()), progress)
    written = []
    for part in plan.parts:
        lane = Lane()
        try:
            with closing(_stream(part, dataset, digests, lane, meter)) as batches:
                written.append(_write_part(writer, folder, part, batches, plan))
        finally:
            lane.close()
    with _plugin_border(plan):
        written.append(writer.finish(folder, plan.info, written))
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
        with closing(read_ahead(dataset[split.name].batches())) as batches:
            for batch in batches:
                lane.submit(lambda digest=digest, batch=batch: digest.update(batch))  # type: ignore[misc]  # mypy cannot type the defaults
                yield batch
                meter.add(len(batch))


def _write_part(writer: Writer, folder: Path, part: Part, batches: Iterator[Batch], plan: Plan) -> Written:
    with _plugin_border(plan):
        written = writer.write(folder, part, batches)
    if next(batches, None) is not None or written.rows != part.rows:
        raise PluginError(
            f"format {plan.card.name!r}", f"part {part.stem!r} is not whole",
            expected=f"{part.rows:,} images", found=f"{written.rows:,}",
        )  # fmt: skip
    return written


class _plugin_border:  # noqa: N801 - used like a function, as contextlib's own are
    """Turns whatever a plugin raises into one line that names it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, MnistkitError) or not isinstance(error, Exception):
            return
        if isinstance(error, OSError):
            todo = "free some space" if error.errno == errno.ENOSPC else None
            raise DestinationError(
                self._plan.out, "cannot be written", found=error.strerror or str(error), todo=todo
            ) from error
        raise PluginError(
            f"format {self._plan.card.name!r}",
            "failed while writing",
            found=f"{type(error).__name__}: {error}",
        ) from error
