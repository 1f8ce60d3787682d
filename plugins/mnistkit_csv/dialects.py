"""What each preset stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from mnistkit.codecs.text import grid_names, pixel_names


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a published dialect is written."""

    pixels: Callable[[tuple[int, ...]], list[str]] = pixel_names
    label_name: str = "label"
    label: Literal["first", "last"] = "first"
    header: bool = True
    named_after_dataset: bool = False


DIALECTS = {
    "kaggle": Dialect(),
    "kaggle-1": Dialect(pixels=partial(pixel_names, first=1)),
    "oddrationale": Dialect(pixels=grid_names),
    "openml": Dialect(pixels=partial(pixel_names, first=1), label_name="class", label="last"),
    "pjreddie": Dialect(header=False, named_after_dataset=True),
}
