"""Every code block of every page runs, or says why not."""

from __future__ import annotations

import pytest
from docs.pages import blocks, name_of, pages
from docs.running import Reader, is_here, is_runnable, needs

PAGES = {name_of(page): page for page in pages()}


def _cases() -> list:
    """Return each page with what some of its blocks need and not every machine has."""
    wanted = {(name, needs(b)) for name, page in PAGES.items() for b in blocks(page) if not b.excuse}
    cases = sorted((name, sorted(needed)) for name, needed in wanted if needed)
    return [pytest.param(name, set(needed), id=f"{name}-{'+'.join(needed)}") for name, needed in cases]


@pytest.mark.parametrize("name", PAGES)
def test_every_block_has_a_language_that_runs_or_a_reason_not_to_run(name):
    idle = [b.place for b in blocks(PAGES[name]) if not (b.excuse or is_runnable(b.language))]

    assert not idle


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("name", PAGES)
def test_the_blocks_of_a_page_run_from_top_to_bottom(name, cli, monkeypatch):
    reader = Reader(cli, monkeypatch)

    for block in blocks(PAGES[name]):
        if not block.excuse and not needs(block):
            reader.run(block)


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(("name", "needed"), _cases())
def test_blocks_for_what_not_every_machine_has_run_where_it_is(name, needed, cli, monkeypatch):
    if missing := sorted(need for need in needed if not is_here(need)):
        pytest.skip(f"{', '.join(missing)}: not here")
    reader = Reader(cli, monkeypatch)

    for block in blocks(PAGES[name]):
        if not block.excuse and needs(block) <= needed:
            reader.run(block)
