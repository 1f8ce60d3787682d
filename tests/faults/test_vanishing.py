"""What is taken away from an export while it runs: its destination, the folder around it, its rights."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from faults.scenes import NOTHING, OLDER, amounts, chosen, is_root, names, tree

import mnistkit

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has neither these rights nor fork")

there = pytest.mark.parametrize("there", [NOTHING, OLDER])


@pytest.fixture
def nobodys(stage):
    """Set a scene for a user without rights: ``nobodys(OLDER)``."""
    package = Path(mnistkit.__file__).parent
    if any(place.stat().st_mode & 0o005 != 0o005 for place in (package, *package.parents)):
        pytest.skip(f"others may not read {package}")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield lambda there: stage.scene_of_nobody(folder, "idx", there)
    subprocess.run(["chmod", "-R", "u+rwx", folder], check=True)
    shutil.rmtree(folder)


def check_said(outcome):
    """Make sure that a failure is one line, which may follow a warning of what cannot be removed."""
    *warnings, last = outcome.err.splitlines() or [""]
    assert outcome.code in (0, 1), outcome
    assert "Traceback" not in outcome.err
    assert all("cannot be removed" in warning for warning in warnings), outcome
    assert outcome.code == 0 or last.startswith("mnistkit: "), outcome


@amounts(3, None)
@pytest.mark.parametrize("vanishing", ["out", "place"], ids=["destination", "the folder around it"])
@there
def test_destination_vanishes(scene, tally, there, vanishing, amount):
    robbed = scene("idx", there)
    steps = robbed.steps()

    for step in chosen(steps, amount):
        robbed.reset()
        outcome = robbed.export(
            accident=robbed.accident("remove", str(getattr(robbed, vanishing)), step=step)
        )
        tally["vanishing folders"] += 1
        check_said(outcome)
        robbed.check_aftermath(or_gone=True)


@amounts(3, None)
@pytest.mark.parametrize("habits", [[], ["two renames"]], ids=["exchange", "two renames"])
def test_folder_around_the_destination_is_moved_elsewhere(scene, tally, habits, amount):
    moved = scene("idx", OLDER)
    steps = moved.steps(habits=habits)
    elsewhere = moved.folder / "elsewhere"

    for step in chosen(steps, amount):
        moved.reset()
        accident = moved.accident("move", str(moved.place), str(elsewhere), step=step)
        check_said(moved.export(accident=accident, habits=habits))
        tally["vanishing folders"] += 1
        shutil.rmtree(moved.place, ignore_errors=True)  # it may have been made anew
        elsewhere.rename(moved.place)
        moved.check_aftermath()


@amounts(2, 30)
@pytest.mark.parametrize("rights", [0, 0o500], ids=["none", "read only"])
@there
def test_rights_are_lost(nobodys, tally, there, rights, amount):
    bereft = nobodys(there)
    steps = bereft.steps()

    for step in chosen(steps, amount):
        bereft.reset()
        outcome = bereft.export(accident=bereft.accident("chmod", str(bereft.place), rights, step=step))
        tally["lost rights"] += 1
        check_said(outcome)
        bereft.place.chmod(0o755)
        bereft.check_aftermath()


@there
def test_folder_without_the_right_to_write(nobodys, there):
    bereft = nobodys(there)
    bereft.place.chmod(0o500)

    outcome = bereft.export()

    assert outcome.code == 1
    assert outcome.err == f"mnistkit: {bereft.out}: cannot be written: found Permission denied\n"
    bereft.check_whole()
    assert set(names(bereft.place)) <= {"out"}


def test_destination_of_read_only_files_is_replaced(nobodys):
    bereft = nobodys(OLDER)
    for path in bereft.out.iterdir():
        path.chmod(0o400)

    assert bereft.export().code == 0

    bereft.check_aftermath()


def test_destination_that_may_not_be_moved_is_left_alone(nobodys):
    bereft = nobodys(OLDER)
    bereft.out.chmod(0o500)

    outcome = bereft.export()

    assert outcome.code == 1
    assert outcome.err == f"mnistkit: {bereft.out}: cannot be written: found Permission denied\n"
    assert bereft.check_whole() == bereft.old
    bereft.out.chmod(0o700)
    bereft.check_aftermath()


def test_destination_that_may_not_be_read_is_left_alone(nobodys):
    bereft = nobodys(OLDER)
    (bereft.out / "mnistkit.json").chmod(0)

    outcome = bereft.export()

    assert outcome.code == 1
    assert "is no export of mnistkit, so --overwrite leaves it alone" in outcome.err
    assert "found mnistkit.json: cannot be read" in outcome.err
    (bereft.out / "mnistkit.json").chmod(0o600)
    assert tree(bereft.out) == bereft.old
    bereft.check_aftermath()


@there
def test_disk_that_is_read_only(scene, tmp_path, there):
    fixed = scene("idx", there)
    bind = ["mount", "--bind", fixed.place, fixed.place]
    if not is_root() or subprocess.run(bind, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a folder read-only")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", fixed.place], check=True)
        outcome = fixed.export()
    finally:
        subprocess.run(["umount", fixed.place], check=True)

    reason = os.strerror(errno.EROFS)
    assert outcome.code == 1
    assert outcome.err == f"mnistkit: {fixed.out}: cannot be written: found {reason}\n"
    fixed.check_aftermath()
