"""Reads an export again and holds it against its receipt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from mnistkit.border import plugin_border
from mnistkit.checksums import read_checksums
from mnistkit.dataset import Dataset, DatasetInfo, SplitInfo
from mnistkit.digest import BLOCK_ROWS, FINGERPRINT, SplitDigest, class_names_digest, dataset_digest
from mnistkit.errors import PluginError, UsageError
from mnistkit.naming import RECEIPT
from mnistkit.options import adopt, build
from mnistkit.plugin import Format, Source
from mnistkit.receipt import Receipt, SplitReceipt, receipt_of
from mnistkit.registry import load_format, load_reader, title_of


def reopen(folder: Path, receipt: Receipt) -> Dataset:
    """Open an export by its receipt, whatever its files look like.

    Raises:
        MnistkitError: The format is not installed, or the files are damaged.
    """
    card = card_of(receipt)
    options: object = build(
        card.read_options, adopt(card.read_options, receipt.options), where=receipt.format
    )
    with plugin_border(title_of(card), doing="reading", where=folder):
        reader = load_reader(card)(source_of(folder, receipt), options)
    return Dataset(reader)


def receipt_for(path: Path) -> Receipt | None:
    """Return the receipt that speaks of a path: of the export it is, or of the one it is a file of."""
    if path.is_dir():
        return receipt_of(path)
    beside = receipt_of(path.parent)
    return beside if beside and path.name in read_checksums(path.parent) else None


def card_of(receipt: Receipt) -> Format:
    """Return the card of an export's format.

    Raises:
        PluginError: The format is not installed, or its plugin is broken.
    """
    try:
        return load_format(receipt.format)
    except UsageError as error:
        todo = f"install the package that has the format {receipt.format!r}"
        raise PluginError(receipt.dataset, "the export's format is not installed", todo=todo) from error


def with_origin(dataset: Dataset, receipt: Receipt) -> Dataset:
    """Give an export's dataset the licence, citation and homepage that its receipt knows."""
    info = dataset.info
    known = replace(
        info,
        licence=info.licence or receipt.licence,
        citation=info.citation or receipt.citation,
        homepage=info.homepage or receipt.homepage,
    )
    return Dataset(dataset.reader, info=known)


def source_of(folder: Path, receipt: Receipt) -> Source:
    """Return an export as a source: with the name, shape and splits that the receipt tells."""
    shapes = {name: split.shape for name, split in receipt.splits.items()}
    common = set(shapes.values())
    return Source(
        folder,
        receipt.dataset,
        shape=common.pop() if len(common) == 1 else None,
        shapes=shapes,
        dtypes={name: split.dtype for name, split in receipt.splits.items()},
        labelled={name: split.labelled for name, split in receipt.splits.items()},
    )


def content_differences(receipt: Receipt, digests: Mapping[str, SplitDigest], info: DatasetInfo) -> list[str]:
    """Say what differs between what a receipt promises and what was read; nothing where all is equal."""
    found = [f"{name}: this split is missing" for name in receipt.splits if name not in digests]
    found += [f"{name}: this split is not of the export" for name in digests if name not in receipt.splits]
    for split in info.splits:
        if split.name in receipt.splits:
            found += _untrue(split, receipt.splits[split.name])
            found += _split_differences(split.name, receipt.splits[split.name], digests[split.name])
    if receipt.digest != dataset_digest({name: split.digest for name, split in receipt.splits.items()}):
        found.append(f"{RECEIPT}: the dataset's digest is not that of its splits")
    if receipt.class_names is not None and receipt.class_names != class_names_digest(info.class_names):
        found.append("the class names differ")
    return found


def _untrue(found: SplitInfo, promised: SplitReceipt) -> Iterator[str]:
    """Say which facts of a receipt the files do not bear out."""
    facts = {
        "rows": (promised.rows, found.length),
        "shape": (promised.shape, found.shape),
        "dtype": (promised.dtype, found.dtype),
        "labelled": (promised.labelled, found.labelled),
    }
    for fact, (said, seen) in facts.items():
        if said != seen:
            yield f"{found.name}: {fact}: {RECEIPT} says {said}, found {seen}"


def _split_differences(name: str, promised: SplitReceipt, digest: SplitDigest) -> Iterator[str]:
    if digest.content() != promised.digest:
        yield f"{name}: {_place(promised, digest)}"
    elif digest.blocks() != promised.blocks:
        yield f"{name}: the fingerprints of blocks in {RECEIPT} are not those of its digest"
    extra = digest.extra()
    for column, expected in promised.extra.items():
        if extra.get(column) != expected:
            yield f"{name}: the extra column {column!r} differs"


def _place(promised: SplitReceipt, digest: SplitDigest) -> str:
    """Tell as exactly as the blocks allow where a split differs."""
    for block, (a, b) in enumerate(zip(_blocks(promised.blocks), _blocks(digest.blocks()), strict=False)):
        if a != b:
            last = min((block + 1) * BLOCK_ROWS, promised.rows) - 1
            return f"an image or label from {block * BLOCK_ROWS:,} to {last:,} differs"
    return "its length, shape or type differs"


def _blocks(joined: str) -> list[str]:
    return [joined[i : i + FINGERPRINT] for i in range(0, len(joined), FINGERPRINT)]
