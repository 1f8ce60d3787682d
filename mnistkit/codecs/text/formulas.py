"""Texts that a spreadsheet would take for a formula: ``=cmd|' /C calc'!A0`` in a cell starts a program.

What counts is OWASP's list ("CSV Injection"): a cell that begins with one of four signs, wide or not.
Where cells begin is the spreadsheet's to choose: at tabs, commas and semicolons, whatever the file's own
separator; and it may leave out blanks and quotes.
"""

from __future__ import annotations

import re

_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"  # the last four are the wide ones
_CELL = re.compile(rf"""(?:^|[,;|\t])[\s"']*[{_SIGNS}]""")
_IN_JSON = re.compile(rf"""(?<=[,;|\s"'])[{_SIGNS}]""")


def begins_formula(text: str) -> bool:
    """Whether a spreadsheet may find a formula in a text, wherever it begins cells."""
    return _CELL.search(text) is not None


def without_formulas(json: str) -> str:
    r"""Return JSON in which no cell begins a formula: such signs are escaped, as ``\u003d``.

    >>> without_formulas('["=1+1", "T-shirt"]')
    '["\\u003d1+1", "T-shirt"]'
    """
    return _IN_JSON.sub(lambda sign: f"\\u{ord(sign[0]):04x}", json)
