"""What is published is on the disk: files and folders are synced before the swap, its traces after it."""

from __future__ import annotations

import errno
import os

import pytest

import mnistkit
from mnistkit.engine.durable import sync_export
from mnistkit.errors import DestinationError


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
