"""What is published is on the disk: files and folders are synced before the swap, its traces after it."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from faults.scenes import FORMATS, NOTHING, OLDER, names

import mnistkit
from mnistkit.engine.durable import sync_export
from mnistkit.errors import DestinationError

# ---------------------------------------------------------------- what is synced, and when

WRITTEN = ("create", "write", "pwrite64", "writev", "ftruncate", "os.mkdir", "mkdir")

#: A call that strace tells, of a descriptor with its path or of a path.
CALL = re.compile(r'\d+ +(\w+)\((?:\d+<([^>]+)>|AT_FDCWD\S*, "([^"]+)"|"([^"]+)")')


def last(events, wanted, path, before):
    """Return the number of the last such event before another; -1 where there is none."""
    return max(
        (n for n, event in enumerate(events[:before]) if event in {(w, path) for w in wanted}), default=-1
    )


def check_order(events, export, files, place):
    """Make sure that an export was written, synced, swapped and its traces synced, in this order.

    Args:
        events: (call, path) in the order in which they happened.
        export: Where it was written.
        files: Names of its files.
        place: The folder of the destination.
    """
    (swap,) = [number for number, (call, _) in enumerate(events) if call == "swap"]
    folders = {Path(export, name).parent.as_posix() for name in files} | {export}
    for path in [f"{export}/{name}" for name in files]:
        folder = os.path.dirname(path)  # noqa: PTH120 - text as it was told
        written = last(events, WRITTEN, path, swap)
        assert -1 < written < last(events, ["fsync"], path, swap), (
            f"{path}: is not synced after it is written"
        )
        made = last(events, ["create"], path, swap)
        assert made < last(events, ["fsync"], folder, swap), f"{folder}: is not synced after {path} is made"
    receipt = last(events, ["create"], f"{export}/mnistkit.json", swap)
    others = [last(events, WRITTEN, f"{export}/{name}", swap) for name in files if name != "mnistkit.json"]
    assert receipt > max(others), "the receipt is not written last"
    later = events[swap:]
    assert ("fsync", place) in later, f"{place}: is not synced after the swap"
    assert not [e for e in later if e[0] in WRITTEN and e[1].startswith((export, *folders))]


def told(step):
    """Take a step apart: the call, and the path."""
    call, _, path = step.partition(" ")
    return call, path


@pytest.mark.skipif(os.name == "nt", reason="Windows has no fork")
@pytest.mark.parametrize("there", [NOTHING, OLDER])
@pytest.mark.parametrize("format", FORMATS)
def test_all_is_synced_before_the_swap_and_the_receipt_is_written_last(scene, format, there):
    durable = scene(format, there)
    steps = durable.steps()

    (export,) = {path for call, path in map(told, steps) if call == "os.mkdir" and path.endswith("/export")}
    made = {path for call, path in map(told, steps) if call == "create"}
    files = [name for name in durable.new if f"{export}/{name}" in made]  # others are made by C code
    assert {"mnistkit.json", "mnistkit.sha256"} <= set(files)
    check_order([told(step) for step in steps], export, files, str(durable.place))
    synced = {path for call, path in map(told, steps) if call == "fsync"}
    assert {f"{export}/{name}" for name in durable.new} <= synced


def traced(log, place):
    """Return the calls of a log of strace that concern a folder, as (call, path)."""
    events = []
    for line in log.read_text(errors="replace").splitlines():
        found = CALL.match(line)
        if found and (found[2] or found[3] or found[4]).startswith(place):
            made = found[1] == "openat" and "O_CREAT" in line
            call = {"renameat2": "swap"}.get(found[1], "create" if made else found[1])
            events.append((call, found[2] or found[3] or found[4]))
    return events


usual = ("hdf5", "parquet")


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(
    "format", [f if f in usual else pytest.param(f, marks=pytest.mark.campaign) for f in FORMATS]
)
def test_all_is_synced_before_the_swap_as_the_system_sees_it(stage, tmp_path, format):
    calls = "openat,mkdir,write,pwrite64,writev,ftruncate,fsync,renameat2"
    command = ["strace", "-f", "-qq", "-y", "-e", f"trace={calls}", "-o", tmp_path / "log", sys.executable]
    command += ["-m", "mnistkit", "export", stage.folder / "source", "--to", format, "--limit", "50"]
    (tmp_path / "place").mkdir()

    run = subprocess.run([*command, "--out", tmp_path / "place" / "out"], capture_output=True, check=False)

    if b"ptrace" in run.stderr:
        pytest.skip("this system lets nobody be traced")
    assert run.returncode == 0, run.stderr
    out = tmp_path / "place" / "out"
    events = traced(tmp_path / "log", str(tmp_path / "place"))
    (export,) = {path for call, path in events if call == "mkdir" and path.endswith("/export")}
    files = [path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()]
    check_order(events, export, files, str(tmp_path / "place"))


@pytest.mark.skipif(sys.platform != "linux", reason="syncfs is Linux's")
def test_many_files_are_synced_with_their_disk(scene):
    many = scene("png", NOTHING)

    steps = many.steps(more=["--limit", "1500"])

    calls = [told(step)[0] for step in steps]
    receipt = max(number for number, step in enumerate(steps) if step.endswith("/export/mnistkit.json"))
    assert receipt < calls.index("syncfs") < calls.index("swap")
    assert [told(step) for step in steps if step.startswith("fsync")] == [("fsync", str(many.place))]


def test_nothing_is_synced_where_nobody_waits_for_the_disk(scene):
    quick = scene("idx", OLDER)

    steps = quick.steps(environment={"MNISTKIT_SYNC": "0"})

    assert not [step for step in steps if step.startswith(("fsync", "syncfs"))]
    assert names(quick.place) == ["out"]


@pytest.fixture
def disk(monkeypatch):
    """Let one function of ``os`` fail for one folder: ``disk("fsync", folder, errno.EIO)``."""

    def fail(name, folder, code):
        real = getattr(os, name)

        def call(what, *more):
            if _is_same(what, folder):
                raise OSError(code, os.strerror(code), what)
            return real(what, *more)

        monkeypatch.setattr(os, name, call)

    return fail


def _is_same(what, folder):
    try:
        return os.path.samestat(os.stat(what), folder.stat())  # noqa: PTH116 - a path or a descriptor
    except FileNotFoundError:
        return False


# ---------------------------------------------------------------- what the disk refuses


def test_a_folder_that_cannot_be_looked_into_is_not_taken_for_synced(tmp_path, disk):
    (tmp_path / "deep").mkdir()
    disk("scandir", tmp_path / "deep", errno.EIO)

    with pytest.raises(OSError, match="deep"):
        sync_export(tmp_path)


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC], ids=errno.errorcode.get)
def test_a_broken_disk_is_heard(tmp_path, small, disk, code):
    disk("fsync", tmp_path, code)

    with pytest.raises(DestinationError, match="out: cannot be written"):
        mnistkit.export(small, "idx", tmp_path / "out")


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP], ids=errno.errorcode.get)
def test_a_system_that_cannot_sync_folders_is_no_obstacle(tmp_path, small, disk, code):
    disk("fsync", tmp_path, code)

    mnistkit.export(small, "idx", tmp_path / "out")

    assert mnistkit.verify(tmp_path / "out")


def test_a_folder_that_may_be_written_but_not_read_is_no_obstacle(tmp_path, small, disk):
    disk("open", tmp_path, errno.EACCES)
    disk("scandir", tmp_path, errno.EACCES)

    mnistkit.export(small, "idx", tmp_path / "out")

    assert mnistkit.verify(tmp_path / "out")


def test_parents_that_are_made_are_synced_in_their_parents(tmp_path, small, monkeypatch):
    real, synced = os.fsync, []
    monkeypatch.setattr(os, "fsync", lambda file: real(file) or synced.append(os.fstat(file)))

    mnistkit.export(small, "idx", tmp_path / "a" / "b" / "out")

    for folder in (tmp_path, tmp_path / "a", tmp_path / "a" / "b"):
        assert any(os.path.samestat(folder.stat(), status) for status in synced)
