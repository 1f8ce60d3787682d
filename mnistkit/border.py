"""The border between the core and plugins: whatever a plugin raises becomes one line that names it."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from typing import TypeVar

from mnistkit.errors import DataError, DestinationError, MnistkitError, PluginError

T = TypeVar("T")

_FULL = (errno.ENOSPC, errno.EDQUOT)

#: What passes: our own errors, Ctrl-C, and the end of a generator.  A plugin may raise anything else,
#: ``SystemExit`` too, and none of it may end the process.
_PASSES = (MnistkitError, KeyboardInterrupt, GeneratorExit)

#: Characters of a foreign object that a message shows.
_SHOWN = 80


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
        if error is not None and not isinstance(error, _PASSES):
            raise self._translated(error) from error

    def _translated(self, error: BaseException) -> MnistkitError:
        plugin, doing, where = self._plugin, self._doing, self._where or self._plugin
        if isinstance(error, MemoryError):
            return DataError(where, "too large for memory", found=str(error) or None)
        if isinstance(error, OSError) and doing == "reading":
            return DataError(
                error.filename or where, "cannot be read", expected="a readable file", found=_reason(error)
            )
        if isinstance(error, OSError) and doing == "writing":
            return not_written(where, error)
        return PluginError(
            plugin, f"failed while {doing}", found=described(error), todo="--debug shows where"
        )


def not_written(where: object, error: OSError) -> DestinationError:
    """Return what to say where the system refuses to write."""
    todo = "free some space" if error.errno in _FULL else None
    return DestinationError(where, "cannot be written", found=_reason(error), todo=todo)


class Hanging(Exception):  # noqa: N818 - not an error of anybody's: it tells the core what to do
    """A function has not come back in time."""


def within(seconds: float, function: Callable[[], T]) -> T:
    """Return what a function returns, called in a thread that is left behind where it takes too long.

    Ctrl-C is noticed at once, whatever the function does.

    Raises:
        Hanging: It has not come back in time.
        BaseException: What it raised; a KeyboardInterrupt that is none comes out as RuntimeError.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001 - handed over, and raised where it is waited for
            errors.append(error)

    thread = threading.Thread(target=call, name="mnistkit-plugin", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise Hanging
    if errors:
        raise RuntimeError(described(errors[0])) if isinstance(errors[0], KeyboardInterrupt) else errors[0]
    return results[0]


def described(error: BaseException) -> str:
    """Return the type of an exception, and what it says."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - the exception is a plugin's, and so is its text
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def shown(value: object) -> str:
    """Return the beginning of an object's ``repr``, for messages about what a plugin made."""
    try:
        return repr(value)[:_SHOWN]
    except Exception:  # noqa: BLE001 - as in described
        return f"an object of {type(value).__name__}"


def _reason(error: OSError) -> str:
    return error.strerror or described(error)
