"""ML.NET's binary data view: tables that lead astray, blocks that are none, and bombs."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import idv_by_hand as by_hand
import numpy as np
from idv_by_hand import TEXT, features, label, note_of, vector_of
from malformed import foreign, packing
from malformed.case import NO_FILES, UNKNOWN, Case, Reads, Refused, files
from malformed.packing import MIB, gzip_of

FORMAT = "idv"
PIXELS = np.array([[[0, 255], [7, 1]], [[0, 0], [0, 0]], [[3, 0], [0, 9]]], "u1")
CLASSES = np.array([5, 0, 2], "u1")
READ = Reads(train=(PIXELS, CLASSES))

CONTENTS, TAIL, ROWS, COLUMNS = 24, 32, 40, 48  # where the header tells of these


def idv(*columns, change=None, name="train.idv", **options):
    """Return a maker of a file with these columns, its bytes then changed."""

    def make(folder: Path) -> None:
        path = folder / name
        by_hand.write(path, columns, **options)
        if change:
            path.write_bytes(change(path.read_bytes()))

    return make


def sound(change=None, **options):
    return idv(label(), features(**options), change=change)


def put(place: int, code: str, value: int):
    """Return a change of a number in the header."""
    packed = struct.pack("<" + code, value)
    return lambda data: data[:place] + packed + data[place + len(packed) :]


def in_contents(old: bytes, new: bytes):
    """Return a change of something behind the header that keeps the places that the header tells right."""

    def change(data: bytes) -> bytes:
        assert data.count(old) == 1
        changed = data.replace(old, new)
        contents, tail = struct.unpack_from("<qq", data, CONTENTS)
        contents += len(new) - len(old) if data.index(old) < contents else 0
        return put(TAIL, "q", tail + len(new) - len(old))(put(CONTENTS, "q", contents)(changed))

    return change


def in_lookup(place: int, code: str, value: int):
    """Return a change of the last lookup table, that of the labels: place, stored length, length inflated."""

    def change(data: bytes) -> bytes:
        (contents,) = struct.unpack_from("<q", data, CONTENTS)
        return put(contents - 16 + place, code, value)(data)

    return change


def cut(size: int):
    return sound(lambda data: data[:size])


FLAT = features()
READABLE = [
    Case("keys and bytes", sound(), READ),
    Case("blocks that are stored", idv(label(compression=0), features(compression=0)), READ),
    Case("blocks of one row", idv(label(), features(), block_rows=1), READ),
    Case("sparse vectors", idv(label(), features(sparse={0, 1, 2})), READ),
    Case("vectors of two dimensions", idv(label(), features(shape=(2, 2))), READ),
    Case(
        "numbers for pixels",
        idv(label(), features([[float(v) for v in row] for row in by_hand.PIXELS], "Single")),
        READ,
    ),
    Case("labels that are digits", idv(label(["5", "0", "2"], TEXT), features()), READ),
    Case("no labels", idv(features()), Reads(train=PIXELS)),
    Case("no images", idv(label([]), features([])), Reads(train=(PIXELS[:0], CLASSES[:0]))),
    Case(
        "a column of words beside",
        idv(label(), features(), {"name": "Name", "kind": TEXT, "rows": ["a", "b", "c"]}),
        READ,
    ),
]

TRUNCATED = [
    Case(
        "nothing at all",
        cut(0),
        Refused("no binary data view: expected the signature", "found b''"),
        found=UNKNOWN,
    ),
    Case(
        "cut in the signature",
        cut(7),
        Refused("no binary data view: expected the signature", "found"),
        found=UNKNOWN,
    ),
    Case("cut behind the signature", cut(8), Refused("the file ends: expected at least 264 bytes, found 8")),
    Case("cut in the header", cut(255), Refused("the file ends: expected at least 264 bytes, found 255")),
    Case(
        "cut behind the header",
        cut(264),
        Refused("cut short, or goes on behind its tail: expected", "found 264"),
    ),
    Case(
        "cut in the tail",
        sound(lambda data: data[:-1]),
        Refused("cut short, or goes on behind its tail: expected", "found"),
    ),
    Case(
        "one byte more",
        sound(lambda data: data + b"\0"),
        Refused("cut short, or goes on behind its tail: expected", "found"),
    ),
    Case("another tail", sound(lambda data: data[:-1] + b"?"), Refused("tail: expected", "found")),
    Case(
        "two files joined",
        sound(lambda data: data + data),
        Refused("cut short, or goes on behind its tail: expected", "found"),
    ),
]

HEADERS = [
    Case(
        "a later version",
        sound(put(16, "Q", 0x0001000100010007)),
        Refused("version: expected 0x1000100010006", "found"),
    ),
    Case(
        "contents before the file",
        sound(put(CONTENTS, "q", -1)),
        Refused("place of the table of contents: expected bytes", "found -1"),
    ),
    Case(
        "contents behind the file",
        sound(put(CONTENTS, "q", 2**62)),
        Refused("place of the table of contents: expected bytes", "found 4,611,686"),
    ),
    Case(
        "contents in the header",
        sound(put(CONTENTS, "q", 10)),
        Refused("place of the table of contents: expected bytes", "found 10"),
    ),
    Case(
        "contents in a block",
        sound(put(CONTENTS, "q", 256)),
        Refused("table of contents: text: expected UTF-8, found"),
    ),
    Case(
        "fewer rows than none",
        sound(put(ROWS, "q", -(2**63))),
        Refused("numbers of rows and columns: expected 0 or more, found -9223372036854775808"),
    ),
    Case(
        "rows of exabytes",
        sound(put(ROWS, "q", 2**62)),
        Refused("blocks: expected fewer than fit into", "found"),
    ),
    Case(
        "a row more",
        sound(put(ROWS, "q", 4)),
        Refused("column 'Label'", "bytes of 4 rows: expected 16, found 12"),
    ),
    Case(
        "a row fewer",
        sound(put(ROWS, "q", 2)),
        Refused("column 'Label'", "bytes of 2 rows: expected 8, found 12"),
    ),
    Case(
        "no columns",
        sound(put(COLUMNS, "i", 0)),
        Refused("table of contents: goes on: expected the tail, found"),
    ),
    Case(
        "two billion columns",
        sound(put(COLUMNS, "i", 2**31 - 1)),
        Refused("table of contents: ends too early: expected", "found"),
    ),
    Case(
        "a column more",
        sound(put(COLUMNS, "i", 3)),
        Refused("table of contents: ends too early: expected", "found"),
    ),
    Case(
        "two columns of one name",
        idv(features(), features()),
        Refused("two columns of one name: expected", "found 'Features'"),
    ),
]

_NAME = by_hand.string("Features")

TABLES = [
    Case(
        "a name of exabytes",
        sound(in_contents(_NAME, b"\xff" * 8 + b"\x7f" + _NAME[1:])),
        Refused("table of contents: ends too early: expected", "found"),
    ),
    Case(
        "a number without end",
        sound(in_contents(_NAME, b"\xff" * 20 + _NAME[1:])),
        Refused("table of contents: number of more than 10 bytes: expected its end, found more"),
    ),
    Case(
        "a name that is no UTF-8",
        sound(in_contents(_NAME, b"\x08\xff" + _NAME[2:])),
        Refused("table of contents: text: expected UTF-8, found 'utf-8' codec"),
    ),
    Case(
        "no column of images",
        sound(in_contents(_NAME, b"\x08Fixtures")),
        Refused("no column 'Features': expected", "found Label, Fixtures"),
    ),
    Case(
        "an unknown type",
        sound(in_contents(by_hand.codec(FLAT["kind"]), by_hand.codec(("Matrix",)))),
        Refused("column 'Features': no images: expected vectors of numbers", "found Matrix"),
    ),
    Case(
        "an unknown compression",
        sound(in_contents(by_hand.codec(FLAT["kind"]) + b"\1", by_hand.codec(FLAT["kind"]) + b"\7")),
        Refused("column 'Features': compression: expected 0 (none) or 1 (deflate), found 7"),
    ),
    Case(
        "blocks of no rows",
        idv(
            label(),
            features(),
            block_rows=8192,
            change=lambda data: data.replace(by_hand.leb(8192), b"\x80\0"),
        ),
        Refused("rows of a block: expected 1 to 1,048,576", "found 0"),
    ),
    Case(
        "vectors of two billion",
        sound(in_contents(by_hand.codec(FLAT["kind"]), by_hand.codec(("VBuffer", ("Byte",), (2**31 - 1,))))),
        Refused("column 'Features'", "values of a block: expected at most", "found 6,442,450,941"),
    ),
    Case(
        "vectors whose size overflows",
        sound(
            in_contents(
                by_hand.codec(FLAT["kind"]),
                by_hand.codec(("VBuffer", ("Byte",), (2**31 - 1, 2**31 - 1, 2**31 - 1))),
            )
        ),
        Refused("column 'Features'", "values of a block: expected at most", "found"),
    ),
    Case(
        "vectors of 255 dimensions",
        sound(
            in_contents(by_hand.codec(FLAT["kind"]), by_hand.codec(("VBuffer", ("Byte",), (1,) * 254 + (4,))))
        ),
        READ,
    ),
    Case(
        "vectors of no size",
        idv(label(), features([[]] * 3, shape=(0,))),
        Refused("column 'Features': no images: expected", "found"),
    ),
    Case(
        "values of no square",
        idv(label(), features([[1, 2, 3]] * 3, shape=(3,))),
        Refused("column 'Features': values of a square image: expected", "found 3"),
    ),
    Case(
        "a block before the file",
        sound(in_lookup(0, "q", -1)),
        Refused("block 0: stands outside the file: expected at most", "found"),
    ),
    Case(
        "a block behind the file",
        sound(in_lookup(0, "q", 2**40)),
        Refused("block 0: stands outside the file: expected at most", "found"),
    ),
    Case(
        "a block of a longer file",
        sound(in_lookup(8, "i", 2**31 - 1)),
        Refused("block 0: stands outside the file: expected at most", "found 2,147,483,647"),
    ),
    Case(
        "a block that claims 2 GiB",
        sound(in_lookup(12, "i", 2**31 - 1)),
        Refused("block 0: cannot be as long as it claims: expected at most", "found"),
    ),
    Case("a block that claims a byte fewer", sound(in_lookup(12, "i", 11)), Refused("expected", "found")),
]


def bomb(raw_head: bytes, size: int, claim: int, kind, rows: int, block_rows: int, beside=b""):
    """Return a maker of a file whose one column, of images, has one block that inflates to so many bytes."""

    def make(folder: Path) -> None:
        packed = b"".join(packing.deflate_bomb(raw_head, size))
        body = bytes(256) + packed
        table = struct.pack("<qii", 256, len(packed), claim)
        contents = (
            _NAME + by_hand.codec(kind) + b"\1" + by_hand.leb(block_rows) + struct.pack("<qq", len(body), 0)
        )
        version = 0x0001000100010006
        head = b"CML\0DVB\0" + struct.pack("<QQ", version, version)
        at = len(body) + len(table)
        head += struct.pack("<qqqi", at, at + len(contents), rows, 1)
        (folder / "train.idv").write_bytes(head + body[len(head) :] + table + contents + by_hand_tail)

    return make


by_hand_tail = b"\0BVD\0LMC"


def vectors(rows: int, size: int, counts: int = -1) -> bytes:
    return struct.pack("<ii", rows, size) + struct.pack("<i", counts) * rows + struct.pack("<i", 0)


def grown_note(data: bytes) -> bytes:
    """Put a block of 32 MiB in place of the one of the only annotation, which follows the lookup table."""
    packed = b"".join(packing.deflate_bomb(b"", 32 * MIB))
    old = zlib.compressobj(wbits=-15)
    empty = old.compress(by_hand.block(TEXT, [""])) + old.flush()
    at = data.index(empty)
    contents, tail = struct.unpack_from("<qq", data, CONTENTS)
    (noted,) = struct.unpack_from("<q", data, tail - 8)
    shift = len(packed) - len(empty) + len(by_hand.leb(len(packed))) - len(by_hand.leb(len(empty)))
    table = data[noted:contents]
    table = table.removesuffix(by_hand.leb(len(empty))) + by_hand.leb(len(packed))
    grown = data[:at] + packed + data[at + len(empty) : noted] + table + data[contents:]
    noted += len(packed) - len(empty)
    grown = put(CONTENTS, "q", contents + shift)(put(TAIL, "q", tail + shift)(grown))
    return put(tail + shift - 8, "q", noted)(grown)


BYTES = ("VBuffer", ("Byte",), (4,))
BOMBS = [
    Case(
        "a block of a GiB for three images",
        bomb(vectors(3, 4), 1 << 30, 36, BYTES, 3, 8192),
        Refused("block 0: inflates further than it may: expected at most 36 bytes, found"),
    ),
    Case(
        "a block of a GiB that claims it",
        bomb(vectors(3, 4), 1 << 30, 1 << 30, BYTES, 3, 8192),
        Refused("block 0: cannot be as long as it claims: expected at most", "found"),
    ),
    Case(
        "a block of 240 MiB, as it says",
        bomb(
            vectors(MIB, 240), 240 * MIB, 12 + 4 * MIB + 240 * MIB, ("VBuffer", ("Byte",), (15, 16)), MIB, MIB
        ),
        Refused("block 0: cannot be as long as it claims: expected at most 100,663,296 bytes", "found"),
    ),
    Case(
        "one image of 200 MiB",
        bomb(vectors(1, 200 * MIB), 200 * MIB, 16 + 200 * MIB, ("VBuffer", ("Byte",), (200, MIB)), 1, 1),
        Refused("expected at most", "found"),
    ),
    Case(
        "a million sparse images of 200 zeros",
        bomb(vectors(MIB, 200, 0), 0, 12 + 4 * MIB, ("VBuffer", ("Byte",), (10, 20)), MIB, MIB),
        Refused(
            "column 'Features': values of a block: expected at most 100,663,296 bytes, found 209,715,200"
        ),
    ),
    Case(
        "80 MiB as of ML.NET itself",
        bomb(
            vectors(8192, 10_240),
            80 * MIB,
            12 + 4 * 8192 + 80 * MIB,
            ("VBuffer", ("Byte",), (80, 128)),
            8192,
            8192,
        ),
        Reads(train=np.zeros((8192, 80, 128), "u1")),
    ),
    Case(
        "64 MiB of fractions",
        bomb(
            vectors(8192, 1024),
            64 * MIB,
            12 + 4 * 8192 + 64 * MIB,
            ("VBuffer", ("Double",), (32, 32)),
            8192,
            8192,
        ),
        Reads(train=np.zeros((8192, 32, 32), "u1")),
    ),
    Case(
        "blocks of two million rows",
        bomb(vectors(2 * MIB, 4), 8 * MIB, 12 + 16 * MIB, ("VBuffer", ("Byte",), (4,)), 2 * MIB, 2 * MIB),
        Refused("rows of a block: expected 1 to 1,048,576", "found 2,097,152"),
    ),
    Case(
        "an annotation of 32 MiB",
        idv(features(notes={"mnistkit": (TEXT, "")}), change=grown_note),
        Refused(
            "annotation 'mnistkit': inflates further than it may: expected at most 4,194,304 bytes, found"
        ),
    ),
]

LABELS = [
    Case(
        "a label missing",
        idv(label([6, 0, 3]), features()),
        Refused("column 'Label', row 1", "missing label: expected", "found key 0"),
    ),
    Case(
        "a label beyond the classes",
        idv(label([6, 1, 11]), features()),
        Refused("column 'Label', row 2", "key: expected 1 to 10, found 11"),
    ),
    Case(
        "a label that is a fraction",
        idv(label([1, 0.5, 2], ("Single",)), features()),
        Refused("column 'Label', row 1", "label: expected a whole number", "found 0.5"),
    ),
    Case(
        "a label that is no number",
        idv(label([1, float("nan"), 2], ("Double",)), features()),
        Refused("column 'Label', row 1", "label: expected a whole number", "found nan"),
    ),
    Case(
        "a label that is a word",
        idv(label(["1", "two", "3"], TEXT), features()),
        Refused("column 'Label', row 1", "label: expected digits, found 'two'"),
    ),
    Case(
        "a label of 300 digits",
        idv(label(["1", "9" * 300, "3"], TEXT), features()),
        Refused("column 'Label', row 1", "label: expected digits, found '999"),
    ),
    Case(
        "a label of 64 bits and 1",
        idv(label([1, 2**63, 2], ("UInt64",)), features()),
        Refused(
            "column 'Label', row 1",
            "label: expected a whole number that fits int64",
            "found 9223372036854775808",
        ),
    ),
    Case(
        "pixels of 256",
        idv(label(), features([[256, 0, 0, 0]] * 3, "Int32")),
        Refused("column 'Features', row 0", "expected", "found 256"),
    ),
    Case(
        "pixels of 0.5",
        idv(label(), features([[0.5, 0.0, 0.0, 0.0]] * 3, "Single")),
        Refused("column 'Features', row 0", "expected", "found 0.5"),
    ),
    Case(
        "pixels that are no numbers",
        idv(label(), features([[float("nan"), 0.0, 0.0, 0.0]] * 3, "Single")),
        Refused("column 'Features', row 0", "expected", "found nan"),
    ),
    Case(
        "fewer names than classes",
        idv(label(notes={"KeyValues": vector_of("abc")}), features()),
        Refused("annotation 'KeyValues': values of the key: expected 10", "found"),
    ),
    Case(
        "a name of a class twice",
        idv(label(notes={"KeyValues": vector_of("abcdefghia")}), features()),
        Refused("two classes of one name: expected", "found 'a'"),
    ),
    Case(
        "an annotation of an unknown shape",
        idv(features(notes=note_of(dtype="uint8", shape=[3, 3]))),
        Refused("values of an image: expected 9, as the note in the file says, found 4"),
    ),
    Case(
        "an annotation that nests without end",
        idv(features(notes={"mnistkit": (TEXT, "[" * 100_000)})),
        Refused("annotation 'mnistkit': expected dtype and shape of the images, found"),
    ),
    Case(
        "splits of other sizes",
        lambda folder: [
            idv(label(), features())(folder),
            idv(label([6]), features([[1] * 9], shape=(9,)), name="test.idv")(folder),
        ],
        Reads(train=(PIXELS, CLASSES), test=(np.ones((1, 3, 3), "u1"), CLASSES[:1])),
    ),
    Case(
        "shards of other sizes",
        lambda folder: [
            idv(label(), features(), name="train-00000-of-00002.idv")(folder),
            idv(label([6]), features([[1] * 9], shape=(9,)), name="train-00001-of-00002.idv")(folder),
        ],
        Refused("train-00001-of-00002.idv", "differ from those of train-00000", "expected", "found"),
    ),
]

BESIDE = [
    Case(
        "gzip",
        sound(gzip_of),
        Refused("no binary data view: expected the signature", "found"),
        found=Refused("expected", "found"),
    ),
    Case(
        "an empty folder",
        lambda folder: None,
        Refused("no such files: expected .idv, found no files"),
        found=NO_FILES,
    ),
    *(
        Case(
            f"{kind} under the name of IDV",
            files({"train.idv": content}),
            Refused("no binary data view: expected the signature", "found"),
            found=Refused("expected", "found"),
        )
        for kind, content in foreign.KINDS.items()
    ),
]

CASES = [*READABLE, *TRUNCATED, *HEADERS, *TABLES, *BOMBS, *LABELS, *BESIDE]
