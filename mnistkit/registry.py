"""Finds the plugins that are installed, imports the one asked for, and says what is broken.

Listing names reads entry points and imports nothing.  Loading a card imports that one plugin.
Bundled formats are found the same way as everybody else's.  Datasets of plugins come in here too.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import logging
import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pluggy

from mnistkit import settings
from mnistkit.border import Hanging, described, plugin_border, shown, within
from mnistkit.entrypoints import EntryPoint, entry_points
from mnistkit.errors import PluginError, UsageError
from mnistkit.hints import closest
from mnistkit.hooks import DATASETS, FORMATS, DatasetHooks, FormatHooks
from mnistkit.options import faults_of, options_of
from mnistkit.plugin import API, Format, Reader, Writer

T = TypeVar("T")

log = logging.getLogger(__name__)

#: The distribution whose formats ``MNISTKIT_PLUGINS=builtin`` leaves.
OWN = "mnistkit"

#: What a :class:`PluginError` says of a card for another version of this interface, which it found.
OTHER_API = "other plugin interface"

#: Names that flags of the core have, now or in the plan; no format may call an option so.
RESERVED = frozenset({
    "apply", "card", "debug", "dry_run", "engine", "file_size", "for", "for_", "from", "from_", "help",
    "images_per_file", "json", "limit", "offline", "options", "out", "overwrite", "profile", "progress",
    "quiet", "raw_orientation", "read", "resume", "scheduler", "source", "split", "splits", "strict", "to",
    "verify", "workers",
})  # fmt: skip

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_MODULE = re.compile(r"\w+(\.\w+)*")
_CLASS = re.compile(r"[A-Za-z_]\w*(\.\w+)*:[A-Za-z_]\w*")
_PIXELS = re.compile(r"u?int(8|16|32|64)|float(32|64)")
_LABELS = re.compile(r"u?int(8|16|32|64)")


@dataclass(frozen=True, slots=True)
class Plugin:
    """An entry point of a format or a dataset, not yet imported."""

    name: str
    module: str
    distribution: str
    version: str
    kind: str = "format"

    @property
    def package(self) -> str:
        """The package that its module is in."""
        return self.module.partition(".")[0]

    @property
    def title(self) -> str:
        """The plugin as messages call it: kind, name, distribution and version."""
        return f"{self.kind} {self.name!r} of {self.distribution} {self.version}"


def find_formats() -> dict[str, tuple[Plugin, ...]]:
    """Return the names of all formats and who claims each; nothing is imported."""
    return find_plugins(FORMATS, "format")


def find_plugins(group: str, kind: str) -> dict[str, tuple[Plugin, ...]]:
    """Return the names in a group of entry points and who claims each; nothing is imported."""
    found: dict[str, dict[Plugin, None]] = {}
    for point in _entry_points(_installed()):
        if point.group == group and (point.distribution == OWN or not settings.builtin_plugins_only()):
            plugin = Plugin(point.name, point.value, point.distribution, point.version, kind)
            found.setdefault(plugin.name, {})[plugin] = None
    return {name: tuple(claims) for name, claims in found.items()}


@functools.cache
def _entry_points(installed: object) -> list[EntryPoint]:  # noqa: ARG001 - what it depends on
    return entry_points((FORMATS, DATASETS))


def _installed() -> tuple[tuple[str, int], ...]:
    """Return what changes when a distribution is installed: the folders searched, and when each changed."""
    return tuple((place, _changed(place)) for place in sys.path)


def _changed(place: str) -> int:
    try:
        return os.stat(place or ".").st_mtime_ns  # noqa: PTH116 - text for speed
    except OSError:
        return 0


@functools.cache
def load_format(name: str) -> Format:
    """Import the plugin behind a name and return its card.

    Raises:
        UsageError: No such format.
        PluginError: Two distributions claim the name, or its plugin is broken.
    """
    formats = find_formats()
    if name not in formats:
        raise UsageError("", f"unknown format {name!r}", todo=_hint(name, tuple(formats)))
    plugin = only_claim(formats[name])
    if not _NAME.fullmatch(name):
        raise PluginError(plugin.title, "bad name", expected=_NAME.pattern, found=name)
    card = call_hook(plugin, "mnistkit_register_format", Format)
    with plugin_border(plugin.title, doing="registering"):
        _check(card, plugin)
    return card


def _hint(name: str, formats: Sequence[str]) -> str:
    """Say what may be meant: the format whose files end so, or whose name is like it."""
    for format_name in formats:
        with contextlib.suppress(PluginError):
            if load_format(format_name).suffixes[0] == f".{name}":
                return f"did you mean {format_name!r}?"
    near = closest(name, formats)
    return f"did you mean {near!r}?" if near else f"known: {', '.join(formats)}"


def only_claim(claims: Sequence[Plugin]) -> Plugin:
    """Return the plugin that claims a name.

    Raises:
        PluginError: Several do.
    """
    if len(claims) > 1:
        titles = " and ".join(f"{p.distribution} {p.version} ({p.module})" for p in claims)
        raise PluginError(
            f"{claims[0].kind} {claims[0].name!r}",
            "claimed twice",
            found=titles,
            todo="uninstall one of them",
        )
    return claims[0]


def call_hook(plugin: Plugin, hook: str, kind: type[T]) -> T:
    """Import a plugin and return what its hook returns: one object of a kind.

    Raises:
        PluginError: It cannot be imported, takes too long, has no such hook, or returns something else.
    """
    todo = f"update or uninstall {plugin.distribution}"
    if not _MODULE.fullmatch(plugin.module):
        raise PluginError(
            plugin.title, "its entry point", expected="a module", found=plugin.module, todo=todo
        )
    seconds = settings.plugin_seconds()
    try:
        found = _call_in_time(plugin, hook, seconds)
    except KeyboardInterrupt:
        log.warning("%s: interrupted while it was imported", plugin.title)
        raise
    except Hanging as error:
        raise PluginError(
            plugin.title, "cannot be loaded", expected=f"an end of its import within {seconds:g} s", todo=todo
        ) from error
    except BaseException as error:  # a plugin may raise anything; it must hurt only who names it
        raise PluginError(plugin.title, "cannot be loaded", found=described(error), todo=todo) from error
    if len(found) != 1 or not isinstance(found[0], kind):
        listed = ", ".join(map(shown, found)) or "none"
        raise PluginError(plugin.title, hook, expected=f"one {kind.__name__}", found=listed, todo=todo)
    return found[0]


def title_of(card: Format) -> str:
    """Return what messages call a format: somebody else's with distribution and version."""
    claims = [claim for claim in find_formats().get(card.name, ()) if claim.distribution != OWN]
    return claims[0].title if len(claims) == 1 else f"format {card.name!r}"


def load_reader(card: Format) -> type[Reader]:
    """Import the class that reads a format.

    Raises:
        UsageError: The format is write-only.
        PluginError: The class cannot be imported.
    """
    return _resolve(card, "reader", Reader)


def load_writer(card: Format) -> type[Writer]:
    """Import the class that writes a format.

    Raises:
        UsageError: The format is read-only.
        PluginError: The class cannot be imported.
    """
    return _resolve(card, "writer", Writer)


#: Plugins whose import never ended: nobody waits for them twice.
_hanging: set[Plugin] = set()


def _call_in_time(plugin: Plugin, hook: str, seconds: float) -> list[Any]:
    """Call a hook; somebody else's in a thread, which is left behind where it takes too long.

    No thread for a package that is imported, or being imported, already: it might wait for this one.
    """
    if plugin in _hanging:
        raise Hanging
    call, package = functools.partial(_call, plugin, hook), plugin.package
    with contextlib.redirect_stdout(sys.stderr):
        if plugin.distribution == OWN or (
            package in sys.modules and package not in {p.package for p in _hanging}
        ):
            return call()
        try:
            return within(seconds, call)
        except Hanging:
            _hanging.add(plugin)
            raise


def _call(plugin: Plugin, hook: str) -> list[Any]:
    manager = pluggy.PluginManager("mnistkit")
    for hooks in (FormatHooks, DatasetHooks):
        manager.add_hookspecs(hooks)
    manager.register(importlib.import_module(plugin.module), plugin.name)
    manager.check_pending()
    found: list[Any] = getattr(manager.hook, hook)()
    return found


def _check(card: Format, plugin: Plugin) -> None:
    if card.api != API:
        todo = f"update {plugin.distribution} or mnistkit"
        raise PluginError(plugin.title, OTHER_API, expected=API, found=card.api, todo=todo)
    if card.name != plugin.name:
        raise PluginError(plugin.title, "card of another name", expected=plugin.name, found=card.name)
    for fault in _faults(card):
        raise PluginError(plugin.title, "bad card", found=fault, todo=f"update {plugin.distribution}")
    taken = {o.name for o in options_of(card.write_options)} & RESERVED
    if taken:
        raise PluginError(plugin.title, "options named like the core's flags", found=", ".join(sorted(taken)))


def _faults(card: Format) -> Iterator[str]:
    """Say what is wrong with a card, its options, and what it reads like under the usual options."""
    yield from _wrong_fields(card)
    for side in ("read_options", "write_options"):
        for fault in faults_of(getattr(card, side)):
            yield f"{side}: {fault}"
        getattr(card, side)()
    if card.given:
        yield from _wrong_fields(card.with_options(card.write_options()))


def _wrong_fields(card: Format) -> Iterator[str]:
    for field, (expected, is_good) in _FIELDS.items():
        value = getattr(card, field)
        if not is_good(value):
            yield f"{field} is {shown(value)}, not {expected}"


def _is_one_of(*allowed: object) -> Callable[[Any], bool]:
    return lambda value: any(type(value) is type(one) and value == one for one in allowed)


def _is_word(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_tuple(is_good: Callable[[Any], bool], least: int = 0) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, tuple) and len(value) >= least and all(map(is_good, value))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_size(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf  # type: ignore[operator]  # a number by now


def _maybe(is_good: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or is_good(value)


_YES_NO = ("True or False", _is_one_of(True, False))
_PATH = ("'package.module:Class'", _maybe(_is_word(_CLASS)))

#: What each field of a card must be, in words and as a test.
_FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "summary": ("a sentence", _is_text),
    "suffixes": ("a tuple of texts", _is_tuple(_is_text)),
    "reader": _PATH,
    "writer": _PATH,
    "sniff": ("a function", callable),
    "dtypes": ("a tuple of numpy names", _is_tuple(_is_word(_PIXELS))),
    "ranks": ("a tuple of 2 and 3", _is_tuple(_is_one_of(2, 3), 1)),
    "channels": ("a tuple of numbers", _is_tuple(lambda value: type(value) is int and value > 0)),
    "unlabelled": _YES_NO,
    "negative_labels": _YES_NO,
    "label_dtype": ("numpy's name of integers", _maybe(_is_word(_LABELS))),
    "class_names": _YES_NO,
    "extra_columns": ("none, integers or all", _is_one_of("none", "integers", "all")),
    "unit": ("image, split or dataset", _is_one_of("image", "split", "dataset")),
    "bytes_per_value": ("a number from 0", _is_size),
    "bytes_per_image": ("a number from 0", _is_size),
    "given": ("a function", _maybe(callable)),
}


def _resolve(card: Format, side: str, kind: type[Any]) -> type[Any]:
    path = getattr(card, side)
    if path is None:
        verb = "read" if side == "reader" else "written"
        raise UsageError(f"format {card.name!r}", f"cannot be {verb}")
    module, _, name = path.partition(":")
    try:
        with contextlib.redirect_stdout(sys.stderr):
            found = getattr(importlib.import_module(module), name)
    except KeyboardInterrupt:
        log.warning("%s: interrupted while its %s was imported", title_of(card), side)
        raise
    except BaseException as error:  # as in call_hook
        raise PluginError(
            title_of(card), f"its {side} cannot be loaded", found=described(error), todo=_todo(card)
        ) from error
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise PluginError(
            title_of(card), path, expected=f"a {kind.__name__}", found=shown(found), todo=_todo(card)
        )
    return found


def _todo(card: Format) -> str | None:
    claims = find_formats().get(card.name, ())
    return f"update {claims[0].distribution}" if claims else None
