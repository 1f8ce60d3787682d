"""Trees of PNG images, one folder a class, as image loaders expect them: the card.

Layout ``tree``, for digits and for classes with names::

    train/0/00001.png           train/00_T-shirt%2Ftop/00001.png
    train/5/00000.png           train/09_Ankle%20boot/00000.png
    test/7/00000.png            test/02_Pullover/00000.png

A folder is the class number, zero-padded to the width of the greatest, and ``_`` with the name of the
class, percent-encoded outside ``[A-Za-z0-9.-]`` and at a last dot, cut at 100 bytes, where it has a name.
A class without images has no folder.  Images without labels lie in ``train/`` itself.

Layout ``flat``::

    train/00000-num5.png
    test/00000-num7.png

A file's number is the index of the image in its split, so the order comes back.

With ``tags``, ``train-tags.tsv`` lists the images of ``train/`` for ML.NET.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mnistkit.plugin import Format, Verdict, hookimpl, option

#: What the reader opens, ours first.
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm")


#: What follows the name of a split in the name of the list of its images.
TAGS = "-tags.tsv"


@dataclass(frozen=True, kw_only=True)
class PngOptions:
    """How to write a tree of images."""

    layout: Literal["tree", "flat"] = option(
        "tree", help="One folder a class, or all images of a split in one folder with the label in the name."
    )
    level: int = option(1, help="Compression level of zlib-ng: 0 stores, 9 packs tightest.", min=0, max=9)
    tags: bool = option(
        False,
        help="Also list the images and labels of each split in a file for ML.NET, such as train-tags.tsv.",
    )


def given(options: PngOptions) -> Mapping[str, object]:
    """Say what the options change on the card: a flat tree has no folders to name classes by."""
    return {"class_names": options.layout == "tree"}


def sniff(head: bytes, names: Sequence[str]) -> Verdict:  # noqa: ARG001 - the names alone tell
    """Recognise images in folders with nothing else beside them."""
    images = [name for name in names if name.lower().endswith(SUFFIXES)]
    if not images:
        return "no"
    only = len(images) == len(names)
    return "yes" if only and all("/" in name.replace("\\", "/") for name in images) else "maybe"


@hookimpl
def mnistkit_register_format() -> Format:
    """Register the format ``png``."""
    return Format(
        api=1,
        name="png",
        summary="PNG images in one folder a class, as image loaders expect them.",
        suffixes=SUFFIXES,
        reader="mnistkit_png.reader:PngReader",
        writer="mnistkit_png.writer:PngWriter",
        write_options=PngOptions,
        sniff=sniff,
        dtypes=("uint8", "uint16"),
        ranks=(2, 3),
        channels=(2, 3, 4),
        negative_labels=False,
        label_dtype="int64",
        class_names=True,
        unit="image",
        bytes_per_image=4096,
        given=given,
    )
