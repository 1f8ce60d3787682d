"""Scratch folders, their locks, the swap and the list of checksums: nothing of anybody's is ever lost."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import pytest

import mnistkit
from mnistkit.checksums import (
    added_files,
    changed_files,
    read_checksums,
    sha256_of,
    walk,
    write_checksums,
)
from mnistkit.engine import lock as locking
from mnistkit.engine import publish as publishing
from mnistkit.engine.durable import sync_export
from mnistkit.engine.publish import check_destination, publish
from mnistkit.engine.scratch import finish_swap, scratch_folder
from mnistkit.errors import DataError, DestinationError
from mnistkit.testing import drawn_dataset

PLAN, OTHER_PLAN = "0123456789ab", "ba9876543210"
NOBODY = 65534

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither pipes in folders nor permissions")


@pytest.fixture
def out(tmp_path):
    """An export of 30 + 10 images."""
    mnistkit.export(drawn_dataset(), "idx", tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def scratch(out):
    """A scratch folder whose export, 5 + 10 images, is ready to replace the one at ``out``."""
    mnistkit.export(drawn_dataset(train=5), "idx", out.parent / "new")
    with scratch_folder(out, PLAN) as folder:
        (folder / "export").rmdir()
        (out.parent / "new").rename(folder / "export")
        yield folder


@pytest.fixture(params=["exchange", "two renames"])
def rename(request, monkeypatch):
    """Publish in either way; returns a function that has something happen just before the swap."""
    real = publishing._rename if request.param == "exchange" else lambda *_: False

    def before_swap(happens):
        def once(new, out, *flags):
            events and events.pop()()
            return real(new, out, *flags)

        events = [happens]
        monkeypatch.setattr(publishing, "_rename", once)

    before_swap(lambda: None)
    return before_swap


def rows(folder):
    return len(mnistkit.open(folder)["train"])


def left_over(out, plan=PLAN):
    """Leave a scratch folder as a killed export does."""
    scratch = out.parent / f".{out.name}.mnistkit-{plan}"
    (scratch / "export" / "deep").mkdir(parents=True)
    (scratch / "export" / "deep" / "half").write_text("half")
    (scratch / "lock").touch()
    return scratch


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# ---------------------------------------------------------------- what appears meanwhile


@pytest.mark.parametrize("appear", [Path.mkdir, Path.touch], ids=["an empty folder", "a file"])
def test_what_appears_is_not_replaced(tmp_path, rename, appear):
    out = tmp_path / "out"
    with pytest.raises(DestinationError, match="appeared while the export was written"):  # noqa: PT012, SIM117 - as an export does it
        with scratch_folder(out, PLAN) as scratch:
            rename(lambda: appear(out))
            publish(scratch, out, overwrite=False, source=None)

    assert names(tmp_path) == ["out"]


def test_what_appears_during_an_export_is_not_replaced(tmp_path, small):
    def appear(*_):
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out" / "thesis.txt").write_text("ten years of work")

    with pytest.raises(DestinationError):
        mnistkit.export(small, "idx", tmp_path / "out", progress=appear)

    assert names(tmp_path / "out") == ["thesis.txt"]


def test_file_added_while_overwriting_stays(out):
    def add(*_):
        (out / "notes.txt").write_text("mine")

    with pytest.raises(DestinationError, match=r"not of the export: found notes\.txt"):
        mnistkit.export(drawn_dataset(train=5), "idx", out, overwrite=True, progress=add)

    assert (out / "notes.txt").read_text() == "mine"
    assert rows(out) == 30


def test_file_added_just_before_the_swap_stays(out, scratch, rename):
    rename(lambda: (out / "notes.txt").write_text("mine"))

    with pytest.raises(DestinationError, match=r"changed while the export was written: found notes\.txt"):
        publish(scratch, out, overwrite=True, source=None)

    assert (out / "notes.txt").read_text() == "mine"
    assert rows(out) == 30


def test_folder_put_there_just_before_the_swap_stays(out, scratch, rename):
    def put():
        out.rename(out.parent / "moved")
        out.mkdir()

    rename(put)

    with pytest.raises(DestinationError, match="changed while the export was written: found another folder"):
        publish(scratch, out, overwrite=True, source=None)

    assert list(out.iterdir()) == []
    assert rows(out.parent / "moved") == 30


# ---------------------------------------------------------------- the swap


@pytest.mark.parametrize("failure", [KeyboardInterrupt, PermissionError], ids=lambda e: e.__name__)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["first", "second"])
def test_swap_that_fails_between_two_renames_leaves_old_or_new(out, monkeypatch, failure, when, step):
    real, swapped = Path.rename, {"first": out.name, "second": "export"}[step]

    def fail(self, target):
        if self.name == swapped and when == "before":
            raise failure
        moved = real(self, target)
        if self.name == swapped:
            raise failure
        return moved

    monkeypatch.setattr(publishing, "_rename", lambda *_: False)
    with monkeypatch.context() as broken, pytest.raises((KeyboardInterrupt, DestinationError)):  # noqa: PT012 - undone at once
        broken.setattr(Path, "rename", fail)
        mnistkit.export(drawn_dataset(train=5), "idx", out, overwrite=True)

    assert names(out.parent) == ["out"]
    assert rows(out) == (5 if (step, when) == ("second", "after") else 30)


def test_interrupt_right_after_the_exchange_leaves_the_old(out, scratch, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(publishing, "_check_unchanged", interrupted)

    with pytest.raises(KeyboardInterrupt):
        publish(scratch, out, overwrite=True, source=None)

    assert rows(out) == 30


def test_old_is_kept_where_something_took_its_place_between_the_renames(out, monkeypatch, caplog):
    real = publishing._rename_new

    def appear(new, place):
        place.write_text("mine")
        real(new, place)

    with monkeypatch.context() as slow, pytest.raises(DestinationError, match="appeared"):  # noqa: PT012 - undone at once
        slow.setattr(publishing, "_rename", lambda *_: False)
        slow.setattr(publishing, "_rename_new", appear)
        mnistkit.export(drawn_dataset(train=5), "idx", out, overwrite=True)

    (kept,) = out.parent.glob(".out.mnistkit-*/old")
    assert out.read_text() == "mine"
    assert rows(kept) == 30
    assert "old: is what was at the destination before; move it to where it belongs" in caplog.text
    out.unlink()
    finish_swap(out)
    assert rows(out) == 5


def test_system_that_refuses_to_rename_is_heard(tmp_path):
    with pytest.raises(FileNotFoundError):
        publishing._rename(tmp_path / "missing", tmp_path / "out", 1, 4)


@pytest.mark.skipif(sys.platform != "linux", reason="flags of Linux")
def test_system_that_does_not_know_a_flag_is_helped(tmp_path):
    assert publishing._rename(tmp_path, tmp_path / "out", 1 << 20, 0) is False


def test_cut_off_swap_goes_forward_or_back(out):
    scratch = left_over(out)
    out.rename(scratch / "old")
    finish_swap(out)
    assert names(out) == ["deep"]

    shutil.rmtree(out)
    finish_swap(out)
    assert rows(out) == 30


def test_swap_is_finished_only_under_its_lock(out, scratch):
    out.rename(scratch / "old")

    finish_swap(out)

    assert not out.exists()


def test_cut_off_swap_is_finished_before_the_destination_is_looked_at(out, small):
    scratch = left_over(out)
    shutil.rmtree(scratch / "export")
    out.rename(scratch / "old")

    with pytest.raises(DestinationError, match="exists already"):
        mnistkit.export(small, "idx", out)

    assert rows(out) == 30


# ---------------------------------------------------------------- one at a time

CONTENDER = """
import os, sys, time
from pathlib import Path
from mnistkit.engine.publish import publish
from mnistkit.engine.scratch import scratch_folder
from mnistkit.errors import DestinationError
for line in sys.stdin:
    out = Path(line.strip())
    try:
        with scratch_folder(out, sys.argv[1]) as scratch:
            os.close(os.open(out.parent.parent / "holder", os.O_CREAT | os.O_EXCL))
            (scratch / "export" / "who").write_text(sys.argv[1])
            time.sleep(0.002)
            os.unlink(out.parent.parent / "holder")
            publish(scratch, out, overwrite=False, source=None)
        print("published", flush=True)
    except DestinationError:
        print("refused", flush=True)
    except Exception as error:
        print(repr(error), flush=True)
"""


@pytest.mark.parametrize("plans", [[PLAN] * 4, [f"{n:012x}" for n in range(4)]], ids=["same", "different"])
def test_of_simultaneous_exports_one_publishes_and_the_others_are_refused(tmp_path, plans):
    pipe = subprocess.PIPE
    contenders = [
        subprocess.Popen([sys.executable, "-c", CONTENDER, p], stdin=pipe, stdout=pipe, text=True)
        for p in plans
    ]

    for turn in range(15):
        out = tmp_path / str(turn) / "out"
        if turn % 3 == 0:
            left_over(out, "000000000001")
        for contender in contenders:
            contender.stdin.write(f"{out}\n")
            contender.stdin.flush()
        results = sorted(contender.stdout.readline().strip() for contender in contenders)
        assert results == ["published", "refused", "refused", "refused"]
        assert names(out.parent) == ["out"]

    for contender in contenders:
        contender.communicate(timeout=10)


KILLED = """
import os, signal, sys
from pathlib import Path
from mnistkit.engine.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1]), sys.argv[2]) as scratch:
    (scratch / "export" / "half").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@posix
@pytest.mark.parametrize("plan", [PLAN, OTHER_PLAN], ids=["same plan", "another plan"])
def test_killed_export_leaves_one_folder_and_the_next_removes_it(tmp_path, plan, caplog):
    subprocess.run([sys.executable, "-c", KILLED, tmp_path / "out", PLAN], check=False)
    assert names(tmp_path) == [f".out.mnistkit-{PLAN}"]

    with scratch_folder(tmp_path / "out", plan) as scratch:
        assert names(tmp_path) == [scratch.name]
        assert names(scratch) == ["export", "lock"]
        assert names(scratch / "export") == []

    assert caplog.messages == [f"{tmp_path}/.out.mnistkit-{PLAN}: removed what an interrupted export left"]
    assert names(tmp_path) == []


@pytest.mark.parametrize("plan", [PLAN, OTHER_PLAN], ids=["same plan", "another plan"])
def test_scratch_in_use_is_left_alone(tmp_path, plan):
    with scratch_folder(tmp_path / "out", PLAN) as scratch:
        with (
            pytest.raises(DestinationError, match="out: another export to it is running"),
            scratch_folder(tmp_path / "out", plan),
        ):
            pass

        assert names(scratch) == ["export", "lock"]
        assert names(tmp_path) == [scratch.name]


# ---------------------------------------------------------------- what cannot be removed

UNPRIVILEGED = """
import os, shutil, sys
from pathlib import Path
import mnistkit.api, encodings.idna
from mnistkit.engine.publish import publish
from mnistkit.engine.scratch import scratch_folder
from mnistkit.errors import DestinationError
if os.geteuid() == 0:
    os.setgroups([]), os.setgid({nobody}), os.setuid({nobody})
out = Path(sys.argv[1])
try:
    with scratch_folder(out, "{plan}") as scratch:
        (scratch / "export" / "new").touch()
        {more}
        print("begun")
except DestinationError as error:
    print(error)
"""


@pytest.fixture
def place():
    """A folder that anybody may write to."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    subprocess.run(["chmod", "-R", "u+rwx", folder], check=True)
    shutil.rmtree(folder)


def begin_unprivileged(out, more="pass"):
    """Begin an export as nobody where the tests run as root; return what it says."""
    code = UNPRIVILEGED.format(nobody=NOBODY, plan=PLAN, more=more)
    run = subprocess.run([sys.executable, "-c", code, out], capture_output=True, text=True, check=False)
    return (run.stdout + run.stderr).strip()


def own(folder):
    """Give a tree to who begins unprivileged."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)


@posix
@pytest.mark.parametrize("plan", [PLAN, OTHER_PLAN], ids=["same plan", "another plan"])
def test_left_over_with_read_only_folders_is_removed(place, plan):
    scratch = left_over(place / "out", plan)
    own(scratch)
    for folder in (scratch / "export" / "deep", scratch / "export", scratch):
        folder.chmod(0o500)

    said = begin_unprivileged(place / "out")

    assert said == f"begun\n{scratch}: removed what an interrupted export left"
    assert names(place) == []


@posix
@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root makes files of others")
@pytest.mark.parametrize("plan", [PLAN, OTHER_PLAN], ids=["same plan", "another plan"])
def test_left_over_that_cannot_be_removed_is_named(place, plan):
    scratch = left_over(place / "out", plan)
    own(scratch)
    os.chown(scratch / "export" / "deep", 0, 0)

    for _ in range(2):
        said = begin_unprivileged(place / "out")
        assert said == f"{scratch}: cannot be removed: found Operation not permitted; remove it yourself"

    assert names(place) == [scratch.name]


@posix
@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root makes files of others")
@pytest.mark.parametrize("plan", [PLAN, OTHER_PLAN], ids=["same plan", "another plan"])
def test_left_over_of_another_user_is_named(place, plan):
    scratch = left_over(place / "out", plan)

    said = begin_unprivileged(place / "out")

    expected = "is another user's; wait for their export to end, or have them remove it"
    assert said == f"{scratch}: {expected}"
    assert names(place) == [scratch.name]


@posix
@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root makes files of others")
def test_what_cannot_be_removed_after_success_is_a_warning(place):
    old = left_over(place / "x")
    own(old)
    os.chown(old / "export" / "deep", 0, 0)
    old.rename(place / "before")

    said = begin_unprivileged(
        place / "out",
        more='(scratch / "export").rename(out); (out.parent / "before").rename(scratch / "old")',
    )

    failed = r"begun\n.*: cannot be removed \(.*Operation not permitted.*\); remove it yourself"
    assert re.fullmatch(failed, said)
    assert (place / "out" / "new").exists()


@posix
def test_thing_in_the_way_of_scratch_is_named(tmp_path):
    (tmp_path / f".out.mnistkit-{PLAN}").symlink_to(tmp_path)

    with (
        pytest.raises(DestinationError, match="is in the way: expected a folder; remove it yourself"),
        scratch_folder(tmp_path / "out", PLAN),
    ):
        pass


@posix
def test_link_that_is_named_like_scratch_is_not_followed(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "export").mkdir()
    (tmp_path / f".out.mnistkit-{OTHER_PLAN}").symlink_to(tmp_path / "mine")

    with scratch_folder(tmp_path / "out", PLAN):
        pass

    assert names(tmp_path / "mine") == ["export"]


def test_disk_that_is_full_before_the_lock_is_there_leaves_nothing(tmp_path, small, monkeypatch):
    def fail(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fspath(path))

    monkeypatch.setattr(locking, "_open", fail)

    with pytest.raises(DestinationError, match=r"out: cannot be written: found No space .*; free some space"):
        mnistkit.export(small, "idx", tmp_path / "a" / "out")

    assert names(tmp_path) == []


def test_lock_that_is_no_file_is_named(tmp_path, small):
    with scratch_folder(tmp_path / "out", PLAN) as scratch:
        pass
    (scratch / "lock").mkdir(parents=True)

    with (
        pytest.raises(DestinationError, match=f"{PLAN}: cannot be locked: found .*; remove it yourself"),
        scratch_folder(tmp_path / "out", PLAN),
    ):
        pass


def test_scratch_that_somebody_takes_away_is_not_complained_of(tmp_path, caplog):
    with scratch_folder(tmp_path / "out", PLAN) as scratch:
        shutil.rmtree(scratch)

    assert caplog.messages == []


def test_receipt_that_cannot_be_read_is_why_an_export_is_not_replaced(out, monkeypatch):
    real = Path.read_bytes

    def read(path):
        if path.name == "mnistkit.json":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read)

    with pytest.raises(
        DestinationError, match=r"leaves it alone: found mnistkit\.json: cannot be read; choose"
    ):
        check_destination(out, overwrite=True, source=None)


# ---------------------------------------------------------------- folders around it


def test_failed_export_removes_the_parents_it_made(tmp_path):
    (tmp_path / "there").mkdir()
    for failure in (ValueError, KeyboardInterrupt):
        with (
            pytest.raises(failure),
            scratch_folder(tmp_path / "there" / "a" / "b" / "out", PLAN),
        ):
            raise failure

    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


def test_published_export_keeps_its_parents(tmp_path, small):
    mnistkit.export(small, "idx", tmp_path / "a" / "b" / "out")

    assert names(tmp_path / "a" / "b") == ["out"]


@pytest.mark.parametrize("name", [".", "new/..", "here/.."])
def test_destination_without_a_name_is_refused(tmp_path, monkeypatch, small, name):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    with pytest.raises(DestinationError, match="has no name of its own; choose another --out"):
        scratch_folder(Path(name), PLAN).__enter__()
    with pytest.raises(DestinationError):
        mnistkit.export(small, "idx", name, overwrite=True)

    assert names(tmp_path) == ["here"]
    assert names(tmp_path / "here") == []


# ---------------------------------------------------------------- the list of checksums


def some_files(folder):
    """Make files whose order differs between names alone and folder by folder."""
    for name in ("b/1", "b/0", "b/c/2", "b.txt", "a/9", "z", "b-/3"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_walk_yields_each_folders_files_in_order(tmp_path):
    some_files(tmp_path)
    for name in ("mnistkit.json", ".DS_Store", "b/._0", "b/mnistkit.json"):
        (tmp_path / name).touch()

    assert list(walk(tmp_path)) == [
        "b.txt", "z", "a/9", "b/0", "b/1", "b/mnistkit.json", "b/c/2", "b-/3",
    ]  # fmt: skip


@pytest.mark.parametrize("workers", [1, 3])
def test_changes_are_found_in_one_pass(tmp_path, workers):
    some_files(tmp_path)
    write_checksums(tmp_path, workers)
    assert list(changed_files(tmp_path, workers)) == []

    (tmp_path / "a" / "9").unlink()
    (tmp_path / "b" / "1").write_text("other")
    for name in ("added", "b/11", "zz"):
        (tmp_path / name).touch()

    assert sorted(changed_files(tmp_path, workers)) == [
        "a/9: missing",
        "added: not of this export",
        "b/11: not of this export",
        "b/1: its bytes have changed",
        "zz: not of this export",
    ]
    assert list(added_files(tmp_path)) == ["added", "zz", "b/11"]


def make_socket(path):
    os.mknod(path, stat.S_IFSOCK | 0o600)


def make_link_to_folder(path):
    (path.parent / "b").mkdir(exist_ok=True)
    path.symlink_to(path.parent / "b")


def make_link_to_nothing(path):
    path.symlink_to("nowhere")


STRANGE = [os.mkfifo, make_socket, make_link_to_folder, make_link_to_nothing] if os.name != "nt" else []


@posix
@pytest.mark.parametrize("make", STRANGE, ids=lambda make: make.__name__)
@pytest.mark.parametrize("name", ["strange", ".DS_Store"])
def test_what_is_no_file_is_seen_and_refused(tmp_path, make, name):
    some_files(tmp_path)
    make(tmp_path / name)

    assert name in list(walk(tmp_path))
    with pytest.raises(DataError, match=f"{name}: not a file"):
        sha256_of(tmp_path / name)
    with pytest.raises(DataError, match=f"{name}: not a file"):
        write_checksums(tmp_path, 1)


@posix
@pytest.mark.parametrize("make", STRANGE, ids=lambda make: make.__name__)
def test_verify_reports_what_is_no_file(out, make):
    (out / "train-labels-idx1-ubyte").unlink()
    for name in ("train-labels-idx1-ubyte", "added"):
        make(out / name)

    assert sorted(changed_files(out, 1)) == ["added: not a file", "train-labels-idx1-ubyte: not a file"]


@posix
@pytest.mark.parametrize("make", STRANGE, ids=lambda make: make.__name__)
def test_overwrite_leaves_alone_what_is_no_file(out, make):
    make(out / "strange")

    with pytest.raises(DestinationError, match="not of the export: found strange"):
        check_destination(out, overwrite=True, source=None)


@posix
def test_link_to_a_file_is_a_file(tmp_path):
    (tmp_path / "file").write_text("1")
    (tmp_path / "link").symlink_to("file")

    assert sha256_of(tmp_path / "link") == sha256_of(tmp_path / "file")
    assert list(walk(tmp_path)) == ["file", "link"]


@posix
@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\x1b[2Jb", "a\x85b", "a\\b", b"\xff"], ids=ascii)
def test_name_that_cannot_be_listed_is_refused(tmp_path, name):
    (tmp_path / os.fsdecode(name)).touch()

    with pytest.raises(DataError, match=r"has a name that mnistkit\.sha256 cannot list: found '"):
        write_checksums(tmp_path, 1)


@posix
@pytest.mark.parametrize("name", ["zwölf ☃ 👩‍👩‍👧", "a\u2028b", "two  blanks", "\u00a0"], ids=ascii)
def test_name_that_is_merely_rare_is_listed(tmp_path, name):
    (tmp_path / name).touch()

    write_checksums(tmp_path, 1)

    assert list(read_checksums(tmp_path)) == [name]
    assert list(changed_files(tmp_path, 1)) == []


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "/etc/passwd", "a//b", "./a", "a\\b", "a\rb", "", "a/"],
    ids=ascii,
)
def test_list_that_leaves_the_folder_is_refused(tmp_path, name):
    (tmp_path / "mnistkit.sha256").write_bytes(f"{'0' * 64}  {name}\n".encode())

    with pytest.raises(DataError, match=r"mnistkit\.sha256, line 1: malformed"):
        read_checksums(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\n", "malformed: expected UTF-8"),
        (b"x" * 100_000, "line 1: malformed"),
        (b"%b  b\n%b  a\n" % (b"0" * 64, b"0" * 64), "line 2: out of order: found a"),
        (b"%b  a\n%b  a\n" % (b"0" * 64, b"0" * 64), "line 2: out of order: found a"),
    ],
    ids=["bytes", "endless", "unsorted", "twice"],
)
def test_malformed_list_is_refused(tmp_path, content, message):
    (tmp_path / "mnistkit.sha256").write_bytes(content)

    with pytest.raises(DataError, match=message):
        read_checksums(tmp_path)


def test_many_files_take_little_memory_and_time(tmp_path):
    for folder in range(60):
        (tmp_path / f"{folder:02}").mkdir()
        for name in range(100):
            (tmp_path / f"{folder:02}" / f"{name:05}.png").touch()
    write_checksums(tmp_path, 1)

    began = time.monotonic()
    tracemalloc.start()
    assert list(changed_files(tmp_path, 1)) == []
    assert list(added_files(tmp_path)) == []
    sync_export(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 600_000  # all names in a list took 1.2 MB, with their checksums 2.5
    assert time.monotonic() - began < 10


FULL = """
import resource, signal, sys
from pathlib import Path
from mnistkit.checksums import write_checksums
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_checksums(Path(sys.argv[1]), 3)
except OSError as error:
    print(error.errno)
"""


@posix
def test_full_disk_surfaces_as_the_systems_error(tmp_path):
    for name in range(200):
        (tmp_path / str(name)).touch()

    run = subprocess.run([sys.executable, "-c", FULL, tmp_path], capture_output=True, text=True, check=False)

    assert run.stdout == f"{errno.EFBIG}\n"
