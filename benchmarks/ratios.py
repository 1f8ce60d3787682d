"""From samples to ratios: the median over the rounds of one pair a round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.load import DIRTY
from benchmarks.model import Job
from benchmarks.racing import Record, Sample

_MIB = 1 << 20


@dataclass(frozen=True)
class Comparison:
    """Ours beside another side.

    Attributes:
        record: The other side and its samples.
        value: Median of the pair ratios, or MiB for ``memory``; None where there is nothing to compare.
        least: Smallest of the pairs.
        greatest: Greatest of the pairs.
        pairs: How many rounds both ran in.
        dirty: In how many of them something else kept the machine busy.
        size: Our bytes / its bytes, where both wrote files.
        met: Whether the goals are met; None where there is no goal or no figure.
    """

    record: Record
    value: float | None = None
    least: float | None = None
    greatest: float | None = None
    pairs: int = 0
    dirty: int = 0
    size: float | None = None
    met: bool | None = None


@dataclass(frozen=True)
class Result:
    """A job and what came of it."""

    job: Job
    ours: Record
    comparisons: tuple[Comparison, ...]


def conclude(job: Job, records: Sequence[Record]) -> Result:
    """Compare the first record, ours, with each of the others."""
    ours, *others = records
    return Result(job, ours, tuple(compare(ours, other) for other in others))


def compare(ours: Record, other: Record) -> Comparison:
    """Compare round by round; the figures of a side in trouble do not count."""
    if ours.trouble or other.trouble:
        return Comparison(other)
    mine, theirs = ({s.round: s for s in record.samples} for record in (ours, other))
    both = sorted(mine.keys() & theirs.keys())
    values = [_value(other.side.role, mine[n], theirs[n]) for n in both]
    known = [value for value in values if value is not None]
    if not known:
        return Comparison(other)
    value, size = median(known), _relative_size(ours, other)
    dirty = sum(any((s.others or 0) > DIRTY for s in (mine[n], theirs[n])) for n in both)
    return Comparison(
        other, value, min(known), max(known), len(known), dirty, size, _is_met(other, value, size)
    )


def seconds(record: Record) -> float | None:
    """Return the median time of a side."""
    return median(s.seconds for s in record.samples) if record.samples else None


def peak(record: Record) -> int | None:
    """Return the greatest peak of a side, in bytes."""
    return max((s.peak for s in record.samples if s.peak is not None), default=None)


def size(record: Record) -> int | None:
    """Return how many bytes a side wrote, None for nothing."""
    return max((s.size for s in record.samples), default=0) or None


def _value(role: str, mine: Sample, theirs: Sample) -> float | None:
    if role == "limit":
        return mine.seconds / theirs.seconds
    if role == "memory":
        return None if mine.peak is None or theirs.peak is None else (mine.peak - theirs.peak) / _MIB
    return theirs.seconds / mine.seconds


def _relative_size(ours: Record, other: Record) -> float | None:
    if other.side.role not in ("peer", "limit"):
        return None
    mine, theirs = size(ours), size(other)
    return mine / theirs if mine and theirs else None


def _is_met(other: Record, value: float, size: float | None) -> bool | None:
    """Hold a comparison against its goals, of time and of size."""
    side, verdicts = other.side, []
    if side.goal is not None:
        verdicts.append(value >= side.goal if side.role == "peer" else value <= side.goal)
    if side.size_at_most is not None:
        verdicts.append(size is not None and size <= side.size_at_most)
    return all(verdicts) if verdicts else None
