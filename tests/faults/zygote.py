"""A process that has imported all of mnistkit, and forks for every command that it is asked to run.

Each command runs as it would in a process of its own, with its own descriptors, folder, user and end, but
begins within milliseconds: so what befalls it strikes while it exports, not while it imports.
Requests and answers are lines of JSON on stdin and stdout; :mod:`faults.children` is the other side.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from faults import accidents

import mnistkit.cli
from mnistkit.registry import find_formats, load_format, load_reader, load_writer

PAUSE = 0.001  # seconds between two looks at a child


def preload():
    """Import all formats that are installed, and what else commands import when they run."""
    for name in find_formats():
        card = load_format(name)
        load_reader(card)
        load_writer(card)
    with tempfile.TemporaryDirectory() as folder:
        rehearse("export", "synthetic:train=2,test=2", "--to", "idx", "--out", f"{folder}/out")
        rehearse("verify", f"{folder}/out")
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    gc.freeze()  # what is shared with children stays shared


def rehearse(*arguments):
    """Run a command in this process."""
    sys.argv = ["mnistkit", *arguments, "--quiet"]
    with suppress(SystemExit):
        mnistkit.cli.main()


def serve():
    """Answer requests until stdin ends; return in each child, with what it is to do."""
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            answer = wait(request["wait"], request["limit"])
        else:
            answer = os.fork()
            if answer == 0:
                return request
        print(json.dumps(answer), flush=True)
    return None


def wait(child, limit):
    """Return how a child ended, or None where it had to be killed for taking too long."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(PAUSE)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def become(request):
    """Turn this process into the one that is asked for."""
    _connect(0, os.devnull, os.O_RDONLY)
    for descriptor, name in ((1, "out"), (2, "err")):
        _connect(descriptor, request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs begin with it ignored
    os.chdir(request["cwd"])
    os.environ.update(request["environment"])
    if request["file_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_bytes"],) * 2)
    if request["user"] is not None:
        os.setgroups([])
        os.setgid(request["user"])
        os.setuid(request["user"])
    for habit in request["habits"]:
        name, *arguments = [habit] if isinstance(habit, str) else habit
        accidents.HABITS[name](*arguments)
    if request["accident"]:
        accidents.await_accident(**request["accident"])


def _connect(descriptor, path, flags):
    opened = os.open(path, flags, 0o666)
    os.dup2(opened, descriptor)
    os.close(opened)


def main():
    """Serve; in a child, run one command."""
    preload()
    print(json.dumps("ready"), flush=True)
    request = serve()
    if request is None:
        return
    become(request)
    sys.argv = ["mnistkit", *request["arguments"]]
    if request["program"]:
        exec(compile(Path(request["program"]).read_text(encoding="utf-8"), request["program"], "exec"))
    else:
        mnistkit.cli.main()


if __name__ == "__main__":
    main()
