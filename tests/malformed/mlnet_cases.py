"""ML.NET's text: schemas, notes and sparse lines, right and wrong; plain cells are CSV's business."""

from __future__ import annotations

import json

import numpy as np
from malformed import foreign, packing
from malformed.case import NO_FILES, UNKNOWN, Case, Reads, Refused, files
from malformed.packing import MIB, gzip_of

FORMAT = "mlnet"
PIXELS = np.array([[[0, 1], [2, 255]], [[7, 7], [7, 7]], [[0, 0], [0, 9]]], "u1")
CLASSES = np.array([5, 0, 9], "u1")
READ = Reads(train=(PIXELS, CLASSES))
ROWS = ["5\t0\t1\t2\t255", "0\t7\t7\t7\t7", "9\t0\t0\t0\t9"]
SPARSE = ["5\t4\t1:1\t2:2\t3:255", "0\t7\t7\t7\t7", "9\t4\t3:9"]
HEADER = "Label\tpixel0\tpixel1\tpixel2\tpixel3\n"
SCHEMA = (
    "#@ TextLoader{\n#@   header+\n#@   sep=tab\n#@   col=Label:U4[10]:0\n#@   col=Features:R4:1-4\n#@ }\n"
)
GIB = 1 << 30


def tsv(content, name="train.tsv"):
    return files({name: content})


def lines(*rows: str, before: str = SCHEMA + HEADER) -> str:
    return before + "".join(row + "\n" for row in rows)


def with_row(row: str):
    return tsv(lines(SPARSE[0], row, SPARSE[2]))


def note(**known) -> str:
    return f"# mnistkit: {json.dumps(known)}\n"


def schema(old: str = "", new: str = "") -> str:
    """Return the usual head with something changed in its schema."""
    assert old in SCHEMA
    return SCHEMA.replace(old, new, 1) + HEADER


FRACTIONS = np.array([[[0, 0.5], [1, 2]]], "f4")

READABLE = [
    Case("a schema", tsv(lines(*ROWS)), READ),
    Case("no schema", tsv(lines(*ROWS, before=HEADER)), READ),
    Case("neither schema nor header", tsv(lines(*ROWS, before="")), READ),
    Case("sparse lines", tsv(lines(*SPARSE)), READ),
    Case("a schema in one line", tsv(lines(*ROWS, before=SCHEMA.replace("\n#@", "") + HEADER)), READ),
    Case("a schema without a header", tsv(lines(*ROWS, before=SCHEMA.replace("header+", "header-"))), READ),
    Case("commas", tsv(lines(*ROWS, before=schema("sep=tab", "sep=comma")).replace("\t", ",")), READ),
    Case("other comments", tsv(lines(*ROWS, before="# made by hand\n// twice\n" + HEADER)), READ),
    Case("a byte order mark", tsv("\ufeff" + lines(*ROWS)), READ),
    Case("CRLF", tsv(lines(*ROWS).replace("\n", "\r\n")), READ),
    Case("no final newline", tsv(lines(*ROWS)[:-1]), READ),
    Case("quoted cells", tsv(lines('"5"\t"0"\t"1"\t"2"\t"255"', *ROWS[1:])), READ),
    Case(
        "two gzip members",
        tsv(gzip_of(lines(*ROWS)[:40].encode()) + gzip_of(lines(*ROWS)[40:].encode())),
        READ,
    ),
    Case(
        "fractions that the note tells of",
        tsv(lines("5\t0\t0.5\t1\t2", before=SCHEMA + note(dtype="float32") + HEADER)),
        Reads(train=(FRACTIONS, CLASSES[:1])),
    ),
    Case(
        "class names for labels",
        tsv(
            lines(
                "cat\t0\t1\t2\t255",
                "dog\t7\t7\t7\t7",
                before=SCHEMA.replace("U4[10]", "TX") + note(class_names=["cat", "dog"]) + HEADER,
            )
        ),
        Reads(train=(PIXELS[:2], np.array([0, 1], "u1"))),
    ),
    Case(
        "a shape that the note tells",
        tsv(lines(*ROWS, before=SCHEMA + note(shape=[1, 4]) + HEADER)),
        Reads(train=(PIXELS.reshape(3, 1, 4), CLASSES)),
    ),
]

HEADS = [
    Case(
        "a schema that goes on at once",
        tsv(SCHEMA),
        Refused("line 7", "the file ends: expected a header or images, found"),
    ),
    Case(
        "a schema cut",
        tsv(lines(*ROWS, before="#@ TextLoader{\n" + HEADER)),
        Refused("train.tsv, line 2", "schema not understood: expected columns Label and Features, found"),
    ),
    Case(
        "a schema of another loader",
        tsv(lines(*ROWS, before=schema("TextLoader", "SvmLightLoader"))),
        Refused("schema not understood: expected columns", "found"),
    ),
    Case(
        "an unknown setting",
        tsv(lines(*ROWS, before=schema("header+", "header+ evil=1"))),
        Refused("schema not understood: expected", "found"),
    ),
    Case(
        "an unknown separator",
        tsv(lines(*ROWS, before=schema("sep=tab", "sep=%"))),
        Refused("schema not understood: expected", "found"),
    ),
    Case(
        "two columns of features",
        tsv(lines(*ROWS, before=schema("col=Features:R4:1-4", "col=A:R4:1-2 col=B:R4:3-4"))),
        Refused("columns of the schema: expected one of features", "found Label, A, B"),
    ),
    Case(
        "features beyond the columns",
        tsv(lines(*ROWS, before=schema("1-4", "1-5"))),
        Refused("columns are not the schema's: expected features 1-5 and label 0, found features 1-4"),
    ),
    Case(
        "features of terabytes",
        tsv(lines(*ROWS, before=schema("1-4", "1-999999999"))),
        Refused("columns are not the schema's: expected features 1-999999999", "found features 1-4"),
    ),
    Case(
        "features of 300 digits",
        tsv(lines(*ROWS, before=schema("1-4", "1-" + "9" * 300))),
        Refused("schema not understood: expected", "found"),
    ),
    Case(
        "the label among the features",
        tsv(lines(*ROWS, before=schema(":0\n", ":2\n"))),
        Refused("columns are not the schema's: expected features 1-4 and label 2", "found"),
    ),
    Case(
        "a schema of a megabyte",
        tsv(lambda: lines(*ROWS, before="#@ " + "x" * MIB + "\n")),
        Refused("schema: expected at most 65,536 bytes, found more"),
        found=UNKNOWN,
    ),
    Case(
        "comments without end",
        tsv(lambda: "# more\n" * (MIB // 4) + lines(*ROWS)),
        Refused("comments before the first row: expected at most 1,048,576 bytes, found more"),
        found=UNKNOWN,
    ),
    Case(
        "a comment of 100 MB",
        tsv(lambda: [b"#" * 100_000_000]),
        Refused("line 1", "line too long: expected at most 16,777,216 bytes, found more"),
        found=UNKNOWN,
    ),
    Case(
        "a note that is no JSON",
        tsv(lines(*ROWS, before=SCHEMA + "# mnistkit: {\n" + HEADER)),
        Refused("line 7", "note of mnistkit: expected JSON, found"),
    ),
    Case(
        "a note that nests without end",
        tsv(lambda: lines(*ROWS, before=SCHEMA + "# mnistkit: " + "[" * 500_000 + "\n" + HEADER)),
        Refused("line 7", "note of mnistkit: expected JSON, found"),
    ),
    Case(
        "a note that is a number of 100,000 digits",
        tsv(lambda: lines(*ROWS, before=SCHEMA + "# mnistkit: " + "9" * 100_000 + "\n" + HEADER)),
        Refused("line 7", "note of mnistkit: expected", "found"),
    ),
    Case(
        "a note of an unknown type",
        tsv(lines(*ROWS, before=SCHEMA + note(dtype="int99") + HEADER)),
        Refused("line 7", "note of mnistkit: expected class_names, dtype", "found"),
    ),
    Case(
        "a note of no shape",
        tsv(lines(*ROWS, before=SCHEMA + note(shape=[0, 4]) + HEADER)),
        Refused("line 7", "note of mnistkit: expected class_names, dtype", "found"),
    ),
    Case(
        "a note of another shape",
        tsv(lines(*ROWS, before=SCHEMA + note(shape=[3, 3]) + HEADER)),
        Refused("line 8", "columns of pixels: expected 9 for 3x3, found 4"),
    ),
    Case(
        "too few class names",
        tsv(lines(*ROWS, before=SCHEMA + note(class_names=["a", "b"]) + HEADER)),
        Refused("labels without a class name: expected labels from 0 to 1, found 9"),
    ),
    Case(
        "a class name twice",
        tsv(lines(*ROWS, before=SCHEMA + note(class_names=[*"abcdefgha"]) + HEADER)),
        Refused("two classes of one name: expected", "found 'a'"),
    ),
    Case(
        "100,000 class names, one twice",
        tsv(
            lambda: lines(
                *ROWS, before=SCHEMA + note(class_names=[*map(str, range(1, 100_000)), "99999"]) + HEADER
            )
        ),
        Refused("two classes of one name: expected", "found '99999'"),
    ),
    Case(
        "other class names in another split",
        files(
            {
                "train.tsv": lines(*ROWS, before=SCHEMA + note(class_names=[*"abcdefghij"]) + HEADER),
                "test.tsv": lines(*ROWS, before=SCHEMA + note(class_names=[*"bacdefghij"]) + HEADER),
            }
        ),
        Refused("test.tsv", "other class names than", "expected", "found")
        if False
        else Refused("other class names than", "expected", "found"),
    ),
    Case(
        "a word that is no class",
        tsv(
            lines(
                "cow\t0\t1\t2\t255",
                before=SCHEMA.replace("U4[10]", "TX") + note(class_names=["cat", "dog"]) + HEADER,
            )
        ),
        Refused("line 9", "label: expected one of the 2 class names that the file lists, found 'cow'"),
    ),
]

CELLS = [
    Case(
        "a fraction",
        with_row("0\t7\t7.5\t7\t7"),
        Refused(
            "line 9",
            "column 'pixel1': expected a whole number from 0 to 255, found '7.5'",
            "--read dtype=float32",
        ),
    ),
    Case("a row short", with_row("0\t7\t7\t7"), Refused("line 9", "number of cells: expected 5, found 4")),
    Case(
        "a fraction without end",
        tsv(lines("5\t0\tNaN\t1\t2", before=SCHEMA + note(dtype="float32") + HEADER)),
        Refused("line 9", "column 'pixel1': expected a finite number, found 'NaN'"),
    ),
    Case(
        "a fraction of 300 digits",
        tsv(lines("5\t0\t" + "9" * 300 + "\t1\t2", before=SCHEMA + note(dtype="float32") + HEADER)),
        Refused("line 9", "column 'pixel1': expected a finite number, found '999"),
    ),
    Case(
        "a place twice",
        with_row("0\t4\t1:7\t1:7"),
        Refused(
            "line 9", "item of a sparse line: expected place:value, places ascending from 0 to 3, found '1:7'"
        ),
    ),
    Case(
        "places that descend",
        with_row("0\t4\t2:7\t1:7"),
        Refused("line 9", "item of a sparse line: expected", "found '1:7'"),
    ),
    Case(
        "a place beyond the image",
        with_row("0\t4\t4:7"),
        Refused("line 9", "item of a sparse line: expected", "found '4:7'"),
    ),
    Case(
        "a place below 0",
        with_row("0\t4\t-1:7"),
        Refused("line 9", "item of a sparse line: expected", "found '-1:7'"),
    ),
    Case(
        "a place of 300 digits", with_row("0\t4\t" + "9" * 300 + ":7"), Refused("line 9", "expected", "found")
    ),
    Case(
        "a place without a value",
        with_row("0\t4\t1:"),
        Refused("line 9", "expected a whole number from 0 to 255, found an empty cell"),
    ),
    Case(
        "a value of 256",
        with_row("0\t4\t1:256"),
        Refused("line 9", "expected a whole number from 0 to 255, found '256'"),
    ),
    Case(
        "another number of values",
        with_row("0\t5\t1:7"),
        Refused("line 9", "number of values of a sparse line: expected 4, found '5'"),
    ),
    Case(
        "a number of values of 5,000 digits",
        tsv(lines("0\t" + "9" * 5000 + "\t1:7")),
        Refused("line 8", "number of values of a sparse line: expected 4, found '9999"),
    ),
    Case(
        "a number of values of terabytes",
        tsv(lines("0\t999999999999\t1:7", before="")),
        Refused("line 1", "expected", "found"),
    ),
    Case(
        "sparse lines of a million values",
        tsv(lambda: lines(*["0\t1000000\t999999:7"] * 50, before="")),
        Reads(
            train=(
                np.concatenate([np.zeros((50, 999_999), "u1"), np.full((50, 1), 7, "u1")], 1).reshape(
                    50, 1000, 1000
                ),
                np.zeros(50, "u1"),
            )
        ),
    ),
    Case(
        "a megabyte of colons",
        with_row("0\t4" + "\t:" * 500_000),
        Refused("line 9", "item of a sparse line: expected", "found ':'"),
    ),
]

PACKED = [
    Case(
        "gzip cut",
        tsv(gzip_of(lines(*ROWS).encode())[:-9], "train.tsv.gz"),
        Refused("damaged gzip data: expected a whole stream, found one that ends too early"),
    ),
    Case(
        "gzip of a GiB of NUL bytes",
        tsv(lambda: packing.gzip_bomb(lines(*ROWS).encode(), GIB)),
        Refused("line 11", "line too long: expected at most"),
    ),
    Case(
        "gzip of a GiB of comments",
        tsv(lambda: packing.gzip_bomb(b"# ", GIB, b"\n#")),
        Refused("comments before the first row: expected at most 1,048,576 bytes, found more"),
        found=UNKNOWN,
    ),
]

KINDS = [
    Case(f"{kind} under the name of TSV", tsv(content), Refused("expected", "found"))
    for kind, content in foreign.KINDS.items()
]

BESIDE = [
    Case(
        "an empty file",
        tsv(""),
        Refused("train.tsv, line 1", "the file ends: expected a header or images, found nothing"),
        found=UNKNOWN,
    ),
    Case(
        "an empty folder",
        lambda folder: None,
        Refused("no such files: expected .tsv or .csv or .txt, found no files"),
        found=NO_FILES,
    ),
    Case(
        "splits of other sizes",
        files({"train.tsv": lines(*ROWS), "test.tsv": "7\t1\n"}),
        Reads(train=(PIXELS, CLASSES), test=(np.array([[[1]]], "u1"), np.array([7], "u1"))),
    ),
]

CASES = [*READABLE, *HEADS, *CELLS, *PACKED, *KINDS, *BESIDE]
