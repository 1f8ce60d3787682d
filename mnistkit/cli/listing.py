"""``mnistkit formats`` and ``mnistkit plugins``: what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistkit.cli.report import print_facts, print_json, print_line, print_table

if TYPE_CHECKING:
    from mnistkit.native import State
    from mnistkit.plugin import Format
    from mnistkit.registry import Plugin

_NATIVE: dict[State, str] = {
    "in use": "in use",
    "off": "off, as MNISTKIT_NATIVE=0 says; the pure lanes are used",
    "not built": "not built here; the pure lanes are used",
    "broken": "broken, the pure lanes are used: ",
}

_JSON = typer.Option("--json", help="Print JSON.")


def formats(
    name: Annotated[str | None, typer.Argument(help="Show all about this format.")] = None,
    *,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """List the formats, or show one with its options."""
    from mnistkit.registry import load_format

    if name is not None:
        card = load_format(name)
        if json:
            print_json(_described(card))
        else:
            _show(card)
        return
    cards = [card for plugin, card, _ in _loaded() if card]
    if json:
        print_json([_described(card) for card in cards])
    else:
        print_table([(card.name, _verbs(card), card.summary) for card in cards])


def plugins(*, json: Annotated[bool, _JSON] = False) -> None:
    """List the plugins with their distributions, say which are broken, and whether compiled code is used."""
    from mnistkit import native

    rows = [
        {
            "format": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "module": plugin.module,
            "status": "ok" if card else "broken",
            "problem": problem,
        }
        for plugin, card, problem in _loaded()
    ]
    if json:
        print_json({"plugins": rows, "native": {"state": native.state(), "problem": native.problem()}})
        return
    print_table([(r["format"], f"{r['distribution']} {r['version']}", r["status"]) for r in rows])
    for row in rows:
        if row["problem"]:
            print_line()
            print_line(row["problem"])
    print_line()
    print_line(f"native: {_NATIVE[native.state()]}{native.problem()}")


def _loaded() -> list[tuple[Plugin, Format | None, str]]:
    """Load every card; say why where that fails."""
    from mnistkit.errors import PluginError
    from mnistkit.registry import find_formats, load_format

    loaded: list[tuple[Plugin, Format | None, str]] = []
    for name, claims in find_formats().items():
        try:
            card, problem = load_format(name), ""
        except PluginError as error:
            card, problem = None, str(error)
        loaded += [(plugin, card, problem) for plugin in claims]
    return loaded


def _verbs(card: Format) -> str:
    verbs = [word for word, path in (("read", card.reader), ("write", card.writer)) if path]
    return "+".join(verbs)


def _show(card: Format) -> None:
    by_default = " (by default)" if card.given else ""
    card = card.with_options(card.write_options())
    print_line(f"{card.name}: {card.summary}")
    print_line()
    print_facts(
        {
            "does": _verbs(card),
            "files": ", ".join(card.suffixes),
            "pixels": (", ".join(card.dtypes) or "all types") + by_default,
            "images": " or ".join({2: "gray", 3: "with channels"}[rank] for rank in card.ranks),
            "channels": ", ".join(map(str, card.channels)),
            "class names": "kept" if card.class_names else "lost",
            "extra columns": {"none": "lost", "integers": "integers, without names", "all": "kept"}[
                card.extra_columns
            ],
        }
    )
    for title, options in (("write options", card.write_options), ("read options", card.read_options)):
        _show_options(title, options)


def _show_options(title: str, options: type) -> None:
    from mnistkit.options import options_of

    declared = options_of(options)
    if declared:
        print_line()
        print_line(f"{title}:")
        prefix = "--read " if title.startswith("read") else ""
        print_table(
            [
                (f"  {prefix}{o.name if prefix else o.flag}", o.spelled, f"[{o.default}]", o.help)
                for o in declared
            ]
        )


def _described(card: Format) -> dict[str, Any]:
    from mnistkit.options import options_of

    def listed(options: type) -> list[dict[str, Any]]:
        return [
            {"name": o.name, "type": o.spelled, "default": o.default, "help": o.help}
            for o in options_of(options)
        ]

    return {
        "name": card.name,
        "summary": card.summary,
        "suffixes": card.suffixes,
        "reads": card.reader is not None,
        "writes": card.writer is not None,
        "dtypes": card.dtypes,
        "class_names": card.class_names,
        "extra_columns": card.extra_columns,
        "unlabelled": card.unlabelled,
        "unit": card.unit,
        "read_options": listed(card.read_options),
        "write_options": listed(card.write_options),
    }
