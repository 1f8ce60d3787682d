"""CSV: every dialect comes back, opens in pandas, polars and DuckDB, and nothing doubtful is read."""

from __future__ import annotations

import csv
import gzip
import logging
import lzma
import pickle
from itertools import combinations, product

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import mnistkit
from mnistkit.dataset import Dataset
from mnistkit.errors import CapabilityError, DataError, UsageError
from mnistkit.plugin import Source
from mnistkit.testing import assert_same_content, drawn_dataset, read_dataset, write_dataset
from mnistkit_csv import CsvReadOptions, mnistkit_register_format, sniff
from mnistkit_csv.reader import CsvReader

CARD = mnistkit_register_format()
PRESETS = ("kaggle", "kaggle-1", "oddrationale", "openml", "pjreddie")
SHAPES = [(28, 28), (50, 50), (20, 28), (32, 32, 3), (1, 1)]
CASES = {
    "one-image": {"train": 1, "test": 1},
    "empty-split": {"train": 20, "test": 0},
    "62-classes": {"train": 70, "classes": 62},
    "300-classes": {"train": 310, "classes": 300},
    "unlabelled": {"labelled": False},
}


def written(folder, **options):
    write_dataset(CARD, options.pop("dataset", None) or drawn_dataset(), folder, **options)
    return folder


def refusal(path, **options):
    with pytest.raises(DataError) as caught:
        read_dataset(CARD, path, **options)
    return str(caught.value).replace(str(path.parent) + "/", "")


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_shape_comes_back(tmp_path, shape, preset):
    dataset = drawn_dataset(shape=shape)

    write_dataset(CARD, dataset, tmp_path, preset=preset)

    place = "last" if preset == "openml" else "first"
    assert_same_content(read_dataset(CARD, tmp_path, shape=shape, label=place), dataset)
    assert_same_content(read_dataset(CARD, tmp_path, shape=shape), dataset)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("case", CASES)
def test_every_case_comes_back(tmp_path, case, preset):
    dataset = drawn_dataset(**CASES[case])

    write_dataset(CARD, dataset, tmp_path, preset=preset)

    assert_same_content(read_dataset(CARD, tmp_path, shape=(28, 28)), dataset)


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("delimiter", ["comma", "semicolon", "tab", "space", "bar"])
@pytest.mark.parametrize("label", ["first", "last"])
@pytest.mark.parametrize("header", [True, False])
def test_every_layout_comes_back(tmp_path, compression, delimiter, label, header):
    dataset = drawn_dataset(shape=(3, 4))

    write_dataset(
        CARD, dataset, tmp_path, compression=compression, delimiter=delimiter, label=label, header=header
    )

    assert_same_content(
        read_dataset(CARD, tmp_path, shape=(3, 4), label="auto" if header else label), dataset
    )


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_dataset_comes_back(tmp_path_factory, data):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=3, max_side=6))
    rows = data.draw(st.integers(0, 9))
    images = data.draw(hnp.arrays(np.uint8, (rows, *shape)))
    kind = data.draw(st.sampled_from(["uint8", "int16", "int32", "int64", None]))
    labels = None if kind is None else data.draw(hnp.arrays(kind, rows))
    dataset = Dataset.from_arrays({"train": (images, labels)}, name="drawn")
    preset = data.draw(st.sampled_from(PRESETS))
    folder = tmp_path_factory.mktemp("any")

    try:
        write_dataset(CARD, dataset, folder, preset=preset)
    except CapabilityError:
        assert (preset, rows, kind) == ("pjreddie", 0, None)
        return

    assert_same_content(read_dataset(CARD, folder, shape=shape), dataset)


def test_the_default_is_kaggles_bytes(tmp_path):
    images = np.array([[[0, 255], [7, 12]], [[1, 2], [3, 4]]], np.uint8)
    dataset = Dataset.from_arrays({"train": (images, np.array([5, -300]))})

    write_dataset(CARD, dataset, tmp_path)

    assert (tmp_path / "train.csv").read_bytes() == (
        b"label,pixel0,pixel1,pixel2,pixel3\n5,0,255,7,12\n-300,1,2,3,4\n"
    )


@pytest.mark.parametrize(
    ("preset", "first", "name"),
    [
        ("kaggle", "label,pixel0,pixel1,pixel2,pixel3", "train.csv"),
        ("kaggle-1", "label,pixel1,pixel2,pixel3,pixel4", "train.csv"),
        ("oddrationale", "label,1x1,1x2,2x1,2x2", "train.csv"),
        ("openml", "pixel1,pixel2,pixel3,pixel4,class", "train.csv"),
        ("pjreddie", "0,44,130,238,224", "drawn_train.csv"),
    ],
)
def test_presets_are_the_published_dialects(tmp_path, preset, first, name):
    write_dataset(CARD, drawn_dataset(shape=(2, 2)), tmp_path, preset=preset)

    lines = (tmp_path / name).read_text("utf-8").splitlines()
    assert lines[0].startswith(first[:2])
    assert len(lines) == 30 + (preset != "pjreddie")
    if preset != "pjreddie":
        assert lines[0] == first


def test_options_win_over_the_preset(tmp_path):
    write_dataset(CARD, drawn_dataset(shape=(1, 1)), tmp_path, preset="pjreddie", header=True, label="last")

    assert (tmp_path / "drawn_train.csv").read_text("utf-8").startswith("pixel0,label\n")


def test_colours_are_side_by_side(tmp_path):
    images = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)

    write_dataset(CARD, Dataset.from_arrays({"train": (images, None)}), tmp_path, preset="oddrationale")

    header, row = (tmp_path / "train.csv").read_text("utf-8").splitlines()
    assert header.startswith("1x1x1,1x1x2,1x1x3,1x2x1")
    assert row == "0,1,2,3,4,5,6,7,8,9,10,11"


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_bytes_do_not_depend_on_workers_or_batches(tmp_path, compression):
    dataset = drawn_dataset(900, 0, shape=(40, 40))
    folders = [tmp_path / name for name in ("one", "three", "small")]
    for folder in folders:
        folder.mkdir()

    write_dataset(CARD, dataset, folders[0], compression=compression)
    write_dataset(CARD, dataset, folders[1], compression=compression, workers=3)
    batches = dataset["train"].batches
    dataset["train"].batches = lambda: batches(13)
    write_dataset(CARD, dataset, folders[2], compression=compression, workers=2)

    contents = [sorted((f.name, f.read_bytes()) for f in folder.iterdir()) for folder in folders]
    assert contents[0] == contents[1] == contents[2]


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_pandas_polars_and_duckdb_read_the_same_values(tmp_path, compression):
    dataset = drawn_dataset(800, 0, shape=(30, 30), classes=300)
    write_dataset(CARD, dataset, tmp_path, compression=compression)
    (file,) = tmp_path.glob("train.csv*")
    whole = dataset["train"].load()
    expected = np.column_stack([whole.labels, whole.images.reshape(800, -1)])

    if compression != "zstd":  # pandas needs a further package for it
        np.testing.assert_array_equal(pd.read_csv(file).to_numpy(), expected)
    np.testing.assert_array_equal(pl.read_csv(file).to_numpy(), expected)
    with duckdb.connect() as connection:
        found = connection.sql(f"from read_csv('{file}', header=true)").to_arrow_table()
        np.testing.assert_array_equal(np.column_stack([c.to_numpy() for c in found.columns]), expected)


def test_gzip_members_are_one_stream_to_the_standard_library(tmp_path):
    write_dataset(CARD, drawn_dataset(900, 0, shape=(40, 40)), tmp_path, compression="gzip")

    text = gzip.decompress((tmp_path / "train.csv.gz").read_bytes())

    assert text.count(b"\n") == 901
    assert (tmp_path / "train.csv.gz").read_bytes().count(b"\x1f\x8b\x08\0\0\0\0\0\0\xff") > 1


def frame(dataset):
    whole = dataset["train"].load()
    pixels = whole.images.reshape(len(whole), -1)
    return pd.DataFrame(pixels, columns=[f"pixel{i}" for i in range(pixels.shape[1])]), whole.labels


def only_train(dataset):
    return dataset.select(["train"])


def test_pandas_own_file_with_its_index_is_read(tmp_path):
    dataset = drawn_dataset(40, 0)
    table, labels = frame(dataset)
    table.insert(0, "label", labels)

    table.to_csv(tmp_path / "train.csv")

    found = read_dataset(CARD, tmp_path)
    assert_same_content(found, only_train(dataset))
    assert found["train"].load().extra["index"].tolist() == list(range(40))


def test_polars_own_file_is_read(tmp_path):
    dataset = drawn_dataset(40, 0)
    table, labels = frame(dataset)

    pl.DataFrame({"class": labels, **{name: table[name].to_numpy() for name in table}}).write_csv(
        tmp_path / "mnist_train.csv", separator=";"
    )

    assert_same_content(read_dataset(CARD, tmp_path), only_train(dataset))


def test_duckdbs_own_file_is_read(tmp_path):
    dataset = drawn_dataset(40, 0, shape=(4, 4))
    table, labels = frame(dataset)
    table["label"] = labels

    with duckdb.connect() as connection:
        connection.register("images", table)
        connection.execute(f"copy images to '{tmp_path / 'train.csv.gz'}' (header, compression gzip)")

    assert_same_content(read_dataset(CARD, tmp_path), only_train(dataset))


def test_quoted_cells_and_windows_line_ends_are_read(tmp_path):
    dataset = drawn_dataset(40, 0, shape=(5, 5))
    table, labels = frame(dataset)
    with (tmp_path / "train.csv").open("w", newline="", encoding="utf-8-sig") as file:
        rows = csv.writer(file, quoting=csv.QUOTE_ALL)
        rows.writerow(["label", *table])
        rows.writerows([label, *row] for label, row in zip(labels, table.to_numpy().tolist(), strict=True))

    assert_same_content(read_dataset(CARD, tmp_path), only_train(dataset))


def test_kannadas_test_file_keeps_its_ids(tmp_path):
    (tmp_path / "test.csv").write_text("id,pixel0,pixel1,pixel2,pixel3\n0,1,2,3,4\n7,5,6,7,8\n", "utf-8")

    split = read_dataset(CARD, tmp_path)["test"]

    assert not split.info.labelled
    assert split.load().extra["id"].tolist() == [0, 7]
    assert split.load().images.tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
def test_compressed_files_are_read_from_the_front(tmp_path, pack):
    dataset = drawn_dataset(500, 0)
    write_dataset(CARD, dataset, tmp_path)
    plain = tmp_path / "train.csv"
    (tmp_path / "test.csv").unlink()

    assert read_dataset(CARD, tmp_path).reader.access == "random"
    plain.write_bytes(pack(plain.read_bytes()))
    found = read_dataset(CARD, tmp_path)

    assert found.reader.access == "sequential"
    assert_same_content(found, only_train(dataset))


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 1), (63, 65), (64, 128), (100, 517), (999, 1000), (0, 1000), (5, 5)]
)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_any_rows_are_read_alone(tmp_path, start, stop, end):
    dataset = drawn_dataset(1000, 0, shape=(20, 28))
    text = written(tmp_path, dataset=dataset).joinpath("train.csv").read_bytes()
    (tmp_path / "train.csv").write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", end.encode()))

    reader = pickle.loads(pickle.dumps(read_dataset(CARD, tmp_path / "train.csv", shape=(20, 28)).reader))
    batches = list(reader.batches("train", start, stop, 100))

    whole = dataset["train"].load()
    assert [b.start for b in batches] == list(range(start, stop, 100))
    assert b"".join(b.images.tobytes() for b in batches) == whole.images[start:stop].tobytes()
    assert [n for b in batches for n in b.labels] == whole.labels[start:stop].tolist()
    assert not any(b.images.flags.writeable or b.labels.flags.writeable for b in batches)


def test_the_index_is_small(tmp_path):
    written(tmp_path, dataset=drawn_dataset(5000, 0, shape=(2, 2)))

    reader = read_dataset(CARD, tmp_path).reader

    assert sum(t.marks.nbytes for shards in reader._tables.values() for t in shards) <= 5000 / 8 + 8


def test_shards_are_one_split(tmp_path):
    dataset = drawn_dataset(300, 0)
    for i, rows in enumerate([slice(0, 90), slice(90, 90), slice(90, 300)]):
        part = Dataset(dataset.reader, info=dataset.info)
        part.splits = {"train": dataset["train"][rows]}
        folder = tmp_path / str(i)
        folder.mkdir()
        write_dataset(CARD, part, folder)
        (folder / "train.csv").rename(tmp_path / f"train-0000{i}-of-00003.csv")

    found = read_dataset(CARD, tmp_path)

    assert_same_content(found, only_train(dataset))
    assert [p.name[:11] for p in found.reader.files("train")] == ["train-00000", "train-00001", "train-00002"]
    assert found["train"][85:205].load().images.tobytes() == dataset["train"].load().images[85:205].tobytes()


def test_label_bounds_are_exact(tmp_path):
    images = np.zeros((700, 2, 2), np.uint8)
    labels = np.full(700, 5)
    labels[[3, 650]] = -7, 2**40

    written(tmp_path, dataset=Dataset.from_arrays({"train": (images, labels)}))

    assert read_dataset(CARD, tmp_path).info.splits[0].label_range == (-7, 2**40)


def test_an_assumed_shape_is_said_once(tmp_path, caplog):
    written(tmp_path, preset="pjreddie")

    with caplog.at_level(logging.WARNING, "mnistkit.csv"):
        read_dataset(CARD, tmp_path)
    assert [r.getMessage() for r in caplog.records] == [
        f"{tmp_path}: taken as gray images of 28x28, the label first; --read shape=HxW[xC] says otherwise"
    ]
    caplog.clear()
    read_dataset(CARD, tmp_path, shape=(28, 28))
    assert not caplog.records


def test_a_grid_header_needs_no_shape(tmp_path, caplog):
    dataset = drawn_dataset(shape=(20, 28))
    written(tmp_path, dataset=dataset, preset="oddrationale")

    assert_same_content(read_dataset(CARD, tmp_path), dataset)
    assert not caplog.records


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_the_card_refuses_other_pixels(dtype):
    assert dtype not in CARD.dtypes
    assert CARD.dtypes == ("uint8",)


def test_an_empty_file_cannot_say_that_it_has_no_labels(tmp_path):
    with pytest.raises(CapabilityError, match=r"csv: split 'test': an empty file cannot .*; add --header"):
        write_dataset(CARD, drawn_dataset(5, 0, labelled=False), tmp_path, preset="pjreddie")


def test_pjreddie_refuses_splits_that_its_names_cannot_tell(tmp_path):
    dataset = Dataset.from_arrays({"letters": (np.zeros((1, 2, 2), np.uint8), None)}, name="mnist")

    with pytest.raises(CapabilityError, match=r"split 'letters': cannot be told from .* mnist_letters.csv"):
        write_dataset(CARD, dataset, tmp_path, preset="pjreddie")


HEADER = "label,pixel0,pixel1,pixel2,pixel3\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            HEADER + "5,0,0,0,0\n5,0,256,0,0\n",
            "train.csv, line 3: column 'pixel1': expected a whole number from 0",
        ),
        (HEADER + "5,0,0,0\n", "train.csv, line 2: number of cells: expected 5, found 4"),
        (HEADER + "5,0,0,0,0\n\n5,0,0,0,0\n", "train.csv, line 3: blank line between rows"),
        (
            HEADER + "five,0,0,0,0\n",
            "train.csv, line 2: column 'label': expected a whole number of 64 bits, found 'five'",
        ),
        (
            HEADER + "9223372036854775808,0,0,0,0\n",
            "train.csv, line 2: column 'label': expected a whole number of",
        ),
        (
            HEADER + "5,0.5,0,0,0\n",
            "train.csv, line 2: column 'pixel0': expected a whole number from 0 to 255",
        ),
        (HEADER + "5,0,0,0,0" * 40, "train.csv, line 2: line too long: expected at most 156 bytes"),
        (
            "5,0,0,0,0\n5,0,0,0,-1\n",
            "train.csv, line 2: column 5: expected a whole number from 0 to 255, found '-1'",
        ),
        (
            "5,0,0,0,0,0\n",
            "train.csv, line 1: columns of pixels of a square image: expected a square number, found 6",
        ),
        (
            "0,1,2,3\n",
            "train.csv, line 1: 0 to 3 may be a header or an image: expected another line that tells, found",
        ),
        ("5,0,300,0,0\n", "train.csv, line 1: column 3: expected a whole number from 0 to 255, found '300'"),
        ("", "train.csv: empty file: expected a header or images, found nothing; say --read shape=HxW"),
    ],
)
def test_doubtful_files_are_refused(tmp_path, text, message):
    file = tmp_path / "train.csv"
    file.write_text(text, "utf-8")

    assert refusal(file).startswith(message)


def test_a_fault_far_behind_is_found_before_anything_is_promised(tmp_path):
    file = written(tmp_path, dataset=drawn_dataset(3000, 0)) / "train.csv"
    lines = file.read_text("utf-8").splitlines()
    lines[2900] = lines[2900].rsplit(",", 1)[0] + ",x"
    file.write_text("\n".join(lines), "utf-8")

    assert refusal(file).startswith(
        "train.csv, line 2901: column 'pixel783': expected a whole number from 0 to 255"
    )


def test_cut_gzip_is_refused(tmp_path):
    file = written(tmp_path, dataset=drawn_dataset(300, 0), compression="gzip") / "train.csv.gz"
    file.write_bytes(file.read_bytes()[:-9])

    assert refusal(file).startswith("train.csv.gz: damaged gzip data")


def test_a_file_that_shrinks_after_its_scan_is_refused(tmp_path):
    file = written(tmp_path, dataset=drawn_dataset(300, 0)) / "train.csv"
    dataset = read_dataset(CARD, file)
    file.write_bytes(b"\n".join(file.read_bytes().split(b"\n")[:200]))

    with pytest.raises(DataError, match="ends early: expected 300 images, found 199"):
        dataset["train"].load()


def test_a_bad_shape_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="shape: bad value: expected HxW"):
        CsvReader(Source(tmp_path), CsvReadOptions(shape="28"))


def test_the_shape_of_the_read_option_wins_over_the_receipts(tmp_path):
    written(tmp_path, dataset=drawn_dataset(shape=(2, 6)))

    reader = CsvReader(Source(tmp_path, shape=(3, 4)), CsvReadOptions(shape="2x6"))

    assert_same_content(Dataset(reader), drawn_dataset(shape=(2, 6)))


@pytest.mark.parametrize(
    ("head", "names", "verdict"),
    [
        (b"label,pixel0,pixel1\n5,0,0\n", ["train.csv", "test.csv"], "yes"),
        (b"\xef\xbb\xbflabel,1x1,1x2\r\n", ["train.csv"], "yes"),
        (b"pixel1;pixel2;class\n", ["train.csv.gz"], "yes"),
        (b'"5","0","0"\n', ["train.CSV"], "yes"),
        (b"5,0,0,0,0,0,0,0", ["mnist_train.csv"], "yes"),
        (b"a,b,c\n1,2,3\n", ["train.csv"], "maybe"),
        (b"5 0 0 0\n", ["train.txt"], "maybe"),
        (b"5 152:3 153:18\n", ["train.txt"], "no"),
        (b"label pixel0 pixel1\n", ["train.txt.gz"], "maybe"),
        (b"the label of a class\n", ["readme.txt"], "no"),
        (b"x\n", ["readme.txt"], "no"),
        (b"#@ TextLoader{ header+ }\nLabel,pixel0\n", ["train.csv"], "no"),
        (b"label\tpixel0\n", ["train.tsv"], "no"),
        (b"\x89PNG\r\n\x1a\n\0\0", ["a.csv"], "no"),
        (b"", ["a.csv"], "no"),
    ],
)
def test_sniffing(head, names, verdict):
    assert sniff(head, names) == verdict


OPTIONS = {
    "preset": PRESETS,
    "label": ("first", "last"),
    "header": (True, False),
    "delimiter": ("comma", "semicolon", "tab", "space", "bar"),
    "compression": ("none", "gzip", "zstd"),
}
PAIRS = [
    {first: a, second: b}
    for first, second in combinations(OPTIONS, 2)
    for a, b in product(OPTIONS[first], OPTIONS[second])
]


def spelled(options):
    return " ".join(f"{name}={value}" for name, value in options.items())


@pytest.mark.parametrize("options", PAIRS, ids=spelled)
@pytest.mark.parametrize("labelled", ["all", "none", "train"])
def test_every_pair_of_options_reads_back_by_its_receipt(tmp_path, options, labelled):
    splits = {}
    for name, rows, shape in (("train", 9, (2, 8)), ("test", 5, (3, 5))):
        images = np.random.default_rng(rows).integers(0, 256, (rows, *shape), np.uint8)
        splits[name] = images, np.arange(rows) if labelled in ("all", name) else None
    dataset = Dataset.from_arrays(splits, name="digits")

    mnistkit.export(dataset, "csv", tmp_path / "out", verify=True, **options)

    assert_same_content(mnistkit.open(tmp_path / "out"), dataset)


@pytest.mark.parametrize("shape", [(1, 2), (4, 4), (1, 1)], ids=str)
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("label", ["first", "last"])
@pytest.mark.parametrize("rows", [0, 1])
def test_the_label_option_does_no_harm_to_a_split_without_labels(tmp_path, shape, preset, label, rows):
    images = np.full((rows, *shape), 7, np.uint8)
    dataset = Dataset.from_arrays(
        {"train": (np.zeros((3, *shape), np.uint8), [5, 6, 7]), "test": (images, None)}
    )

    mnistkit.export(
        dataset, "csv", tmp_path / "out", verify=True, preset=preset, label=label, header=not rows or None
    )

    assert_same_content(mnistkit.open(tmp_path / "out"), dataset)


def test_a_kaggle_folder_may_be_read_with_the_label_first(tmp_path):
    dataset = drawn_dataset(20, 0)
    table, labels = frame(dataset)
    table.to_csv(tmp_path / "test.csv", index=False)
    table.insert(0, "label", labels)
    table.to_csv(tmp_path / "train.csv", index=False)

    found = read_dataset(CARD, tmp_path, label="first")

    assert [split.info.labelled for split in found.splits.values()] == [True, False]


def test_a_file_without_pixels_beside_others_is_passed_over(tmp_path, caplog):
    dataset = drawn_dataset(20, 0)
    table, labels = frame(dataset)
    table.to_csv(tmp_path / "test.csv", index=False)
    table.insert(0, "label", labels)
    table.to_csv(tmp_path / "train.csv", index=False)
    pd.DataFrame({"ImageId": [1, 2], "Label": 0}).to_csv(tmp_path / "sample_submission.csv", index=False)

    with caplog.at_level(logging.WARNING, "mnistkit.csv"):
        found = read_dataset(CARD, tmp_path, shape=(28, 28))

    assert list(found.splits) == ["train", "test"]
    (record,) = caplog.records
    assert "ignored: " in record.getMessage()
    assert "sample_submission.csv, line 1: no columns of pixels" in record.getMessage()


def test_a_split_without_pixels_is_never_passed_over(tmp_path):
    written(tmp_path)
    (tmp_path / "train.csv").write_text("id,label\n1,2\n", "utf-8")

    with pytest.raises(DataError, match=r"train.csv, line 1: no columns of pixels"):
        read_dataset(CARD, tmp_path)


def test_a_folder_of_files_without_pixels_is_refused(tmp_path):
    pd.DataFrame({"ImageId": [1, 2], "Label": 0}).to_csv(tmp_path / "sample.csv", index=False)

    with pytest.raises(
        DataError, match=r"sample.csv, line 1: no columns of pixels: .* found 'imageid', 'label'"
    ):
        read_dataset(CARD, tmp_path)


@pytest.mark.parametrize("index", [True, False])
def test_pandas_table_without_names_is_read(tmp_path, index, caplog):
    dataset = drawn_dataset(12, 0, shape=(8, 8))
    whole = dataset["train"].load()
    pd.DataFrame(np.column_stack([whole.labels, whole.images.reshape(12, -1)])).to_csv(
        tmp_path / "train.csv", index=index
    )

    assert_same_content(read_dataset(CARD, tmp_path), only_train(dataset))
    assert "for the label" in caplog.text


def test_whole_decimals_as_pandas_writes_them_after_a_gap_are_read(tmp_path):
    dataset = drawn_dataset(12, 0)
    table, labels = frame(dataset)
    table.insert(0, "label", labels)
    table.astype(dict.fromkeys(table.columns[::3], float)).to_csv(tmp_path / "train.csv", index=False)

    assert b".0," in (tmp_path / "train.csv").read_bytes()
    assert_same_content(read_dataset(CARD, tmp_path), only_train(dataset))


@pytest.mark.parametrize("word", ["y", "digit", "target", "class", "Labels"])
@pytest.mark.parametrize("place", ["first", "last"])
def test_other_words_for_the_label_are_known(tmp_path, word, place):
    dataset = drawn_dataset(12, 0)
    table, labels = frame(dataset)
    table.insert(0 if place == "first" else table.shape[1], word, labels)
    table.to_csv(tmp_path / "train.csv", index=False)

    assert_same_content(read_dataset(CARD, tmp_path), only_train(dataset))


def test_a_folder_of_text_files_with_pixels_is_read(tmp_path):
    for name in ("train", "test"):
        np.savetxt(tmp_path / f"{name}.txt", np.arange(16).reshape(4, 4)[::-1], fmt="%d")

    found = mnistkit.open(tmp_path)

    assert found["test"].load().images[0].tolist() == [[12, 13], [14, 15]]


@pytest.mark.parametrize("text", ["x\n", "The class label is first.\n", "", "Hello, world\n"])
def test_a_folder_of_mere_text_is_no_csv(tmp_path, text):
    (tmp_path / "notes.txt").write_text(text, "utf-8")

    with pytest.raises(DataError, match="no known format"):
        mnistkit.open(tmp_path)
    if text:
        with pytest.raises(DataError, match=r"notes.txt, line 1: "):
            mnistkit.open(tmp_path, format="csv")


def test_irises_are_no_digits(tmp_path):
    (tmp_path / "iris.csv").write_text("sepal,petal,species,site\n5,3,1,0\n", "utf-8")

    with pytest.raises(DataError, match=r"no columns of pixels: .* found 'sepal', 'petal', 'species', …; if"):
        mnistkit.open(tmp_path)
    assert len(mnistkit.open(tmp_path, read={"header": "yes"})["train"]) == 1


def test_an_image_too_wide_to_be_read_is_not_written(tmp_path):
    dataset = Dataset.from_arrays({"train": (np.zeros((1, 1025, 1024), np.uint8), [0])})

    with pytest.raises(
        CapabilityError, match=r"csv: split 'train': too many columns: expected at most 1,048,578"
    ):
        write_dataset(CARD, dataset, tmp_path)
