"""Whatever a plugin raises, wherever it does, ends the command in one line, and nothing is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from faults.children import Children
from faults.scenes import OLDER, amounts, chosen, names, tree

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no fork")

PLUGIN = Path(__file__).with_name("plugin")

WRITING = (
    "import", "hook", "given", "write options", "codec", "new writer", "check", "write", "worker",
    "written", "finish",
)  # fmt: skip
READING = (
    "import", "hook", "read options", "codec", "new reader", "info", "prepare", "first batch",
    "last batch", "files",
)  # fmt: skip
FAULTS = (
    "KeyError", "OSError", "MemoryError", "RecursionError", "StopIteration", "two lines", "Mute",
    "SystemExit", "SystemExit with words", "GeneratorExit", "Wish", "KeyboardInterrupt",
)  # fmt: skip


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """Processes that have a format which raises where it is told to."""
    folder = tmp_path_factory.mktemp("faulty")
    info = folder / "mnistkit_faulty-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mnistkit-faulty\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[mnistkit.formats]\nfaulty = mnistkit_faulty\n")
    (folder / "children").mkdir()
    children = Children(folder / "children", PYTHONPATH=os.pathsep.join([str(folder), str(PLUGIN)]))
    yield children
    children.end()


def check_ended(outcome, place, fault):
    """Make sure that a command has ended in one line, with the right code.

    A card is imported by a thread, which nobody can interrupt; an import that is interrupted is named.
    """
    interrupted = fault == "KeyboardInterrupt" and place not in {"import", "hook"}
    assert outcome.code == (130 if interrupted else 1), outcome
    *before, said = outcome.err.splitlines()
    assert len(before) == (1 if interrupted and place == "codec" else 0), outcome
    assert all("of mnistkit-faulty 1: interrupted while its" in line for line in before)
    assert "Traceback" not in said
    assert said == "mnistkit: interrupted" or not interrupted


@pytest.fixture
def break_at(scene, tally, faulty):
    """Export with a plugin that raises, again and again; then with one that does not."""

    def run(place, faults, **how):
        broken = scene("idx", OLDER)
        for fault in faults:
            environment = {"FAULTY_FORMAT": f"{place}:{fault}"}
            outcome = broken.export(
                children=faulty, habits=["forget formats"], environment=environment, **how
            )
            tally["faults of plugins"] += 1
            check_ended(outcome, place, fault)
            assert names(broken.place) == ["out"]
            assert tree(broken.out) == broken.old
        assert broken.export(children=faulty, habits=["forget formats"], **how).code == 0
        assert names(broken.place) == ["out"]
        assert tree(broken.out) != broken.old

    return run


@amounts(1, None)
@pytest.mark.parametrize("place", WRITING)
def test_a_writer_that_raises(break_at, place, amount):
    break_at(place, [FAULTS[n] for n in chosen(FAULTS, amount, place)], to="faulty")


@amounts(1, None)
@pytest.mark.parametrize("place", READING)
def test_a_reader_that_raises(break_at, place, amount):
    break_at(place, [FAULTS[n] for n in chosen(FAULTS, amount, place)], more=["--from", "faulty"])


@pytest.mark.parametrize("place", ["new writer", "written"])
def test_a_plugin_that_says_all_is_well_is_not_believed(break_at, place):
    break_at(place, ["SystemExit"], to="faulty")


@amounts(1, None)
def test_a_reader_that_raises_while_an_export_is_verified(scene, tally, faulty, amount):
    broken = scene("idx", OLDER)
    how = {"children": faulty, "habits": ["forget formats"], "to": "faulty", "more": ["--verify"]}

    for number in chosen(FAULTS, amount):
        fault = FAULTS[number]
        outcome = broken.export(environment={"FAULTY_FORMAT": f"last batch:{fault}"}, **how)
        tally["faults of plugins"] += 1
        assert outcome.code in (1, 3, 130), outcome
        assert len(outcome.err.splitlines()) == 1, outcome
        assert names(broken.place) == ["out"]
        assert tree(broken.out) == broken.old


def test_a_card_that_raises_while_a_source_is_looked_at_hurts_nobody(scene, tally, faulty):
    looked_at = scene("idx", OLDER)
    (looked_at.folder / "renamed").mkdir()
    for path in looked_at.source.glob("train-*"):
        (looked_at.folder / "renamed" / path.name).write_bytes(path.read_bytes())

    for fault in ("KeyError", "Mute", "OSError", "SystemExit"):
        environment = {"FAULTY_FORMAT": f"sniff:{fault}"}
        outcome = faulty.run("info", looked_at.folder / "renamed", environment=environment)
        tally["faults of plugins"] += 1
        assert outcome.code == 0, outcome
        assert outcome.err == ""
