"""What the writer of every format keeps."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mnistkit.contract import content, writing
from mnistkit.contract.datasets import fitting_dtype, parts_of
from mnistkit.contract.faults import expect
from mnistkit.contract.watching import arrays_of, assert_flat, lengths, no_file_left_open
from mnistkit.contract.writing import part_of
from mnistkit.dataset import Array, Batch
from mnistkit.options import options_of
from mnistkit.registry import load_format
from mnistkit.testing.base import Contract


class WritingContract(Contract):
    """A writer writes the same bytes on any number of workers, and keeps nothing."""

    def test_bytes_do_not_depend_on_workers(self, tmp_path: Path) -> None:
        """One, two and five workers write the same files, byte for byte."""
        self._need("writer")
        writing.writes_the_same_bytes(self.subject, tmp_path, workers=(1, 2, 5, 1))

    def test_bytes_do_not_depend_on_the_time(self, tmp_path: Path) -> None:
        """The same dataset makes the same files in another second, day and year."""
        self._need("writer")
        writing.writes_the_same_bytes_later(self.subject, tmp_path)

    def test_a_writer_names_what_it_wrote(self, tmp_path: Path) -> None:
        """Every file is named by the writer, and every image counted, once."""
        self._need("writer")
        writing.names_what_it_wrote(self.subject, tmp_path)

    def test_a_writer_can_be_pickled(self, tmp_path: Path) -> None:
        """A writer writes on in another process."""
        self._need("writer")
        dataset = self.subject.drawn()
        writer = pickle.loads(pickle.dumps(self.subject.writer()))  # noqa: S301 - what we pickled ourselves

        written = [writer.write(tmp_path, *part) for part in parts_of(self.subject.card, dataset)]

        assert sum(each.rows for each in written) == 40

    def test_writing_keeps_no_batches(self, tmp_path: Path) -> None:
        """A writer holds no more than a handful of batches, however many there are."""
        self._need("writer")
        writing.holds_few_batches(self.subject, tmp_path)

    def test_writing_keeps_no_copies(self, tmp_path: Path) -> None:
        """Writing more images takes no more memory."""
        self._need("writer")
        subject = self.subject
        parts = {rows: part_of(subject, rows) for rows in lengths(subject.rows)}

        def write(rows: int) -> None:
            folder = tmp_path / str(rows)
            folder.mkdir()
            subject.writer().write(folder, *parts[rows])

        assert_flat(write, subject.rows, subject.image_bytes)

    def test_every_option_changes_something(self, tmp_path: Path) -> None:
        """Each write option that chooses has a value that writes other bytes, unless it is without_effect."""
        self._need("writer")
        options = load_format(self.format).write_options
        for option in options_of(options):
            if option.name not in self.without_effect:
                writing.heeds_an_option(self.subject, option, tmp_path)

    def test_batches_are_not_written_to(self, tmp_path: Path) -> None:
        """A writer leaves the arrays that it is given as they are, also where numbers have many bytes."""
        self._need("writer")
        subject = self.subject
        for dtype, classes in ((fitting_dtype(subject.card), 10), (subject.widest_dtype, 300)):
            folder = tmp_path / f"{dtype}-{classes}"
            folder.mkdir()
            part, batches = part_of(subject, 3 * subject.rows, dtype=dtype, classes=classes)
            given = list(batches)

            subject.writer().write(folder, part, iter(given))

            _, untouched = part_of(subject, 3 * subject.rows, dtype=dtype, classes=classes)
            for batch, same in zip(given, untouched, strict=True):
                _expect_untouched(arrays_of(batch), arrays_of(same))

    @pytest.mark.parametrize("workers", [1, 3])
    def test_a_failing_source_is_passed_on(self, tmp_path: Path, workers: int) -> None:
        """What the source raises comes out of the writer, which leaves no file open."""
        self._need("writer")
        part, batches = part_of(self.subject, 10 * self.subject.rows, workers)

        def failing() -> Iterator[Batch]:
            yield next(batches)
            yield next(batches)
            raise _SourceError

        with no_file_left_open(tmp_path), pytest.raises(_SourceError):
            self.subject.writer().write(tmp_path, part, failing())

    def test_a_failing_source_leaves_nothing(self, tmp_path: Path) -> None:
        """An export whose source fails halfway says so, and leaves nothing."""
        self._need("writer")
        content.leaves_nothing_of_a_failure(self.subject, tmp_path)


def _expect_untouched(given: Mapping[str, Array], same: Mapping[str, Array]) -> None:
    for name, array in given.items():
        expect(array.tobytes() == same[name].tobytes(), f"{name} of {array.dtype} were written to")


class _SourceError(Exception):
    """What the source of a test raises."""
