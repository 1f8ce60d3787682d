"""Files made and read by one call a batch, and one by one: the same, and errors in the same words."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from mnistkit import native
from mnistkit.codecs import files
from mnistkit.codecs.files import create_all, opened, read_all
from mnistkit.errors import DataError

pytestmark = pytest.mark.usefixtures("lane")

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
needs_permissions = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may all")
FULL = Path("/dev/full")


def create(path, names, contents):
    with opened(path) as folder:
        create_all(folder, names, contents)


def read(path, names):
    with opened(path) as folder:
        return [data for some in read_all(folder, names) for data in some]


def test_files_come_back_whatever_their_names_and_sizes(tmp_path):
    names = ["0.png", "ключ.png", "x" * 200, "\udcff", " \n"]
    if sys.platform in ("win32", "darwin"):
        names = names[:3]
    contents = [b"", b"x", b"y" * 275, np.random.default_rng(0).bytes(3_000_000), b"z" * 65536][: len(names)]

    create(tmp_path, names, contents)

    assert [(tmp_path / name).read_bytes() for name in names] == contents
    assert read(tmp_path, names) == contents


def test_files_that_are_there_are_replaced(tmp_path):
    (tmp_path / "0.png").write_bytes(b"x" * 1000)

    create(tmp_path, ["0.png"], [b"new"])

    assert (tmp_path / "0.png").read_bytes() == b"new"


def test_no_files_are_no_work(tmp_path):
    create(tmp_path, [], [])

    assert read(tmp_path, []) == []


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_new_files_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        create(tmp_path, ["0.png"], [b"x"])
    finally:
        os.umask(before)

    assert (tmp_path / "0.png").stat().st_mode & 0o777 == 0o640


def test_a_file_that_cannot_be_made_is_named_and_those_before_it_are_there(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        create(tmp_path, ["0.png", "gone/1.png", "2.png"], [b"a", b"b", b"c"])

    assert caught.value.filename == str(tmp_path / "gone/1.png")
    assert (tmp_path / "0.png").read_bytes() == b"a"
    assert not (tmp_path / "2.png").exists()


@pytest.mark.skipif(not FULL.exists(), reason=f"the system has no {FULL}")
def test_a_full_disk_is_said_with_the_file_that_did_not_fit(tmp_path):
    (tmp_path / "1.png").symlink_to(FULL)

    with pytest.raises(OSError, match="No space left on device") as caught:
        create(tmp_path, ["0.png", "1.png", "2.png"], [b"a", b"b", b"c"])

    assert caught.value.filename == str(tmp_path / "1.png")
    assert not (tmp_path / "2.png").exists()


@needs_permissions
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    create(tmp_path, ["0.png", "1.png"], [b"a", b"b"])
    (tmp_path / "1.png").chmod(0)

    with pytest.raises(
        DataError, match=r"1\.png: cannot be read: expected an image, found Permission denied$"
    ):
        read(tmp_path, ["0.png", "1.png"])


def test_a_file_that_is_gone_is_named(tmp_path):
    create(tmp_path, ["0.png"], [b"a"])

    with pytest.raises(
        DataError,
        match=re.escape("gone.png: cannot be read: expected an image, found No such file or directory"),
    ):
        read(tmp_path, ["0.png", "gone.png"])


@needs_pipes
@pytest.mark.parametrize("content", [b"", b"\x89PNG"], ids=["empty", "filled"])
def test_pipes_are_refused_even_with_something_in_them(tmp_path, content):
    os.mkfifo(tmp_path / "1.png")
    pipe = os.open(tmp_path / "1.png", os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(pipe, content)
        with pytest.raises(
            DataError, match=r"1\.png: not a regular file: expected an image, found something else$"
        ):
            read(tmp_path, ["1.png"])
    finally:
        os.close(pipe)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a folder cannot be opened")
def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "0.png").mkdir()

    with pytest.raises(
        DataError, match=r"0\.png: not a regular file: expected an image, found something else$"
    ):
        read(tmp_path, ["0.png"])


def test_a_file_larger_than_any_image_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_MOST_BYTES", 1000)
    monkeypatch.setattr(files, "_MOST_TOGETHER", 1000)
    create(tmp_path, ["0.png", "1.png"], [b"a" * 1000, b"b" * 1001])

    assert read(tmp_path, ["0.png"]) == [b"a" * 1000]
    with pytest.raises(
        DataError, match=r"1\.png: file too large: expected at most 1,000 bytes, found 1,001$"
    ):
        read(tmp_path, ["0.png", "1.png"])


def test_files_are_held_some_at_a_time(tmp_path, monkeypatch, lane):
    monkeypatch.setattr(files, "_MOST_TOGETHER", 1000)
    sizes = [400, 400, 400, 2000, 100]
    names = [f"{i}.png" for i in range(5)]
    create(tmp_path, names, [b"x" * size for size in sizes])

    with opened(tmp_path) as folder:
        found = [list(map(len, some)) for some in read_all(folder, names)]

    assert [size for some in found for size in some] == sizes
    # In C no more than fit, which the large one does not; otherwise up to the one that makes them too many.
    together = [[400, 400], [400], [2000], [100]] if lane == "native" else [[400, 400, 400], [2000], [100]]
    assert found == together


def test_one_call_does_a_whole_batch_where_it_can(tmp_path, monkeypatch, lane):
    """Otherwise the tests above would test one lane twice."""
    alone = []
    for name in ("_create", "_read"):
        inner = getattr(files, name)
        monkeypatch.setattr(files, name, lambda *given, inner=inner: alone.append(given) or inner(*given))

    create(tmp_path, ["0.png"], [b"a"])
    read(tmp_path, ["0.png"])

    assert len(alone) == (0 if lane == "native" and files.RELATIVE else 2)


@pytest.mark.skipif(native.state() != "in use" or not files.RELATIVE, reason="compiled loops are not in use")
def test_the_calls_refuse_what_they_cannot_do():
    from mnistkit.native import files as loops  # noqa: PLC0415 - is not there in every build

    for job, kind, message in (
        (lambda: loops.create(0, b"a", (b"",)), ValueError, "names: expected a zero behind each"),
        (lambda: loops.create(0, b"a\0", ()), ValueError, "contents: expected 1, found 0"),
        (lambda: loops.create(0, b"a\0", ("text",)), TypeError, "bytes"),
        (lambda: loops.create(0, b"a\0", [b""]), TypeError, "tuple"),
        (lambda: loops.read(0, b"a", 9), ValueError, "names: expected a zero behind each"),
        (lambda: loops.read(0, b"a\0", -1), ValueError, "most: -1 is out of range"),
    ):
        with pytest.raises(kind, match=message):
            job()
