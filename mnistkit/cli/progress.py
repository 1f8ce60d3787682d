"""The progress bar: on a terminal alone, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mnistkit.printable import printable
from mnistkit.progress import Progress, no_progress


@contextmanager
def progress_bar(*, shown: bool) -> Iterator[Progress]:
    """Return what to call with progress; it draws only if stderr is a terminal.

    What is fetched is counted in bytes, all else in images.
    """
    if not shown or not sys.stderr.isatty():
        yield no_progress
        return

    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),  # a name may look like markup: [red]
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def update(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(printable(what), total=total, rate="")
            speed = bar.tasks[tasks[what]].speed
            bar.update(tasks[what], completed=done, rate=_rate(what, speed) if speed else "")

        yield update


def _rate(what: str, speed: float) -> str:
    return f"{speed / 1e6:,.1f} MB/s" if what.startswith("fetch") else f"{speed:,.0f} images/s"
