"""What goes into a format comes out again, any rows of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mnistkit.api import export, verify
from mnistkit.contract.datasets import failing_dataset
from mnistkit.contract.faults import Fault, expect
from mnistkit.contract.subject import Subject
from mnistkit.dataset import Batch, Dataset
from mnistkit.errors import DataError


def comes_back(subject: Subject, folder: Path) -> None:
    """A small dataset is exported, read back, and the same.

    Raises:
        Fault: It is not the same.
        MnistkitError: It cannot be exported or read.
    """
    dataset, out = subject.drawn(), folder / "export"
    export(dataset, subject.format, out, workers=2, verify=True, **subject.options)
    verification = verify(out, dataset)
    expect(verification, "; ".join(verification.problems))


def gives_any_rows(subject: Subject, folder: Path) -> None:
    """Any slice of a split is what the same slice of the source is.

    Raises:
        Fault: A slice has other images or labels.
    """
    dataset, generator = subject.drawn(130, 10), np.random.default_rng(0)
    subject.write(dataset, folder)
    found = subject.reread(dataset, folder)
    for _ in range(12):
        start, stop = sorted(map(int, generator.integers(0, 131, 2)))
        a, b = (side["train"][start:stop].load() for side in (found, dataset))
        expect(np.array_equal(a.images, b.images), f"other pixels in rows {start} to {stop}")
        expect(_same_labels(a, b), f"other labels in rows {start} to {stop}")


def _same_labels(a: Batch, b: Batch) -> bool:
    if a.labels is None or b.labels is None:
        return a.labels is b.labels
    return np.array_equal(a.labels, b.labels)


def leaves_nothing_of_a_failure(subject: Subject, folder: Path) -> None:
    """An export whose source fails halfway says so, and leaves nothing.

    Raises:
        Fault: It ends well, says something else, or leaves something.
    """
    dataset = failing_dataset(subject.drawn(4 * subject.rows, 10), after=2 * subject.rows)
    _export_failing(subject, dataset, folder / "export")
    left = sorted(path.name for path in folder.iterdir())
    expect(not left, f"an export that failed left {', '.join(left)}")


def _export_failing(subject: Subject, dataset: Dataset, out: Path) -> None:
    try:
        export(dataset, subject.format, out, workers=2, **subject.options)
    except DataError as error:
        expect(error.what == "fails on purpose", f"the source's own error became: {error}")
    else:
        raise Fault("a source that failed halfway was exported as if it were whole")
