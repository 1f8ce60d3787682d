"""Damaged and hostile files of ML.NET's binary data view: each refused by one line, without much memory."""

from __future__ import annotations

import gzip
import math
import random
import struct
import tracemalloc

import idv_by_hand as by_hand
import pytest
from idv_by_hand import KEY, TEXT, features, label, note_of, vector_of

from mnistkit.dataset import Dataset
from mnistkit.errors import DataError
from mnistkit.plugin import Source
from mnistkit_mlnet.idv import IdvReadOptions
from mnistkit_mlnet.idv.reader import IdvReader


@pytest.fixture
def make(tmp_path):
    """Write columns by hand as ``train.idv`` and return the path."""

    def make(*columns, name="train.idv", **options):
        path = tmp_path / name
        by_hand.write(path, columns, **options)
        return path

    return make


def load(path):
    return Dataset(IdvReader(Source(path), IdvReadOptions()))["train"].load()


def refused(path, match=None):
    """Assert that a file is refused by one line, without much memory."""
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=match) as caught:
            load(path)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert most < 8 << 20, f"{most:,} bytes were taken"


@pytest.mark.parametrize("compression", [0, 1])
def test_a_file_cut_short_anywhere_is_refused(make, compression):
    values = vector_of(list("abcdefghij"))
    path = make(
        label(compression=compression, notes={"KeyValues": values}), features(compression=compression)
    )
    data = path.read_bytes()

    for size in range(len(data)):
        path.write_bytes(data[:size])
        refused(path)


def test_a_file_that_goes_on_is_refused(make):
    path = make(label(), features())
    path.write_bytes(path.read_bytes() + b"\0")

    refused(path, "cut short, or goes on behind its tail")


def test_no_changed_byte_does_more_than_refuse_or_change_values(make):
    own = note_of(dtype="uint8", shape=[2, 2])
    values = vector_of(list("abcdefghij"))
    path = make(
        label(compression=0, notes={"KeyValues": values}),
        features(compression=0, sparse={2}, notes=own),
        block_rows=2,
    )
    data, dice = path.read_bytes(), random.Random(0)
    read_anyway = 0

    for place in range(len(data)):
        for byte in {0xFF, dice.randrange(256)} - {data[place]}:
            path.write_bytes(data[:place] + bytes([byte]) + data[place + 1 :])
            try:
                load(path)
                read_anyway += 1
            except DataError as error:
                assert "\n" not in str(error)  # noqa: PT017 - that it may be read is the point

    assert 0 < read_anyway < 2 * len(data)


HEADER = {
    "signature": (0, b"CML\0DVX\0", "no binary data view: expected the signature"),
    "version": (8, struct.pack("<Q", 0x0001000100010005), "version: expected 0x1000100010006"),
    "a reader of the future": (16, struct.pack("<Q", 0x0001000100010007), "version"),
    "contents in the header": (24, struct.pack("<q", 255), "place of the table of contents"),
    "contents before the file": (24, struct.pack("<q", -1), "place of the table of contents"),
    "contents behind the tail": (24, struct.pack("<q", 1 << 40), "place of the table of contents"),
    "tail elsewhere": (32, struct.pack("<q", 300), "cut short, or goes on behind its tail"),
    "negative rows": (40, struct.pack("<q", -1), "numbers of rows and columns"),
    "rows without end": (40, struct.pack("<q", 1 << 62), "blocks: expected fewer than fit"),
    "a few more rows": (40, struct.pack("<q", 4), "bytes of 4 rows: expected 16, found 12"),
    "negative columns": (48, struct.pack("<i", -1), "numbers of rows and columns"),
    "too many columns": (48, struct.pack("<i", 2**31 - 1), "table of contents: ends too early"),
    "too few columns": (48, struct.pack("<i", 1), "table of contents: goes on"),
}


@pytest.mark.parametrize(("place", "value", "match"), HEADER.values(), ids=HEADER)
def test_a_wrong_header_is_refused(make, place, value, match):
    path = make(label(), features())
    data = bytearray(path.read_bytes())
    data[place : place + len(value)] = value
    path.write_bytes(data)

    refused(path, match)


LOOKUP = {
    "before the data": (struct.pack("<q", 255), 0, "block 0: stands outside the file"),
    "negative place": (struct.pack("<q", -(2**63)), 0, "block 0: stands outside the file"),
    "behind the end": (struct.pack("<q", 2**63 - 1), 0, "block 0: stands outside the file"),
    "negative length": (struct.pack("<i", -1), 8, "block 0: stands outside the file"),
    "longer than the file": (struct.pack("<i", 2**31 - 1), 8, "block 0: stands outside the file"),
    "negative inflated": (struct.pack("<i", -1), 12, "block 0: cannot be as long as it claims"),
    "inflated beyond deflate": (struct.pack("<i", 2**31 - 1), 12, "block 0: cannot be as long as it claims"),
    "inflated beyond its rows": (
        struct.pack("<i", 100),
        12,
        r"bytes of 3 rows: expected 24 to 84, found 100",
    ),
    "inflated to less than its rows": (
        struct.pack("<i", 23),
        12,
        r"bytes of 3 rows: expected 24 to 84, found 23",
    ),
    "inflated to too little": (
        struct.pack("<i", 35),
        12,
        "inflates further than it may: expected at most 35",
    ),
    "inflated to too much": (struct.pack("<i", 37), 12, "too short: expected 37 bytes, found 36"),
}


@pytest.mark.parametrize(("value", "place", "match"), LOOKUP.values(), ids=LOOKUP)
def test_a_wrong_lookup_table_is_refused(make, value, place, match):
    path = make(features())
    data = bytearray(path.read_bytes())
    (contents,) = struct.unpack_from("<q", data, 24)
    lookup = contents - 16 + place  # the table stands right before the contents
    data[lookup : lookup + len(value)] = value
    path.write_bytes(data)

    refused(path, match)


def with_block(make, monkeypatch, change, *, compression=0):
    """Write a file whose block of vectors has been changed, its lengths told as they are."""
    plain = by_hand.block

    def changed(kind, rows, sparse=()):
        raw = plain(kind, rows, sparse)
        return change(raw) if kind[0] == "VBuffer" else raw

    with monkeypatch.context() as patched:
        patched.setattr(by_hand, "block", changed)
        return make(features(sparse={0, 2}, compression=compression))


def put(place, value):
    return lambda raw: raw[:place] + struct.pack("<i", value) + raw[place + 4 :]


# n, size, three counts, total, five indices, values: PIXELS with rows 0 and 2 sparse.
BLOCK = {
    "another number of vectors": (put(0, 2), "vectors: expected 3 of 4 values, found 2 of 4"),
    "another length": (put(4, 5), "vectors: expected 3 of 4 values, found 3 of 5"),
    "a count below -1": (put(8, -2), "row 0: number of values: expected -1 to 3, found -2"),
    "a count of all": (put(16, 4), "row 2: number of values: expected -1 to 3, found 4"),
    "another total": (put(20, 4), "number of indices: expected 5, and as many, found 4"),
    "a negative index": (put(24, -1), "row 0: indices: expected 0 to 3, ascending, found -1"),
    "an index too large": (put(40, 4), "row 2: indices: expected 0 to 3, ascending, found 4"),
    "an index twice": (put(28, 1), "row 0: indices: expected 0 to 3, ascending, found 1"),
    "descending indices": (put(36, 3), "row 2: indices: expected 0 to 3, ascending, found 3"),
    "too few values": (lambda raw: raw[:-1], "bytes of 9 values: expected 9, found 8"),
    "too many values": (lambda raw: raw + b"\0", "bytes of 9 values: expected 9, found 10"),
}


@pytest.mark.parametrize("compression", [0, 1])
@pytest.mark.parametrize(("change", "match"), BLOCK.values(), ids=BLOCK)
def test_a_wrong_block_of_vectors_is_refused(make, monkeypatch, change, match, compression):
    refused(with_block(make, monkeypatch, change, compression=compression), match)


def test_sparse_vectors_that_would_fill_the_memory_are_refused(make):
    columns = features([[0] * 4] * 300, shape=(4,), sparse=range(300))
    path = make(columns)
    data = path.read_bytes()
    huge = by_hand.codec(("VBuffer", ("Byte",), (2**31 - 1,)))
    path.write_bytes(data.replace(by_hand.codec(columns["kind"]), huge))

    refused(path, "values of a block: expected at most 100,663,296 bytes, found 644,245,094,100")


def test_columns_that_would_fill_the_memory_together_are_refused(make):
    wide = [
        {**features([[0] * n] * 300, "Double", (n,), sparse=range(300)), "name": f"wide{n}"} for n in (5, 6)
    ]
    path = make(features([[0] * 4] * 300), *wide)
    data = path.read_bytes()
    for column in wide:
        large = by_hand.codec(("VBuffer", ("Double",), (21_000,)))
        data = data.replace(by_hand.codec(column["kind"]), large)
    path.write_bytes(data)

    refused(path, "columns of a block: expected at most 100,663,296 bytes, found 100,801,200")


@pytest.mark.parametrize("dimensions", [(2**31 - 1,) * 4, (2**16, 2**16), (2**31 - 1,) * 200], ids=len)
def test_dimensions_whose_product_overflows_are_refused(make, dimensions):
    path = make(features([], shape=dimensions))

    refused(path, "values of a block|no images")


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        (("VBuffer", ("Byte",), ()), "no images"),
        (("VBuffer", ("Byte",), (0,)), "no images"),
        (("VBuffer", ("Byte",), (-4,)), "dimensions: expected 0 or more, found -4"),
        (("VBuffer", TEXT, (4,)), "no images: expected vectors of numbers"),
        (("Byte",), "no images: expected vectors of numbers"),
    ],
    ids=str,
)
def test_features_that_are_no_images_are_refused(make, kind, match):
    refused(make({"name": "Features", "kind": kind, "rows": []}), match)


def test_a_number_of_dimensions_beyond_the_parameters_is_refused(make):
    columns = features()
    path = make(columns)
    kind = by_hand.codec(columns["kind"])
    path.write_bytes(path.read_bytes().replace(kind, kind[:-8] + struct.pack("<ii", 2**31 - 1, 4)))

    refused(path, "number of dimensions: expected 0 to 1, found 2,147,483,647")


def test_types_within_types_without_end_are_refused(make, monkeypatch):
    kind = ("Byte",)
    for _ in range(30):
        kind = ("VBuffer", kind, (4,))

    refused(make({"name": "Features", "kind": kind, "rows": []}), "types within types")


LABEL_FAULTS = {
    "missing": (KEY, [1, 0, 2], "'Label', row 1: missing label: expected a key from 1, found key 0"),
    "beyond the classes": (KEY, [1, 2, 11], "'Label', row 2: key: expected 1 to 10, found 11"),
    "a fraction": (
        ("Single",),
        [1, 0.5, 2],
        "row 1: label: expected a whole number that fits int64, found 0.5",
    ),
    "not a number": (("Single",), [1, math.nan, 2], "row 1: label"),
    "infinite": (("Double",), [1, math.inf, 2], "row 1: label"),
    "beyond int64, real": (("Double",), [1, 2.0**63, 2], "row 1: label"),
    "beyond int64, whole": (("UInt64",), [1, 2**63, 2], "row 1: label"),
    "words": (
        TEXT,
        ["1", "two", "3"],
        "row 1: label: expected digits, found 'two'; make keys .* MapValueToKey",
    ),
    "vectors": (("VBuffer", ("Byte",), (2,)), [[1, 2]] * 3, "no labels"),
    "signed keys": (("Key2", ("Int32",), 10), [1, 2, 3], "no labels"),
}


@pytest.mark.parametrize(("kind", "rows", "match"), LABEL_FAULTS.values(), ids=LABEL_FAULTS)
@pytest.mark.parametrize("block_rows", [1, 8192])
def test_labels_that_are_none_are_refused_with_their_row(make, kind, rows, match, block_rows):
    refused(make(label(rows, kind), features(), block_rows=block_rows), match)


NOTES = {
    "fewer names than classes": (vector_of("abc"), "values of the key: expected 10"),
    "one text": ((TEXT, "abc"), "values of the key: expected 10"),
    "fractions": ((("VBuffer", ("Single",), (10,)), [0.5] * 10), "expected a whole number"),
}


@pytest.mark.parametrize(("values", "match"), NOTES.values(), ids=NOTES)
def test_wrong_class_names_are_refused(make, values, match):
    refused(make(label(notes={"KeyValues": values}), features()), match)


@pytest.mark.parametrize(
    "note",
    [
        {"mnistkit": (TEXT, "{")},
        {"mnistkit": (TEXT, "[" * 100_000)},
        {"mnistkit": (TEXT, "[]")},
        {"mnistkit": (("Byte",), 1)},
        note_of(dtype="uint8"),
        note_of(dtype="int64", shape=[2, 2]),
        note_of(dtype="uint8", shape=[4]),
        note_of(dtype="uint8", shape=[2, -2]),
        note_of(dtype="uint8", shape=[2, 2.0]),
        note_of(dtype="uint8", shape=[2, 2], class_names="ab"),
    ],
    ids=lambda note: str(note)[27:90],
)
def test_a_note_that_mnistkit_did_not_write_is_refused(make, note):
    refused(make(features(notes=note)), r"'Features': annotation 'mnistkit': expected dtype and shape")


def test_a_note_of_another_size_is_refused(make):
    refused(
        make(features(notes=note_of(dtype="uint8", shape=[3, 3]))), "as the note in the file says, found 4"
    )


def test_an_annotation_that_is_a_bomb_is_refused(make, monkeypatch):
    monkeypatch.setattr("mnistkit_mlnet.idv.images.MOST_OWN_NOTE", 1 << 16)

    refused(make(features(notes={"mnistkit": (TEXT, " " * 100_000)})), "inflates further than it may")


def test_two_columns_of_one_name_are_refused(make):
    refused(
        make(features(), features()), "two columns of one name: expected names that differ, found 'Features'"
    )


def test_texts_whose_ends_are_wrong_are_refused(make):
    path = make(label(["1", "2", "3"], TEXT, compression=0), features())
    data = path.read_bytes()
    for ends in ((2, 1, 3), (1, 2, 4), (1, 2, 2), (-1, 2, 3)):
        path.write_bytes(data.replace(struct.pack("<4i", 3, 1, 2, 3), struct.pack("<4i", 3, *ends)))

        refused(path, "'Label', block 0: ends of texts")


def test_a_compressed_file_is_no_binary_data_view(tmp_path, make):
    path = tmp_path / "more" / "train.idv"
    path.parent.mkdir()
    path.write_bytes(gzip.compress(make(features()).read_bytes()))

    refused(path, "no binary data view")
