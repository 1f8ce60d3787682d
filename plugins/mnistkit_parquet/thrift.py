"""Thrift's compact protocol, in which Parquet keeps what it says of its data, without knowing any schema.

Source: thrift/doc/specs/thrift-compact-protocol.md of Apache Thrift.  A structure is a dict of its fields by
number, so that those that nobody here knows go through as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias


class Kind(IntEnum):
    """Types as the protocol numbers them; a field that is true or false has no value beside its type."""

    TRUE = 1
    FALSE = 2
    BYTE = 3
    I16 = 4
    I32 = 5
    I64 = 6
    DOUBLE = 7
    BINARY = 8
    LIST = 9
    SET = 10
    STRUCT = 12


class Value(NamedTuple):
    """A field's type and what it holds."""

    kind: Kind
    held: Any


class List(NamedTuple):
    """Values of one type."""

    kind: Kind
    items: list[Any]


class Encoded(bytes):
    """The bytes of a value that is encoded already."""


#: Number of a field -> its value, in the order of the file.
Struct: TypeAlias = dict[int, Value]

_SHORT_LIST = 15  # as many items and more have their number in bytes of its own
_MOST_BITS = 63  # of a number
_MOST_STEP = 15  # from one field's number to the next, in four bits


def decode(data: bytes | memoryview) -> tuple[Struct, int]:
    """Read the structure that bytes begin with.

    Returns:
        The structure, and how many bytes it takes.

    Raises:
        IndexError: The bytes end too soon.
        ValueError: They are none of this protocol.
        RecursionError: It is nested too deeply.
    """
    decoder = _Decoder(data)
    return decoder.struct(), decoder.at


def encode(fields: Struct) -> bytes:
    """Return the bytes of a structure."""
    out, before = bytearray(), 0
    for number, (kind, held) in fields.items():
        step = number - before
        out += bytes((step << 4 | kind,)) if 0 < step <= _MOST_STEP else bytes((kind,)) + _signed(number)
        out += _value(kind, held)
        before = number
    return bytes(out + b"\0")


def encode_list(kind: Kind, items: Sequence[bytes]) -> bytes:
    """Return the bytes of a list of values that are encoded already."""
    short = len(items) < _SHORT_LIST
    head = bytes(((len(items) if short else _SHORT_LIST) << 4 | kind,))
    return b"".join((head, b"" if short else _varint(len(items)), *items))


class _Decoder:
    def __init__(self, data: bytes | memoryview) -> None:
        self._data, self.at = data, 0

    def struct(self) -> Struct:
        fields: Struct = {}
        number = 0
        while byte := self._byte():
            number = number + (byte >> 4) if byte >> 4 else self._signed()
            kind = Kind(byte & 15)
            fields[number] = Value(kind, self._value(kind))
        return fields

    def _value(self, kind: Kind) -> Any:
        if kind in (Kind.TRUE, Kind.FALSE):
            return None
        if kind in (Kind.I16, Kind.I32, Kind.I64):
            return self._signed()
        if kind == Kind.BINARY:
            return self._take(self._varint())
        if kind == Kind.STRUCT:
            return self.struct()
        if kind in (Kind.LIST, Kind.SET):
            return self._list()
        return self._take(8 if kind == Kind.DOUBLE else 1)

    def _list(self) -> List:
        byte = self._byte()
        count = byte >> 4 if byte >> 4 < _SHORT_LIST else self._varint()
        if count > len(self._data):  # each item takes a byte at least
            raise IndexError
        kind = Kind(byte & 15)
        plain = kind in (Kind.TRUE, Kind.FALSE)  # which in a list are bytes
        return List(kind, [self._take(1) if plain else self._value(kind) for _ in range(count)])

    def _take(self, count: int) -> bytes:
        taken = bytes(self._data[self.at : self.at + count])
        if len(taken) < count:
            raise IndexError
        self.at += count
        return taken

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > _MOST_BITS:
                raise ValueError(shift)

    def _signed(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)


def _value(kind: Kind, held: Any) -> bytes:
    if isinstance(held, Encoded):
        return bytes(held)
    if kind in (Kind.I16, Kind.I32, Kind.I64):
        return _signed(held)
    if kind == Kind.BINARY:
        return _varint(len(held)) + bytes(held)
    if kind == Kind.STRUCT:
        return encode(held)
    if kind in (Kind.LIST, Kind.SET):
        return encode_list(held.kind, [_value(held.kind, item) for item in held.items])
    return bytes(held or b"")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _signed(value: int) -> bytes:
    return _varint(value << 1 ^ (value >> 63))
