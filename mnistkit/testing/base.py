"""What the tests of the contract are made of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mnistkit.api import export
from mnistkit.contract import Subject
from mnistkit.dataset import Dataset
from mnistkit.receipt import Receipt
from mnistkit.registry import load_format


class Contract:
    """A format under some write options, and the way there and back."""

    #: Name of the format.
    format: ClassVar[str]
    #: Write options to hold to the contract in place of the defaults.
    options: ClassVar[Mapping[str, Any]] = {}
    #: Write options that change no byte under ``options``, as one that chooses a faster way there.
    without_effect: ClassVar[Collection[str]] = ()

    @property
    def subject(self) -> Subject:
        """The format under the options, as the functions of :mod:`mnistkit.contract` take it."""
        return Subject(self.format, self.options)

    def _need(self, *sides: str) -> None:
        """Skip a test of what the format cannot do."""
        for side in sides:
            if getattr(load_format(self.format), side) is None:
                pytest.skip(f"{self.format} has no {side}")

    def _export(self, dataset: Dataset, folder: Path, *, strict: bool = False, **changed: Any) -> Receipt:
        """Export a dataset and read it back, as a user would."""
        self._need("reader", "writer")
        options = {**self.options, **changed}
        return export(dataset, self.format, folder, workers=2, verify=True, strict=strict, **options)

    def _round_trip(self, dataset: Dataset, folder: Path) -> Dataset:
        """Write a dataset and open what was written."""
        self._need("reader", "writer")
        self.subject.write(dataset, folder)
        return self.subject.reread(dataset, folder)
