"""Reads a plain ``mnistkit export``, without the 0.15 s that Typer needs to start.

Typer alone shows help and says what is wrong.  So whatever is not beyond doubt is left to it: other
commands, unknown flags and values, flags given twice, values that begin with a dash.  What is read here
is read as Typer would read it; a test compares the two.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from mnistkit.cli.flags import REPEATABLE, ExportFlags, asked_for, core_flags, format_flags
from mnistkit.errors import UsageError
from mnistkit.options import value_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mnistkit.options import Option


class Asked(NamedTuple):
    """What a command line asks for: the source, the core's flags, all options of the format."""

    source: str | None
    flags: ExportFlags
    options: Mapping[str, Any]


class _Doubtful(Exception):  # noqa: N818 - no error: Typer reads it then
    """Typer may read this otherwise, or has something to say of it."""


def read_plain(arguments: Sequence[str]) -> Asked | None:
    """Return what an export is asked for, or None where that is for Typer to read.

    Raises:
        UsageError: An unknown format or consumer.
        PluginError: The format's plugin is broken.
    """
    if arguments[:1] != ["export"]:
        return None
    consumer = asked_for(arguments)
    declared = format_flags(consumer) if consumer else []
    try:
        sources, values = _sorted_out(arguments[1:], _known_words(core_flags(), declared))
    except (_Doubtful, UsageError):
        return None
    options = {o.name: values.pop(o.name, o.default) for o in declared}
    return Asked(sources[0] if sources else None, ExportFlags(**values), options)


def _known_words(core: Sequence[Option], declared: Sequence[Option]) -> dict[str, tuple[Option, bool | None]]:
    """Return each flag -> its option and, if the flag alone says it, the value."""
    words = {o.flag: (o, True if o.is_switch else None) for o in (*core, *declared)}
    return {**words, **{o.opposite: (o, False) for o in declared if o.is_switch}}


def _sorted_out(
    words: Sequence[str], known: Mapping[str, tuple[Option, bool | None]]
) -> tuple[list[str], dict[str, Any]]:
    """Return the source, if there is one, and the values of all flags given."""
    sources: list[str] = []
    values: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        flag, equals, text = word.partition("=")
        if word.startswith("-"):
            option, said = known.get(flag) or _doubt()
            if said is not None and equals:
                _doubt()
            value = _value(option, text if equals else next(rest, "")) if said is None else said
            _put(values, option, value)
        elif sources or not word:
            _doubt()
        else:
            sources.append(word)
    return sources, values


def _value(option: Option, text: str) -> object:
    if not text or text.startswith("-") or len(option.kinds) != 1:
        _doubt()
    if option.type == REPEATABLE:
        return text
    if option.kinds == (Path,):
        return Path(text)
    value = value_from(option, text, where="export")
    return _doubt() if value is None else value


def _put(values: dict[str, Any], option: Option, value: object) -> None:
    if option.type == REPEATABLE:
        values[option.name] = (*values.get(option.name, ()), value)
    elif option.name in values:
        _doubt()
    else:
        values[option.name] = value


def _doubt() -> NoReturn:
    raise _Doubtful
