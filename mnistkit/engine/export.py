"""One export from plan to publication."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from mnistkit._version import __version__
from mnistkit.border import plugin_border
from mnistkit.checksums import describe_sources, write_checksums
from mnistkit.clock import Clock
from mnistkit.dataset import Dataset
from mnistkit.digest import SplitDigest, class_names_digest, dataset_digest
from mnistkit.engine.durable import sync_export
from mnistkit.engine.plan import Plan, make_plan, refused_loss
from mnistkit.engine.publish import check_destination, publish
from mnistkit.engine.run import Outcome, digest_of, write_parts
from mnistkit.engine.scratch import EXPORT, finish_swap, remove_left_overs, scratch_folder
from mnistkit.errors import DestinationError, DifferenceError, MnistkitError
from mnistkit.naming import RECEIPT
from mnistkit.options import as_dict
from mnistkit.plugin import API, Format
from mnistkit.printable import printable
from mnistkit.progress import Progress, no_progress
from mnistkit.proof import content_differences, reopen
from mnistkit.receipt import Receipt, SplitReceipt
from mnistkit.registry import load_writer, title_of

log = logging.getLogger(__name__)


def run_export(
    dataset: Dataset,
    card: Format,
    options: object,
    out: Path,
    *,
    workers: int,
    overwrite: bool = False,
    verify: bool = False,
    strict: bool = False,
    progress: Progress = no_progress,
    clock: Clock,
) -> Receipt:
    """Write a dataset to a folder in some format, whole or not at all.

    Raises:
        DestinationError: The destination exists, is in use, or cannot be written.
        CapabilityError: The format cannot carry the content, or ``strict`` forbids a loss.
        DifferenceError: ``verify`` read back something else; nothing was published.
    """
    finish_swap(out)
    _check_destination(out, overwrite=overwrite, source=dataset.path)
    with clock.phase("plan"), plugin_border(title_of(card), doing="starting its writer"):
        writer = load_writer(card)(options)
    plan = make_plan(card, options, writer, dataset.info, out=out, workers=workers, strict=strict)
    for sentence in (*dataset.info.notes, *plan.lost):
        log.warning("%s", printable(str(sentence)))
    with clock.phase("fetch"):
        dataset.prepare(progress)
    with plugin_border("mnistkit", doing="writing", where=out), scratch_folder(out, plan.digest) as scratch:
        folder = scratch / EXPORT
        outcome = write_parts(plan, writer, dataset, folder, progress=progress, clock=clock)
        _check_losses(plan, outcome, strict=strict)
        with clock.phase("checksums"):
            receipt = _make_receipt(plan, outcome, dataset, folder)
        if verify:
            with clock.phase("verify"):
                _verify(receipt, plan, dataset, folder, progress)
        (folder / RECEIPT).write_text(receipt.to_json(), encoding="utf-8", newline="\n")
        with clock.phase("sync"):
            sync_export(folder)
        with clock.phase("publish"):
            publish(scratch, out, overwrite=overwrite, source=dataset.path)
    return receipt


def _check_destination(out: Path, *, overwrite: bool, source: Path | None) -> None:
    try:
        check_destination(out, overwrite=overwrite, source=source)
    except DestinationError:
        remove_left_overs(out)  # there may be no later export to that place that would
        raise


def _check_losses(plan: Plan, outcome: Outcome, *, strict: bool) -> None:
    for sentence in outcome.lost:
        log.warning("%s", printable(str(sentence)))
    if strict and outcome.lost:
        raise refused_loss(plan.card.name, outcome.lost)


def _make_receipt(plan: Plan, outcome: Outcome, dataset: Dataset, folder: Path) -> Receipt:
    info = plan.info
    lost = (*plan.lost, *outcome.lost)
    columns = {column for loss in lost for column in loss.columns}
    splits = {s.name: _split_receipt(plan, s.name, outcome.digests[s.name], columns) for s in info.splits}
    names_kept = plan.card.class_names and not any(loss.class_names for loss in lost)
    return Receipt(
        mnistkit=__version__,
        api=API,
        format=plan.card.name,
        options=as_dict(plan.options),
        dataset=info.name,
        licence=info.licence,
        citation=info.citation,
        homepage=info.homepage,
        sources=tuple(_sources(dataset, plan.workers)),
        splits=splits,
        digest=dataset_digest({name: split.digest for name, split in splits.items()}),
        class_names=class_names_digest(info.class_names) if names_kept else None,
        notes=info.notes,
        lost=tuple(map(str, lost)),
        files=write_checksums(folder, plan.workers, outcome.sha256),
    )


def _split_receipt(plan: Plan, name: str, digest: SplitDigest, lost: set[str]) -> SplitReceipt:
    (info,) = (split for split in plan.info.splits if split.name == name)
    return SplitReceipt(
        rows=info.length,
        shape=info.shape,
        dtype=info.dtype,
        labelled=info.labelled,
        digest=digest.content(),
        blocks=digest.blocks(),
        extra={column: kept for column, kept in digest.extra().items() if column not in lost},
    )


def _sources(dataset: Dataset, workers: int) -> list[dict[str, Any]]:
    """Describe the files that were read; one that several splits share is described once."""
    if dataset.path is None:
        return []
    complete: dict[Path, bool] = {}
    for split in dataset.splits.values():
        for file in split.files():
            complete[file] = complete.get(file, True) and split.is_whole
    return [
        entry
        for whole in (True, False)
        for entry in describe_sources(
            sorted(f for f, c in complete.items() if c is whole), dataset.path, workers, complete=whole
        )
    ]


def _verify(receipt: Receipt, plan: Plan, dataset: Dataset, folder: Path, progress: Progress) -> None:
    try:
        found = reopen(folder, receipt)
        wrong = content_differences(receipt, digest_of(found, progress), found.info)
    except MnistkitError as error:
        raise _unproved(plan, str(error)) from error
    if wrong:
        from mnistkit.compare import differences  # noqa: PLC0415 - needed where something is wrong alone

        raise _unproved(plan, next((str(d) for d in differences(dataset, found)), wrong[0]))


def _unproved(plan: Plan, found: str) -> DifferenceError:
    return DifferenceError(
        plan.out, "does not read back as it was written", found=found, todo="nothing was published"
    )
