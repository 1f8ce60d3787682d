"""Sparse rows, fractions and words as labels, against a slow reference that shares no code."""

from __future__ import annotations

import gzip
import json
import re
import struct
import tracemalloc
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import mnistkit
from mnistkit.codecs.text import Layout, encode_floats, encode_sparse
from mnistkit.codecs.text.decode import decode
from mnistkit.codecs.text.lines import Block
from mnistkit.dataset import Dataset
from mnistkit.errors import CapabilityError, DataError
from mnistkit.testing import assert_same_content, drawn_dataset, read_dataset, write_dataset
from mnistkit_mlnet import mnistkit_register_format

CARD = mnistkit_register_format()
NAMES = ("T-shirt/top", 'a"b', "ключ", "two words", "0", "x:y")
HEAD = "#@ TextLoader{ header+ sparse+ col=Label:U4[10]:0 col=Features:R4:1-4 }\nLabel\ta\tb\tc\td\n"
FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)


def slow_sparse(row, label, separator):
    """Spell one image as its text is defined: no table, no numpy."""
    kept = [(i, value) for i, value in enumerate(row) if value or str(value)[0] == "-"] or [(0, row[0])]
    cells = [] if label is None else [str(label)]
    cells += [str(len(row)), *(f"{i}:{spelled(value)}" for i, value in kept)]
    return separator.join(cells) + "\n"


def spelled(value):
    return str(value) if isinstance(value, int) else repr(float(value))


def slow_values(line, separator, *, labelled):
    """Read one line as ML.NET defines it: dense, or the number of values and then place:value."""
    cells = line.rstrip("\n").split(separator)
    label = int(cells.pop(0)) if labelled else None
    if not any(":" in cell for cell in cells):
        return label, [float(cell) for cell in cells]
    values = [0.0] * int(cells.pop(0))
    for cell in cells:
        place, value = cell.split(":")
        values[int(place)] = float(value)
    return label, values


def as_float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def decoded(text, shape, *, labelled, dtype="uint8", separator=b"\t"):
    layout = Layout(
        separator, shape, before=("label",) if labelled else (), label=0 if labelled else None,
        dtype=dtype, sparse=True,
    )  # fmt: skip
    return decode(Block(text, 1, 0), layout, path="rows")


@settings(max_examples=200, deadline=None)
@given(
    images=hnp.arrays(
        np.uint8,
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=5),
        elements=st.sampled_from([0, 0, 0, 1, 9, 10, 255]),
    ),
    labelled=st.booleans(),
    separator=st.sampled_from("\t,; |"),
    data=st.data(),
)  # fmt: skip
def test_sparse_rows_are_as_the_reference_spells_them(images, labelled, separator, data):
    labels = (
        data.draw(hnp.arrays("int64", len(images), elements=st.integers(0, 2**32 - 2))) if labelled else None
    )

    text = encode_sparse(images, labels, separator=separator.encode(), where="rows")

    flat = images.reshape(len(images), -1).tolist()
    told = labels.tolist() if labelled else [None] * len(images)
    assert text.decode() == "".join(
        slow_sparse(row, label, separator) for row, label in zip(flat, told, strict=True)
    )
    rows = decoded(text, images.shape[1:], labelled=labelled, separator=separator.encode())
    assert rows.pixels.tolist() == flat
    assert [column.tolist() for column in rows.integers] == ([told] if labelled else [])


@settings(max_examples=200, deadline=None)
@given(
    images=hnp.arrays(np.float32, hnp.array_shapes(min_dims=3, max_dims=3, max_side=4), elements=FINITE),
    sparse=st.booleans(),
    labelled=st.booleans(),
)
def test_fractions_come_back_bit_for_bit_here_and_in_the_reference(images, sparse, labelled):
    labels = np.arange(len(images)) if labelled else None
    encoder = encode_sparse if sparse else encode_floats

    text = encoder(images, labels, separator=b"\t", where="rows")

    rows = decoded(text, images.shape[1:], labelled=labelled, dtype="float32")
    assert rows.pixels.tobytes() == images.tobytes()
    for line, row in zip(text.decode().splitlines(), images.reshape(len(images), -1), strict=True):
        found = slow_values(line, "\t", labelled=labelled)[1]
        assert [as_float32(value) for value in found] == row.tolist()


@settings(max_examples=100, deadline=None)
@given(kinds=st.lists(st.booleans(), min_size=1, max_size=6), data=st.data())
def test_dense_and_sparse_rows_may_alternate(kinds, data):
    images = data.draw(hnp.arrays(np.uint8, (len(kinds), 2, 3)))
    labels = np.arange(len(kinds))
    dense = [
        "\t".join(map(str, [i, *row])) + "\n" for i, row in enumerate(images.reshape(len(kinds), -1).tolist())
    ]
    sparse = encode_sparse(images, labels, separator=b"\t", where="rows").decode().splitlines(keepends=True)

    text = "".join(s if kind else d for kind, s, d in zip(kinds, sparse, dense, strict=True))

    rows = decoded(text.encode(), (2, 3), labelled=True)
    assert rows.pixels.tobytes() == images.tobytes()
    assert rows.integers[0].tolist() == labels.tolist()


def test_a_sparse_file_is_exactly_what_ml_net_reads(tmp_path):
    images = np.array([[[0, 255], [7, 0]], [[0, 0], [0, 0]]], np.uint8)

    write_dataset(CARD, Dataset.from_arrays({"train": (images, [3, 9])}), tmp_path, sparse=True, csharp=False)

    assert (tmp_path / "train.tsv").read_bytes() == (
        b"#@ TextLoader{\n#@   header+\n#@   sparse+\n#@   sep=tab\n"
        b"#@   col=Label:U4[10]:0\n#@   col=Features:R4:1-4\n#@ }\n"
        b"Label\tpixel0\tpixel1\tpixel2\tpixel3\n3\t4\t1:255\t2:7\n9\t4\t0:0\n"
    )


@pytest.mark.parametrize("schema", [True, False], ids=["schema", "no-schema"])
@pytest.mark.parametrize("kind", ["key", "single", "text"])
@pytest.mark.parametrize("sparse", [True, False], ids=["sparse", "dense"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("labelled", [True, False], ids=["labelled", "unlabelled"])
def test_every_export_proves_itself(tmp_path, schema, kind, sparse, dtype, labelled):
    dataset = drawn_dataset(70, 9, shape=(4, 5, 3), dtype=dtype, labelled=labelled)

    options = {"schema": schema, "label_kind": kind, "sparse": sparse}
    mnistkit.export(dataset, "mlnet", tmp_path / "out", verify=True, **options)

    assert_same_content(mnistkit.open(tmp_path / "out"), dataset)


@pytest.mark.parametrize("sparse", [True, False], ids=["sparse", "dense"])
@pytest.mark.parametrize("kind", ["key", "single", "text"])
def test_class_names_come_back(tmp_path, kind, sparse):
    dataset = drawn_dataset(classes=len(NAMES), class_names=NAMES)

    mnistkit.export(
        dataset, "mlnet", tmp_path / "out", verify=True, strict=True, label_kind=kind, sparse=sparse
    )

    found = mnistkit.open(tmp_path / "out")
    assert found.info.class_names == NAMES
    assert_same_content(found, dataset)
    words = [
        line.split("\t")[0] for line in (tmp_path / "out/train.tsv").read_text("utf-8").splitlines()[-6:]
    ]
    assert words == (list(NAMES) if kind == "text" else list("012345"))


@pytest.mark.parametrize("sparse", ["", "sparse+ "], ids=["unsaid", "said"])
@pytest.mark.parametrize("header", [True, False], ids=["header", "bare"])
@pytest.mark.parametrize("schema", [True, False], ids=["schema", "no-schema"])
def test_sparse_rows_are_read_whatever_the_schema_says(tmp_path, sparse, header, schema):
    head = (
        f"#@ TextLoader{{ {'header+ ' * header}{sparse}col=Label:U4[10]:0 col=Features:R4:1-4 }}\n" * schema
    )
    names = "Label\tpixel0\tpixel1\tpixel2\tpixel3\n" * header
    (tmp_path / "train.tsv").write_text(
        head + names + "7\t4\t1:5\t3:255\n8\t1\t2\t3\t4\n9\t4\t0: 0\n", "utf-8"
    )

    batch = read_dataset(CARD, tmp_path)["train"].load()

    assert batch.labels.tolist() == [7, 8, 9]
    assert batch.images.reshape(3, 4).tolist() == [[0, 5, 0, 255], [1, 2, 3, 4], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("7\t5\t1:5", "number of values of a sparse line: expected 4, found '5'"),
        ("7\tx\t1:5", "number of values of a sparse line: expected 4, found 'x'"),
        (
            "7\t4\t1:5\t1:6",
            "item of a sparse line: expected place:value, places ascending from 0 to 3, found '1:6'",
        ),
        (
            "7\t4\t2:5\t1:6",
            "item of a sparse line: expected place:value, places ascending from 0 to 3, found '1:6'",
        ),
        (
            "7\t4\t4:5",
            "item of a sparse line: expected place:value, places ascending from 0 to 3, found '4:5'",
        ),
        (
            "7\t4\t-1:5",
            "item of a sparse line: expected place:value, places ascending from 0 to 3, found '-1:5'",
        ),
        (
            "7\t4\t1:5\t6",
            "item of a sparse line: expected place:value, places ascending from 0 to 3, found '6'",
        ),
        ("7\t4\t9999999999999999999:5", "item of a sparse line"),
        ("7\t4\t0000000001:5", "item of a sparse line"),
        ("7\t4\t1:256", "column 'b': expected a whole number from 0 to 255, found '256'"),
        ("7\t4\t1:", "column 'b': expected a whole number from 0 to 255, found an empty cell"),
        ("7\t4\t1:5:6", "column 'b': expected a whole number from 0 to 255, found '5:6'"),
        ("7\t4\t1:0.5", "column 'b': expected a whole number from 0 to 255, found '0.5'"),
        ("1:5", "sparse line: expected the number of values before the first place:value"),
        ("7\t1:5", "number of values of a sparse line: expected 5, found '7'"),
        ("7\t4\t0\t1:5", "sparse line: expected the number of values before the first place:value"),
        ("7\t4", "number of cells: expected 5, found 2"),
        ("x\t4\t1:5", "column 'Label': expected a whole number of 64 bits, found 'x'"),
    ],
)
def test_bad_sparse_rows_are_refused(tmp_path, row, message):
    (tmp_path / "train.tsv").write_text(HEAD + "1\t4\t0:0\n" + row + "\n", "utf-8")

    with pytest.raises(DataError) as caught:
        read_dataset(CARD, tmp_path)

    assert str(caught.value).startswith(f"{tmp_path}/train.tsv, line 4: {message}")


@pytest.mark.parametrize("cell", ["", "x", "1e999", "nan", "inf", "-Infinity", "1_0", "0x1", "1e", "1,5"])
def test_what_is_no_finite_number_is_refused(tmp_path, cell):
    text = HEAD.replace("sparse+ ", "") + f"1\t0.5\t1\t2\t3\n2\t0.5\t{cell}\t2\t3\n"
    (tmp_path / "train.tsv").write_text(text, "utf-8")

    with pytest.raises(DataError, match=r"line 4: column 'b': expected a finite number, found "):
        read_dataset(CARD, tmp_path, dtype="float32")


def test_fractions_without_a_word_about_them_are_refused(tmp_path):
    (tmp_path / "train.tsv").write_text("7\t0.5\t1\t2\t3\n", "utf-8")

    with pytest.raises(
        DataError, match=r"line 1: column 2: expected a whole number from 0 to 255, found '0.5'"
    ):
        read_dataset(CARD, tmp_path)
    assert read_dataset(CARD, tmp_path, dtype="float32")["train"].load().images.tolist() == [
        [[0.5, 1], [2, 3]]
    ]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("sparse", [True, False], ids=["sparse", "dense"])
def test_pixels_that_are_no_numbers_are_refused(tmp_path, value, sparse):
    images = np.full((1, 2, 2), value, np.float32)

    with pytest.raises(
        CapabilityError, match="mlnet: split 'train': pixels: expected finite numbers, found "
    ):
        write_dataset(CARD, Dataset.from_arrays({"train": (images, [1])}), tmp_path, sparse=sparse)


def test_words_that_the_file_does_not_list_are_refused(tmp_path):
    head = (
        '#@ TextLoader{ col=Label:TX:0 col=Features:R4:1-4 }\n# mnistkit: {"class_names": ["cat", "dog"]}\n'
    )
    (tmp_path / "train.tsv").write_text(head + "dog\t1\t2\t3\t4\ncow\t1\t2\t3\t4\n", "utf-8")

    with pytest.raises(
        DataError, match=r"line 4: label: expected one of the 2 class names that the file lists, found 'cow'"
    ):
        read_dataset(CARD, tmp_path)


@pytest.mark.parametrize(
    ("note", "message"),
    [
        ("[1", "note of mnistkit: expected JSON"),
        ("[1]", "note of mnistkit: expected class_names, dtype (uint8 or float32) and shape, found [1]"),
        ('{"class_names": "ab"}', "note of mnistkit: expected class_names"),
        ('{"class_names": [1]}', "note of mnistkit: expected class_names"),
        ('{"dtype": "int8"}', "note of mnistkit: expected class_names"),
        ('{"shape": [2, 2.0]}', "note of mnistkit: expected class_names"),
        ('{"shape": [4]}', "note of mnistkit: expected class_names"),
        ('{"shape": [2, 0]}', "note of mnistkit: expected class_names"),
        ('{"shape": [2, 3]}', "columns of pixels: expected 6 for 2x3, found 4"),
        ('{"class_names": ["a"]}', "labels without a class name: expected labels from 0 to 0, found 1"),
        ('{"class_names": ["a", "a"]}', "two classes of one name"),
        ("[" * 100_000, "note of mnistkit: expected JSON"),
    ],
    ids=str,
)
def test_bad_notes_are_refused(tmp_path, note, message):
    (tmp_path / "train.tsv").write_text(
        f"# mnistkit: {note}\nLabel\ta1\ta2\ta3\ta4\n1\t1\t2\t3\t4\n", "utf-8"
    )

    with pytest.raises(DataError, match=re.escape(message)):
        read_dataset(CARD, tmp_path)


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+x", "-x", "@x", '"x', "#x", "//x", " x", "x ", "a\tb", "a\nb", "a\rb", "a\x00b", "\x85"],
)
def test_class_names_that_no_cell_holds_are_refused(tmp_path, name):
    dataset = drawn_dataset(classes=2, class_names=["plain", name])

    with pytest.raises(
        CapabilityError, match=r"mlnet: class name that no cell can hold: .*; use --label-kind key"
    ):
        mnistkit.export(dataset, "mlnet", tmp_path / "out", label_kind="text")
    mnistkit.export(dataset, "mlnet", tmp_path / "key", verify=True, strict=True)


def test_words_without_a_schema_are_refused(tmp_path):
    dataset = drawn_dataset(classes=2, class_names=["cat", "dog"])

    with pytest.raises(
        CapabilityError,
        match=r"class names as labels need the schema, which lists them; leave out --no-schema, or",
    ):
        write_dataset(CARD, dataset, tmp_path, label_kind="text", schema=False)


def test_labels_that_no_single_holds_are_refused(tmp_path):
    images = np.zeros((1, 2, 2), np.uint8)
    dataset = Dataset.from_arrays({"train": (images, np.array([2**24 + 1]))})

    with pytest.raises(
        CapabilityError, match=r"label too large for --label-kind single: .* at most 16,777,216"
    ):
        write_dataset(CARD, dataset, tmp_path, label_kind="single")


def test_the_c_sharp_is_for_this_dataset(tmp_path):
    dataset = drawn_dataset(shape=(4, 5, 3), classes=len(NAMES), class_names=NAMES, name="emnist/odd letters")

    write_dataset(CARD, dataset, tmp_path)

    program = (tmp_path / "Program.cs").read_text("utf-8")
    names = re.search(r"ClassNames = \{(.*?)\n        \};", program, re.DOTALL)[1]
    assert json.loads(f"[{names.rstrip().rstrip(',')}]") == list(NAMES)
    assert "namespace EmnistOddLettersModel" in program
    assert "PixelCount = 60;" in program
    assert "LoadColumn(1, 60), VectorType(60)" in (tmp_path / "ModelInput.cs").read_text("utf-8").replace(
        "]\n        [", ", "
    )
    project = ET.parse(tmp_path / "emnist-odd-letters.csproj").getroot()
    assert project.find("ItemGroup/PackageReference").attrib == {
        "Include": "Microsoft.ML",
        "Version": "5.0.0",
    }
    assert 'LoadFromTextFile("train.tsv")' in (tmp_path / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    "case",
    [{"labelled": False}, {"classes": 1}, {"classes": 10_001, "train": 10_001}, {"train": 0, "test": 0}],
    ids=["unlabelled", "one", "many", "empty"],
)
def test_there_is_no_c_sharp_where_there_is_nothing_to_learn(tmp_path, case):
    write_dataset(CARD, drawn_dataset(shape=(2, 2), **case), tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["test.tsv", "train.tsv"]


def test_a_split_alone_is_parted_for_the_test(tmp_path):
    write_dataset(CARD, drawn_dataset().select(["train"]), tmp_path)

    assert "TrainTestSplit(" in (tmp_path / "Program.cs").read_text("utf-8")


def test_labels_that_ml_net_counts_among_the_values_are_read(tmp_path):
    head = "#@ TextLoader{ col=Label:R4:0 col=Features:R4:1-4 }\n"
    (tmp_path / "train.tsv").write_text(head + "5\t0:0\n5\t1:1\n5\t0:3\t4:255\n1\t0\t5\t0\t0\n", "utf-8")

    batch = read_dataset(CARD, tmp_path)["train"].load()

    assert batch.labels.tolist() == [0, 0, 3, 1]
    assert batch.images.reshape(4, 4).tolist() == [[0] * 4, [1, 0, 0, 0], [0, 0, 0, 255], [0, 5, 0, 0]]


@pytest.mark.parametrize("other", ["", "8\t 1\t2\t3\t4\n"], ids=["plain", "beside-an-odd-cell"])
def test_the_number_of_values_may_have_zeros_before_it(tmp_path, other):
    (tmp_path / "train.tsv").write_text(HEAD + "7\t04\t1:5\n" + other, "utf-8")

    assert read_dataset(CARD, tmp_path)["train"].load().labels[0] == 7


@pytest.mark.parametrize("separator", [",", ";", " ", "|", "\t"], ids=repr)
def test_sparse_rows_without_any_head_are_understood(tmp_path, separator):
    (tmp_path / "train.txt").write_text("3\t4\t0:9\t2:255\n4\t4\t1:1\n".replace("\t", separator), "utf-8")

    batch = read_dataset(CARD, tmp_path)["train"].load()

    assert batch.labels.tolist() == [3, 4]
    assert batch.images.reshape(2, 4).tolist() == [[9, 0, 255, 0], [0, 1, 0, 0]]


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_short_lines_of_large_images_take_little_memory(tmp_path, dtype, packed):
    text = HEAD.replace("R4:1-4", "R4:1-65536").replace(
        "a\tb\tc\td", "\t".join(f"pixel{i}" for i in range(65536))
    )
    data = (text + "3\t65536\t0:9\n" * 4000).encode()
    (tmp_path / f"train.tsv{'.gz' * packed}").write_bytes(gzip.compress(data) if packed else data)

    tracemalloc.start()
    split = read_dataset(CARD, tmp_path, dtype=dtype)["train"]
    rows = sum(len(batch) for batch in split.batches(8))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert rows == 4000
    assert peak < 100 << 20, f"{peak:,} bytes for {len(data):,} bytes of text"


@pytest.mark.parametrize("name", ["1:5", "12:00"])
def test_names_that_ml_net_takes_for_items_are_refused_in_sparse_files(tmp_path, name):
    dataset = drawn_dataset(classes=2, class_names=["plain", name])

    with pytest.raises(CapabilityError, match=r"which ML.NET takes for an item"):
        mnistkit.export(dataset, "mlnet", tmp_path / "sparse", label_kind="text", sparse=True)
    mnistkit.export(dataset, "mlnet", tmp_path / "dense", label_kind="text", verify=True)


@pytest.mark.parametrize("shape", [(4, 5), (4, 4, 3), (6, 6)], ids=str)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_file_alone_tells_type_and_shape(tmp_path, shape, dtype):
    dataset = drawn_dataset(shape=shape, dtype=dtype)

    write_dataset(CARD, dataset, tmp_path)

    assert_same_content(read_dataset(CARD, tmp_path), dataset)


def test_a_receipt_of_another_type_is_refused(tmp_path):
    mnistkit.export(drawn_dataset(), "mlnet", tmp_path / "out")
    receipt = tmp_path / "out/mnistkit.json"
    receipt.write_text(receipt.read_text("utf-8").replace('"uint8"', '"uint16"'), "utf-8")

    with pytest.raises(
        DataError,
        match=r"mnistkit.json: pixels of split 'test': expected uint8 or float32, found uint16|'train'",
    ):
        mnistkit.open(tmp_path / "out")


def test_the_readme_loads_files_without_a_schema_by_options(tmp_path):
    write_dataset(CARD, drawn_dataset(), tmp_path, schema=False)

    assert 'LoadFromTextFile("train.tsv", Program.LoaderOptions())' in (tmp_path / "README.md").read_text(
        "utf-8"
    )
