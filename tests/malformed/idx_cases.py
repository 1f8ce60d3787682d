"""IDX: headers, sizes and compression of files, and what stands beside what."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib

import numpy as np
from malformed import foreign, packing
from malformed.case import NO_FILES, Case, Reads, Refused, files
from malformed.packing import gzip_of, zip_of, zstd_of

FORMAT = "idx"
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
PIXELS = np.arange(12, dtype="u1").reshape(3, 2, 2)
CLASSES = np.array([2, 0, 1], "u1")
READ = Reads(train=(PIXELS, CLASSES))
GIB = 1 << 30

_CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def header(*sizes: int, code: int = 0x08, number: int | None = None) -> bytes:
    return bytes([0, 0, code, len(sizes) if number is None else number]) + struct.pack(
        f">{len(sizes)}I", *sizes
    )


def encode(array) -> bytes:
    kind = array.dtype.kind + str(array.dtype.itemsize)
    return header(*array.shape, code=_CODES[kind]) + array.astype(array.dtype.newbyteorder(">")).tobytes()


WHOLE, WHOLE_LABELS = encode(PIXELS), encode(CLASSES)


def images(content, name=IMAGES):
    """Return a maker of a folder with these for the images, and sound labels."""
    return files({name: content, LABELS: WHOLE_LABELS})


def labels(content, name=LABELS):
    return files({IMAGES: WHOLE, name: content})


def decorated_gzip(data: bytes) -> bytes:
    """Compress with all that a gzip header may have: a field, a name, a comment and its own checksum."""
    head = b"\x1f\x8b\x08\x1e" + bytes(5) + b"\xff\4\0ab\0\0name\0comment\0"
    return head + (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little") + gzip_of(data)[10:]


def with_byte(data: bytes, place: int) -> bytes:
    """Return data with one byte changed."""
    changed = bytearray(data)
    changed[place] ^= 0x55
    return bytes(changed)


TRUNCATED = [
    Case("nothing at all", images(b""), Refused(IMAGES, "not an IDX file: expected", "found an empty file")),
    Case("cut in the magic", images(WHOLE[:3]), Refused(IMAGES, "not an IDX file", "found 00 00 08")),
    Case(
        "cut behind the magic",
        images(WHOLE[:4]),
        Refused("ends within its header: expected 16 bytes, found 4"),
    ),
    Case(
        "cut within a size",
        images(WHOLE[:15]),
        Refused("ends within its header: expected 16 bytes, found 15"),
    ),
    Case("cut behind the header", images(WHOLE[:16]), Refused("ends too early: expected 28 bytes, found 16")),
    Case("cut behind a row", images(WHOLE[:20]), Refused("ends too early: expected 28 bytes, found 20")),
    Case("one byte short", images(WHOLE[:-1]), Refused("ends too early: expected 28 bytes, found 27")),
    Case(
        "one byte more",
        images(WHOLE + b"\0"),
        Refused("behind the end of the array: expected 28 bytes, found 29"),
    ),
    Case(
        "two files joined",
        images(WHOLE + WHOLE),
        Refused("behind the end of the array: expected 28 bytes, found 56"),
    ),
    Case("labels of nothing", labels(b""), Refused(LABELS, "not an IDX file", "found an empty file")),
    Case(
        "labels one short",
        labels(WHOLE_LABELS[:-1]),
        Refused(LABELS, "ends too early: expected 11 bytes, found 10"),
    ),
    Case(
        "labels one more",
        labels(WHOLE_LABELS + b"\0"),
        Refused(LABELS, "behind the end", "expected 11 bytes, found 12"),
    ),
]

HEADERS = [
    Case(
        "first byte set", images(b"\1" + WHOLE[1:]), Refused("not an IDX file: expected", "found 01 00 08 03")
    ),
    Case(
        "little-endian magic",
        images(WHOLE[3::-1] + WHOLE[4:]),
        Refused("not an IDX file", "found 03 08 00 00"),
    ),
    Case("type 0A", images(b"\0\0\x0a\3" + WHOLE[4:]), Refused("not an IDX file", "found 00 00 0a 03")),
    Case("type FF", images(b"\0\0\xff\3" + WHOLE[4:]), Refused("not an IDX file", "found 00 00 ff 03")),
    Case("no dimensions", images(header()), Refused("IDX without dimensions: expected at least 1, found 0")),
    Case(
        "one dimension",
        images(encode(CLASSES)),
        Refused(IMAGES, "dimensions of the array: expected 3 or 4", "found 1"),
    ),
    Case(
        "one dimension fewer",
        images(b"\0\0\x08\2" + WHOLE[4:]),
        Refused("behind the end", "expected 18 bytes, found 28"),
    ),
    Case(
        "one dimension more",
        images(b"\0\0\x08\4" + WHOLE[4:]),
        Refused(IMAGES, "ends too early: expected", "found 28"),
    ),
    Case(
        "two dimensions",
        images(encode(PIXELS[0])),
        Refused(IMAGES, "dimensions of the array: expected 3 or 4", "found 2"),
    ),
    Case(
        "five dimensions",
        images(encode(PIXELS.reshape(3, 1, 2, 2, 1))),
        Refused(IMAGES, "dimensions of the array: expected 3 or 4", "found 5"),
    ),
    Case(
        "255 dimensions of 0",
        images(header(*[0] * 255)),
        Refused(IMAGES, "not an array: expected one that numpy can hold"),
    ),
    Case(
        "255 dimensions of 1",
        images(header(*[1] * 255) + b"\0"),
        Refused(IMAGES, "not an array: expected one that numpy can hold"),
    ),
    Case(
        "255 dimensions of 2",
        images(header(*[2] * 255) + b"\0"),
        Refused("ends too early: expected", "found 1,025"),
    ),
    Case(
        "255 dimensions, cut",
        images(header(*[2] * 254, number=255)),
        Refused("ends within its header: expected 1024 bytes, found 1020"),
    ),
    Case(
        "product beyond 64 bits",
        images(header(2**32 - 1, 2**32 - 1, 2**32 - 1)),
        Refused("ends too early: expected 79,228,162,4"),
    ),
    Case(
        "product 2 to the 64",
        images(header(2**22, 2**21, 2**21)),
        Refused("too early: expected 18,446,744,073,709,551,632 bytes, found 16"),
    ),
    Case(
        "product 2 to the 32",
        images(header(2**16, 2**8, 2**8)),
        Refused("ends too early: expected 4,294,967,312 bytes, found 16"),
    ),
    Case(
        "a terabyte",
        images(header(2**20, 2**10, 2**10)),
        Refused("ends too early: expected 1,099,511,627,792 bytes, found 16"),
    ),
    Case(
        "labels of 32 GiB",
        labels(header(2**32 - 1, code=0x0E)),
        Refused(LABELS, "ends too early: expected 34,359,738,368 bytes, found 8"),
    ),
    Case(
        "no images",
        files({IMAGES: header(0, 2, 2), LABELS: header(0)}),
        Reads(train=(PIXELS[:0], CLASSES[:0])),
    ),
    Case(
        "no rows in images",
        images(header(3, 0, 2)),
        Refused("split 'train': not images: expected", "found 0 x 2"),
    ),
    Case(
        "no columns in images",
        images(header(3, 2, 0)),
        Refused("split 'train': not images: expected", "found 2 x 0"),
    ),
    Case(
        "no images of a terabyte",
        files({IMAGES: header(0, 2**20, 2**20), LABELS: header(0)}),
        Refused(IMAGES, "one row is too large: expected at most"),
    ),
    Case(
        "labels without a column",
        labels(header(3, 0), "train-labels-idx2-ubyte"),
        Refused("columns of labels: expected 1 to 1,025, found 0"),
    ),
    Case(
        "labels of a million columns",
        labels(lambda: encode(np.zeros((3, 10**6), "u1")), "train-labels-idx2-ubyte"),
        Refused("train-labels-idx2-ubyte", "columns of labels: expected 1 to", "found 1,000,000"),
    ),
    Case(
        "labels of three dimensions",
        labels(encode(PIXELS)),
        Refused(LABELS, "dimensions of the array: expected 1 or 2", "found 3"),
    ),
    Case(
        "labels that are fractions",
        labels(encode(CLASSES.astype("f4")), "train-labels-idx1-float"),
        Refused("train-labels-idx1-float", "labels: expected integers, found float32"),
    ),
    Case(
        "pixels of every byte order",
        images(encode(PIXELS.astype("i4") - 9), "train-images-idx3-int"),
        Reads(train=(PIXELS.astype("i4") - 9, CLASSES)),
    ),
    Case(
        "pixels that are not numbers",
        images(encode(np.full((3, 2, 2), np.nan, "f4")), "train-images-idx3-float"),
        Reads(train=(np.full((3, 2, 2), np.nan, "f4"), CLASSES)),
    ),
]

_GZIP, _BZIP2, _XZ, _ZSTD = gzip_of(WHOLE), bz2.compress(WHOLE), lzma.compress(WHOLE), zstd_of(WHOLE)
_DAMAGED = {
    kind: f"damaged {kind} data: expected a whole stream, found"
    for kind in ("gzip", "bzip2", "xz", "zip", "zstd")
}

PACKED = [
    Case("two gzip members", images(gzip_of(WHOLE[:9]) + gzip_of(WHOLE[9:])), READ),
    Case("gzip with empty members", images(gzip_of(b"") + _GZIP + gzip_of(b"")), READ),
    Case("gzip padded with zeros", images(_GZIP + bytes(512)), READ),
    Case("gzip with all that a header may have", images(decorated_gzip(WHOLE)), READ),
    Case("gzip without its suffix", images(_GZIP), READ),
    Case("no gzip under its suffix", images(WHOLE, IMAGES + ".gz"), READ),
    Case("xz under the suffix of gzip", images(_XZ, IMAGES + ".gz"), READ),
    Case("gzip of gzip", images(gzip_of(_GZIP)), Refused("not an IDX file", "found 1f 8b")),
    Case("two bzip2 streams", images(bz2.compress(WHOLE[:9]) + bz2.compress(WHOLE[9:])), READ),
    Case(
        "two xz streams, padded",
        images(lzma.compress(WHOLE[:9]) + bytes(4) + lzma.compress(WHOLE[9:]) + bytes(8)),
        READ,
    ),
    Case("two zstd frames", images(zstd_of(WHOLE[:9]) + zstd_of(WHOLE[9:])), READ),
    Case("zstd with a frame to skip", images(zstd_of(WHOLE) + b"\x50\x2a\x4d\x18\4\0\0\0skip"), READ),
    Case("zip of one member", images(zip_of(("a/b", WHOLE)), IMAGES + ".zip"), READ),
    Case("gzip cut in its header", images(_GZIP[:5]), Refused(_DAMAGED["gzip"], "one that ends too early")),
    Case("gzip cut in its data", images(_GZIP[:20]), Refused(_DAMAGED["gzip"], "one that ends too early")),
    Case(
        "gzip without its checksum", images(_GZIP[:-8]), Refused(_DAMAGED["gzip"], "one that ends too early")
    ),
    Case("gzip with another checksum", images(with_byte(_GZIP, -5)), Refused(_DAMAGED["gzip"], "CRC")),
    Case(
        "gzip with another length", images(with_byte(_GZIP, -1)), Refused(_DAMAGED["gzip"], "ncorrect length")
    ),
    Case("gzip with junk behind", images(_GZIP + b"junk"), Refused(_DAMAGED["gzip"])),
    Case(
        "gzip with half a member behind",
        images(_GZIP + gzip_of(b"more")[:12]),
        Refused(_DAMAGED["gzip"], "one that ends too early"),
    ),
    Case("gzip of another method", images(_GZIP[:2] + b"\7" + _GZIP[3:]), Refused(_DAMAGED["gzip"])),
    Case(
        "gzip of a name without end",
        images(lambda: b"\x1f\x8b\x08\x08" + bytes(5) + b"\xff" + b"n" * 50_000_000),
        Refused(_DAMAGED["gzip"], "header"),
    ),
    Case(
        "gzip one byte short inside",
        images(gzip_of(WHOLE[:-1])),
        Refused("ends too early: expected 28 bytes, found fewer"),
    ),
    Case(
        "gzip one byte more inside",
        images(gzip_of(WHOLE + b"\0")),
        Refused("behind the end of the array: expected 28 bytes, found more"),
    ),
    Case(
        "gzip of nothing", images(gzip_of(b"")), Refused("not an IDX file: expected", "found an empty file")
    ),
    Case(
        "gzip of no images and a byte",
        files({IMAGES: gzip_of(header(0, 2, 2) + b"\0"), LABELS: header(0)}),
        Refused("behind the end of the array: expected 16 bytes, found more"),
    ),
    Case("bzip2 cut", images(_BZIP2[:-4]), Refused(_DAMAGED["bzip2"], "one that ends too early")),
    Case("bzip2 with another checksum", images(with_byte(_BZIP2, 12)), Refused(_DAMAGED["bzip2"])),
    Case("bzip2 with junk behind", images(_BZIP2 + b"junk"), Refused(_DAMAGED["bzip2"])),
    Case(
        "bzip2 with a damaged stream behind",
        images(_BZIP2 + with_byte(bz2.compress(b"more"), 0)),
        Refused(_DAMAGED["bzip2"]),
    ),
    Case("xz cut", images(_XZ[:-4]), Refused(_DAMAGED["xz"], "one that ends too early")),
    Case("xz with another checksum", images(with_byte(_XZ, -40)), Refused(_DAMAGED["xz"])),
    Case("xz with junk behind", images(_XZ + b"junk"), Refused(_DAMAGED["xz"])),
    Case("xz with odd padding", images(_XZ + bytes(3)), Refused(_DAMAGED["xz"], "3 zeros between streams")),
    Case("zstd cut", images(_ZSTD[:-4]), Refused(_DAMAGED["zstd"])),
    Case("zstd with junk behind", images(_ZSTD + b"junk"), Refused(_DAMAGED["zstd"])),
    Case("zstd of a later version", images(_ZSTD[:4] + b"\x08" + _ZSTD[5:]), Refused(_DAMAGED["zstd"])),
    Case(
        "zip of two members",
        images(foreign.ZIP_OF_TWO),
        Refused("zip archive: expected one member, found 2 (readme.txt, data.bin)"),
    ),
    Case("zip of nothing", images(zip_of()), Refused("not an IDX file", "found 50 4b 05 06")),
    Case("zip cut", images(zip_of(("a", WHOLE))[:-30]), Refused(_DAMAGED["zip"])),
    Case("zip with another checksum", images(zip_of(("a", WHOLE), crc=1)), Refused(_DAMAGED["zip"], "CRC")),
    Case("zip with a password", images(zip_of(("a", WHOLE), flags=1)), Refused(_DAMAGED["zip"], "password")),
    Case(
        "zip of a member that is smaller than it claims",
        images(zip_of(("a", WHOLE), stored=100, size=100)),
        Refused("behind the end of the array: expected 28 bytes, found more"),
    ),
    Case(
        "zip packed with bzip2",
        images(zip_of(("a", _BZIP2), method=12, size=28, crc=zlib.crc32(WHOLE))),
        Refused("packed by another method: expected stored or deflate, found method 12"),
    ),
    Case(
        "zip packed by nobody knows",
        images(zip_of(("a", WHOLE), method=77)),
        Refused("packed by another method: expected stored or deflate, found method 77"),
    ),
]

SMALL, HUGE = header(3, 2, 2), header(2**20, 2**10, 2**10)

BOMBS = [
    Case(
        "gzip of a GiB for 12 bytes",
        images(lambda: packing.gzip_bomb(SMALL, GIB)),
        Refused("behind the end of the array: expected 28 bytes, found more"),
    ),
    Case(
        "bzip2 of a GiB for 12 bytes",
        images(lambda: packing.bzip2_bomb(SMALL, GIB)),
        Refused("behind the end of the array: expected 28 bytes, found more"),
    ),
    Case(
        "xz of a GiB for 12 bytes",
        images(lambda: packing.xz_bomb(SMALL, GIB)),
        Refused("behind the end of the array: expected 28 bytes, found more"),
    ),
    Case(
        "zstd of 4 GiB for 12 bytes",
        images(lambda: packing.zstd_bomb(SMALL, 4 * GIB)),
        Refused("behind the end of the array: expected 28 bytes, found more"),
    ),
    Case(
        "zip of a GiB that claims it",
        images(lambda: packing.zip_bomb(SMALL, GIB, claim=GIB + 16)),
        Refused("behind the end of the array: expected 28 bytes, found more"),
    ),
    Case(
        "zip of a GiB that claims 28 bytes",
        images(lambda: packing.zip_bomb(SMALL, GIB, claim=28)),
        Refused(_DAMAGED["zip"], "CRC"),
    ),
    Case(
        "gzip of labels of a GiB",
        labels(lambda: packing.gzip_bomb(WHOLE_LABELS, GIB)),
        Refused(LABELS, "behind the end of the array: expected 11 bytes, found more"),
    ),
    Case(
        "gzip that claims a terabyte",
        images(gzip_of(HUGE)),
        Refused("promises more than", "bytes of gzip can hold: expected at most", "found 1,099,511,627,792"),
    ),
    Case(
        "bzip2 that claims a terabyte",
        images(bz2.compress(HUGE)),
        Refused("promises more than", "bytes of bzip2 can hold: expected at most", "found 1,099,511,627,792"),
    ),
    Case(
        "xz that claims a terabyte",
        images(lzma.compress(HUGE)),
        Refused("promises more than", "bytes of xz can hold: expected at most", "found 1,099,511,627,792"),
    ),
    Case(
        "zstd that claims a terabyte",
        images(zstd_of(HUGE)),
        Refused("promises more than", "bytes of zstd can hold: expected at most", "found 1,099,511,627,792"),
    ),
    Case(
        "zip that claims a terabyte",
        images(zip_of(("a", HUGE))),
        Refused("promises more than", "bytes of zip can hold: expected at most", "found 1,099,511,627,792"),
    ),
    Case(
        "gzip that claims a megabyte and has none",
        images(gzip_of(header(40, 160, 160) + bytes(10_000))),
        Refused("promises more than"),
    ),
    Case(
        "gzip of one image of a GiB",
        images(lambda: packing.gzip_bomb(header(1, 2**15, 2**15), GIB)),
        Refused("one row is too large: expected at most 67,108,864 bytes, found 1,073,741,824"),
    ),
    Case(
        "xz with a dictionary of 512 MiB",
        images(lambda: packing.xz_of(WHOLE, dictionary=1 << 29)),
        Refused(_DAMAGED["xz"], "a dictionary of more than 64 MiB"),
    ),
    Case("zstd with a window of 128 MiB", images(zstd_of(WHOLE, window=27)), READ),
    Case(
        "zstd with a window of 2 TiB",
        images(zstd_of(WHOLE, window=41)),
        Refused(_DAMAGED["zstd"], "too much memory"),
    ),
    Case(
        "zip of 100,000 members",
        images(lambda: zip_of(*((f"{i:x}", b"") for i in range(100_000)))),
        Refused("zip archive: expected one member, found a list of"),
    ),
]

TEST_IMAGES, TEST_LABELS = (name.replace("train", "t10k") for name in (IMAGES, LABELS))

BESIDE = [
    Case(
        "images and labels swapped",
        files({IMAGES: WHOLE_LABELS, LABELS: WHOLE}),
        Refused(IMAGES, "dimensions of the array: expected 3 or 4, since the name says images, found 1"),
    ),
    Case(
        "labels of the other split",
        files(
            {
                IMAGES: WHOLE,
                LABELS: encode(CLASSES[:2]),
                TEST_IMAGES: encode(PIXELS[:2]),
                TEST_LABELS: WHOLE_LABELS,
            }
        ),
        Refused("labels and images differ in number: expected", "found"),
    ),
    Case(
        "labels twice",
        labels(encode(np.arange(6, dtype="u1"))),
        Refused(LABELS, "labels and images differ in number: expected 3 labels, found 6"),
    ),
    Case(
        "splits of other sizes",
        files(
            {
                IMAGES: WHOLE,
                LABELS: WHOLE_LABELS,
                TEST_IMAGES: encode(PIXELS.reshape(3, 4, 1)),
                TEST_LABELS: WHOLE_LABELS,
            }
        ),
        Reads(train=(PIXELS, CLASSES), test=(PIXELS.reshape(3, 4, 1), CLASSES)),
    ),
    Case(
        "shards of other sizes",
        files(
            {
                "train-00000-of-00002-images-idx3-ubyte": WHOLE,
                "train-00001-of-00002-images-idx3-ubyte": encode(PIXELS.reshape(3, 4, 1)),
            }
        ),
        Refused(
            "train-00001-of-00002-images", "shards that differ: expected uint8 (2, 2), found uint8 (4, 1)"
        ),
    ),
    Case(
        "a shard too few",
        files(
            {"train-00000-of-00002-images-idx3-ubyte": WHOLE, "train-00002-of-00003-images-idx3-ubyte": WHOLE}
        ),
        Refused("shards of split 'train': expected shards 0 to 2, once each, found"),
    ),
    Case("images alone", files({IMAGES: WHOLE}), Reads(train=PIXELS)),
    Case(
        "labels alone",
        files({LABELS: WHOLE_LABELS}),
        Refused("no IDX images here: expected arrays of 3 or 4 dimensions, found train-labels"),
    ),
    Case(
        "an empty folder",
        lambda folder: None,
        Refused("no IDX images here: expected", "found no IDX file"),
        found=NO_FILES,
    ),
    Case(
        "the file of labels named",
        labels(WHOLE_LABELS),
        Refused(LABELS, "labels without images: expected a file of images, found one of labels"),
        source=LABELS,
    ),
    Case(
        "a folder called like a file",
        lambda folder: (folder / IMAGES).mkdir(),
        Refused("no IDX images here: expected", "found no IDX file"),
        found=NO_FILES,
    ),
    Case(
        "plain beside other gzip",
        files({IMAGES: WHOLE, IMAGES + ".gz": gzip_of(encode(PIXELS[::-1])), LABELS: WHOLE_LABELS}),
        Refused(
            "two files for one thing differ: expected the same content, found train-images-idx3-ubyte and"
        ),
    ),
    Case(
        "documents, pictures and litter beside",
        files(
            {
                IMAGES: WHOLE,
                LABELS: WHOLE_LABELS,
                "README.md": b"#",
                "x.pdf": foreign.PDF,
                ".DS_Store": b"\0\0\x08\3",
                "Thumbs.db": b"?",
            }
        ),
        READ,
    ),
]

KINDS = [
    Case(f"{kind} for images", images(content), Refused(IMAGES)) for kind, content in foreign.KINDS.items()
] + [Case(f"{kind} for labels", labels(content), Refused(LABELS)) for kind, content in foreign.KINDS.items()]

CASES = [*TRUNCATED, *HEADERS, *PACKED, *BOMBS, *BESIDE, *KINDS]
