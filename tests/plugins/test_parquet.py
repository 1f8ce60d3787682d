import contextlib
import json
import logging
import pickle
import re
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from mnistkit.api import export, verify
from mnistkit.codecs import png
from mnistkit.dataset import COLUMN_DTYPES, DTYPES, Batch, Dataset, DatasetInfo
from mnistkit.errors import CapabilityError, DataError, UsageError
from mnistkit.options import build
from mnistkit.plugin import Loss, Part, Source
from mnistkit.registry import load_format
from mnistkit.testing import assert_same_content, drawn_dataset, read_dataset, write_dataset
from mnistkit_parquet import ParquetReadOptions, ParquetWriteOptions, mnistkit_register_format
from mnistkit_parquet.reader import ParquetReader
from mnistkit_parquet.schema import MOST_NUMBERS
from mnistkit_parquet.writer import ParquetWriter

CARD = mnistkit_register_format()
LAYOUTS = ("image", "pixels", "columns")
TRAIN, TEST = "data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"
WHOLE = drawn_dataset(20, 0)["train"].load()
PIXELS, LABELS = WHOLE.images, WHOLE.labels
FLAT = PIXELS.reshape(20, -1)
NUMBERS = {"names": [str(i) for i in range(10)], "_type": "ClassLabel"}

on_layouts = pytest.mark.parametrize("layout", LAYOUTS)


def dataset_of(pixels=PIXELS, labels=LABELS, *, class_names=None, **extra):
    return Dataset.from_arrays({"train": (pixels, labels)}, class_names=class_names, extra={"train": extra})


def round_trip(dataset, folder, *, workers=1, **options):
    write_dataset(CARD, dataset, folder, workers=workers, **options)
    return read_dataset(CARD, folder)


def table_of(*fields, metadata=None):
    """Make a table from (name, array, type or None)."""
    arrays = [pa.array(values, kind) for _, values, kind in fields]
    return pa.Table.from_arrays(arrays, names=[name for name, _, _ in fields]).replace_schema_metadata(
        metadata
    )


def metadata_of(file):
    return {k.decode(): json.loads(v) for k, v in pq.read_schema(file).metadata.items()}


def class_labels(**columns):
    """Return metadata as Hugging Face writes it for columns with named classes."""
    features = {column: {"_type": "ClassLabel", "names": names} for column, names in columns.items()}
    return {"huggingface": json.dumps({"info": {"features": features}})}


@pytest.fixture
def saved(tmp_path):
    """Save a table (or its fields) as ``train.parquet``."""

    def save(*fields, name="train.parquet", **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        table = fields[0] if isinstance(fields[0], pa.Table) else table_of(*fields)
        pq.write_table(table, path, **options)
        return path

    return save


def refusal(path, error=DataError, **options):
    with pytest.raises(error) as caught:
        read_dataset(CARD, path, **options)["train"].load()
    message = str(caught.value)
    assert "\n" not in message
    return message


# What goes in comes out.


@on_layouts
@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"shape": (50, 50)},
        {"shape": (20, 28)},
        {"shape": (32, 32, 3)},
        {"shape": (1, 1)},
        {"train": 1, "test": 0},
        {"train": 0, "test": 0},
        {"train": 70, "classes": 62},
        {"train": 400, "classes": 400},
        {"labelled": False},
        {"dtype": "uint16"},
        {"class_names": [f"class {i}" for i in range(10)]},
    ],
    ids=str,
)
def test_dataset_comes_back(tmp_path, layout, kind):
    dataset = drawn_dataset(**kind)

    found = round_trip(dataset, tmp_path, layout=layout)

    assert_same_content(found, dataset)
    assert found.info.class_names == dataset.info.class_names
    assert [s.label_range for s in found.info.splits] == [s.label_range for s in dataset.info.splits]


@pytest.mark.parametrize("layout", ["pixels", "columns"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [7, 0])
def test_every_type_of_pixels_comes_back(tmp_path, layout, dtype, rows):
    dataset = drawn_dataset(rows, 0, shape=(3, 5, 2), dtype=dtype)

    assert_same_content(round_trip(dataset, tmp_path, layout=layout), dataset)


@pytest.mark.parametrize("layout", ["pixels", "columns"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_keep_every_bit(tmp_path, layout, dtype):
    bits = {"float32": ("u4", 0x7FC00000), "float64": ("u8", 0x7FF8000000000000)}
    unsigned, nan = bits[dtype]
    values = np.array([nan, nan + 1, nan + 2, nan, 1, 0], unsigned).view(dtype)
    pixels = np.concatenate([values, -values, [np.inf, -np.inf]]).astype(dtype).reshape(7, 1, 2)
    dataset = dataset_of(pixels, None)

    assert_same_content(round_trip(dataset, tmp_path, layout=layout), dataset)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_drawn_datasets_come_back(tmp_path_factory, data):
    layout = data.draw(st.sampled_from(LAYOUTS))
    dtype = data.draw(st.sampled_from(["uint8", "uint16"] if layout == "image" else DTYPES))
    channels = data.draw(st.sampled_from([(), (2,), (3,), (4,)] if dtype == "uint8" else [()]))
    size = (
        data.draw(st.integers(0, 9)),
        data.draw(st.integers(1, 6)),
        data.draw(st.integers(1, 6)),
        *channels,
    )
    pixels = data.draw(hnp.arrays(dtype, size))
    kind = data.draw(st.sampled_from(["uint8", "int8", "int32", "int64", "uint16"]))
    labels = data.draw(st.none() | hnp.arrays(kind, size[0]))
    weights = data.draw(hnp.arrays(data.draw(st.sampled_from(COLUMN_DTYPES)), (size[0], 2)))
    dataset = dataset_of(pixels, labels, weights=weights)
    options = {"row_group": data.draw(st.integers(1, 10)), "workers": data.draw(st.sampled_from([1, 2]))}

    found = round_trip(dataset, tmp_path_factory.mktemp("drawn"), layout=layout, **options)

    assert_same_content(found, dataset)
    assert found["train"].load().extra["weights"].tobytes() == weights.tobytes()
    assert found.info.splits[0].label_range == dataset.info.splits[0].label_range


@pytest.mark.parametrize("layout", LAYOUTS)
def test_extra_columns_come_back_with_names_types_and_shapes(tmp_path, layout):
    extra = {
        "class": np.arange(20, dtype="int16"),
        "Label": np.arange(20, dtype="uint64") << 60,
        "3": np.arange(20) % 3 == 0,
        "box": np.arange(80, dtype="int32").reshape(20, 4)[:, ::-1],
        "a.b": np.linspace(0, 1, 120, dtype="float32").reshape(20, 3, 2),
    }
    dataset = dataset_of(**extra)

    found = round_trip(dataset, tmp_path, layout=layout)

    assert_same_content(found, dataset)
    assert set(found.info.splits[0].extra) == set(dataset.info.splits[0].extra)
    for name, column in found["train"].load().extra.items():
        np.testing.assert_array_equal(column, extra[name])


@on_layouts
def test_unlabelled_split_does_not_take_an_extra_column_for_labels(tmp_path, layout):
    dataset = dataset_of(labels=None, y=np.arange(20), target=np.arange(20))

    found = round_trip(dataset, tmp_path, layout=layout)

    assert not found.info.splits[0].labelled
    assert {column.name for column in found.info.splits[0].extra} == {"y", "target"}


@pytest.mark.parametrize(
    ("layout", "name", "values", "reason"),
    [
        ("pixels", "empty", np.zeros((20, 0)), "its values are empty"),
        ("columns", "pixel7", range(20), "its name is taken"),
        ("image", "image", range(20), "its name is taken"),
        ("columns", "label", range(20), "its name is taken"),
    ],
)
def test_column_that_does_not_fit_is_lost_and_named(tmp_path, layout, name, values, reason):
    dataset = dataset_of(**{name: values})
    writer = ParquetWriter(ParquetWriteOptions(layout=layout))

    assert writer.check(dataset.info) == [
        Loss(f"column {name!r} of split 'train': {reason}", columns=(name,))
    ]
    found = round_trip(dataset, tmp_path, layout=layout)

    assert_same_content(found, dataset)
    assert found.info.splits[0].extra == ()


@on_layouts
def test_negative_labels_are_plain_numbers(tmp_path, layout):
    dataset = dataset_of(labels=LABELS.astype("int8") - 1)

    assert_same_content(round_trip(dataset, tmp_path, layout=layout), dataset)

    features = metadata_of(tmp_path / TRAIN)["huggingface"]["info"]["features"]
    assert features["label"] == {"dtype": "int64", "_type": "Value"}


def test_column_named_like_a_pixel_is_lost_and_the_rest_proved(tmp_path):
    dataset = dataset_of(pixel3=range(20), kept=range(20))

    export(dataset, "parquet", tmp_path / "out", layout="columns", verify=True)

    assert verify(tmp_path / "out").problems == ()
    assert [c.name for c in read_dataset(CARD, tmp_path / "out").info.splits[0].extra] == ["kept"]


@on_layouts
def test_class_names_come_back_without_labels(tmp_path, layout):
    dataset = dataset_of(labels=None, class_names=["cat", "dog"])

    assert round_trip(dataset, tmp_path, layout=layout).info.class_names == ("cat", "dog")


@pytest.mark.parametrize(
    ("dtype", "shape"), [("int16", (2, 2)), ("float32", (2, 2)), ("uint16", (2, 2, 3)), ("uint8", (2, 2, 5))]
)
def test_image_layout_refuses_what_png_cannot_hold(tmp_path, dtype, shape):
    dataset = drawn_dataset(dtype=dtype, shape=shape)

    with pytest.raises(CapabilityError, match=r"no PNG image holds|cannot carry the (pixel type|channels)"):
        write_dataset(CARD, dataset, tmp_path)


def test_card_narrows_with_the_layout():
    image = CARD.with_options(ParquetWriteOptions())
    pixels = CARD.with_options(ParquetWriteOptions(layout="pixels"))

    assert (image.dtypes, image.channels) == (("uint8", "uint16"), (2, 3, 4))
    assert (pixels.dtypes, pixels.channels) == ((), ())
    assert load_format("parquet") == CARD


@on_layouts
@pytest.mark.parametrize("compression", ["auto", "none"])
def test_estimate_of_size_holds_for_drawn_digits(tmp_path, layout, compression):
    rows = np.zeros((2000, 28, 28), np.uint8)
    rows[:, 6:22, 8:20] = np.random.default_rng(0).integers(0, 256, (2000, 16, 12)) * (
        PIXELS[0, 6:22, 8:20] > 99
    )
    options = ParquetWriteOptions(layout=layout, compression=compression)
    card = CARD.with_options(options)

    write_dataset(CARD, dataset_of(rows, None), tmp_path, layout=layout, compression=compression)

    estimate = len(rows) * (784 * card.bytes_per_value + card.bytes_per_image)
    assert 0.3 < (tmp_path / TRAIN).stat().st_size / estimate < 1.5


# What the files are.


def test_image_layout_is_what_hugging_face_writes(tmp_path):
    write_dataset(CARD, dataset_of(weight=np.ones((20, 2), "float32"), id=range(20)), tmp_path)

    schema = pq.read_schema(tmp_path / TRAIN)

    assert str(schema.field("image").type) == "struct<bytes: binary, path: string>"
    assert schema.names == ["image", "label", "weight", "id"]
    assert schema.field("label").type == pa.int64()
    assert all(field.nullable for field in schema)
    assert json.loads(schema.metadata[b"huggingface"]) == {
        "info": {
            "features": {
                "image": {"_type": "Image"},
                "label": NUMBERS,
                "weight": {
                    "feature": {"dtype": "float32", "_type": "Value"},
                    "length": 2,
                    "_type": "Sequence",
                },
                "id": {"dtype": "int64", "_type": "Value"},
            }
        }
    }
    assert schema.metadata[b"mnistkit"] == b'{"dtype": "uint8", "shape": [28, 28]}'


def test_hugging_face_metadata_of_plain_mnist_is_literally_theirs(tmp_path):
    write_dataset(CARD, drawn_dataset(), tmp_path)

    for file in (TRAIN, TEST):
        assert pq.read_schema(tmp_path / file).metadata[b"huggingface"] == (
            b'{"info": {"features": {"image": {"_type": "Image"}, "label": {"names": '
            b'["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], "_type": "ClassLabel"}}}}'
        )


@on_layouts
def test_labels_are_class_labels_in_every_layout(tmp_path, layout):
    write_dataset(CARD, dataset_of(class_names=[*"abcdefghij"]), tmp_path, layout=layout)

    features = metadata_of(tmp_path / TRAIN)["huggingface"]["info"]["features"]

    assert features["label"] == {"names": [*"abcdefghij"], "_type": "ClassLabel"}


def test_huge_numbers_are_no_list_of_classes(tmp_path):
    dataset = dataset_of(labels=LABELS.astype("int32") + MOST_NUMBERS)

    write_dataset(CARD, dataset, tmp_path)

    features = metadata_of(tmp_path / TRAIN)["huggingface"]["info"]["features"]
    assert features["label"] == {"dtype": "int64", "_type": "Value"}


def test_pixels_layout_is_fixed_size_bytes(tmp_path):
    write_dataset(CARD, drawn_dataset(shape=(4, 3), dtype="int16"), tmp_path, layout="pixels")

    schema = pq.read_schema(tmp_path / TRAIN)

    assert schema.names == ["image", "label"]
    assert schema.field("image").type == pa.binary(24)
    assert json.loads(schema.metadata[b"mnistkit"]) == {"dtype": "int16", "shape": [4, 3]}


def test_columns_layout_has_a_column_a_pixel(tmp_path):
    write_dataset(CARD, drawn_dataset(shape=(4, 3), dtype="int16"), tmp_path, layout="columns")

    schema = pq.read_schema(tmp_path / TRAIN)

    assert schema.names == ["label", *(f"pixel{i}" for i in range(12))]
    assert schema.types == [pa.int64(), *[pa.int16()] * 12]


@pytest.mark.parametrize(
    ("layout", "compression", "codec"),
    [
        ("image", "auto", "UNCOMPRESSED"),
        ("pixels", "auto", "ZSTD"),
        ("columns", "auto", "ZSTD"),
        ("image", "zstd", "ZSTD"),
        ("pixels", "none", "UNCOMPRESSED"),
        ("pixels", "snappy", "SNAPPY"),
        ("pixels", "gzip", "GZIP"),
        ("pixels", "lz4", "LZ4"),
        ("pixels", "brotli", "BROTLI"),
    ],
)
def test_compression_is_the_one_asked_for(tmp_path, small, layout, compression, codec):
    found = round_trip(small, tmp_path, layout=layout, compression=compression)

    assert_same_content(found, small)
    group = pq.read_metadata(tmp_path / TRAIN).row_group(0)
    assert {group.column(i).compression for i in range(group.num_columns)} == {codec}


def test_level_reaches_the_codec(tmp_path):
    sizes = []
    for level in (1, 19):
        folder = tmp_path / str(level)
        folder.mkdir()
        write_dataset(CARD, dataset_of(PIXELS % 7, None), folder, layout="pixels", level=level)
        sizes.append((folder / TRAIN).stat().st_size)

    assert sizes[1] < sizes[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "parquet: --level without a codec that has levels: found none"),
        ({"compression": "snappy"}, "parquet: --level without a codec that has levels: found snappy"),
        ({"compression": "gzip"}, "parquet: bad value for --level: expected 1 to 9, found 12"),
    ],
)
def test_level_that_the_codec_does_not_have_is_refused(tmp_path, small, options, message):
    with pytest.raises(UsageError) as caught:
        write_dataset(CARD, small, tmp_path, level=12, **options)

    assert str(caught.value) == message


@on_layouts
def test_row_groups_have_the_rows_asked_for(tmp_path, layout):
    write_dataset(CARD, drawn_dataset(30, 0), tmp_path, layout=layout, row_group=8)

    metadata = pq.read_metadata(tmp_path / TRAIN)

    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [8, 8, 8, 6]
    assert pq.read_metadata(tmp_path / TEST).num_row_groups == 0


def test_row_groups_of_large_images_are_bounded_in_bytes(tmp_path):
    dataset = dataset_of(np.zeros((40, 700, 1000), np.uint8), None)

    write_dataset(CARD, dataset, tmp_path, layout="pixels")

    metadata = pq.read_metadata(tmp_path / TRAIN)
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [8] * 5


@on_layouts
def test_bytes_depend_neither_on_workers_nor_on_batches(tmp_path, layout):
    dataset = drawn_dataset(3000, 0, shape=(9, 9))
    files = []
    for workers, size in ((1, 4096), (3, 7), (2, 64)):
        folder = tmp_path / str(workers)
        folder.mkdir()
        split = dataset["train"]
        part = Part("train", (split.info,), dataset.info, 0, 3000, workers=workers)
        writer = ParquetWriter(ParquetWriteOptions(layout=layout, row_group=1024))
        writer.write(folder, part, split.batches(size))
        files.append((folder / TRAIN).read_bytes())

    assert files[0] == files[1] == files[2]


def test_writer_holds_no_more_than_a_row_group(tmp_path):
    info = replace(drawn_dataset(1, 0)["train"].info, length=48 * 1024)
    alive = weakref.WeakSet()
    most = []

    def batches():
        for start in range(0, info.length, 1024):
            images = _Tracked((1024, 28, 28), np.uint8)
            alive.add(images)
            most.append(len(alive))
            yield Batch(images, np.zeros(1024, np.uint8), start)

    part = Part("train", (info,), DatasetInfo("drawn", (info,)), 0, info.length)
    ParquetWriter(ParquetWriteOptions(layout="pixels", row_group=8192)).write(tmp_path, part, batches())

    assert len(most) == 48
    assert 8 <= max(most) <= 8 + 2


class _Tracked(np.ndarray):
    """An array that a weak reference can follow by identity."""

    __hash__ = object.__hash__


def test_shard_keeps_its_name(tmp_path):
    dataset = dataset_of(PIXELS[:12], LABELS[:12])
    split = dataset["train"]
    writer = ParquetWriter(build(ParquetWriteOptions, {}, where="parquet"))
    for index in range(3):
        start, stop = 4 * index, 4 * index + 4
        stem = f"train-{index:05}-of-00003"
        part = Part(stem, (split.info,), dataset.info, start, stop, index=index, shards=3)
        written = writer.write(tmp_path, part, split[start:stop].batches(3))
        assert written.files == (f"data/{stem}.parquet",)
        assert written.rows == 4

    assert_same_content(read_dataset(CARD, tmp_path), dataset)


# Other libraries open them.


def numpy_of(values):
    """Decode the column ``image`` of any library: structs, or bytes of pixels."""
    if isinstance(values[0], dict):
        return np.stack([np.asarray(Image.open(BytesIO(value["bytes"]))) for value in values])
    return np.frombuffer(b"".join(values), np.uint8).reshape(-1, 28, 28)


@pytest.mark.parametrize("layout", ["image", "pixels"])
@pytest.mark.parametrize(
    "opened",
    [
        lambda file: pd.read_parquet(file).to_dict("list"),
        lambda file: pl.read_parquet(file).to_dict(as_series=False),
        lambda file: duckdb.read_parquet(file).pl().to_dict(as_series=False),
        lambda file: pq.read_table(file).to_pydict(),
    ],
    ids=["pandas", "polars", "duckdb", "pyarrow"],
)
def test_images_open_in_other_libraries(tmp_path, small, layout, opened):
    write_dataset(CARD, small, tmp_path, layout=layout)

    for file, split in ((TRAIN, "train"), (TEST, "test")):
        found, expected = opened(str(tmp_path / file)), small[split].load()
        np.testing.assert_array_equal(numpy_of(found["image"]), expected.images)
        assert found["label"] == expected.labels.tolist()


@pytest.mark.parametrize(
    "opened",
    [
        pd.read_parquet,
        pl.read_parquet,
        lambda file: duckdb.read_parquet(file).pl(),
        lambda file: pq.read_table(file).to_pandas(),
    ],
    ids=["pandas", "polars", "duckdb", "pyarrow"],
)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_columns_open_in_other_libraries(tmp_path, opened, dtype):
    dataset = drawn_dataset(shape=(5, 4), dtype=dtype)
    write_dataset(CARD, dataset, tmp_path, layout="columns")

    found, expected = opened(str(tmp_path / TRAIN)), dataset["train"].load()

    assert list(found.columns) == ["label", *(f"pixel{i}" for i in range(20))]
    assert found["label"].to_numpy().tolist() == expected.labels.tolist()
    pixels = np.stack([found[f"pixel{i}"].to_numpy() for i in range(20)], axis=1)
    assert pixels.dtype == dtype
    assert pixels.tobytes() == expected.images.tobytes()


@on_layouts
def test_empty_splits_open_in_other_libraries(tmp_path, layout):
    write_dataset(CARD, drawn_dataset(3, 0), tmp_path, layout=layout)
    file = str(tmp_path / TEST)

    assert len(pd.read_parquet(file)) == len(pl.read_parquet(file)) == len(duckdb.read_parquet(file)) == 0


def test_one_line_turns_pixels_into_an_array(tmp_path, small):
    write_dataset(CARD, small, tmp_path, layout="pixels")
    file, images = str(tmp_path / TRAIN), small["train"].load().images

    columns = {
        "pyarrow": pq.read_table(file)["image"].to_pylist(),
        "pandas": pd.read_parquet(file)["image"],
        "polars": pl.read_parquet(file)["image"],
        "duckdb": duckdb.read_parquet(file).fetchnumpy()["image"],
    }

    for library, column in columns.items():
        found = np.frombuffer(b"".join(column), "uint8").reshape(-1, 28, 28)
        np.testing.assert_array_equal(found, images, err_msg=library)


# Files of others.


SHAPELESS = {
    "polars array": lambda path: pl.DataFrame({"image": FLAT, "label": LABELS}).write_parquet(path),
    "polars list": lambda path: pl.DataFrame(
        {"image": FLAT.tolist(), "label": LABELS}, schema_overrides={"image": pl.List(pl.UInt8)}
    ).write_parquet(path),
    "polars bytes": lambda path: pl.DataFrame(
        {"img": [row.tobytes() for row in FLAT], "y": LABELS}
    ).write_parquet(path),
    "polars columns": lambda path: (
        pl.DataFrame(FLAT).with_columns(label=pl.Series(LABELS)).write_parquet(path)
    ),
    "pandas list": lambda path: pd.DataFrame({"features": list(FLAT), "target": LABELS}).to_parquet(path),
    "pandas int64 list": lambda path: pd.DataFrame({"pixels": FLAT.tolist(), "class": LABELS}).to_parquet(
        path
    ),
    "pandas int64 columns": lambda path: pd.DataFrame(
        {"label": LABELS, **{f"pixel{i}": FLAT[:, i].astype("int64") for i in range(784)}}
    ).to_parquet(path),
    "pandas columns from 1, label last": lambda path: pd.DataFrame(
        {**{f"pixel{i + 1}": FLAT[:, i] for i in range(784)}, "class": LABELS}
    ).to_parquet(path),
    "duckdb": lambda path: duckdb.from_arrow(
        table_of(("image", FLAT.tolist(), pa.list_(pa.uint8())), ("label", LABELS, None))
    ).write_parquet(str(path)),
    "arrow large list": lambda path: pq.write_table(
        table_of(("image", FLAT.tolist(), pa.large_list(pa.int32())), ("labels", LABELS, None)), path
    ),
}


@pytest.mark.parametrize("tool", SHAPELESS)
def test_tables_of_other_libraries_are_read_as_squares_with_a_warning(tmp_path, caplog, tool):
    path = tmp_path / "train.parquet"
    SHAPELESS[tool](path)

    found = read_dataset(CARD, path)

    expected = PIXELS.astype("int32") if "large" in tool else PIXELS
    assert_same_content(found, dataset_of(expected))
    assert [(r.name, r.levelno) for r in caplog.records] == [("mnistkit.parquet", logging.WARNING)]
    assert caplog.messages[0].endswith("taken for gray images of 28 x 28; if not, use --read shape=HxW")


def test_tensors_know_their_shape(saved, caplog):
    kind = pa.fixed_shape_tensor(pa.uint8(), [28, 28])
    storage = pa.array(FLAT.tolist(), pa.list_(pa.uint8(), 784))
    path = saved(pa.table({"image": pa.ExtensionArray.from_storage(kind, storage), "label": LABELS}))

    assert_same_content(read_dataset(CARD, path), dataset_of())
    assert not caplog.records


@pytest.mark.parametrize(
    "save",
    [
        lambda path: pl.DataFrame({"image": PIXELS, "label": LABELS}).write_parquet(path),
        lambda path: pd.DataFrame(
            {"image": [image.tolist() for image in PIXELS], "label": LABELS}
        ).to_parquet(path),
        lambda path: pd.DataFrame(
            {"label": LABELS, **{f"{i // 28 + 1}x{i % 28 + 1}": FLAT[:, i] for i in range(784)}}
        ).to_parquet(path),
    ],
    ids=["nested arrays", "nested lists", "1x1 to 28x28"],
)
def test_nested_lists_and_places_know_their_shape(tmp_path, caplog, save):
    save(tmp_path / "train.parquet")

    assert_same_content(read_dataset(CARD, tmp_path), dataset_of())
    assert not caplog.records


def test_columns_named_by_place_come_in_any_order(tmp_path):
    places = [(r, c) for c in (3, 1, 2) for r in (2, 1)]
    frame = pl.DataFrame({f"{r}x{c}": [10 * r + c] for r, c in places} | {"label": [7]})
    frame.write_parquet(tmp_path / "train.parquet")

    image, label = read_dataset(CARD, tmp_path)["train"][0]

    assert image.tolist() == [[11, 12, 13], [21, 22, 23]]
    assert label == 7


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("plain", [False, True], ids=["struct", "bytes"])
def test_export_of_hugging_face_is_read(saved, kind, plain):
    files, images = [], []
    for image in PIXELS:
        smooth = np.full_like(image, image[0, 0])
        buffer = BytesIO()
        Image.fromarray(smooth).save(buffer, kind)
        files.append(buffer.getvalue())
        images.append(np.asarray(Image.open(BytesIO(files[-1]))))
    values = files if plain else [{"bytes": file, "path": f"{i}.png"} for i, file in enumerate(files)]
    names = [f"digit {i}" for i in range(10)]
    features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    path = saved(table_of(("image", values, None), ("label", LABELS, pa.int64()), metadata=metadata))

    found = read_dataset(CARD, path)

    assert_same_content(found, dataset_of(np.stack(images)))
    assert found.info.class_names == tuple(names)


@pytest.mark.parametrize(
    "names",
    [
        ("data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"),
        ("train.parquet", "test.parquet"),
        ("mnist/train-00000-of-00001.parquet", "mnist/test-00000-of-00001.parquet"),
        ("default/train/0000.parquet", "default/test/0000.parquet"),
        ("mnist_train.pq", "mnist_test.pq"),
    ],
)
def test_files_are_found_wherever_they_lie(tmp_path, saved, small, names):
    for name, split in zip(names, ("train", "test"), strict=True):
        batch = small[split].load()
        images = [{"bytes": file, "path": None} for file in png.encode_batch(batch.images)]
        saved(("image", images, None), ("label", batch.labels, None), name=name)

    assert_same_content(read_dataset(CARD, tmp_path), small)


def test_numbered_files_are_shards_in_order(tmp_path, saved):
    for i, rows in enumerate((slice(0, 5), slice(5, 5), slice(5, 20))):
        images = ("image", FLAT[rows].tolist(), pa.list_(pa.uint8()))
        saved(images, ("label", LABELS[rows], None), name=f"train/{i:04}.parquet")

    assert_same_content(read_dataset(CARD, tmp_path / "train"), dataset_of())


def test_two_numbered_datasets_are_refused(tmp_path, saved):
    for name in ("a/train/0.parquet", "b/train/0.parquet"):
        saved(("image", PIXELS.tolist(), None), name=name)

    assert "two folders for split 'train'" in refusal(tmp_path)


def test_missing_shard_is_refused(tmp_path, saved):
    saved(("image", PIXELS.tolist(), None), name="train-00001-of-00003.parquet")
    saved(("image", PIXELS.tolist(), None), name="train-00002-of-00003.parquet")

    message = refusal(tmp_path)

    assert "shards of split 'train': expected shards 0 to 2, once each, found train-00001-of-00003" in message
    assert len(read_dataset(CARD, tmp_path / "train-00001-of-00003.parquet")["train"]) == 20


def test_columns_and_metadata_of_shards_must_agree(tmp_path, saved):
    saved(("image", PIXELS.tolist(), None), name="train-00000-of-00002.parquet")
    saved(("image", FLAT.tolist(), None), name="train-00001-of-00002.parquet")

    assert refusal(tmp_path).endswith(
        "train-00001-of-00002.parquet: columns or metadata differ from those of train-00000-of-00002.parquet"
    )


def test_class_names_of_splits_must_agree(tmp_path):
    for split, names in (("train", "ab"), ("test", "xy")):
        dataset = Dataset.from_arrays({split: (PIXELS, LABELS % 2)}, class_names=[*names])
        write_dataset(CARD, dataset, tmp_path)

    assert "class names differ from those of train-00000-of-00001.parquet" in refusal(tmp_path)


TEXTS = {
    "categories": pd.Categorical,
    "objects": lambda labels: labels,
    "arrow": lambda labels: pd.array(labels, "string[pyarrow]"),
}


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("row_group", [3, 20])
def test_digits_in_texts_are_labels(tmp_path, kind, row_group):
    pixels = {f"pixel{i + 1}": FLAT[:, i] for i in range(784)}
    frame = pd.DataFrame(pixels | {"class": TEXTS[kind]([str(label) for label in LABELS])})
    frame.to_parquet(tmp_path / "train.parquet", row_group_size=row_group)

    found = read_dataset(CARD, tmp_path, shape=(28, 28))

    assert_same_content(found, dataset_of())
    assert found.info.class_names is None
    assert found.info.splits[0].label_range == (int(LABELS.min()), int(LABELS.max()))


def test_texts_become_classes_in_the_same_order_in_all_splits(tmp_path, saved):
    saved(("image", PIXELS[:3].tolist(), None), ("label", ["dog", "cat", "dog"], None))
    saved(
        ("image", PIXELS[:2].tolist(), None),
        ("label", ["eel", "dog"], pa.large_string()),
        name="test.parquet",
    )

    found = read_dataset(CARD, tmp_path)
    found = Dataset(pickle.loads(pickle.dumps(found.reader)), info=found.info)

    assert found.info.class_names == ("cat", "dog", "eel")
    assert [s.label_range for s in found.info.splits] == [(0, 1), (1, 2)]
    assert found["train"].load().labels.tolist() == [1, 0, 1]
    assert found["test"][1:].load().labels.tolist() == [1]


def test_texts_that_say_one_number_stay_two_classes(saved):
    path = saved(("image", PIXELS[:3].tolist(), None), ("label", ["7", "07", "1"], None))

    assert read_dataset(CARD, path).info.class_names == ("07", "1", "7")


def test_texts_beside_numbers_are_refused(tmp_path, saved):
    saved(("image", PIXELS[:1].tolist(), None), ("label", ["cat"], None))
    saved(("image", PIXELS[:1].tolist(), None), ("label", [1], None), name="test.parquet")

    assert refusal(tmp_path).endswith("labels that are numbers in one split and texts in another")


def test_labels_that_change_behind_the_back_are_refused(saved):
    table = [("image", PIXELS[:2].tolist(), None), ("label", ["cat", "dog"], None)]
    found = read_dataset(CARD, saved(*table))
    saved(table[0], ("label", ["cat", "eel"], None))

    with pytest.raises(DataError, match="column 'label' has changed since it was opened"):
        found["train"].load()


def test_columns_that_are_no_numbers_are_left_out_with_one_warning(tmp_path, saved, caplog):
    for split in ("train", "test"):
        saved(
            ("image", PIXELS.tolist(), None),
            ("id", ["a", None] * 10, None),
            ("day", [None] * 20, pa.date32()),
            ("label", LABELS, None),
            ("words", [["x"]] * 20, None),
            ("weight", [0.5] * 20, None),
            name=f"{split}.parquet",
        )

    found = read_dataset(CARD, tmp_path)

    assert_same_content(found, Dataset.from_arrays(dict.fromkeys(("train", "test"), (PIXELS, LABELS))))
    assert [column.name for column in found.info.splits[0].extra] == ["weight"]
    assert caplog.messages == [f"{tmp_path}: columns that are no numbers are left out: id, day, words"]


def test_columns_are_told_by_options(saved):
    path = saved(
        ("image", [[1]] * 20, None),
        ("scan", PIXELS.tolist(), None),
        ("label", [9] * 20, None),
        ("digit", LABELS, None),
    )

    found = read_dataset(CARD, path, image="scan", label="digit")

    assert_same_content(found, dataset_of())
    assert {column.name for column in found.info.splits[0].extra} == {"image", "label"}
    assert refusal(path, image="pic") == f"{path}: no column 'pic': found image, scan, label, digit"
    assert refusal(path, label="pic") == f"{path}: no column 'pic': found image, scan, label, digit"


def test_the_only_class_label_is_the_label(saved):
    fields = [("image", PIXELS.tolist(), None), ("digit", LABELS, None), ("writer", [0] * 20, None)]
    names = [f"digit {i}" for i in range(10)]

    one = read_dataset(CARD, saved(table_of(*fields, metadata=class_labels(digit=names))))
    two = read_dataset(CARD, saved(table_of(*fields, metadata=class_labels(digit=names, writer=["me"]))))

    assert_same_content(one, dataset_of())
    assert one.info.class_names == tuple(names)
    assert not two.info.splits[0].labelled
    assert two.info.class_names is None


def test_pixel_columns_of_several_types_of_integers_are_read(saved):
    kinds = [pa.uint8(), pa.int64(), pa.int16(), pa.uint32()]
    pixels = np.arange(8, dtype="uint8").reshape(2, 2, 2) * 36
    path = saved(*((f"pixel{i}", pixels.reshape(2, 4)[:, i], kind) for i, kind in enumerate(kinds)))

    assert_same_content(read_dataset(CARD, path), dataset_of(pixels, None))


def test_columns_with_numbers_beyond_reason_are_further_columns(saved):
    huge = ["9" * 5000, "pixel" + "9" * 5000, "9" * 5000 + "x1", "٣"]
    path = saved(("pixel0", [1], None), *((name, [2], None) for name in huge))

    assert {column.name for column in read_dataset(CARD, path).info.splits[0].extra} == set(huge)


# The shape.


def shape_of(path, text=None, hinted=None):
    reader = ParquetReader(Source(path, shape=hinted), ParquetReadOptions(shape=text))
    return reader.info().splits[0].shape


def test_shape_is_told_by_the_option_then_by_the_receipt_then_guessed(saved, caplog):
    path = saved(("image", FLAT.tolist(), pa.list_(pa.uint8())))

    assert shape_of(path, "14x28x2", (7, 112)) == (14, 28, 2)
    assert shape_of(path, None, (7, 112)) == (7, 112)
    assert not caplog.records
    assert shape_of(path) == (28, 28)
    assert len(caplog.records) == 1


def test_splits_of_different_shapes_take_each_its_own_from_the_receipt(tmp_path, saved):
    for split in ("train", "test"):
        saved(("image", FLAT.tolist(), pa.list_(pa.uint8())), name=f"{split}.parquet")
    source = Source(tmp_path, shapes={"train": (28, 28), "test": (14, 56)})

    info = ParquetReader(source, ParquetReadOptions()).info()

    assert {split.name: split.shape for split in info.splits} == {"train": (28, 28), "test": (14, 56)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("20x28", "pixels of an image: expected 20x28, found 784"),
        ("28", "shape: bad value: expected HxW or HxWxC, such as 20x28, found '28'"),
        ("0x4", "shape: bad value: expected HxW or HxWxC, such as 20x28, found '0x4'"),
    ],
)
def test_wrong_option_is_refused(saved, text, message):
    path = saved(("image", FLAT.tolist(), pa.list_(pa.uint8())))

    with pytest.raises((DataError, UsageError), match=re.escape(message)):
        shape_of(path, text)


def test_option_at_odds_with_the_file_is_refused(tmp_path):
    write_dataset(CARD, dataset_of(), tmp_path)

    with pytest.raises(DataError, match="shape of images: expected 14x56, found 28x28"):
        shape_of(tmp_path, "14x56")


@pytest.mark.parametrize("kind", [pa.list_(pa.uint8()), pa.binary(), pa.struct({"bytes": pa.binary()})])
def test_empty_split_takes_the_shape_of_the_others(saved, tmp_path, kind):
    encoded = [{"bytes": file} for file in png.encode_batch(PIXELS)]
    values = (
        encoded
        if pa.types.is_struct(kind)
        else FLAT.tolist()
        if pa.types.is_list(kind)
        else [*map(bytes, FLAT)]
    )
    saved(("image", values, kind), name="train.parquet")
    saved(("image", [], kind), name="test.parquet")

    assert [s.shape for s in read_dataset(CARD, tmp_path).info.splits] == [(28, 28)] * 2


def test_shape_that_nothing_tells_is_asked_for(saved):
    assert refusal(saved(("image", [[1, 2, 3]], pa.list_(pa.uint8())))).endswith(
        "shape of images unknown: found 3 pixels, no square; tell it: --read shape=HxW"
    )
    assert refusal(saved(("image", [], pa.list_(pa.uint8())))).endswith(
        "shape of images unknown: found no images; tell it: --read shape=HxW"
    )


# What is refused.


REFUSED = {
    "no images": (
        [("label", [1], None), ("size", [1], None)],
        "no images: expected a column image, img, pixels, features, or columns pixel0, pixel1, …, found",
    ),
    "label of floats": (
        [("image", [[1]], None), ("y", [7.0], None)],
        "type of column 'y': expected integers or texts, found double",
    ),
    "image of text": (
        [("image", ["x"], None)],
        "type of column 'image': expected image files, bytes or lists of numbers, found string",
    ),
    "list of text": (
        [("image", [["x"]], None)],
        "expected image files, bytes or lists of numbers, found list<element: string>",
    ),
    "pixels of text": ([("pixel0", ["x"], None)], "type of column 'pixel0': expected numbers, found string"),
    "pixels of two types": (
        [("pixel0", [1], pa.uint8()), ("pixel1", [1], pa.float32())],
        "type of column 'pixel1': expected uint8, like column 'pixel0', found float",
    ),
    "pixels of two types that are no bytes": (
        [(f"pixel{i}", [1, 0], pa.uint8()) for i in range(3)] + [("pixel3", [0, 256], pa.int16())],
        "row 1: column 'pixel3': int16 pixels taken for uint8: expected 0 to 255, found 256 to 256",
    ),
    "label of text that is null": (
        [("image", [[1]] * 3, None), ("label", ["a", "b", None], None)],
        "row 2: column 'label': null: expected a value",
    ),
    "classes without number": (
        [("image", [[1]] * 70000, None), ("label", [f"class {i}" for i in range(70000)], None)],
        "texts of column 'label': expected numbers, or at most 65536 classes, found ",
    ),
    "a pixel missing": (
        [(f"pixel{i}", [1], None) for i in (0, 1, 3)],
        "pixel columns with a gap: found pixel0, pixel1, pixel3",
    ),
    "a place missing": (
        [(n, [1], None) for n in ("1x1", "1x2", "2x2")],
        "pixel columns: expected 2x2 from 1x1 on, found 3",
    ),
    "a place far off": (
        [("99999x99999", [1], None)],
        "pixel columns: expected 99999x99999 from 1x1 on, found 1",
    ),
    "twice": ([("label", [1], None), ("label", [1], None)], "two columns of one name: found label"),
    "null image": ([("image", [[1], [2], None], None)], "row 2: column 'image': null: expected a value"),
    "null first image": ([("image", [None, [1]], None)], "row 0: column 'image': null: expected a value"),
    "null pixel": (
        [("image", [[[1, 2], [3, 4]], [[1, 2], [3, None]]], None)],
        "row 1: column 'image': null: expected a value",
    ),
    "null row of pixels": (
        [("image", [[[1, 2], [3, 4]], [None, [3, 4]]], None)],
        "row 1: column 'image': null: expected a value",
    ),
    "null cell": ([("pixel0", [1, 2, None], None)], "row 2: column 'pixel0': null: expected a value"),
    "null label": (
        [("image", [[1]] * 3, None), ("label", [1, None, 2], None)],
        "row 1: column 'label': null: expected a value",
    ),
    "null extra": (
        [("image", [[1]] * 3, None), ("id", [1, 2, None], None)],
        "row 2: column 'id': null: expected a value",
    ),
    "null file": (
        [("image", [{"bytes": png.encode(PIXELS[0])}, {"bytes": None}], pa.struct({"bytes": pa.binary()}))],
        "row 1: column 'image': null: expected a value",
    ),
    "file elsewhere": (
        [
            (
                "image",
                [{"bytes": None, "path": "a.png"}],
                pa.struct({"bytes": pa.binary(), "path": pa.string()}),
            )
        ],
        "row 0: column 'image': null: expected a value",
    ),
    "short list": (
        [("image", [[1] * 4, [1] * 3], None)],
        "row 1: column 'image': length of list: expected 4, found 3",
    ),
    "long inner list": (
        [("image", [[[1, 2], [3, 4]], [[1, 2], [3, 4, 5]]], None)],
        "row 1: column 'image': length of list: expected 2, found 3",
    ),
    "short bytes": (
        [("image", [b"abcd", b"abc"], None)],
        "row 1: column 'image': bytes of an image: expected 4, found 3",
    ),
    "int64 above 255": (
        [("image", [[0], [255], [256]], pa.list_(pa.int64()))],
        "row 2: column 'image': int64 pixels taken for uint8: expected 0 to 255, found 256 to 256; store the",
    ),
    "int64 below 0": (
        [("pixel0", [0, -1], None)],
        "row 1: column 'pixel0': int64 pixels taken for uint8: expected 0 to 255, found -1 to -1",
    ),
    "image of another shape": (
        [("image", png.encode_batch(PIXELS[:1]) + png.encode_batch(PIXELS[:1, :5]), None)],
        "row 1: column 'image': image: expected 28x28 uint8, found 5x28 uint8",
    ),
    "image of another type": (
        [("image", png.encode_batch(PIXELS[:1]) + png.encode_batch(PIXELS[:1].astype("uint16")), None)],
        "row 1: column 'image': image: expected 28x28 uint8, found 28x28 uint16",
    ),
    "damaged image": (
        [("image", [png.encode(PIXELS[0]), png.encode(PIXELS[1])[:-20]], None)],
        "row 1: PNG ends too early",
    ),
    "damaged first image": ([("image", [{"bytes": b"GIF89a", "path": None}], None)], "row 0: "),
    "four dimensions": ([("image", [[[[[1]]]]], None)], "not images"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_table_is_refused(saved, case):
    fields, expected = REFUSED[case]
    path = saved(*fields)

    message = refusal(path)

    assert expected in message
    assert case == "four dimensions" or str(path) in message


def test_row_in_a_message_is_that_of_the_file(saved):
    values = [[1]] * 5000 + [[1, 2]]
    path = saved(("image", values, pa.list_(pa.uint8())), row_group_size=100)

    assert "row 5000: column 'image': length of list: expected 1, found 2" in refusal(path)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"mnistkit": "{"}, "metadata 'mnistkit' is no JSON"),
        ({"mnistkit": b"\xff"}, "metadata 'mnistkit' is no JSON"),
        ({"mnistkit": "[]"}, "metadata 'mnistkit': expected a JSON object, found list"),
        ({"mnistkit": "{}"}, "metadata 'mnistkit': expected shape and dtype of images, found {}"),
        ({"mnistkit": '{"dtype": "uint8", "shape": [28, 28, 28, 28]}'}, "expected shape and dtype of images"),
        ({"mnistkit": '{"dtype": "object", "shape": [28, 28]}'}, "expected shape and dtype of images"),
        ({"mnistkit": '{"dtype": "uint8", "shape": [true, 784]}'}, "expected shape and dtype of images"),
        ({"mnistkit": '{"dtype": "uint8", "shape": [2, 2]}'}, "pixels of an image: expected 2x2, found 784"),
        (
            {"mnistkit": '{"dtype": "float32", "shape": [28, 28]}'},
            "type of the pixels: expected float32, found uint8",
        ),
        ({"huggingface": "no"}, "metadata 'huggingface' is no JSON"),
        ({"huggingface": "[" * 100000}, "metadata 'huggingface' is no JSON"),
        ({"mnistkit": '{"a":' * 100000}, "metadata 'mnistkit' is no JSON"),
        (
            {"mnistkit": '{"dtype": "uint8", "shape": [1000000000, 1000000000]}'},
            "expected shape and dtype of",
        ),
        (class_labels(label=["a", "b", "a"]), "two classes of one name: expected names that differ, found "),
    ],
)
def test_bad_metadata_is_refused(saved, metadata, message):
    images = ("image", FLAT.tolist(), pa.list_(pa.uint8()))
    path = saved(table_of(images, ("label", LABELS % 2, None), metadata=metadata))

    assert message in refusal(path)


@pytest.mark.parametrize(
    "metadata",
    ["{}", '{"info": []}', '{"info": {"features": {"label": {"_type": "ClassLabel", "names": [1]}}}}'],
)
def test_metadata_of_hugging_face_without_names_is_fine(saved, metadata):
    path = saved(
        table_of(
            ("image", PIXELS.tolist(), None), ("label", LABELS, None), metadata={"huggingface": metadata}
        )
    )

    assert read_dataset(CARD, path).info.class_names is None


def test_permuted_tensors_are_refused(saved):
    kind = pa.fixed_shape_tensor(pa.uint8(), [28, 28], permutation=[1, 0])
    storage = pa.array(FLAT.tolist(), pa.list_(pa.uint8(), 784))

    path = saved(pa.table({"image": pa.ExtensionArray.from_storage(kind, storage)}))

    assert "tensors of permuted axes: found [1, 0]" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no Parquet at all", b"PAR1" + bytes(100) + b"PAR1"])
def test_what_is_no_parquet_is_refused(tmp_path, content):
    path = tmp_path / "train.parquet"
    path.write_bytes(content)

    assert f"{path}: cannot be read as Parquet: found " in refusal(path)


def test_folder_without_parquet_is_refused(tmp_path):
    assert refusal(tmp_path) == f"{tmp_path}: no Parquet files"


@on_layouts
def test_truncated_file_is_refused(tmp_path, layout):
    write_dataset(CARD, dataset_of(), tmp_path, layout=layout)
    whole = (tmp_path / TRAIN).read_bytes()

    for size in (len(whole) - 1, len(whole) // 2, 10):
        (tmp_path / TRAIN).write_bytes(whole[:size])
        assert f"{tmp_path / TRAIN}: cannot be read as Parquet" in refusal(tmp_path)


@on_layouts
def test_flipped_bits_in_pages_are_found(tmp_path, layout):
    write_dataset(CARD, drawn_dataset(20, 0, shape=(3, 3)), tmp_path, layout=layout, compression="none")
    whole = (tmp_path / TRAIN).read_bytes()
    data = pq.read_table(tmp_path / TRAIN)
    pages = pq.read_metadata(tmp_path / TRAIN).row_group(0)
    end = 4 + sum(pages.column(i).total_compressed_size for i in range(pages.num_columns))

    for position in range(4, end, 7):
        flipped = bytearray(whole)
        flipped[position] ^= 0x10
        (tmp_path / TRAIN).write_bytes(flipped)
        try:
            read_dataset(CARD, tmp_path)["train"].load()
        except DataError:
            continue
        # What a flipped bit in a page's header says beside the data (its statistics) is read by nobody.
        assert pq.read_table(tmp_path / TRAIN).equals(data)


@on_layouts
def test_damaged_footers_end_in_one_line(tmp_path, layout):
    write_dataset(CARD, drawn_dataset(9, 0, shape=(2, 2)), tmp_path, layout=layout, row_group=4)
    (tmp_path / TEST).unlink()
    whole, generator = (tmp_path / TRAIN).read_bytes(), np.random.default_rng(0)

    messages = []
    for _ in range(150):
        damaged = bytearray(whole)
        for position in generator.integers(len(whole) // 2, len(whole), 2):
            damaged[position] = generator.integers(256)
        (tmp_path / TRAIN).write_bytes(damaged)
        try:
            read_dataset(CARD, tmp_path)["train"].load()
        except DataError as error:
            messages.append(str(error))

    assert len(messages) > 50
    assert not any("\n" in message for message in messages)


def test_damaged_name_of_a_column_is_refused(saved):
    path = saved(("image", PIXELS.tolist(), None), ("label", LABELS, None), store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"label", b"lab\xffl"))

    assert f"{path}: cannot be read as Parquet: found 'utf-8' codec can't decode" in refusal(path)


def test_page_out_of_proportion_to_its_file_is_refused(saved):
    large = ("image", [bytes(1 << 20)] * 200, pa.binary())
    path = saved(large, ("label", [0] * 200, None), compression="zstd", use_dictionary=False)

    with memory_measured() as used:
        message = refusal(path)

    assert path.stat().st_size < 100_000
    assert (
        f"{path}: column 'image': page too large: expected at most 134,217,728 bytes, found 209,7" in message
    )
    assert used() < 8 << 20


def test_damaged_headers_of_pages_are_refused(saved):
    path = saved(("image", [bytes(64)] * 20000, pa.binary(64)), compression="brotli", use_dictionary=False)
    found = read_dataset(CARD, path, shape=(8, 8))
    whole = bytearray(path.read_bytes())
    at = pq.read_metadata(path).row_group(0).column(0).data_page_offset

    for header in (b"\xff" * 40, b"\x15\x00\x15\x01\x15\x00\x00", b"\x1c" * 40):
        path.write_bytes(whole[:at] + header + whole[at + len(header) :])
        with pytest.raises(DataError, match="damaged header of a page: found byte"):
            found["train"].load()


# Access.


@contextlib.contextmanager
def memory_measured():
    """Yield a function that returns the most bytes that Arrow has held meanwhile."""
    usual = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(pool)
    try:
        yield pool.max_memory
    finally:
        pa.set_memory_pool(usual)


FLAT_LAYOUTS = {
    "files": lambda images: pa.array(png.encode_batch(images)),
    "bytes": lambda images: pa.array([*map(bytes, images)], pa.binary(784)),
    "lists": lambda images: pa.FixedSizeListArray.from_arrays(pa.array(images.reshape(-1)), 784),
}


@pytest.mark.parametrize("kind", FLAT_LAYOUTS)
@pytest.mark.parametrize("rows", [30_000, 60_000])
def test_row_groups_of_any_size_are_read_in_little_memory(saved, kind, rows):
    images = np.random.default_rng(0).integers(0, 256, (600, 28, 28), "uint8")
    column = pa.concat_arrays([FLAT_LAYOUTS[kind](images)] * (rows // 600))
    path = saved(
        pa.table({"image": column, "label": np.zeros(rows, int)}), row_group_size=rows, use_dictionary=False
    )
    found = read_dataset(CARD, path, shape=(28, 28))["train"]

    with memory_measured() as used:
        read = sum(len(batch) for batch in found.batches())

    assert read == rows
    assert used() < 16 << 20


def test_row_groups_of_columns_are_read_in_little_memory(saved):
    table = pa.table({f"pixel{i}": np.arange(400_000, dtype="uint32") + i for i in range(16)})
    path = saved(table, row_group_size=400_000, use_dictionary=False, compression="none")
    found = read_dataset(CARD, path)["train"]

    with memory_measured() as used:
        read = sum(len(batch) for batch in found.batches())

    assert read == 400_000
    assert used() < 12 << 20  # of 25.6 MB


@on_layouts
def test_any_rows_are_read(tmp_path, layout):
    dataset = drawn_dataset(50, 0, shape=(6, 5))
    found = round_trip(dataset, tmp_path, layout=layout, row_group=16)["train"]
    expected = dataset["train"].load()

    for start, stop in ((0, 50), (3, 4), (15, 17), (16, 32), (31, 49), (49, 50), (20, 20)):
        for size in (1, 5, 4096):
            batches = list(found[start:stop].batches(size))
            assert all(len(batch) <= size for batch in batches)
            images = np.concatenate([b.images for b in batches]) if batches else expected.images[:0]
            np.testing.assert_array_equal(images, expected.images[start:stop])
            assert [label for b in batches for label in b.labels] == expected.labels[start:stop].tolist()


@on_layouts
def test_row_groups_without_wanted_rows_are_not_read(tmp_path, layout):
    dataset = drawn_dataset(64, 0)
    write_dataset(CARD, dataset, tmp_path, layout=layout, row_group=16)
    found = read_dataset(CARD, tmp_path)["train"]
    path, first = tmp_path / TRAIN, pq.read_metadata(tmp_path / TRAIN).row_group(0)
    content = bytearray(path.read_bytes())
    content[4 : first.total_byte_size // 2] = bytes(first.total_byte_size // 2 - 4)
    path.write_bytes(content)

    np.testing.assert_array_equal(found[16:64].load().images, dataset["train"][16:64].load().images)
    with pytest.raises(DataError):
        found[0:16].load()


@on_layouts
def test_reader_is_pickled_and_shared_by_threads(tmp_path, layout):
    dataset = drawn_dataset(60, 0)
    write_dataset(CARD, dataset, tmp_path, layout=layout, row_group=16)
    reader = pickle.loads(pickle.dumps(read_dataset(CARD, tmp_path).reader))

    def images(start):
        return np.concatenate([b.images for b in reader.batches("train", start, start + 10, 4)])

    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(images, range(0, 60, 10)))

    np.testing.assert_array_equal(np.concatenate(parts), dataset["train"].load().images)
    assert reader.files("train") == [tmp_path / TRAIN]


@on_layouts
def test_batches_are_read_only_and_contiguous(tmp_path, layout):
    found = round_trip(dataset_of(box=np.ones((20, 2))), tmp_path, layout=layout)

    for batch in found["train"].batches(7):
        for array in (batch.images, batch.labels, *batch.extra.values()):
            assert array.flags.c_contiguous
            assert not array.flags.writeable


def test_file_name_with_a_colon_is_no_uri(saved):
    assert (
        len(read_dataset(CARD, saved(("image", PIXELS.tolist(), None), name="s3:train.parquet"))["train"])
        == 20
    )


# The card.


@pytest.mark.parametrize(
    ("head", "names", "verdict"),
    [
        (b"PAR1\x15\x04", ["data/train-00000-of-00001.parquet", "README.md"], "yes"),
        (b"PAR1\x15\x04", ["train.pq"], "yes"),
        (b"PAR1\x15\x04", ["metadata.parquet", "1.png", "2.png"], "maybe"),
        (b"PAR1\x15\x04", ["download"], "maybe"),
        (b"label,pixel0", ["train.parquet"], "no"),
        (b"", [], "no"),
    ],
)
def test_sniffing(head, names, verdict):
    assert CARD.sniff(head, names) == verdict


@pytest.mark.parametrize(
    ("module", "absent"),
    [("mnistkit_parquet", ("numpy", "pyarrow")), ("mnistkit_parquet.reader", ("pyarrow.dataset", "pandas"))],
)
def test_imports_stay_light(module, absent):
    code = f"import sys, {module}; print([name for name in {absent} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout == "[]\n"


def test_pandas_is_not_imported_on_the_way(tmp_path):
    code = """
import sys
from pathlib import Path
from mnistkit.registry import load_format
from mnistkit.testing import drawn_dataset, read_dataset, write_dataset
for layout in ("pixels", "image", "columns"):
    folder = Path(sys.argv[1], layout)
    folder.mkdir()
    write_dataset(load_format("parquet"), drawn_dataset(), folder, layout=layout)
    read_dataset(load_format("parquet"), folder)["train"].load()
print("pandas" in sys.modules)
"""

    done = subprocess.run([sys.executable, "-c", code, tmp_path], check=True, capture_output=True, text=True)

    assert done.stdout == "False\n"


def test_real_mnist_comes_back(tmp_path, mnist):
    for layout in LAYOUTS:
        receipt = export(mnist, "parquet", tmp_path / layout, layout=layout, limit=3000, verify=True)
        assert receipt
