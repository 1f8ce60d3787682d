"""Whether the fields of a dataclass hold what their annotations announce: for data that others wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@cache
def hints_of(record: type) -> dict[str, Any]:
    """Return the types of a dataclass's fields, read from their annotations once."""
    return get_type_hints(record)


def type_problems(record: DataclassInstance) -> Iterator[str]:
    """Yield a sentence for each field of a dataclass whose value is not of the type announced."""
    hints = hints_of(type(record))
    for field in fields(record):
        value = getattr(record, field.name)
        if not _fits(value, hints[field.name]):
            yield f"{field.name}: expected {field.type}, found {value!r}"


def _fits(value: object, hint: Any) -> bool:
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin is Literal:
        return value in args
    if origin in (Union, UnionType):
        return any(_fits(value, arg) for arg in args)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(
            _fits(k, args[0]) and _fits(v, args[1]) for k, v in value.items()
        )
    if origin is tuple:
        return isinstance(value, tuple) and _fit_each(value, args)
    return isinstance(value, hint) and not (hint is int and isinstance(value, bool))


def _fit_each(values: tuple[object, ...], hints: tuple[Any, ...]) -> bool:
    if hints[-1] is Ellipsis:
        return all(_fits(value, hints[0]) for value in values)
    return len(values) == len(hints) and all(map(_fits, values, hints))
