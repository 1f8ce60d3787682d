"""Options declared once, as dataclass fields, and used three ways.

A format declares ``compression: Literal["none", "gzip"] = option("none", help="…")``.
The library takes it as a keyword argument, the command line as ``--compression gzip``
(or ``--read compression=gzip`` for read options), and the documentation lists it.
"""

from __future__ import annotations

import dataclasses
import math
import re
import types
import typing
from dataclasses import MISSING, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from mnistkit.border import plugin_border
from mnistkit.errors import MnistkitError, UsageError
from mnistkit.records import hints_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

T = TypeVar("T")

_HELP, _MIN, _MAX = "mnistkit.help", "mnistkit.min", "mnistkit.max"

#: The types of options, beside choices; ``| None`` may be added to any.
_PLAIN = (bool, int, float, str)

# Stricter than int() and float(), which take underscores and the digits of every script.
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WORDS = {"true": True, "yes": True, "false": False, "no": False}
_NONE = "none"


def option(default: T, *, help: str, min: int | None = None, max: int | None = None) -> T:
    """Declare an option of a format: a field of a frozen, keyword-only dataclass.

    Args:
        default: The value when nobody says otherwise.
        help: One sentence, shown by ``--help`` and in the documentation.
        min: The smallest number allowed.
        max: The largest number allowed.
    """
    metadata = {_HELP: help, _MIN: min, _MAX: max}
    declared: T = field(default=default, metadata=metadata)
    return declared


@dataclass(frozen=True, slots=True)
class Option:
    """What is known of one option: enough for a flag, a keyword argument or a line of documentation."""

    name: str
    type: Any
    default: Any
    help: str
    min: int | None
    max: int | None

    @property
    def flag(self) -> str:
        """The option as the command line spells it, such as ``--row-group``."""
        return "--" + self.name.rstrip("_").replace("_", "-")

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off, so that the command line needs no value."""
        return self.type in (bool, bool | None)

    @property
    def opposite(self) -> str:
        """The flag that turns a switch off, such as ``--no-header``."""
        return "--no-" + self.flag.removeprefix("--")

    @property
    def kinds(self) -> tuple[Any, ...]:
        """The types that it takes, None aside."""
        return tuple(kind for kind in _alternatives(self.type) if kind is not types.NoneType)

    @property
    def spelled(self) -> str:
        """The values that it takes, in words."""
        return " or ".join(_spelled(kind, self) for kind in _alternatives(self.type))

    @property
    def choices(self) -> tuple[Any, ...]:
        """The only values allowed, or nothing where any value of the type will do."""
        return tuple(
            choice
            for part in _alternatives(self.type)
            if typing.get_origin(part) is Literal
            for choice in typing.get_args(part)
        )


@dataclass(frozen=True, kw_only=True)
class NoOptions:
    """The options of a format that has none."""


def options_of(cls: type) -> tuple[Option, ...]:
    """Return the options that a dataclass declares, in its order."""
    hints = hints_of(cls)
    return tuple(
        Option(
            name=f.name,
            type=hints[f.name],
            default=f.default,
            help=f.metadata.get(_HELP, ""),
            min=f.metadata.get(_MIN),
            max=f.metadata.get(_MAX),
        )
        for f in dataclasses.fields(cls)
        if f.default is not MISSING
    )


def build(cls: type[T], values: Mapping[str, object], *, where: str) -> T:
    """Make an options object from keyword arguments.

    Raises:
        UsageError: A name that the format does not declare, or a value that it does not allow.
    """
    declared = {o.name: o for o in options_of(cls)}
    for name, value in values.items():
        if name not in declared:
            raise UsageError(where, f"no option {name!r}", todo=_known(declared))
        _check(declared[name], value, where)
    with plugin_border(where, doing="taking options"):
        try:
            return cls(**values)
        except ValueError as error:
            if isinstance(error, MnistkitError):
                raise
            raise UsageError(where, "bad options", found=error) from error


def faults_of(cls: object) -> Iterator[str]:
    """Say what is wrong with a declaration of options; nothing where all is well."""
    if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
        yield f"{cls!r} is no dataclass"
        return
    declared = {o.name: o for o in options_of(cls)}
    for f in dataclasses.fields(cls):
        if f.name not in declared:
            yield f"option {f.name!r} has no default"
            continue
        yield from _faults_of(declared[f.name])


def _faults_of(declared: Option) -> Iterator[str]:
    for kind in _alternatives(declared.type):
        if kind not in (*_PLAIN, types.NoneType) and typing.get_origin(kind) is not Literal:
            yield f"option {declared.name!r} is of type {kind}, which no text can give"
    if not isinstance(declared.help, str) or not declared.help:
        yield f"option {declared.name!r} has no help"
    for bound in (declared.min, declared.max):
        if bound is not None and type(bound) not in (int, float):
            yield f"option {declared.name!r} has the bound {bound!r}"
            return
    try:
        _check(declared, declared.default, "")
    except UsageError:
        yield f"option {declared.name!r} has the default {declared.default!r}, which it does not allow"


def parse(cls: type[T], texts: Mapping[str, str], *, where: str) -> T:
    """Make an options object from text, as in ``--read shape=20x28``.

    Raises:
        UsageError: A name that the format does not declare, or a value that it does not allow.
    """
    declared = {o.name: o for o in options_of(cls)}
    values = {}
    for name, text in texts.items():
        key = name.replace("-", "_")
        if key not in declared:
            raise UsageError(where, f"no read option {name!r}", todo=_known(declared, "read options"))
        values[key] = value_from(declared[key], text, where=where)
    return build(cls, values, where=where)


def value_from(declared: Option, text: str, *, where: str) -> object:
    """Return the value that a text stands for.

    Raises:
        UsageError: The option does not allow it.
    """
    value = _from_text(declared, text, where)
    _check(declared, value, where)
    return value


def adopt(cls: type, values: Mapping[str, object]) -> dict[str, object]:
    """Keep those values that are allowed for options of a dataclass, such as write options for reading."""
    kept = {}
    for declared in options_of(cls):
        try:
            _check(declared, values[declared.name], "")
        except (KeyError, UsageError):
            continue
        kept[declared.name] = values[declared.name]
    return kept


def parse_shape(text: str | None) -> tuple[int, ...] | None:
    """Read the read option ``shape``, such as ``20x28`` or ``32x32x3``; None where nothing is said.

    Raises:
        UsageError: It is anything else.
    """
    if not text:
        return None
    if not re.fullmatch(r"[1-9]\d{0,8}(x[1-9]\d{0,8}){1,2}", text):
        raise UsageError("shape", "bad value", expected="HxW or HxWxC, such as 20x28", found=repr(text))
    return tuple(map(int, text.split("x")))


def as_dict(options: object) -> dict[str, object]:
    """Return the values of an options object by name, as the receipt records them."""
    return dataclasses.asdict(options)  # type: ignore[call-overload, no-any-return]  # always a dataclass: see build


def _known(declared: Mapping[str, Option], kind: str = "options") -> str:
    return f"known: {', '.join(sorted(declared))}" if declared else f"it has no {kind}"


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def _from_text(declared: Option, text: str, where: str) -> object:
    for choice in declared.choices:
        if text == str(choice):
            return choice
    kinds = _alternatives(declared.type)
    if bool in kinds and text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if int in kinds and _INTEGER.fullmatch(text):
        return int(text)
    if float in kinds and _NUMBER.fullmatch(text):
        return float(text)
    if str in kinds:
        return text
    if types.NoneType in kinds and text.lower() == _NONE:
        return None
    raise _bad_value(f"--read {declared.name}", declared, text, where)


def _check(declared: Option, value: object, where: str) -> None:
    if not (_is_choice(declared, value) or _is_plain(declared, value)):
        raise _bad_value(declared.flag, declared, value, where)
    if type(value) not in (int, float):
        return
    assert isinstance(value, int | float)
    too_small = declared.min is not None and value < declared.min
    too_large = declared.max is not None and value > declared.max
    if too_small or too_large or not math.isfinite(value):
        raise _bad_value(declared.flag, declared, value, where)


def _is_choice(declared: Option, value: object) -> bool:
    """Whether a value is one of the choices, of its very type: True is not 1."""
    return any(type(value) is type(choice) and value == choice for choice in declared.choices)


def _is_plain(declared: Option, value: object) -> bool:
    kinds = _alternatives(declared.type)
    return type(value) in kinds or (type(value) is int and float in kinds)


def _bad_value(flag: str, declared: Option, value: object, where: str) -> UsageError:
    return UsageError(where, f"bad value for {flag}", expected=declared.spelled, found=repr(value))


def _spelled(kind: Any, declared: Option) -> str:
    if typing.get_origin(kind) is Literal:
        return "|".join(map(str, typing.get_args(kind)))
    if kind is types.NoneType:
        return _NONE
    bounds = "" if declared.min is None else f" from {declared.min}"
    bounds += "" if declared.max is None else f" to {declared.max}"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return names.get(kind, str(kind)) + (bounds if kind in (int, float) else "")
