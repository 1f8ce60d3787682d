"""Fixtures of the tests inside ML.NET: where it is, and a compiler for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from mlnet.setup import python_of

HOME = "MNISTKIT_MLNET"


def pytest_collection_modifyitems(items):
    for item in items:
        if "mlnet_home" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.mlnet)


@pytest.fixture(scope="session")
def mlnet_home() -> Path:
    """The folder with the real ML.NET that ``setup.py`` made."""
    if HOME not in os.environ:
        pytest.skip(f"{HOME} is not set; it names the folder that tests/mlnet/setup.py makes")
    home = Path(os.environ[HOME]).absolute()
    assert python_of(home).is_file(), f"{HOME} is set, but {python_of(home)} is not there"
    return home


@pytest.fixture(scope="session")
def csharp_home(mlnet_home) -> Path:
    """The same, with what it takes to compile C#."""
    if not (mlnet_home / "ref").is_dir() or not shutil.which("mcs"):
        pytest.skip("no C# compiler: tests/mlnet/setup.py was not run with --csharp, or could not bring it")
    return mlnet_home


@pytest.fixture(scope="session")
def images_home(mlnet_home) -> Path:
    """The same, with what it takes to load images."""
    if not (mlnet_home / "mlnet/libdl.so").exists():
        pytest.skip("no libgdiplus: tests/mlnet/setup.py was not run with --images, or could not bring it")
    return mlnet_home
