"""A writer writes the same bytes on any number of workers, names them all, and keeps nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from types import NoneType
from typing import Any, TypeAlias, get_args

from mnistkit.contract.clocks import put_forward
from mnistkit.contract.datasets import parts_of
from mnistkit.contract.faults import expect
from mnistkit.contract.subject import Subject
from mnistkit.contract.watching import BATCHES, Watch, files_below
from mnistkit.dataset import Batch
from mnistkit.errors import CapabilityError, UsageError
from mnistkit.options import Option
from mnistkit.plugin import Part

#: The bytes of files by their names.
_Tree: TypeAlias = dict[Path, bytes]

#: How many batches a writer may hold besides one for each worker.
_A_HANDFUL = 16


def writes_the_same_bytes(subject: Subject, folder: Path, workers: tuple[int, ...] = (1, 2)) -> None:
    """Any number of workers writes the same files, byte for byte.

    Raises:
        Fault: A file differs, or there is none.
    """
    dataset, trees = subject.drawn(8 * subject.rows + 5, 130), list[_Tree]()
    for count in workers:
        place = folder / str(len(trees))
        place.mkdir()
        subject.write_in_batches(dataset, place, subject.rows, workers=count)
        trees.append(_tree_of(place))
    expect(trees[0], "no files")
    for tree in trees[1:]:
        expect(list(tree) == list(trees[0]), f"{len(tree)} files, not {len(trees[0])}, or other names")
        differing = [str(name) for name in tree if tree[name] != trees[0][name]]
        expect(not differing, f"files that differ with the number of workers: {', '.join(differing)}")


def writes_the_same_bytes_later(subject: Subject, folder: Path) -> None:
    """The same dataset makes the same files in another second, day and year.

    Raises:
        Fault: A file differs.
    """
    trees = []
    for place, clocks in ((folder / "now", nullcontext()), (folder / "later", put_forward())):
        place.mkdir()
        with clocks:
            subject.write(subject.drawn_with_columns(30, 10), place)
        trees.append(_tree_of(place))
    now, later = trees
    differing = sorted(str(name) for name in now.keys() | later.keys() if now.get(name) != later.get(name))
    expect(not differing, f"files that tell when they were written: {', '.join(differing)}")


def names_what_it_wrote(subject: Subject, folder: Path) -> None:
    """Every file is named by the writer, and every image counted, once.

    Raises:
        Fault: One is not.
    """
    written = subject.write(subject.drawn(), folder)
    named = [name for each in written for name in each.files]
    files = [f for name in named for f in files_below(folder / name)]
    expect(sorted(files) == files_below(folder), f"files written and files named differ: {', '.join(named)}")
    rows = sum(each.rows for each in written)
    expect(rows == 40, f"{rows} images counted, not 40")


def heeds_an_option(subject: Subject, option: Option, folder: Path) -> None:
    """An option that chooses among values writes other files for one of them, as far as none is refused.

    Args:
        subject: The format.
        option: One of its write options.
        folder: A folder in which each value gets one.

    Raises:
        Fault: All values write the same.
    """
    dataset, trees = subject.drawn_with_columns(30, 10, class_names=tuple("abcdefghij")), list[_Tree]()
    for number, value in enumerate(_choices_of(option)):
        place = folder / f"{option.name}-{number}"
        place.mkdir()
        with suppress(CapabilityError, UsageError):
            subject.write(dataset, place, **{option.name: value})
            trees.append(_tree_of(place))
    heeded = not trees[1:] or any(tree != trees[0] for tree in trees[1:])
    expect(
        heeded,
        f"option {option.name!r} changes no byte of what is written; heed it, or name it in without_effect",
    )


def _choices_of(option: Option) -> tuple[Any, ...]:
    kinds = (option.type, *get_args(option.type))
    return (
        *option.choices,
        *((True, False) if bool in kinds else ()),
        *((None,) if NoneType in kinds else ()),
    )


def _tree_of(folder: Path) -> _Tree:
    return {path.relative_to(folder): path.read_bytes() for path in files_below(folder)}


def holds_few_batches(subject: Subject, folder: Path) -> None:
    """A writer holds no more than a handful of batches, however many there are.

    Raises:
        Fault: It holds more.
    """
    part, batches = part_of(subject, BATCHES * subject.rows, workers=2)
    watch = Watch()
    subject.writer().write(folder, part, watch.over(batches))
    most = part.workers + _A_HANDFUL
    expect(watch.most <= most, f"{watch.most} of {BATCHES} batches were held at once")


def part_of(subject: Subject, rows: int, workers: int = 1, **more: Any) -> tuple[Part, Iterator[Batch]]:
    """Return a part of so many images, and its batches: writable arrays that nobody else holds."""
    dataset = subject.drawn_with_columns(rows, 0, **more).select(["train"])
    ((part, _),) = parts_of(subject.card, dataset, workers=workers)
    return part, map(_copy, dataset["train"].batches(subject.rows))


def _copy(batch: Batch) -> Batch:
    labels = None if batch.labels is None else batch.labels.copy()
    columns = {name: column.copy() for name, column in batch.extra.items()}
    return Batch(batch.images.copy(), labels, batch.start, columns)
