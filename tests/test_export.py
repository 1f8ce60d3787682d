"""An export is whole or not there, proved, deterministic, and guarded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import mnistkit
from mnistkit.checksums import sha256_of
from mnistkit.dataset import Dataset
from mnistkit.engine import publish as publishing
from mnistkit.errors import (
    CapabilityError,
    DataError,
    DestinationError,
    DifferenceError,
    PluginError,
    UsageError,
)
from mnistkit.idx.writer import IdxWriter
from mnistkit.receipt import receipt_of
from mnistkit.testing import assert_same_content, drawn_dataset


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


class BrokenWriter(IdxWriter):
    """Writes one batch and then fails as asked."""

    failure: BaseException = RuntimeError("it broke")

    def write(self, folder, part, batches):
        (folder / "half").write_bytes(next(batches).images.tobytes())
        raise self.failure


@pytest.fixture
def broken(monkeypatch):
    """Make the idx writer fail; set ``broken.failure`` to choose how."""
    monkeypatch.setattr(BrokenWriter, "failure", RuntimeError("it broke"))
    monkeypatch.setattr("mnistkit.engine.export.load_writer", lambda _: BrokenWriter)
    return BrokenWriter


# ---------------------------------------------------------------- what an export is


def test_export_reads_back_and_is_verified(tmp_path, small):
    receipt = mnistkit.export(small, "idx", tmp_path / "out", verify=True)

    assert_same_content(mnistkit.open(tmp_path / "out"), small)
    assert mnistkit.verify(tmp_path / "out")
    assert receipt.rows == 40
    assert receipt == receipt_of(tmp_path / "out")


def test_default_destination_names_dataset_and_format(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    mnistkit.export(drawn_dataset(name="emnist/letters"), "idx")

    assert (tmp_path / "emnist-letters-idx" / "mnistkit.json").exists()


def test_checksums_are_as_sha256sum_reads_them(tmp_path, small):
    mnistkit.export(small, "idx", tmp_path / "out")

    run = subprocess.run(["sha256sum", "-c", "mnistkit.sha256"], cwd=tmp_path / "out", check=False)

    assert run.returncode == 0


def test_receipt_names_no_path_time_or_workers(tmp_path, small):
    mnistkit.export(small, "idx", tmp_path / "source")
    mnistkit.export(tmp_path / "source", "idx", tmp_path / "a", workers=1)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "source").rename(tmp_path / "elsewhere" / "source")
    mnistkit.export(tmp_path / "elsewhere" / "source", "idx", tmp_path / "b", workers=3)

    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    assert str(tmp_path) not in (tmp_path / "a" / "mnistkit.json").read_text()


def test_receipt_has_checksums_of_sources_read_to_their_end(tmp_path, small):
    mnistkit.export(small, "idx", tmp_path / "source")

    whole = mnistkit.export(tmp_path / "source", "idx", tmp_path / "whole")
    some = mnistkit.export(tmp_path / "source", "idx", tmp_path / "some", limit=3)

    assert {len(s["sha256"]) for s in whole.sources} == {64}
    assert len(whole.sources) == 4
    assert {s["sha256"] for s in some.sources} == {"partial"}


def test_splits_and_limit_choose(tmp_path, small):
    receipt = mnistkit.export(small, "idx", tmp_path / "out", splits=["test"], limit=4)

    assert list(receipt.splits) == ["test"]
    np.testing.assert_array_equal(
        mnistkit.open(tmp_path / "out")["test"].load().images, small["test"].load().images[:4]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"to": "parqet"}, "unknown format 'parqet'; did you mean 'parquet'"),
        ({"to": "idx", "gzp": "none"}, "format 'idx': no option 'gzp'; known: gzip"),
        ({"to": "idx", "gzip": "best"}, r"bad value for --gzip: expected none\|fast.*found 'best'"),
        ({"to": "idx", "splits": ["tset"]}, "no split 'tset'; it has train, test"),
        ({"to": "idx", "limit": -1}, "limit: bad value"),
        ({"to": "idx", "workers": 0}, "workers: bad value"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_wrong_usage_is_refused(tmp_path, small, arguments, message):
    with pytest.raises(UsageError, match=message):
        mnistkit.export(small, out=tmp_path / "out", **arguments)

    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- whole or not there


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (RuntimeError("it broke"), PluginError),
        (OSError(28, "No space left on device"), DestinationError),
        (CapabilityError("format 'idx'", "no"), CapabilityError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)),
)
def test_failure_leaves_nothing(tmp_path, small, broken, failure, error):
    broken.failure = failure

    with pytest.raises(error):
        mnistkit.export(small, "idx", tmp_path / "out")

    assert list(tmp_path.iterdir()) == []


def test_failure_leaves_what_was_there(tmp_path, small, broken, monkeypatch):
    monkeypatch.undo()
    mnistkit.export(small, "idx", tmp_path / "out")
    before = tree(tmp_path / "out")
    monkeypatch.setattr("mnistkit.engine.export.load_writer", lambda _: BrokenWriter)

    with pytest.raises(PluginError, match="format 'idx': failed while writing: found RuntimeError: it broke"):
        mnistkit.export(small, "idx", tmp_path / "out", overwrite=True)

    assert tree(tmp_path / "out") == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_failing_source_leaves_nothing(tmp_path):
    mnistkit.export(drawn_dataset(train=3000), "idx", tmp_path / "source", gzip="fast")
    images = tmp_path / "source" / "train-images-idx3-ubyte.gz"
    images.write_bytes(images.read_bytes()[:-2000])

    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz: damaged gzip data"):
        mnistkit.export(tmp_path / "source", "idx", tmp_path / "out")

    assert [p.name for p in tmp_path.iterdir()] == ["source"]


class ForgetfulWriter(IdxWriter):
    """Leaves the last batch where it is."""

    def write(self, folder, part, batches):
        written = super().write(folder, part, iter(()))
        next(batches, None)
        return written


def test_writer_that_forgets_images_is_found_out(tmp_path, small, monkeypatch):
    monkeypatch.setattr("mnistkit.engine.export.load_writer", lambda _: ForgetfulWriter)

    with pytest.raises(DifferenceError, match="does not read back"):
        mnistkit.export(small, "idx", tmp_path / "out", verify=True)

    assert list(tmp_path.iterdir()) == []


class LyingWriter(IdxWriter):
    """Changes one pixel of image 17."""

    def write(self, folder, part, batches):
        written = super().write(folder, part, batches)
        if part.split.name == "train":
            with (folder / "train-images-idx3-ubyte").open("r+b") as file:
                file.seek(16 + 17 * 784 + 3 * 28 + 5)
                old = file.read(1)
                file.seek(-1, os.SEEK_CUR)
                file.write(bytes([old[0] ^ 255]))
        return written


def test_verify_publishes_nothing_that_differs(tmp_path, small, monkeypatch):
    monkeypatch.setattr("mnistkit.engine.export.load_writer", lambda _: LyingWriter)

    expected = r"train: image 17 \(label 7\): pixel at row 3, column 5 is"
    with pytest.raises(DifferenceError, match=expected) as error:
        mnistkit.export(small, "idx", tmp_path / "out", verify=True)

    assert error.value.exit_code == 3
    assert list(tmp_path.iterdir()) == []


KILLED = """
import sys, time, mnistkit
from mnistkit.idx.writer import IdxWriter
real = IdxWriter.write
def slow(self, folder, part, batches):
    def pace():
        for batch in batches:
            print("batch", file=sys.__stdout__, flush=True)
            time.sleep(30)
            yield batch
    return real(self, folder, part, pace())
IdxWriter.write = slow
from mnistkit.cli import main
sys.argv = ["mnistkit", "export", "synthetic:train=5000,test=10", "--to", "idx", "--out", "out"]
main()
"""


def start_slow_export(folder):
    """Start an export to ``out`` that has got as far as its first batch."""
    command, pipe = [sys.executable, "-c", KILLED], subprocess.PIPE
    process = subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout.readline() == "batch\n"
    return process


@pytest.mark.parametrize(
    ("sent", "code", "litter"),
    [(signal.SIGINT, 130, 0), (signal.SIGTERM, 143, 0), (signal.SIGKILL, -9, 1)],
    ids=["Ctrl-C", "terminate", "kill"],
)
def test_signal_leaves_the_destination_untouched(tmp_path, sent, code, litter):
    process = start_slow_export(tmp_path)

    process.send_signal(sent)
    _, err = process.communicate(timeout=20)

    assert process.returncode == code
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()
    assert len(list(tmp_path.iterdir())) == litter
    mnistkit.export("synthetic:train=10,test=10", "idx", tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_second_export_to_a_place_in_use_is_refused(tmp_path, small):
    process = start_slow_export(tmp_path)
    try:
        with pytest.raises(DestinationError, match="another export to it is running"):
            mnistkit.export(small, "idx", tmp_path / "out")
    finally:
        process.kill()
        process.communicate()


def test_swap_cut_off_between_its_renames_is_rolled_forward(tmp_path, small):
    mnistkit.export(small, "idx", tmp_path / "new")
    scratch = tmp_path / ".out.mnistkit-0123456789ab"
    scratch.mkdir()
    (tmp_path / "new").rename(scratch / "export")
    (scratch / "old").mkdir()

    assert mnistkit.verify(tmp_path / "out")


def test_system_without_exchange_swaps_in_two_renames(tmp_path, small, monkeypatch):
    mnistkit.export(small, "idx", tmp_path / "out")
    monkeypatch.setattr(publishing, "_rename", lambda *_: False)

    mnistkit.export(drawn_dataset(train=5), "idx", tmp_path / "out", overwrite=True)

    assert len(mnistkit.open(tmp_path / "out")["train"]) == 5
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


# ---------------------------------------------------------------- guards on what is there


def test_existing_destination_is_refused(tmp_path, small):
    (tmp_path / "out").mkdir()

    with pytest.raises(DestinationError, match="exists already; choose another --out, or add --overwrite"):
        mnistkit.export(small, "idx", tmp_path / "out")


@pytest.mark.parametrize("there", ["an empty folder", "an export"])
def test_overwrite_replaces(tmp_path, small, there):
    if there == "an export":
        mnistkit.export(drawn_dataset(train=3), "idx", tmp_path / "out")
    else:
        (tmp_path / "out").mkdir()

    mnistkit.export(small, "idx", tmp_path / "out", overwrite=True)

    assert_same_content(mnistkit.open(tmp_path / "out"), small)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def notes(folder):
    (folder / "notes.txt").write_text("mine")


def export_and_notes(folder):
    folder.rmdir()
    mnistkit.export(drawn_dataset(train=3), "idx", folder)
    notes(folder)


def forged_receipt(folder):
    notes(folder)
    (folder / "mnistkit.json").write_text("{}")


@pytest.mark.parametrize("fill", [notes, export_and_notes, forged_receipt], ids=lambda f: f.__name__)
def test_overwrite_leaves_alone_what_is_not_an_export(tmp_path, small, fill):
    (tmp_path / "out").mkdir()
    fill(tmp_path / "out")
    before = tree(tmp_path / "out")

    expected = r"is no export of mnistkit|not of the export: found notes\.txt"
    with pytest.raises(DestinationError, match=expected):
        mnistkit.export(small, "idx", tmp_path / "out", overwrite=True)

    assert tree(tmp_path / "out") == before


def test_overwrite_refuses_a_file_and_a_link(tmp_path, small):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")

    for name in ("file", "link"):
        with pytest.raises(DestinationError, match="is no folder"):
            mnistkit.export(small, "idx", tmp_path / name, overwrite=True)


def test_overwrite_refuses_home_current_folder_source_and_what_holds_them(tmp_path, small, monkeypatch):
    home, current, source = (tmp_path / name / "inner" for name in ("home", "current", "source"))
    for folder in (home, current):
        folder.mkdir(parents=True)
    mnistkit.export(small, "idx", source)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(current)

    for folder in (home, current, source, home.parent, current.parent, source.parent, Path("/")):
        with pytest.raises(DestinationError, match=r"or holds it|is the root folder"):
            mnistkit.export(source, "idx", folder, overwrite=True)


def test_place_that_cannot_be_written_is_refused_in_one_line(tmp_path, small):
    (tmp_path / "file").write_text("")

    with pytest.raises(DestinationError, match=r"file/out: cannot be written: found"):
        mnistkit.export(small, "idx", tmp_path / "file" / "out")


def test_too_little_space_is_refused_before_writing(tmp_path, small, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=9))

    with pytest.raises(DestinationError, match="too little space: expected about 31,360 bytes, found 9 free"):
        mnistkit.export(small, "idx", tmp_path / "out")


def test_published_files_follow_the_umask(tmp_path, small):
    before = os.umask(0o027)
    try:
        mnistkit.export(small, "idx", tmp_path / "out")
    finally:
        os.umask(before)

    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o750
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "out").iterdir()} == {0o640}


# ---------------------------------------------------------------- honest about loss


def named(**more):
    return drawn_dataset(class_names=[f"class {i}" for i in range(10)], **more)


def test_loss_is_said_before_writing_and_in_the_receipt(tmp_path, caplog):
    receipt = mnistkit.export(named(), "idx", tmp_path / "out")

    assert receipt.lost == ("idx keeps no class names",)
    assert "idx keeps no class names" in caplog.text
    assert mnistkit.verify(tmp_path / "out")


def test_strict_refuses_loss(tmp_path):
    with pytest.raises(CapabilityError, match="something would be lost: found idx keeps no class names"):
        mnistkit.export(named(), "idx", tmp_path / "out", strict=True)

    assert list(tmp_path.iterdir()) == []


def test_width_of_labels_may_be_lost(tmp_path):
    dataset = Dataset.from_arrays({"train": (np.zeros((2, 2, 2), "u1"), np.array([0, 1], "i8"))})

    receipt = mnistkit.export(dataset, "idx", tmp_path / "out")

    assert receipt.lost == ("idx keeps labels as uint8, not as int64",)


def test_content_that_cannot_be_carried_is_refused(tmp_path):
    dataset = drawn_dataset(dtype="uint16")

    expected = r"format 'idx': cannot carry the pixel type of split 'train': .* found uint16"
    with pytest.raises(CapabilityError, match=expected):
        mnistkit.export(dataset, "idx", tmp_path / "out")


# ---------------------------------------------------------------- verify and diff


@pytest.fixture
def exported(tmp_path, small):
    mnistkit.export(small, "idx", tmp_path / "out")
    return tmp_path / "out"


def flip(path: Path, offset: int):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_verify_names_the_file_and_the_images(exported):
    flip(exported / "train-images-idx3-ubyte", 16 + 784 * 3)

    result = mnistkit.verify(exported)

    assert not result
    assert result.problems == (
        "train-images-idx3-ubyte: its bytes have changed",
        "train: an image or label from 0 to 29 differs",
    )


def test_verify_against_the_source_names_the_image(exported, small):
    flip(exported / "t10k-labels-idx1-ubyte", 8 + 2)

    result = mnistkit.verify(exported, against=small)

    assert "test: image 2 (label 3 in A, 2 in B)" in result.problems


def test_verify_sees_missing_and_added_files(exported):
    (exported / "t10k-labels-idx1-ubyte").unlink()
    (exported / "notes.txt").write_text("mine")

    problems = mnistkit.verify(exported).problems

    assert "notes.txt: not of this export" in problems
    assert "t10k-labels-idx1-ubyte: missing" in problems


def test_verify_sees_a_forged_list_of_checksums(exported):
    flip(exported / "train-labels-idx1-ubyte", 9)
    digest = sha256_of(exported / "train-labels-idx1-ubyte")
    lines = (exported / "mnistkit.sha256").read_text().splitlines()
    lines = [f"{digest}  {line[66:]}" if line.endswith("train-labels-idx1-ubyte") else line for line in lines]
    (exported / "mnistkit.sha256").write_text("\n".join(lines) + "\n")

    assert "mnistkit.sha256: its bytes have changed" in mnistkit.verify(exported).problems


def test_verify_without_receipt_is_refused(tmp_path):
    with pytest.raises(DataError, match="no receipt"):
        mnistkit.verify(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"receipt": 2}', '{"receipt": 1}', "\xff", "[" * 100_000],
    ids=lambda text: repr(text[:15]),
)
def test_receipt_that_is_none_is_refused_in_one_line(exported, text):
    (exported / "mnistkit.json").write_text(text, encoding="latin-1")

    with pytest.raises(DataError, match=r"mnistkit\.json: not a receipt of mnistkit") as refused:
        mnistkit.open(exported)

    assert "\n" not in str(refused.value)


def test_receipt_survives_its_json(exported):
    receipt = receipt_of(exported)

    assert json.loads(receipt.to_json())["digest"] == receipt.digest
    assert receipt_of(exported) == receipt


def test_diff_of_equal_datasets_is_nothing(exported, small):
    assert list(mnistkit.diff(exported, small)) == []


def test_diff_sees_what_differs(small):
    images, labels = small["train"].load().images.copy(), small["train"].load().labels.copy()
    images[4, 2, 3] ^= 255
    images[4, 5, 6] ^= 255
    labels[9] = 7
    other = Dataset.from_arrays({"train": (images, labels), "more": (images, labels)})

    found = list(mnistkit.diff(small, other))

    first, more = small["train"].load().images[4, 2, 3], " (2 pixel values differ)"
    assert [str(d) for d in found] == [
        f"train: image 4 (label 4): pixel at row 2, column 3 is {first} in A, {255 - first} in B{more}",
        "train: image 9 (label 9 in A, 7 in B)",
        "test: this split is in A, not in B",
        "more: this split is in B, not in A",
    ]
    assert (found[0].index, found[0].position, found[0].pixels) == (4, (2, 3), 2)


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"shape": (4, 4)}, "shape of an image: 28x28 in A, 4x4 in B"),
        ({"dtype": "int16"}, "pixel type: uint8 in A, int16 in B"),
        ({"labelled": False}, "labels: present in A, absent in B"),
        ({"train": 29}, "number of images: 30 in A, 29 in B"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_diff_sees_splits_that_are_unlike(small, more, what):
    assert f"train: {what}" in [str(d) for d in mnistkit.diff(small, drawn_dataset(**more))]


def test_diff_is_bit_for_bit(tmp_path):
    nan = np.array([[[np.nan]]], "f4")
    other = nan.copy().view("u4")
    other[0, 0, 0] ^= 1
    a = Dataset.from_arrays({"train": (nan, None)})

    assert list(mnistkit.diff(a, a)) == []
    assert len(list(mnistkit.diff(a, Dataset.from_arrays({"train": (other.view("f4"), None)})))) == 1


def test_progress_is_told_and_ends_at_the_total(tmp_path, small):
    calls = []

    mnistkit.export(small, "idx", tmp_path / "out", verify=True, progress=lambda *call: calls.append(call))

    assert calls[0] == ("write", 0, 40)
    assert ("write", 40, 40) in calls
    assert calls[-1] == ("verify", 40, 40)


def test_load_data_is_as_keras_has_it(exported, small):
    (x_train, y_train), (x_test, y_test) = mnistkit.load_data(exported)

    np.testing.assert_array_equal(x_train, small["train"].load().images)
    np.testing.assert_array_equal(y_test, small["test"].load().labels)
    assert (x_test.shape, y_train.shape) == ((10, 28, 28), (30,))


def test_load_data_without_both_splits_names_those_there_are(small):
    with pytest.raises(DataError, match=r"expected splits train and test, found train; use mnistkit\.open"):
        mnistkit.load_data(small.select(["train"]))
