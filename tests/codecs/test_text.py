"""The text codec by itself: both decoders against an independent reading, blocks of lines, layouts."""

from __future__ import annotations

import csv
import io
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistkit.codecs.text import MOST_COLUMNS, Layout, Lines, NoImagesError, detect, encode, grid_names
from mnistkit.codecs.text.decode import decode, decode_exactly, decode_plain
from mnistkit.codecs.text.lines import BLOCK_BYTES, Block
from mnistkit.errors import DataError, UsageError
from mnistkit.plugin import parse_shape

pytestmark = pytest.mark.usefixtures("lane")

PATH = Path("train.csv")
LABEL_FIRST = Layout(b",", (2, 2), before=("label",), label=0)
LABEL_LAST = Layout(b",", (2, 2), after=("label",), label=0)
UNLABELLED = Layout(b",", (2, 2))
BOTH = Layout(b",", (2, 2), before=("id",), after=("label", "fold"), label=1)
SPACED = Layout(b" ", (2, 2), before=("label",), label=0)
LAYOUTS = pytest.mark.parametrize(
    "layout",
    [LABEL_FIRST, LABEL_LAST, UNLABELLED, BOTH, SPACED],
    ids=["first", "last", "none", "both", "space"],
)


def slow_reading(text: bytes, layout: Layout) -> list[list[int]] | None:
    """Read with csv and int alone; None where the strict reading refuses."""
    table = []
    pixels = range(layout.cells)[layout.pixel_columns]
    for line in text.decode("latin-1").split("\n")[:-1]:
        cells = line.removesuffix("\r").split(layout.separator.decode())
        row = []
        for i, cell in enumerate(cells):
            bare = cell.strip(" \t")
            if len(bare) >= 2 and bare[0] == bare[-1] == '"':
                bare = bare[1:-1].strip(" \t")
            whole, point, zeros = bare.partition(".")
            bare = whole if point and not zeros.strip("0") else bare
            sign = i not in pixels and bare.startswith("-")
            body = bare[1:] if sign else bare
            if not body or set(body) - set("0123456789"):
                return None
            value = -int(body) if sign else int(body)
            if not (0 <= value <= 255 if i in pixels else -(2**63) <= value < 2**63):
                return None
            row.append(value)
        if len(row) != layout.cells:
            return None
        table.append(row)
    return table


def as_table(rows, layout):
    table = np.zeros((len(rows), layout.cells), object)
    table[:, layout.pixel_columns] = rows.pixels
    for column, values in zip(layout.integer_columns, rows.integers, strict=True):
        table[:, column] = values
    return table.tolist()


def table_or_none(read, layout):
    try:
        rows = read()
    except DataError:
        return None
    return None if rows is None else as_table(rows, layout)


def assert_decoders_agree(text, layout):
    """The exact decoder says what the slow reading says, the plain one the same or nothing."""
    bare = text.replace(b"\r\n", b"\n")

    expected = slow_reading(text, layout)

    assert table_or_none(lambda: decode_exactly(bare, layout, path=PATH, line=1), layout) == expected
    assert table_or_none(lambda: decode_plain(bare, layout), layout) in (None, expected)
    assert table_or_none(lambda: decode(Block(text, 1, 0), layout, path=PATH), layout) == expected


CELLS = st.one_of(
    st.integers(0, 255).map(str),
    st.integers(0, 9).map(str),
    st.sampled_from(
        ["255", "256", "199", "260", "300", "999", "1000", "25600", "007", "0000", "-1", "-0", "--1", ""]
    ),
    st.sampled_from(
        [
            "1.5",
            "5.0",
            "5.",
            "255.000",
            "256.0",
            "-3.0",
            ".0",
            "5.0.0",
            "1.00001",
            "x",
            " 5 ",
            "5 ",
            '"5"',
            '""',
            '"',
            "+5",
            "1_0",
            "\0",
            "5\r",
            "é",
            "9" * 18,
            "9" * 19,
        ]
    ),
    st.sampled_from(
        [str(2**63 - 1), str(2**63), str(-(2**63)), str(-(2**63) - 1), "1" * 300, "1e2", "NaN", "5,5"]
    ),
)
PLAIN = st.integers(0, 255).map(str)


@LAYOUTS
@given(data=st.data())
def test_both_decoders_agree_with_a_slow_reading(layout, data):
    # One odd cell in a plain table finds more than many odd cells: those are refused for any of them.
    width = (
        st.one_of(st.just(layout.cells), st.integers(1, layout.cells + 1))
        if data.draw(st.booleans())
        else None
    )
    rows = [
        data.draw(st.lists(PLAIN, min_size=w, max_size=w))
        for w in ([layout.cells] * 3 if width is None else [layout.cells, data.draw(width)])
    ]
    for _ in range(data.draw(st.integers(0, 2))):
        row = data.draw(st.sampled_from(rows))
        row[data.draw(st.integers(0, len(row) - 1))] = data.draw(CELLS)
    separator = layout.separator.decode()

    assert_decoders_agree("".join(separator.join(row) + "\n" for row in rows).encode(), layout)


@LAYOUTS
@given(text=st.text('0123456789, \n-"', max_size=60))
def test_decoders_agree_on_any_text(layout, text):
    assert_decoders_agree((text + "\n").encode(), layout)


@LAYOUTS
def test_plain_numbers_take_the_vectorised_way(layout):
    rows = [[i % 256 for i in range(n, n + layout.cells)] for n in range(300)]
    text = "".join(layout.separator.decode().join(map(str, row)) + "\n" for row in rows).encode()

    plain = decode_plain(text, layout)

    assert plain is not None
    assert as_table(plain, layout) == rows


@pytest.mark.parametrize("label", [3000, -1, -128, 65536, 10**17, -(10**17)])
@pytest.mark.parametrize("layout", [LABEL_FIRST, LABEL_LAST], ids=["first", "last"])
def test_wide_labels_take_the_vectorised_way(layout, label):
    place = "first" if layout is LABEL_FIRST else "last"
    text = encode(np.full((9, 2, 2), 255, np.uint8), np.array([label, 5, 0] * 3), separator=b",", label=place)

    plain = decode_plain(text, layout)

    assert plain is not None
    assert plain.integers[0].tolist() == [label, 5, 0] * 3
    assert (plain.pixels == 255).all()


def test_every_value_survives_at_every_place():
    images = np.stack([np.roll(np.arange(256, dtype=np.uint8), i).reshape(16, 16) for i in range(256)])
    text = encode(images, None, separator=b";")

    plain = decode_plain(text, Layout(b";", (16, 16)))

    assert plain is not None
    np.testing.assert_array_equal(plain.pixels, images.reshape(256, 256))


@pytest.mark.parametrize("line", [b"1,2,3,%d\n", b"%d,1,2,3\n"], ids=["last", "first"])
def test_no_value_above_255_wraps_around(line):
    wrapped = [n for n in range(256, 26_000) if decode_plain(line % n, UNLABELLED) is not None]

    assert not wrapped


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("256", "'256'"),
        ("-1", "'-1'"),
        ("1.5", "'1.5'"),
        ("cat", "'cat'"),
        ("", "an empty cell"),
        ("0\0", "'0\\x00'"),
        ("1" * 300, "'" + "1" * 24 + "…'"),
        ("NaN", "'NaN'"),
        ("  ", "an empty cell"),
        ("é", "'é'"),
        ("1_0", "'1_0'"),
    ],
)
def test_a_bad_pixel_is_named_by_line_and_column(cell, found):
    block = Block(f"1,2,3,4\n1,2,{cell},4\n".encode(), line=7, offset=0)

    with pytest.raises(DataError) as caught:
        decode(block, UNLABELLED, path=PATH)

    assert str(caught.value) == (
        f"train.csv, line 8: column 3: expected a whole number from 0 to 255, found {found}"
    )


def test_a_bad_label_is_named_by_the_headers_word():
    layout = Layout(b",", (1, 1), before=("label",), label=0, names=("label", "pixel0"))

    with pytest.raises(
        DataError, match=r"train.csv, line 2: column 'label': expected a whole number of 64 bits"
    ):
        decode(Block(b"five,0\n", 2, 0), layout, path=PATH)


@pytest.mark.parametrize(("line", "cells"), [("1,2,3", 3), ("1,2,3,4,5", 5), ("1,2,3,4,", 5), ("1;2;3;4", 1)])
def test_a_ragged_line_is_refused(line, cells):
    with pytest.raises(DataError, match=rf"train.csv, line 2: number of cells: expected 4, found {cells}$"):
        decode(Block(f"1,2,3,4\n{line}\n".encode(), 1, 0), UNLABELLED, path=PATH)


def test_encode_writes_what_the_csv_module_would():
    images = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3) * 10
    expected = io.StringIO()
    csv.writer(expected, lineterminator="\n").writerows(
        [label, *image.ravel().tolist()] for label, image in zip([7, -(2**63)], images, strict=True)
    )

    assert encode(images, np.array([7, -(2**63)]), separator=b",").decode() == expected.getvalue()


def test_encode_writes_nothing_for_no_images():
    assert encode(np.empty((0, 2, 2), np.uint8), np.empty(0, int), separator=b",") == b""


def lines_of(text: bytes) -> Lines:
    return Lines(io.BytesIO(text), PATH)


def test_lines_skip_a_byte_order_mark_but_count_it():
    lines = lines_of(b"\xef\xbb\xbfa,b\r\n1,2\r\n")

    assert lines.peek() == b"a,b"
    lines.skip()
    (block,) = lines.blocks(100)

    assert block == Block(b"1,2\r\n", 2, 8)


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n\n", b"\n \t\n\r\n", b"\r\n", b"\n  "])
def test_blank_ends_are_left_out(end):
    blocks = list(lines_of(b"1,2\n3,4" + end).blocks(100))

    assert b"".join(b.text for b in blocks).replace(b"\r", b"") == b"1,2\n3,4\n"


def test_blank_lines_between_blocks_are_refused():
    text = b"1,2\n" + b"\n" * (3 * BLOCK_BYTES) + b"3,4\n"

    with pytest.raises(DataError, match=r"train.csv, line 2: blank line between rows"):
        list(lines_of(text).blocks(100))


def test_blocks_give_back_every_byte_in_order():
    text = b"".join(b"%d\n" % i for i in range(600_000))

    blocks = list(lines_of(text).blocks(100))

    assert len(blocks) > 3
    assert b"".join(b.text for b in blocks) == text
    assert [b.offset for b in blocks[1:]] == [b.offset + len(b.text) for b in blocks[:-1]]
    assert blocks[-1].line == int(blocks[-1].text.split(b"\n")[0]) + 1


def test_lines_show_two_lines_ahead_and_stay():
    lines = lines_of(b"\xef\xbb\xbfa\r\nb")

    assert (lines.peek(), lines.peek_second(), lines.peek()) == (b"a", b"b", b"a")
    lines.skip()
    assert (lines.peek(), lines.peek_second(), lines.line, lines.offset) == (b"b", None, 2, 6)
    lines.skip()
    assert (lines.peek(), lines.peek_second()) == (None, None)


def test_skipping_many_lines_takes_time_in_proportion():
    lines = lines_of(b"//x\n" * (3 * BLOCK_BYTES // 4) + b"1,2\n")
    start = time.process_time()

    while lines.peek() == b"//x":
        lines.skip()

    assert time.process_time() - start < 10  # about one second; minutes where each line copies the rest
    assert [block.text for block in lines.blocks(100)] == [b"1,2\n"]
    assert lines.line == 3 * BLOCK_BYTES // 4 + 2


def test_many_columns_are_told_in_little_memory():
    line = b"label," + b",".join(b"pixel%d" % i for i in range(1 << 16))
    tracemalloc.start()

    layout = detect(line, where="train.csv, line 1")

    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert layout.shape == (256, 256)
    assert most < 250 * (1 << 16)  # bytes for each column


def test_more_than_a_megapixel_is_refused():
    with pytest.raises(DataError, match="too many columns: expected at most 1,048,578"):
        detect(b"0," * MOST_COLUMNS + b"0", where="train.csv, line 1")


def test_a_line_that_never_ends_is_refused_early():
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size=-1):
            self.given += size
            return b"1" * size

    stream = Endless()

    with pytest.raises(DataError, match=r"train.csv, line 1: line too long: expected at most 1,000 bytes"):
        list(Lines(stream, PATH).blocks(1000))
    assert stream.given <= 2 * BLOCK_BYTES
    with pytest.raises(DataError, match="line too long: expected at most 16,777,216 bytes"):
        Lines(stream, PATH).peek()


def found(line, **known):
    layout = detect(line.encode(), where="train.csv, line 1", **known)
    return layout.shape, layout.before, layout.after, layout.label, layout.separator, layout.header


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("label,pixel0,pixel1,pixel2,pixel3", ((2, 2), ("label",), (), 0, b",", True)),
        ("id,pixel0,pixel1,pixel2,pixel3", ((2, 2), ("id",), (), None, b",", True)),
        ('"","label","V1","V2","V3","V4"', ((2, 2), ("index", "label"), (), 1, b",", True)),
        ("pixel1;pixel2;pixel3;pixel4;class", ((2, 2), (), ("class",), 0, b";", True)),
        ("label,1x1,1x2,1x3,2x1,2x2,2x3", ((2, 3), ("label",), (), 0, b",", True)),
        ("pixel_0_0,pixel_0_1,target", ((1, 2), (), ("target",), 0, b",", True)),
        ("1x1x1\t1x1x2\t1x1x3\tlabel", ((1, 1, 3), (), ("label",), 0, b"\t", True)),
        ("V1,V2,V3,V4,V5", ((2, 2), ("V1",), (), 0, b",", True)),
        ("y,pixel0,pixel1,pixel2,pixel3", ((2, 2), ("y",), (), 0, b",", True)),
        ("digit,V1,V2,V3,V4", ((2, 2), ("digit",), (), 0, b",", True)),
        ("pixel0,target", ((1, 1), (), ("target",), 0, b",", True)),
        ("column_0,column_1,column_2,column_3", ((2, 2), (), (), None, b",", True)),
        (",0,1,2,3,4", ((2, 2), ("index", "0"), (), 1, b",", True)),
        ("5.0,0.0,0.,0.00,0", ((2, 2), ("column1",), (), 0, b",", False)),
        ("5,0,0,0,0", ((2, 2), ("column1",), (), 0, b",", False)),
        ("0|0|0|0", ((2, 2), (), (), None, b"|", False)),
        ("7", ((1, 1), (), (), None, b",", False)),
        ("7,0", ((1, 1), ("column1",), (), 0, b",", False)),
    ],
)
def test_the_first_line_tells_the_layout(line, expected):
    assert found(line) == expected


def test_what_the_caller_knows_wins():
    assert found("9,1,2,3,4", label="last")[1:4] == ((), ("column5",), 0)
    assert found("9,1,2,3,4,5,6", shape=(2, 3))[:2] == ((2, 3), ("column1",))
    assert found("0,1,2,3", header=True) == ((2, 2), (), (), None, b",", True)
    assert found("0,1,2,3", header=False) == ((2, 2), (), (), None, b",", False)
    assert found("a b c d", header=True) == ((2, 2), (), (), None, b" ", True)
    assert found("a,b,c,d,e", header=True, label="last")[1:4] == ((), ("e",), 0)
    assert found("species,V1,V2,V3,V4", label="first")[1:4] == (("species",), (), 0)
    assert found("species,V1,V2,V3,V4", label="none")[1:4] == (("species",), (), None)
    assert found("9,1,2,3,4", label="none", shape=(1, 5))[:4] == ((1, 5), (), (), None)


@pytest.mark.parametrize("label", ["first", "last", "none", "auto"])
@pytest.mark.parametrize("shape", [None, (2, 2)], ids=["unknown", "known"])
@pytest.mark.parametrize("line", ["9,1,2,3", "pixel0,pixel1,pixel2,pixel3", "id,pixel0,pixel1,pixel2,pixel3"])
def test_where_the_label_stands_does_not_make_one(line, shape, label):
    assert found(line, label=label, shape=shape)[3] is None


def test_a_label_that_is_not_there_is_said_where_the_shape_is_a_guess():
    assert ", without labels;" in detect(b"9,1,2,3", where="train.csv", label="first").assumed
    assert not detect(b"9,1,2,3", where="train.csv", label="first", shape=(2, 2)).assumed


@pytest.mark.parametrize(("first", "label"), [(0, "0"), (1, "1")])
def test_a_count_is_a_header_where_the_next_line_differs(first, label):
    line = ",".join(map(str, range(first, first + 65))).encode()

    layout = detect(line, where="train.csv, line 1", following=lambda: b"7" + b",0" * 64)

    assert (layout.shape, layout.before, layout.header) == ((8, 8), (label,), True)
    assert layout.assumed == (
        f"the first line, {first} to {first + 64}, taken for names; --read header=no says otherwise; "
        f"taken as gray images of 8x8, column '{label}' for the label; --read shape=HxW[xC] says otherwise"
    )


@pytest.mark.parametrize(
    ("following", "said"),
    [(None, "none"), (b"", "none"), (b"0,1,2,3,4", "the same again")],
    ids=["nothing", "blank", "same"],
)
def test_a_count_that_may_be_an_image_is_refused(following, said):
    with pytest.raises(DataError) as caught:
        detect(b"0,1,2,3,4", where="train.csv, line 1", following=lambda: following)

    assert str(caught.value) == (
        "train.csv, line 1: 0 to 4 may be a header or an image: expected another line that tells, "
        f"found {said}; say which with --read header=yes or --read header=no"
    )


def test_a_count_beyond_all_pixels_is_a_header_whatever_follows():
    layout = detect(",".join(map(str, range(785))).encode(), where="train.csv, line 1")

    assert (layout.shape, layout.header) == ((28, 28), True)
    assert "taken for names" not in layout.assumed


@pytest.mark.parametrize(
    "line", ["sepal,petal,width,height", "x", "id,label", "ImageId,Label", "a,b,class", "x,y"]
)
def test_names_that_nobody_knows_are_no_pixels(line):
    with pytest.raises(NoImagesError, match=r"no columns of pixels: expected a label, .*header=yes$"):
        found(line)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "5,0,abc,0,0",
            "neither a header nor whole numbers: expected names such as pixel0, or numbers, found 'abc'; say",
        ),
        (
            "0.5,0.25",
            "neither a header nor whole numbers: expected names such as pixel0, or numbers, found '0.5'",
        ),
        ("label,pixel0,pixel2,pixel1,pixel3", "columns of pixels: expected pixel0, pixel1, …"),
        ("label,1x1,2x1,1x2,2x2", "columns of pixels: expected pixel0, pixel1, …"),
        ("label,1x1,9x9", "columns of pixels"),
        ("1x1,1x1x2", "columns of pixels"),
        (
            "label,pixel0,class",
            "two columns of labels: expected one, found 1 and 3; say which with --read label=",
        ),
        ("pixel0,label,pixel1", "columns: expected pixels side by side"),
        ("label", "no columns of pixels: expected a label, a row number, pixel0, 1x1, or"),
        (
            "species,pixel0,pixel1",
            "column 1: expected a label, a row number, pixel0, 1x1, or names numbered in one series",
        ),
        (
            "pixel0,pixel1,name",
            "column 3: expected a label, a row number, pixel0, 1x1, or names numbered in one series",
        ),
        ("label,pixel0,name", "column 3: expected a label, a row number, pixel0, 1x1, or names numbered in"),
        ("0,pixel0,pixel1", "column 1: expected a label, a row number, pixel0, 1x1, or names numbered in"),
        ("label,V1,V2,W3", "column 4: expected a label, a row number, pixel0, 1x1, or names numbered in"),
        ("label,V1,V3,V2", "columns of pixels: expected pixel0, pixel1, …"),
        ("pixel0,1x1", "columns of pixels: expected pixel0, pixel1, …"),
        (
            "",
            "neither a header nor whole numbers: expected names such as pixel0, or numbers, found ''",
        ),
        (
            "label,pixel0,pixel1,pixel2",
            "columns of pixels of a square image: expected a square number, found 3; say --read shape=HxW",
        ),
        ('"label,pixel0', "not a line of text cells"),
    ],
)
def test_an_unclear_first_line_is_refused(line, message):
    with pytest.raises(DataError) as caught:
        found(line)

    assert str(caught.value).startswith("train.csv, line 1: " + message)


def test_columns_that_do_not_fit_a_known_shape_are_refused():
    with pytest.raises(DataError, match=r"expected 6 for 2x3, found 4; say where the label is"):
        found("label,pixel0,pixel1,pixel2,pixel3", shape=(2, 3))


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(DataError, match="not a line of text cells"):
        detect(b"\xff\xfe\0\1", where="x.csv, line 1")


def test_shapes_are_spelled_with_x():
    assert parse_shape("") is None
    assert parse_shape("20x28") == (20, 28)
    assert parse_shape("32x32x3") == (32, 32, 3)
    for wrong in ("28", "28X28", "0x28", "1x2x3x4", "28x28 "):
        with pytest.raises(UsageError, match="expected HxW or HxWxC"):
            parse_shape(wrong)


def test_grid_names_are_row_by_column():
    assert grid_names((2, 2)) == ["1x1", "1x2", "2x1", "2x2"]
    assert grid_names((1, 2, 2)) == ["1x1x1", "1x1x2", "1x2x1", "1x2x2"]


@pytest.mark.parametrize(("line", "column"), [("species,pixel0", 1), ("pixel0,pixel1,name", 3)])
def test_a_stranger_is_named_with_the_remedy(line, column):
    stranger = line.split(",")[column - 1]

    with pytest.raises(DataError) as caught:
        found(line)

    assert f"column {column}: expected a label" in str(caught.value)
    assert str(caught.value).endswith(
        f"found '{stranger}'; say where the label is with --read label=first|last|none"
    )
