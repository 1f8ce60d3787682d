"""The hooks that a plugin package implements."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from mnistkit.catalog.entry import Entry
    from mnistkit.plugin import Format

hookspec = pluggy.HookspecMarker("mnistkit")

# Entry-point groups: value = module with the hook.
FORMATS = "mnistkit.formats"  # name = format name
DATASETS = "mnistkit.datasets"  # name = catalogue name


class FormatHooks:
    """The hook of a module behind an entry point of the group ``mnistkit.formats``."""

    @hookspec
    @abstractmethod
    def mnistkit_register_format(self) -> Format:
        """Return the card of the format whose name is the entry point's."""


class DatasetHooks:
    """The hook of a module behind an entry point of the group ``mnistkit.datasets``."""

    @hookspec
    @abstractmethod
    def mnistkit_register_dataset(self) -> Entry:
        """Return the entry of the dataset whose name is the entry point's."""
