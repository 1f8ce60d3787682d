"""The border between the core and plugins: whatever a plugin raises becomes one line that names it."""

from __future__ import annotations

import errno

from mnistkit.errors import DataError, DestinationError, MnistkitError, PluginError

_FULL = (errno.ENOSPC, errno.EDQUOT)


class plugin_border:  # noqa: N801 - used like a function, as contextlib's own are
    """Let mnistkit's own errors pass, and turn all others into one that names the plugin.

    An error in the data that names another place than what is read, such as a split, gets that in front.

    Args:
        plugin: What messages call the plugin, such as ``format 'csv'``.
        doing: What it is asked to do: where that is ``reading`` or ``writing``, an OSError is blamed
            on the file, not on the plugin.
        where: What it reads or writes, for messages about the file.

    Raises:
        DataError: An OSError while reading, or too little memory.
        DestinationError: An OSError while writing.
        PluginError: Anything else.
    """

    # A class, because contextlib.contextmanager takes a RuntimeError caused by StopIteration for its own.

    def __init__(self, plugin: object, *, doing: str, where: object = None) -> None:
        self._plugin, self._doing, self._where = plugin, doing, where

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DataError) and self._doing == "reading" and self._where is not None:
            error.put_into(self._where)
        if isinstance(error, Exception) and not isinstance(error, MnistkitError):
            raise self._translated(error) from error

    def _translated(self, error: Exception) -> MnistkitError:
        plugin, doing, where = self._plugin, self._doing, self._where or self._plugin
        if isinstance(error, MemoryError):
            return DataError(where, "too large for memory", found=str(error) or None)
        if isinstance(error, OSError) and doing == "reading":
            return DataError(error.filename or where, "cannot be read", found=_reason(error))
        if isinstance(error, OSError) and doing == "writing":
            return not_written(where, error)
        return PluginError(
            plugin, f"failed while {doing}", found=described(error), todo="--debug shows where"
        )


def not_written(where: object, error: OSError) -> DestinationError:
    """Return what to say where the system refuses to write."""
    todo = "free some space" if error.errno in _FULL else None
    return DestinationError(where, "cannot be written", found=_reason(error), todo=todo)


def described(error: BaseException) -> str:
    """Return the type of an exception, and what it says."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _reason(error: OSError) -> str:
    return error.strerror or described(error)
