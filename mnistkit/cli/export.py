"""``mnistkit export``: the core's flags, and those of the format that ``--to`` names or ``--for`` picks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistkit.cli.report import print_facts, print_json, print_line, print_profile, print_table, quieten
from mnistkit.consumers import CONSUMERS, wanted
from mnistkit.errors import UsageError

if TYPE_CHECKING:
    from mnistkit.consumers import Consumer
    from mnistkit.options import Option
    from mnistkit.receipt import Receipt


def export_command(arguments: Sequence[str]) -> Callable[..., None]:
    """Return the command's function, with a parameter for each option of the format in the arguments.

    Raises:
        UsageError: An unknown format or consumer.
    """
    to, for_ = _last(arguments, "--to"), _last(arguments, "--for")
    consumer = wanted(to, for_) if to or for_ else None
    declared = _flags_of(consumer) if consumer else []

    @wraps(_export)
    def command(**values: Any) -> None:
        options = {o.name: values.pop(o.name) for o in declared}
        _export(**values, options=options)

    core = [p for p in inspect.signature(_export, eval_str=True).parameters.values() if p.name != "options"]
    parameters = [*core, *(_parameter(o, consumer.format) for o in declared if consumer)]
    # Typer reads both; mypy knows neither attribute as something that may be set.
    vars(command)["__signature__"] = inspect.Signature(parameters)
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def _export(
    source: Annotated[
        str | None,
        typer.Argument(
            help="A published dataset, synthetic[:train=N,test=N,seed=S], a file, a folder, FOLDER/PREFIX."
        ),
    ] = None,
    *,
    to: Annotated[
        str | None, typer.Option("--to", help="The format to write; see 'mnistkit formats'.")
    ] = None,
    for_: Annotated[
        str | None,
        typer.Option("--for", help=f"Write for a consumer, in place of --to: {', '.join(CONSUMERS)}."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The folder to make.  [default: <dataset>-<format>]")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="The format of SOURCE, if it cannot be told.")
    ] = None,
    read: Annotated[list[str], typer.Option("--read", help="A read option, as NAME=VALUE; repeatable.")] = [],  # noqa: B006 - never changed
    split: Annotated[list[str], typer.Option("--split", help="Export this split; repeatable.")] = [],  # noqa: B006
    limit: Annotated[
        int | None, typer.Option("--limit", min=0, help="Export only the first images of each split.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Threads that encode.  [default: the CPUs]")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an export that is there.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read the export back before publishing it.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse to lose names, columns or widths.")
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Fetch nothing: use what is in the cache.")
    ] = False,
    raw_orientation: Annotated[
        bool, typer.Option("--raw-orientation", help="Leave images on their side if stored so (EMNIST).")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the receipt as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show errors alone.")] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Say on stderr where the time went.")] = False,
    options: dict[str, Any] | None = None,
) -> None:
    """Write a dataset in another format, whole or not at all.

    A format has flags of its own: 'mnistkit export --to FORMAT --help' shows them.
    """
    from mnistkit import api
    from mnistkit.cli.progress import progress_bar
    from mnistkit.clock import Clock

    clock = Clock()
    if quiet:
        quieten()
    texts = read_options(read)
    consumer = wanted(to, for_)
    with progress_bar(shown=not quiet) as progress:
        with clock.phase("open"):
            dataset = api.open(
                source if source is not None else _default_source(),
                format=from_,
                read=texts,
                offline=offline,
                raw_orientation=raw_orientation,
            )
        place = out if out is not None else api.default_out(dataset.info.name, consumer.format)
        receipt = api.export(
            dataset,
            to,
            place,
            for_=for_,
            splits=split,
            limit=limit,
            workers=workers,
            overwrite=overwrite,
            verify=verify,
            strict=strict,
            progress=progress,
            clock=clock,
            **(options or {}),
        )
    if profile:
        print_profile(clock.seconds)
    if json:
        seconds = {"seconds": clock.seconds} if profile else {}
        print_json({"out": str(place), "verified": verify, **_plain(receipt), **seconds})
    elif not quiet:
        _print(receipt, place, verified=verify)
        if consumer.opens:
            print_facts({"  open it with": consumer.line(place, receipt.splits, _files(place))})


def read_options(texts: Sequence[str]) -> dict[str, str]:
    """Take ``NAME=VALUE`` texts apart.

    Raises:
        UsageError: A text without ``=``.
    """
    for text in texts:
        if "=" not in text:
            raise UsageError("--read", "bad value", expected="NAME=VALUE", found=repr(text))
    return dict(text.split("=", 1) for text in texts)


def _last(arguments: Sequence[str], flag: str) -> str | None:
    """Return what the last such flag of an export says, before anything is parsed."""
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


def _flags_of(consumer: Consumer) -> list[Option]:
    """Return the options of a format, with the consumer's values for defaults."""
    from mnistkit.options import options_of
    from mnistkit.registry import load_format

    declared = options_of(load_format(consumer.format).write_options)
    return [replace(o, default=consumer.options.get(o.name, o.default)) for o in declared]


def _parameter(declared: Option, format_name: str) -> inspect.Parameter:
    is_switch = declared.type in (bool, bool | None)
    flags = f"{declared.flag}/--no-{declared.flag[2:]}" if is_switch else declared.flag
    flag = typer.Option(flags, min=declared.min, max=declared.max, help=f"({format_name}) {declared.help}")
    annotation: Any = Annotated[declared.type, flag]
    return inspect.Parameter(
        declared.name, inspect.Parameter.KEYWORD_ONLY, default=declared.default, annotation=annotation
    )


def _default_source() -> str:
    from mnistkit.idx import IDX_NAME

    if any(IDX_NAME.search(path.name) for path in Path.cwd().iterdir()):
        return "."
    return "mnist"


def _files(place: Path) -> list[str]:
    from mnistkit.checksums import read_checksums

    return list(read_checksums(place))


def _plain(receipt: Receipt) -> dict[str, Any]:
    from json import loads

    plain: dict[str, Any] = loads(receipt.to_json())
    return plain


def _print(receipt: Receipt, place: Path, *, verified: bool) -> None:
    print_line(f"{receipt.dataset} -> {receipt.format}: {place}")
    print_table(
        [
            (f"  {name}", f"{s.rows:,} images", "x".join(map(str, s.shape)), s.dtype, s.digest)
            for name, s in receipt.splits.items()
        ]
    )
    if verified:
        print_line("  verified: reads back equal, image by image")
    print_facts({"  licence": receipt.licence})
