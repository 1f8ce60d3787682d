"""Lines good and bad for the compiled loops, read again by int alone; run by itself, with the library's path.

It is run under sanitizers, so it takes buffers that end where numpy's memory ends, and no more than that.
"""

from __future__ import annotations

import importlib.util
import random
import sys

import numpy as np

ODD = [
    b"",
    b"00",
    b"007",
    b"0000",
    b"256",
    b"300",
    b"999",
    b"1000",
    b"-1",
    b"-",
    b"x",
    b" 1",
    b"5.0",
    b"9" * 18,
]
ODD += [b"9" * 19, b"1" * 300, b"\0", b"\xff", b"5\r", b"\n", b",", b",,", b"0,0"]


def load(path, name):
    spec = importlib.util.spec_from_file_location(f"mnistkit.native.{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def drawn(rng):
    """Return before, values, after and lines of cells, most of them plain."""
    before, values, after = (
        rng.choice([0, 0, 1, 2]),
        rng.choice([1, 2, 3, 5, 8, 9, 31, 60, 300]),
        rng.choice([0, 0, 1, 2]),
    )
    most = rng.choice([0, 9, 99, 255])
    lines = [
        [b"%d" % rng.randrange(-(10**6), 10**6) for _ in range(before)]
        + [b"%d" % rng.randint(0, most) for _ in range(values)]
        + [b"%d" % rng.randrange(10 ** rng.randint(1, 17)) for _ in range(after)]
        for _ in range(rng.choice([1, 2, 3, 4, 20]))
    ]
    if rng.random() < 0.5:
        line = rng.choice(lines)
        line[rng.randrange(len(line))] = rng.choice(ODD)
    if rng.random() < 0.1:
        rng.choice(lines).append(b"0")
    if rng.random() < 0.1:
        rng.choice(lines).pop()
    return before, values, after, lines


def joined(rng, lines):
    end = rng.choice([b"\n", b"\r\n"])
    text = b"".join(b",".join(line) + end for line in lines)
    if rng.random() < 0.1:
        text = text[: rng.randrange(len(text))]
    if text and rng.random() < 0.1:
        at = rng.randrange(len(text))
        text = text[:at] + bytes([rng.randrange(256)]) + text[at + 1 :]
    return text


def expected(text, before, values, after):
    """Read plain lines with int; None where they are not plain."""
    if text and not text.endswith(b"\n"):
        return None
    table = []
    for line in text.split(b"\n")[:-1]:
        cells = line.removesuffix(b"\r").split(b",")
        if len(cells) != before + values + after:
            return None
        for i, cell in enumerate(cells):
            pixel = before <= i < before + values
            digits = cell if pixel else cell.removeprefix(b"-")
            if not digits.isdigit() or len(digits) > (3 if pixel else 18) or (pixel and int(digits) > 255):
                return None
        table.append([int(cell) for cell in cells])
    return table


def decoded(loops, text, before, values, after, *, quick):
    buffer = np.frombuffer(text, np.uint8).copy()
    rows = loops.count(buffer)
    integers = np.empty((before + after, rows), np.int64)
    pixels = np.empty((rows, values), np.uint8)
    found = loops.decode(buffer, ord(","), before, values, after, integers, pixels, quick)
    if found < 0:
        return None
    return np.hstack([integers.T[:, :before], pixels, integers.T[:, before:]])[:found].tolist()


def surveyed(loops, text, before, values, after, *, quick, room):
    buffer = np.frombuffer(text, np.uint8).copy()
    integers, starts = np.empty((before + after, room), np.int64), np.empty(room, np.int64)
    found = loops.survey(buffer, ord(","), before, values, after, integers, starts, quick)
    return None if found < 0 else (integers.T[:found].tolist(), starts[:found].tolist())


def check_decode(loops, rng):
    before, values, after, lines = drawn(rng)
    text = joined(rng, lines)
    table = expected(text, before, values, after)

    starts = [sum(map(len, text.split(b"\n")[:i])) + i for i in range(text.count(b"\n"))]
    assert np.frombuffer(loops.starts(np.frombuffer(text, np.uint8)), np.int64).tolist() == starts
    bare = None if table is None else ([row[:before] + row[before + values :] for row in table], starts)
    room = len(starts) + rng.choice([0, 0, 5])
    for quick in (True, False):
        assert decoded(loops, text, before, values, after, quick=quick) == table, text
        assert surveyed(loops, text, before, values, after, quick=quick, room=room) == bare, text
        if starts:
            assert surveyed(loops, text, before, values, after, quick=quick, room=len(starts) - 1) is None


def check_encode(loops, rng):
    values, rows = rng.choice([1, 2, 3, 7, 8, 9, 17, 32, 300]), rng.randint(0, 4)
    most = rng.choice([1, 10, 100, 256])
    drawn = np.array([rng.choice([0, 0, 0, rng.randrange(most)]) for _ in range(rows * values)], np.uint8)
    pixels = drawn.reshape(rows, values)
    labels = np.array([rng.randrange(-(2**63), 2**63) >> rng.randrange(64) for _ in range(rows)], np.int64)
    plain = [[b"%d" % value for value in row] for row in pixels.tolist()]
    first = [[b"%d" % label, *row] for label, row in zip(labels.tolist(), plain, strict=True)]
    last = [[*row, b"%d" % label] for label, row in zip(labels.tolist(), plain, strict=True)]

    for given, at_end, cells in ((None, False, plain), (labels, False, first), (labels, True, last)):
        text = b"".join(b",".join(line) + b"\n" for line in cells)
        for quick in (True, False):
            assert loops.encode(pixels, given, values, ord(","), at_end, quick) == text


def main(path, cases):
    loops, rng = load(path, "text"), random.Random(1998)
    for _ in range(cases):
        check_decode(loops, rng)
        check_encode(loops, rng)
    sys.stdout.write(f"{cases} cases hold\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
