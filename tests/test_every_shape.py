"""What is exported comes back bit for bit, or is refused with one line that says what cannot be carried."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mnistkit
from mnistkit.dataset import DTYPES, Dataset
from mnistkit.errors import CapabilityError
from mnistkit.testing import assert_same_content, drawn_dataset

FORMATS = ("csv", "hdf5", "idv", "idx", "mlnet", "parquet", "png")
TEXT = {"csv", "mlnet"}


def labelled_with(labels):
    images = drawn_dataset(train=len(labels), test=0)["train"].load().images
    return Dataset.from_arrays({"train": (images, np.array(labels))}, name="drawn")


DATASETS = {
    "50x50": drawn_dataset(shape=(50, 50)),
    "20x28": drawn_dataset(shape=(20, 28)),
    "32x32x3": drawn_dataset(shape=(32, 32, 3)),
    "1x1": drawn_dataset(shape=(1, 1)),
    "one image": drawn_dataset(train=1, test=1),
    "an empty split": drawn_dataset(test=0),
    "62 classes": drawn_dataset(train=200, test=70, classes=62),
    "300 classes": drawn_dataset(train=700, test=10, classes=300),
    "int32 labels": labelled_with(np.array([0, 70_000, 9, 2**31 - 1], "i4")),
    "no labels": drawn_dataset(labelled=False),
    "an empty split without labels": drawn_dataset(test=0, labelled=False),
}
REFUSED = {
    "int16 pixels": (drawn_dataset(dtype="int16"), "found int16", {"csv", "idv", "mlnet", "png"}),
    "uint16 pixels": (drawn_dataset(dtype="uint16"), "found uint16", {"csv", "idv", "mlnet", "idx"}),
    "float32 pixels": (drawn_dataset(dtype="float32"), "found float32", {"csv", "png"}),
    "5 channels": (drawn_dataset(shape=(4, 4, 5)), "channels.*found 5", {"png"}),
    "1 channel": (drawn_dataset(shape=(4, 4, 1)), "channels.*found 1", {"png"}),
    "negative labels": (labelled_with([0, -1, 2]), "found -1", {"idv", "mlnet", "png"}),
    "labels beyond int32": (labelled_with([0, 2**31]), "found 0 to 2147483648", {"idx"}),
}
PIXELS = {"parquet": {"layout": "pixels"}}  # its image layout is PNG and carries what PNG carries


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
def test_comes_back_bit_for_bit(tmp_path, name, dataset):
    mnistkit.export(dataset, name, tmp_path / "out", verify=True)

    assert_same_content(mnistkit.open(tmp_path / "out"), dataset)
    assert mnistkit.verify(tmp_path / "out", against=dataset)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("dataset", "message", "refusing"), REFUSED.values(), ids=REFUSED)
def test_comes_back_or_is_refused_in_one_line(tmp_path, name, dataset, message, refusing):
    if name not in refusing:
        mnistkit.export(dataset, name, tmp_path / "out", verify=True, **PIXELS.get(name, {}))
        assert_same_content(mnistkit.open(tmp_path / "out"), dataset)
        return

    with pytest.raises(CapabilityError, match=message) as refused:
        mnistkit.export(dataset, name, tmp_path / "out")

    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
def test_random_datasets_come_back_or_are_refused(tmp_path_factory, name, data):
    shape = data.draw(st.lists(st.integers(1, 12), min_size=2, max_size=3).map(tuple))
    dtype = data.draw(st.sampled_from([*["uint8"] * 5, *DTYPES]))
    lengths = data.draw(st.lists(st.integers(0, 20), min_size=1, max_size=3))
    labelled = data.draw(st.booleans())
    least, greatest = data.draw(st.sampled_from([(0, 9), (0, 300), (-5, 5), (0, 2**40)]))
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    splits = {}
    for split, rows in zip(("train", "test", "extra-1"), lengths, strict=False):
        raw = generator.bytes(rows * int(np.prod(shape)) * np.dtype(dtype).itemsize)
        labels = generator.integers(least, greatest, rows, endpoint=True)
        splits[split] = (np.frombuffer(raw, dtype).reshape(rows, *shape), labels if labelled else None)
    dataset = Dataset.from_arrays(splits)
    out = tmp_path_factory.mktemp("random") / "out"

    try:
        mnistkit.export(dataset, name, out, verify=True)
    except CapabilityError as refused:
        assert "\n" not in str(refused)  # noqa: PT017 - that it may be refused is the point
        assert not out.exists()
    else:
        assert_same_content(mnistkit.open(out), dataset)


@pytest.mark.parametrize("name", sorted(TEXT))
def test_text_without_its_receipt_assumes_a_square_and_says_so(tmp_path, name, caplog):
    dataset = drawn_dataset(shape=(6, 6))
    mnistkit.export(dataset, name, tmp_path / "out")
    (tmp_path / "out" / "mnistkit.json").unlink()

    found = mnistkit.open(tmp_path / "out", format=name)

    assert_same_content(found, dataset)
    assert "6x6" in caplog.text


@pytest.mark.parametrize(("name", "options"), [("csv", {}), ("mlnet", {"schema": False})])
def test_text_of_no_square_asks_for_its_shape(tmp_path, name, options):
    dataset = drawn_dataset(shape=(4, 7, 3))
    mnistkit.export(dataset, name, tmp_path / "out", **options)
    (tmp_path / "out" / "mnistkit.json").unlink()

    with pytest.raises(mnistkit.DataError, match="shape=HxW"):
        mnistkit.open(tmp_path / "out", format=name)

    assert_same_content(mnistkit.open(tmp_path / "out", format=name, read={"shape": "4x7x3"}), dataset)
