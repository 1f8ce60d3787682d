"""Ctrl-C and SIGTERM end an export at once, with their own exit codes, and leave nothing behind."""

from __future__ import annotations

import os
import random
import signal
import threading
import time

import pytest
from faults.scenes import FORMATS, NOTHING, OLDER, amounts, chosen, names

from mnistkit.cli import report
from mnistkit.engine.signals import held_signals

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals and no fork")

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
SAID = {130: "mnistkit: interrupted\n", 143: "mnistkit: terminated\n"}

signals = pytest.mark.parametrize("sent", CODES, ids=lambda sent: sent.name)


# ---------------------------------------------------------------- an export that is interrupted


@amounts(4, None)
@pytest.mark.parametrize("there", [NOTHING, OLDER])
@signals
def test_interrupted_at_any_step(scene, tally, there, sent, amount):
    interrupted = scene("idx", there)
    steps = interrupted.steps()

    for step in chosen(steps, amount):
        interrupted.reset()
        outcome = interrupted.export(accident=interrupted.accident("send", sent, step=step))
        tally["signals"] += 1
        assert (outcome.code, outcome.err) == (CODES[sent], SAID[CODES[sent]]), steps[step]
        assert set(names(interrupted.place)) <= {"out"}, steps[step]
        interrupted.check_aftermath()


@amounts(4, 150)
@pytest.mark.parametrize("habits", [[], ["two renames"]], ids=["exchange", "two renames"])
def test_interrupted_at_any_line(scene, tally, habits, amount):
    interrupted = scene("idx", OLDER)
    lines = interrupted.steps(lines=True, habits=habits)

    for line in chosen(lines, amount):
        interrupted.reset()
        accident = interrupted.accident("send", signal.SIGINT, line=line)
        outcome = interrupted.export(accident=accident, habits=habits)
        tally["signals"] += 1
        assert (outcome.code, outcome.err) == (130, SAID[130]), lines[line]
        interrupted.check_aftermath()


@amounts(1, 8)
@pytest.mark.parametrize("format", FORMATS)
def test_interrupted_at_any_moment(scene, tally, format, amount):
    interrupted = scene(format, OLDER)
    began = time.monotonic()
    assert interrupted.export().code == 0
    whole = time.monotonic() - began

    for moment in random.Random(format).sample(range(100), amount):
        for sent, code in CODES.items():
            interrupted.reset()
            export = interrupted.start()
            time.sleep(whole * moment / 100)  # the moment is what the test is about
            export.send(sent)
            outcome = export.wait()
            tally["signals"] += 1
            # Before Python listens and after it has stopped to, the system ends it.
            assert outcome.code in (0, code, -sent)
            assert outcome.err in ("", SAID[code]) or outcome.code != code
            interrupted.check_aftermath()


@signals
def test_interrupted_while_it_gets_ready(monkeypatch, capsys, sent):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(report, "_show_warnings", lambda _: signal.raise_signal(sent))

    try:
        with pytest.raises(report.Ended) as ended, report.reporting():
            pytest.fail("it ran")
    finally:
        signal.signal(signal.SIGTERM, before)

    assert (ended.value.code, capsys.readouterr().err) == (CODES[sent], SAID[CODES[sent]])


def test_a_signal_that_is_ignored_stays_so(scene):
    background = scene("idx", NOTHING)

    accident = background.accident("send", signal.SIGINT, step=20)
    outcome = background.export(accident=accident, habits=["ignore interrupts"])

    assert outcome.code == 0
    background.check_whole()


# ---------------------------------------------------------------- signals that wait


@pytest.fixture
def heard(monkeypatch):
    """Let SIGINT and SIGTERM be taken down."""
    heard = []
    before = {number: signal.signal(number, lambda n, _: heard.append(n)) for number in CODES}
    yield heard
    for number, handler in before.items():
        signal.signal(number, handler)


@signals
def test_a_signal_waits_for_the_end(heard, sent):
    with held_signals():
        signal.raise_signal(sent)
        assert heard == []

    assert heard == [sent]
    signal.raise_signal(sent)
    assert heard == [sent, sent]


def test_a_second_signal_does_not_wait(heard):
    with held_signals():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert heard == [signal.SIGINT]

    assert heard == [signal.SIGINT, signal.SIGTERM]


def test_a_signal_is_heard_where_all_else_fails(heard):
    with pytest.raises(OSError, match="full"), held_signals():  # noqa: PT012 - the signal comes first
        signal.raise_signal(signal.SIGTERM)
        raise OSError("full")

    assert heard == [signal.SIGTERM]


def test_signals_wait_for_the_outermost_end(heard):
    with held_signals():
        with held_signals():
            signal.raise_signal(signal.SIGINT)
        assert heard == []

    assert heard == [signal.SIGINT]


def test_other_threads_leave_signals_alone(heard):
    handler = signal.getsignal(signal.SIGINT)
    seen = []

    def hold():
        with held_signals():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()

    assert seen == [handler]


def test_what_no_python_code_handles_is_left_alone(heard):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

    with held_signals():
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
        signal.raise_signal(signal.SIGTERM)

    assert heard == []
