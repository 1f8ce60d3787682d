"""Each target holds for its seeds, for what fuzzing found, and for inputs made of both; and it can fail."""

from __future__ import annotations

import logging
import re
from collections import deque
from pathlib import Path

import pytest
from fuzz import replay
from fuzz.mutate import mutations
from fuzz.targets import TARGETS

import mnistkit.checksums
from mnistkit import native
from mnistkit.catalog import parse
from mnistkit.codecs.text import pure
from mnistkit.idx.codec import IdxFile
from mnistkit.receipt import Receipt

#: Inputs that each target is run on in the usual tests, beside seeds and findings: about two seconds' worth.
CHANGED = {"csv": 300, "mlnet": 200, "catalogue": 200, "native_png": 400}
MANY = 600

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def quiet():
    """Readers warn of what they assume, in each of thousands of files."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def loaded(name):
    if name.startswith("native_") and native.state() != "in use":
        pytest.skip(f"compiled loops: {native.state()}")
    return replay.load(name)


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_for_its_seeds(name):
    target = loaded(name)

    for data in target.seeds():
        target.target(data)


@pytest.mark.parametrize(
    "path", sorted(replay.FINDINGS.glob("*/*")), ids=lambda path: f"{path.parent.name}: {path.name}"
)
def test_what_fuzzing_found_is_mended(path):
    loaded(path.parent.name).target(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_for_changed_inputs(name):
    check_changed(name, seed=1998, count=CHANGED.get(name, MANY))


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_for_many_changed_inputs(name, seed):
    check_changed(name, seed=seed, count=50 * CHANGED.get(name, MANY))


def check_changed(name, *, seed, count):
    target = loaded(name)

    for data in replay.changed(name, seed=seed, count=count):
        try:
            target.target(data)
        except BaseException as error:
            error.add_note(f"input: {data!r}")
            raise


def test_changes_are_the_same_for_the_same_seed():
    some = [list(mutations([b"abc", b"defg"], [b"word"], seed=seed, count=200)) for seed in (1, 1, 2)]

    assert some[0] == some[1] != some[2]
    assert len(set(some[0])) > 100
    assert any(b"word" in data for data in some[0])


def test_every_target_has_words_seeds_and_a_property():
    for name in TARGETS:
        target = replay.load(name)
        assert target.DICTIONARY
        assert len(list(target.seeds())) > 5
        assert len(target.target.__doc__) > 80
    assert {path.stem for path in HERE.joinpath("targets").glob("*.py")} == {*TARGETS, "__init__"}
    assert {path.name for path in replay.FINDINGS.iterdir()} <= TARGETS.keys()


# ---------------------------------------------------------------- a property that cannot fail proves nothing


def _other_bytes(right):
    return lambda *given: bytes(byte ^ 1 for byte in right(*given))


def _other_numbers(decode):
    def wrong(text, layout, into=None):
        found = decode(text, layout, into)
        return None if found is None else (found[0] ^ 1, found[1])

    return wrong


def _first_line_lost(survey):
    return lambda text, layout: survey(text.partition(b"\n")[2], layout)


FAULTS = {
    "idx, trailing bytes read": ("idx", IdxFile, "_check_end", lambda _: lambda *_: None),
    "idx, other bytes": (
        "idx",
        IdxFile,
        "map",
        lambda right: lambda self, a, b: None if (found := right(self, a, b)) is None else found[::-1],
    ),
    "csv, one lane reads other numbers": ("csv", pure, "decode", _other_numbers),
    "csv, one lane loses a line": ("csv", pure, "survey", _first_line_lost),
    "mlnet, one lane reads other numbers": ("mlnet", pure, "decode", _other_numbers),
    "receipt, a field is forgotten": (
        "receipt",
        Receipt,
        "to_json",
        lambda right: lambda self: right(self).replace("a note", ""),
    ),
    "checksums, names may leave the folder": (
        "checksums",
        mnistkit.checksums,
        "_UNLISTABLE",
        lambda _: re.compile("(?!)"),
    ),
    "catalogue, faults are let pass": ("catalogue", parse, "problems", lambda _: lambda _: ()),
}


@pytest.mark.parametrize(("name", "place", "attribute", "spoilt"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found(monkeypatch, name, place, attribute, spoilt):
    target, inputs = loaded(name), [*replay.load(name).seeds(), *replay.changed(name, seed=1998, count=MANY)]
    monkeypatch.setattr(place, attribute, spoilt(getattr(place, attribute)))

    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the fault leads to
        deque(map(target.target, inputs), maxlen=0)
