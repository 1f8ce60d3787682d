"""Names that somebody may choose who wishes us ill, and what must never come of them."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

#: What systems, shells, terminals or spreadsheets would take for something else than a name.
NAMES = {
    "parent": "../../evil",
    "parent alone": "..",
    "here": ".",
    "absolute": "/etc/cron.d/evil",
    "home": "~/evil",
    "parent of Windows": "..\\..\\evil",
    "drive": "C:\\evil",
    "drive alone": "C:",
    "stream": "evil.txt:hidden",
    "share": "\\\\server\\share\\evil",
    "device": "CON",
    "device with an ending": "nul.txt",
    "device with a raised digit": "COM¹",
    "device with a blank": "aux ",
    "ends with dots": "evil...",
    "ends with a blank": "evil ",
    "begins with a blank": " evil",
    "hidden": ".bashrc",
    "option": "--checkpoint-action=exec=sh",
    "shell": "$(touch evil)`touch evil`;touch evil",
    "wildcards": "*?<>|",
    "quotes": "\"'`",
    "markup of rich": "[red]evil[/red]",
    "link of rich": "[link=http://evil.example]evil",
    "markup of HTML": "<script>alert(1)</script>&amp;",
    "end of XML": "]]></PropertyGroup><!--",
    "C# string": '\\"; System.Diagnostics.Process.Start("calc"); //',
    "C# comment": "*/ evil();\u2028evil(); /*",
    "template": "$namespace ${names} {folder} %s %(x)s",
    "upper case": "A",
    "lower case": "a",
    "composed": "\u00e9vil",
    "decomposed": "e\u0301vil",
    "ligature": "\ufb01le",
    "right to left": "\u202egnp.exe",
    "isolated": "\u2067evil\u2069",
    "no width": "e\u200bvil\ufeff",
    "percent": "%2e%2e%2fevil",
    "300 bytes": "\u00e9" * 150,
    "300 letters": "x" * 300,
}

#: These also hold what no cell, folder or terminal has a place for.
CONTROLS = {
    "line end": "evil\nmnistkit: forged",
    "carriage return": "\rmnistkit: forged",
    "tab": "evil\tevil",
    "erases the screen": "\x1b[2J\x1b[H",
    "title of the window": "\x1b]0;evil\x07",
    "a link": "\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "escape of eight bits": "\x9b31m",
    "backspaces": "evil\b\b\b\b",
    "delete": "\x7f",
    "line separator": "evil\u2028forged",
}

#: What spreadsheets take for a formula: alone, behind blanks and quotes, behind what they may cut cells at.
FORMULAS = {
    "equals": "=1+1",
    "plus": "+1+1",
    "minus": "-1+1",
    "at": "@SUM(1)",
    "dde": "=cmd|' /C calc'!A0",
    "wide equals": "\uff1d1+1",
    "wide plus": "\uff0b1+1",
    "wide minus": "\uff0d1+1",
    "wide at": "\uff20SUM(1)",
    "behind a comma": "shirt,=cmd|' /C calc'!A0,",
    "behind a semicolon": "shirt;=1+1",
    "behind a bar": "shirt|@SUM(1)",
    "behind a comma and a blank": "shirt, +1",
    "behind a comma and a quote": 'shirt,"=1+1"',
    "behind a comma and a wide blank": "shirt,\u3000=1+1",
}

ALL = {**NAMES, **CONTROLS, **FORMULAS}

_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE)


def is_portable(name: str) -> bool:
    """Whether a file or folder may be called so on Linux, macOS and Windows alike.

    Windows: learn.microsoft.com, "Naming Files, Paths, and Namespaces".
    """
    return (
        0 < len(os.fsencode(name)) <= 255
        and not re.search(r'[<>:"/\\|?*\x00-\x1f]', name)
        and not name.endswith((".", " "))
        and not _DEVICES.fullmatch(name)
        and unicodedata.normalize("NFC", name) == name
        and obeyed(name) == set()
    )


def tree(folder: Path) -> Iterator[str]:
    """Yield the paths of all that is in a folder, relative to it."""
    return (path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def obeyed(text: str) -> set[str]:
    """Return the characters that a terminal obeys or shows as something else; line ends are left out."""
    strange = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    return strange - {"\n", "\u200c", "\u200d"}
