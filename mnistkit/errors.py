"""Every error that mnistkit raises on purpose, as one family.

::

    MnistkitError                exit code 1
    ├── UsageError               2: an unknown format, dataset or option, or a bad value for one
    ├── DataError                1: a source that is not what it promises to be
    ├── CapabilityError          1: a format that cannot carry this content, or a loss under --strict
    ├── DestinationError         1: a destination that exists, is in use or must not be replaced
    ├── PluginError              1: a plugin that is broken or breaks its contract
    └── DifferenceError          3: what was written does not read back as it went in

A message is one line: where; what is wrong; what was expected and found; what to do.  Whatever it quotes,
it holds no control or format characters.
"""

from __future__ import annotations

from typing import ClassVar

from mnistkit.printable import printable


class MnistkitError(Exception):
    """Say where something is wrong, what was expected and found, and what to do.

    Args:
        where: The file, folder, option or plugin at fault.
        what: What is wrong with it.
        expected: What should have been there.
        found: What was there instead.
        todo: What the user can do about it.

    The arguments stay readable as attributes of the same names.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        where: object,
        what: str,
        *,
        expected: object = None,
        found: object = None,
        todo: str | None = None,
    ) -> None:
        self.where = str(where)
        self.what = what
        self.expected = expected
        self.found = found
        self.todo = todo
        super().__init__(self._message())

    def put_into(self, place: object) -> None:
        """Name the file or folder in which everything happened in front, unless it is named already."""
        if str(place) not in self.where:
            self.where = f"{place}: {self.where}" if self.where else str(place)
            self.args = (self._message(),)

    def _message(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        facts = [
            f"{word} {value}"
            for word, value in (("expected", self.expected), ("found", self.found))
            if value is not None
        ]
        text += ": " + ", ".join(facts) if facts else ""
        text += f"; {self.todo}" if self.todo else ""
        return printable(" ".join(text.split()))

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way back from a worker process."""
        return _rebuild, (type(self), self.__dict__.copy())


def _rebuild(kind: type[MnistkitError], state: dict[str, object]) -> MnistkitError:
    error = kind.__new__(kind)
    error.__dict__.update(state)
    error.args = (error._message(),)  # noqa: SLF001 - the class's own constructor by other means
    return error


class UsageError(MnistkitError, ValueError):
    """A request that names something unknown or gives a value that is not allowed."""

    exit_code = 2


class DataError(MnistkitError, ValueError):
    """A source that is missing, damaged, ambiguous or not what its header promises."""


class CapabilityError(MnistkitError, ValueError):
    """A format that cannot carry the content, or a loss that ``strict`` forbids."""


class DestinationError(MnistkitError, OSError):
    """A destination that exists, is being written by somebody else, or must not be replaced."""


class PluginError(MnistkitError, RuntimeError):
    """A plugin that cannot be loaded or does not keep its contract."""


class DifferenceError(MnistkitError, ValueError):
    """An export that does not read back as it went in; nothing was published."""

    exit_code = 3
