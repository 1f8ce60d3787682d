"""The hooks that a plugin package implements."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from mnistkit.plugin import Format

hookspec = pluggy.HookspecMarker("mnistkit")

FORMATS = "mnistkit.formats"  # entry-point group: name = format name, value = module with the hook


class FormatHooks:
    """The hook of a module behind an entry point of the group ``mnistkit.formats``."""

    @hookspec
    @abstractmethod
    def mnistkit_register_format(self) -> Format:
        """Return the card of the format whose name is the entry point's."""
