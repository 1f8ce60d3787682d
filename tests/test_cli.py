"""The command line says what happened in one line and ends with the code that belongs to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import mnistkit
import mnistkit.cli
from mnistkit.dataset import Dataset
from mnistkit.errors import CapabilityError
from mnistkit.testing import drawn_dataset

SMALL = "synthetic:train=30,test=10"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_export_prints_what_it_made(cli, tmp_path):
    result = cli("export", SMALL, "--to", "idx", "--verify")

    assert result.code == 0
    assert result.out.startswith("synthetic -> idx: synthetic-idx\n  train  30 images  28x28  uint8  mk1:")
    assert "verified: reads back equal, image by image" in result.out
    assert result.err == ""
    assert mnistkit.verify(tmp_path / "synthetic-idx")


def test_export_prints_json(cli):
    result = cli("export", SMALL, "--to", "idx", "--out", "out", "--json")

    assert json.loads(result.out)["splits"]["train"]["rows"] == 30
    assert json.loads(result.out)["out"] == "out"


def test_quiet_prints_nothing(cli):
    result = cli("export", SMALL, "--to", "idx", "--quiet")

    assert (result.code, result.out, result.err) == (0, "", "")


def test_split_limit_and_format_flags(cli, tmp_path):
    cli("export", SMALL, "--to", "idx", "--split", "test", "--limit", 4, "--gzip", "fast", "--workers", 1)

    assert len(mnistkit.open(tmp_path / "synthetic-idx")["test"]) == 4
    assert (tmp_path / "synthetic-idx" / "t10k-images-idx3-ubyte.gz").exists()


def test_idx_files_in_the_current_folder_are_the_default_source(cli, tmp_path, small, monkeypatch):
    mnistkit.export(small, "idx", tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")

    assert cli("export", "--to", "idx", "--out", tmp_path / "out").code == 0


WRONG = {
    "no format": (("export", SMALL), 2, "export: no format; say which with --to FORMAT or --for CONSUMER"),
    "unknown consumer": (
        ("export", SMALL, "--for", "mlnett"),
        2,
        "unknown consumer 'mlnett'; did you mean 'mlnet'?",
    ),
    "two formats": (("export", SMALL, "--for", "mlnet", "--to", "csv"), 2, "expected mlnet, found csv"),
    "unknown format": (("export", SMALL, "--to", "parqet"), 2, "did you mean 'parquet'?"),
    "unknown flag": (("export", SMALL, "--to", "idx", "--gzp", "x"), 2, "No such option: --gzp"),
    "bad choice": (("export", SMALL, "--to", "idx", "--gzip", "best"), 2, "'best' is not one of"),
    "bad number": (("export", SMALL, "--to", "idx", "--limit", "-1"), 2, "--limit"),
    "unknown dataset": (("export", "nmist", "--to", "idx"), 2, "unknown dataset 'nmist'"),
    "bad synthetic": (("export", "synthetic:trian=3", "--to", "idx"), 2, "trian"),
    "bad read option": (("export", SMALL, "--to", "idx", "--read", "x"), 2, "expected NAME=VALUE"),
    "no such file": (("info", "./nowhere"), 1, "nowhere: no such file or folder"),
    "empty folder": (("info", "."), 1, ".: an empty folder"),
    "no receipt": (("verify", "."), 1, "no receipt"),
    "unknown command": (("exprot",), 2, "No such command 'exprot'"),
}


@pytest.mark.parametrize(("arguments", "code", "message"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_one_clear_line(cli, arguments, code, message):
    result = cli(*arguments)

    assert result.code == code
    assert message in result.err
    assert "Traceback" not in result.err
    assert result.out == ""
    if code == 1:
        assert result.err.count("\n") == 1
        assert result.err.startswith("mnistkit: ")


def test_existing_destination_exits_1(cli):
    cli("export", SMALL, "--to", "idx")

    assert cli("export", SMALL, "--to", "idx").code == 1
    assert cli("export", SMALL, "--to", "idx", "--overwrite").code == 0


def test_strict_exits_1_on_a_loss_that_is_otherwise_a_warning(cli, tmp_path):
    named = drawn_dataset(class_names=[f"class {i}" for i in range(10)])
    mnistkit.export(named, "hdf5", tmp_path / "named")

    loose = cli("export", "named", "--to", "idx", "--out", "loose")
    strict = cli("export", "named", "--to", "idx", "--out", "strict", "--strict")

    assert (loose.code, loose.err) == (0, "mnistkit: idx keeps no class names\n")
    assert strict.code == 1
    assert not (tmp_path / "strict").exists()


def test_debug_shows_the_traceback_and_keeps_the_exit_code(cli):
    result = cli("info", "./nowhere", "--debug")

    assert result.code == 1
    assert "Traceback" in result.err
    assert result.err.endswith("mnistkit: ./nowhere: no such file or folder\n")
    assert cli("--debug", "info", "nowhere").code == 2


def test_whatever_else_goes_wrong_is_one_line(cli, monkeypatch):
    monkeypatch.setattr("mnistkit.api.open", lambda *_, **__: 1 // 0)

    result = cli("info", SMALL)

    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "ZeroDivisionError" in result.err
    assert "--debug" in result.err


def test_a_full_stdout_is_one_line():
    command = [sys.executable, "-m", "mnistkit", "formats"]
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        run = subprocess.run(command, check=False, stdout=full, stderr=subprocess.PIPE, text=True)

    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert "No space left" in run.stderr


@pytest.mark.parametrize("command", ["verify out", "diff out other"])
def test_a_difference_exits_3_even_when_nobody_reads_it(tmp_path, command):
    mnistkit.export(SMALL, "idx", tmp_path / "out")
    mnistkit.export("synthetic:train=30,test=10,seed=1", "idx", tmp_path / "other")
    images = tmp_path / "out" / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-1] + b"\7")
    reader, writer = os.pipe()
    os.close(reader)

    arguments = [sys.executable, "-m", "mnistkit", *command.split()]
    run = subprocess.run(arguments, check=False, stdout=writer, stderr=subprocess.PIPE)

    assert (run.returncode, run.stderr) == (3, b"")


def test_export_help_without_a_format_has_no_strange_flags(cli):
    assert "--options" not in cli("export", "--help").out


def test_the_last_of_two_formats_counts(cli, tmp_path):
    result = cli("export", SMALL, "--to", "csv", "--to", "idx", "--gzip", "fast", "--out", "out")

    assert result.code == 0
    assert (tmp_path / "out" / "train-images-idx3-ubyte.gz").exists()


def test_json_has_no_numbers_that_json_has_not(cli, tmp_path):
    for name, value in (("a", np.nan), ("b", np.inf)):
        dataset = Dataset.from_arrays({"train": (np.full((1, 1, 1), value, "f4"), None)})
        mnistkit.export(dataset, "idx", tmp_path / name)

    shown = json.loads(cli("diff", "a", "b", "--json").out)

    assert shown["differences"][0]["values"] == ["nan", "inf"]


def test_verify_exits_0_or_3(cli, tmp_path):
    cli("export", SMALL, "--to", "idx", "--out", "out")
    assert cli("verify", "out", "--against", SMALL).code == 0

    images = tmp_path / "out" / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-1] + b"\7")

    result = cli("verify", "out")
    assert result.code == 3
    assert "train-images-idx3-ubyte: its bytes have changed" in result.out
    assert json.loads(cli("verify", "out", "--json").out)["equal"] is False


def test_diff_exits_0_or_3_and_names_the_image(cli, tmp_path):
    cli("export", SMALL, "--to", "idx", "--out", "out")
    assert (cli("diff", "out", SMALL).code, cli("diff", "out", SMALL).out) == (0, "equal\n")

    images = tmp_path / "out" / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-1] + b"\7")

    result = cli("diff", SMALL, "out")
    assert result.code == 3
    assert "train: image 29 (label" in result.out
    assert "pixel at row 27, column 27 is 0 in A, 7 in B" in result.out
    shown = json.loads(cli("diff", SMALL, "out", "--json").out)["differences"]
    assert (shown[0]["index"], shown[0]["position"], shown[0]["values"]) == (29, [27, 27], [0, 7])


def test_info_shows_splits_and_their_types(cli, tmp_path, small):
    mnistkit.export(small, "idx", tmp_path / "out")

    assert "train  30      28x28  uint8   uint8 0..9" in cli("info", "out").out
    assert json.loads(cli("info", "out", "--json").out)["splits"][1]["length"] == 10


def test_formats_shows_a_format_with_its_options(cli):
    assert "--gzip" in cli("formats", "idx").out
    assert {f["name"] for f in json.loads(cli("formats", "--json").out)} >= {"csv", "idx", "png"}
    assert cli("formats", "nothing").code == 2


def test_export_help_has_the_flags_of_the_format(cli):
    help_text = cli("export", "--to", "idx", "--help").out

    assert "--gzip" in help_text
    assert "--overwrite" in help_text


def test_version(cli):
    assert cli("--version").out == f"mnistkit {mnistkit.__version__}\n"


def test_closed_pipe_ends_quietly():
    reader, writer = os.pipe()
    os.close(reader)

    run = subprocess.run(
        [sys.executable, "-m", "mnistkit", "formats"], check=False, stdout=writer, stderr=subprocess.PIPE
    )

    assert (run.returncode, run.stderr) == (0, b"")


def test_progress_bar_is_drawn_on_a_terminal_alone(tmp_path):
    import pty  # noqa: PLC0415 - there on POSIX only

    main, terminal = pty.openpty()
    command = [sys.executable, "-m", "mnistkit", "export", "synthetic:train=9000,test=10", "--to", "idx"]
    run = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=terminal)
    os.close(terminal)
    shown = b""
    try:
        while piece := os.read(main, 4096):
            shown += piece
    except OSError:
        pass  # how Linux says that the terminal was closed
    os.close(main)

    assert run.returncode == 0
    assert b"write" in shown
    assert b"images/s" in shown


@pytest.mark.parametrize("source", ["idx", "csv", "png"])
def test_exports_into_the_folder_of_the_source_leave_it_as_it_is(cli, tmp_path, monkeypatch, small, source):
    mnistkit.export(small, source, tmp_path / "here")
    for name in ("mnistkit.json", "mnistkit.sha256"):
        (tmp_path / "here" / name).unlink()
    monkeypatch.chdir(tmp_path / "here")

    for name in ("csv", "png", "idx"):
        result = cli("export", *([] if source == "idx" else ["."]), "--to", name)
        assert (result.code, name) == (0, name), result.err

    assert len(mnistkit.open(".")["train"]) == 30
    assert cli("diff", ".", "here-csv").code == 0


def test_export_into_an_export_is_refused(cli, tmp_path, small):
    mnistkit.export(small, "idx", tmp_path / "out")

    result = cli("export", SMALL, "--to", "csv", "--out", tmp_path / "out" / "csv")

    assert result.code == 1
    assert f"lies in the export {tmp_path / 'out'}" in result.err
    assert mnistkit.verify(tmp_path / "out")


def test_a_consumer_picks_the_format_and_says_how_it_opens(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    result = cli("export", SMALL, "--for", "mlnet", "--no-csharp")

    assert result.code == 0
    assert 'LoadFromTextFile("synthetic-mlnet/train.tsv")' in result.out
    assert not (tmp_path / "synthetic-mlnet/Program.cs").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--for", "mlnet", "--separator", "comma"), 'LoadFromTextFile("out/train.csv")'),
        (("--for", "mlnet", "--split", "test"), 'LoadFromTextFile("out/test.tsv")'),
        (("--for", "mlnet-images"), '--dataset "out/train"'),
    ],
    ids=str,
)
def test_the_line_that_opens_an_export_names_what_is_there(cli, tmp_path, monkeypatch, arguments, line):
    monkeypatch.chdir(tmp_path)

    assert line in cli("export", SMALL, *arguments, "--out", "out").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--for", "mlnet", "--no-schema"),
            "--for mlnet: needs schema True: found False; use --to mlnet instead",
        ),
        (("--for", "mlnet-images", "--layout", "flat"), "--for mlnet-images: needs layout tree: found flat"),
    ],
    ids=str,
)
def test_options_that_a_consumer_cannot_open_are_refused(cli, tmp_path, arguments, message):
    result = cli("export", SMALL, *arguments, "--out", tmp_path / "out")

    assert (result.code, message in result.err) == (2, True), result.err


def test_a_consumer_that_needs_labels_refuses_images_without(tmp_path):
    unlabelled = drawn_dataset(labelled=False)

    with pytest.raises(CapabilityError, match="--for mlnet-images: needs labels"):
        mnistkit.export(unlabelled, for_="mlnet-images", out=tmp_path / "out")


def test_a_consumers_flags_are_those_of_its_format(cli):
    assert "--label-kind" in cli("export", "--for", "mlnet", "--help").out


def test_a_profile_adds_up(cli, tmp_path):
    result = cli("export", SMALL, "--to", "csv", "--out", tmp_path / "out", "--profile", "--json", "--verify")

    seconds = json.loads(result.out)["seconds"]
    assert {"open", "read", "encode", "write", "digest", "checksums", "verify", "sync", "publish"} <= set(
        seconds
    )
    assert min(seconds.values()) >= 0
    *phases, whole = [float(line.split()[2]) for line in result.err.splitlines() if line.endswith("%")]
    assert whole == pytest.approx(sum(phases), abs=0.001 * (len(phases) + 1))


WRONG = {
    "value": (
        ("export", SMALL, "--to", "csv", "--label", "x"),
        "Invalid value for '--label': 'x' is not one of 'first', 'last'; see mnistkit export --to csv --help",
    ),
    "flag": (
        ("export", SMALL, "--to=idv", "--sparse"),
        "No such option: --sparse; see mnistkit export --to=idv --help",
    ),
    "argument": (("info",), "Missing argument 'source'; see mnistkit info --help"),
    "command": (("nosuch",), "No such command 'nosuch'; see mnistkit --help"),
}


@pytest.mark.parametrize(("arguments", "line"), WRONG.values(), ids=WRONG)
def test_wrong_usage_is_one_line(cli, arguments, line):
    result = cli(*arguments)

    assert (result.code, result.out, result.err) == (2, "", f"mnistkit: {line}\n")


def test_no_arguments_show_the_help(cli):
    result = cli()

    assert result.code == 2
    assert "Commands:" in result.out + result.err
