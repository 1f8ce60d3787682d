"""From what the user calls a source to an open dataset."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from mnistkit import catalog
from mnistkit.catalog.identify import recognise
from mnistkit.catalog.reader import open_entry, open_local
from mnistkit.checksums import walk
from mnistkit.compression import head_of
from mnistkit.dataset import Dataset
from mnistkit.engine.scratch import finish_swap
from mnistkit.errors import DataError, PluginError
from mnistkit.idx.reader import IdxReader
from mnistkit.naming import stem_of
from mnistkit.options import adopt, build, parse
from mnistkit.plugin import Format, Source, Verdict
from mnistkit.proof import source_of
from mnistkit.receipt import Receipt, receipt_of
from mnistkit.registry import find_formats, load_format, load_reader
from mnistkit.synthetic import open_synthetic

log = logging.getLogger(__name__)

_SYNTHETIC = "synthetic"

#: Sniffing looks at no more names than this.
_MOST_NAMES = 10_000


def open_source(
    source: str | Path | Dataset,
    *,
    format: str | None = None,
    read: Mapping[str, object] | None = None,
    offline: bool = False,
    raw_orientation: bool = False,
) -> Dataset:
    """Open a dataset by name or path.

    Args:
        source: A name in the catalogue; ``synthetic[:train=N,test=N,seed=S]``; a file or folder;
            ``FOLDER/PREFIX``; or a dataset.
        format: Its format, where the files do not tell.
        read: Read options of the format; text is taken as the command line would.
        offline: Fetch nothing: what is not in the cache is refused.
        raw_orientation: Leave images as they are stored, where that is on their side.

    Raises:
        DataError: Nothing there, or nothing that can be read.
        UsageError: An unknown name, format or option.
    """
    if isinstance(source, Dataset):
        return source
    text = os.fspath(source)
    if text == _SYNTHETIC or text.startswith(_SYNTHETIC + ":"):
        return open_synthetic(text)
    if isinstance(source, str) and text in catalog.names() and format is None:
        return open_entry(catalog.find(text), offline=offline, raw_orientation=raw_orientation)
    path, prefix = _locate(text, named=isinstance(source, str))
    receipt = receipt_of(path) if path.is_dir() and not prefix else None
    card = load_format(format or (receipt.format if receipt else identify_format(path)))
    reader = load_reader(card)(_as_source(path, prefix, receipt), _options(card, receipt, read or {}))
    return _recognised(Dataset(reader), raw_orientation=raw_orientation)


def identify_format(path: Path) -> str:
    """Tell the format of files by their content and names.

    Raises:
        DataError: No format recognises them, or several do.
    """
    names = [path.name] if path.is_file() else list(itertools.islice(walk(path), _MOST_NAMES))
    if not names:
        raise DataError(path, "an empty folder", todo="name a folder with a dataset")
    files = [path] if path.is_file() else [path / name for name in names]
    largest = max(files, key=lambda file: file.stat().st_size)
    verdicts = _sniff(head_of(largest), names)
    for answer in ("yes", "maybe"):
        candidates = [name for name, verdict in verdicts.items() if verdict == answer]
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            raise DataError(
                path, "could be several formats", found=", ".join(candidates), todo="say which with --from"
            )
    raise DataError(
        path,
        "no known format",
        expected=f"one of {', '.join(verdicts)}",
        found=largest.name,
        todo="say which with --from",
    )


def _locate(text: str, *, named: bool) -> tuple[Path, str]:
    """Return an existing path and, for FOLDER/PREFIX, the prefix."""
    path = Path(text)
    finish_swap(path)
    if path.exists():
        return path, ""
    if len(path.parts) > 1 and path.parent.is_dir() and _any_begins(path.parent, path.name):
        return path.parent, path.name
    if named and not {"/", os.sep} & set(text) and not path.suffix:
        catalog.find(text)  # raises, and says what may be meant
    raise DataError(text, "no such file or folder")


def _recognised(dataset: Dataset, *, raw_orientation: bool) -> Dataset:
    """Give IDX files that are a published dataset its name, classes and licence, and mend its quirks."""
    if not isinstance(dataset.reader, IdxReader):
        return dataset
    found = recognise(dataset.reader.image_files, dataset.reader.label_files)
    if found.dataset is None:
        return dataset
    log.info("%s: these are the files of %s", dataset.path, found.dataset)
    entry = catalog.find(found.dataset)
    return open_local(entry, dataset, found.local(), raw_orientation=raw_orientation)


def _any_begins(folder: Path, prefix: str) -> bool:
    return any(path.name.startswith(prefix) for path in folder.iterdir())


def _as_source(path: Path, prefix: str, receipt: Receipt | None) -> Source:
    if receipt:
        return source_of(path, receipt)
    beside = receipt_of(path.parent) if path.is_file() else None
    whole = path.resolve()
    name = prefix or (stem_of(whole.name, [whole.suffix]) if path.is_file() else whole.name) or "dataset"
    shape = source_of(path.parent, beside).shape if beside else None
    return Source(path, name=name, prefix=prefix, shape=shape)


def _options(card: Format, receipt: Receipt | None, read: Mapping[str, object]) -> object:
    texts = {name: value for name, value in read.items() if isinstance(value, str)}
    others = {name: value for name, value in read.items() if not isinstance(value, str)}
    where = f"format {card.name!r}"
    given = {**_given(parse(card.read_options, texts, where=where), texts), **others}
    adopted = adopt(card.read_options, receipt.options) if receipt else {}
    return build(card.read_options, {**adopted, **given}, where=where)


def _given(options: object, texts: Mapping[str, str]) -> dict[str, object]:
    names = [name.replace("-", "_") for name in texts]
    return {name: getattr(options, name) for name in names}


def _sniff(head: bytes, names: list[str]) -> dict[str, Verdict]:
    verdicts = {}
    for name in find_formats():
        try:
            card = load_format(name)
        except PluginError:
            continue  # a broken plugin hurts only who names it
        if card.reader:
            verdicts[name] = card.sniff(head, names)
    return verdicts
