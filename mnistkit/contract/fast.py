"""The fast part of the contract: what is checked of an installed plugin in about a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mnistkit import catalog
from mnistkit.border import described
from mnistkit.contract import card, content, writing
from mnistkit.contract.faults import Fault
from mnistkit.contract.subject import Subject
from mnistkit.errors import MnistkitError
from mnistkit.installed import api_found
from mnistkit.registry import load_format


class Check(NamedTuple):
    """One thing that a format is held to.

    Attributes:
        claim: What holds where all is well, as a sentence without a full stop.
        needs: The sides that a format must have to be held to it: reader, writer or both.
        run: Raises where it does not hold; takes the format and an empty folder.
    """

    claim: str
    needs: tuple[str, ...]
    run: Callable[[Subject, Path], None]


#: What is begun first: a plugin that does not come so far is broken.
FIRST = "it can be loaded"

#: What is begun when all else has been checked: a plugin may keep its process from ending.
LAST = "its process ends well"

_BOTH = ("reader", "writer")

CHECKS = (
    Check("its card is light", (), lambda subject, _: card.is_light(subject)),
    Check("its card says what it is", (), lambda subject, _: card.says_what_it_is(subject)),
    Check("its reader and writer are there", (), lambda subject, _: card.leads_to_its_classes(subject)),
    Check("its options are explained", (), lambda subject, _: card.explains_its_options(subject)),
    Check("its own files are recognised", _BOTH, card.recognises_its_own_beside_bundled_ones),
    Check("a small dataset comes back", _BOTH, content.comes_back),
    Check("any rows can be read", _BOTH, content.gives_any_rows),
    Check("bytes do not depend on workers", ("writer",), writing.writes_the_same_bytes),
    Check("a writer names what it wrote", ("writer",), writing.names_what_it_wrote),
    Check("a writer keeps no batches", ("writer",), writing.holds_few_batches),
    Check("a failing source leaves nothing", ("writer",), content.leaves_nothing_of_a_failure),
)


@dataclass(frozen=True, slots=True)
class Witness:
    """Told of a check as it goes on, so that whoever waits knows how far it came.

    Attributes:
        begin: Told each claim before it is checked.
        api: Told the version of the plugin interface.
        problem: Told why a plugin cannot be used at all.
        fault: Told what it does not keep of its contract.
    """

    begin: Callable[[str], None]
    api: Callable[[int | None], None]
    problem: Callable[[str], None]
    fault: Callable[[str], None]


def check_plugin(kind: str, name: str, folder: Path, witness: Witness) -> None:
    """Hold a plugin to the fast part of the contract; of a dataset, nothing is fetched.

    Args:
        kind: ``format`` or ``dataset``.
        name: Its name.
        folder: An empty folder to work in.
        witness: Told what is found.
    """
    witness.begin(FIRST)
    try:
        if kind == "dataset":
            catalog.find(name)
        else:
            witness.api(load_format(name).api)
    except MnistkitError as error:
        witness.api(api_found(error))
        witness.problem(str(error))
    else:
        if kind == "format":
            _check_format(name, folder, witness)
    witness.begin(LAST)


def _check_format(name: str, folder: Path, witness: Witness) -> None:
    for number, check in enumerate(CHECKS):
        if all(getattr(load_format(name), side) for side in check.needs):
            witness.begin(check.claim)
            place = folder / str(number)
            place.mkdir()
            if found := _fault(check, Subject(name), place):
                witness.fault(f"expected that {check.claim}, found: {found}")


def _fault(check: Check, subject: Subject, folder: Path) -> str:
    try:
        check.run(subject, folder)
    except (Fault, MnistkitError) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises is a finding about that plugin
        return described(error)
    return ""
