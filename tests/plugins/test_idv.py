"""ML.NET's binary data view: both ways against a codec written by hand, and what others write."""

from __future__ import annotations

import json
import math
import struct

import idv_by_hand as by_hand
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from idv_by_hand import KEY, NAMES, PIXELS, TEXT, features, label, vector_of

import mnistkit
from mnistkit.dataset import Dataset
from mnistkit.errors import CapabilityError, DataError
from mnistkit.plugin import Part, Source
from mnistkit.registry import load_format
from mnistkit.testing import assert_same_content, drawn_dataset, write_dataset
from mnistkit_mlnet.idv import IdvReadOptions, IdvWriteOptions, mnistkit_register_format
from mnistkit_mlnet.idv.reader import IdvReader
from mnistkit_mlnet.idv.writer import IdvWriter

CARD = mnistkit_register_format()


@pytest.fixture
def make(tmp_path):
    """Write columns by hand as ``train.idv`` and return the path."""

    def make(*columns, name="train.idv", **options):
        path = tmp_path / name
        by_hand.write(path, columns, **options)
        return path

    return make


def read(path, *, known=None, **options):
    """Read a file as if a receipt told the shape ``known``."""
    return Dataset(IdvReader(Source(path, shape=known), IdvReadOptions(**options)))


def load(path, **options):
    return read(path, **options)["train"].load()


def write(dataset, folder, **options):
    write_dataset(CARD, dataset, folder, **options)
    return {path.stem: by_hand.read(path) for path in folder.iterdir()}


# Writing


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_written_is_what_was_given_by_hand(data, tmp_path_factory):
    shape = data.draw(st.sampled_from([(1, 1), (2, 3), (3, 2, 2), (1, 5, 1)]))
    dtype = data.draw(st.sampled_from(["uint8", "float32"]))
    rows = data.draw(st.integers(0, 5))
    images = data.draw(
        hnp.arrays(dtype, (rows, *shape), elements={"allow_nan": False} if dtype != "uint8" else None)
    )
    labels = data.draw(st.none() | hnp.arrays("int64", rows, elements=st.integers(0, 3)))
    names = data.draw(st.none() | st.just(NAMES))
    kind = data.draw(
        st.sampled_from(["auto", "single"] if dtype == "float32" else ["auto", "byte", "single"])
    )
    compression = data.draw(st.sampled_from(["deflate", "none"]))
    folder = tmp_path_factory.mktemp("written")

    dataset = Dataset.from_arrays({"train": (images, labels)}, class_names=names)
    found = write(dataset, folder, type=kind, compression=compression)["train"]

    item = "Single" if kind == "single" or dtype == "float32" else "Byte"
    assert list(found) == (["Features"] if labels is None else ["Label", "Features"])
    assert {c["compression"] for c in found.values()} == {int(compression == "deflate")}
    assert found["Features"]["kind"] == ("VBuffer", (item,), (math.prod(shape),))
    assert found["Features"]["rows"] == images.reshape(rows, math.prod(shape)).tolist()
    assert found["Features"]["notes"]["SlotNames"] == [f"pixel{i}" for i in range(math.prod(shape))]
    own = json.loads(found["Features"]["notes"]["mnistkit"])
    assert (own["dtype"], own["shape"]) == (dtype, list(shape))
    if labels is not None:
        classes = len(NAMES) if names else max(1, int(labels.max(initial=-1)) + 1)
        assert found["Label"]["kind"] == ("Key2", ("UInt32",), classes)
        assert found["Label"]["rows"] == (labels + 1).tolist()
        assert found["Label"]["notes"] == ({"KeyValues": list(NAMES)} if names else {})


def test_keys_count_the_classes_of_the_whole_dataset(tmp_path):
    images = drawn_dataset(3, 0, shape=(2, 2))["train"].load().images
    splits = {"train": (images, [0, 41, 2]), "test": (images, [0, 1, 2])}

    found = write(Dataset.from_arrays(splits), tmp_path)

    assert found["test"]["Label"]["kind"] == found["train"]["Label"]["kind"] == ("Key2", ("UInt32",), 42)


@pytest.mark.parametrize(
    ("shape", "kind", "rows"),
    [((28, 28), "byte", 1024), ((28, 28), "single", 256), ((1, 1), "byte", 8192), ((600, 1000), "byte", 1)],
    ids=str,
)
def test_blocks_are_of_a_megabyte_and_a_power_of_two_rows(tmp_path, shape, kind, rows):
    dataset = drawn_dataset(1, 0, shape=shape).select(["train"])

    write_dataset(CARD, dataset, tmp_path, type=kind)

    assert b"\x01" + by_hand.leb(rows) in (tmp_path / "train.idv").read_bytes()[-120:]


def test_bytes_do_not_depend_on_how_rows_are_batched(tmp_path):
    split = drawn_dataset(2500, 0)["train"]
    info = drawn_dataset(2500, 0).select(["train"]).info
    written = set()
    for size in (1, 7, 1000, 1024, 2500):
        part = Part(str(size), info.splits, info, 0, 2500, workers=2)
        IdvWriter(IdvWriteOptions()).write(tmp_path, part, split.batches(size))
        written.add((tmp_path / f"{size}.idv").read_bytes())

    assert len(written) == 1


def test_extra_columns_are_columns_of_their_own_types(tmp_path):
    images = drawn_dataset(3, 0, shape=(2, 2))["train"].load().images
    extra = {
        "page": np.array([-1, 0, 2**40]),
        "box": np.arange(6, dtype="u1").reshape(3, 2),
        "odd": np.array([1, 0, 1], "?"),
    }

    found = write(Dataset.from_arrays({"train": (images, None)}, extra={"train": extra}), tmp_path)["train"]

    assert {name: (c["kind"], c["rows"]) for name, c in found.items() if name != "Features"} == {
        "page": (("Int64",), [-1, 0, 2**40]),
        "box": (("VBuffer", ("Byte",), (2,)), [[0, 1], [2, 3], [4, 5]]),
        "odd": (("Boolean",), [True, False, True]),
    }


def test_a_column_without_a_type_in_mlnet_is_said_to_be_lost(tmp_path):
    images = drawn_dataset(3, 0)["train"].load().images
    extra = {"half": np.ones(3, "float16"), "whole": np.ones(3, "int8")}
    dataset = Dataset.from_arrays({"train": (images, None)}, extra={"train": extra})

    receipt = mnistkit.export(dataset, "idv", tmp_path / "out", verify=True)

    assert receipt.lost == ("idv keeps no column 'half': ML.NET has no type for it",)
    assert list(mnistkit.open(tmp_path / "out")["train"].load().extra) == ["whole"]
    with pytest.raises(CapabilityError, match="'half'"):
        mnistkit.export(dataset, "idv", tmp_path / "strict", strict=True)


@pytest.mark.parametrize("name", ["Label", "Features"])
def test_a_column_named_as_a_main_one_is_refused(tmp_path, name):
    images = drawn_dataset(3, 0)["train"].load().images
    dataset = Dataset.from_arrays({"train": (images, None)}, extra={"train": {name: np.arange(3)}})

    with pytest.raises(CapabilityError, match=f"named as a main one: found '{name}'"):
        write_dataset(CARD, dataset, tmp_path)


def test_a_label_that_no_key_holds_is_refused(tmp_path):
    images = drawn_dataset(2, 0)["train"].load().images

    def of(greatest):
        return Dataset.from_arrays({"train": (images, np.array([0, greatest]))})

    with pytest.raises(CapabilityError, match="found 4,294,967,295"):
        write_dataset(CARD, of(2**32 - 1), tmp_path)
    write_dataset(CARD, of(2**32 - 2), tmp_path)
    assert load(tmp_path).labels.tolist() == [0, 2**32 - 2]


def test_images_beyond_a_megapixel_are_refused(tmp_path):
    dataset = drawn_dataset(1, 0, shape=(1, 1 << 21)).select(["train"])

    with pytest.raises(CapabilityError, match="too many values in an image"):
        write_dataset(CARD, dataset, tmp_path)


def test_float32_pixels_need_single(tmp_path):
    dataset = drawn_dataset(3, 0, shape=(2, 2), dtype="float32")

    with pytest.raises(CapabilityError, match="expected uint8, found float32"):
        write_dataset(CARD, dataset, tmp_path, type="byte")

    write_dataset(CARD, dataset, tmp_path)
    assert_same_content(read(tmp_path), dataset)


# Reading back


@pytest.mark.parametrize("options", [{"type": "single"}, {"type": "byte"}, {"compression": "none"}], ids=str)
@pytest.mark.parametrize("shape", [(4, 7, 3), (1, 16)], ids=str)
def test_shape_and_type_come_back_without_a_receipt(tmp_path, options, shape, caplog):
    dataset = drawn_dataset(shape=shape, class_names=[f"class {i}" for i in range(10)])

    write_dataset(CARD, dataset, tmp_path, **options)

    assert_same_content(read(tmp_path), dataset)
    assert read(tmp_path).info.class_names == dataset.info.class_names
    assert not caplog.text


def test_class_names_of_a_split_without_labels_come_back(tmp_path):
    dataset = drawn_dataset(labelled=False, class_names=NAMES)

    write_dataset(CARD, dataset, tmp_path)

    assert read(tmp_path).info.class_names == NAMES


def test_own_class_names_that_are_numbers_stay_names(tmp_path):
    names = tuple("7210364589")

    write_dataset(CARD, drawn_dataset(class_names=names), tmp_path)

    found = read(tmp_path)
    assert found.info.class_names == names
    assert found["train"].load().labels[:3].tolist() == [0, 1, 2]


def test_rows_are_read_across_blocks(tmp_path):
    dataset = drawn_dataset(40, 0, shape=(300, 300)).select(["train"])  # 11 images a block, rounded to 8
    write_dataset(CARD, dataset, tmp_path)

    found, expected = read(tmp_path)["train"][6:35].load(), dataset["train"][6:35].load()

    assert (found.images == expected.images).all()
    assert (found.labels == expected.labels).all()


# What others write


ITEMS = st.sampled_from(
    ["Byte", "SByte", "UInt16", "Int16", "UInt32", "Int32", "UInt64", "Int64", "Single", "Double"]
)
LABELS = {
    "Key2": lambda item, values: (("Key2", (item,), 100), [v + 1 for v in values]),
    "number": lambda item, values: ((item,), values),
    "digits": lambda _, values: (TEXT, list(map(str, values))),
}


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_what_is_written_by_hand_is_read(data, tmp_path_factory):
    rows = data.draw(st.integers(0, 9))
    item, dimensions = data.draw(ITEMS), data.draw(st.sampled_from([(6,), (2, 3), (1, 2, 3)]))
    most = 127 if item == "SByte" else 255
    pixels = data.draw(
        st.lists(
            st.lists(st.integers(0, most) | st.just(0), min_size=6, max_size=6), min_size=rows, max_size=rows
        )
    )
    labels = data.draw(st.lists(st.integers(0, 99), min_size=rows, max_size=rows))
    style = data.draw(st.sampled_from(sorted(LABELS)))
    keys = ["Byte", "UInt16", "UInt32", "UInt64"]
    kind, coded = LABELS[style](data.draw(st.sampled_from(keys) if style == "Key2" else ITEMS), labels)
    codecs = st.sampled_from([0, 1])
    sparse = data.draw(st.sets(st.integers(0, 8)))
    columns = [
        label(coded, kind, compression=data.draw(codecs)),
        features(pixels, item, dimensions, sparse=sparse, compression=data.draw(codecs)),
        {"name": "flag", "kind": ("Boolean",), "rows": [v % 2 for v in labels], "compression": 0},
    ]
    path = tmp_path_factory.mktemp("by_hand") / "train.idv"
    by_hand.write(path, data.draw(st.permutations(columns)), block_rows=data.draw(st.integers(1, 12)))

    found = load(path, known=(2, 3))

    shape = dimensions if len(dimensions) > 1 else (2, 3)
    assert found.images.dtype == np.uint8
    assert found.images.tolist() == np.array(pixels, int).reshape(rows, *shape).tolist()
    assert found.labels.tolist() == labels
    assert found.extra["flag"].tolist() == [bool(v % 2) for v in labels]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_float32_pixels_are_read_bit_for_bit(data, tmp_path_factory):
    pixels = data.draw(hnp.arrays("float32", (3, 4)))
    sparse = data.draw(st.sets(st.integers(0, 2))) if not np.isnan(pixels).any() else ()
    path = tmp_path_factory.mktemp("by_hand") / "train.idv"
    by_hand.write(path, [features(pixels.tolist(), "Single", sparse=sparse)])

    found = load(path, dtype="float32")

    assert np.array_equal(found.images.reshape(3, 4), pixels, equal_nan=True)
    assert (np.signbit(found.images.reshape(3, 4)) == np.signbit(pixels)).all()


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("Single", 0.5),
        ("Single", 256.0),
        ("Single", math.nan),
        ("Double", -1.0),
        ("SByte", -1),
        ("UInt16", 256),
        ("Int64", 2**40),
    ],
)
def test_a_pixel_that_is_no_byte_is_refused_with_its_row(make, item, value):
    pixels = [*PIXELS[:2], [3, 0, 0, 9]]
    pixels[2][1] = value
    if item == "SByte":
        pixels[0][1] = 1
    path = make(features(pixels, item), block_rows=2)

    with pytest.raises(DataError, match=r"'Features', row 2: pixel: expected a whole number from 0 to 255"):
        load(path)


@pytest.mark.parametrize("item", ["Double", "Int32"])
def test_pixels_that_float32_may_round_are_refused(make, item):
    with pytest.raises(DataError, match="that float32 does not hold exactly"):
        read(make(features(item=item)), dtype="float32")


@pytest.mark.parametrize(
    ("values", "expected"),
    [((("VBuffer", ("Single",), (3,)), [7.0, 2.0, 1.0]), [1, 7, 2]), (vector_of(["7", "2", "1"]), [1, 7, 2])],
    ids=["numbers", "digits"],
)
def test_keys_made_of_numbers_by_mlnet_are_those_numbers(make, values, expected):
    path = make(label([3, 1, 2], ("Key2", ("UInt32",), 3), notes={"KeyValues": values}), features())

    found = read(path)

    assert found["train"].load().labels.tolist() == expected
    assert found["train"].info.label_range == (1, 7)
    assert found.info.class_names is None


def test_keys_made_of_texts_are_class_names(make):
    path = make(label([4, 1, 2], ("Key2", ("UInt32",), 4), notes={"KeyValues": vector_of(NAMES)}), features())

    assert read(path).info.class_names == NAMES
    assert load(path).labels.tolist() == [3, 0, 1]


def test_dimensions_tell_the_shape(make):
    assert load(make(features(shape=(4, 1)))).images.shape == (3, 4, 1)
    assert load(make(features(shape=(1, 4, 1)))).images.shape == (3, 1, 4, 1)


def test_without_dimensions_a_square_is_assumed_and_said(make, caplog):
    assert load(make(features())).images.shape == (3, 2, 2)
    assert "taken as gray images of 2x2; --read shape=HxW[xC] says otherwise" in caplog.text


def test_no_square_asks_for_its_shape(make):
    path = make(features([[1, 2, 3]], shape=(3,)))

    with pytest.raises(
        DataError,
        match=r"values of a square image: expected a square number, found 3; say --read shape=HxW",
    ):
        read(path)
    with pytest.raises(DataError, match=r"expected 4, as shape says, found 3"):
        read(path, shape="2x2")
    assert load(path, shape="3x1").images.shape == (1, 3, 1)


def test_columns_of_other_names_are_read_when_named(make):
    path = make({**label(), "name": "Digit"}, {**features(), "name": "Image"})

    with pytest.raises(
        DataError,
        match=r"no column 'Features': expected a column of images, found Digit, Image; .* --read image=NAME",
    ):
        read(path)
    assert load(path, image="Image").labels is None
    assert load(path, image="Image", label="Digit").labels.tolist() == [5, 0, 2]
    with pytest.raises(DataError, match="no column 'digit'"):
        read(path, image="Image", label="digit")


def test_columns_that_are_no_numbers_are_left_out_and_said(make, caplog):
    text = {"name": "Note", "kind": TEXT, "rows": ["a", "b", "c"]}
    key = {"name": "Group", "kind": KEY, "rows": [1, 2, 3]}
    date = {"name": "Day", "kind": TEXT, "rows": ["x"] * 3}

    found = load(make(features(), text, key, date))

    assert found.extra == {}
    assert "columns that are no numbers are left out: Note, Group, Day" in caplog.text


def test_a_type_unknown_here_is_passed_over(make, monkeypatch):
    monkeypatch.setitem(by_hand.NUMBERS, "DateTime", "q")

    path = make(label(), features(), {"name": "When", "kind": ("DateTime",), "rows": [1, 2, 3]})

    assert load(path).extra == {}


def test_shards_of_other_class_names_are_refused(make, tmp_path):
    for index, names in enumerate((["a", "b"], ["a", "c"])):
        kind = ("Key2", ("UInt32",), 2)
        make(
            label([1, 2, 1], kind, notes={"KeyValues": vector_of(names)}),
            features(),
            name=f"train-0000{index}-of-00002.idv",
        )

    with pytest.raises(DataError, match="class names differ from those of train-00000-of-00002"):
        read(tmp_path)


def test_shards_of_other_types_are_refused(make, tmp_path):
    make(label(), features(), name="train-00000-of-00002.idv")
    make(features(), name="train-00001-of-00002.idv")

    with pytest.raises(DataError, match="type, shape or columns differ from those of train-00000-of"):
        read(tmp_path)


def test_the_signature_tells(make, small):
    head = make(label(), features()).read_bytes()[:4096]

    assert load_format("idv").sniff(head, ["anything"]) == "yes"
    assert load_format("idv").sniff(b"CML\0DVB", ["train.idv"]) == "no"


def test_a_newer_file_that_old_readers_read_is_read(make):
    path = make(label(), features())
    data = bytearray(path.read_bytes())
    data[8:16] = struct.pack("<Q", 0x0001000200000000)
    path.write_bytes(data)

    assert load(path).labels.tolist() == [5, 0, 2]
