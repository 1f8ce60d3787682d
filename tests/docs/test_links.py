"""Links between pages lead somewhere, in a forge as well as on the site."""

from __future__ import annotations

import pytest
from docs.pages import ROOT, anchors, links, name_of, pages


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_links_lead_to_files_and_headings_that_are_there(page):
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page

        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target), link


def test_pages_have_one_title_each():
    for page in pages():
        tokens = page.read_text("utf-8").split("```")[::2]
        titles = [line for text in tokens for line in text.splitlines() if line.startswith("# ")]

        assert len(titles) == 1, name_of(page)
