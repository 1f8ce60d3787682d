"""Entry points are found as importlib.metadata finds them, without importing it."""

from __future__ import annotations

import importlib
import sys
import zipfile
from importlib import metadata

import pytest

from mnistkit.entrypoints import EntryPoint, entry_points

GROUP = "mnistkit.formats"


def standard(group=GROUP):
    """Return what the standard library finds, as :class:`EntryPoint`."""
    importlib.invalidate_caches()
    found = metadata.entry_points(group=group)
    return sorted(EntryPoint(p.group, p.name, p.value, p.dist.name, p.dist.version) for p in found)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder that is searched first."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def install(place, folder, points, facts="Name: Some.Dist\nVersion: 1.0\n", file="METADATA"):
    (place / folder).mkdir(parents=True)
    (place / folder / "entry_points.txt").write_text(points, encoding="utf-8")
    if facts:
        (place / folder / file).write_text(facts, encoding="utf-8")


def test_all_that_is_installed_here_is_found():
    groups = ("pytest11", "console_scripts", GROUP)

    found = entry_points(groups)

    assert {point.group for point in found} == set(groups)
    assert found == sorted(point for group in groups for point in standard(group))


TEXTS = {
    "one": f"[{GROUP}]\nx = some_module\n",
    "several groups": f"[console_scripts]\nx = no:main\n\n[{GROUP}]\nx = a\ny = another\n[more]\nz = z\n",
    "comments and blanks": f"# a comment\n\n[{GROUP}]\n# x = no\n\n  x  =  some_module  \n",
    "no blanks": f"[{GROUP}]\nx=some_module\n",
    "extras": f"[{GROUP}]\nx = some_module:hook [extra]\n",
    "Windows lines": f"[{GROUP}]\r\nx = some_module\r\n",
    "another group": "[mnistkit.formats.more]\nx = some_module\n",
    "a group twice": f"[{GROUP}]\nx = a\n[other]\nx = b\n[{GROUP}]\ny = c\n",
    "empty": "",
    "in letters beyond ASCII": f"[{GROUP}]\nzahlen = zählen\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_texts_are_read_as_the_standard_library_reads_them(place, text):
    install(place, "some_dist-1.0.dist-info", text)

    assert entry_points((GROUP,)) == standard()


FACTS = {
    "headers": "Metadata-Version: 2.1\nName: some-dist\nVersion: 1.0\n\nName: not this\n",
    "in another order": "Version: 2\nname: some-dist\n",
    "with Windows lines": "Name: some-dist\r\nVersion: 3.1\r\n\r\nVersion: not this\r\n",
    "with colons": "Name: some-dist\nVersion: 1\nSummary: a: b\n",
}


@pytest.mark.parametrize("facts", FACTS.values(), ids=FACTS)
def test_name_and_version_are_read_as_the_standard_library_reads_them(place, facts):
    install(place, "some_dist-1.0.dist-info", f"[{GROUP}]\nx = some_module\n", facts)

    assert entry_points((GROUP,)) == standard()


def test_eggs_information_is_read_too(place):
    install(place, "some_dist.egg-info", f"[{GROUP}]\nx = some_module\n", file="PKG-INFO")

    assert EntryPoint(GROUP, "x", "some_module", "Some.Dist", "1.0") in entry_points((GROUP,))
    assert entry_points((GROUP,)) == standard()


def test_the_first_of_one_name_on_the_path_counts(tmp_path, monkeypatch):
    for folder, module in (("Some_Dist-2.0.dist-info", "new"), ("some.dist-1.0.dist-info", "old")):
        install(tmp_path / module, folder, f"[{GROUP}]\nx = {module}\n")
    monkeypatch.syspath_prepend(tmp_path / "old")
    monkeypatch.syspath_prepend(tmp_path / "new")

    assert [point.value for point in entry_points((GROUP,)) if point.name == "x"] == ["new"]
    assert entry_points((GROUP,)) == standard()


def test_the_current_folder_is_searched_where_the_path_says_so(tmp_path, monkeypatch):
    install(tmp_path, "some_dist-1.0.dist-info", f"[{GROUP}]\nx = some_module\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", "/nowhere", *sys.path])

    assert "x" in {point.name for point in entry_points((GROUP,))}
    assert entry_points((GROUP,)) == standard()


def test_a_distribution_that_says_nothing_of_itself_is_found(place):
    install(place, "some_dist-1.0.dist-info", f"[{GROUP}]\nx = some_module\n", facts="")

    (found,) = (point for point in entry_points((GROUP,)) if point.name == "x")

    assert (found.distribution, found.version) == ("an unknown distribution", "")


def test_bytes_that_are_no_text_hurt_nobody_else(place):
    install(place, "some_dist-1.0.dist-info", "")
    (place / "some_dist-1.0.dist-info/entry_points.txt").write_bytes(b"[mnistkit.formats]\n\xff = \xfe\n")

    assert {"csv", "idx"} <= {point.name for point in entry_points((GROUP,))}


def test_archives_on_the_path_are_searched(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "some.whl", "w") as archive:
        archive.writestr("some_dist-1.0.dist-info/entry_points.txt", f"[{GROUP}]\nx = some_module\n")
        archive.writestr("some_dist-1.0.dist-info/METADATA", "Name: some-dist\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path / "some.whl")

    assert EntryPoint(GROUP, "x", "some_module", "some-dist", "1.0") in entry_points((GROUP,))


def test_eggs_on_the_path_are_searched(tmp_path, monkeypatch):
    install(tmp_path / "some_dist-1.0-py3.egg", "EGG-INFO", f"[{GROUP}]\nx = some_module\n", file="PKG-INFO")
    monkeypatch.syspath_prepend(tmp_path / "some_dist-1.0-py3.egg")

    assert EntryPoint(GROUP, "x", "some_module", "Some.Dist", "1.0") in entry_points((GROUP,))


def test_finders_of_others_are_asked(tmp_path, monkeypatch):
    install(tmp_path, "some_dist-1.0.dist-info", f"[{GROUP}]\nx = some_module\n")

    class Finder(metadata.DistributionFinder):
        def find_spec(self, *_):
            return None

        def find_distributions(self, context):
            return [metadata.PathDistribution(tmp_path / "some_dist-1.0.dist-info")]

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])

    assert EntryPoint(GROUP, "x", "some_module", "Some.Dist", "1.0") in entry_points((GROUP,))
