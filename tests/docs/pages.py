"""The pages of the documentation and their code blocks, as a forge understands them."""

from __future__ import annotations

import functools
import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

#: Why a block does not run, said to the reader or, in a comment, to the author alone.
_EXCUSES = (
    re.compile(r"<!-- not run: (.+?) -->\s*$"),
    re.compile(r"^Not run by the tests: (.+)", re.DOTALL),
    re.compile(r"<!-- (begin: file) .+? -->\s*$"),  # test_complete.py compares it with the file
    re.compile(r"<!-- (command: \w+) -->\s*$"),  # .ci/run runs it
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        place: Page and line, as messages and tests name them.
        language: What stands behind the fence.
        code: What is in it.
        excuse: Why it does not run, if it does not.
    """

    place: str
    language: str
    code: str
    excuse: str | None


def pages() -> list[Path]:
    """Return all pages, those at the root of the repository first."""
    below = (path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
    return [*sorted(ROOT.glob("*.md")), *sorted(below)]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@functools.cache
def _tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").parse(page.read_text("utf-8"))


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    found, before = [], ""
    for token in _tokens(page):
        if token.type == "fence":
            place = f"{name_of(page)}:{token.map[0] + 1}"
            found.append(Block(place, token.info.strip(), token.content, _excuse(before)))
        before = token.content or ("" if token.type == "fence" else before)
    return found


def _excuse(before: str) -> str | None:
    return next((said[1] for pattern in _EXCUSES if (said := pattern.search(before))), None)


def anchors(page: Path) -> set[str]:
    """Return the names by which a forge links to the headings of a page."""
    tokens = _tokens(page)
    titles = [after.content for token, after in itertools.pairwise(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(page: Path) -> list[str]:
    """Return what a page links to, on other hosts aside."""
    inner = (child for token in _tokens(page) for child in token.children or ())
    targets = (child.attrs.get("href") or child.attrs.get("src") for child in inner)
    return [target for target in targets if target and not re.match(r"\w+:", target)]
