"""NumPy archives: opened by np.load as Keras's, MedMNIST's and KMNIST's are, and read whoever made them."""

import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnistkit.api import export, verify
from mnistkit.dataset import Dataset
from mnistkit.errors import DataError
from mnistkit.testing import assert_same_content, datasets, drawn_dataset, read_dataset, write_dataset
from mnistkit_npz import mnistkit_register_format

CARD = mnistkit_register_format()
WHOLE = drawn_dataset(20, 0)["train"].load()
PIXELS, LABELS = WHOLE.images, WHOLE.labels


def read_whole(path):
    return [split.load() for split in read_dataset(CARD, path).splits.values()]


def refusal(path):
    with pytest.raises(DataError) as caught:
        read_whole(path)
    return str(caught.value)


def arrays(path):
    with np.load(path, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive}


# Writing.


def test_keras_keys_are_those_of_its_own_mnist(tmp_path, small):
    export(small, "npz", tmp_path / "out")

    found = arrays(tmp_path / "out" / "drawn.npz")

    assert {"x_train", "y_train", "x_test", "y_test"} <= found.keys()
    np.testing.assert_array_equal(found["x_train"], small["train"].load().images)
    np.testing.assert_array_equal(found["y_test"], small["test"].load().labels)
    assert found["y_train"].dtype == small["train"].load().labels.dtype
    assert verify(tmp_path / "out")


def test_medmnist_has_labels_of_one_column_and_calls_validation_val(tmp_path):
    dataset = Dataset.from_arrays({"train": (PIXELS, LABELS), "validation": (PIXELS[:5], LABELS[:5])})

    write_dataset(CARD, dataset, tmp_path, preset="medmnist")

    found = arrays(tmp_path / "dataset.npz")
    assert {key: array.shape for key, array in found.items()} == {
        "train_images": (20, 28, 28),
        "train_labels": (20, 1),
        "val_images": (5, 28, 28),
        "val_labels": (5, 1),
    }
    assert_same_content(read_dataset(CARD, tmp_path), dataset)


def test_kmnist_has_an_archive_for_each_array(tmp_path, small):
    write_dataset(CARD, small, tmp_path, preset="kmnist")

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "drawn-test-imgs.npz",
        "drawn-test-labels.npz",
        "drawn-train-imgs.npz",
        "drawn-train-labels.npz",
    ]
    np.testing.assert_array_equal(
        arrays(tmp_path / "drawn-test-imgs.npz")["arr_0"], small["test"].load().images
    )


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=25)
@given(data=st.data())
def test_drawn_datasets_come_back(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("npz")
    dataset = data.draw(datasets(CARD))
    compression = data.draw(st.sampled_from(["deflate", "none"]))

    write_dataset(CARD, dataset, folder, compression=compression)

    assert_same_content(read_dataset(CARD, folder), dataset)


def test_bytes_depend_on_neither_workers_nor_time(tmp_path):
    dataset = drawn_dataset(3000, 10)

    for workers in (1, 3):
        (tmp_path / str(workers)).mkdir()
        write_dataset(CARD, dataset, tmp_path / str(workers), workers=workers)

    assert (tmp_path / "1" / "drawn.npz").read_bytes() == (tmp_path / "3" / "drawn.npz").read_bytes()


@pytest.mark.parametrize("column", ["x", "y", "class_names", "a/b"])
def test_a_column_whose_key_means_something_else_is_lost_and_named(tmp_path, column, caplog):
    dataset = Dataset.from_arrays(
        {"train": (PIXELS, LABELS)}, extra={"train": {column: np.arange(20), "writer": np.arange(20)}}
    )

    receipt = export(dataset, "npz", tmp_path / "out")

    kept = {"class_names"} & {column}  # its key is class_names_train, which is free
    assert bool(receipt.lost) != bool(kept)
    found = read_dataset(CARD, tmp_path / "out")["train"].info.extra
    assert [c.name for c in found] == sorted({"writer"} | kept)


# Reading what others make.


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    ("images", "labels", "split"),
    [
        ("x_train", "y_train", "train"),
        ("train_images", "train_labels", "train"),
        ("val_images", "val_labels", "validation"),
        ("images", "labels", "train"),
        ("X", "y", "train"),
        ("data", "target", "train"),
    ],
)
def test_archives_of_numpy_are_read(tmp_path, save, images, labels, split):
    save(tmp_path / "digits.npz", **{images: PIXELS, labels: LABELS})

    found = read_dataset(CARD, tmp_path / "digits.npz")

    assert list(found) == [split]
    batch = found[split].load()
    np.testing.assert_array_equal(batch.images, PIXELS)
    np.testing.assert_array_equal(batch.labels, LABELS)


def test_several_labels_an_image_are_a_column(tmp_path):
    many = np.arange(60).reshape(20, 3) % 2
    np.savez(tmp_path / "chest.npz", train_images=PIXELS, train_labels=many)

    batch = read_dataset(CARD, tmp_path / "chest.npz")["train"].load()

    assert batch.labels is None
    np.testing.assert_array_equal(batch.extra["labels"], many)


def test_big_endian_arrays_are_read_in_native_order(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=PIXELS.astype(">i2"), y_train=LABELS.astype(">i4"))

    batch = read_dataset(CARD, tmp_path / "a.npz")["train"].load()

    assert (batch.images.dtype, batch.labels.dtype) == (np.int16, np.int32)
    np.testing.assert_array_equal(batch.images, PIXELS)


def test_arrays_that_are_not_read_are_said(tmp_path, caplog):
    np.savez(tmp_path / "a.npz", x_train=PIXELS, y_train=LABELS, notes=np.arange(3))

    info = read_dataset(CARD, tmp_path / "a.npz").info

    assert info.notes == ("a.npz: not read: notes",)


# Refusals.


class Bomb:
    def __reduce__(self):
        return (print, ("never",))


def test_pickles_are_refused_and_never_loaded(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", x_train=np.array([Bomb()], object), y_train=LABELS[:1])

    message = refusal(tmp_path / "a.npz")

    assert "a.npz: array 'x_train': expected rows of plain numbers in C order, found object (1,)" in message
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        (
            {"x_train": PIXELS.reshape(20, -1)},
            "'x_train': not images: expected (n, height, width[, channels])",
        ),
        (
            {"x_train": PIXELS, "y_train": LABELS[:5]},
            "'y_train': rows: expected 20, as many as images, found 5",
        ),
        (
            {"x_train": PIXELS, "y_train": LABELS / 2},
            "'y_train': labels: expected whole numbers, found float64",
        ),
        ({"x_train": PIXELS.astype(complex)}, "not images"),
        ({"x_train": np.asfortranarray(PIXELS)}, "in Fortran order; save it with numpy.ascontiguousarray"),
        ({"weights": np.arange(3)}, "no images: expected *.npz with arrays called x_train"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value[:30],
)
def test_arrays_that_make_no_sense_are_refused(tmp_path, saved, message):
    np.savez(tmp_path / "a.npz", **saved)

    assert message in refusal(tmp_path / "a.npz")


def test_a_promise_that_the_archive_cannot_hold_is_refused(tmp_path):
    with (
        zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x_train.npy", "w") as member,
    ):
        header = {"descr": "|u1", "fortran_order": False, "shape": (1 << 40, 28, 28)}
        np.lib.format.write_array_header_1_0(member, header)
        member.write(bytes(1000))

    assert "array 'x_train': expected 862,017,116,176,5" in refusal(tmp_path / "a.npz")


@pytest.mark.parametrize("cut", [1, 100, 5000])
def test_archives_cut_short_or_changed_are_refused(tmp_path, cut):
    np.savez_compressed(tmp_path / "a.npz", x_train=PIXELS, y_train=LABELS)
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[:-cut])
    assert "a.npz: damaged NumPy archive" in refusal(tmp_path / "a.npz")

    changed = bytearray(whole)
    changed[cut + 200] ^= 1
    (tmp_path / "a.npz").write_bytes(changed)
    assert "a.npz" in refusal(tmp_path / "a.npz")


def test_another_member_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=PIXELS)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("readme.txt", "hello")

    assert "a.npz: member 'readme.txt': expected arrays alone, *.npy" in refusal(tmp_path / "a.npz")
