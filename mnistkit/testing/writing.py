"""What the writer of every format keeps."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mnistkit.dataset import Array, Batch
from mnistkit.plugin import Part
from mnistkit.registry import load_format
from mnistkit.testing.base import Contract
from mnistkit.testing.datasets import drawn_dataset, parts_of, write_dataset
from mnistkit.testing.watching import (
    BATCHES,
    Watch,
    assert_flat,
    files_below,
    lengths,
    no_file_left_open,
)

#: How many batches a writer may hold besides one for each worker.
_A_HANDFUL = 16


class WritingContract(Contract):
    """A writer writes the same bytes on any number of workers, and keeps nothing."""

    def test_bytes_do_not_depend_on_workers(self, tmp_path: Path) -> None:
        """One, two and five workers write the same files, byte for byte."""
        self._need("writer")
        dataset, trees = drawn_dataset(8 * self._rows + 5, 130), list[dict[Path, bytes]]()
        for workers in (1, 2, 5, 1):
            folder = tmp_path / str(len(trees))
            folder.mkdir()
            self._write(dataset, folder, workers=workers)
            trees.append({path.relative_to(folder): path.read_bytes() for path in files_below(folder)})

        assert trees[0], "no files"
        for other in trees[1:]:
            assert list(other) == list(trees[0])
            assert [n for n in other if other[n] != trees[0][n]] == [], "files that differ"

    def test_a_writer_names_what_it_wrote(self, tmp_path: Path) -> None:
        """Every file is named by the writer, and every image counted, once."""
        self._need("writer")

        written = write_dataset(load_format(self.format), drawn_dataset(), tmp_path, **self.options)

        named = [name for each in written for name in each.files]
        files = [f for name in named for f in files_below(tmp_path / name)]
        assert sorted(files) == files_below(tmp_path), "files written and files named"
        assert sum(each.rows for each in written) == 40

    def test_a_writer_can_be_pickled(self, tmp_path: Path) -> None:
        """A writer writes on in another process."""
        self._need("writer")
        dataset = drawn_dataset()
        writer = pickle.loads(pickle.dumps(self._writer()))  # noqa: S301 - what we pickled ourselves

        written = [writer.write(tmp_path, *part) for part in parts_of(self._card(), dataset)]

        assert sum(each.rows for each in written) == 40

    def test_writing_keeps_no_batches(self, tmp_path: Path) -> None:
        """A writer holds no more than a handful of batches, however many there are."""
        self._need("writer")
        part, batches = self._part(BATCHES * self._rows, workers := 2)
        watch = Watch()

        self._writer().write(tmp_path, part, watch.over(batches))

        assert watch.most <= workers + _A_HANDFUL, f"{watch.most} of {BATCHES} batches were held at once"

    def test_writing_keeps_no_copies(self, tmp_path: Path) -> None:
        """Writing more images takes no more memory."""
        self._need("writer")
        parts = {rows: self._part(rows) for rows in lengths(self._rows)}

        def write(rows: int) -> None:
            folder = tmp_path / str(rows)
            folder.mkdir()
            self._writer().write(folder, *parts[rows])

        assert_flat(write, self._rows)

    def test_batches_are_not_written_to(self, tmp_path: Path) -> None:
        """A writer leaves the arrays that it is given as they are."""
        self._need("writer")
        part, batches = self._part(3 * self._rows)
        given = list(batches)

        self._writer().write(tmp_path, part, iter(given))

        for batch, untouched in zip(given, self._part(3 * self._rows)[1], strict=True):
            assert np.array_equal(batch.images, untouched.images), "images were written to"
            assert np.array_equal(_labels(batch), _labels(untouched)), "labels were written to"

    @pytest.mark.parametrize("workers", [1, 3])
    def test_a_failing_source_is_passed_on(self, tmp_path: Path, workers: int) -> None:
        """What the source raises comes out of the writer, which leaves no file open."""
        self._need("writer")
        part, batches = self._part(10 * self._rows, workers)

        def failing() -> Iterator[Batch]:
            yield next(batches)
            yield next(batches)
            raise _SourceError

        with no_file_left_open(tmp_path), pytest.raises(_SourceError):
            self._writer().write(tmp_path, part, failing())

    def _part(self, rows: int, workers: int = 1) -> tuple[Part, Iterator[Batch]]:
        """Return a part of so many images, and its batches: writable arrays that nobody else holds."""
        dataset = drawn_dataset(rows, 0).select(["train"])
        ((part, _),) = parts_of(self._card(), dataset, workers=workers)
        return part, map(_copy, dataset["train"].batches(self._rows))


def _copy(batch: Batch) -> Batch:
    return Batch(batch.images.copy(), _labels(batch).copy(), batch.start)


def _labels(batch: Batch) -> Array:
    assert batch.labels is not None
    return batch.labels


class _SourceError(Exception):
    """What the source of a test raises."""
