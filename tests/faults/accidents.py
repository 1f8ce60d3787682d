"""What befalls an export, in its own process: at some step, or some line, of its way to the disk.

A *step* is a call that looks at or changes what is on the disk, as the interpreter's audit events and a few
wrapped functions tell it: to list, make, open, write, sync, lock, rename or remove files and folders.
A *line* is one of the modules that make and publish the scratch folder.  Steps are counted in all threads,
lines in the main one, and what is to happen happens just before the one with the given number.
"""

from __future__ import annotations

import atexit
import fcntl
import itertools
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

from mnistkit import digest, registry
from mnistkit.codecs import deflate
from mnistkit.engine import publish
from mnistkit.plugin import writer

HOUR = 3600  # seconds

#: Audit events that are steps, and which of their arguments is the path.
STEPS = {
    "open": 0,
    "os.mkdir": 0,
    "os.rmdir": 0,
    "os.remove": 0,
    "os.rename": 0,
    "os.chmod": 0,
    "os.scandir": 0,
    "os.listdir": 0,
    "fcntl.flock": None,
}

#: Functions of the C library that are looked up just before they are called -> the step they are.
CALLED_BY_NAME = {"renameat2": "swap", "renamex_np": "swap", "syncfs": "syncfs"}

#: Modules whose lines are counted.
MODULES = ("scratch.py", "publish.py", "durable.py", "export.py")


def await_accident(*, place, what, step=None, line=None, lasting=False, log=None):
    """Let something happen before a step below ``place``, or a line; without a number, only take notes.

    Args:
        place: The folder that is watched.
        what: Name of an accident in ``ACCIDENTS``, and its arguments.
        step: Number of the step, from 0.
        line: Number of the line, from 0.
        lasting: Whether it happens before all later steps, too.
        log: Where to take down the steps, one a line.
    """
    happen = lambda path: ACCIDENTS[what[0]](path, *what[1:])  # noqa: E731 - the arguments of all are alike
    if line is not None:
        _count_lines(line, happen, log)
        return
    _count_steps(Path(place), step, happen, lasting=lasting, log=log)


def _count_steps(place, step, happen, *, lasting, log):
    numbers = itertools.count()
    busy = threading.local()
    notes = log and os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    write = os.write

    def before(event, path):
        if getattr(busy, "now", False):
            return
        busy.now = True
        try:
            number = next(numbers)
            if notes is not None:
                write(notes, f"{event} {path}\n".encode())
            if step is not None and (number == step or (lasting and number > step)):
                happen(path)
        finally:
            busy.now = False

    _listen(place, before)


def _listen(place, before):
    inside = os.fspath(place)

    def concerns(path):
        return isinstance(path, str) and (path.startswith(inside) or not os.path.isabs(path))

    def hear(event, arguments):
        if event == "ctypes.dlsym":
            if arguments[1] in CALLED_BY_NAME:
                before(CALLED_BY_NAME[arguments[1]], inside)
        elif event in STEPS:
            position = STEPS[event]
            path = inside if position is None else arguments[position]
            path = os.fsdecode(path) if isinstance(path, bytes) else path
            if concerns(path):
                before(_opening(arguments) if event == "open" else event, path)

    sys.addaudithook(hear)
    for name in ("fsync", "write", "ftruncate"):
        setattr(os, name, _announced(name, getattr(os, name), before))


def _opening(arguments):
    """Tell whether a file is opened to be written."""
    flags = arguments[2]
    return "create" if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else "open"


def _announced(name, function, before):
    def call(descriptor, *more):
        if descriptor > 2:  # what the export says is no step of it
            before(name, _path_of(descriptor))
        return function(descriptor, *more)

    return call


def _path_of(descriptor):
    if sys.platform == "darwin":
        path = fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024))
        return os.fsdecode(path.rstrip(b"\0"))
    return os.readlink(f"/proc/self/fd/{descriptor}")


def _count_lines(line, happen, log):
    numbers = itertools.count()
    notes = log and os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)

    def trace(frame, event, _):
        if (
            os.path.basename(frame.f_code.co_filename) not in MODULES
            or "engine" not in frame.f_code.co_filename
        ):
            return None
        if event == "line":
            number = next(numbers)
            if notes is not None:
                os.write(notes, f"{frame.f_code.co_name} {frame.f_lineno}\n".encode())
            if number == line:
                happen(None)
        return trace

    sys.settrace(trace)
    atexit.register(sys.settrace, None)  # what ends with the interpreter is no line of an export


def _kill(_):
    os.kill(os.getpid(), signal.SIGKILL)


def _send(_, number):
    signal.raise_signal(number)


def _fail(path, code):
    raise OSError(code, os.strerror(code), path)


def _fail_to_grow(path, code):
    """Fail as a full or read-only disk does: what is removed is no matter."""
    caller = sys._getframe(2)  # whatever counted the step
    if caller.f_locals.get("event") in ("create", "os.mkdir", "write"):
        _fail(path, code)


def _remove(_, path):
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):
        os.unlink(path)


def _move(_, path, target):
    if os.path.lexists(path):
        os.rename(path, target)


def _chmod(_, path, mode):
    os.chmod(path, mode)


ACCIDENTS = {
    "nothing": lambda _: None,
    "kill": _kill,
    "send": _send,
    "fail": _fail,
    "fail to grow": _fail_to_grow,
    "remove": _remove,
    "move": _move,
    "chmod": _chmod,
}


def _two_renames():
    """Publish as on a system that cannot exchange two folders."""
    publish._rename = lambda *_: False


def _boundless_disk():
    """Let the space vanish while the export is written, not before it begins."""
    usage = shutil.disk_usage
    shutil.disk_usage = lambda path: usage(path)._replace(free=1 << 40)


def _ignore_interrupts():
    """Begin as a background job does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _falling_clock():
    """Let each look at Python's clock tell an hour less than the one before."""
    now, count = time.time_ns(), itertools.count()
    time.time_ns = lambda: now - next(count) * HOUR * 10**9
    time.time = lambda: time.time_ns() / 1e9


def _forget_formats():
    """Import the formats of plugins anew, as a process of its own would."""
    registry.load_format.cache_clear()
    for module in [name for name in sys.modules if name.startswith("mnistkit_faulty")]:
        del sys.modules[module]


class _FailingJob:
    """A function of workers that fails when it is called for the n-th time."""

    def __init__(self, function, numbers, job, fault):
        self._function, self._numbers, self._job, self._fault = function, numbers, job, fault

    def __call__(self, item):
        if next(self._numbers) == self._job:
            raise FAULTS[self._fault]
        return self._function(item)


FAULTS = {
    "RuntimeError": RuntimeError("the worker broke"),
    "MemoryError": MemoryError(),
    "SystemExit": SystemExit(0),
}


def _failing_worker(job, fault):
    """Let the n-th job of the workers of a writer fail, be it to encode or to compress."""
    numbers = itertools.count()
    mapped, written = writer.Part.map, writer.Part.write_each
    pack = deflate.DeflateWriter._pack
    writer.Part.map = lambda part, function, items: mapped(
        part, _FailingJob(function, numbers, job, fault), items
    )
    writer.Part.write_each = lambda part, sink, function, items: written(
        part, sink, _FailingJob(function, numbers, job, fault), items
    )
    deflate.DeflateWriter._pack = lambda packer, piece: _FailingJob(
        lambda data: pack(packer, data), numbers, job, fault
    )(piece)


def _failing_digest():
    def fail(_, batch):
        raise RuntimeError("the digest broke")

    digest.SplitDigest.update = fail


def _few_threads(number):
    """Let no more than some threads be started."""
    real, numbers = threading.Thread.start, itertools.count()

    def start(thread):
        if next(numbers) >= number:
            raise RuntimeError("can't start new thread")
        real(thread)

    threading.Thread.start = start


HABITS = {
    "failing worker": _failing_worker,
    "failing digest": _failing_digest,
    "few threads": _few_threads,
    "forget formats": _forget_formats,
    "falling clock": _falling_clock,
    "two renames": _two_renames,
    "boundless disk": _boundless_disk,
    "ignore interrupts": _ignore_interrupts,
}
