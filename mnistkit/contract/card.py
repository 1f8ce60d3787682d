"""The card of a format is light, says what the format is, and recognises its files."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from mnistkit.compression import head_of
from mnistkit.contract.faults import Fault, expect
from mnistkit.contract.subject import Subject
from mnistkit.contract.watching import files_below
from mnistkit.options import Option, build, options_of
from mnistkit.plugin import API, Reader, Writer
from mnistkit.registry import OWN, RESERVED, find_formats, load_format, load_reader, load_writer, only_claim
from mnistkit.resolve import verdict_of

#: What a card may import beside the standard library and its own package, which includes other cards.
LIGHT = ("mnistkit", "pluggy")

#: What other tools call an option -> what mnistkit calls it in every format.
NAMES = {
    "codec": "compression", "compress": "compression", "compressor": "compression",
    "dialect": "preset", "flavor": "preset", "flavour": "preset",
    "mode": "layout", "orient": "layout", "structure": "layout", "style": "layout",
}  # fmt: skip

#: Imports a module and tells what came along; what it prints is told too, and kept from stdout.
_IMPORTING = """
import contextlib, importlib, io, json, sys
before, printed = set(sys.modules), io.StringIO()
with contextlib.redirect_stdout(printed):
    importlib.import_module(sys.argv[1])
packages = {name.partition(".")[0] for name in sys.modules.keys() - before} - sys.stdlib_module_names
print(json.dumps({"packages": sorted(packages), "printed": printed.getvalue()}))
"""


def is_light(subject: Subject) -> None:
    """Importing the module of the card imports nothing that takes time, and prints nothing.

    Raises:
        Fault: It imports more than the standard library, pluggy and cards, or prints.
    """
    if subject.format not in find_formats():
        load_format(subject.format)  # says so
    plugin = only_claim(find_formats()[subject.format])
    command = [sys.executable, "-c", _IMPORTING, plugin.module]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own code
    expect(run.returncode == 0, f"{plugin.module} cannot be imported: {run.stderr}")
    told = json.loads(run.stdout.splitlines()[-1])
    heavy = [name for name in told["packages"] if not _is_light(name, plugin.package)]
    expect(not heavy, f"{plugin.module} imports {', '.join(heavy)}")
    expect(not told["printed"], f"{plugin.module} prints: {told['printed']!r}")


def _is_light(name: str, own: str) -> bool:
    return name in (*LIGHT, own) or name.startswith("mnistkit_")


def says_what_it_is(subject: Subject) -> None:
    """The card has the entry point's name, this interface, one sentence and suffixes.

    Raises:
        Fault: It has not.
    """
    card = load_format(subject.format)
    expect(card.name == subject.format, f"the card is named {card.name!r}, not {subject.format!r}")
    expect(card.api == API, f"api is {card.api}, not {API}")
    expect(card.summary.endswith("."), f"summary is no sentence: {card.summary!r}")
    expect(card.suffixes, "no suffixes")
    expect(all(card.suffixes), f"suffixes {card.suffixes}")


def leads_to_its_classes(subject: Subject) -> None:
    """Reader and writer lead to a Reader and a Writer.

    Raises:
        Fault: There is neither.
        PluginError: One of them leads elsewhere.
    """
    card = load_format(subject.format)
    expect(card.reader or card.writer, "neither reader nor writer")
    if card.reader:
        expect(issubclass(load_reader(card), Reader), f"{card.reader} is no Reader")
    if card.writer:
        expect(issubclass(load_writer(card), Writer), f"{card.writer} is no Writer")


def explains_its_options(
    subject: Subject,
    sides: tuple[Literal["read_options", "write_options"], ...] = ("read_options", "write_options"),
) -> None:
    """Every option has a default, a sentence of help, and the name that it has in every format.

    Raises:
        Fault: One has not.
        UsageError: One does not allow its own default.
    """
    for side in sides:
        declared = getattr(load_format(subject.format), side)
        fields, options = dataclasses.fields(declared), options_of(declared)
        expect(declared.__dataclass_params__.frozen, f"{declared.__name__} is not frozen")
        expect([f.name for f in fields] == [o.name for o in options], "an option without default")
        for option in options:
            _check_option(option)
            expect(side == "read_options" or option.name not in RESERVED, f"{option.name!r} is the core's")
            build(declared, {option.name: option.default}, where=option.name)


def _check_option(option: Option) -> None:
    expect(option.help.endswith("."), f"help of {option.name!r} is no sentence: {option.help!r}")
    if option.name in NAMES:
        raise Fault(f"{option.name!r} is called {NAMES[option.name]!r} elsewhere")


def recognises_its_own(subject: Subject, folder: Path, among: Iterable[str] | None = None) -> None:
    """The format says yes to what it writes by default, and no other format that works does.

    Or it says maybe, and one format of another distribution says yes: the files are that one's to read
    where nobody says ``--from``.

    Args:
        subject: The format.
        folder: An empty folder.
        among: Names of the formats to ask, by default of all.

    Raises:
        Fault: It does not, or another does too.
    """
    head, names = _seen_of(subject.format, folder)
    asked = find_formats() if among is None else among
    verdicts = {name: verdict_of(name, head, names) for name in asked}
    saying_yes = [name for name, verdict in verdicts.items() if verdict == "yes"]
    if (
        verdicts.get(subject.format) == "maybe"
        and len(saying_yes) == 1
        and _is_foreign(saying_yes[0], subject)
    ):
        return
    shared = len(saying_yes) > 1 and subject.format in saying_yes
    hint = "; to files of another format, say maybe" if shared else ""
    expect(saying_yes == [subject.format], f"recognised by {', '.join(saying_yes) or 'nobody'}{hint}")


def recognises_its_own_beside_bundled_ones(subject: Subject, folder: Path) -> None:
    """The format says yes to what it writes by default, and no bundled format does; no other is imported.

    Raises:
        Fault: It does not, or another does too.
    """
    recognises_its_own(subject, folder, dict.fromkeys([*_bundled(), subject.format]))


def leaves_others_alone(subject: Subject, folder: Path) -> None:
    """The format does not say yes to what other bundled formats write by default.

    Raises:
        Fault: It does.
    """
    taken = []
    for name in _bundled():
        place = folder / name
        place.mkdir()
        if name != subject.format and verdict_of(subject.format, *_seen_of(name, place)) == "yes":
            taken.append(name)
    expect(not taken, f"says yes to what other formats write: {', '.join(taken)}")


def _is_foreign(name: str, subject: Subject) -> bool:
    """Whether a format comes from another distribution than the subject."""
    theirs, own = ({claim.distribution for claim in find_formats()[one]} for one in (name, subject.format))
    return not theirs & own


def _bundled() -> list[str]:
    return [name for name, claims in find_formats().items() if {c.distribution for c in claims} == {OWN}]


def _seen_of(name: str, folder: Path) -> tuple[bytes, list[str]]:
    """Write a small dataset; return what cards see of it: the head of the largest file, and all names."""
    usual = Subject(name)
    usual.write(usual.drawn(), folder)
    files = files_below(folder)
    head = head_of(max(files, key=lambda path: path.stat().st_size))
    return head, [path.relative_to(folder).as_posix() for path in files]
