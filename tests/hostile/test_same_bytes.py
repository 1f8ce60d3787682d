"""The same dataset, options and version make the same bytes: however many work on it, wherever it runs."""

from __future__ import annotations

import json
import locale
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import same_bytes
from hostile.sources import ROOT, calls, imports
from same_bytes import WAYS

from mnistkit.registry import find_formats

SCRIPT = Path(same_bytes.__file__)
ROWS = 2600  # three batches of each dataset


@pytest.fixture(scope="module")
def held():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNISTKIT_SYNC", "0")  # what the disk has by when is not what this is about
        yield same_bytes.datasets(ROWS)


@pytest.mark.parametrize("name", WAYS)
def test_bytes_and_receipt_do_not_depend_on_workers(tmp_path, held, name):
    way = WAYS[name]

    one, two, seven = (
        same_bytes.export(way, held[way.dataset], tmp_path / str(workers), workers=workers)
        for workers in (1, 2, 7)
    )

    assert "mnistkit.json" in one
    assert one == two == seven


def test_every_format_is_among_the_ways():
    assert {way.format for way in WAYS.values()} == {
        name for name, claims in find_formats().items() if claims[0].distribution == "mnistkit"
    }


def run(python: str, folder: Path, *, workers: int = 2, rows: int = 300, **environment: str) -> dict:
    """Export in every way in a process of its own, in a folder of its own."""
    folder.mkdir()
    command = [python, str(SCRIPT), str(folder / "out"), str(workers), str(rows)]
    merged = {**os.environ, "MNISTKIT_SYNC": "0", "PYTHONPATH": "", **environment}
    done = subprocess.run(command, cwd=folder, env=merged, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def strange_locale() -> str:
    """Return a locale in which i is no lower I, or commas are decimal points, as far as there is one."""
    before = locale.setlocale(locale.LC_ALL)
    for name in ("tr_TR.UTF-8", "de_DE.UTF-8", "C"):
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            continue
        locale.setlocale(locale.LC_ALL, before)
        return name
    return "C"


def test_bytes_do_not_depend_on_hash_seed_time_zone_locale_or_lane(tmp_path):
    usual = run(
        sys.executable, tmp_path / "a", workers=1, PYTHONHASHSEED="0", TZ="UTC", LC_ALL="C.UTF-8",
        MNISTKIT_NATIVE="1",
    )  # fmt: skip
    other = run(
        sys.executable, tmp_path / "b", workers=3, PYTHONHASHSEED="4242", TZ="Asia/Kathmandu",
        LC_ALL=strange_locale(), LANG="", PYTHONOPTIMIZE="1", MNISTKIT_NATIVE="0",
        SOURCE_DATE_EPOCH="1", HOME=str(tmp_path), COLUMNS="40",
    )  # fmt: skip

    assert usual["files"].keys() == WAYS.keys()
    assert {name for name in WAYS if usual["files"][name] != other["files"][name]} == set()


def test_nothing_is_packed_by_pythons_own_zlib():
    """Which differs between systems and releases; zlib-ng's bytes depend on its version alone."""
    packing = re.compile(r"(zlib|gzip|lzma|bz2)\.(compress|compressobj|GzipFile|LZMAFile|BZ2File)")
    unnamed = re.compile(r"from (zlib|gzip|lzma|bz2) import .*")

    assert [place for place, called, _ in calls("mnistkit", "plugins") if packing.fullmatch(called)] == []
    assert [place for place, text in imports("mnistkit", "plugins") if unnamed.fullmatch(text)] == []


@pytest.mark.parametrize("name", sorted({way.format for way in WAYS.values()}))
def test_the_page_of_a_format_says_whose_version_decides_its_bytes(name):
    page = (ROOT / "docs" / "formats" / f"{name}.md").read_text("utf-8")
    section = re.search(r"^## Same bytes\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)

    assert section, "no section 'Same bytes'"
    deciding = {library for way in WAYS.values() if way.format == name for library in way.decided_by}
    assert {library for library in deciding if f"`{library}`" not in section[1]} == set()


@pytest.mark.campaign
def test_bytes_do_not_depend_on_the_python(tmp_path, request):
    """Each Python gets an environment of its own with the project, built from its sources."""
    terminal = request.config.pluginmanager.get_plugin("terminalreporter")
    usual, *others = [
        run_in_environment_of(base, tmp_path) for base in filter(None, map(_base, range(11, 20)))
    ]
    assert others, "there is but one Python here"

    for other in others:
        names = [n for n, way in WAYS.items() if versions_of(way, usual) == versions_of(way, other)]
        pythons = f"Python {usual['python']} and {other['python']}"
        terminal.write_line(f"{pythons}: {len(WAYS)} ways, {len(names)} with the same libraries")
        assert not different_contents(usual, other), pythons
        assert {name for name in names if usual["files"][name] != other["files"][name]} == set(), pythons


def versions_of(way: same_bytes.Way, found: dict) -> list[str]:
    """Return the versions that decide the bytes."""
    return [found["versions"][library] for library in way.decided_by]


def different_contents(a: dict, b: dict) -> set[str]:
    return {name for name in WAYS if a["files"][name]["content"] != b["files"][name]["content"]}


def run_in_environment_of(base: str, folder: Path) -> dict:
    """Make an environment, install the project, export, and remove the environment: it takes 600 MB."""
    home = folder / Path(base).name
    python = str(home / "bin" / "python")
    try:
        subprocess.run([base, "-m", "venv", str(home)], check=True, capture_output=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", str(ROOT)], check=True, capture_output=True
        )
        return run(python, folder / f"{home.name}-run", rows=ROWS)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _base(minor: int) -> str | None:
    """Find a Python 3.x that runs, on the path or where pyenv keeps them."""
    kept = sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python3.{minor}"), reverse=True)
    ask = ("-c", "import sys, venv; print(sys.version_info[1])")
    for candidate in filter(None, (shutil.which(f"python3.{minor}"), *map(str, kept))):
        answer = subprocess.run([candidate, *ask], capture_output=True, check=False, text=True)
        if answer.stdout.strip() == str(minor):
            return candidate
    return None
