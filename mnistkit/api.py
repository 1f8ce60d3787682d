"""The verbs of the library: what the command line calls, and what a program may call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnistkit import catalog
from mnistkit.checksums import changed_files, sha256_of
from mnistkit.clock import Clock
from mnistkit.consumers import check_options, check_splits, wanted
from mnistkit.dataset import Array, Dataset
from mnistkit.digest import dataset_digest
from mnistkit.engine.export import run_export
from mnistkit.engine.run import digest_of
from mnistkit.engine.scratch import finish_swap
from mnistkit.errors import DataError, MnistkitError, UsageError
from mnistkit.naming import CHECKSUMS, RECEIPT, file_stem
from mnistkit.options import build
from mnistkit.parallel import usable_cpus
from mnistkit.progress import Progress, no_progress
from mnistkit.proof import content_differences, reopen
from mnistkit.receipt import Receipt, is_sealed, receipt_of
from mnistkit.registry import load_format
from mnistkit.resolve import open_source

if TYPE_CHECKING:
    from mnistkit.compare import Difference


@dataclass(frozen=True, slots=True)
class Verification:
    """What :func:`verify` found; true where everything is equal.

    Attributes:
        receipt: The receipt of the export.
        problems: A sentence for each file that changed and each split whose content differs.
        digest: The digest of what was read; empty where it could not be.
    """

    receipt: Receipt
    problems: tuple[str, ...]
    digest: str = ""

    def __bool__(self) -> bool:
        return not self.problems


def open(  # noqa: A001 - mnistkit.open is what it is called
    source: str | Path,
    *,
    format: str | None = None,
    read: Mapping[str, object] | None = None,
    offline: bool = False,
    raw_orientation: bool = False,
) -> Dataset:
    """Open a dataset for reading; nothing but headers is read yet, and nothing fetched.

    Args:
        source: The name of a published dataset, ``synthetic[:train=N,test=N,seed=S]``, a file, a
            folder, or ``FOLDER/PREFIX``.
        format: Its format, where the files do not tell.
        read: Read options of the format by name.
        offline: Fetch nothing: what is not in the cache is refused.
        raw_orientation: Leave images as they are stored, where that is on their side (EMNIST).

    Raises:
        DataError: Nothing there, or not what it promises to be.
        UsageError: An unknown name, format or option.
    """
    return open_source(source, format=format, read=read, offline=offline, raw_orientation=raw_orientation)


def export(
    source: str | Path | Dataset,
    to: str | None = None,
    out: str | Path | None = None,
    *,
    for_: str | None = None,
    from_: str | None = None,
    read: Mapping[str, object] | None = None,
    splits: Sequence[str] = (),
    limit: int | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    verify: bool = False,
    strict: bool = False,
    offline: bool = False,
    raw_orientation: bool = False,
    progress: Progress = no_progress,
    clock: Clock | None = None,
    **options: object,
) -> Receipt:
    """Write a dataset in another format, whole or not at all, and return the receipt.

    Args:
        source: What :func:`open` takes, or a :class:`Dataset`.
        to: The format to write; may be left out where ``for_`` is given.
        out: The folder to make; by default ``<dataset>-<format>`` in the current folder.
        for_: The consumer to write for, which picks format and options: a name in
            :data:`mnistkit.consumers.CONSUMERS`.
        from_: The source's format, where its files do not tell.
        read: Read options of the source's format by name.
        splits: The splits to export; where none is named, all that do not overlap others.
        limit: Export at most this many images of each split.
        workers: How many threads encode at once; by default as many as this process has CPUs.
        overwrite: Replace an export that is there already.
        verify: Read the export back before publishing it.
        strict: Refuse where the format would lose class names, extra columns or the width of labels.
        offline: Fetch nothing: what is not in the cache is refused.
        raw_orientation: Leave images as they are stored, where that is on their side (EMNIST).
        progress: Called with what is being done, how much is done, and how much there is.
        clock: Takes down where the time goes.
        options: Write options of the format.

    Raises:
        UsageError: An unknown format, consumer, dataset, split or option.
        DataError: The source is not what it promises to be.
        CapabilityError: The format cannot carry the content, or ``strict`` forbids a loss.
        DestinationError: The destination exists or cannot be written.
        DifferenceError: ``verify`` read something else than was written; nothing is published.
    """
    consumer = wanted(to, for_)
    check_options(for_, consumer, options)
    card = load_format(consumer.format)
    chosen: object = build(
        card.write_options, {**consumer.options, **options}, where=f"format {consumer.format!r}"
    )
    if workers is not None and (not isinstance(workers, int) or workers < 1):
        raise UsageError("workers", "bad value", expected="1 or more", found=workers)
    clock = clock or Clock()
    with clock.phase("open"):
        dataset = open_source(
            source, format=from_, read=read, offline=offline, raw_orientation=raw_orientation
        )
        dataset = dataset.select(splits, limit=limit)
    check_splits(for_, consumer, dataset.info)
    return run_export(
        dataset,
        card,
        chosen,
        Path(out) if out is not None else default_out(dataset.info.name, consumer.format),
        workers=workers or usable_cpus(),
        overwrite=overwrite,
        verify=verify,
        strict=strict,
        progress=progress,
        clock=clock,
    )


def verify(
    export: str | Path, against: str | Path | Dataset | None = None, *, progress: Progress = no_progress
) -> Verification:
    """Read an export again and hold it against its receipt, and against its source if named.

    Raises:
        DataError: No receipt, or a source that cannot be read.
    """
    folder = Path(export)
    receipt = _receipt(folder)
    problems, digest = _changed(folder, receipt), ""
    try:
        found = reopen(folder, receipt)
        digests = digest_of(found, progress)
        digest = dataset_digest({name: split.content() for name, split in digests.items()})
        problems += content_differences(receipt, digests, found.info)
        if against is not None:
            problems += [str(d) for d in diff(found, against)]
    except MnistkitError as error:
        if not problems:
            raise
        problems.append(str(error))  # the files that changed are why it cannot be read
    return Verification(receipt, tuple(problems), digest)


def diff(a: str | Path | Dataset, b: str | Path | Dataset) -> Iterator[Difference]:
    """Yield what differs between two datasets, image by image; nothing where they are equal.

    Raises:
        DataError: One of them cannot be read.
    """
    from mnistkit.compare import differences  # noqa: PLC0415 - an export compares nothing

    return differences(open_source(a), open_source(b))


def load_data(source: str | Path | Dataset) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Read a dataset whole, as ``(x_train, y_train), (x_test, y_test)``.

    Raises:
        DataError: It has not both ``train`` and ``test``, or one of them has no labels.
    """
    dataset = open_source(source)
    if not {"train", "test"} <= set(dataset.splits):
        raise DataError(
            dataset.info.name, "load_data", expected="splits train and test", found=", ".join(dataset.splits),
            todo="use mnistkit.open",
        )  # fmt: skip
    pairs = []
    for name in ("train", "test"):
        whole = dataset[name].load()
        if whole.labels is None:
            raise DataError(dataset.info.name, f"split {name!r} has no labels", todo="use mnistkit.open")
        pairs.append((_own(whole.images), _own(whole.labels)))
    return pairs[0], pairs[1]


def _own(array: Array) -> Array:
    """Return an array that its user may change: a mapped or shared one is copied."""
    return array if array.flags.writeable else array.copy()


def fetch_dataset(name: str, *, offline: bool = False, progress: Progress = no_progress) -> list[Path]:
    """Bring the files of a published dataset into the cache, checked, and say where they are.

    Raises:
        UsageError: No such dataset.
        DataError: No mirror delivers a file, or ``offline`` is set and one is missing.
    """
    from mnistkit.catalog.reader import open_entry  # noqa: PLC0415 - with the cache, which few verbs need

    dataset = open_entry(catalog.find(name), offline=offline)
    dataset.prepare(progress)
    return list(dict.fromkeys(file for split in dataset.splits.values() for file in split.files()))


def default_out(dataset: str, to: str) -> Path:
    """Return where an export goes when nobody says: ``emnist/letters`` as csv to ``emnist-letters-csv``."""
    return Path(f"{file_stem(dataset)}-{to}")


def _receipt(folder: Path) -> Receipt:
    finish_swap(folder)
    receipt = receipt_of(folder)
    if receipt is None:
        raise DataError(folder, "no receipt (mnistkit.json)", todo="name the folder of an export")
    return receipt


def _changed(folder: Path, receipt: Receipt) -> list[str]:
    problems = [] if is_sealed(folder) else [f"{RECEIPT}: its bytes have changed"]
    if not (folder / CHECKSUMS).is_file():
        return [*problems, f"{CHECKSUMS}: missing"]
    if sha256_of(folder / CHECKSUMS) != receipt.files:
        return [*problems, f"{CHECKSUMS}: its bytes have changed"]
    return [*problems, *changed_files(folder, usable_cpus())]
