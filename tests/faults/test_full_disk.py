"""A disk that fills up while an export is written ends it in one line, and leaves what was there."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import sys

import pytest
from faults.scenes import FORMATS, NOTHING, OLDER, amounts, chosen, names, tree

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has neither limits nor fork")

MEGABYTES, INODES = 24, 2000


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A small disk in memory."""
    folder = tmp_path_factory.mktemp("disk")
    options = f"size={MEGABYTES}m,nr_inodes={INODES}"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only Linux's root may mount a disk in memory")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def full(disk, stage, request):
    """Set a scene on the small disk: ``full("csv")``."""
    folder = disk / "scene"
    yield lambda name: stage.scene(folder, name, OLDER)
    shutil.rmtree(folder, ignore_errors=True)
    (disk / "ballast").unlink(missing_ok=True)


def leave(disk, free):
    """Fill the disk but for some bytes."""
    (disk / "ballast").unlink(missing_ok=True)
    usage = shutil.disk_usage(disk)
    with (disk / "ballast").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, usage.free - free))


def check_refused(scene, outcome, reason):
    assert outcome.code == 1, outcome
    assert outcome.err.startswith(f"mnistkit: {scene.out}: cannot be written: found ")
    assert outcome.err.endswith(f"{reason}\n")
    assert outcome.err.count("\n") == 1
    assert names(scene.place) == ["out"]
    assert tree(scene.out) == scene.old


@amounts(1, 50)
@pytest.mark.parametrize("format", FORMATS)
def test_disk_that_fills_up(full, disk, tally, format, amount):
    scene = full(format)
    before = shutil.disk_usage(disk).free
    shutil.copytree(scene.stage.made(format, "new"), scene.place / "copy")
    needed = before - shutil.disk_usage(disk).free
    shutil.rmtree(scene.place / "copy")

    for offset in random.Random(format).sample(range(100), amount):
        scene.reset()
        leave(disk, needed * offset // 100)
        outcome = scene.export(habits=["boundless disk"])
        tally["full disks"] += 1
        check_refused(scene, outcome, "No space left on device; free some space")
        (disk / "ballast").unlink()
        scene.check_aftermath()


@pytest.mark.parametrize("format", ["png", "idx"])
@amounts(2, 12)
def test_disk_that_has_no_room_for_more_files(full, disk, tally, format, amount):
    scene = full(format)
    needed = len(scene.new) + 2

    for left in random.Random(format).sample(range(needed), min(needed, amount)):
        scene.reset()
        ballast = disk / "files"
        ballast.mkdir()
        for number in range(os.statvfs(disk).f_ffree - left):
            (ballast / str(number)).touch()
        outcome = scene.export()
        tally["full disks"] += 1
        check_refused(scene, outcome, "No space left on device; free some space")
        shutil.rmtree(ballast)
        scene.check_aftermath()


@amounts(1, 50)
@pytest.mark.parametrize("format", FORMATS)
def test_file_that_may_grow_no_more(scene, tally, format, amount):
    limited = scene(format, OLDER)
    largest = max(path.stat().st_size for path in limited.stage.made(format, "new").rglob("*"))

    for offset in random.Random(format).sample(range(largest), amount):
        limited.reset()
        outcome = limited.export(file_bytes=offset)
        tally["limits of file size"] += 1
        check_refused(limited, outcome, "File too large")
        limited.check_aftermath()


@amounts(2, 30)
@pytest.mark.parametrize("there", [NOTHING, OLDER])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS], ids=errno.errorcode.get)
def test_disk_that_takes_no_more_from_any_step_on(scene, tally, there, code, amount):
    failing = scene("idx", there)
    steps = failing.steps()

    for step in chosen(steps, amount):
        failing.reset()
        outcome = failing.export(accident=failing.accident("fail to grow", code, step=step, lasting=True))
        tally["failing steps"] += 1
        assert outcome.code in (0, 1), outcome
        assert outcome.err.count("\n") == outcome.code, outcome
        assert outcome.code == 0 or os.strerror(code) in outcome.err
        assert set(names(failing.place)) <= {"out"}, steps[step]
        assert (tree(failing.out) == failing.new) == (outcome.code == 0)
        failing.check_aftermath()


@amounts(2, None)
@pytest.mark.parametrize("there", [NOTHING, OLDER])
@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES, errno.EMFILE], ids=errno.errorcode.get)
def test_one_step_that_fails(scene, tally, there, code, amount):
    failing = scene("idx", there)
    steps = failing.steps()

    for step in chosen(steps, amount):
        failing.reset()
        outcome = failing.export(accident=failing.accident("fail", code, step=step))
        tally["failing steps"] += 1
        assert outcome.code in (0, 1), steps[step]
        assert "Traceback" not in outcome.err, steps[step]
        assert len(outcome.err.splitlines()) in (outcome.code, 1), outcome
        failing.check_aftermath()
