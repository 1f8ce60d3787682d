"""Options declared once, as dataclass fields, and used three ways.

A format declares ``compression: Literal["none", "gzip"] = option("none", help="…")``.
The library takes it as a keyword argument, the command line as ``--compression gzip``
(or ``--read compression=gzip`` for read options), and the documentation lists it.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from dataclasses import MISSING, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from mnistkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

_HELP, _MIN, _MAX = "mnistkit.help", "mnistkit.min", "mnistkit.max"


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
        return "--" + self.name.replace("_", "-")

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
    hints = typing.get_type_hints(cls)
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
    return cls(**values)


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
            raise UsageError(where, f"no option {name!r}", todo=_known(declared))
        values[key] = _from_text(declared[key], text, where)
    return build(cls, values, where=where)


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


def _known(declared: Mapping[str, Option]) -> str:
    return f"known: {', '.join(sorted(declared))}" if declared else "it has no options"


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def _from_text(declared: Option, text: str, where: str) -> object:
    if text in declared.choices:
        return text
    kinds = _alternatives(declared.type)
    words = {"true": True, "yes": True, "false": False, "no": False}
    if bool in kinds and text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        if kind in kinds:
            try:
                return kind(text)
            except ValueError:
                continue
    if str in kinds:
        return text
    raise _bad_value(declared, text, where)


def _check(declared: Option, value: object, where: str) -> None:
    kinds = _alternatives(declared.type)
    plain = {k for k in kinds if isinstance(k, type)}
    plain |= {int} if float in plain else set()
    if value not in declared.choices and type(value) not in plain:
        raise _bad_value(declared, value, where)
    too_small = declared.min is not None and isinstance(value, int | float) and value < declared.min
    too_large = declared.max is not None and isinstance(value, int | float) and value > declared.max
    if too_small or too_large:
        raise _bad_value(declared, value, where)


def _bad_value(declared: Option, value: object, where: str) -> UsageError:
    return UsageError(where, f"bad value for {declared.flag}", expected=declared.spelled, found=repr(value))


def _spelled(kind: Any, declared: Option) -> str:
    if typing.get_origin(kind) is Literal:
        return "|".join(map(str, typing.get_args(kind)))
    if kind is types.NoneType:
        return "nothing"
    bounds = "" if declared.min is None else f" from {declared.min}"
    bounds += "" if declared.max is None else f" to {declared.max}"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return names.get(kind, str(kind)) + (bounds if kind in (int, float) else "")
