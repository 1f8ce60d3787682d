"""Links that lead out of a folder: followed, for so people lay out large data, but never without a word."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path

from mnistkit.printable import printable

log = logging.getLogger(__name__)


def tell_of_links(paths: Iterable[Path], folder: Path) -> None:
    """Say how many of some files and folders are links that lead out of a folder, and where one leads.

    Paths that pass through such a link are not counted; only the last step is looked at.
    """
    links = [path for path in paths if path.is_symlink()]
    home = os.path.realpath(folder)
    outside = [path for path in links if not Path(os.path.realpath(path)).is_relative_to(home)]
    if outside:
        target = printable(os.path.realpath(outside[0]))
        others = f", and {len(outside) - 1:,} more" if len(outside) > 1 else ""
        log.warning("%s: is a link out of the folder, to %s%s", outside[0], target, others)
