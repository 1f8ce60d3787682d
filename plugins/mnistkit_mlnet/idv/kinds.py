"""What both sides know of the file: its fixed parts, and the types of columns as ML.NET names them."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Signature, version, oldest reader, place of contents, place of tail, rows, columns; zeros to 256 bytes.
HEADER = struct.Struct("<8sQQqqqi")
HEADER_BYTES = 256
TAIL = b"\0BVD\0LMC"

#: The version of the file and that of the oldest reader, the same in every ML.NET since 1.0.
VERSION = 0x0001_0001_0001_0006

STORED, DEFLATED = 0, 1

#: Place in the file, length there and length inflated of a block, as lookup tables have them.
BLOCK = np.dtype([("offset", "<i8"), ("stored", "<i4"), ("raw", "<i4")])

#: ML.NET's name of a type of numbers -> numpy's.
NUMBERS = {
    "Byte": "u1", "SByte": "i1", "UInt16": "<u2", "Int16": "<i2", "UInt32": "<u4", "Int32": "<i4",
    "UInt64": "<u8", "Int64": "<i8", "Single": "<f4", "Double": "<f8", "Boolean": "?",
}  # fmt: skip

#: The other way round, by numpy's long name, as datasets have it.
WORDS = {np.dtype(code).name: word for word, code in NUMBERS.items()}

#: A block is decoded whole: none may claim more than this, in bytes.  ML.NET's own end at 80 MiB.
MOST_BLOCK = 96 << 20

#: Rows of a block; ML.NET puts 8192 into one.
MOST_BLOCK_ROWS = 1 << 20

#: A block of texts may hold no more: they take ten times as much in memory.
MOST_TEXTS = 1 << 24

#: An annotation may hold no more, inflated: names of a million slots or classes.
MOST_NOTE = 1 << 24

#: What mnistkit itself notes of images, in bytes.
MOST_OWN_NOTE = 1 << 22

#: A key of type UInt32 keeps 0 for "missing" and counts its classes from 1.
MOST_CLASSES = 2**32 - 1

#: The kind of the annotation of Features that holds what ML.NET's types have no place for.
OWN = "mnistkit"


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a column.

    Attributes:
        name: One of :data:`NUMBERS`, ``TextSpan``, ``Key2``, ``VBuffer``, or a word unknown here.
        items: What a key or a vector is made of.
        dimensions: Of a vector; a 0 stands for any length.
        count: Number of classes of a key.
    """

    name: str
    items: Kind | None = None
    dimensions: tuple[int, ...] = ()
    count: int = 0

    @property
    def size(self) -> int:
        """Number of values of a vector; 0 where that differs from row to row."""
        return math.prod(self.dimensions) if self.dimensions else 0

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """The numpy type of one value, little-endian; None where it is no number."""
        kind = self.items or self
        if self.name == "Key2" and not kind.name.startswith(("UInt", "Byte")):
            return None  # ML.NET's keys are unsigned
        return np.dtype(NUMBERS[kind.name]) if kind.name in NUMBERS else None

    @property
    def is_vector(self) -> bool:
        """Whether a row holds a vector."""
        return self.name == "VBuffer"

    def __str__(self) -> str:
        inner = [str(self.items)] if self.items else []
        inner += [" x ".join(map(str, self.dimensions))] if self.is_vector else []
        inner += [f"{self.count:,} classes"] if self.name == "Key2" else []
        return f"{self.name} of {', '.join(inner)}" if inner else self.name
