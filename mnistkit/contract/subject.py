"""A format under some write options: what the contract is held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mnistkit.contract.datasets import (
    drawn_dataset,
    fitting_dtype,
    fitting_shape,
    parts_of,
    reread_dataset,
    write_dataset,
)
from mnistkit.contract.watching import FEW_ROWS, ROWS
from mnistkit.dataset import DTYPES, Dataset
from mnistkit.options import build
from mnistkit.plugin import Format, Writer, Written
from mnistkit.registry import load_format, load_writer


@dataclass(frozen=True)
class Subject:
    """A format under some write options, and the way there and back.

    Attributes:
        format: Name of the format.
        options: Write options in place of the defaults.
    """

    format: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def card(self) -> Format:
        """The card as it reads under the options."""
        card = load_format(self.format)
        return card.with_options(build(card.write_options, self.options, where=self.format))

    @property
    def rows(self) -> int:
        """Images of a batch where memory is watched."""
        return FEW_ROWS if self.card.unit == "image" else ROWS

    @property
    def image_bytes(self) -> int:
        """Size in memory of one image of :meth:`drawn`."""
        return self.drawn(1, 0)["train"].info.image_bytes

    @property
    def widest_dtype(self) -> str:
        """The pixel type of most bytes that the card claims to carry."""
        return max(self.card.dtypes or DTYPES, key=lambda dtype: np.dtype(dtype).itemsize)

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """Return the shape of an image of this size, with channels only where the format must have them."""
        return fitting_shape(self.card, (height, width))

    def drawn(self, train: int = 30, test: int = 10, **more: Any) -> Dataset:
        """Return a dataset of random pixels that the card claims to carry; see :func:`drawn_dataset`."""
        usual = {"shape": self.shape(28, 28), "dtype": fitting_dtype(self.card)}
        return drawn_dataset(train, test, **{**usual, **more})

    def drawn_with_columns(self, train: int, test: int, **more: Any) -> Dataset:
        """Return a dataset with two columns of whole numbers in ``train``, where they would come back."""
        rows = np.arange(train, dtype="int32")
        columns = {"writer": rows % 11, "page": rows - 9}
        dataset = self.drawn(train, test, extra={"train": columns}, **more)
        is_kept = self.card.extra_columns != "none" and not any(
            loss.columns for loss in self.writer().check(dataset.info)
        )
        return dataset if is_kept else self.drawn(train, test, **more)

    def writer(self) -> Writer:
        """Return a writer with the options."""
        card = load_format(self.format)
        return load_writer(card)(build(card.write_options, self.options, where=self.format))

    def write(self, dataset: Dataset, folder: Path, *, workers: int = 1, **changed: Any) -> Sequence[Written]:
        """Write a dataset with the writer alone."""
        options = {**self.options, **changed}
        return write_dataset(load_format(self.format), dataset, folder, workers=workers, **options)

    def write_in_batches(
        self, dataset: Dataset, folder: Path, size: int, *, workers: int
    ) -> Sequence[Written]:
        """Write a dataset that comes in batches of ``size``, where :meth:`write` has few, of about 1 MiB."""
        writer = self.writer()
        parts = parts_of(self.card, dataset, workers=workers, size=size)
        written = [writer.write(folder, part, batches) for part, batches in parts]
        return [*written, writer.finish(folder, dataset.info, written)]

    def reread(self, dataset: Dataset, folder: Path, **changed: Any) -> Dataset:
        """Open what was written of a dataset."""
        return reread_dataset(load_format(self.format), folder, dataset, **{**self.options, **changed})
