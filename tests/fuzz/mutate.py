"""Inputs made of others by small changes: what a fuzzer does, but blindly, and the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

#: Values at which integers of one, two and four bytes turn over.
_EDGES = [
    b"\0",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xff\xff",
    b"\0\0\0\0",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff",
]


def mutations(
    inputs: Sequence[bytes], words: Sequence[bytes], *, seed: int, count: int, longest: int = 1 << 16
) -> Iterator[bytes]:
    """Yield changed inputs.

    Args:
        inputs: What is changed; one at least.
        words: What the format is made of, to be put in anywhere.
        seed: Tells which changes.
        count: How many inputs to yield.
        longest: No input is longer.
    """
    rng = random.Random(seed)
    for _ in range(count):
        data = rng.choice(inputs)
        for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
            data = _changed(data, inputs, words, rng)
        yield data[:longest]


def _changed(data: bytes, inputs: Sequence[bytes], words: Sequence[bytes], rng: random.Random) -> bytes:
    start = rng.randint(0, len(data))
    stop = min(len(data), start + rng.choice([0, 0, 1, 1, 2, 4, rng.randint(0, 64)]))
    match rng.randrange(7):
        case 0:
            middle = rng.randbytes(stop - start)
        case 1:
            middle = b""
        case 2:
            middle = 2 * data[start:stop]
        case 3:
            return data[:start]
        case 4:
            other = rng.choice(inputs)
            return data[:start] + other[rng.randint(0, len(other)) :]
        case 5:
            middle = bytes(byte ^ 1 << rng.randrange(8) for byte in data[start : start + 1])
            stop = start + len(middle)
        case _:
            middle = rng.choice([*words, *_EDGES])
    return data[:start] + middle + data[stop:]
