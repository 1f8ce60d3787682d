"""Turns pages that read well in a forge into pages of the site, before they are parsed.

* What stands in ``<!-- site … -->`` is for the site alone: tables of contents, references made of docstrings.
* What ``make_pages.py`` copies from a file is included from that file.
* A link to something of the repository that is no page becomes its text.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

_ALONE = re.compile(r"<!-- site\n(.*?)-->\n", re.DOTALL)
_COPY = re.compile(r"<!-- begin: file (.+?) -->\n.*?<!-- end -->", re.DOTALL)
_LINK = re.compile(r"\[([^\]\n]+)\]\((?!\w+:|#)([^)#\s]+)(?:#[^)\s]*)?\)")
_LANGUAGES = {".py": "python", ".toml": "toml"}


def setup(app: Any) -> dict[str, bool]:
    """Tell Sphinx what to call."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _read(app: Any, page: str, source: list[str]) -> None:
    docs = Path(app.srcdir)
    folder = (docs / page).parent
    text = _ALONE.sub(r"\1", source[0])
    text = _COPY.sub(_included, text)
    source[0] = _LINK.sub(lambda found: found[0] if _is_page(docs, folder / found[2]) else found[1], text)


def _included(found: re.Match[str]) -> str:
    path, *cuts = shlex.split(found[1])
    ends = dict(zip(cuts[::2], cuts[1::2], strict=True))
    options = [f":language: {_LANGUAGES[Path(path).suffix]}", f":caption: `{path.partition('/')[2]}`"]
    options += [f":start-at: {ends['from']}"] if "from" in ends else []
    options += [f":end-before: {ends['to']}"] if "to" in ends else []
    return "\n".join([f"```{{literalinclude}} /{path}", *options, "```"])


def _is_page(docs: Path, target: Path) -> bool:
    return target.suffix == ".md" and target.resolve().is_relative_to(docs.resolve())
