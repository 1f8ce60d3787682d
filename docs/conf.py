"""How Sphinx makes a site of these pages: ``nox -s docs``."""

from __future__ import annotations

import sys
from pathlib import Path

from mnistkit import __version__

sys.path.insert(0, str(Path(__file__).with_name("_ext")))

project = "mnistkit"
author = "The mnistkit founders"
copyright = author  # noqa: A001 - Sphinx's name for it
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "site_only"]
exclude_patterns = ["_build", "examples"]

html_theme = "furo"
html_title = f"mnistkit {release}"
html_show_copyright = False

highlight_language = "text"
napoleon_use_ivar = True  # attributes are members already: said twice, they would be a warning
myst_heading_anchors = 4  # `page.md#a-heading` works here as it does in a forge
