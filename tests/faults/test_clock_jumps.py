"""No export depends on the time of day: not its bytes, nor its locks, nor what it removes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from faults.children import Children
from faults.scenes import FORMATS, NOTHING, OLDER, names, tree

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no fork")

YEARS = 366 * 24 * 3600 * 60  # in seconds: beyond any clock of today


@pytest.fixture(scope="module")
def fallen(tmp_path_factory):
    """Processes in which the system's clock jumps back an hour whenever anything looks at it."""
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("only Linux with a C compiler replaces the clock of a process")
    folder = tmp_path_factory.mktemp("clock")
    source, library = Path(__file__).with_name("clock.c"), folder / "clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    looks = [sys.executable, "-c", "import time; print(time.time() - time.time() > 3000)"]
    falls = subprocess.run(
        looks, env={"LD_PRELOAD": str(library)}, capture_output=True, text=True, check=True
    )
    assert falls.stdout == "True\n"
    children = Children(folder, LD_PRELOAD=str(library))
    yield children
    children.end()


@pytest.mark.parametrize("format", FORMATS)
def test_a_clock_that_jumps_back_changes_no_byte(scene, fallen, format):
    timeless = scene(format, OLDER)

    outcome = timeless.export(children=fallen)

    assert outcome.code == 0, outcome
    assert tree(timeless.out) == timeless.new
    assert names(timeless.place) == ["out"]
    assert fallen.run("verify", timeless.out).code == 0


@pytest.mark.parametrize("format", FORMATS)
def test_pythons_own_clock_changes_no_byte(scene, format):
    timeless = scene(format, NOTHING)

    assert timeless.export(habits=["falling clock"]).code == 0

    assert tree(timeless.out) == timeless.new


@pytest.mark.parametrize("years", [YEARS, -YEARS], ids=["future", "past"])
def test_what_a_killed_export_left_is_removed_whatever_its_age(scene, years):
    killed = scene("idx", OLDER)
    killed.export(accident=killed.accident("kill", step=len(killed.steps()) // 2))
    assert len(names(killed.place)) == 2
    for path in killed.place.rglob("*"):
        time = path.stat().st_mtime + years
        os.utime(path, (time, time))

    killed.check_aftermath()


def test_a_lock_is_no_matter_of_time(scene, fallen):
    fcntl = pytest.importorskip("fcntl")
    locked = scene("idx", OLDER)
    locked.export(accident=locked.accident("kill", step=len(locked.steps()) // 2))
    (lock,) = locked.place.glob(".out.mnistkit-*/lock")

    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        outcome = locked.export(children=fallen)

    assert outcome.code == 1
    assert "another export to it is running" in outcome.err
    locked.check_aftermath()
