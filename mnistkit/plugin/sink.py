"""A new file whose SHA-256 is computed beside the writing of it, so that nobody has to read it again."""

from __future__ import annotations

import hashlib
import os
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from mnistkit.parallel import Turns

T = TypeVar("T")
Buffer: TypeAlias = bytes | memoryview

#: Whether any thread can write anywhere in a file; else all write in turn.
_ANYWHERE = hasattr(os, "pwrite")

#: Larger pieces take Linux's ext4 much longer now and then.
_PIECE_BYTES = 1 << 20


class Sink:
    """A new file that is written from its beginning to its end.

    Use it in a ``with`` statement; :attr:`sha256` is there once that has ended.

    Args:
        path: The file, which must not be there yet.
        hashed: Whether anybody wants to know the checksum.

    Raises:
        OSError: It cannot be made.
    """

    def __init__(self, path: Path, *, hashed: bool = True) -> None:
        from mnistkit.parallel import Lane  # noqa: PLC0415 - keeps cards light

        #: Name of the file -> hex SHA-256 of what was written; empty where nobody wants to know.
        self.sha256: dict[str, str] = {}
        self._path = path
        self._file = path.open("xb", buffering=0)
        self._hash = hashlib.sha256() if hashed else None
        self._lane = Lane()
        self._size = 0

    def write(self, data: Buffer) -> None:
        """Write bytes, all of them.

        Raises:
            OSError: The disk is full, or the like.
        """
        self._put(data, self._place_for(data))

    def write_each(self, function: Callable[[T], Buffer], items: Iterable[T], workers: int) -> None:
        """Write ``function(item)`` for each item, in order.

        Each of the workers writes what it has made itself, while it is in its processor's cache.

        Raises:
            OSError: As :meth:`write`.
        """
        from mnistkit.parallel import Turns, ordered_map  # noqa: PLC0415 - keeps cards light

        work = partial(self._write_in_turn, Turns(), function)
        for _ in ordered_map(work, enumerate(items), workers):
            pass

    def _write_in_turn(self, turns: Turns, function: Callable[[T], Buffer], numbered: tuple[int, T]) -> None:
        number, item = numbered
        try:
            data = function(item)
            with turns.turn(number):
                place = self._place_for(data)
                if not _ANYWHERE:
                    self._put(data, place)
            if _ANYWHERE:
                self._put(data, place)
        except BaseException:
            turns.fail(number)
            raise

    def _place_for(self, data: Buffer) -> int:
        """Return where the next bytes of the file go, and have them hashed; one thread at a time."""
        if self._hash:
            self._lane.submit(partial(self._hash.update, data))
        place, self._size = self._size, self._size + len(data)
        return place

    def _put(self, data: Buffer, place: int) -> None:
        view = memoryview(data)
        while view:
            piece = view[:_PIECE_BYTES]
            done = os.pwrite(self._file.fileno(), piece, place) if _ANYWHERE else self._file.write(piece)
            view, place = view[done:], place + done

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        finally:
            self._lane.close()
        if self._hash:
            self.sha256 = {self._path.name: self._hash.hexdigest()}
