"""The contract asks of a format nothing that its card does not claim."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mnistkit.hooks import FORMATS
from mnistkit.registry import load_format
from mnistkit.testing import FormatContract

EXAMPLE = Path(__file__).parent.parent / "docs" / "examples" / "mnistkit-npy"

CARD = """
from dataclasses import replace

import mnistkit_npy
from mnistkit.plugin import hookimpl


@hookimpl
def mnistkit_register_format():
    return replace(mnistkit_npy.mnistkit_register_format(), name="colour", {claims})
"""


@pytest.fixture
def colour(tmp_path_factory, monkeypatch):
    """Install a format that carries colour images of floats alone, with labels from 0."""
    site = tmp_path_factory.mktemp("site")
    claims = 'ranks=(3,), channels=(3,), dtypes=("float32",), unlabelled=False, negative_labels=False'
    (site / "mnistkit_colour.py").write_text(CARD.format(claims=claims))
    info = site / "mnistkit_colour-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mnistkit-colour\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{FORMATS}]\ncolour = mnistkit_colour\n")
    for place in (EXAMPLE, site):
        monkeypatch.syspath_prepend(place)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    yield
    load_format.cache_clear()


@pytest.mark.usefixtures("colour")
class TestColour(FormatContract):
    format = "colour"
