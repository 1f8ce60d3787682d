"""From what the user calls a source to an open dataset."""

from __future__ import annotations

import itertools
import logging
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from mnistkit import catalog
from mnistkit.border import plugin_border
from mnistkit.catalog.identify import recognise
from mnistkit.catalog.local import open_local
from mnistkit.checksums import walk
from mnistkit.compression import HEAD_BYTES, head_of, open_decompressed
from mnistkit.dataset import Dataset
from mnistkit.engine.scratch import finish_swap
from mnistkit.errors import DataError, MnistkitError, PluginError, UsageError
from mnistkit.idx.reader import IdxReader
from mnistkit.naming import is_export, stem_of
from mnistkit.options import adopt, build, parse
from mnistkit.plugin import Format, Source, Verdict
from mnistkit.proof import card_of, receipt_for, source_of, with_origin
from mnistkit.receipt import Receipt
from mnistkit.registry import find_formats, load_format, load_reader, title_of

log = logging.getLogger(__name__)

_SYNTHETIC = "synthetic"

#: Sniffing looks at no more names, and no more kinds of names, than this.
_MOST_NAMES, _MOST_KINDS = 10_000, 20


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
    drawn = text == _SYNTHETIC or text.startswith(_SYNTHETIC + ":")
    if drawn or (isinstance(source, str) and text in catalog.names()):
        if format or read:
            raise UsageError(
                text, "has no format and no read options to choose", todo=f"./{text} is the folder"
            )
        if drawn:
            from mnistkit.synthetic import open_synthetic  # noqa: PLC0415 - most sources are not drawn

            return open_synthetic(text)
        from mnistkit.catalog.reader import open_entry  # noqa: PLC0415 - with the cache, for names alone

        return open_entry(catalog.find(text), offline=offline, raw_orientation=raw_orientation)
    path, prefix = _locate(text, named=isinstance(source, str))
    receipt = None if prefix else receipt_for(path)
    card = (
        card_of(receipt) if receipt and not format else load_format(format or identify_format(path, prefix))
    )
    options = _options(card, receipt, read or {})
    with plugin_border(title_of(card), doing="reading", where=path):
        reader = load_reader(card)(_as_source(path, prefix, receipt), options)
    dataset = _recognised(Dataset(reader), raw_orientation=raw_orientation)
    return with_origin(dataset, receipt) if receipt else dataset


def identify_format(path: Path, prefix: str = "") -> str:
    """Tell the format of files by their content and names.

    In a folder, the largest file of each kind of name is looked into.

    Raises:
        DataError: No format recognises them, or several do.
    """
    if path.is_file():
        sizes = {path.name: _size(path)}
    else:
        listed = itertools.islice(walk(path), _MOST_NAMES)
        own = (name for name in _own(path, listed) if name.startswith(prefix))
        sizes = {name: size for name in own if (size := _size(f"{path}/{name}")) >= 0}
    if not sizes:
        raise DataError(
            path,
            "an empty folder",
            expected="a dataset",
            found="no files",
            todo="name a folder with a dataset",
        )
    verdicts = _sniff(path, sizes)
    for answer in ("yes", "maybe"):
        candidates = [name for name, verdict in verdicts.items() if verdict == answer]
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            raise DataError(
                path, "could be several formats", expected="one", found=", ".join(candidates),
                todo="say which with --from",
            )  # fmt: skip
    raise _no_format(path, sizes, verdicts)


def _no_format(path: Path, sizes: Mapping[str, int], formats: Iterable[str]) -> DataError:
    """Return the error for files that no format knows; a damaged one says so itself.

    Raises:
        DataError: The first file is damaged.
    """
    name = next(iter(sizes))
    if sizes[name]:
        with open_decompressed(_file(path, name)) as file:
            file.read(HEAD_BYTES)
    return DataError(
        path,
        "no known format",
        expected=f"one of {', '.join(formats)}",
        found=name + ("" if sizes[name] else ", an empty file"),
        todo="say which with --from",
    )


def _own(path: Path, names: Iterable[str]) -> Iterator[str]:
    """Leave out what is of exports inside the folder."""
    inside: dict[str, bool] = {"": False}
    for name in names:
        folder = name.rpartition("/")[0]
        if folder not in inside:
            parts = folder.split("/")
            inside[folder] = any(is_export(f"{path}/{'/'.join(parts[:n])}") for n in range(1, len(parts) + 1))
        if not inside[folder]:
            yield name


def _locate(text: str, *, named: bool) -> tuple[Path, str]:
    """Return an existing path and, for FOLDER/PREFIX, the prefix."""
    path = Path(text)
    finish_swap(path)
    if os.path.exists(path):  # noqa: PTH110 - which raises for no text, where Path's does
        return path, ""
    if len(path.parts) > 1 and path.parent.is_dir() and _any_begins(path.parent, path.name):
        return path.parent, path.name
    if named and not {"/", os.sep} & set(text) and not path.suffix:
        raise _unknown(text)
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


def _unknown(text: str) -> MnistkitError:
    try:
        catalog.find(text)
    except UsageError as error:  # which says what may be meant
        return UsageError("", f"unknown dataset {text!r}, and no such file or folder", todo=error.todo)
    except MnistkitError as error:
        return error
    raise AssertionError(text)  # a name that is known has been opened before


def _any_begins(folder: Path, prefix: str) -> bool:
    """Whether files of a folder are named ``PREFIX-…``, ``PREFIX_…`` or ``PREFIX.…``."""
    names = (path.name for path in folder.iterdir() if path.is_file())
    bare = (re.sub(r"^[Xxy]_", "", name) for name in names)
    return any(name.startswith(prefix) and name[len(prefix) :][:1] in tuple("-_.") for name in bare)


def _as_source(path: Path, prefix: str, receipt: Receipt | None) -> Source:
    if receipt:
        return source_of(path, receipt)
    whole = path.resolve()
    name = prefix or (stem_of(whole.name, [whole.suffix]) if path.is_file() else whole.name) or "dataset"
    return Source(path, name=os.fsencode(name).decode(errors="replace"), prefix=prefix)


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


def _sniff(path: Path, sizes: Mapping[str, int]) -> dict[str, Verdict]:
    """Ask every format about each kind of file, given names and bytes of all; the surest answer counts."""
    kinds: dict[str, list[str]] = {}
    for name in sizes:
        kind = os.path.splitext(stem_of(name, ()))[1].lower()  # noqa: PTH122 - as in _size
        kinds.setdefault(kind, []).append(name)
    verdicts: dict[str, Verdict] = {}
    for kind in sorted(kinds)[:_MOST_KINDS]:
        largest = _file(path, max(kinds[kind], key=sizes.__getitem__))
        head = head_of(largest) if _size(largest) >= 0 else b""
        for name in find_formats():
            verdict = verdict_of(name, head, kinds[kind])
            if verdict is not None:
                verdicts[name] = max(verdicts.get(name, "no"), verdict, key=("no", "maybe", "yes").index)
    return verdicts


def verdict_of(name: str, head: bytes, names: Sequence[str]) -> Verdict | None:
    """Return what a format says of some files; None where it cannot read or is broken."""
    try:
        card = load_format(name)
        with plugin_border(f"format {name!r}", doing="sniffing"):
            return card.sniff(head, names) if card.reader else None
    except (PluginError, SystemExit) as error:  # a broken plugin hurts only who names it
        log.debug("left out: %s", error)
        return None


def _file(path: Path, name: str) -> Path:
    return path / name if path.is_dir() else path


def _size(path: Path | str) -> int:
    """Return the size of a regular file, -1 for anything else."""
    try:
        status = os.stat(path)  # noqa: PTH116 - of thousands of names, for which Paths take longer than looks
    except OSError:
        return -1
    return status.st_size if stat.S_ISREG(status.st_mode) else -1
