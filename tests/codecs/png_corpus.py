"""PNG files good and bad for the compiled loops, unpacked again by zlib alone; run as text_corpus.py is."""

from __future__ import annotations

import random
import struct
import sys
import zlib

import numpy as np
from text_corpus import load

KINDS = [(8, 0, 1), (8, 4, 2), (8, 2, 3), (8, 6, 4), (16, 0, 2)]  # bit depth, colour type, bytes of a pixel
STRATEGIES = [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED]
END = b"\0\0\0\0IEND\xaeB`\x82"


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def header_of(width, height, depth, colour):
    return b"\x89PNG\r\n\x1a\n" + chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    )


def drawn_rows(rng, height, row):
    """Return rows behind their filters: noise, runs, or something that came before."""
    filters, levels = rng.choice([[0], [0, 1, 2, 3, 4], [4], [0, 5]]), rng.choice([1, 2, 7, 256])
    rows, seen = bytearray(), b"\0"
    for _ in range(height):
        line = bytearray()
        while len(line) < row:
            kind = rng.random()
            if kind < 0.4:
                line += bytes([rng.randrange(levels)]) * rng.randint(1, 300)
            elif kind < 0.6:
                start = rng.randrange(len(seen))
                line += seen[start : start + rng.randint(1, 40)]
            else:
                line += bytes(rng.randrange(levels) for _ in range(rng.randint(1, 12)))
        seen += bytes(line[:row])
        rows += bytes([rng.choice(filters)]) + line[:row]
    return bytes(rows)


def packed(rng, rows):
    packer = zlib.compressobj(
        rng.choice([0, 1, 1, 6, 9]),
        zlib.DEFLATED,
        rng.randint(9, 15),
        rng.randint(1, 9),
        rng.choice(STRATEGIES),
    )
    if rng.random() < 0.8:
        return packer.compress(rows) + packer.flush()
    at, how = rng.randrange(len(rows)), rng.choice([zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_BLOCK])
    return packer.compress(rows[:at]) + packer.flush(how) + packer.compress(rows[at:]) + packer.flush()


def spoilt(rng, data):
    """Return data with some bytes changed, added or left out."""
    spoilt = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(spoilt))
        spoilt[at : at + rng.choice([0, 1, 1, 1, 2])] = bytes(
            rng.randrange(256) for _ in range(rng.choice([0, 1, 1, 1]))
        )
        if not spoilt:
            break
    return bytes(spoilt)


def unpacked(stream, promised):
    """Inflate a whole stream by zlib; None where it is none, or of another size."""
    inflate = zlib.decompressobj()
    try:
        rows = inflate.decompress(stream, promised + 1)
    except zlib.error:
        return None
    return rows if inflate.eof and not inflate.unused_data and len(rows) == promised else None


def unfiltered(rows, height, row, pixel):
    """Undo filters byte by byte; None where there is no such filter."""
    image, above = b"", bytes(row)
    for y in range(height):
        number, *line = rows[y * (row + 1) : (y + 1) * (row + 1)]
        for x in range(row):
            left, corner = (line[x - pixel], above[x - pixel]) if x >= pixel else (0, 0)
            estimate = left + above[x] - corner
            nearest = min((left, above[x], corner), key=lambda value: abs(estimate - value))
            if number > 4:
                return None
            line[x] = (line[x] + (0, left, above[x], (left + above[x]) // 2, nearest)[number]) % 256
        above = bytes(line)
        image += above
    return image


def decoded(loops, file, header, height, row, pixel, depth):
    """Decode a file between two that no loop takes; return its image, the highest byte first, or None."""
    images = np.full((3, height * row), 99, np.uint8)
    plain = loops.decode((b"", file, header), header, height, row, pixel, depth == 16, images)
    assert (plain[0], plain[2]) == (0, 0)
    assert (images[::2] == 99).all()
    samples = images[1].view(np.uint16).astype(">u2") if depth == 16 else images[1]
    return samples.tobytes() if plain[1] else None


def check(loops, rng):
    depth, colour, pixel = rng.choice(KINDS)
    height, width = rng.choice([(1, 1), (1, 9), (7, 1), (5, 6), (28, 28), (9, 200)])
    row = width * pixel
    header, rows = header_of(width, height, depth, colour), drawn_rows(rng, height, row)
    stream, kind = packed(rng, rows), rng.random()
    if kind < 0.5:
        stream = spoilt(rng, stream)
    file = header + chunk(b"IDAT", stream) + END
    if 0.5 <= kind < 0.6:
        file = spoilt(rng, file)
    found = decoded(loops, file, header, height, row, pixel, depth)

    expected = unpacked(stream, len(rows))
    if expected is not None:
        expected = unfiltered(expected, height, row, pixel)
    if kind >= 0.6:  # sound: only filters may be wrong
        assert found == expected
    elif found is not None:  # whatever the loops take, zlib takes too
        assert found == expected
        assert kind < 0.5 or file == header + chunk(b"IDAT", stream) + END


def main(path, cases):
    loops, rng = load(path, "png"), random.Random(1996)
    for _ in range(cases):
        check(loops, rng)
    sys.stdout.write(f"{cases} cases hold\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
