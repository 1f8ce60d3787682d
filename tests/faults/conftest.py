"""Fixtures of the tests of faults: the processes, the stage, and the count of what was done to exports."""

from __future__ import annotations

from collections import Counter

import pytest
from faults.children import Children
from faults.scenes import Stage

KINDS = "faults"


@pytest.fixture(scope="session")
def children(tmp_path_factory):
    children = Children(tmp_path_factory.mktemp("children"))
    yield children
    children.end()


@pytest.fixture(scope="session")
def stage(tmp_path_factory, children):
    return Stage(tmp_path_factory.mktemp("stage"), children)


@pytest.fixture
def scene(stage, tmp_path):
    """Set a scene: ``scene("csv", OLDER)``."""
    return lambda *what: stage.scene(tmp_path, *what)


@pytest.fixture
def tally(record_property):
    """Count what befalls exports, by kind; the sums end the report."""
    counted = Counter()
    yield counted
    record_property(KINDS, dict(counted))


def pytest_terminal_summary(terminalreporter):
    counted = Counter()
    for report in terminalreporter.stats.get("", []):  # where it keeps the ends of tests
        for name, counts in report.user_properties if report.when == "teardown" else ():
            if name == KINDS:
                counted.update(counts)
    if counted:
        counts = ", ".join(f"{number:,} {kind}" for kind, number in sorted(counted.items()))
        terminalreporter.write_line(f"faults: {counts}")
