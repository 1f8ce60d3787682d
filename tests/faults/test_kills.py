"""However an export is killed, the old or the new whole thing is there, and the next one succeeds."""

from __future__ import annotations

import os
import random
import time

import pytest
from faults.scenes import FORMATS, NOTHING, OLDER, amounts, chosen, names

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no kill -9 and no fork")

SWAPS = {"exchange": [], "two renames": ["two renames"]}


@amounts(1, 18)
@pytest.mark.parametrize("there", [NOTHING, OLDER])
@pytest.mark.parametrize("format", FORMATS)
def test_killed_at_any_moment(scene, tally, format, there, amount):
    killed = scene(format, there)
    began = time.monotonic()
    assert killed.export().code == 0
    whole = time.monotonic() - began

    for moment in random.Random(f"{format} {there}").sample(range(100), amount):
        killed.reset()
        export = killed.start()
        time.sleep(whole * moment / 100)  # the moment is what the test is about
        export.send()
        tally["kills"] += export.wait().code == -9
        killed.check_aftermath()


@amounts(5, None)
@pytest.mark.parametrize("swap", SWAPS)
@pytest.mark.parametrize("there", [NOTHING, OLDER])
def test_killed_at_any_step(scene, tally, there, swap, amount):
    killed = scene("idx", there)
    steps = killed.steps(habits=SWAPS[swap])

    for step in chosen(steps, amount):
        killed.reset()
        outcome = killed.export(habits=SWAPS[swap], accident=killed.accident("kill", step=step))
        assert outcome.code == -9, steps[step]
        tally["kills at a step"] += 1
        killed.check_aftermath()


@pytest.mark.campaign
@pytest.mark.parametrize("there", [NOTHING, OLDER])
@pytest.mark.parametrize("format", sorted({*FORMATS} - {"idx"}))
def test_killed_at_any_step_of_any_format(scene, tally, format, there):
    killed = scene(format, there)
    steps = killed.steps()

    for step in chosen(steps, 25):
        killed.reset()
        tally["kills at a step"] += killed.export(accident=killed.accident("kill", step=step)).code == -9
        killed.check_aftermath()


@amounts(2, None)
@pytest.mark.parametrize("swap", SWAPS)
@pytest.mark.parametrize("left", ["half written", "half swapped"])
def test_killed_while_it_clears_up_after_a_killed_one(scene, tally, left, swap, amount):
    killed = scene("idx", OLDER)
    steps = killed.steps(habits=SWAPS["two renames"])
    half = len(steps) // 2 if left == "half written" else last(steps, "os.rename")
    before = {"habits": SWAPS["two renames"], "accident": killed.accident("kill", step=half)}
    killed.export(**before)
    clearing = killed.steps(habits=SWAPS[swap])

    for step in chosen(clearing, amount, left):
        killed.reset()
        killed.export(**before)
        assert names(killed.place) != ["out"]
        again = killed.export(habits=SWAPS[swap], accident=killed.accident("kill", step=step))
        assert again.code == -9, clearing[step]
        tally["kills at a step"] += 2
        killed.check_aftermath()


def last(steps, call):
    """Return the number of the last step that is such a call."""
    return max(number for number, step in enumerate(steps) if step.startswith(f"{call} "))


def test_what_a_killed_export_left_goes_even_where_the_next_is_refused(scene):
    killed = scene("idx", NOTHING)
    steps = killed.steps()
    published = next(n for n, step in enumerate(steps) if step.startswith("swap")) + 1
    killed.export(accident=killed.accident("kill", step=published))
    assert len(names(killed.place)) == 2

    refused = killed.export()

    assert refused.code == 1
    assert "exists already" in refused.err
    assert names(killed.place) == ["out"]
