"""Plain command lines are read without Typer, and as Typer reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnistkit.cli import command
from mnistkit.cli.app import build_app
from mnistkit.cli.flags import asked_for, core_flags, format_flags
from mnistkit.cli.plain import read_plain
from mnistkit.consumers import CONSUMERS
from mnistkit.errors import PluginError, UsageError
from mnistkit.registry import find_formats

PLAIN = {
    "nothing": [],
    "source": ["synthetic:train=3"],
    "flags": ["--to", "csv", "--out", "a/b", "--limit", "3", "--overwrite", "a"],
    "equals signs": ["a", "--to=csv", "--out=x=y", "--workers=2"],
    "repeated": ["--to", "csv", "--read", "a=1", "--read=b=2", "--split", "x", "--split", "y"],
    "options of the format": ["--to", "parquet", "--layout", "pixels", "--level", "3", "--row-group=7"],
    "on": ["--to", "csv", "--header"],
    "off": ["--to", "csv", "--no-header"],
    "consumer": ["--for", "mlnet", "--no-csharp"],
    "consumer and format": ["--for", "mlnet", "--to", "mlnet"],
    "none is a word": ["--from", "none", "--to", "csv", "--compression", "none"],
}


@pytest.fixture
def as_typer_reads(monkeypatch):
    """Return what Typer makes of an export's arguments: source, flags, options; or that it refuses."""

    def read(arguments):
        found = []
        monkeypatch.setattr(command, "export", lambda *asked: found.append(asked))
        try:
            build_app(arguments)(args=arguments, prog_name="mnistkit", standalone_mode=False)
        except Exception as error:  # noqa: BLE001 - Typer's own are not public
            return type(error).__name__
        return found[0] if found else "help"

    return read


@pytest.mark.parametrize("arguments", PLAIN.values(), ids=PLAIN)
def test_plain_lines_are_read_as_typer_reads_them(arguments, as_typer_reads):
    asked = read_plain(["export", *arguments])

    assert asked is not None
    assert tuple(asked) == as_typer_reads(["export", *arguments])


DOUBTFUL = {
    "help": ["--help"],
    "unknown flag": ["--to", "csv", "--gzp"],
    "flag of another format": ["--to", "csv", "--layout", "pixels"],
    "abbreviated flag": ["--to", "csv", "--over"],
    "short flag": ["-o", "x"],
    "dash": ["-", "--to", "csv"],
    "end of flags": ["--to", "csv", "--", "x"],
    "twice": ["--to", "csv", "--to", "idx"],
    "switch twice": ["--to", "csv", "--header", "--no-header"],
    "two sources": ["a", "b"],
    "empty source": ["", "--to", "csv"],
    "empty value": ["--to", "csv", "--out", ""],
    "no value": ["--to", "csv", "--limit"],
    "value like a flag": ["--to", "csv", "--out", "--quiet"],
    "switch with a value": ["--to", "csv", "--quiet=yes"],
    "core switch turned off": ["--to", "csv", "--no-quiet"],
    "no number": ["--to", "csv", "--limit", "x"],
    "odd number": ["--to", "csv", "--limit", "1_000"],
    "number below": ["--to", "csv", "--workers", "0"],
    "number above": ["--to", "parquet", "--level", "99"],
    "none for a number": ["--to", "parquet", "--level", "none"],
    "bad choice": ["--to", "csv", "--label", "middle"],
}


@pytest.mark.parametrize("arguments", DOUBTFUL.values(), ids=DOUBTFUL)
def test_whatever_is_in_doubt_is_left_to_typer(arguments):
    assert read_plain(["export", *arguments]) is None


@pytest.mark.parametrize("arguments", [[], ["--version"], ["info", "."], ["--to", "csv", "export"]], ids=str)
def test_other_commands_are_left_to_typer(arguments):
    assert read_plain(arguments) is None


def test_an_unknown_format_is_said_at_once():
    with pytest.raises(UsageError, match="did you mean 'parquet'"):
        read_plain(["export", "--to", "parqet", "--help"])


_WORDS = ["x", "a=b", "0", "3", "+3", "007", "1_0", " 3", "1.5", "-1", "None", "true", "none", ""]
_STRANGE = ["--help", "--gzp", "-x", "-", "--", "--no-quiet", "--quiet=1", "--over", "--to"]


@st.composite
def _lines(draw):
    """Draw arguments of an export: flags that it has, most of them with values that fit, and other words."""
    asked = draw(
        st.sampled_from([*(("--to", f) for f in find_formats()), *(("--for", c) for c in CONSUMERS), ()])
    )
    options = [*core_flags(), *(format_flags(asked_for(["export", *asked])) if asked else ())]
    pieces = [asked]
    for option in draw(st.lists(st.sampled_from(options), max_size=4)):
        value = draw(st.sampled_from([*map(str, option.choices), *_WORDS] if option.choices else _WORDS))
        switch = (option.flag,), (option.opposite,)
        valued = (option.flag, value), (f"{option.flag}={value}",)
        pieces.append(draw(st.sampled_from(switch if option.is_switch else valued)))
    pieces += [(word,) for word in draw(st.lists(st.sampled_from([*_WORDS, *_STRANGE]), max_size=1))]
    return ["export", *(word for piece in draw(st.permutations(pieces)) for word in piece)]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arguments=_lines())
def test_no_line_is_read_otherwise_than_typer_reads_it(arguments, as_typer_reads):
    try:
        asked = read_plain(arguments)
    except (UsageError, PluginError):
        return  # before Typer is asked at all
    if asked is not None:
        assert tuple(asked) == as_typer_reads(arguments)
        assert isinstance(asked.flags.out, Path | None)
