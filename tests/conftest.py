"""Fixtures that all tests share: the published files, the command line, a small dataset, both lanes."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from mnistkit import native
from mnistkit.cli import main
from mnistkit.dataset import Dataset
from mnistkit.testing import drawn_dataset

# A shell starts background jobs so that they ignore Ctrl-C, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine takes longer than any time that could be set for one example.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

REAL_DATA = "MNISTKIT_TEST_DATA"


def pytest_collection_modifyitems(items):
    for item in items:
        if {"mnist", "qmnist"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.real_data)


def pytest_terminal_summary(terminalreporter):
    def count(outcome, when):
        reports = terminalreporter.stats.get(outcome, [])
        return sum("real_data" in r.keywords for r in reports if getattr(r, "when", when) == when)

    ran = count("passed", "call") + count("failed", "call")
    terminalreporter.write_line(f"real-data tests: {ran} ran, {count('skipped', 'setup')} skipped")


def _real(name: str) -> Path:
    if REAL_DATA not in os.environ:
        pytest.skip(f"{REAL_DATA} is not set")
    folder = Path(os.environ[REAL_DATA], name)
    assert folder.is_dir(), f"{REAL_DATA} is set, but {folder} is not there"
    return folder


@pytest.fixture(scope="session")
def mnist() -> Path:
    """The folder with the four published MNIST files."""
    return _real("mnist")


@pytest.fixture
def qmnist() -> Path:
    """The folder with QMNIST's published training labels, int32 (60000, 8)."""
    return _real("qmnist")


@pytest.fixture
def small() -> Dataset:
    """30 + 10 labelled images."""
    return drawn_dataset()


@dataclass
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys, monkeypatch):
    """Run the command line in this process: ``cli("export", …) -> Result``."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["mnistkit", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main()
        logger = logging.getLogger("mnistkit")
        logger.handlers.clear()  # they write to what capsys takes away
        logger.setLevel(logging.NOTSET)  # --quiet is for one run
        out, err = capsys.readouterr()
        return Result(stopped.value.code or 0, out, err)

    return run


@pytest.fixture
def measured_peak():
    """Run the command line in a process of its own and return its peak memory, in bytes."""

    def run(*arguments: object) -> int:
        code = "import resource, sys; from mnistkit.cli import main\ntry: main()\nexcept SystemExit: pass\n"
        code += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
        # A child's peak begins with its parent's: so a small parent starts it.
        command = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", code, *map(str, arguments)]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
        return int(run.stderr.split()[-1]) * 1024

    return run


@pytest.fixture(scope="module", params=["native", "pure"])
def lane(request):
    """Run all tests of a module in the compiled lane, and once more in the pure one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNISTKIT_NATIVE", "1" if request.param == "native" else "0")
        if request.param == "native" and native.state() != "in use":
            pytest.skip(f"compiled loops: {native.state()} {native.problem()}")
        yield request.param
