"""Writes what is known elsewhere into the pages: ``python docs/make_pages.py``.

A page says where: ``<!-- begin: options csv write -->`` … ``<!-- end -->``.  What stands between is

* ``options FORMAT write|read``: the format's options, of its dataclasses,
* ``card FORMAT``: what the format carries, of its card,
* ``commands``: all commands with their flags, of the Typer application,
* ``consumers``: what ``--for`` takes,
* ``errors``: the family of errors with their exit codes,
* ``attributes PACKAGE.MODULE:CLASS``: the attributes of a dataclass, of its docstring,
* ``names PACKAGE.MODULE``: what a module makes public, with the first sentence of each docstring,
* ``file PATH [from "TEXT"] [to "TEXT"]``: a file beside the pages, or its lines from one that begins so to
  one that begins so, which is left out.
"""

from __future__ import annotations

import inspect
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from mnistkit import errors
from mnistkit.cli.app import build_app
from mnistkit.consumers import CONSUMERS
from mnistkit.options import Option, options_of
from mnistkit.plugin import Format
from mnistkit.registry import load_format

DOCS = Path(__file__).parent

_GENERATED = re.compile(r"(<!-- begin: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
_LANGUAGES = {".py": "python", ".toml": "toml"}

#: Type of a flag -> what is written behind it.
_VALUES = {bool: "", int | None: "N", Path | None: "PATH"}


def pages() -> list[Path]:
    """Return all pages that may hold something generated."""
    return sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)


def refreshed(text: str) -> str:
    """Return a page's text with all that is generated made anew.

    Raises:
        KeyError: It asks for something that this script does not make.
    """
    return _GENERATED.sub(lambda found: found[1] + _made(found[2]) + found[3], text)


def _made(what: str) -> str:
    kind, *arguments = shlex.split(what)
    return "\n" + _KINDS[kind](*arguments).strip("\n") + "\n\n"


def _options(name: str, side: str) -> str:
    card = load_format(name)
    declared = options_of(card.write_options if side == "write" else card.read_options)
    if not declared:
        return "None."
    shown = _flags if side == "write" else _named
    rows = [(shown(o), _values(o), _default(o), o.help) for o in declared]
    return _table(("option", "values", "default", "meaning"), rows)


def _flags(option: Option) -> str:
    return f"`{option.flag}`, `--no-{option.flag[2:]}`" if _is_switch(option) else f"`{option.flag}`"


def _named(option: Option) -> str:
    return f"`{option.name}`"


def _values(option: Option) -> str:
    if _is_switch(option):
        return ""
    spelled = [word for word in option.spelled.split(" or ") if word != "none"]
    if not option.choices:
        return " or ".join(spelled)
    words = ("`true`", "`false`") if "true" in spelled else ()
    return ", ".join((*words, *(f"`{choice}`" for choice in option.choices)))


def _default(option: Option) -> str:
    if isinstance(option.default, bool):
        return "on" if option.default else "off"
    return "" if option.default in (None, "") else f"`{option.default}`"


def _is_switch(option: Option) -> bool:
    return option.type in (bool, bool | None)


def _card(name: str) -> str:
    card = load_format(name)
    facts = _carried(card.with_options(card.write_options()))
    change = " Its options change some of this." if card.given else ""
    return _table(("what", "carried"), facts) + f"\nWith the usual options.{change}"


def _carried(card: Format) -> Iterator[tuple[str, str]]:
    yield "pixels", _codes(card.dtypes) or "all types"
    yield "images", " and ".join(_kinds(card))
    yield "images without labels", _yes(card.unlabelled)
    yield "labels below 0", _yes(card.negative_labels)
    yield "type of labels that come back", f"`{card.label_dtype}`" if card.label_dtype else "as it was"
    yield "class names", "yes" if card.class_names else "lost"
    yield (
        "further columns",
        {"none": "lost", "integers": "integers, without names", "all": "yes"}[card.extra_columns],
    )


def _kinds(card: Format) -> Iterator[str]:
    if 2 in card.ranks:
        yield "gray"
    if 3 in card.ranks:
        yield f"with {', '.join(map(str, card.channels)) or 'any number of'} channels"


def _yes(holds: bool) -> str:  # noqa: FBT001 - the one fact
    return "yes" if holds else "refused"


def _commands() -> str:
    app = build_app([])
    whole: Any = typer.main.get_command(app)
    assert app.registered_callback
    common = _table(("flag", "meaning"), _flags_of(whole, _declared(app.registered_callback.callback)))
    sections = [
        _command(info.name, info.callback, whole.commands[info.name]) for info in app.registered_commands
    ]
    return "\n".join([common, *sections])


def _command(name: str | None, function: Any, command: Any) -> str:
    declared = _declared(function)
    arguments = [p for p in command.params if not _is_flag(p)]
    usage = " ".join(["mnistkit", str(name), *map(_argument, arguments), "[FLAGS]"])
    rows = [(f"`{_argument(p)}`", _help(declared[p.name])) for p in arguments]
    table = _table(("argument or flag", "meaning"), [*rows, *_flags_of(command, declared)])
    return (
        f"### `mnistkit {name}`\n\n```text\n{usage}\n```\n\n{inspect.cleandoc(function.__doc__)}\n\n{table}"
    )


def _declared(function: Any) -> dict[str, Any]:
    """Return the annotations of a command's parameters: types and helps, whatever Typer makes of them."""
    parameters = inspect.signature(function, eval_str=True).parameters.values()
    return {parameter.name: parameter.annotation for parameter in parameters}


def _help(annotation: Any) -> str:
    return str(annotation.__metadata__[0].help)


def _is_flag(parameter: Any) -> bool:
    return bool(parameter.opts[0].startswith("-"))


def _argument(parameter: Any) -> str:
    return parameter.name.upper() if parameter.required else f"[{parameter.name.upper()}]"


def _flags_of(command: Any, declared: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for parameter in filter(_is_flag, command.params):
        annotation = declared[parameter.name]
        value = _VALUES.get(annotation.__origin__, "TEXT")
        yield f"`{' '.join(filter(None, [parameter.opts[0], value]))}`", _help(annotation)


def _consumers() -> str:
    rows = [
        (f"`{name}`", f"[`{c.format}`](formats/{c.format}.md)", _chosen(c.options), f"`{c.opens}`")
        for name, c in CONSUMERS.items()
    ]
    return _table(("`--for`", "writes", "with", "opens with"), rows)


def _chosen(options: Any) -> str:
    return ", ".join(f"`{name}={value}`" for name, value in options.items())


def _errors() -> str:
    family = (kind for kind in vars(errors).values() if kind in errors.MnistkitError.__subclasses__())
    rows = [(f"`{e.__name__}`", f"{e.exit_code}", _bases(e), _sentence(e)) for e in family]
    return _table(("error", "exit code", "is also a", "raised for"), rows)


def _bases(kind: type) -> str:
    return _codes(b.__name__ for b in kind.__bases__ if not issubclass(b, errors.MnistkitError))


def _attributes(path: str) -> str:
    module, _, name = path.partition(":")
    described = _ATTRIBUTE.findall(inspect.cleandoc(getattr(import_module(module), name).__doc__))
    rows = [(f"`{attribute}`", _inline(" ".join(text.split()))) for attribute, text in described]
    return _table(("name", "meaning"), rows)


def _names(module_name: str) -> str:
    module = import_module(module_name)
    rows = [
        (f"`{name}`", _sentence(value))
        for name in module.__all__
        if inspect.isclass(value := getattr(module, name)) or inspect.isfunction(value)
    ]
    return _table(("name", "what it is"), rows)


def _sentence(value: object) -> str:
    """Return the first sentence of what an object says of itself."""
    first = inspect.cleandoc(value.__doc__ or "").split("\n\n")[0]
    return _inline(" ".join(first.split()))


def _inline(text: str) -> str:
    """Turn reStructuredText's marks into Markdown's."""
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", text)
    return text.replace("``", "`")


def _file(path: str, *cuts: str) -> str:
    lines = (DOCS / path).read_text("utf-8").splitlines()
    ends = dict(zip(cuts[::2], cuts[1::2], strict=True))
    start = _line(lines, ends["from"]) if "from" in ends else 0
    stop = _line(lines, ends["to"]) if "to" in ends else len(lines)
    text = "\n".join(lines[start:stop]).strip("\n")
    return f"```{_LANGUAGES[Path(path).suffix]}\n{text}\n```"


def _line(lines: Sequence[str], beginning: str) -> int:
    return next(number for number, line in enumerate(lines) if line.startswith(beginning))


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = (" | ".join(map(_cell, row)) for row in (head, *rows))
    first, *others = (f"| {row} |\n" for row in cells)
    return first + "|" + "---|" * len(head) + "\n" + "".join(others)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "\\<")


_KINDS: dict[str, Callable[..., str]] = {
    "attributes": _attributes,
    "card": _card,
    "commands": _commands,
    "consumers": _consumers,
    "errors": _errors,
    "file": _file,
    "names": _names,
    "options": _options,
}


if __name__ == "__main__":
    os.environ["MNISTKIT_PLUGINS"] = "builtin"
    for page in pages():
        whole = page.read_text("utf-8")
        if (fresh := refreshed(whole)) != whole:
            page.write_text(fresh, encoding="utf-8", newline="\n")
            print(page.relative_to(DOCS))  # noqa: T201 - what has changed
