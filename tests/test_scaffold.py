"""A new plugin works as it is made: it installs, keeps its contract, and exports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import environments
import pytest

from mnistkit import scaffold
from mnistkit.errors import DestinationError, MnistkitError, UsageError
from mnistkit.scaffold import make_plugin

#: Generous: nothing waits so long unless something hangs.
LIMIT = 300

#: Name of a format -> what is made of it.
MADE = {
    "gifs": {},
    "only-read": {"writer": False},
    "3d_writer": {"reader": False},
    "small": {"minimal": True},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A fresh environment with one plugin of each kind, installed as an author would: the folder."""
    place = tmp_path_factory.mktemp("made")
    folders = [
        make_plugin(name, place / name.replace("_", "-"), **sides).folder for name, sides in MADE.items()
    ]
    environments.make(place, *(part for folder in folders for part in ("--editable", folder)))
    return place


@pytest.fixture
def run(made, tmp_path):
    """Run a module in the environment: ``run("pytest", "-q", cwd=…)``."""
    (python,) = [*made.glob("venv/bin/python"), *made.glob("venv/Scripts/python.exe")]

    def run(*arguments, cwd=tmp_path):
        variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [python, "-m", *map(str, arguments)]
        return subprocess.run(
            command, cwd=cwd, env=variables, capture_output=True, text=True, check=False, timeout=LIMIT
        )

    return run


@pytest.mark.parametrize(("name", "least"), [("gifs", 60), ("only-read", 7), ("3d-writer", 14)])
def test_its_tests_pass(made, run, tmp_path, name, least):
    tests = run("pytest", "-p", "no:cacheprovider", "--basetemp", tmp_path / "tests", cwd=made / name)

    assert tests.returncode == 0, tests.stdout
    passed = int(tests.stdout.rsplit(" passed", 1)[0].rsplit(" ", 1)[1])
    assert passed >= least, tests.stdout


def test_it_exports_at_once(run, tmp_path):
    exported = run("mnistkit", "export", "synthetic:train=300,test=100", "--to", "gifs", "--verify", "--json")
    back = run("mnistkit", "export", "synthetic-gifs", "--to", "csv", "--json")

    assert exported.returncode == 0, exported.stderr
    assert sorted(path.name for path in (tmp_path / "synthetic-gifs").iterdir()) == [
        "mnistkit.json",
        "mnistkit.sha256",
        "test.gifs",
        "train.gifs",
    ]
    assert json.loads(back.stdout)["digest"] == json.loads(exported.stdout)["digest"]


def test_it_has_the_options_that_it_declares(run):
    shown = run("mnistkit", "formats", "small")

    assert "--labels  same|int64  [same]  Write labels as they are, or as int64 for PyTorch." in shown.stdout


def test_new_plugins_keep_the_contract_beside_each_other(run):
    check = run("mnistkit", "plugins", "gifs", "small", "only-read", "3d_writer", "--check", "--json")

    plugins = json.loads(check.stdout)["plugins"]
    assert [problem for plugin in plugins for problem in plugin["problems"]] == []
    assert [plugin["distribution"] for plugin in plugins] == [
        "mnistkit-3d-writer",
        "mnistkit-gifs",
        "mnistkit-only-read",
        "mnistkit-small",
    ]
    assert check.returncode == 0


COMPLETE = {"README.md", "LICENSE", ".gitignore", ".github/workflows/test.yml"}
NEEDED = {"pyproject.toml", "mnistkit_x/__init__.py", "mnistkit_x/py.typed", "test_x.py"}
READER, WRITER = {"mnistkit_x/reader.py"}, {"mnistkit_x/writer.py"}


@pytest.mark.parametrize(
    ("sides", "files"),
    [
        ({}, NEEDED | COMPLETE | READER | WRITER),
        ({"writer": False}, NEEDED | COMPLETE | READER),
        ({"reader": False}, NEEDED | COMPLETE | WRITER),
        ({"minimal": True}, NEEDED | READER | WRITER),
        ({"reader": False, "minimal": True}, NEEDED | WRITER),
    ],
    ids=["all", "reader", "writer", "minimal", "minimal writer"],
)
def test_what_is_not_asked_for_is_left_out(tmp_path, sides, files):
    made = make_plugin("x", tmp_path / "made", **sides)

    there = {p.relative_to(made.folder).as_posix() for p in made.folder.rglob("*") if p.is_file()}
    assert set(made.files) == there == files
    text = "".join((made.folder / file).read_text("utf-8") for file in files)
    assert ("Reader" in text) == (files >= READER)
    assert ("Writer" in text) == (files >= WRITER)
    assert "sketch" not in text.lower()
    assert "# reader" not in text
    assert "<writer>" not in text


def test_every_file_of_the_template_is_used():
    template = Path(scaffold.__file__).with_name("template")
    there = [p.relative_to(template) for p in template.rglob("*") if p.is_file()]

    caches = ("__pycache__", ".ruff_cache")
    assert {p.as_posix() for p in there if not {*caches} & {*p.parts}} == set(scaffold._FILES)


@pytest.mark.skipif(not shutil.which("ruff", path=Path(sys.executable).parent), reason="ruff is not here")
def test_what_is_made_is_formatted_whatever_its_name(tmp_path):
    for name in ("x", "a-plugin", "a" * 30):
        for number, sides in enumerate(({}, {"reader": False}, {"writer": False}, {"minimal": True})):
            make_plugin(name, tmp_path / f"{name}-{number}", **sides)
    ruff = Path(sys.executable).with_name("ruff")

    for command in (["format", "--check"], ["check"]):
        run = subprocess.run(
            [ruff, *command, "--no-cache", tmp_path], capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "no name for a format: expected at most 30 small letters"),
        ("Npz", "such as npz2, found 'Npz'"),
        ("a b", "no name for a format"),
        ("../up", "no name for a format"),
        ("a-", "no name for a format"),
        ("a--b", "no name for a format"),
        ("ä", "no name for a format"),
        ("a\n", "no name for a format"),
        ("a" * 31, "no name for a format"),
        ("mnistkit-npz", "format 'mnistkit-npz'; name the format alone, without mnistkit"),
        ("gz", r"format 'gz'; choose another name: \.gz is how packed files end"),
        ("csv", r"format 'csv' is there already: found mnistkit \d.*; choose another name"),
    ],
    ids=repr,
)
def test_a_name_that_cannot_be_is_refused(tmp_path, name, message):
    with pytest.raises(UsageError, match=message):
        make_plugin(name, tmp_path / "made")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "empty folder", "dangling link"])
def test_what_is_there_is_left_alone(tmp_path, kind):
    out = tmp_path / "made"
    make = {"file": out.touch, "empty folder": out.mkdir, "dangling link": lambda: out.symlink_to("nowhere")}
    make[kind]()

    with pytest.raises(DestinationError, match="made: exists already; choose another --out"):
        make_plugin("gifs", out)

    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert not out.is_dir() or not list(out.iterdir())


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    write, written = Path.write_text, []

    def full(path, *args, **kwargs):
        written.append(path)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        return write(path, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", full)

    with pytest.raises(
        MnistkitError, match="made: cannot be written: found No space left on device; free some"
    ):
        make_plugin("gifs", tmp_path / "new" / "made")

    assert len(written) == 3
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_to_do_next(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    made = cli("new-plugin", "gifs")

    assert made.code == 0
    assert made.out.splitlines() == [
        "mnistkit-gifs: 10 files",
        "  install it:  pip install -e 'mnistkit-gifs[test]'",
        "  test it:     pytest mnistkit-gifs",
        "  use it:      mnistkit export synthetic --to gifs",
    ]


@pytest.mark.parametrize(
    ("flags", "missing"),
    [(["--reader"], "writer.py"), (["--writer"], "reader.py"), (["--minimal"], "README.md")],
)
def test_the_flags_say_what_is_made(cli, tmp_path, flags, missing):
    made = json.loads(cli("new-plugin", "gifs", *flags, "--out", tmp_path / "made", "--json").out)

    assert made["out"] == str(tmp_path / "made")
    assert not [name for name in made["files"] if name.endswith(missing)]
    assert [name for name in made["files"] if name.endswith("__init__.py")] == ["mnistkit_gifs/__init__.py"]


def test_wrong_names_are_wrong_usage(cli, tmp_path):
    result = cli("new-plugin", "png", "--out", tmp_path / "made")

    assert result.code == 2
    assert result.err.startswith("mnistkit: format 'png' is there already: found mnistkit ")
