"""A worker that fails, or cannot be had, ends an export: none hangs, none is published in part."""

from __future__ import annotations

import os

import pytest
from faults.scenes import FORMATS, LIMITS, OLDER, amounts, names, tree

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no fork")

ENCODING = sorted({*FORMATS} - {"idx"})  # a plain IDX file is written as it comes

SAID = {
    "RuntimeError": "failed while writing: found RuntimeError: the worker broke; --debug shows where",
    "MemoryError": "too large for memory",
    "SystemExit": "SystemExit: 0; --debug shows where",
}


def check_refused(scene, outcome, said):
    assert outcome.code == 1, outcome
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert names(scene.place) == ["out"]
    assert tree(scene.out) == scene.old


@amounts(1, 3)
@pytest.mark.parametrize("fault", SAID)
@pytest.mark.parametrize("format", ENCODING)
def test_a_worker_that_fails(scene, tally, format, fault, amount):
    failing = scene(format, OLDER)

    jobs = min(amount, 2) if format in LIMITS else amount  # one for each split of few images
    for job in range(jobs):
        failing.reset()
        outcome = failing.export(habits=[["failing worker", job, fault]])
        tally["failing workers"] += 1
        check_refused(failing, outcome, SAID[fault])
    failing.check_aftermath()


def test_a_digest_that_fails(scene):
    failing = scene("idx", OLDER)

    outcome = failing.export(habits=["failing digest"])

    check_refused(failing, outcome, "mnistkit: failed while writing: found RuntimeError: the digest broke")
    failing.check_aftermath()


@amounts(1, 6)
@pytest.mark.parametrize("format", FORMATS)
def test_threads_that_cannot_be_had(scene, tally, format, amount):
    failing = scene(format, OLDER)

    for threads in range(amount):
        failing.reset()
        outcome = failing.export(habits=[["few threads", threads]])
        tally["failing workers"] += 1
        if outcome.code == 0:  # it needs no more
            assert threads > 0
        else:
            check_refused(failing, outcome, "can't start new thread")
    failing.check_aftermath()
