"""Every input of the corpus is read as what it is or refused in one line, in little memory and time."""

from __future__ import annotations

import shutil
from contextlib import ExitStack

import pytest
from malformed import csv_cases, idv_cases, idx_cases, mlnet_cases, png_cases
from malformed.confined import Confined

#: Peak memory and time of one command, whatever its input claims.
MOST_BYTES, MOST_SECONDS = 300 << 20, 5

MODULES = (idx_cases, csv_cases, mlnet_cases, idv_cases, png_cases)

CASES = [
    pytest.param(
        module.FORMAT,
        case,
        id=f"{module.FORMAT}-{case.name}",
        marks=pytest.mark.skipif(not case.able[0], reason=case.able[1]),
    )
    for module in MODULES
    for case in module.CASES
]


@pytest.fixture(scope="session")
def processes():
    """A process for each format: what one reader leaves behind does not count for another."""
    with ExitStack() as stack:
        yield {module.FORMAT: stack.enter_context(Confined()) for module in MODULES}


@pytest.fixture
def confined(processes, format):
    return processes[format]


@pytest.fixture
def place(tmp_path):
    """Two folders, one for the source; hundreds of megabytes may be gone afterwards."""
    (tmp_path / "source").mkdir()
    (tmp_path / "out").mkdir()
    yield tmp_path
    shutil.rmtree(tmp_path)


def listing(folder):
    return {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.parametrize("told", [True, False], ids=["told", "found"])
@pytest.mark.parametrize(("format", "case"), CASES)
def test_input_is_read_or_refused(confined, place, format, case, told):
    source, out = place / "source", place / "out"
    case.make(source)
    before = listing(source)
    asked = ["--from", format] if told else []

    answer = confined.run(
        "export",
        source / case.source,
        *asked,
        *case.more,
        "--to",
        case.to,
        "--out",
        out / "export",
        "--quiet",
    )

    try:
        expected = case.becomes if told else case.found or case.becomes
        expected.check(answer, source, out / "export")
        assert [path.name for path in out.iterdir()] == (["export"] if answer.code == 0 else [])
        assert listing(source) == before
        assert answer.seconds < MOST_SECONDS
        assert answer.peak < MOST_BYTES
    except AssertionError:
        confined.stop()  # the next case is not to bear this one's memory
        raise
