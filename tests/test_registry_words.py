"""The registry, word for word: what each broken plugin is told, and what a field of a card may be."""

from __future__ import annotations

import math
import os
import re
import sys
import textwrap
from dataclasses import dataclass

import pytest

from mnistkit import registry
from mnistkit.catalog import Entry
from mnistkit.errors import PluginError, UsageError
from mnistkit.plugin import Format, Reader, Writer, option
from mnistkit.registry import Plugin

CARD = """
    from mnistkit.plugin import Format, hookimpl

    @hookimpl
    def mnistkit_register_format():
        return Format(api=1, name="strange", summary="x.", suffixes=(".x",), {more})
"""
PLUGIN = Plugin("strange", "strange_module", "other-dist", "1.2")
TITLE = "format 'strange' of other-dist 1.2"


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Put a module where Python finds it: ``module("name", code)``."""
    monkeypatch.syspath_prepend(tmp_path)
    made = []

    def put(name, code):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(code), encoding="utf-8")
        made.append(name)

    yield put
    for name in made:
        sys.modules.pop(name, None)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution with one entry point, and no module: ``install("dist", "group", "name")``."""
    monkeypatch.syspath_prepend(tmp_path)
    registry.load_format.cache_clear()

    def put(distribution, group, name, module="a_module"):
        info = tmp_path / f"{distribution}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n")
        return info

    yield put
    registry.load_format.cache_clear()


def card(**fields):
    return Format(**{"api": 1, "name": "strange", "summary": "x.", "suffixes": (".x",), **fields})


def refusal(job, kind=PluginError):
    with pytest.raises(kind) as refused:
        job()
    return str(refused.value)


# ---------------------------------------------------------------- finding


def test_plugins_are_found_by_group_with_what_they_are(install):
    install("other_dist", "mnistkit.formats", "strange", "strange_module")
    install("third", "mnistkit.datasets", "strange", "third_module")

    formats, datasets = registry.find_formats(), registry.find_plugins("mnistkit.datasets", "dataset")

    assert formats["strange"] == (Plugin("strange", "strange_module", "other_dist", "1.2", "format"),)
    assert datasets["strange"] == (Plugin("strange", "third_module", "third", "1.2", "dataset"),)
    assert formats["csv"][0].module == "mnistkit_csv"
    assert list(formats) == sorted(formats)


def test_a_claim_that_is_found_twice_counts_once(install):
    install("other_dist", "mnistkit.formats", "strange", "a")
    install("third", "mnistkit.formats", "strange", "b")
    sys.path.insert(0, sys.path[0])  # everything there is found twice now
    try:
        claims = registry.find_formats()["strange"]
    finally:
        del sys.path[0]

    assert [claim.distribution for claim in claims] == ["other_dist", "third"]


def test_what_is_installed_later_is_found(install):
    assert "strange" not in registry.find_formats()

    info = install("other_dist", "mnistkit.formats", "strange")
    os.utime(info.parent, ns=(1, 1))  # at once: the clock may not have moved

    assert "strange" in registry.find_formats()


def test_folders_and_times_tell_what_is_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path), "", str(tmp_path / "gone")])
    monkeypatch.chdir(tmp_path)
    os.utime(tmp_path, ns=(7_000_000_000, 7_000_000_000))

    assert registry._installed() == (
        (str(tmp_path), 7_000_000_000),
        ("", 7_000_000_000),
        (str(tmp_path / "gone"), 0),
    )


def test_only_the_setting_builtin_leaves_others_out(install, monkeypatch):
    install("other_dist", "mnistkit.formats", "strange")

    assert "strange" in registry.find_formats()
    monkeypatch.setenv("MNISTKIT_PLUGINS", "builtin")
    assert "strange" not in registry.find_formats()
    assert "csv" in registry.find_formats()


# ---------------------------------------------------------------- unknown names


UNKNOWN = {
    "parket": "did you mean 'parquet'?",
    "h5": "did you mean 'hdf5'?",
    "tsv": "did you mean 'mlnet'?",
    "cvs": "did you mean 'csv'?",
}


@pytest.mark.parametrize(("name", "hint"), UNKNOWN.items())
def test_an_unknown_name_is_told_what_may_be_meant(monkeypatch, name, hint):
    monkeypatch.setenv("MNISTKIT_PLUGINS", "builtin")

    assert refusal(lambda: registry.load_format(name), UsageError) == f"unknown format {name!r}; {hint}"


def test_a_name_like_no_other_is_told_all(monkeypatch):
    monkeypatch.setenv("MNISTKIT_PLUGINS", "builtin")

    known = ", ".join(registry.find_formats())
    assert (
        refusal(lambda: registry.load_format("zzzz"), UsageError) == f"unknown format 'zzzz'; known: {known}"
    )
    assert known.startswith("csv, hdf5, ")


def test_broken_plugins_do_not_spoil_the_hint(install):
    install("other_dist", "mnistkit.formats", "abroken", "not_there")

    assert registry._hint("h5", ("abroken", "hdf5")) == "did you mean 'hdf5'?"
    assert registry._hint("zzzz", ("abroken", "csv")) == "known: abroken, csv"


def test_of_several_near_names_the_nearest_is_meant():
    assert registry._hint("mnet", ("png", "mlnet")) == "did you mean 'mlnet'?"


# ---------------------------------------------------------------- claims and hooks


def test_one_claim_is_taken_and_two_are_named():
    other = Plugin("strange", "third_module", "third", "7", "format")

    assert registry.only_claim([PLUGIN]) is PLUGIN
    assert refusal(lambda: registry.only_claim([PLUGIN, other])) == (
        "format 'strange': claimed twice: found other-dist 1.2 (strange_module) and third 7 (third_module); "
        "uninstall one of them"
    )


def test_a_dataset_is_called_so_in_messages():
    claims = [Plugin("mine", "a", "b", "1", "dataset"), Plugin("mine", "c", "d", "2", "dataset")]

    assert refusal(lambda: registry.only_claim(claims)).startswith("dataset 'mine': claimed twice: ")
    assert claims[0].title == "dataset 'mine' of b 1"


def test_a_plugin_that_cannot_be_imported_is_told_how_to_go_on(module):
    module("strange_module", "raise RuntimeError('oh')")

    message = refusal(lambda: registry.call_hook(PLUGIN, "mnistkit_register_format", Format))

    assert message == f"{TITLE}: cannot be loaded: found RuntimeError: oh; update or uninstall other-dist"


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "GeneratorExit", "SystemExit"])
def test_what_is_meant_for_the_whole_program_is_the_plugins_error(module, error):
    module("strange_module", f"raise {error}")

    message = refusal(lambda: registry.call_hook(PLUGIN, "mnistkit_register_format", Format))

    assert message.startswith(f"{TITLE}: cannot be loaded: found ")
    assert error in message


def test_a_hook_that_returns_something_else_is_told(module):
    module("strange_module", CARD.format(more="").replace("return Format(", "return dict("))

    message = refusal(lambda: registry.call_hook(PLUGIN, "mnistkit_register_format", Format))

    returned = {"api": 1, "name": "strange", "summary": "x.", "suffixes": (".x",)}
    assert message.startswith(
        f"{TITLE}: mnistkit_register_format: expected one Format, found {returned!r}"[:150]
    )


def test_a_long_return_value_is_cut(module):
    module("strange_module", CARD.format(more="").replace("return Format(", "return 100 * 'x' #"))

    message = refusal(lambda: registry.call_hook(PLUGIN, "mnistkit_register_format", Format))

    assert f"found {repr('x' * 100)[:70]}" in message
    assert "x" * 90 not in message


def test_a_hook_is_called_by_its_name(module):
    module("strange_module", CARD.format(more=""))

    assert registry.call_hook(PLUGIN, "mnistkit_register_format", Format) == card()
    message = refusal(lambda: registry.call_hook(PLUGIN, "mnistkit_register_dataset", Entry))
    todo = "update or uninstall other-dist"
    assert message == f"{TITLE}: mnistkit_register_dataset: expected one Entry, found none; {todo}"


def test_a_misspelt_hook_is_told(module):
    module("strange_module", CARD.format(more="").replace("register_format", "register_formt"))

    message = refusal(lambda: registry.call_hook(PLUGIN, "mnistkit_register_format", Format))

    assert "cannot be loaded: found PluginValidationError" in message
    assert "unknown hook 'mnistkit_register_formt' in plugin" in message


def test_what_a_hook_prints_goes_to_stderr(module, capsys):
    module(
        "strange_module",
        "print('importing')" + CARD.format(more="").replace("\n    ", "\n") + "    print('never')\n",
    )
    registry.call_hook(PLUGIN, "mnistkit_register_format", Format)

    out, err = capsys.readouterr()

    assert (out, err) == ("", "importing\n")


# ---------------------------------------------------------------- cards


def fault_of(**fields):
    return refusal(lambda: registry._check(card(**fields), PLUGIN))


@dataclass(frozen=True, kw_only=True)
class Overwriting:
    zeal: bool = option(False, help="Mine.")
    overwrite: bool = option(False, help="Mine.")
    apply: bool = option(False, help="Mine.")


@dataclass(frozen=True, kw_only=True)
class WithoutHelp:
    rows: int = 1


def failing(options):
    raise ValueError(options)


CARDS = {
    "interface": ({"api": 2}, "other plugin interface: expected 1, found 2; update other-dist or mnistkit"),
    "name": ({"name": "odd"}, "card of another name: expected strange, found odd"),
    "summary": ({"summary": ""}, "bad card: found summary is '', not a sentence; update other-dist"),
    "long value": (
        {"unit": "x" * 100},
        f"bad card: found unit is {repr('x' * 100)[:80]}, not image, split or dataset; update other-dist",
    ),
    "core's flags": (
        {"write_options": Overwriting},
        "options named like the core's flags: found apply, overwrite",
    ),
    "read options": (
        {"read_options": WithoutHelp},
        "bad card: found read_options: option 'rows' has no help; update other-dist",
    ),
    "write options": (
        {"write_options": WithoutHelp},
        "bad card: found write_options: option 'rows' has no help; update other-dist",
    ),
    "given": (
        {"given": lambda _: {"ranks": (4,)}},
        "bad card: found ranks is (4,), not a tuple of 2 and 3; update other-dist",
    ),
}


@pytest.mark.parametrize(("fields", "words"), CARDS.values(), ids=CARDS)
def test_a_card_is_refused_in_these_words(fields, words):
    assert fault_of(**fields) == f"{TITLE}: {words}"


def test_a_sound_card_is_taken():
    registry._check(card(), PLUGIN)
    registry._check(
        card(given=lambda _: {"ranks": (2,)}, reader="a.b:C", writer="_a:B_1", label_dtype="int64"), PLUGIN
    )


def test_options_that_cannot_be_made_are_a_fault():
    @dataclass(frozen=True, kw_only=True)
    class Picky:
        rows: int = option(1, help="Mine.")

        def __post_init__(self):
            raise ValueError(self.rows)

    for side in ("read_options", "write_options"):
        with pytest.raises(ValueError, match="1"):
            registry._check(card(**{side: Picky}), PLUGIN)
    with pytest.raises(ValueError, match="NoOptions"):
        registry._check(card(given=failing), PLUGIN)


def test_read_options_may_be_called_as_the_core_calls_its_flags():
    registry._check(card(read_options=Overwriting), PLUGIN)


FIELDS = {
    "summary": (["x"], ["", None, 1]),
    "suffixes": ([(".x",), (".x", ".y"), ()], [".x", [".x"], ("",), (1,)]),
    "reader": ([None, "a:B", "a.b_1:C2", "_a:_B"], ["", "a", "a:", ":B", "a:B.c", "1a:B", "a b:C", "a:B "]),
    "writer": ([None, "a:B"], ["a"]),
    "sniff": ([print], [None, "yes"]),
    "dtypes": ([(), ("uint8",), ("int16", "float64")], [("unit8",), ["uint8"], ("uint8 ",), ("float16",)]),
    "ranks": ([(2,), (3,), (2, 3)], [(), (1,), (4,), (2.0,), (True,), [2], 2]),
    "channels": ([(), (1,), (3, 4)], [(0,), (-1,), (True,), (1.0,), [1]]),
    "unlabelled": ([True, False], [1, 0, None, "yes"]),
    "negative_labels": ([True, False], [1]),
    "label_dtype": ([None, "int64", "uint8"], ["float32", "int", "", 1]),
    "class_names": ([True, False], [None]),
    "extra_columns": (["none", "integers", "all"], [True, None, "some", "NONE"]),
    "unit": (["image", "split", "dataset"], ["row", None]),
    "bytes_per_value": ([0, 0.0, 1, 2.5], [-1, -0.1, math.inf, math.nan, True, "1", None]),
    "bytes_per_image": ([0, 100], [-1, "1", False]),
    "given": ([None, failing], [{}, 1]),
}  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_a_card_is_what_it_may_be(field):
    good, bad = FIELDS[field]

    for value in good:
        assert not [
            fault for fault in registry._wrong_fields(card(**{field: value})) if fault.startswith(field)
        ], value
    for value in bad:
        (fault,) = registry._wrong_fields(card(**{field: value}))
        assert fault.startswith(f"{field} is {value!r}, not ")


def test_every_field_that_a_plugin_gives_is_checked():
    unchecked = {"api", "name", "read_options", "write_options"}  # in ways of their own

    assert registry._FIELDS.keys() | unchecked == set(Format.__dataclass_fields__)


def test_the_checks_of_fields_are_what_they_are_called():
    """They are made when the module is imported; here they are made once more."""
    one_of, word = registry._is_one_of(2, "a"), registry._is_word(re.compile("[ab]+"))
    words, some = registry._is_tuple(word), registry._is_tuple(word, 1)

    assert [one_of(value) for value in (2, "a", 2.0, True, "b", None)] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]
    assert [word(value) for value in ("ab", "abc", "", None, b"a")] == [True, False, False, False, False]
    assert [words(value) for value in (("a",), ("a", "b"), (), ["a"], ("a", "c"))] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert [some(value) for value in (("a",), (), ("c",))] == [True, False, False]
    assert [registry._maybe(word)(value) for value in (None, "a", "c", 0)] == [True, True, False, False]
    assert [registry._is_text(value) for value in ("a", "", None)] == [True, False, False]


# ---------------------------------------------------------------- classes


@pytest.mark.parametrize(
    ("load", "side", "base", "verb"),
    [
        (registry.load_reader, "reader", "Reader", "read"),
        (registry.load_writer, "writer", "Writer", "written"),
    ],
    ids=["reader", "writer"],
)
def test_the_class_of_a_side_is_loaded_or_told_why_not(module, capsys, load, side, base, verb):
    module(
        "sides",
        f"print('importing')\nfrom mnistkit.plugin import {base}\nclass Mine({base}): pass\nother = 7\n",
    )

    assert issubclass(load(card(**{side: "sides:Mine"})), {"Reader": Reader, "Writer": Writer}[base])
    assert capsys.readouterr() == ("", "importing\n")
    assert refusal(lambda: load(card()), UsageError) == f"format 'strange': cannot be {verb}"
    assert refusal(lambda: load(card(**{side: "sides:Gone"}))) == (
        f"format 'strange': its {side} cannot be loaded: "
        "found AttributeError: module 'sides' has no attribute 'Gone'"
    )
    assert refusal(lambda: load(card(**{side: "sides:other"}))) == (
        f"format 'strange': sides:other: expected a {base}, found 7"
    )
    assert refusal(lambda: load(card(**{side: "builtins:str"}))) == (
        f"format 'strange': builtins:str: expected a {base}, found <class 'str'>"
    )


def test_a_class_whose_module_exits_hurts_nobody(module):
    module("sides", "import sys\nsys.exit(3)\n")

    message = refusal(lambda: registry.load_reader(card(reader="sides:Mine")))

    assert message == "format 'strange': its reader cannot be loaded: found SystemExit: 3"


def test_what_is_no_class_is_shown_in_short(module):
    module("sides", "other = 'x' * 100\n")

    message = refusal(lambda: registry.load_reader(card(reader="sides:other")))

    assert message == f"format 'strange': sides:other: expected a Reader, found {repr('x' * 100)[:80]}"
