"""Ordered, bounded parallelism on threads: many at work, few in memory, results in order."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")

_DONE = object()

#: Seconds that whoever leaves waits for threads at work: one may hang in a plugin, and would never end.
_PATIENCE = 3.0


def usable_cpus() -> int:
    """Return how many CPUs this process may use: the default of ``--workers``."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ordered_map(function: Callable[[T], R], items: Iterable[T], workers: int) -> Generator[R]:
    """Yield ``function(item)`` for each item, in order, with up to ``workers`` at work.

    At most ``workers + 1`` items are held at once, however long the iterable is.
    The first exception in that order ends it, whether getting an item raised it or the function.
    """
    if workers <= 1:
        yield from map(function, items)
        return
    pool, pending = _Pool(workers), deque[Future[R]]()
    failures: list[Exception] = []
    try:
        for item in _until_failure(items, failures):
            pending.append(pool.submit(function, item))
            if len(pending) > workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
        if failures:
            raise failures[0]
    finally:
        for future in pending:
            future.cancel()
        pool.close()


class _Pool:
    """Threads that do what is submitted; unlike ``concurrent.futures``, none keeps the process alive."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[Any], Any], Any] | None] = (
            queue.SimpleQueue()
        )
        self._threads: list[threading.Thread] = []

    def submit(self, function: Callable[[T], R], item: T) -> Future[R]:
        """Queue a call, and start another thread if there may be one."""
        future: Future[R] = Future()
        self._jobs.put((future, function, item))
        if len(self._threads) < self._workers:
            thread = threading.Thread(target=_work, args=(self._jobs,), name="mnistkit", daemon=True)
            self._threads.append(thread)
            thread.start()
        return future

    def close(self) -> None:
        """End the threads, and wait for them a little while."""
        for _ in self._threads:
            self._jobs.put(None)
        end = time.monotonic() + _PATIENCE
        for thread in self._threads:
            if thread.ident is not None:  # a signal may come before it has started
                thread.join(max(end - time.monotonic(), 0))


def _work(jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[Any], Any], Any] | None]) -> None:
    while (job := jobs.get()) is not None:
        _do(*job)
        del job  # holds items and results no longer than need be


def _do(future: Future[R], function: Callable[[T], R], item: T) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function(item)
    except BaseException as error:  # noqa: BLE001 - handed over and raised where the result is used
        future.set_exception(error)
    else:
        future.set_result(result)


def _until_failure(items: Iterable[T], failures: list[Exception]) -> Iterator[T]:
    """Yield the items; what getting one raises ends them, and is kept."""
    try:
        yield from items
    except Exception as error:  # noqa: BLE001 - raised by who keeps it, in its turn
        failures.append(error)


def read_ahead(items: Iterator[T], depth: int = 2) -> Generator[T]:
    """Yield the items in order while a thread of its own fetches up to ``depth`` of them in advance.

    Closing the generator stops the thread, which closes the source; one that hangs is left behind.
    """
    buffer: queue.Queue[object] = queue.Queue(depth)
    stopped = threading.Event()
    thread = threading.Thread(
        target=_fetch, args=(items, buffer, stopped), name="mnistkit-read-ahead", daemon=True
    )
    thread.start()
    try:
        while (item := buffer.get()) is not _DONE:
            if isinstance(item, _Failure):
                raise item.error
            yield item  # type: ignore[misc]  # whatever is neither the end nor a failure came from items
            del item  # holds the last item no longer than its user does
    finally:
        stopped.set()
        thread.join(_PATIENCE)


def _fetch(items: Iterator[object], buffer: queue.Queue[object], stopped: threading.Event) -> None:
    try:
        for item in items:
            if not _put(item, buffer, stopped):
                return
        _put(_DONE, buffer, stopped)
    except BaseException as error:  # noqa: BLE001 - handed over and raised where the items are used
        _put(_Failure(error), buffer, stopped)
    finally:
        if hasattr(items, "close"):
            items.close()


def _put(item: object, buffer: queue.Queue[object], stopped: threading.Event) -> bool:
    while not stopped.is_set():
        try:
            buffer.put(item, timeout=0.1)
        except queue.Full:
            continue
        return True
    return False


class _Failure:
    """An exception on its way from one thread to another."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Turns:
    """Lets threads do something one after the other, in the order of their numbers, whoever comes first.

    Numbers count from 0 without a gap.  Who fails must say so, for those behind not to wait for ever.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._next = 0
        self._failed: int | None = None

    @contextmanager
    def turn(self, number: int) -> Iterator[None]:
        """Wait for the turn of a number, and pass it on afterwards.

        Raises:
            CancelledError: One of the numbers before it failed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._next == number or self._is_cut_off(number))
            if self._is_cut_off(number):
                raise CancelledError
        yield
        with self._changed:
            self._next += 1
            self._changed.notify_all()

    def fail(self, number: int) -> None:
        """Tell those behind a number that it will never pass its turn on."""
        with self._changed:
            self._failed = number if self._failed is None else min(number, self._failed)
            self._changed.notify_all()

    def _is_cut_off(self, number: int) -> bool:
        return self._failed is not None and self._failed < number


class Lane:
    """One thread that does its jobs in order, a bounded number of them waiting.

    Used for work that must be in order but need not be waited for, such as hashing.
    """

    def __init__(self, waiting: int = 4) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="mnistkit-lane")
        self._jobs: deque[Future[None]] = deque()
        self._waiting = waiting

    def submit(self, job: Callable[[], None]) -> None:
        """Queue a job; wait first where too many are queued.  Raises what an earlier job raised."""
        self._jobs.append(self._pool.submit(job))
        while len(self._jobs) > self._waiting:
            self._jobs.popleft().result()

    def close(self) -> None:
        """Wait for all jobs.  Raises what one of them raised."""
        try:
            while self._jobs:
                self._jobs.popleft().result()
        finally:
            self._pool.shutdown(cancel_futures=True)
