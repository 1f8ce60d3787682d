"""The process in which one plugin is checked: ``python -m mnistkit.contract format|dataset NAME FOLDER``.

What it finds goes to ``FOLDER/findings``, a line of JSON each, so that neither what the plugin prints
nor how it ends can spoil it::

    {"begin": "it can be loaded"}
    {"api": 1}
    {"begin": "its card is light"}
    {"fault": "expected that its card is light, found: mnistkit_npy imports numpy"}
    {"begin": "its process ends well"}
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

from mnistkit.contract.fast import Witness, check_plugin


def main(kind: str, name: str, folder: Path) -> None:
    """Check one plugin."""
    work = folder / "work"
    work.mkdir()
    with (folder / "findings").open("w", encoding="utf-8", buffering=1) as findings:

        def tell(what: str, value: object) -> None:
            print(json.dumps({what: value}), file=findings)

        words = ("begin", "api", "problem", "fault")
        check_plugin(kind, name, work, Witness(**{word: partial(tell, word) for word in words}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
