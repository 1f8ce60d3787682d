"""The lists of images and labels that ML.NET's ``LoadImages`` takes, made from what lies in the folders.

Layout of ``train-tags.tsv``, a line an image in the order of the split, without a header::

    train/5/00000.png<TAB>5
    train/0/00001.png<TAB>0

Images without labels have the path alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mnistkit_png import TAGS
from mnistkit_png.listing import Listing
from mnistkit_png.tree import written_split

_ROWS = 4096  # of text held at once


def write_tags(folder: Path, split: str) -> str:
    """List the images of a split of an export that is written; return the name of the list."""
    name = f"{split}{TAGS}"
    images = written_split(folder / split).seen_from(folder)
    with (folder / name).open("w", encoding="utf-8", newline="\n") as file:
        for start in range(0, len(images), _ROWS):
            file.writelines(_lines(images, start, min(start + _ROWS, len(images))))
    return name


def _lines(images: Listing, start: int, stop: int) -> Iterator[str]:
    paths, labels = images.paths(start, stop), images.labels(start, stop)
    if labels is None:
        return (f"{path}\n" for path in paths)
    return (f"{path}\t{label}\n" for path, label in zip(paths, labels.tolist(), strict=True))
