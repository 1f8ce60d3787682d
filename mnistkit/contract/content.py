"""What goes into a format comes out again, any rows of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mnistkit.api import export, verify
from mnistkit.contract.datasets import failing_dataset
from mnistkit.contract.faults import Fault, expect
from mnistkit.contract.subject import Subject
from mnistkit.dataset import Batch, Dataset, Split
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
    """Any slice of a split is what the same slice of the source is, loaded at once or batch by batch.

    Raises:
        Fault: A slice has other images, labels or columns.
    """
    dataset, generator = subject.drawn_with_columns(130, 10), np.random.default_rng(0)
    subject.write(dataset, folder)
    found, expected = subject.reread(dataset, folder)["train"], dataset["train"].load()
    for _ in range(12):
        start, stop = sorted(map(int, generator.integers(0, 131, 2)))
        expect_split(found[start:stop], expected[start:stop], f"in rows {start} to {stop}")


def expect_split(found: Split, expected: Batch, where: str) -> None:
    """Expect a split to have some rows, loaded at once and batch by batch.

    Raises:
        Fault: It has others.
    """
    expect_rows(found.load(), expected, f"{where}, loaded at once")
    position = 0
    for batch in found.batches(7):
        rows = slice(position, position + len(batch))
        expect_rows(batch, expected[rows], f"{where}, read in batches")
        position += len(batch)


def expect_rows(found: Batch, expected: Batch, where: str) -> None:
    """Expect the same images, labels and values of columns, whose names need not have come back.

    Raises:
        Fault: They differ.
    """
    expect(np.array_equal(found.images, expected.images), f"other pixels {where}")
    expect(_same_labels(found, expected), f"other labels {where}")
    expect(len(found.extra) == len(expected.extra), f"columns {', '.join(found.extra) or 'missing'} {where}")
    for (name, values), column in zip(expected.extra.items(), found.extra.values(), strict=True):
        same = np.array_equal(found.extra.get(name, column), values)
        expect(same, f"other values in column {name!r} {where}")


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
