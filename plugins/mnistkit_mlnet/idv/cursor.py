"""Takes numbers, texts and types from bytes that may end or lie at any point."""

from __future__ import annotations

import struct

from mnistkit.errors import DataError
from mnistkit_mlnet.idv.kinds import Kind

#: ML.NET's types hold one another twice at most: a vector of keys of numbers.
_MOST_DEPTH = 4


class Cursor:
    """A position in some bytes of a file.

    Args:
        data: The bytes.
        where: What messages call them.
    """

    def __init__(self, data: bytes, where: str) -> None:
        self._data = data
        self._position = 0
        self.where = where

    @property
    def left(self) -> int:
        """Number of bytes not taken yet."""
        return len(self._data) - self._position

    def take(self, size: int) -> bytes:
        """Take the next bytes.

        Raises:
            DataError: There are not so many, as for all the other methods.
        """
        if not 0 <= size <= self.left:
            raise DataError(
                self.where, "ends too early", expected=f"{size:,} more bytes", found=f"{self.left:,}"
            )
        self._position += size
        return self._data[self._position - size : self._position]

    def byte(self) -> int:
        """Take a number of one byte."""
        return self.take(1)[0]

    def int32(self) -> int:
        """Take a number of four bytes, with a sign."""
        return int(struct.unpack("<i", self.take(4))[0])

    def int64(self) -> int:
        """Take a number of eight bytes, with a sign."""
        return int(struct.unpack("<q", self.take(8))[0])

    def uint64(self) -> int:
        """Take a number of eight bytes."""
        return int(struct.unpack("<Q", self.take(8))[0])

    def leb128(self) -> int:
        """Take a number of seven bits a byte, lowest first."""
        number = 0
        for shift in range(0, 70, 7):
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
        else:
            raise DataError(self.where, "number of more than 10 bytes", expected="its end", found="more")
        return number

    def string(self) -> str:
        """Take a text."""
        coded = self.take(self.leb128())
        try:
            return coded.decode()
        except UnicodeDecodeError as error:
            raise DataError(self.where, "text", expected="UTF-8", found=error) from error

    def kind(self, depth: int = 0) -> Kind:
        """Take a type; the parameters of one unknown here are passed over."""
        name = self.string()
        inner = Cursor(self.take(self.leb128()), f"{self.where}, type {name!r}")
        if name not in ("VBuffer", "Key2"):
            return Kind(name)
        if depth == _MOST_DEPTH:
            raise DataError(self.where, "types within types", expected=f"at most {_MOST_DEPTH}", found="more")
        items = inner.kind(depth + 1)
        if name == "Key2":
            kind = Kind(name, items, count=inner.uint64())
        else:
            kind = Kind(name, items, inner.dimensions())
        if inner.left:
            raise DataError(
                inner.where, "parameters go on", expected="their end", found=f"{inner.left:,} more bytes"
            )
        return kind

    def dimensions(self) -> tuple[int, ...]:
        """Take the lengths of a vector's axes."""
        number = self.int32()
        if not 0 <= 4 * number <= self.left:
            raise DataError(
                self.where, "number of dimensions", expected=f"0 to {self.left // 4:,}", found=f"{number:,}"
            )
        lengths = tuple(self.int32() for _ in range(number))
        if any(n < 0 for n in lengths):
            raise DataError(
                self.where, "dimensions", expected="0 or more", found=" x ".join(map(str, lengths))
            )
        return lengths
