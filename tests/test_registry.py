"""Plugins are found without imports, loaded one by one, and a broken one hurts only who names it."""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
import threading

import pytest

import mnistkit
from mnistkit import registry
from mnistkit.errors import PluginError, UsageError

CARD = """
    from mnistkit.plugin import Format, hookimpl

    @hookimpl
    def mnistkit_register_format():
        return Format(api={api}, name="{name}", summary="Made by a test.", suffixes=(".x",))
"""

WITH_OPTIONS = """
    from dataclasses import dataclass
    from mnistkit.plugin import Format, hookimpl, option

    @dataclass(frozen=True, kw_only=True)
    class Options:
        {declaration}

    @hookimpl
    def mnistkit_register_format():
        return Format(api=1, name="strange", summary="x.", suffixes=(".x",), write_options=Options)
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution with one format: ``install("dist", "name", code)``."""
    monkeypatch.syspath_prepend(tmp_path)
    registry.load_format.cache_clear()
    monkeypatch.setattr(registry, "_hanging", set())
    made = []

    def run(distribution, name, code, version="1.2"):
        module = f"{distribution}_module".replace("-", "_")
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(code), encoding="utf-8")
        info = tmp_path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[mnistkit.formats]\n{name} = {module}\n")
        made.append(module)
        return module

    yield run
    registry.load_format.cache_clear()
    for module in made:
        sys.modules.pop(module, None)


def test_bundled_formats_come_in_through_entry_points():
    formats = registry.find_formats()

    assert {"csv", "hdf5", "idv", "idx", "mlnet", "parquet", "png"} <= set(formats)
    assert {claim.distribution for claim in formats["csv"]} == {"mnistkit"}


def test_names_are_found_without_an_import(install):
    module = install("other", "strange", "raise RuntimeError('imported')")

    assert "strange" in registry.find_formats()
    assert module not in sys.modules


def test_third_party_format_is_loaded_by_name(install):
    install("other", "strange", CARD.format(api=1, name="strange"))

    assert registry.load_format("strange").summary == "Made by a test."


def test_unknown_name_is_a_usage_error_with_a_suggestion():
    with pytest.raises(UsageError, match="unknown format 'parket'; did you mean 'parquet'"):
        registry.load_format("parket")


BROKEN = {
    "fails to import": ("import not_there", "cannot be loaded: found ModuleNotFoundError"),
    "raises at import": ("raise RuntimeError('oh')", "cannot be loaded: found RuntimeError: oh"),
    "raises anything": ("raise BaseException('oh')", "cannot be loaded: found BaseException: oh"),
    "raises Ctrl-C": ("raise KeyboardInterrupt", "cannot be loaded: found RuntimeError: KeyboardInterrupt"),
    "cannot say what is wrong": (
        "class Silent(Exception):\n    def __str__(self): 1 // 0\nraise Silent",
        "cannot be loaded: found Silent; update or uninstall other-dist",
    ),
    "registers what cannot be shown": (
        """
        from mnistkit.plugin import hookimpl

        class Shy:
            def __repr__(self): 1 // 0

        @hookimpl
        def mnistkit_register_format(): return Shy()
        """,
        "expected one Format, found an object of Shy; update or uninstall other-dist",
    ),
    "exits at import": ("import sys; sys.exit(3)", "cannot be loaded: found SystemExit: 3"),
    "has no hook": (
        "",
        r"mnistkit_register_format: expected one Format, found none; update or uninstall other-dist",
    ),
    "misspells the hook": (
        CARD.format(api=1, name="strange").replace("register_format", "register_formt"),
        "cannot be loaded: found PluginValidationError",
    ),
    "registers nonsense": (
        CARD.format(api=1, name="strange").replace("return Format(", "return dict("),
        "expected one Format, found",
    ),
    "has another interface": (
        CARD.format(api=2, name="strange"),
        "other plugin interface: expected 1, found 2",
    ),
    "has another name": (CARD.format(api=1, name="odd"), "card of another name: expected strange, found odd"),
    "takes a core flag": (
        CARD.format(api=1, name="strange").replace("suffixes", "write_options=Options, suffixes")
        + """
    from dataclasses import dataclass
    from mnistkit.plugin import option

    @dataclass(frozen=True, kw_only=True)
    class Options:
        overwrite: bool = option(False, help="Mine.")
    """,
        "options named like the core's flags: found overwrite",
    ),
    "takes the name of all options": (
        WITH_OPTIONS.format(declaration="options: bool = option(False, help='Mine.')"),
        "options named like the core's flags: found options",
    ),
    "declares no dataclass": (
        CARD.format(api=1, name="strange").replace("suffixes", "write_options=int, suffixes"),
        "bad card: found write_options: <class 'int'> is no dataclass; update other-dist",
    ),
    "declares an option without help": (
        WITH_OPTIONS.format(declaration="rows: int = 1"),
        "bad card: found write_options: option 'rows' has no help",
    ),
    "declares an option without default": (
        WITH_OPTIONS.format(declaration="rows: int"),
        "bad card: found write_options: option 'rows' has no default",
    ),
    "declares what cannot be evaluated": (
        WITH_OPTIONS.format(declaration="rows: 'Unknown' = option(1, help='Mine.')"),
        "failed while registering: found NameError",
    ),
    "raises in given": (
        CARD.format(api=1, name="strange").replace("suffixes", "given=lambda o: 1 // 0, suffixes"),
        "failed while registering: found ZeroDivisionError",
    ),
    "gives an unknown field": (
        CARD.format(api=1, name="strange").replace("suffixes", "given=lambda o: dict(x=1), suffixes"),
        "failed while registering: found TypeError",
    ),
    "gives nonsense": (
        CARD.format(api=1, name="strange").replace("suffixes", "given=lambda o: dict(ranks=7), suffixes"),
        "bad card: found ranks is 7, not a tuple of 2 and 3",
    ),
    "has a number as its name": (
        CARD.format(api=1, name="strange").replace('"strange"', "7"),
        "card of another name: expected strange, found 7",
    ),
}

FIELDS = {
    "summary": ("None", "a sentence"),
    "suffixes": ("'.x'", "a tuple of texts"),
    "reader": ("'no_class'", "'package.module:Class'"),
    "writer": ("int", "'package.module:Class'"),
    "sniff": ("'yes'", "a function"),
    "dtypes": ("('unit8',)", "a tuple of numpy names"),
    "ranks": ("()", "a tuple of 2 and 3"),
    "channels": ("(True,)", "a tuple of numbers"),
    "unlabelled": ("1", "True or False"),
    "label_dtype": ("'byte'", "numpy's name of integers"),
    "class_names": ("None", "True or False"),
    "extra_columns": ("True", "none, integers or all"),
    "unit": ("'row'", "image, split or dataset"),
    "bytes_per_value": ("float('nan')", "a number from 0"),
    "bytes_per_image": ("'1'", "a number from 0"),
    "given": ("{}", "a function"),
}


@pytest.mark.parametrize(("field", "value", "expected"), [(f, *row) for f, row in FIELDS.items()])
def test_every_field_of_a_card_is_checked(install, field, value, expected):
    card = CARD.format(api=1, name="strange").replace("return Format(", "return replace(Format(")
    install(
        "other-dist",
        "strange",
        f"from dataclasses import replace\n{textwrap.dedent(card)[:-2]}), {field}={value})",
    )

    with pytest.raises(PluginError, match=r"format 'strange' of other-dist 1\.2: bad card: found ") as error:
        registry.load_format("strange")

    assert error.value.found.startswith(f"{field} is ")
    assert error.value.found.endswith(f", not {expected}")


@pytest.mark.parametrize("name", ["Strange", "_x", "a.b", "-x"])
def test_names_of_formats_are_plain(install, name):
    install("other-dist", name, CARD.format(api=1, name=name))

    with pytest.raises(PluginError, match=r"of other-dist 1.2: bad name: expected \[a-z0-9\]"):
        registry.load_format(name)


def test_a_nonsensical_card_hurts_nothing_else(install, small, tmp_path, cli):
    code, _ = BROKEN["declares no dataclass"]
    install("other-dist", "strange", code)

    mnistkit.export(small, "idx", tmp_path / "out")

    assert cli("info", tmp_path / "out").code == 0
    assert cli("formats").code == 0
    assert "write_options: <class 'int'> is no dataclass" in cli("plugins").out


@pytest.mark.parametrize(("code", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_plugin_is_named_with_its_distribution(install, code, message):
    install("other-dist", "strange", code)

    with pytest.raises(PluginError, match=message) as error:
        registry.load_format("strange")

    assert str(error.value).startswith("format 'strange' of other-dist 1.2: ")


def test_broken_plugin_hurts_nothing_else(install, tmp_path, small, cli):
    install("other-dist", "strange", "raise RuntimeError('oh')")

    mnistkit.export(small, "idx", tmp_path / "out")

    assert len(mnistkit.open(tmp_path / "out")["train"]) == 30  # sniffing asks every card
    listed = cli("plugins")
    assert listed.code == 0
    assert re.search(r"^other-dist +1\.2 +- +strange +- +broken$", listed.out, re.MULTILINE)
    assert "RuntimeError: oh" in listed.out
    assert "strange" not in cli("formats").out


def test_what_a_plugin_prints_goes_to_stderr(install, cli):
    install(
        "chatty", "strange", "print('hello')" + CARD.format(api=1, name="strange").replace("\n    ", "\n")
    )

    result = cli("formats", "strange", "--json")

    assert "hello" not in result.out
    assert "hello" in result.err


def test_two_claimants_are_both_named(install):
    install("other", "csv", CARD.format(api=1, name="csv"))

    with pytest.raises(PluginError, match=r"format 'csv': claimed twice: found mnistkit .* and other 1\.2"):
        registry.load_format("csv")


def test_builtin_setting_leaves_third_parties_out(install, monkeypatch):
    install("other", "csv", CARD.format(api=1, name="csv"))
    monkeypatch.setenv("MNISTKIT_PLUGINS", "builtin")

    assert registry.load_format("csv").name == "csv"
    assert {c.distribution for claims in registry.find_formats().values() for c in claims} == {"mnistkit"}


def test_one_sided_formats_say_so(install, small, tmp_path):
    install("other", "strange", CARD.format(api=1, name="strange"))

    with pytest.raises(UsageError, match="format 'strange': cannot be written"):
        mnistkit.export(small, "strange", tmp_path / "out")
    with pytest.raises(UsageError, match="format 'strange': cannot be read"):
        mnistkit.open(tmp_path, format="strange")


WRITING = """
    from mnistkit.plugin import Format, Writer, Written, hookimpl

    class Printing(Writer):
        def write(self, folder, part, batches):
            print("writing")
            path = folder / f"{part.stem}.x"
            path.write_text(str(sum(len(batch) for batch in batches)))
            return Written((path.name,), part.rows)

    class Leaving(Writer):
        def write(self, folder, part, batches):
            raise SystemExit(0)

    @hookimpl
    def mnistkit_register_format():
        name = __name__ + ":CLASS"
        return Format(api=1, name="strange", summary="x.", suffixes=(".x",), writer=name)
"""


def test_what_a_writer_prints_goes_to_stderr(install, small, tmp_path, cli):
    install("other", "strange", WRITING.replace("CLASS", "Printing"))
    mnistkit.export(small, "idx", tmp_path / "in")

    result = cli("export", tmp_path / "in", "--to", "strange", "--out", tmp_path / "out", "--json")

    assert json.loads(result.out)["format"] == "strange"
    assert result.err.count("writing") == 2


def test_a_writer_that_leaves_is_named_with_its_distribution(install, small, tmp_path):
    install("other", "strange", WRITING.replace("CLASS", "Leaving"))

    with pytest.raises(
        PluginError, match=r"^format 'strange' of other 1\.2: failed while writing: found System"
    ):
        mnistkit.export(small, "strange", tmp_path / "out")

    assert not list(tmp_path.glob("*out*"))


def test_a_class_that_is_not_there_is_named_with_its_distribution(install, small, tmp_path):
    install("other", "strange", WRITING.replace("CLASS", "Missing"))

    with pytest.raises(
        PluginError, match=r"^format 'strange' of other 1\.2: its writer cannot be .*; update other$"
    ):
        mnistkit.export(small, "strange", tmp_path / "out")


@pytest.fixture
def released(monkeypatch):
    """What a plugin of a test may wait for; it comes about when the test is over."""
    event = threading.Event()
    monkeypatch.setattr(sys, "released_by_test", event, raising=False)
    yield
    event.set()


def test_a_plugin_that_hangs_is_named_and_waited_for_once(install, monkeypatch, cli, released):
    install("stuck", "strange", "import sys\nsys.released_by_test.wait()")
    monkeypatch.setenv("MNISTKIT_PLUGIN_SECONDS", "0.1")
    with pytest.raises(
        PluginError, match=r"of stuck 1\.2: cannot be loaded: expected an end of its import within"
    ):
        registry.load_format("strange")
    monkeypatch.setenv("MNISTKIT_PLUGIN_SECONDS", "600")

    listed = cli("formats")

    assert listed.code == 0
    assert "csv" in listed.out


@pytest.mark.parametrize("text", ["0", "-1", "soon", "1e9"])
def test_the_time_for_a_plugin_is_checked(install, monkeypatch, text):
    install("other", "strange", CARD.format(api=1, name="strange"))
    monkeypatch.setenv("MNISTKIT_PLUGIN_SECONDS", text)

    with pytest.raises(UsageError, match="MNISTKIT_PLUGIN_SECONDS: bad value: expected a number above 0"):
        registry.load_format("strange")


@pytest.mark.parametrize(
    "entry_points", [b"[mnistkit.formats]\nstrange\n", b"[mnistkit.formats]\n\xff = module\n"], ids=repr
)
def test_damaged_metadata_hurts_only_what_it_is_of(install, tmp_path, entry_points, caplog):
    install("other", "strange", CARD.format(api=1, name="strange"))
    info = tmp_path / "damaged-3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: damaged\nVersion: 3\n")
    (info / "entry_points.txt").write_bytes(entry_points)

    formats = registry.find_formats()

    assert {"csv", "strange"} <= set(formats)
    assert [claim.distribution for claim in formats["csv"]] == ["mnistkit"]
    assert "damaged 3: an entry point cannot be read: " in caplog.text


def test_an_entry_point_that_is_no_module_is_refused(install, tmp_path):
    install("other", "strange", CARD.format(api=1, name="strange"))
    points = tmp_path / "other-1.2.dist-info" / "entry_points.txt"
    points.write_text("[mnistkit.formats]\nstrange = other_module:mnistkit_register_format\n")
    os.utime(tmp_path, (1, 1))

    with pytest.raises(
        PluginError, match="its entry point: expected a module, found other_module:mnistkit_reg"
    ):
        registry.load_format("strange")


def test_plugins_are_listed_one_a_line(install, cli):
    install("other", "strange", CARD.format(api=1, name="strange"))

    listed = cli("plugins").out.splitlines()

    assert listed[0].split() == ["distribution", "version", "api", "formats", "datasets", "status"]
    assert listed[1].split()[0] == "mnistkit"
    assert listed[1].endswith(" of them  ok")
    assert [row.split() for row in listed if row.startswith("other")] == [
        ["other", "1.2", "1", "strange", "-", "ok"]
    ]


def test_a_check_says_how_much_it_found(cli):
    checked = cli("plugins", "idx", "--check")

    assert checked.code == 0
    assert "check: nothing found by the fast part of the contract" in checked.out.splitlines()


@pytest.mark.parametrize("name", ["strange", "other"])
def test_plugins_may_be_named(install, cli, name):
    install("other", "strange", CARD.format(api=1, name="strange"))

    found = json.loads(cli("plugins", name, "--json").out)["plugins"]

    assert [(each["distribution"], each["status"]) for each in found] == [("other", "ok")]


def test_a_plugin_that_is_not_there_is_wrong_usage(cli):
    result = cli("plugins", "csv", "nothing")

    assert result.code == 2
    assert result.err == "mnistkit: no plugin, format or dataset 'nothing'; see 'mnistkit plugins'\n"
