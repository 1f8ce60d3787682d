"""Order is kept, little is held, and what fails in a thread is raised where it is used."""

from __future__ import annotations

import threading

import pytest

from mnistkit import parallel
from mnistkit.parallel import Lane, ordered_map, read_ahead


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_order_and_few_items_are_held(workers):
    held = most = 0

    def items():
        nonlocal held, most
        for i in range(100):
            held += 1
            most = max(most, held)
            yield i

    results = []
    for result in ordered_map(lambda i: i * i, items(), workers):
        held -= 1
        results.append(result)

    assert results == [i * i for i in range(100)]
    assert most <= workers + 1


@pytest.mark.parametrize("workers", [1, 3])
def test_failures_of_function_and_source_come_out(workers):
    def failing():
        yield 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(ordered_map(lambda i: 1 // i, [1, 0, 1], workers))
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(lambda i: i, failing(), workers))


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_of_several_failures_the_first_comes_out_however_many_workers_there_are(workers):
    def items():
        yield from (1, 0)
        raise OSError

    with pytest.raises(ZeroDivisionError):
        list(ordered_map(lambda i: 1 // i, items(), workers))


def test_reading_ahead_keeps_order_and_bounds():
    taken = []

    def source():
        for i in range(50):
            taken.append(i)
            yield i

    seen = []
    for item in read_ahead(source(), depth=2):
        seen.append(item)
        assert len(taken) <= len(seen) + 3

    assert seen == list(range(50))


def test_reading_ahead_raises_where_it_is_used():
    def failing():
        yield 1
        raise ZeroDivisionError

    ahead = read_ahead(failing())

    assert next(ahead) == 1
    with pytest.raises(ZeroDivisionError):
        next(ahead)


def test_leaving_early_stops_the_thread_and_closes_the_source():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    ahead = read_ahead(endless())
    next(ahead)
    ahead.close()

    assert closed.is_set()
    assert not [t for t in threading.enumerate() if t.name == "mnistkit-read-ahead"]


def test_lane_does_jobs_in_order_and_raises_what_they_raise():
    done = []
    lane = Lane(waiting=2)
    for i in range(20):
        lane.submit(lambda i=i: done.append(i))
    lane.submit(lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        lane.close()

    assert done == list(range(20))


@pytest.fixture
def impatient(monkeypatch):
    """Wait for hanging threads a moment only; they are released in the end."""
    monkeypatch.setattr(parallel, "_PATIENCE", 0.05)
    released = threading.Event()
    yield released
    released.set()


def test_a_function_that_hangs_keeps_nobody_from_leaving(impatient):
    hung = ordered_map(lambda wait: impatient.wait() if wait else wait, [False, True, True, True], 2)

    assert next(hung) is False
    hung.close()

    assert all(t.daemon for t in threading.enumerate() if t.name == "mnistkit")


def test_a_source_that_hangs_keeps_nobody_from_leaving(impatient):
    def source():
        yield 1
        impatient.wait()

    ahead = read_ahead(source())

    assert next(ahead) == 1
    ahead.close()


def test_threads_end_with_the_work():
    assert list(ordered_map(abs, range(50), 4)) == list(range(50))

    assert not [t for t in threading.enumerate() if t.name == "mnistkit"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_thread_that_could_not_start_hides_nothing(monkeypatch, error):
    def start(thread):
        raise error("no thread")

    monkeypatch.setattr(threading.Thread, "start", start)

    with pytest.raises(error, match="no thread"):
        list(ordered_map(str, range(5), 2))
