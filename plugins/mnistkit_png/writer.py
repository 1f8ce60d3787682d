"""Writes each image as a PNG file into the folder of its class."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import cast

import numpy as np

from mnistkit.codecs import png
from mnistkit.codecs.files import Folder, create_all, make_folder, opened
from mnistkit.dataset import Batch, DatasetInfo, SplitInfo
from mnistkit.errors import CapabilityError
from mnistkit.plugin import Loss, Part, Writer, Written
from mnistkit_png import PngOptions
from mnistkit_png.classes import folder_of, is_cut
from mnistkit_png.tags import write_tags

_MOST_FOLDERS = 4096  # remembered as made
_DIGITS = 5  # of a file name, at least
_SMALL = 1 << 14  # bytes of an image that is packed in less time than threads need to take turns


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
        (folder / part.split.name).mkdir(exist_ok=True)
        with opened(folder / part.split.name) as into:
            target = _Target(into, part.split, part.info, self.options)
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
    """The open folder of a split, and what files are named by.

    Attributes:
        folders: The folders of classes made lately, by label; few, for each label may come once.
        lock: Is held while a batch of small images is packed.
    """

    folder: Folder
    split: SplitInfo
    info: DatasetInfo
    options: PngOptions
    folders: dict[int, str] = field(default_factory=dict)
    lock: AbstractContextManager[object] = field(default_factory=Lock)

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


def _numbered(start: int, batches: Iterator[Batch]) -> Iterator[tuple[int, Batch]]:
    for batch in batches:
        yield start, batch
        start += len(batch)


def _write(target: _Target, numbered: tuple[int, Batch]) -> tuple[int, set[int]]:
    """Write a batch, whose first image has this index in the split; return its length and classes."""
    start, batch = numbered
    digits = max(_DIGITS, len(str(target.split.length - 1)))
    labels = [None] * len(batch) if batch.labels is None else batch.labels.tolist()
    with _turn(target, batch):
        files = png.encode_batch(batch.images, level=target.options.level)
    names = [_name(target, f"{index:0{digits}d}", label) for index, label in enumerate(labels, start)]
    create_all(target.folder, names, files)
    if batch.labels is None or not target.is_named:
        return len(batch), set()
    return len(batch), set(np.unique(batch.labels).tolist())


def _turn(target: _Target, batch: Batch) -> AbstractContextManager[object]:
    """Let one worker pack small images while the others write theirs.

    Two that pack hand the interpreter lock to and fro at each image, and are no faster than one.
    """
    return target.lock if batch.images[:1].nbytes <= _SMALL else nullcontext()


def _name(target: _Target, index: str, label: int | None) -> str:
    """Name the file of an image, relative to the folder of its split."""
    if label is None:
        return f"{index}.png"
    if target.options.layout == "flat":
        return f"{index}-num{label}.png"
    return f"{target.folders.get(label) or _made(target, label)}/{index}.png"


def _made(target: _Target, label: int) -> str:
    """Make the folder of a class, and remember that."""
    name = folder_of(target.info, label)
    make_folder(target.folder, name)
    if len(target.folders) == _MOST_FOLDERS:
        target.folders.clear()
    target.folders[label] = name
    return name
