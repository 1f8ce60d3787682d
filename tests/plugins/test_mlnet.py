"""ML.NET's text: the schema is exact, the files come back, and pandas reads past the comments."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import mnistkit
from mnistkit.dataset import Dataset
from mnistkit.errors import CapabilityError, DataError
from mnistkit.testing import assert_same_content, drawn_dataset, read_dataset, write_dataset
from mnistkit_csv import sniff as sniff_csv
from mnistkit_mlnet import MlNetWriteOptions, mnistkit_register_format, sniff

CARD = mnistkit_register_format()
SHAPES = [(28, 28), (50, 50), (20, 28), (32, 32, 3), (1, 1)]
SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";", "space": " ", "bar": "|"}


def refusal(path, **options):
    with pytest.raises(DataError) as caught:
        read_dataset(CARD, path, **options)
    return str(caught.value).replace(str(path.parent) + "/", "")


def test_the_file_is_exactly_what_ml_net_reads(tmp_path):
    images = np.array([[[0, 255], [7, 12]]], np.uint8)
    dataset = Dataset.from_arrays({"train": (images, [3]), "test": (images, [9])})

    write_dataset(CARD, dataset, tmp_path)

    # The number of classes is the whole dataset's, so both files have one schema.
    assert (tmp_path / "train.tsv").read_bytes() == (
        b"#@ TextLoader{\n#@   header+\n#@   sep=tab\n"
        b"#@   col=Label:U4[10]:0\n#@   col=Features:R4:1-4\n#@ }\n"
        b"Label\tpixel0\tpixel1\tpixel2\tpixel3\n3\t0\t255\t7\t12\n"
    )


def test_without_labels_the_features_begin_at_0(tmp_path):
    write_dataset(CARD, drawn_dataset(3, 0, shape=(2, 2), labelled=False), tmp_path)

    lines = (tmp_path / "train.tsv").read_text("utf-8").splitlines()
    assert lines[:6] == ["#@ TextLoader{", "#@   header+", "#@   sep=tab", "#@   col=Features:R4:0-3", "#@ }",
                         "pixel0\tpixel1\tpixel2\tpixel3"]  # fmt: skip


@pytest.mark.parametrize("schema", [True, False], ids=["schema", "no-schema"])
@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("labelled", [True, False], ids=["labelled", "unlabelled"])
def test_every_layout_comes_back(tmp_path, schema, separator, labelled):
    dataset = drawn_dataset(shape=(20, 28), labelled=labelled)

    write_dataset(CARD, dataset, tmp_path, schema=schema, separator=separator)

    assert_same_content(read_dataset(CARD, tmp_path, shape=(20, 28)), dataset)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    "case",
    [{}, {"train": 1, "test": 1}, {"test": 0}, {"train": 70, "classes": 62}, {"train": 310, "classes": 300}],
    ids=["plain", "one-image", "empty-split", "62-classes", "int32-labels"],
)
def test_every_case_comes_back(tmp_path, shape, case):
    dataset = drawn_dataset(shape=shape, **case)

    write_dataset(CARD, dataset, tmp_path)

    assert_same_content(read_dataset(CARD, tmp_path, shape=shape), dataset)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_dataset_comes_back(tmp_path_factory, data):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=3, max_side=6))
    rows = data.draw(st.integers(0, 9))
    images = data.draw(hnp.arrays(np.uint8, (rows, *shape)))
    labels = data.draw(st.none() | hnp.arrays(np.uint32, rows, elements=st.integers(0, 2**32 - 2)))
    dataset = Dataset.from_arrays({"train": (images, labels)})
    folder = tmp_path_factory.mktemp("any")

    write_dataset(CARD, dataset, folder, schema=data.draw(st.booleans()))

    assert_same_content(read_dataset(CARD, folder, shape=shape), dataset)


@pytest.mark.parametrize("separator", SEPARATORS)
def test_pandas_reads_past_the_schema(tmp_path, separator):
    dataset = drawn_dataset(50, 0, classes=12)
    (name,) = write_dataset(CARD, dataset.select(["train"]), tmp_path, separator=separator)[0].files

    table = pd.read_csv(tmp_path / name, comment="#", sep=SEPARATORS[separator])

    whole = dataset["train"].load()
    assert table.columns[0] == "Label"
    np.testing.assert_array_equal(table["Label"], whole.labels)
    np.testing.assert_array_equal(table.iloc[:, 1:], whole.images.reshape(50, -1))


def test_pandas_own_tab_separated_file_is_read(tmp_path):
    dataset = drawn_dataset(40, 0)
    whole = dataset["train"].load()
    table = pd.DataFrame(whole.images.reshape(40, -1)).add_prefix("Pixel")
    table["Label"] = whole.labels

    table.to_csv(tmp_path / "train.tsv", sep="\t", index=False)

    assert_same_content(read_dataset(CARD, tmp_path), dataset.select(["train"]))


@pytest.mark.parametrize(
    "head",
    [
        "#@ TextLoader{ header+ sep=tab col=Label:U4[10]:0 col=Features:R4:1-4 }\nLabel\tA\tB\tC\tD\n",
        "# made by hand\n#@ TextLoader{\n#@   sep=tab\n#@   col=Label:R4:0\n#@   col=Features:R4:1-4\n#@ }\n",
        "//\n#@ TextLoader{ header=+ col=Label:TX:0 col=Features:1-4 }\nPixels\ta\tb\tc\td\n",
        "// no schema\nLabel\tPixel000\tPixel001\tPixel002\tPixel003\n",
        "",
    ],
    ids=["one-line", "no-header", "types", "no-schema", "bare"],
)  # fmt: skip
def test_schemas_are_understood(tmp_path, head):
    file = tmp_path / "train.tsv"
    file.write_text(head + "7\t1\t2\t3\t4\n", "utf-8")

    batch = read_dataset(CARD, file)["train"].load()

    assert batch.labels.tolist() == [7]
    assert batch.images.tolist() == [[[1, 2], [3, 4]]]


def test_the_label_may_stand_last(tmp_path):
    file = tmp_path / "train.tsv"
    file.write_text("#@ TextLoader{ sep=comma col=Features:R4:0-3 col=Label:U4[10]:4 }\n1,2,3,4,7\n", "utf-8")

    batch = read_dataset(CARD, file)["train"].load()

    assert (batch.labels.tolist(), batch.images.ravel().tolist()) == ([7], [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "#@ TextLoader{ rows=9 col=Label:U4[10]:0 col=Features:R4:1-4 }\n",
            "schema not understood: expected columns Label and Features",
        ),
        (
            "#@ TextLoader{ col=Label:U4[10]:0 col=Id:TX:1 col=Features:R4:2-5 }\n",
            "columns of the schema: expected one of features, and at most one Label, found Label, Id",
        ),
        ("#@ TextLoader{ sep=colon col=Features:R4:1-4 }\n", "schema not understood"),
        ("#@ nothing\n", "schema not understood"),
        (
            "#@ TextLoader{ col=Label:0 col=Features:1-9 }\n7\t1\t2\t3\t4\n",
            "columns are not the schema's: expected features 1-9 and label 0, found features 1-4 and label 0",
        ),
        (
            "#@ TextLoader{ col=Features:0-3 }\n7\t1\t2\t3\t400\n",
            "columns of pixels of a square image: expected a square number, found 5",
        ),
        ("# only this\n", "the file ends: expected a header or images"),
        (
            "Label\tA1\tA2\tA3\tA4\n7\t1\t2\t3\t400\n",
            "column 'A4': expected a whole number from 0 to 255, found '400'",
        ),
        (
            "7\t1\t2\t3\t\n",
            "neither a header nor whole numbers: expected names such as pixel0, or numbers, found ''",
        ),
        ("#@" + "x" * 70_000 + "\n", "schema: expected at most 65,536 bytes, found more"),
    ],
)
def test_doubtful_files_are_refused(tmp_path, text, message):
    file = tmp_path / "train.tsv"
    file.write_text(text, "utf-8")

    line = 1 if text.startswith(("#@xx", "7")) else 2

    assert refusal(file).startswith(f"train.tsv, line {line}: {message}")


def test_labels_that_no_key_can_hold_are_refused(tmp_path):
    images = np.zeros((1, 2, 2), np.uint8)
    dataset = Dataset.from_arrays({"train": (images, np.array([2**32 - 1]))})

    with pytest.raises(
        CapabilityError, match=r"mlnet: label too large .* at most 4,294,967,294, .* use .*--no-schema"
    ):
        write_dataset(CARD, dataset, tmp_path)


def test_the_card_refuses_what_ml_net_cannot_carry():
    assert CARD.dtypes == ("uint8", "float32")
    assert not CARD.negative_labels
    assert not CARD.with_options(MlNetWriteOptions(schema=False)).class_names


def test_bytes_do_not_depend_on_workers(tmp_path):
    dataset = drawn_dataset(900, 0, shape=(40, 40))
    files = []
    for workers in (1, 3):
        folder = tmp_path / str(workers)
        folder.mkdir()
        write_dataset(CARD, dataset, folder, workers=workers)
        files.append((folder / "train.tsv").read_bytes())

    assert files[0] == files[1]


def test_rows_behind_the_schema_are_found_again(tmp_path):
    dataset = drawn_dataset(500, 0)
    write_dataset(CARD, dataset.select(["train"]), tmp_path)

    reader = pickle.loads(pickle.dumps(read_dataset(CARD, tmp_path).reader))
    (batch,) = reader.batches("train", 130, 190, 100)

    whole = dataset["train"].load()
    assert batch.images.tobytes() == whole.images[130:190].tobytes()
    assert batch.labels.tolist() == whole.labels[130:190].tolist()


@pytest.mark.parametrize(
    ("head", "names", "verdict"),
    [
        (b"#@ TextLoader{\n", ["train.tsv"], "yes"),
        (b"\xef\xbb\xbf#@ TextLoader{ header+ }\n", ["train.csv"], "yes"),
        (b"Label\tpixel0\n5\t0\n", ["train.tsv"], "maybe"),
        (b"label,pixel0\n", ["train.csv"], "no"),
        (b"\0\0\t", ["train.tsv"], "no"),
    ],
)
def test_sniffing(head, names, verdict):
    assert sniff(head, names) == verdict
    assert verdict != "yes" or sniff_csv(head, names) == "no"


def test_sniffing_reads_what_the_writer_writes(tmp_path):
    write_dataset(CARD, drawn_dataset(), tmp_path)

    with io.FileIO(tmp_path / "train.tsv") as file:
        assert sniff(file.read(4096), ["test.tsv", "train.tsv"]) == "yes"


@pytest.mark.parametrize("schema", [True, False], ids=["schema", "no-schema"])
@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("labelled", ["all", "none", "train"])
def test_every_export_reads_back_by_its_receipt(tmp_path, schema, separator, labelled):
    splits = {}
    for name, rows, shape in (("train", 9, (2, 8)), ("test", 5, (1, 1))):
        images = np.random.default_rng(rows).integers(0, 256, (rows, *shape), np.uint8)
        splits[name] = images, np.arange(rows) if labelled in ("all", name) else None
    dataset = Dataset.from_arrays(splits, name="digits")

    mnistkit.export(dataset, "mlnet", tmp_path / "out", verify=True, schema=schema, separator=separator)

    assert_same_content(mnistkit.open(tmp_path / "out"), dataset)


def test_the_receipts_separator_is_taken(tmp_path):
    (tmp_path / "train.txt").write_text("Label|pixel0\n7|1\n", "utf-8")

    assert len(read_dataset(CARD, tmp_path, separator="bar")["train"]) == 1
    assert "no columns of pixels" in refusal(tmp_path / "train.txt", separator="comma")


@pytest.mark.parametrize(
    ("spelled", "separator"), [(",", ","), (";", ";"), ("|", "|"), ("bar", "|"), ("space", " ")]
)
def test_separators_are_words_or_characters(tmp_path, spelled, separator):
    file = tmp_path / "train.txt"
    head = (
        f"#@ TextLoader{{\n#@ header+\n#@ sep={spelled}\n#@ col=Label:R4:0\n#@ col=Features:R4:1-4\n#@ }}\n"
    )
    file.write_text(head + separator.join("LABCD") + "\n" + separator.join("71234") + "\n", "utf-8")

    batch = read_dataset(CARD, file)["train"].load()

    assert (batch.labels.tolist(), batch.images.ravel().tolist()) == ([7], [1, 2, 3, 4])


def test_the_widest_comment_is_bounded(tmp_path):
    file = tmp_path / "train.tsv"
    file.write_bytes(b"//x\n" * 400_000 + b"1\t2\n")

    assert refusal(file) == (
        "train.tsv, line 262146: comments before the first row: expected at most 1,048,576 bytes, found more"
    )
