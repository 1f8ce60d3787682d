"""Draws the ratios beside their goals: peers to beat above, limits to come near below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.model import Role
from benchmarks.ratios import Comparison, Result

_MET, _MISSED, _NO_GOAL = "#2a7f62", "#c8553d", "#8d99ae"
_LEGEND = "green: goal met; red: missed; grey: no goal.  Tick: the goal; line: the range of the pairs"
_PANELS: tuple[tuple[Role, str], ...] = (
    ("peer", "Times as fast as a peer"),
    ("limit", "Times as long as the limit"),
)


def draw(results: Sequence[Result], path: Path) -> bool:
    """Draw a picture of all ratios; return whether there was anything to draw, and with what to draw it."""
    try:
        import matplotlib as mpl
    except ImportError:
        return False
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "mnistkit"  # otherwise the same figures make different files
    panels = [(title, _bars(results, role)) for role, title in _PANELS]
    if not any(bars for _, bars in panels):
        return False
    _draw_panels(panels, path)
    return True


def _bars(results: Sequence[Result], role: Role) -> list[tuple[str, Comparison]]:
    """Return (label, comparison) for each ratio of a role, from the bottom up."""
    found = [
        (f"{result.job.name}: {comparison.record.side.name}", comparison)
        for result in results
        for comparison in result.comparisons
        if comparison.record.side.role == role and comparison.value is not None
    ]
    return found[::-1]


def _draw_panels(panels: Sequence[tuple[str, list[tuple[str, Comparison]]]], path: Path) -> None:
    from matplotlib import pyplot as plt

    heights = [max(1, len(bars)) for _, bars in panels]
    figure, axes = plt.subplots(
        len(panels), figsize=(10, 2 + 0.22 * sum(heights)), height_ratios=heights, layout="constrained"
    )
    figure.suptitle(_LEGEND, fontsize=8)
    for axis, (title, bars) in zip(axes, panels, strict=True):
        _draw_panel(axis, title, bars)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def _draw_panel(axis: Any, title: str, bars: list[tuple[str, Comparison]]) -> None:
    """Draw a bar for each ratio, its range as a line, and its goal as a tick."""
    axis.set_title(title, loc="left", fontweight="bold")
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.axvline(1, color="black", linewidth=0.8)
    axis.spines[["top", "right"]].set_visible(False)
    for place, (_, comparison) in enumerate(bars):
        _draw_bar(axis, place, comparison)
    axis.set_yticks(range(len(bars)), [label for label, _ in bars], fontsize=8)
    axis.set_ylim(-0.7, len(bars) - 0.3)


def _draw_bar(axis: Any, place: int, comparison: Comparison) -> None:
    colour = {True: _MET, False: _MISSED, None: _NO_GOAL}[comparison.met]
    value, goal = comparison.value or 1.0, comparison.record.side.goal
    axis.barh(place, value - 1, left=1, color=colour, height=0.6)
    axis.plot([comparison.least, comparison.greatest], [place, place], color="black", linewidth=0.6)
    if goal is not None:
        axis.plot([goal, goal], [place - 0.4, place + 0.4], color="black", linewidth=2)
    furthest = max(value, comparison.greatest or 1, goal or 1)
    axis.annotate(f"  {value:.3g}", (furthest, place), va="center", fontsize=8)
