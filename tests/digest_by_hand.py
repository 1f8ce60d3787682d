"""Computes the content digest from its definition alone, sharing no code with mnistkit.

    python tests/digest_by_hand.py IMAGES LABELS

takes two IDX files of uint8, plain or gzip, and prints the digest of the split.
"""  # fmt: skip

import gzip
import hashlib
import struct
import sys


def sha(data):
    return hashlib.sha256(data).digest()


def blocks(data, row_bytes):
    step = 4096 * row_bytes
    return b"".join(sha(data[i : i + step]) for i in range(0, len(data), step))


def digest(shape, dtype, pixels, row_bytes, labels):
    """Return the digest; pixels are little-endian bytes, labels a list of ints or None."""
    length = len(pixels) // row_bytes
    header = '{"dtype":"%s","labelled":%s,"length":%d,"shape":[%s]}' % (
        dtype,
        "false" if labels is None else "true",
        length,
        ",".join(str(n) for n in shape),
    )
    classes = b"" if labels is None else b"".join(struct.pack("<q", label) for label in labels)
    parts = header.encode() + sha(blocks(pixels, row_bytes)) + sha(blocks(classes, 8))
    return "mk1:" + sha(parts).hex()


def read_idx(path):
    with open(path, "rb") as file:
        data = file.read()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    rank = data[3]
    return struct.unpack(">" + "I" * rank, data[4 : 4 + 4 * rank]), data[4 + 4 * rank :]


def digest_of_files(images, labels):
    (_, height, width), pixels = read_idx(images)
    _, classes = read_idx(labels)
    return digest((height, width), "uint8", pixels, height * width, list(classes))


if __name__ == "__main__":
    print(digest_of_files(sys.argv[1], sys.argv[2]))
