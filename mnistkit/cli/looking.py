"""``mnistkit info``, ``verify`` and ``diff``: what is there, and is it the same?"""

from __future__ import annotations

import itertools
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistkit.cli.export import read_options
from mnistkit.cli.report import Ended, print_facts, print_json, print_line, print_table, results

if TYPE_CHECKING:
    from mnistkit.api import Verification
    from mnistkit.compare import Difference
    from mnistkit.dataset import DatasetInfo, SplitInfo

DIFFERENT = 3

#: ``diff`` shows no more differences than this; one is enough to know.
_SHOWN = 10

_JSON = typer.Option("--json", help="Print JSON.")


def info(
    source: Annotated[str, typer.Argument(help="A source, as for export.")],
    *,
    from_: Annotated[str | None, typer.Option("--from", help="Its format, if it cannot be told.")] = None,
    read: Annotated[list[str], typer.Option("--read", help="A read option, as NAME=VALUE; repeatable.")] = [],  # noqa: B006 - never changed
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Show what a dataset holds, from its headers."""
    from mnistkit import api

    found = api.open(source, format=from_, read=read_options(read)).info
    if json:
        print_json(asdict(found))
    else:
        _show(found)


def verify(
    export: Annotated[str, typer.Argument(help="The folder of an export.")],
    *,
    against: Annotated[
        str | None, typer.Option("--against", help="Compare with this source too: A is the export.")
    ] = None,
    json: Annotated[bool, _JSON] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show errors alone.")] = False,
) -> None:
    """Read an export again: are its files and its content as its receipt says?"""
    from mnistkit import api
    from mnistkit.cli.progress import progress_bar

    with progress_bar(shown=not quiet) as progress:
        result = api.verify(export, against, progress=progress)
    with results():
        _print_verification(result, json=json, quiet=quiet)
    if not result:
        raise Ended(DIFFERENT)


def _print_verification(result: Verification, *, json: bool, quiet: bool) -> None:
    if json:
        print_json({"equal": bool(result), "problems": result.problems, "digest": result.digest})
    elif not quiet:
        for problem in result.problems:
            print_line(problem)
        rows = f"{result.receipt.rows:,} images in {len(result.receipt.splits)} splits"
        print_line(f"equal: {rows}, {result.digest}" if result else "different")


def diff(
    a: Annotated[str, typer.Argument(help="A source.")],
    b: Annotated[str, typer.Argument(help="Another source, of any format.")],
    *,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Compare two datasets image by image, whatever their formats."""
    from mnistkit import api

    found = list(itertools.islice(api.diff(a, b), _SHOWN + 1))
    with results():
        _print_differences(found, json=json)
    if found:
        raise Ended(DIFFERENT)


def _print_differences(found: list[Difference], *, json: bool) -> None:
    if json:
        shown = [asdict(difference) for difference in found[:_SHOWN]]
        print_json({"equal": not found, "differences": shown, "more": len(found) > _SHOWN})
    else:
        for difference in found[:_SHOWN]:
            print_line(difference)
        if len(found) > _SHOWN:
            print_line("and more")
        print_line("different" if found else "equal")


def _show(found: DatasetInfo) -> None:
    print_facts(
        {
            "dataset": found.name,
            "classes": found.classes,
            "class names": ", ".join(found.class_names or ()),
            "licence": found.licence,
            "homepage": found.homepage,
        }
    )
    header = ("split", "images", "shape", "pixels", "labels", "extra columns")
    print_line()
    print_table([header, *(_row(split) for split in found.splits)])


def _row(split: SplitInfo) -> tuple[Any, ...]:
    bounds = "{}..{}".format(*split.label_range) if split.label_range else ""
    labels = f"{split.label_dtype} {bounds}".strip() if split.labelled else "none"
    extra = ", ".join(column.name for column in split.extra)
    return split.name, f"{split.length:,}", "x".join(map(str, split.shape)), split.dtype, labels, extra
