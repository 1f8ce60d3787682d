"""Fixtures for whoever tests a plugin; pytest finds them wherever mnistkit is installed.

``-p no:mnistkit`` leaves them out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from mnistkit.dataset import Dataset


class Exporter(Protocol):
    """What ``mnistkit_export`` gives."""

    def __call__(self, dataset: Dataset, to: str, **options: Any) -> Path:
        """Export a dataset, prove the export, and return its folder."""


@pytest.fixture
def mnistkit_small() -> Dataset:
    """Return a dataset in memory: 30 images in train, 10 in test; 28 x 28 random bytes, labels 0 to 9."""
    from mnistkit.contract.datasets import drawn_dataset  # noqa: PLC0415 - most tests of the world need none

    return drawn_dataset()


@pytest.fixture
def mnistkit_export(tmp_path: Path) -> Exporter:
    """Return a function that exports into a folder of the test, and reads back if the format can be read."""
    from mnistkit.api import export  # noqa: PLC0415 - as above
    from mnistkit.registry import load_format  # noqa: PLC0415

    def run(dataset: Dataset, to: str, **options: Any) -> Path:
        number = sum(path.name.startswith("export-") for path in tmp_path.iterdir())
        out = tmp_path / f"export-{number}-{to}"
        export(dataset, to, out, verify=load_format(to).reader is not None, **options)
        return out

    return run
