"""The project's own sources, parsed once: for claims about what they never do."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


@functools.cache
def modules(*folders: str) -> dict[str, ast.Module]:
    """Return the parsed modules below some folders by path, relative to the project."""
    paths = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in paths}


@functools.cache
def calls(*folders: str) -> tuple[tuple[str, str, ast.Call], ...]:
    """Return each call with its place and what is called, as it is spelt."""
    return tuple(
        (f"{path}:{node.lineno}", ast.unparse(node.func), node)
        for path, module in modules(*folders).items()
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
    )


def imports(*folders: str) -> Iterator[tuple[str, str]]:
    """Yield each statement that imports something, as it is spelt, with the place."""
    for path, module in modules(*folders).items():
        for node in ast.walk(module):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield f"{path}:{node.lineno}", ast.unparse(node)
