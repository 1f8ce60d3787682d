"""The entrances of ML.NET that exports of MNIST go through, and one visit through each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from mlnet.client import View, ask, binary, images, options, text, text_with

import mnistkit

SPLITS = ("train", "test")
_TABLE = options(784, 10, header=True)


@dataclass(frozen=True, slots=True, eq=False)
class Entrance:
    """One way from an export of MNIST into ML.NET.

    Attributes:
        name: What the tests and the table call it.
        opened: How a user opens it.
        to: The format of the export.
        file: Name of a split's file in it.
        view: Makes a view of such a file.
        options: Write options of the export.
        item: .NET's type of one pixel.
        size: The sizes of the vector of pixels.
        slots: Whether ML.NET learns the names of the pixels.
        trained: Whether it is trained on, too.
        home: The fixture that has what it takes.
    """

    name: str
    opened: str
    to: str
    file: str
    view: Callable[..., View]
    options: Mapping[str, Any] = field(default_factory=dict)
    item: str = "Single"
    size: str = "784"
    slots: bool = True
    trained: bool = False
    home: str = "mlnet_home"

    def __str__(self) -> str:
        return self.name


ENTRANCES = (
    Entrance("dense TSV", "LoadFromTextFile(path)", "mlnet", "{}.tsv", text, trained=True),
    Entrance("sparse TSV", "LoadFromTextFile(path)", "mlnet", "{}.tsv", text, {"sparse": True}),
    Entrance(
        "TSV without schema", "LoadFromTextFile(path, options)", "mlnet", "{}.tsv",
        partial(text_with, options=_TABLE), {"schema": False},
    ),
    Entrance(
        "CSV", "LoadFromTextFile(path, options)", "csv", "{}.csv",
        partial(text_with, options={**_TABLE, "separator": ","}),
    ),
    Entrance(
        "idv, bytes", "LoadFromBinary(path)", "idv", "{}.idv", binary, {"type": "byte"}, "Byte", trained=True
    ),
    Entrance("idv, singles", "LoadFromBinary(path)", "idv", "{}.idv", binary, {"type": "single"}),
    Entrance(
        "PNG", "LoadImages", "png", "{}-tags.tsv", partial(images, side=28, classes=10), {"tags": True},
        size="1, 28, 28", slots=False, home="images_home",
    ),
)  # fmt: skip


def export(entrance: Entrance, source: Path, folder: Path) -> float:
    """Export a dataset for an entrance into a new folder and return the seconds it took."""
    started = time.perf_counter()
    mnistkit.export(source, entrance.to, folder, **entrance.options)
    return time.perf_counter() - started


def visit(entrance: Entrance, folder: Path, home: Path, *, passes: int = 0) -> dict[str, Any]:
    """Take an export into ML.NET and return what it hands back, by split under ``views``."""
    views = {split: entrance.view(folder / entrance.file.format(split), passes=passes) for split in SPLITS}
    return ask(home, views, **(dict(zip(SPLITS, SPLITS, strict=True)) if entrance.trained else {}))
