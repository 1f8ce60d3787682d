"""Asks ML.NET, in a process of its own: ``ask(home, job)``, and the words to write jobs with."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from mlnet.setup import python_of

#: Seconds that any one job may take on a busy machine.
PATIENCE = 300

View = dict[str, Any]


def ask(
    home: Path, views: dict[str, View], *, train: str | None = None, test: str | None = None
) -> dict[str, Any]:
    """Have ML.NET look at some views, and train and evaluate on two of them where they are named.

    Args:
        home: The folder that ``setup.py`` made.
        views: Name -> view, as ``inside.py`` describes it.
        train: The view to train on.
        test: The view to evaluate on.

    Raises:
        AssertionError: ML.NET refused; with its reasons.
        subprocess.TimeoutExpired: It did not end; it was killed, the only signal that ends it while it runs.
    """
    done = subprocess.run(
        [python_of(home), Path(__file__).with_name("inside.py")],
        check=False, capture_output=True, text=True, timeout=PATIENCE,
        input=json.dumps({"views": views, "train": train, "test": test}),
        env={**os.environ, "LD_LIBRARY_PATH": str(home / "mlnet")},
    )  # fmt: skip
    assert done.returncode == 0, f"ML.NET: {done.stderr.strip()}"
    return json.loads(done.stdout)


def text(path: Path, **more: Any) -> View:
    """Return a view of a text file by ``LoadFromTextFile(path)``: the file says the rest."""
    return {"as": "text", "path": str(path), **more}


def text_with(path: Path, options: dict[str, Any], **more: Any) -> View:
    """Return a view of a text file by explicit options, as :func:`options` makes them."""
    return {"as": "text", "path": str(path), "options": options, **more}


def binary(path: Path, **more: Any) -> View:
    """Return a view of a binary file by ``LoadFromBinary(path)``."""
    return {"as": "binary", "path": str(path), **more}


def images(tags: Path, *, side: int, classes: int, **more: Any) -> View:
    """Return a view of the square gray images that a list of paths and labels names, by ``LoadImages``."""
    columns = [["ImagePath", "String", 0, 0, 0], ["Label", "UInt32", 1, 1, classes]]
    size = {"folder": str(tags.parent), "width": side, "height": side}
    return {"as": "images", "path": str(tags), "options": {"columns": columns}, **size, **more}


def options(values: int, classes: int, **more: Any) -> dict[str, Any]:
    """Return loader options for a key ``Label`` in column 0 and ``Features`` behind it.

    Args:
        values: Number of features.
        classes: Number of classes.
        more: ``header``, ``separator``, ``sparse``, ``input_size``; ``first`` is the features' first column.
    """
    first = more.pop("first", 1)
    columns = [["Label", "UInt32", 0, 0, classes], ["Features", "Single", first, first + values - 1, 0]]
    return {"columns": columns, **more}
