"""``mnistkit formats``: what can be read and written."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistkit.cli.report import print_facts, print_json, print_line, print_table

if TYPE_CHECKING:
    from mnistkit.plugin import Format

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
    cards = _loaded_cards()
    if json:
        print_json([_described(card) for card in cards])
    else:
        print_table([(card.name, _verbs(card), card.summary) for card in cards])


def _loaded_cards() -> list[Format]:
    from mnistkit.errors import PluginError
    from mnistkit.registry import find_formats, load_format

    cards = []
    for name in find_formats():
        with suppress(PluginError):  # 'mnistkit plugins' says what is broken
            cards.append(load_format(name))
    return cards


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
