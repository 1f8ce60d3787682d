"""``mnistkit plugins``: who provides what, and whether it works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistkit.cli.report import Ended, print_json, print_line, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnistkit.installed import Distribution, Provided
    from mnistkit.native import State
    from mnistkit.registry import Plugin

_NATIVE: dict[State, str] = {
    "in use": "in use",
    "off": "off, as MNISTKIT_NATIVE=0 says; the pure lanes are used",
    "not built": "not built here; the pure lanes are used",
    "broken": "broken, the pure lanes are used: ",
}

_FAULTY = 1  # the exit code of a check that found something
_LISTED = 9  # names that a column shows; others are counted


def plugins(
    names: Annotated[
        list[str] | None, typer.Argument(help="Only these formats, datasets or distributions.")
    ] = None,
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Hold each to the fast part of its contract, in a process of its own."),
    ] = False,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, help="How long the check of one plugin may take.")
    ] = 60,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the plugins with what they provide, say which are broken, and whether compiled code is used."""
    from mnistkit import native
    from mnistkit.installed import by_distribution, claims, load_plugin

    claimed = claims(names or ())
    found = by_distribution(_checked(claimed, seconds) if check else map(load_plugin, claimed))
    problems = [problem for each in found for problem in each.problems]
    if json:
        state = {"state": native.state(), "problem": native.problem()}
        print_json({"plugins": list(map(_described, found)), "checked": check, "native": state})
    else:
        _print(found, problems)
        if check:
            print_line(f"check: {len(problems) or 'nothing'} found by the fast part of the contract")
        print_line(f"native: {_NATIVE[native.state()]}{native.problem()}")
    if check and problems:
        raise Ended(_FAULTY)


def _print(found: Sequence[Distribution], problems: Sequence[str]) -> None:
    header = ("distribution", "version", "api", "formats", "datasets", "status")
    print_table([header, *map(_row, found)])
    print_line()
    for problem in problems:
        print_line(problem)
        print_line()


def _checked(plugins: Sequence[Plugin], seconds: float) -> list[Provided]:
    """Check plugins, none of which is imported here; the core's own datasets are data, not code."""
    from mnistkit.contract.processes import check_plugins
    from mnistkit.installed import Provided
    from mnistkit.parallel import usable_cpus
    from mnistkit.registry import OWN

    data = [p for p in plugins if p.kind == "dataset" and p.distribution == OWN]
    code = [p for p in plugins if p not in data]
    return [*check_plugins(code, seconds=seconds, workers=usable_cpus()), *map(Provided, data)]


def _row(found: Distribution) -> tuple[str, ...]:
    return (
        found.name,
        found.version,
        ", ".join(map(str, found.api)) or "-",
        _names(found.formats),
        _names(found.datasets),
        found.status,
    )


def _names(provided: tuple[Provided, ...]) -> str:
    names = [each.plugin.name for each in provided]
    return (", ".join(names) if len(names) <= _LISTED else f"{len(names)} of them") or "-"


def _described(found: Distribution) -> dict[str, Any]:
    return {
        "distribution": found.name,
        "version": found.version,
        "api": list(found.api),
        "formats": list(map(_part, found.formats)),
        "datasets": list(map(_part, found.datasets)),
        "status": found.status,
        "problems": list(found.problems),
    }


def _part(provided: Provided) -> dict[str, str]:
    plugin = provided.plugin
    return {"name": plugin.name, "module": plugin.module, "status": provided.status}
