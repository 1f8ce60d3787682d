"""Makes the package of a new plugin out of a template that works as it is.

The template is the plugin of a format called ``sketch``; its names are replaced.  A line of it that ends
in ``# reader``, and what stands between ``# <reader>`` and ``# </reader>``, is there for a format that
reads; ``writer``, ``both`` and ``complete`` (not ``--minimal``) likewise.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from mnistkit.border import plugin_border
from mnistkit.engine.durable import sync_export
from mnistkit.engine.publish import check_destination, publish
from mnistkit.engine.scratch import EXPORT, scratch_folder
from mnistkit.errors import DestinationError, UsageError
from mnistkit.naming import PACKED
from mnistkit.registry import find_formats

#: File of the template -> when it is needed.  A name that begins with ``dot-`` is hidden.
_FILES = {
    "pyproject.toml": "",
    "README.md": "complete",
    "LICENSE": "complete",
    "dot-gitignore": "complete",
    "dot-github/workflows/test.yml": "complete",
    "mnistkit_sketch/__init__.py": "",
    "mnistkit_sketch/reader.py": "reader",
    "mnistkit_sketch/writer.py": "writer",
    "mnistkit_sketch/py.typed": "",
    "test_sketch.py": "",
}

_NAME = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")
_LONGEST = 30  # characters of a name, which lines of the template have room for
_LINE = re.compile(r"  # (reader|writer|both|complete)$")
_BLOCK = re.compile(r"# <(/?)(reader|writer|both|complete)>$")


@dataclass(frozen=True, slots=True)
class NewPlugin:
    """The package that was made: its folder, and the names of its files in it."""

    folder: Path
    files: tuple[str, ...]


def make_plugin(
    name: str, out: Path | None = None, *, reader: bool = True, writer: bool = True, minimal: bool = False
) -> NewPlugin:
    """Make a package with a plugin for a format that does not exist yet: whole or not at all.

    Args:
        name: The format, as ``--to`` will say.
        out: The folder to make; ``mnistkit-NAME`` in the current folder by default.
        reader: Whether it reads.
        writer: Whether it writes.
        minimal: Leave out README, licence and files for GitHub.

    Raises:
        UsageError: A name that is taken or that no format can have, or neither reader nor writer.
        DestinationError: The folder is there already, or cannot be written.
    """
    _check_name(name)
    wanted = {side for side, there in (("reader", reader), ("writer", writer)) if there}
    if not wanted:
        raise UsageError("", "a plugin reads or writes, or both")
    wanted |= {"both"} if len(wanted) == 2 else set()
    wanted |= set() if minimal else {"complete"}
    texts = dict(_filled(name, wanted))
    folder = Path(f"mnistkit-{_dashed(name)}") if out is None else out
    _write(folder, texts)
    return NewPlugin(folder, tuple(texts))


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        expected = f"at most {_LONGEST} small letters and digits, with - or _ between, such as npz2"
        raise UsageError("", "no name for a format", expected=expected, found=repr(name))
    if name.startswith("mnistkit"):
        raise UsageError("", f"format {name!r}", todo="name the format alone, without mnistkit")
    if f".{name}" in PACKED:
        raise UsageError("", f"format {name!r}", todo=f"choose another name: .{name} is how packed files end")
    if claims := find_formats().get(name):
        found = f"{claims[0].distribution} {claims[0].version}"
        raise UsageError("", f"format {name!r} is there already", found=found, todo="choose another name")


def _filled(name: str, wanted: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file, with the names of the format."""
    template = files(__name__) / "template"
    for path, need in _FILES.items():
        if not need or need in wanted:
            text = "".join(_chosen((template / path).read_text("utf-8"), wanted))
            text = text.rstrip("\n") + "\n" if text else ""  # a block that is left out may be the last
            yield _named(path.replace("dot-", "."), name), _named(text, name)


def _chosen(text: str, wanted: Collection[str]) -> Iterator[str]:
    """Yield the lines of a file that are wanted, without the marks that say which."""
    left_out: set[str] = set()
    for line in text.splitlines(keepends=True):
        block, mark = _BLOCK.match(line.rstrip()), _LINE.search(line.rstrip())
        if block:
            left_out ^= {block[2]} - {*wanted}
        elif not left_out and (mark is None or mark[1] in wanted):
            yield line if mark is None else line[: mark.start()] + "\n"


def _named(text: str, name: str) -> str:
    identifier = name.replace("-", "_")
    for old, new in (
        ("mnistkit-sketch", f"mnistkit-{_dashed(name)}"),
        ("mnistkit_sketch", f"mnistkit_{identifier}"),
        ("test_sketch", f"test_{identifier}"),
        ("Sketch", _class_prefix(name)),
        ("sketch", name),
    ):
        text = text.replace(old, new)
    return text


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _class_prefix(name: str) -> str:
    """Turn ``gif-sheet`` into ``GifSheet``; ``3d`` into ``Format3d``, for a class begins with a letter."""
    prefix = "".join(word.capitalize() for word in re.split("[-_]", name))
    return prefix if prefix[0].isalpha() else f"Format{prefix}"


def _write(folder: Path, texts: dict[str, str]) -> None:
    if os.path.lexists(folder):
        raise DestinationError(folder, "exists already", todo="choose another --out")
    check_destination(folder, overwrite=False, source=None)
    digest = hashlib.sha256("".join(texts.values()).encode()).hexdigest()[:12]
    with scratch_folder(folder, digest) as scratch, plugin_border("mnistkit", doing="writing", where=folder):
        for path, text in texts.items():
            file = scratch / EXPORT / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        sync_export(scratch / EXPORT)
        publish(scratch, folder, overwrite=False, source=None)
