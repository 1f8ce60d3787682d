"""Jobs to test the benchmarks with: tiny, and some of them wrong on purpose."""

from __future__ import annotations

import sys

import numpy as np

from benchmarks.checks import same_arrays
from benchmarks.model import Job, Side, WrongOutput

_COPY = "import shutil, sys; shutil.copy(*sys.argv[1:])"


def _write(data):
    return lambda folder: (folder / "pixels").write_bytes(data.images.tobytes()) and None


def _write_other(data):
    return lambda folder: (folder / "pixels").write_bytes((data.images ^ 1).tobytes()) and None


def _read(data):
    return lambda _: (data.images.copy(), data.labels.copy())


def _read_other_labels(data):
    return lambda _: (data.images, data.labels + np.uint8(1))


def _fail(_):
    def run(_):
        message = "out of luck"
        raise RuntimeError(message)

    return run


def _copy(data, folder):
    return [sys.executable, "-c", _COPY, str(data.idx / "train-images-idx3-ubyte"), str(folder / "pixels")]


def _check_pixels(data, folder, _):
    found = (folder / "pixels").read_bytes()
    if found[-data.images.size :] != data.images.tobytes():
        message = "other pixels than the source's"
        raise WrongOutput(message)


def _job(name, *others, ours=_write, check=_check_pixels):
    return Job(name=name, title=name, ours=Side(name="ours", setup=ours), others=others, check=check)


JOBS = (
    _job(
        "write",
        Side(name="same", role="peer", setup=_write, goal=1e-9),
        Side(name="out of reach", role="limit", setup=_write, goal=1e-9),
        Side(name="command", role="peer", command=_copy),
        Side(name="wrong", role="peer", setup=_write_other, goal=1e-9),
        Side(name="failing", role="peer", setup=_fail),
        Side(
            name="failing command", role="peer", command=lambda *_: [sys.executable, "-c", "exit('no luck')"]
        ),
        Side(name="absent", role="peer", setup=_write, needs=("no_such_module",)),
    ),
    _job(
        "read",
        Side(name="same", role="peer", setup=_read),
        Side(name="wrong", role="peer", setup=_read_other_labels),
        ours=_read,
        check=same_arrays,
    ),
    _job("ours-wrong", Side(name="same", role="peer", setup=_write, goal=1e-9), ours=_write_other),
    Job(
        name="bytecode",
        title="bytecode",
        ours=Side(
            name="ours",
            command=lambda *_: [sys.executable, "-c", "import sys; exit(sys.dont_write_bytecode)"],
        ),
        others=(),
        check=lambda *_: None,
    ),
    Job(
        name="memory",
        title="memory",
        ours=Side(name="ours", command=lambda *_: [sys.executable, "-c", "bytes(b'x' * (100 << 20))"]),
        others=(Side(name="base", role="memory", command=lambda *_: [sys.executable, "-c", ""], goal=64),),
        check=lambda *_: None,
    ),
)
