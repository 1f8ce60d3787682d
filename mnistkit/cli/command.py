"""``mnistkit export`` as Typer has it: a parameter for each flag."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistkit.cli.export import export
from mnistkit.cli.flags import REPEATABLE, ExportFlags, asked_for, core_flags, format_flags

if TYPE_CHECKING:
    from mnistkit.options import Option

_SOURCE = typer.Argument(
    help="A published dataset, synthetic[:train=N,test=N,seed=S], a file, a folder, FOLDER/PREFIX."
)


def export_command(arguments: Sequence[str]) -> Callable[..., None]:
    """Return the command's function, with a parameter for each option of the format in the arguments.

    Raises:
        UsageError: An unknown format or consumer.
    """
    consumer = asked_for(arguments)
    declared = format_flags(consumer) if consumer else []

    def command(source: str | None, **values: Any) -> None:
        """Write a dataset in another format, whole or not at all.

        A format has flags of its own: 'mnistkit export --to FORMAT --help' shows them.
        """
        options = {o.name: values.pop(o.name) for o in declared}
        export(source, ExportFlags(**{name: _flag(value) for name, value in values.items()}), options)

    parameters = [
        Parameter(
            "source",
            Parameter.POSITIONAL_OR_KEYWORD,
            default=None,
            annotation=Annotated[str | None, _SOURCE],
        ),
        *(_parameter(o, o.flag, o.help) for o in core_flags()),
        *(_parameter(o, _both(o), f"({consumer.format}) {o.help}") for o in declared if consumer),
    ]
    # Typer reads both; mypy knows neither attribute as something that may be set.
    vars(command)["__signature__"] = Signature(parameters)
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def _flag(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _both(declared: Option) -> str:
    """Return the flag, and its opposite where it is a switch."""
    return f"{declared.flag}/{declared.opposite}" if declared.is_switch else declared.flag


def _parameter(declared: Option, flag: str, help: str) -> Parameter:
    kind = list[str] if declared.type == REPEATABLE else declared.type
    default = [] if declared.type == REPEATABLE else declared.default
    annotation: Any = Annotated[kind, typer.Option(flag, min=declared.min, max=declared.max, help=help)]
    return Parameter(declared.name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
