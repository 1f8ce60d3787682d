"""Nothing that a dataset says of itself is obeyed by a terminal, forges a line, or crashes what prints it."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from hostile.names import ALL, CONTROLS, NAMES, obeyed
from hostile.sources import calls

import mnistkit
from mnistkit.cli.progress import progress_bar
from mnistkit.dataset import DatasetInfo
from mnistkit.errors import DataError
from mnistkit.printable import printable
from mnistkit.testing import drawn_dataset

CLASS_NAMES = tuple(ALL.values())

#: What is loud on a terminal.
LOUD = {
    **CONTROLS,
    **{kind: NAMES[kind] for kind in ("markup of rich", "right to left", "isolated", "no width")},
}

#: Formats that keep class names, and how.
KEEPING = {
    "hdf5": {},
    "idv": {},
    "mlnet": {"csharp": False},
    "parquet": {},
}


@pytest.mark.parametrize("name", ALL.values(), ids=ALL)
def test_text_is_spelt_where_a_terminal_would_obey_it(name):
    shown = printable(name)

    assert obeyed(shown) == set()
    assert "\n" not in shown
    assert shown.isascii() or not name.isascii()


@pytest.mark.parametrize(
    "text",
    ["Ankle boot", "ключ", "あ", "नमस्ते", "نمی\u200cخواهم", "👩\u200d👩\u200d👧", "10\u00a0000", "e\u0301"],
    ids=ascii,
)
def test_letters_of_all_scripts_are_shown_as_they_are(text):
    assert printable(text) == text


@pytest.mark.parametrize("name", [*KEEPING, "png"])
def test_info_spells_the_names_of_classes(tmp_path, cli, name):
    names = CLASS_NAMES if name != "png" else tuple(n for n in CLASS_NAMES if len(n) < 30)
    dataset = drawn_dataset(200, 10, classes=len(names), class_names=names)
    mnistkit.export(dataset, name, tmp_path / "out", **KEEPING.get(name, {}))

    shown = cli("info", tmp_path / "out")

    assert shown.code == 0, shown.err
    assert obeyed(shown.out + shown.err) == set()
    assert not re.search(r"^\s*mnistkit: forged", shown.out + shown.err, re.MULTILINE)
    assert "\\x1b[2J\\x1b[H" in shown.out
    assert "[red]evil[/red]" in shown.out


def test_json_says_the_names_exactly_and_in_ascii_where_a_terminal_would_obey(tmp_path, cli):
    mnistkit.export(drawn_dataset(200, 10, class_names=CLASS_NAMES), "hdf5", tmp_path / "out")

    shown = cli("info", tmp_path / "out", "--json")

    assert obeyed(shown.out) == set()
    assert json.loads(shown.out)["class_names"] == list(CLASS_NAMES)


def hostile_file(folder: Path, **attributes: object) -> Path:
    """Make an HDF5 file that says such things of itself."""
    path = folder / "evil\x1b[31m.h5"
    with h5py.File(path, "w") as file:
        file["image"], file["label"] = np.zeros((4, 3, 3), "u1"), np.arange(4)
        file["column\x1b[2J\nmnistkit: forged"] = np.array(["text"] * 4, "S4")
        for name, value in attributes.items():
            file.attrs.create(name, value, dtype=h5py.string_dtype("utf-8"))
    return path


def test_what_the_library_logs_is_spelt(tmp_path, caplog):
    names = tuple(name for name in CLASS_NAMES if len(name) < 30)

    mnistkit.export(drawn_dataset(20, 10, class_names=names), "png", tmp_path / "out")

    assert "\\x1b[2J" in caplog.text
    assert obeyed(caplog.text) == set()


@pytest.mark.skipif(os.name == "nt", reason="no file of Windows is called so")
@pytest.mark.parametrize("command", ["info", "export", "diff", "verify"])
def test_licences_columns_and_file_names_are_spelt(tmp_path, cli, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = hostile_file(tmp_path, licence="free\x1b[8m\nmnistkit: forged\u202e", homepage="\x9b2J")
    (tmp_path / "other").mkdir()
    other = hostile_file(tmp_path / "other", licence="\x07")
    with h5py.File(other, "a") as file:
        file["image"][...] = 1
    exported = cli("export", path, "--to", "csv", "--out", "out", "--strict")
    (tmp_path / "out" / "evil\u202e").touch()
    arguments = {
        "info": [path],
        "export": [path, "--to", "csv", "--out", "again"],
        "diff": [path, other],
        "verify": ["out"],
    }

    shown = cli(command, *arguments[command])

    assert exported.code == 0, exported.err
    assert shown.code == (3 if command in ("diff", "verify") else 0), shown.err
    for text in (exported.out, exported.err, shown.out, shown.err):
        assert obeyed(text) == set()
        assert not re.search(r"^\s*mnistkit: forged", text, re.MULTILINE)


@pytest.mark.parametrize("name", LOUD.values(), ids=LOUD)
def test_an_error_is_one_line_whatever_it_names(tmp_path, cli, name):
    (tmp_path / "x").mkdir()

    shown = cli("info", tmp_path / "x" / name / "missing.csv")
    raised = DataError(name, f"cell {name}", expected=name, found=name, todo=f"do {name}")

    assert shown.code == 1
    assert shown.err.count("\n") == 1
    assert obeyed(shown.err) == set()
    assert obeyed(str(raised)) == set()
    assert "\n" not in str(raised)
    assert raised.found == name  # exact for programs


def test_an_error_that_quotes_a_cell_spells_it(tmp_path, cli):
    (tmp_path / "train.csv").write_bytes(b"label,pixel0\n1,\x1b]0;evil\x07\xc2\x9b2J\n")

    shown = cli("info", tmp_path / "train.csv")

    assert shown.code == 1
    assert "line 2" in shown.err
    assert obeyed(shown.err) == set()


def test_a_traceback_is_spelt_too(tmp_path, cli):
    (tmp_path / "\u202eevil").mkdir()

    shown = cli("--debug", "info", tmp_path / "\u202eevil")

    assert "Traceback" in shown.err
    assert obeyed(shown.err) == set()


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.mark.parametrize("name", LOUD.values(), ids=LOUD)
def test_progress_shows_names_as_text(monkeypatch, name):
    plain, shown = Terminal(), Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "1000")
    for screen, what in ((plain, "fetch x"), (shown, f"fetch {name}")):
        monkeypatch.setattr(sys, "stderr", screen)
        with progress_bar(shown=True) as progress:
            progress(what, 1, 2)
            progress(what, 2, 2)

    escapes = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
    text = escapes.sub("", shown.getvalue())
    assert printable(f"fetch {name}") in text.replace("\r", "")
    assert obeyed(text) - {"\r"} == set()
    assert set(escapes.findall(shown.getvalue())) <= set(escapes.findall(plain.getvalue()))


def test_names_that_stdout_cannot_say_are_spelt(tmp_path):
    mnistkit.export(drawn_dataset(12, 2, class_names=["ключ", *"bcdefghijk"]), "hdf5", tmp_path / "out")
    both = "from mnistkit.cli.report import reporting; from mnistkit.cli.looking import info"
    both += f"\nwith reporting(): info({str(tmp_path / 'out')!r}); info({str(tmp_path / 'out')!r}, json=True)"
    command = [sys.executable, "-c", both]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}

    said = subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout

    assert "class names:  \\u043a\\u043b\\u044e\\u0447, b, c" in said
    assert json.loads(said[said.index("{") :])["class_names"][0] == "ключ"


@pytest.mark.parametrize("fact", ["name", "licence", "citation", "homepage"])
def test_what_is_no_text_is_refused(fact):
    info = drawn_dataset().info
    facts = {"name": info.name, fact: "evil \udcff"}

    with pytest.raises(DataError, match=rf": {fact}: expected Unicode text, found 'evil \\udcff'$"):
        DatasetInfo(splits=info.splits, **facts)


def test_a_licence_that_is_no_text_is_refused_by_name(tmp_path):
    path = tmp_path / "train.h5"
    with h5py.File(path, "w") as file:
        file["image"], file["label"] = np.zeros((4, 3, 3), "u1"), np.arange(4)
        file.attrs.create("licence", b"\xff free", dtype=h5py.string_dtype("utf-8"))

    with pytest.raises(
        DataError, match=r"train.h5: attribute 'licence': expected UTF-8, found '\\udcff free'$"
    ):
        mnistkit.open(path)


def test_all_that_is_printed_goes_through_what_spells_it():
    bare = [place for place, called, _ in calls("mnistkit", "plugins") if called == "print"]

    # The version; "removed 3 files"; report.py, which prints for all others; and JSON for a file.
    files = {place.partition(":")[0] for place in bare}
    own = {f"mnistkit/cli/{name}.py" for name in ("app", "published", "report")}
    assert files == {*own, "mnistkit/contract/__main__.py"}
