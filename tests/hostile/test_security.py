"""SECURITY.md names tests that exist, for every threat, and leaves none of these tests unnamed."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
SECTION = PAGE.partition("## Threats, and the tests")[2].partition("\n## ")[0]
ROWS = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in SECTION.splitlines() if line.startswith("| ")]
THREATS = {row[0]: row for row in ROWS[2:]}


@functools.cache
def _tests_of(path: str) -> set[str]:
    return {
        node.name
        for node in ast.parse((ROOT / path).read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize("threat", THREATS)
def test_every_threat_has_an_answer_and_a_test_that_exists(threat):
    _, answer, shown_by = THREATS[threat]

    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", shown_by)
    assert answer
    assert named
    assert re.sub(r"`[^`]*`|[, ]", "", shown_by) == ""
    assert [f"{path}::{name}" for path, name in named if name not in _tests_of(path)] == []


def test_every_module_of_hostile_tests_is_named():
    modules = {path.name for path in Path(__file__).parent.glob("test_*.py")} - {Path(__file__).name}

    assert {name for name in modules if f"tests/hostile/{name}::" not in SECTION} == set()
