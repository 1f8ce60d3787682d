"""Prints what each entrance of ML.NET costs with MNIST, as a Markdown table.

::

    PYTHONPATH=tests python -m mlnet.table ML_NET MNIST

``ML_NET`` is the folder that ``setup.py`` made, ``MNIST`` one with the published files.
Sizes are of train and test together, exports of both and with all CPUs, passes over the 60,000 of train.
Times are medians, of three exports and of five passes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from mlnet.entrances import ENTRANCES, Entrance, export, visit

EXPORTS = 3
PASSES = 5
#: What lies beside the data.
COMPANIONS = (".cs", ".csproj", ".md", ".json", ".sha256")


def main(arguments: Sequence[str]) -> None:
    """Measure every entrance, one after the other, and print a row for each."""
    home, source = map(Path, arguments)
    print("| entrance | opened with | size | export | one pass | accuracy |")
    print("|---|---|---|---|---|---|")
    for entrance in ENTRANCES:
        print(f"| {' | '.join(row(entrance, source, home))} |", flush=True)


def row(entrance: Entrance, source: Path, home: Path) -> list[str]:
    """Return the cells of one entrance's row."""
    with TemporaryDirectory() as scratch:
        folders = [Path(scratch, str(i)) for i in range(EXPORTS)]
        exported = median(export(entrance, source, folder) for folder in folders)
        size = sum(file.stat().st_size for file in folders[0].rglob("*") if is_data(file))
        answer = visit(entrance, folders[0], home, passes=PASSES)
    passed = median(answer["views"]["train"]["pass_seconds"])
    accuracy = f"{answer['accuracy']:.4f}" if "accuracy" in answer else ""
    times = (f"{seconds:.2f} s" for seconds in (exported, passed))
    return [entrance.name, f"`{entrance.opened}`", f"{size / 1e6:.1f} MB", *times, accuracy]


def is_data(file: Path) -> bool:
    """Whether a file of an export holds data, rather than words about it."""
    return file.is_file() and file.suffix not in COMPANIONS


if __name__ == "__main__":
    main(sys.argv[1:])
