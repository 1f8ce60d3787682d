"""The flags of ``mnistkit export``: the core's own, declared once, and those of the format asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mnistkit.consumers import CONSUMERS, wanted
from mnistkit.options import option, options_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnistkit.consumers import Consumer
    from mnistkit.options import Option


#: The type of a flag that may be given several times.
REPEATABLE = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ExportFlags:
    """The core's own flags of an export."""

    to: str | None = option(None, help="The format to write; see 'mnistkit formats'.")
    for_: str | None = option(None, help=f"Write for a consumer, in place of --to: {', '.join(CONSUMERS)}.")
    out: Path | None = option(  # noqa: RUF009 - a field; ruff knows it only beside built-in types
        None, help="The folder to make.  [default: <dataset>-<format>]"
    )
    from_: str | None = option(None, help="The format of SOURCE, if it cannot be told.")
    read: tuple[str, ...] = option((), help="A read option, as NAME=VALUE; repeatable.")
    split: tuple[str, ...] = option((), help="Export this split; repeatable.")
    limit: int | None = option(None, help="Export only the first images of each split.", min=0)
    workers: int | None = option(None, help="Threads that encode.  [default: the CPUs]", min=1)
    overwrite: bool = option(default=False, help="Replace an export that is there.")
    verify: bool = option(default=False, help="Read the export back before publishing it.")
    strict: bool = option(default=False, help="Refuse to lose names, columns or widths.")
    offline: bool = option(default=False, help="Fetch nothing: use what is in the cache.")
    raw_orientation: bool = option(default=False, help="Leave images on their side if stored so (EMNIST).")
    json: bool = option(default=False, help="Print the receipt as JSON.")
    quiet: bool = option(default=False, help="Show errors alone.")
    profile: bool = option(default=False, help="Say on stderr where the time went.")


def core_flags() -> tuple[Option, ...]:
    """Return the core's own flags."""
    return options_of(ExportFlags)


def asked_for(arguments: Sequence[str]) -> Consumer | None:
    """Return what the last ``--to`` and ``--for`` of an export ask for, before anything else is read.

    Raises:
        UsageError: An unknown consumer, or one that opens another format than is named.
    """
    to, for_ = _last(arguments, "--to"), _last(arguments, "--for")
    return wanted(to, for_) if to or for_ else None


def format_flags(consumer: Consumer) -> list[Option]:
    """Return the flags of a format, with the consumer's values for defaults.

    Raises:
        UsageError: No such format.
        PluginError: Its plugin is broken.
    """
    from mnistkit.registry import load_format

    declared = options_of(load_format(consumer.format).write_options)
    return [replace(o, default=consumer.options.get(o.name, o.default)) for o in declared]


def _last(arguments: Sequence[str], flag: str) -> str | None:
    if "export" not in arguments:
        return None
    named = None
    for argument, following in zip(arguments, [*arguments[1:], None], strict=True):
        if argument == "--":
            break
        if argument == flag:
            named = following
        elif argument.startswith(f"{flag}="):
            named = argument.removeprefix(f"{flag}=")
    return named
