"""CSV: every dialect that is met, and text that is no table of images."""

from __future__ import annotations

import bz2
import lzma

import numpy as np
from malformed import foreign, packing
from malformed.case import NO_FILES, UNKNOWN, Case, Reads, Refused, files
from malformed.packing import MIB, gzip_of, zip_of

FORMAT = "csv"
PIXELS = np.array([[[0, 1], [2, 255]], [[7, 7], [7, 7]], [[9, 0], [0, 9]]], "u1")
CLASSES = np.array([5, 0, 9], "u1")
READ = Reads(train=(PIXELS, CLASSES))
ROWS = ["5,0,1,2,255", "0,7,7,7,7", "9,9,0,0,9"]
HEADER = "label,pixel0,pixel1,pixel2,pixel3"
GIB = 1 << 30


def lines(*rows: str, end: str = "\n", header: str = HEADER) -> str:
    return "".join(row + end for row in ([header] if header else []) + list(rows))


def csv(content, name="train.csv"):
    return files({name: content})


def with_row(row: str, number: int = 1):
    """Return a maker of a sound file, but for one row."""
    rows = [*ROWS]
    rows[number] = row
    return csv(lines(*rows))


def moved(*order: int) -> list[str]:
    """Return the rows with their cells in another order."""
    return [",".join(row.split(",")[i] for i in order) for row in ROWS]


WHOLE = lines(*ROWS)

DIALECTS = [
    Case("Kaggle's header", csv(WHOLE), READ),
    Case("Kaggle's header from 1", csv(lines(*ROWS, header="label,pixel1,pixel2,pixel3,pixel4")), READ),
    Case("a header of places", csv(lines(*ROWS, header="label,1x1,1x2,2x1,2x2")), READ),
    Case(
        "OpenML's header", csv(lines(*moved(1, 2, 3, 4, 0), header="pixel1,pixel2,pixel3,pixel4,class")), READ
    ),
    Case("a header of numbers, as of pandas", csv(lines(*ROWS, header="0,1,2,3,4")), READ),
    Case("a header of V1 to V5, as of R", csv(lines(*ROWS, header="V1,V2,V3,V4,V5")), READ),
    Case("no header", csv(lines(*ROWS, header="")), READ),
    Case("a header and nothing else", csv(lines()), Reads(train=(PIXELS[:0], CLASSES[:0]))),
    Case("quoted names", csv(lines(*ROWS, header='"label","pixel0","pixel1","pixel2","pixel3"')), READ),
    Case("capital names", csv(lines(*ROWS, header="Label,Pixel0,Pixel1,Pixel2,Pixel3")), READ),
    Case("semicolons", csv(WHOLE.replace(",", ";")), READ),
    Case("tabs", csv(WHOLE.replace(",", "\t")), READ),
    Case("bars", csv(WHOLE.replace(",", "|")), READ),
    Case("blanks", csv(WHOLE.replace(",", " ")), READ),
    Case("commas and blanks", csv(WHOLE.replace(",", ", ")), READ),
    Case("quoted numbers", csv(lines(*('"' + row.replace(",", '","') + '"' for row in ROWS))), READ),
    Case("some numbers quoted", with_row('0,"7",7," 7 ",7'), READ),
    Case("numbers as 7.0", with_row("0.0,7.0,7.,7.000,7"), READ),
    Case("numbers as 007", with_row("000,007,07,7,0000000007"), READ),
    Case("a byte order mark", csv("\ufeff" + WHOLE), READ),
    Case("a byte order mark and no header", csv("\ufeff" + lines(*ROWS, header="")), READ),
    Case("CRLF", csv(lines(*ROWS, end="\r\n")), READ),
    Case("LF and CRLF", csv(WHOLE.replace("\n", "\r\n", 2)), READ),
    Case("no final newline", csv(WHOLE[:-1]), READ),
    Case("CRLF but for the end", csv(lines(*ROWS, end="\r\n")[:-2]), READ),
    Case("blank lines at the end", csv(WHOLE + "\n \n\t\r\n\n"), READ),
    Case(
        "two gzip members",
        csv(gzip_of(WHOLE[:50].encode()) + gzip_of(WHOLE[50:].encode()), "train.csv.gz"),
        READ,
    ),
    Case("gzip without its suffix", csv(gzip_of(WHOLE.encode())), READ),
    Case("two bzip2 streams", csv(bz2.compress(WHOLE[:9].encode()) + bz2.compress(WHOLE[9:].encode())), READ),
    Case("two xz streams", csv(lzma.compress(WHOLE[:9].encode()) + lzma.compress(WHOLE[9:].encode())), READ),
    Case("zip of one member", csv(zip_of(("mnist/train.csv", WHOLE.encode())), "train.csv.zip"), READ),
    Case(
        "labels below 0 and above 255",
        csv(lines("-1,0,1,2,255", "300,7,7,7,7")),
        Reads(train=(PIXELS[:2], np.array([-1, 300], "i4"))),
    ),
    Case(
        "no labels", csv(lines(*moved(1, 2, 3, 4), header="pixel0,pixel1,pixel2,pixel3")), Reads(train=PIXELS)
    ),
    Case(
        "a column of row numbers",
        csv(lines(*(f"{i},{row}" for i, row in enumerate(ROWS)), header="id," + HEADER)),
        Reads(train=(PIXELS, np.array([[5, 0], [0, 1], [9, 2]], "i4"))),
    ),
]

CELLS = [
    Case(
        "256",
        with_row("0,7,7,256,7"),
        Refused("train.csv, line 3", "column 'pixel2': expected a whole number from 0 to 255, found '256'"),
    ),
    Case(
        "-1",
        with_row("0,-1,7,7,7"),
        Refused("train.csv, line 3", "column 'pixel0': expected a whole number from 0 to 255, found '-1'"),
    ),
    Case("-0", with_row("0,-0,7,7,7"), Refused("line 3", "column 'pixel0'", "found '-0'")),
    Case(
        "0.5",
        with_row("0,7,0.5,7,7"),
        Refused("line 3", "column 'pixel1': expected a whole number from 0 to 255, found '0.5'"),
    ),
    Case("NaN", with_row("0,7,7,7,NaN"), Refused("line 3", "column 'pixel3'", "found 'NaN'")),
    Case("infinity", with_row("0,inf,7,7,7"), Refused("line 3", "column 'pixel0'", "found 'inf'")),
    Case("1e2", with_row("0,1e2,7,7,7"), Refused("line 3", "column 'pixel0'", "found '1e2'")),
    Case("0x10", with_row("0,0x10,7,7,7"), Refused("line 3", "column 'pixel0'", "found '0x10'")),
    Case("1_0", with_row("0,1_0,7,7,7"), Refused("line 3", "column 'pixel0'", "found '1_0'")),
    Case("+7", with_row("0,+7,7,7,7"), Refused("line 3", "column 'pixel0'", "found '+7'")),
    Case(
        "digits of another script", with_row("0,٧,7,7,7"), Refused("line 3", "column 'pixel0'", "found '٧'")
    ),
    Case("a word", with_row("0,seven,7,7,7"), Refused("line 3", "column 'pixel0'", "found 'seven'")),
    Case("an empty pixel", with_row("0,7,,7,7"), Refused("line 3", "column 'pixel1'", "found an empty cell")),
    Case("a blank pixel", with_row("0,7, ,7,7"), Refused("line 3", "column 'pixel1'", "found an empty cell")),
    Case(
        "an empty label",
        with_row(",7,7,7,7"),
        Refused("line 3", "column 'label': expected a whole number of 64 bits, found an empty cell"),
    ),
    Case("a word for a label", with_row("zero,7,7,7,7"), Refused("line 3", "column 'label'", "found 'zero'")),
    Case("half a label", with_row("0.5,7,7,7,7"), Refused("line 3", "column 'label'", "found '0.5'")),
    Case(
        "a label of 300 digits",
        with_row("9" * 300 + ",7,7,7,7"),
        Refused("line 3", "column 'label'", "found '999999999999999999999999…'"),
    ),
    Case(
        "a label of 64 bits and 1",
        with_row(f"{2**63},7,7,7,7"),
        Refused("line 3", "column 'label'", "found '9223372036854775808'"),
    ),
    Case(
        "a pixel of 300 digits",
        with_row("0," + "9" * 300 + ",7,7,7"),
        Refused("line 3", "column 'pixel0'", "found '999999999999999999999999…'"),
    ),
    Case(
        "a pixel of 300 digits, no header",
        csv(lines("5,0,1,2," + "9" * 300, *ROWS, header="")),
        Refused("line 1", "column 5", "found '9999"),
    ),
    Case("a pixel of 100 zeros", with_row("0," + "0" * 100 + "7,7,7,7"), READ),
    Case("an open quote", with_row('0,"7,7,7,7'), Refused("line 3", "column 'pixel0'", "found '\"7'")),
    Case(
        "a NUL byte in a cell",
        with_row("0,7\0,7,7,7"),
        Refused("line 3", "column 'pixel0'", r"found '7\x00'"),
    ),
    Case(
        "a NUL byte in the header",
        csv(lines(*ROWS, header="label,pixel\0,pixel1,pixel2,pixel3")),
        Refused("line 1"),
    ),
    Case(
        "an escape in a cell",
        with_row("0,7\x1b[31m,7,7,7"),
        Refused("line 3", "column 'pixel0'", r"found '7\x1b[31m'"),
    ),
    Case(
        "bytes that are no UTF-8 in a cell",
        csv(WHOLE.encode() + b"0,7\xff,7,7,7\n"),
        Refused("line 5", "column 'pixel0'", r"found '7\\xff'"),
    ),
    Case(
        "bytes that are no UTF-8 in the header",
        csv(b"label\xff," + WHOLE.encode()),
        Refused("line 1", "not a line of text cells: expected"),
    ),
]

ROWS_OF = [
    Case(
        "a row short by a cell",
        with_row("0,7,7,7"),
        Refused("train.csv, line 3", "number of cells: expected 5, found 4"),
    ),
    Case(
        "a row long by a cell",
        with_row("0,7,7,7,7,7"),
        Refused("line 3", "number of cells: expected 5, found 6"),
    ),
    Case(
        "a comma at the end",
        with_row("0,7,7,7,7,"),
        Refused("line 3", "number of cells: expected 5, found 6"),
    ),
    Case("the last row cut", csv(WHOLE[:-4]), Refused("line 4", "number of cells: expected 5, found 4")),
    Case(
        "another separator in a row",
        with_row("0;7;7;7;7"),
        Refused("line 3", "number of cells: expected 5, found 1"),
    ),
    Case(
        "a blank line between rows",
        with_row(""),
        Refused("line 3", "blank line between rows: expected", "found"),
    ),
    Case(
        "a blank line of commas",
        with_row(",,,,"),
        Refused("line 3", "column 'pixel0'", "found an empty cell"),
    ),
    Case(
        "a blank line before all",
        csv("\n" + WHOLE),
        Refused("line 1", "neither a header nor whole numbers: expected", "found ''"),
        found=UNKNOWN,
    ),
    Case("the header once more", with_row(HEADER), Refused("line 3", "column 'pixel0'", "found 'pixel0'")),
    Case(
        "a comment between rows",
        with_row("# the seven"),
        Refused("line 3", "number of cells: expected 5, found 1"),
    ),
    Case("CR alone", csv(WHOLE.replace("\n", "\r")), Refused("line 1")),
    Case(
        "a fault far behind",
        csv(lambda: lines(*["1,2,3,4,5"] * 300_000, "1,2,3,4,x")),
        Refused("line 300002", "column 'pixel3'", "found 'x'"),
    ),
    Case(
        "images of other sizes",
        csv(lines(*ROWS, ",".join(["1"] * 10))),
        Refused("line 5", "number of cells: expected 5, found 10"),
    ),
    Case(
        "splits of other sizes",
        files({"train.csv": WHOLE, "test.csv": lines("1,2", header="label,pixel0")}),
        Reads(train=(PIXELS, CLASSES), test=(np.array([[[2]]], "u1"), np.array([1], "u1"))),
    ),
    Case(
        "shards of other sizes",
        files(
            {
                "train-00000-of-00002.csv": WHOLE,
                "train-00001-of-00002.csv": lines("1,2", header="label,pixel0"),
            }
        ),
        Refused("train-00001-of-00002.csv", "expected", "found"),
    ),
]

FIRST_LINES = [
    Case(
        "an empty file",
        csv(""),
        Refused("train.csv", "empty file: expected a header or images, found"),
        found=UNKNOWN,
    ),
    Case("a byte order mark alone", csv("\ufeff"), Refused("train.csv", "expected", "found"), found=UNKNOWN),
    Case("a newline alone", csv("\n"), Refused("train.csv, line 1", "expected", "found ''"), found=UNKNOWN),
    Case(
        "a header without pixels",
        csv("name,age\nAnna,7\n"),
        Refused(
            "line 1", "no columns of pixels: expected a label, a row number, pixel0", "found 'name', 'age'"
        ),
    ),
    Case(
        "a stranger beside the pixels",
        csv(lines(header="colour," + HEADER)),
        Refused("line 1", "column 1: expected", "found 'colour'"),
    ),
    Case(
        "two columns of labels",
        csv(lines(header=HEADER + ",class")),
        Refused("line 1", "two columns of labels: expected", "found"),
    ),
    Case(
        "pixels out of order",
        csv(lines(*ROWS, header="label,pixel0,pixel2,pixel1,pixel3")),
        Refused("line 1", "columns of pixels: expected pixel0, pixel1", "found"),
    ),
    Case(
        "pixels with a gap",
        csv(lines(*ROWS, header="label,pixel0,pixel1,pixel2,pixel4")),
        Refused("line 1", "columns of pixels: expected pixel0, pixel1", "found"),
    ),
    Case(
        "a pixel twice",
        csv(lines(*ROWS, header="label,pixel0,pixel1,pixel1,pixel2")),
        Refused("line 1", "columns of pixels: expected pixel0, pixel1", "found"),
    ),
    Case(
        "places out of order",
        csv(lines(*ROWS, header="label,1x1,2x1,1x2,2x2")),
        Refused("line 1", "columns of pixels: expected", "found"),
    ),
    Case(
        "places of terabytes",
        csv(lines(*ROWS, header="label,1x1,999999999x999999999,1x2,2x2")),
        Refused("line 1", "columns of pixels: expected", "found"),
    ),
    Case(
        "pixels apart",
        csv(lines(*ROWS, header="pixel0,pixel1,label,pixel2,pixel3")),
        Refused("line 1", "columns: expected pixels side by side, found"),
    ),
    Case(
        "pixels of no square",
        csv(lines("1,2,3,4", header="label,pixel0,pixel1,pixel2")),
        Refused("line 1", "columns of pixels of a square image: expected a square number", "found 3"),
    ),
    Case(
        "numbers of no square",
        csv("9,2,3,4,5,6,7,8\n"),
        Refused("line 1", "columns of pixels of a square image: expected a square number", "found 8"),
    ),
    Case(
        "a count that may be an image", csv("0,1,2,3,4\n"), Refused("line 1", "0 to 4", "expected", "found")
    ),
    Case(
        "neither words nor numbers",
        csv("5,0,1,2,x\n"),
        Refused("line 1", "neither a header nor whole numbers: expected", "found 'x'"),
    ),
    Case(
        "fractions",
        csv("5,0.0,0.5,0.25,1.0\n"),
        Refused("line 1", "neither a header nor whole numbers: expected", "found '0.5'"),
    ),
    Case(
        "as many columns as memory",
        csv(lambda: b"1," * (2 * MIB) + b"1\n"),
        Refused("line 1", "too many columns: expected at most 1,048,578, found 2,097,153"),
    ),
    Case(
        "a million columns of 60 digits",
        csv(lambda: b",".join([b"%060d" % i for i in range(MIB)])),
        Refused("line 1", "line too long: expected at most 16,777,216 bytes, found more"),
    ),
    Case(
        "a million named columns",
        csv(lambda: ",".join(f"pixel{i}" for i in range(MIB - 1))),
        Refused("line 1", "columns of pixels of a square image: expected a square number", "found 1048575"),
    ),
    Case(
        "a cell of a megabyte",
        csv(lambda: "label," + "p" * MIB + "\n1,2\n"),
        Refused("line 1", "not a line of text cells: expected", "found field larger than"),
    ),
    Case(
        "a quote that never ends",
        csv(lambda: 'label,"pixel0' + "\n1,2" * MIB),
        Refused("line 1", "expected", "found"),
    ),
    Case(
        "a line of 100 MB",
        csv(lambda: [b"12345678," * (100_000_000 // 9)]),
        Refused("line 1", "line too long: expected at most 16,777,216 bytes, found more"),
    ),
    Case(
        "a second line of 100 MB",
        csv(lambda: [HEADER.encode(), b"\n", b"1" * 100_000_000]),
        Refused("line 2", "line too long: expected at most 156 bytes, found more"),
    ),
    Case(
        "100 MB of NUL bytes",
        csv(lambda: [bytes(100_000_000)]),
        Refused("line 1", "line too long: expected at most 16,777,216 bytes, found more"),
        found=UNKNOWN,
    ),
    Case(
        "UTF-16",
        csv(WHOLE.encode("utf-16")),
        Refused("line 1", "not a line of text cells: expected", "found"),
        found=UNKNOWN,
    ),
    Case(
        "names that are formulas",
        csv(lines(*ROWS, header="=1+1,pixel0,pixel1,pixel2,pixel3")),
        Refused("line 1", "column 1: expected", "found '=1+1'"),
    ),
]

_DAMAGED = "damaged {} data: expected a whole stream, found"

PACKED = [
    Case(
        "gzip cut",
        csv(gzip_of(WHOLE.encode())[:-9]),
        Refused("train.csv", _DAMAGED.format("gzip"), "one that ends too early"),
    ),
    Case(
        "gzip with another checksum",
        csv(gzip_of(WHOLE.encode())[:-8] + bytes(8)),
        Refused(_DAMAGED.format("gzip"), "CRC"),
    ),
    Case(
        "bzip2 with its second stream damaged",
        csv(bz2.compress(WHOLE.encode()) + b"?" + bz2.compress(ROWS[0].encode())[1:]),
        Refused(_DAMAGED.format("bzip2")),
    ),
    Case(
        "xz with its second stream damaged",
        csv(lzma.compress(WHOLE.encode()) + b"?" + lzma.compress(ROWS[0].encode())[1:]),
        Refused(_DAMAGED.format("xz")),
    ),
    Case("zstd cut", csv(packing.zstd_of(WHOLE.encode())[:-9]), Refused(_DAMAGED.format("zstd"))),
    Case(
        "gzip of a GiB of NUL bytes",
        csv(lambda: packing.gzip_bomb(WHOLE.encode(), GIB)),
        Refused("line 5", "line too long: expected at most 156 bytes"),
    ),
    Case(
        "gzip of a GiB of blank lines",
        csv(lambda: packing.gzip_bomb(WHOLE.encode(), GIB, b"\n")),
        Refused("line 5", "blank lines", "expected at most", "found more"),
    ),
    Case(
        "gzip of a GiB of blanks",
        csv(lambda: packing.gzip_bomb(WHOLE.encode(), GIB, b" ")),
        Refused("line 5", "line too long: expected at most 156 bytes"),
    ),
    Case(
        "gzip of a GiB in one line",
        csv(lambda: packing.gzip_bomb(b"", GIB, b"1")),
        Refused("line 1", "line too long: expected at most 16,777,216 bytes, found more"),
    ),
    Case(
        "zstd of 4 GiB of NUL bytes",
        csv(lambda: packing.zstd_bomb(WHOLE.encode(), 4 * GIB)),
        Refused("line 5", "line too long: expected at most 156 bytes"),
    ),
    Case(
        "bzip2 of a GiB of NUL bytes",
        csv(lambda: packing.bzip2_bomb(WHOLE.encode(), GIB)),
        Refused("line 5", "line too long: expected at most 156 bytes"),
    ),
    Case(
        "zip of two members",
        csv(foreign.ZIP_OF_TWO),
        Refused("train.csv", "zip archive: expected one member, found 2"),
    ),
]

KINDS = [
    Case(f"{kind} under the name of CSV", csv(content), Refused("train.csv"))
    for kind, content in foreign.KINDS.items()
]

BESIDE = [
    Case("an empty folder", lambda folder: None, Refused("no such files: expected", "found"), found=NO_FILES),
    Case(
        "no CSV in the folder",
        files({"notes.md": "#"}),
        Refused("no such files: expected .csv or .txt", "found notes.md"),
        found=UNKNOWN,
    ),
    Case(
        "two datasets in the folder",
        files({"a_train.csv": WHOLE, "b_train.csv": WHOLE}),
        Refused("several datasets in one folder: expected", "found a, b"),
    ),
    Case(
        "two files for one split",
        files({"train.csv": WHOLE, "train.csv.gz": gzip_of(WHOLE.encode())}),
        Refused("two files for split 'train': expected", "found train.csv, train.csv.gz"),
    ),
    Case(
        "a shard too few",
        files({"train-00001-of-00002.csv": WHOLE, "test.csv": WHOLE}),
        Refused("shards of split 'train': expected", "found"),
    ),
    Case(
        "a folder called like a file",
        lambda folder: (folder / "train.csv").mkdir(),
        Refused("no such files: expected", "found"),
        found=NO_FILES,
    ),
    Case(
        "Kaggle's submission beside",
        files({"train.csv": WHOLE, "sample_submission.csv": "ImageId,Label\n1,0\n"}),
        READ,
    ),
]

CASES = [*DIALECTS, *CELLS, *ROWS_OF, *FIRST_LINES, *PACKED, *KINDS, *BESIDE]
