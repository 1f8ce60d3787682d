"""Sees what readers and writers hold on to: batches, memory, open files."""

from __future__ import annotations

import gc
import os
import tracemalloc
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mnistkit.contract.faults import expect
from mnistkit.dataset import Array, Batch

#: A source long enough to tell who keeps it, in batches.
BATCHES = 100

#: Images of 28x28 in such a batch; fewer where each is a file of its own.
ROWS, FEW_ROWS = 64, 8


class Watch:
    """Counts the batches of which somebody holds images, labels or a column."""

    def __init__(self) -> None:
        self.most = 0
        self._batches: list[list[weakref.ref[Array]]] = []

    def over(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Pass the batches on."""
        for batch in batches:
            self._batches.append([weakref.ref(array) for array in arrays_of(batch).values()])
            self.most = max(self.most, sum(map(_is_held, self._batches)))
            yield batch
            del batch


def arrays_of(batch: Batch) -> dict[str, Array]:
    """Return the images of a batch, its labels if there are any, and its columns, each with what it is."""
    labels = {} if batch.labels is None else {"labels": batch.labels}
    return {
        "images": batch.images,
        **labels,
        **{f"column {n!r}": column for n, column in batch.extra.items()},
    }


def _is_held(arrays: list[weakref.ref[Array]]) -> bool:
    return any(array() is not None for array in arrays)


def lengths(rows: int) -> tuple[int, int, int, int]:
    """Return how many images to work on: a batch to fill caches, a third, all, and thrice all."""
    return rows, BATCHES // 3 * rows, BATCHES * rows, 3 * BATCHES * rows


def assert_flat(work: Callable[[int], None], rows: int, image_bytes: int) -> None:
    """Expect that working on all batches of ``rows`` images takes no more memory than on a third.

    A quarter of the pixels between is allowed for.  What reads ahead or fills a group of rows first may
    need more images to reach its most: then three times as many must take no more than all.

    Raises:
        Fault: It takes more.
    """
    batch, third, whole, thrice = lengths(rows)
    _peak(work, batch)
    few, many, more = _peak(work, third), _peak(work, whole), whole - third
    if many - few >= more * image_bytes // 4:
        few, many, more = many, _peak(work, thrice), thrice - whole
    expect(
        many - few < more * image_bytes // 4,
        f"the peak grew from {few:,} to {many:,} bytes for {more:,} more images of {image_bytes:,} bytes;"
        f" allowed: {more * image_bytes // 4:,} bytes more",
    )


def _peak(work: Callable[[int], None], rows: int) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        work(rows)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@contextmanager
def no_file_left_open(folder: Path) -> Iterator[None]:
    """Expect a block to close all files below a folder itself, not by way of the garbage collector.

    Raises:
        Fault: It leaves one open.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        yield
        left = _open_below(folder)
        gc.collect()
    left += [str(warning.message) for warning in caught if issubclass(warning.category, ResourceWarning)]
    expect(not left, f"left open: {', '.join(left)}")


def files_below(path: Path) -> list[Path]:
    """List the files in a folder and all below it, sorted; a file is its own list."""
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def _open_below(folder: Path) -> list[str]:
    """List the open files below a folder, on systems that tell."""
    descriptors = Path("/proc/self/fd")
    targets = []
    for descriptor in list(descriptors.iterdir()) if descriptors.is_dir() else []:
        try:
            targets.append(str(descriptor.readlink()))
        except FileNotFoundError:  # the descriptor of this very listing
            continue
    return [target for target in targets if target.startswith(f"{folder}{os.sep}")]
