"""Writes each image as a PNG file into the folder of its class."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np

from mnistkit.codecs import png
from mnistkit.dataset import Batch, DatasetInfo, SplitInfo
from mnistkit.errors import CapabilityError
from mnistkit.plugin import Loss, Part, Writer, Written
from mnistkit_png import PngOptions
from mnistkit_png.classes import folder_of, is_cut
from mnistkit_png.tags import write_tags

_RELATIVE = {os.open, os.mkdir} <= os.supports_dir_fd
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
_MOST_FOLDERS = 4096  # remembered as made
_DIGITS = 5  # of a file name, at least


class PngWriter(Writer):
    """Writes ``train/07_name/00042.png``, or ``train/00042-num7.png`` where the layout is flat."""

    def check(self, info: DatasetInfo) -> Sequence[Loss]:
        """Say which class names are too long for the name of a folder.

        Raises:
            CapabilityError: Pixels that no PNG holds, or a split without images that cannot come back.
        """
        for split in info.splits:
            png.check(split, "png")
        _check_empty(info)
        if self.options.layout == "flat":
            return ()
        cut = [
            f"{name[:24]!r}… of class {i}" for i, name in enumerate(info.class_names or ()) if is_cut(name)
        ]
        return [Loss(f"the ends of long class names: {', '.join(cut)}", class_names=True)] if cut else ()

    def write(self, folder: Path, part: Part, batches: Iterator[Batch]) -> Written:
        """Write images of one split; each worker encodes a batch and writes its files."""
        rows, seen = 0, set[int]()
        with _opened(folder / part.split.name, part, self.options) as target:
            done = part.map(partial(_write, target), _numbered(part.start, batches))
            # A generator: closed before the folder is, so that no worker writes after that.
            with closing(cast("Generator[tuple[int, set[int]]]", done)):
                for count, classes in done:
                    rows += count
                    seen |= classes
            extra = {"classes": sorted(seen)} if target.is_named else {}
        return Written((f"{part.split.name}/",), rows, extra)

    def finish(self, folder: Path, info: DatasetInfo, written: Sequence[Written]) -> Written:
        """Write the lists of images if asked for, and say which class names have no folder."""
        tags = tuple(write_tags(folder, split.name) for split in info.splits) if self.options.tags else ()
        if self.options.layout == "flat" or not info.class_names:
            return Written(tags)
        gone = _without_folder(info.class_names, written)
        lost = Loss(f"the names of classes without images: {', '.join(gone)}", class_names=True)
        return Written(tags, lost=(lost,) if gone else ())


@dataclass(frozen=True, slots=True)
class _Target:
    """The folder of a split, open where the system can make files relative to an open folder.

    Attributes:
        open: Its file descriptor, or None.
        prefix: What file names begin with: nothing, or the path where the folder is not open.
        folders: The folders of classes made lately, by label; few, for each label may come once.
    """

    open: int | None
    prefix: str
    split: SplitInfo
    info: DatasetInfo
    options: PngOptions
    folders: dict[int, str] = field(default_factory=dict)

    @property
    def is_named(self) -> bool:
        """Whether folders tell class names."""
        return bool(self.info.class_names) and self.options.layout == "tree"


def _without_folder(class_names: Sequence[str], written: Sequence[Written]) -> list[str]:
    """Return the names of classes that no folder tells."""
    seen = set[int]().union(*(part.extra["classes"] for part in written))
    most = max(seen, default=-1)
    return [name for i, name in enumerate(class_names) if i not in seen and (name != str(i) or i > most)]


def _check_empty(info: DatasetInfo) -> None:
    """Refuse a split without images that cannot come back: a receipt tells its shape, others the rest."""
    full = [split for split in info.splits if split.length]
    if not full:
        raise CapabilityError(
            "png", "no images", expected="at least one in the dataset, to tell the shape", found="none"
        )
    for empty in (split for split in info.splits if not split.length):
        unlike = next((s for s in full if _kind(s) != _kind(empty)), None)
        if unlike:
            raise CapabilityError(
                "png",
                f"split {empty.name!r} has no images to tell what they would be",
                expected=f"{_kind(unlike)} as split {unlike.name!r}",
                found=_kind(empty),
            )


def _kind(split: SplitInfo) -> str:
    return f"{split.dtype} {'with' if split.labelled else 'without'} labels"


@contextmanager
def _opened(path: Path, part: Part, options: PngOptions) -> Iterator[_Target]:
    path.mkdir(exist_ok=True)
    if not _RELATIVE:
        yield _Target(None, f"{path}{os.sep}", part.split, part.info, options)
        return
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        yield _Target(descriptor, "", part.split, part.info, options)
    finally:
        os.close(descriptor)


def _numbered(start: int, batches: Iterator[Batch]) -> Iterator[tuple[int, Batch]]:
    for batch in batches:
        yield start, batch
        start += len(batch)


def _write(target: _Target, numbered: tuple[int, Batch]) -> tuple[int, set[int]]:
    """Write a batch, whose first image has this index in the split; return its length and classes."""
    start, batch = numbered
    digits = max(_DIGITS, len(str(target.split.length - 1)))
    labels = [None] * len(batch) if batch.labels is None else batch.labels.tolist()
    files = png.encode_batch(batch.images, level=target.options.level)
    for index, (label, data) in enumerate(zip(labels, files, strict=True), start):
        _create(target, _name(target, f"{index:0{digits}d}", label), data)
    if batch.labels is None or not target.is_named:
        return len(batch), set()
    return len(batch), set(np.unique(batch.labels).tolist())


def _name(target: _Target, index: str, label: int | None) -> str:
    """Name the file of an image, relative to the folder of its split."""
    if label is None:
        return f"{index}.png"
    if target.options.layout == "flat":
        return f"{index}-num{label}.png"
    return f"{target.folders.get(label) or _made(target, label)}/{index}.png"


def _made(target: _Target, label: int) -> str:
    """Make the folder of a class; several workers may find at once that it is missing."""
    name = folder_of(target.info, label)
    with suppress(FileExistsError):
        os.mkdir(target.prefix + name, dir_fd=target.open)
    if len(target.folders) == _MOST_FOLDERS:
        target.folders.clear()
    target.folders[label] = name
    return name


def _create(target: _Target, name: str, data: bytes) -> None:
    descriptor = os.open(target.prefix + name, _NEW, 0o666, dir_fd=target.open)
    try:
        done = os.write(descriptor, data)
        while done < len(data):
            done += os.write(descriptor, data[done:])
    finally:
        os.close(descriptor)
