"""Files hashed while they are written."""

from __future__ import annotations

import errno
import hashlib
import importlib
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistkit.checksums import read_checksums, sha256_of
from mnistkit.errors import PluginError
from mnistkit.plugin import Sink, Written
from mnistkit.testing import drawn_dataset

sinks = importlib.import_module("mnistkit.plugin.sink")


@given(pieces=st.lists(st.binary(max_size=50), max_size=9))
def test_a_sink_knows_the_checksum_of_its_file(tmp_path_factory, pieces):
    path = tmp_path_factory.mktemp("sink") / "file"

    with Sink(path) as sink:
        for piece in pieces:
            sink.write(piece)

    assert path.read_bytes() == b"".join(pieces)
    assert sink.sha256 == {"file": hashlib.sha256(b"".join(pieces)).hexdigest()}


def test_large_pieces_are_written_whole(tmp_path):
    data = os.urandom(5 << 20)

    with Sink(tmp_path / "file") as sink:
        sink.write(data)

    assert sink.sha256 == {"file": sha256_of(tmp_path / "file")} == {"file": hashlib.sha256(data).hexdigest()}


def test_a_sink_never_writes_over_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"precious")

    with pytest.raises(FileExistsError):
        Sink(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"precious"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device on this system")
def test_a_full_disk_is_told(tmp_path, monkeypatch):
    real = os.write
    full = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr(os, "pwrite", lambda _, data, place: real(full, data))

    with pytest.raises(OSError, match="No space left") as caught, Sink(tmp_path / "one") as sink:
        sink.write(b"x")
    with pytest.raises(OSError, match="No space left"), Sink(tmp_path / "many") as sink:
        sink.write_each(bytes, [b"x"] * 9, workers=3)

    os.close(full)
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("anywhere", [True, False], ids=["anywhere", "in turn"])
@given(pieces=st.lists(st.binary(max_size=50), max_size=20), workers=st.integers(1, 4))
def test_what_workers_write_comes_in_order(tmp_path_factory, anywhere, pieces, workers):
    path = tmp_path_factory.mktemp("sink") / "file"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sinks, "_ANYWHERE", anywhere and sinks._ANYWHERE)

        with Sink(path) as sink:
            sink.write(b"head")
            sink.write_each(bytes, pieces, workers)
            sink.write(b"tail")

    expected = b"head" + b"".join(pieces) + b"tail"
    assert path.read_bytes() == expected
    assert sink.sha256 == {"file": hashlib.sha256(expected).hexdigest()}


def test_who_is_ready_first_waits_for_its_place(tmp_path):
    second = threading.Event()

    def made(number):
        if number == 0:
            second.wait(60)
        second.set()
        return b"%d" % number

    with Sink(tmp_path / "file") as sink:
        sink.write_each(made, range(5), workers=2)

    assert (tmp_path / "file").read_bytes() == b"01234"


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_first_failure_of_workers_is_told_and_nobody_waits_for_ever(tmp_path, workers):
    def made(number):
        if number in (3, 4):
            raise ValueError(number)
        return b"x"

    with pytest.raises(ValueError, match=r"^3$"), Sink(tmp_path / "file") as sink:
        sink.write_each(made, range(9), workers)


def test_a_source_that_fails_is_told_by_workers_too(tmp_path):
    def items():
        yield from range(3)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), Sink(tmp_path / "file") as sink:
        sink.write_each(lambda number: b"%d" % number, items(), workers=2)


@pytest.mark.parametrize("name", ["csv", "mlnet"])
def test_the_list_of_checksums_is_true(tmp_path, name, cli):
    cli("export", "synthetic:train=30,test=10", "--to", name, "--out", tmp_path / "out")

    listed = read_checksums(tmp_path / "out")
    assert listed
    assert listed == {file: sha256_of(tmp_path / "out" / file) for file in listed}


def test_a_checksum_that_is_none_is_refused(tmp_path, monkeypatch):
    import mnistkit  # noqa: PLC0415 - beside what it is patched with
    from mnistkit_csv.writer import CsvWriter  # noqa: PLC0415 - as above

    monkeypatch.setattr(CsvWriter, "finish", lambda *_: Written(sha256={"train.csv": "0" * 63}))

    with pytest.raises(PluginError, match=r"format 'csv': checksum of 'train.csv': expected SHA-256 in hex"):
        mnistkit.export(drawn_dataset(), "csv", tmp_path / "out")


def test_nothing_is_hashed_that_nobody_wants_to_know(tmp_path):
    with Sink(tmp_path / "file", hashed=False) as sink:
        sink.write(b"data")

    assert (tmp_path / "file").read_bytes() == b"data"
    assert sink.sha256 == {}
