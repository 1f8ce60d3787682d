"""A new file whose SHA-256 is computed beside the writing of it, so that nobody has to read it again."""

from __future__ import annotations

import hashlib
import os
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

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

    def write(self, data: bytes) -> None:
        """Write bytes, all of them.

        Raises:
            OSError: The disk is full, or the like.
        """
        if self._hash:
            self._lane.submit(partial(self._hash.update, data))
        view = memoryview(data)
        while view:
            view = view[os.write(self._file.fileno(), view[:_PIECE_BYTES]) :]

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
