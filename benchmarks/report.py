"""Writes results down: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.racing import Record
from benchmarks.ratios import Comparison, Result, peak, seconds, size

_HEAD = (
    "job", "ours and the other", "against", "value", "range", "goal", "verdict",
    "ours", "other", "peak ours", "peak other", "bytes ours / other", "rounds", "dirty",
)  # fmt: skip

_READING = """\
Values: for a peer its time / ours (higher is better), for a limit our time / its time (lower is better),
for a part its time / that of the whole, for memory our peak less the base's.
Each is the median of the ratios of runs in the same round; the range is that of the pairs.
Times are medians, for orientation alone.
Peaks are of the whole process for commands, and above what was held before the first call for calls.
Sides that take more than 3 s run in 3 rounds.
A round is dirty if something else took more than a quarter of a CPU meanwhile.
"""


def markdown(results: Sequence[Result], facts: Mapping[str, Any]) -> str:
    """Return the report: facts, a table, and what did not run."""
    parts = [
        "# Benchmarks\n",
        "".join(f"- {name}: {_fact(fact)}\n" for name, fact in facts.items()),
        _READING,
        table(results),
        *_section("Left out", left_out(results)),
        *_section("Notes", _notes(results)),
    ]
    return "\n".join(parts)


def table(results: Sequence[Result]) -> str:
    """Return a Markdown table with a line for each comparison."""
    lines = [_HEAD, tuple("---" for _ in _HEAD)]
    lines += [cells for result in results for cells in _rows(result)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def left_out(results: Sequence[Result]) -> list[str]:
    """Name each side without figures, and say why; missing peers among them."""
    return [
        f"{result.job.name}, {record.side.name}: {record.trouble}"
        for result in results
        for record in (result.ours, *(c.record for c in result.comparisons))
        if record.trouble
    ]


def as_json(results: Sequence[Result], facts: Mapping[str, Any]) -> str:
    """Return all samples and everything made of them."""
    return json.dumps({**facts, "jobs": [_job(result) for result in results]}, indent=2) + "\n"


def goal_text(comparison: Comparison) -> str:
    """Return the goals of time or memory, and of size."""
    side, goals = comparison.record.side, []
    if side.goal is not None:
        unit = {"memory": " MiB"}.get(side.role, " ×")
        goals.append(f"{'≥' if side.role == 'peer' else '≤'} {side.goal:g}{unit}")
    if side.size_at_most is not None:
        goals.append(f"bytes ≤ {side.size_at_most:g} ×")
    return ", ".join(goals)


def verdict(comparison: Comparison, ours: Record) -> str:
    """Return whether the goals are met, or why that cannot be told."""
    trouble = ours.trouble or comparison.record.trouble
    if trouble:
        return trouble.partition(":")[0]
    return {None: "", True: "met", False: "**missed**"}[comparison.met]


def _rows(result: Result) -> Iterator[tuple[str, ...]]:
    ours = result.ours
    for comparison in result.comparisons:
        other = comparison.record
        yield (
            result.job.name,
            f"{result.job.title}: {other.side.name}",
            other.side.role,
            *_values(comparison),
            goal_text(comparison),
            verdict(comparison, ours),
            _milliseconds(ours),
            _milliseconds(other),
            _mebibytes(peak(ours)),
            _mebibytes(peak(other)),
            _sizes(ours, other, comparison),
            str(comparison.pairs),
            str(comparison.dirty),
        )


def _values(comparison: Comparison) -> tuple[str, str]:
    if comparison.value is None:
        return "–", "–"
    unit = " MiB" if comparison.record.side.role == "memory" else " ×"
    return f"{comparison.value:.3g}{unit}", f"{comparison.least:.3g}–{comparison.greatest:.3g}"


def _milliseconds(record: Record) -> str:
    median = seconds(record)
    return "–" if median is None else f"{median * 1000:.3g} ms" if median < 1 else f"{median:.3g} s"


def _mebibytes(count: int | None) -> str:
    return "–" if count is None else f"{count / 2**20:.1f} MiB"


def _sizes(ours: Record, other: Record, comparison: Comparison) -> str:
    if comparison.size is None:
        return "–"
    return f"{size(ours):,} / {size(other):,} = {comparison.size:.3f}"


def _notes(results: Sequence[Result]) -> list[str]:
    return [
        f"{result.job.name}, {comparison.record.side.name}: {comparison.record.side.note}"
        for result in results
        for comparison in result.comparisons
        if comparison.record.side.note
    ]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}\n", "".join(f"- {line}\n" for line in lines)] if lines else []


def _fact(fact: Any) -> str:
    return ", ".join(f"{k} {v}" for k, v in fact.items()) if isinstance(fact, Mapping) else str(fact)


def _job(result: Result) -> dict[str, Any]:
    return {
        "name": result.job.name,
        "title": result.job.title,
        "ours": _side(result.ours),
        "others": [
            {
                **_side(c.record),
                **{key: getattr(c, key) for key in ("value", "least", "greatest", "pairs", "dirty", "met")},
                "goal": c.record.side.goal,
                "size": c.size,
                "size_at_most": c.record.side.size_at_most,
            }
            for c in result.comparisons
        ],
    }


def _side(record: Record) -> dict[str, Any]:
    return {
        "name": record.side.name,
        "role": record.side.role,
        "note": record.side.note,
        "trouble": record.trouble,
        "seconds": seconds(record),
        "peak": peak(record),
        "samples": [asdict(sample) for sample in record.samples],
    }
