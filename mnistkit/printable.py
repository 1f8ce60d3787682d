"""Text that others wrote, as one line that a terminal shows and does not obey.

Names of classes, files and columns come from whoever made a dataset.  They may hold escape sequences that
recolour or erase what was said, marks that turn the direction of writing, and line ends that forge a message.
"""

from __future__ import annotations

import unicodedata

#: Joiners of zero width are format characters, but Persian, Indic scripts and emoji are written with them.
_JOINERS = "\u200c\u200d"

#: Blanks of other widths, and characters for private use, neither of which Python calls printable.
_SHOWN = ("Zs", "Co")


def printable(text: str) -> str:
    r"""Return a text with control and format characters, line ends and lone surrogates spelt as escapes.

    >>> printable("red \x1b[31m")
    'red \\x1b[31m'
    """
    return text if text.isprintable() else "".join(map(_spelt, text))


def _spelt(character: str) -> str:
    shown = character.isprintable() or character in _JOINERS or unicodedata.category(character) in _SHOWN
    return character if shown else character.encode("unicode_escape").decode("ascii")
