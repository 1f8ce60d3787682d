"""Phases are exclusive and add up."""

from __future__ import annotations

import pickle

import pytest

from mnistkit import clock as module
from mnistkit.clock import Clock


@pytest.fixture
def ticks(monkeypatch):
    """Let each look at the time take a second."""
    now = iter(range(1000))
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(now))


def test_an_outer_phase_stands_still_inside_another(ticks):
    clock = Clock()

    with clock.phase("write"):
        with clock.phase("read"):
            pass
        with clock.phase("read"):
            pass

    assert clock.seconds == {"write": 3, "read": 2}


def test_watching_charges_the_getting_not_the_use(ticks):
    clock = Clock()

    with clock.phase("write"):
        items = list(clock.watch("encode", iter("ab")))

    assert items == ["a", "b"]
    assert clock.seconds == {"write": 4, "encode": 3}


def test_a_watch_that_is_closed_closes_its_source():
    closed = []

    def source():
        try:
            yield from range(9)
        finally:
            closed.append(True)

    watched = Clock().watch("read", source())
    next(watched)
    watched.close()

    assert closed == [True]


def test_an_error_ends_its_phase(ticks):
    clock = Clock()

    with pytest.raises(ValueError, match="no"), clock.phase("write"), clock.phase("read"):
        raise ValueError("no")

    assert clock.seconds == {"write": 2, "read": 1}


def test_a_clock_begins_anew_elsewhere(ticks):
    clock = Clock()
    with clock.phase("write"):
        pass

    assert pickle.loads(pickle.dumps(clock)).seconds == {}
