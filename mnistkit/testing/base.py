"""What the tests of the contract are made of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mnistkit.api import export
from mnistkit.dataset import Dataset
from mnistkit.options import build
from mnistkit.plugin import Format, Writer
from mnistkit.receipt import Receipt
from mnistkit.registry import load_format, load_writer
from mnistkit.testing.datasets import reread_dataset, write_dataset
from mnistkit.testing.watching import FEW_ROWS, ROWS


class Contract:
    """A format under some write options, and the way there and back."""

    #: Name of the format.
    format: ClassVar[str]
    #: Write options to hold to the contract in place of the defaults.
    options: ClassVar[Mapping[str, Any]] = {}

    def _card(self) -> Format:
        """Return the card as it reads under the options."""
        card = load_format(self.format)
        return card.with_options(build(card.write_options, self.options, where=self.format))

    def _writer(self) -> Writer:
        card = load_format(self.format)
        return load_writer(card)(build(card.write_options, self.options, where=self.format))

    @property
    def _rows(self) -> int:
        """Images of a batch where memory is watched."""
        return FEW_ROWS if self._card().unit == "image" else ROWS

    def _need(self, *sides: str) -> None:
        """Skip a test of what the format cannot do."""
        for side in sides:
            if getattr(load_format(self.format), side) is None:
                pytest.skip(f"{self.format} has no {side}")

    def _write(self, dataset: Dataset, folder: Path, *, workers: int = 1, **changed: Any) -> None:
        """Write a dataset with the writer alone."""
        card, options = load_format(self.format), {**self.options, **changed}
        write_dataset(card, dataset, folder, workers=workers, **options)

    def _export(self, dataset: Dataset, folder: Path, *, strict: bool = False, **changed: Any) -> Receipt:
        """Export a dataset and read it back, as a user would."""
        self._need("reader", "writer")
        options = {**self.options, **changed}
        return export(dataset, self.format, folder, workers=2, verify=True, strict=strict, **options)

    def _reread(self, dataset: Dataset, folder: Path, **changed: Any) -> Dataset:
        """Open what was written of a dataset."""
        return reread_dataset(load_format(self.format), folder, dataset, **{**self.options, **changed})

    def _round_trip(self, dataset: Dataset, folder: Path) -> Dataset:
        """Write a dataset and open what was written."""
        self._need("reader", "writer")
        self._write(dataset, folder)
        return self._reread(dataset, folder)
