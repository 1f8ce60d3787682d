"""Fresh environments, into which pip really installs packages beside the mnistkit under test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mnistkit_csv
from mnistkit.idx import codec


def make(place: Path, *requirements: Path | str) -> Path:
    """Make an environment in a folder, install packages with nothing but what is here, return its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place / "venv"], check=True)
    (python,) = [*(place / "venv").glob("bin/python"), *(place / "venv").glob("Scripts/python.exe")]
    (site,) = [*(place / "venv").glob("lib/*/site-packages"), *(place / "venv").glob("Lib/site-packages")]
    roots = [Path(mnistkit_csv.__file__).parents[1], Path(codec.__file__).parents[2]]
    installed = [folder for folder in sys.path if folder.endswith("site-packages")]
    (site / "mnistkit-under-test.pth").write_text("\n".join([*map(str, roots), *installed]) + "\n")
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "--quiet"]
    install = ["install", "--no-deps", "--no-index", "--no-build-isolation", "--no-compile"]
    subprocess.run([*pip, *install, *requirements], check=True)
    return python
