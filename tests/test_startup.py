"""Starting is quick: what is not needed is not imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import mnistkit

HEAVY = ("numpy", "pyarrow", "h5py", "PIL")


RUN_COMMAND = """
import runpy, sys
sys.argv[0] = "mnistkit"
try:
    runpy.run_module("mnistkit", run_name="__main__")
except SystemExit as stopped:
    assert not stopped.code, stopped.code
"""


def modules_after(code: str, *arguments: str) -> set[str]:
    """Run code in a Python of its own and return the names of all modules it has loaded."""
    code += "\nimport sys; print(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", code, *arguments]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return set(run.stderr.split())


def modules_of(*arguments: str) -> set[str]:
    """Return the modules that the command ``mnistkit`` loads."""
    return modules_after(RUN_COMMAND, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("formats",),
        ("formats", "parquet"),
        ("plugins",),
        ("export", "--to", "parquet", "--help"),
    ],
    ids=" ".join,
)
def test_command_loads_nothing_heavy(arguments):
    modules = modules_of(*arguments)

    assert "mnistkit" in modules
    assert {m.split(".")[0] for m in modules} & set(HEAVY) == set()


def test_import_loads_nothing_heavy():
    assert {m.split(".")[0] for m in modules_after("import mnistkit")} & set(HEAVY) == set()


def test_help_as_importtime_sees_it_loads_nothing_heavy():
    command = [sys.executable, "-X", "importtime", "-m", "mnistkit", "--help"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    names = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in run.stderr.splitlines()}

    assert "typer" in names
    assert names & set(HEAVY) == set()


def test_help_loads_no_plugin_no_pydantic_no_rich():
    modules = modules_of("--help")

    assert not {m for m in modules if m.startswith("mnistkit_")}
    assert not {"pydantic", "rich"} & modules


#: Modules that a plain export of files needs none of, and what would bring them.
UNUSED = {
    "typer": "the face of the command line",
    "pydantic": "Typer's checks",
    "rich": "progress, where nobody looks",
    "importlib.metadata": "another way to find plugins",
    "email": "the same",
    "difflib": "guesses at what was meant",
    "mnistkit.catalog.reader": "published datasets by name",
    "mnistkit.fetch": "the cache",
    "mnistkit.synthetic": "drawn digits",
    "mnistkit.compare": "what differs",
    "pyarrow": "another format",
    "h5py": "another format",
    "PIL": "another format",
}


def test_a_plain_export_loads_nothing_that_it_does_not_need(tmp_path, small):
    mnistkit.export(small, "idx", tmp_path / "idx")

    modules = modules_of("export", str(tmp_path / "idx"), "--to", "csv", "--out", str(tmp_path / "out"))

    assert "mnistkit_csv.writer" in modules
    assert UNUSED.keys() & modules == set()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists the threads of a process so")
def test_numpy_starts_no_threads_for_linear_algebra():
    code = RUN_COMMAND + "\nimport os; print('threads:', len(os.listdir('/proc/self/task')), file=sys.stderr)"

    env = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}

    run = subprocess.run(
        [sys.executable, "-c", code, "info", "synthetic"], check=True, capture_output=True, text=True, env=env
    )

    assert run.stderr == "threads: 1\n"


def test_to_a_format_loads_that_plugin_alone():
    modules = modules_of("export", "--to", "csv", "--help")

    assert {m for m in modules if m.startswith("mnistkit_")} == {"mnistkit_csv"}


def test_a_check_of_plugins_needs_no_pytest():
    modules = modules_after("import mnistkit.contract.processes, mnistkit.contract.fast")

    assert not {"pytest", "_pytest", "hypothesis"} & modules


def test_every_public_name_is_there():
    code = "import mnistkit; [getattr(mnistkit, name) for name in mnistkit.__all__]"

    assert "mnistkit.api" in modules_after(code)
