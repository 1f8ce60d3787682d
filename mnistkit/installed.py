"""What is installed: the plugins by distribution, what each provides, and what is broken."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from mnistkit import catalog
from mnistkit.errors import MnistkitError, PluginError, UsageError
from mnistkit.registry import OTHER_API, OWN, Plugin, find_formats, load_format


@dataclass(frozen=True, slots=True)
class Provided:
    """A format or a dataset that somebody's plugin provides.

    Attributes:
        plugin: Its entry point.
        api: The version of the plugin interface that it was written for; None where it does not say.
        problem: Why it cannot be used, and what to do; empty where it can.
        faults: What a check found in one that can be used.
    """

    plugin: Plugin
    api: int | None = None
    problem: str = ""
    faults: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """``ok``, ``broken`` where it cannot be used, ``faulty`` where it does not keep its contract."""
        return "broken" if self.problem else "faulty" if self.faults else "ok"


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution that provides formats or datasets."""

    name: str
    version: str
    formats: tuple[Provided, ...]
    datasets: tuple[Provided, ...]

    @property
    def provided(self) -> tuple[Provided, ...]:
        """All that it provides."""
        return (*self.formats, *self.datasets)

    @property
    def api(self) -> tuple[int, ...]:
        """The versions of the plugin interface that its formats were written for."""
        return tuple(sorted({each.api for each in self.formats if each.api is not None}))

    @property
    def status(self) -> str:
        """The worst of all that it provides: ``ok``, ``faulty`` or ``broken``."""
        found = {each.status for each in self.provided}
        return next(status for status in ("broken", "faulty", "ok") if status in found)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong and what to do, a sentence each."""
        said = (text for each in self.provided for text in (each.problem, *each.faults) if text)
        return tuple(dict.fromkeys(said))


def claims(names: Collection[str] = ()) -> tuple[Plugin, ...]:
    """Return the entry points of formats and datasets, and mnistkit's own datasets; nothing is imported.

    Args:
        names: Only those of these names or distributions; by default all.

    Raises:
        UsageError: Nothing has such a name.
    """
    everything = (*(plugin for named in find_formats().values() for plugin in named), *catalog.claims())
    for name in names:
        if not any(name in _names(plugin) for plugin in everything):
            raise UsageError("", f"no plugin, format or dataset {name!r}", todo="see 'mnistkit plugins'")
    return tuple(plugin for plugin in everything if not names or _names(plugin) & {*names})


def _names(plugin: Plugin) -> set[str]:
    return {plugin.name, plugin.distribution}


def load_plugin(plugin: Plugin) -> Provided:
    """Load a card, or the entry of a plugin's dataset, and say what is broken."""
    try:
        if plugin.kind == "format":
            return Provided(plugin, load_format(plugin.name).api)
        if plugin.distribution != OWN:  # the core's own are data, which its tests read
            catalog.find(plugin.name)
    except PluginError as error:
        return Provided(plugin, api_found(error), str(error))
    return Provided(plugin)


def by_distribution(provided: Iterable[Provided]) -> tuple[Distribution, ...]:
    """Sort what plugins provide into distributions; mnistkit comes first, the others by name."""
    kinds: dict[tuple[bool, str, str], dict[str, list[Provided]]] = {}
    for each in provided:
        plugin = each.plugin
        place = (plugin.distribution != OWN, plugin.distribution, plugin.version)
        kinds.setdefault(place, {"format": [], "dataset": []})[plugin.kind].append(each)
    return tuple(
        Distribution(name, version, tuple(found["format"]), tuple(found["dataset"]))
        for (_, name, version), found in sorted(kinds.items())
    )


def api_found(error: MnistkitError) -> int | None:
    """Return the other version of the plugin interface that an error tells of, if it does."""
    return error.found if error.what == OTHER_API and isinstance(error.found, int) else None
