import os
import pickle
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import mnistkit
from mnistkit.codecs import png
from mnistkit.dataset import Dataset, DatasetInfo, SplitInfo
from mnistkit.errors import CapabilityError, DataError
from mnistkit.plugin import Loss, Part, Source
from mnistkit.testing import assert_same_content, drawn_dataset, read_dataset, reread_dataset, write_dataset
from mnistkit_png import mnistkit_register_format, sniff
from mnistkit_png.classes import encoded
from mnistkit_png.leaf import scan
from mnistkit_png.reader import PngReader
from mnistkit_png.writer import PngWriter

OPEN_FILES = Path("/proc/self/fd")
CARD = mnistkit_register_format()
pytestmark = pytest.mark.usefixtures("lane")
HOSTILE = ("T-shirt/top", 'a"b', "ключ", "..", "CON", "~", "a_b~c", " x\n", "7", "%41")


def names_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def folders_in(folder):
    return sorted(path.name for path in folder.iterdir())


def contents_of(folder):
    return {name: (folder / name).read_bytes() for name in names_in(folder)}


def save(path, image, format=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, format, **options)


def shade(value, shape=(4, 4), dtype="uint8"):
    return np.full(shape, value, dtype)


def first_pixels(split):
    return [int(image.flat[0]) for image in split.load().images]


@pytest.mark.parametrize("layout", ["tree", "flat"])
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(
    "options",
    [
        {"shape": (28, 28)},
        {"shape": (50, 50)},
        {"shape": (20, 28)},
        {"shape": (32, 32, 3)},
        {"shape": (5, 6, 2)},
        {"shape": (5, 6, 4)},
        {"shape": (1, 1)},
        {"train": 1, "test": 1},
        {"train": 124, "test": 62, "classes": 62},
        {"test": 0},
        {"train": 0},
        {"train": 400, "classes": 300},
        {"labelled": False},
        {"labelled": False, "test": 0},
        {"dtype": "uint16"},
    ],
    ids=str,
)
def test_every_dataset_comes_back(tmp_path, layout, workers, options):
    dataset = drawn_dataset(**options)

    write_dataset(CARD, dataset, tmp_path, layout=layout, workers=workers)

    assert_same_content(read_dataset(CARD, tmp_path), dataset)


@st.composite
def datasets(draw):
    pixel, dtype = draw(
        st.sampled_from([((), "uint8"), ((2,), "uint8"), ((3,), "uint8"), ((4,), "uint8"), ((), "uint16")])
    )
    shape = (draw(st.integers(1, 5)), draw(st.integers(1, 5)), *pixel)
    labelled = draw(st.booleans())
    rows = draw(st.tuples(st.integers(1, 6), st.integers(0, 6)))
    most = draw(st.sampled_from([0, 9, 61, 255, 1 << 40, (1 << 63) - 1]))
    splits = {}
    for name, n in zip(("train", "test"), rows, strict=True):
        raw = draw(
            st.binary(min_size=(size := n * int(np.prod(shape)) * np.dtype(dtype).itemsize), max_size=size)
        )
        labels = draw(st.lists(st.integers(0, most), min_size=n, max_size=n))
        splits[name] = (
            np.frombuffer(raw, dtype).reshape(n, *shape),
            np.array(labels, "int64") if labelled else None,
        )
    return Dataset.from_arrays(splits)


@settings(max_examples=60, deadline=None)
@given(datasets(), st.sampled_from(["tree", "flat"]), st.integers(0, 9))
def test_any_dataset_that_the_card_claims_comes_back(tmp_path_factory, dataset, layout, level):
    folder = tmp_path_factory.mktemp("png")

    write_dataset(CARD, dataset, folder, layout=layout, level=level)

    assert_same_content(read_dataset(CARD, folder), dataset)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
        min_size=1,
        max_size=12,
        unique=True,
    )
)
def test_any_class_names_come_back(tmp_path_factory, class_names):
    folder = tmp_path_factory.mktemp("png")
    dataset = drawn_dataset(12, 0, shape=(1, 1), classes=len(class_names), class_names=class_names)

    write_dataset(CARD, dataset, folder)

    assert read_dataset(CARD, folder).info.class_names == dataset.info.class_names


def test_hostile_class_names_become_harmless_folders(tmp_path):
    dataset = drawn_dataset(10, 0, class_names=HOSTILE)

    write_dataset(CARD, dataset, tmp_path)

    assert folders_in(tmp_path / "train") == [
        "0_T-shirt%2Ftop", "1_a%22b", "2_%D0%BA%D0%BB%D1%8E%D1%87", "3_.%2E", "4_CON", "5_%7E",
        "6_a%5Fb%7Ec", "7_%20x%0A", "8_7", "9_%2541",
    ]  # fmt: skip
    assert read_dataset(CARD, tmp_path).info.class_names == HOSTILE


@pytest.mark.parametrize("name", ["n" * 300, "ключ" * 75], ids=["latin", "cyrillic"])
def test_a_long_class_name_is_cut_between_characters_and_said(tmp_path, name):
    dataset = drawn_dataset(4, 0, classes=2, class_names=("short", name))

    lost = PngWriter(CARD.write_options()).check(dataset.info)
    write_dataset(CARD, dataset, tmp_path)

    assert lost == [Loss(f"the ends of long class names: {name[:24]!r}… of class 1", class_names=True)]
    assert 95 <= len(encoded(name)) <= 100
    found = read_dataset(CARD, tmp_path)
    assert name.startswith(found.info.class_names[1])
    assert_same_content(found, dataset)


def test_layout_on_disk_is_as_documented(tmp_path):
    labels = np.array([5, 0, 11], "uint8")
    dataset = Dataset.from_arrays({"train": (np.zeros((3, 2, 2), "uint8"), labels)})

    write_dataset(CARD, dataset, tmp_path)

    assert names_in(tmp_path) == ["train/00/00001.png", "train/05/00000.png", "train/11/00002.png"]


def test_flat_layout_on_disk_is_as_documented(tmp_path):
    labels = np.array([5, 0, 11], "uint8")
    dataset = Dataset.from_arrays({"train": (np.zeros((3, 2, 2), "uint8"), labels)})

    write_dataset(CARD, dataset, tmp_path, layout="flat")

    assert names_in(tmp_path) == ["train/00000-num5.png", "train/00001-num0.png", "train/00002-num11.png"]


def test_tags_list_the_images_of_each_split_in_order(tmp_path):
    images, labels = np.zeros((3, 2, 2), "uint8"), np.array([5, 0, 11], "uint8")
    names = [f"T/{i}" for i in range(12)]
    dataset = Dataset.from_arrays(
        {"train": (images, labels), "test": (images[:0], labels[:0])}, class_names=names
    )

    written = write_dataset(CARD, dataset, tmp_path, tags=True)

    assert (tmp_path / "train-tags.tsv").read_bytes() == (
        b"train/05_T%2F5/00000.png\t5\ntrain/00_T%2F0/00001.png\t0\ntrain/11_T%2F11/00002.png\t11\n"
    )
    assert (tmp_path / "test-tags.tsv").read_bytes() == b""
    assert written[-1].files == ("train-tags.tsv", "test-tags.tsv")


def test_tags_of_the_flat_layout_hold_the_labels_of_its_names(tmp_path):
    labels = np.array([5, 0], "uint8")
    dataset = Dataset.from_arrays({"train": (np.zeros((2, 2, 2), "uint8"), labels)})

    write_dataset(CARD, dataset, tmp_path, tags=True, layout="flat")

    assert (tmp_path / "train-tags.tsv").read_bytes() == (
        b"train/00000-num5.png\t5\ntrain/00001-num0.png\t0\n"
    )


def test_tags_of_images_without_labels_are_paths_alone(tmp_path):
    write_dataset(CARD, drawn_dataset(2, 0, labelled=False), tmp_path, tags=True)

    assert (tmp_path / "train-tags.tsv").read_bytes() == b"train/00000.png\ntrain/00001.png\n"


@pytest.mark.parametrize("workers", [1, 3])
def test_tags_name_every_image_whatever_the_workers_and_parts(tmp_path, workers):
    dataset = drawn_dataset(5000, 0, shape=(1, 1))
    writer = PngWriter(CARD.write_options(tags=True))
    info = DatasetInfo("drawn", (dataset["train"].info,))

    for start, stop in ((4000, 5000), (0, 4000)):
        part = replace(part_of(info, start, stop), workers=workers)
        writer.write(tmp_path, part, dataset["train"][start:stop].batches())
    writer.finish(tmp_path, info, [])

    lines = (tmp_path / "train-tags.tsv").read_text().splitlines()
    labels = dataset["train"].load().labels
    assert lines == [f"train/{label}/{i:05d}.png\t{label}" for i, label in enumerate(labels)]
    assert all((tmp_path / line.split("\t")[0]).is_file() for line in lines)


def test_tags_change_nothing_that_is_read(tmp_path):
    dataset = drawn_dataset(20, 5)
    mnistkit.export(dataset, "png", tmp_path / "out", tags=True, verify=True)
    expected = mnistkit.open(tmp_path / "out")
    (tmp_path / "out/train-tags.tsv").write_text("train/0/00000.png\t9\n")

    assert_same_content(mnistkit.open(tmp_path / "out"), expected)
    assert_same_content(read_dataset(CARD, tmp_path / "out"), dataset)
    (problem,) = mnistkit.verify(tmp_path / "out").problems
    assert "train-tags.tsv" in problem


@pytest.mark.parametrize("name", ["other-tags.tsv", "-tags.tsv", "train/0-tags.tsv", "train-tags.csv"])
def test_tags_of_nothing_are_refused_as_stray(tmp_path, name):
    write_dataset(CARD, drawn_dataset(5, 5), tmp_path)
    (tmp_path / name).write_text("x")

    with pytest.raises(DataError, match=re.escape(f"{tmp_path / name}: stray file in a tree of images")):
        read_dataset(CARD, tmp_path)


def test_images_without_labels_lie_in_the_folder_of_their_split(tmp_path):
    write_dataset(CARD, drawn_dataset(2, 1, labelled=False), tmp_path)

    assert names_in(tmp_path) == ["test/00000.png", "train/00000.png", "train/00001.png"]


def test_file_names_grow_with_the_split(tmp_path):
    labels = np.zeros(100_001, "uint8")
    split = SplitInfo("train", len(labels), (1, 1), "uint8", "uint8", (0, 0))
    dataset = Dataset.from_arrays({"train": (np.zeros((2, 1, 1), "uint8"), labels[:2])})
    part = part_of(DatasetInfo("big", (split,)), 99_999, 100_001)

    written = PngWriter(CARD.write_options()).write(tmp_path, part, dataset["train"].batches())

    assert names_in(tmp_path) == ["train/0/099999.png", "train/0/100000.png"]
    assert (written.files, written.rows) == (("train/",), 2)


def part_of(info, start, stop):
    return Part("train-00001-of-00002", info.splits, info, start, stop)


def test_parts_of_a_split_make_the_same_tree_as_the_whole(tmp_path):
    dataset = drawn_dataset(30, 0)
    writer = PngWriter(CARD.write_options())
    info = DatasetInfo("drawn", (dataset["train"].info,))
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()

    writer.write(tmp_path / "whole", part_of(info, 0, 30), dataset["train"].batches())
    for start, stop in ((20, 30), (0, 13), (13, 20)):
        part = part_of(info, start, stop)
        pickle.loads(pickle.dumps(writer)).write(
            tmp_path / "parts", part, dataset["train"][start:stop].batches(4)
        )

    assert contents_of(tmp_path / "parts") == contents_of(tmp_path / "whole")


def test_a_part_written_again_replaces_what_an_interrupted_run_left(tmp_path):
    dataset = drawn_dataset(6, 0)
    write_dataset(CARD, dataset, tmp_path)
    (tmp_path / "train/0/00000.png").write_bytes(b"half of an im" * 1000)

    write_dataset(CARD, dataset, tmp_path)

    assert_same_content(read_dataset(CARD, tmp_path).select(["train"]), dataset.select(["train"]))


def test_bytes_do_not_depend_on_workers(tmp_path):
    dataset = drawn_dataset(3000, 500, class_names=HOSTILE)
    for workers in (1, 3):
        (tmp_path / str(workers)).mkdir()
        write_dataset(CARD, dataset, tmp_path / str(workers), workers=workers)

    assert contents_of(tmp_path / "1") == contents_of(tmp_path / "3")


def test_every_file_opens_in_pillow(tmp_path):
    dataset = drawn_dataset(20, 0, shape=(9, 7))

    write_dataset(CARD, dataset, tmp_path)

    images, labels = dataset["train"].load().images, dataset["train"].load().labels
    for i in range(20):
        with Image.open(tmp_path / "train" / str(labels[i]) / f"{i:05d}.png") as image:
            assert image.mode == "L"
            np.testing.assert_array_equal(np.asarray(image), images[i])


@pytest.mark.parametrize("classes", [2, 10, 11, 62, 300])
def test_sorted_folders_are_the_classes_for_image_loaders(tmp_path, classes):
    dataset = drawn_dataset(classes, 0, shape=(2, 2), classes=classes)

    write_dataset(CARD, dataset, tmp_path)

    samples = [
        (label, name)
        for label, folder in enumerate(folders_in(tmp_path / "train"))
        for name in folders_in(tmp_path / "train" / folder)
    ]
    expected = dataset["train"].load()
    for label, name in samples:
        row = int(name[:5])
        assert label == expected.labels[row]


def test_names_of_classes_without_images_are_reported(tmp_path):
    labels = np.array([0, 2], "uint8")
    names = ("zero", "one", "two", "3", "four")
    dataset = Dataset.from_arrays({"train": (np.zeros((2, 1, 1), "uint8"), labels)}, class_names=names)

    written = write_dataset(CARD, dataset, tmp_path)

    what = "the names of classes without images: one, 3, four"
    assert written[-1].lost == (Loss(what, class_names=True),)
    assert read_dataset(CARD, tmp_path).info.class_names == ("zero", "1", "two")


def test_distinct_labels_are_counted_only_where_classes_have_names(tmp_path):
    labels = np.arange(6000, dtype="int32")
    dataset = Dataset.from_arrays({"train": (np.zeros((6000, 1, 1), "uint8"), labels)})
    named = drawn_dataset(10, 0, class_names=tuple("abcdefghij"))
    for name in ("numbers", "tree", "flat"):
        (tmp_path / name).mkdir()

    assert write_dataset(CARD, dataset, tmp_path / "numbers")[0].extra == {}
    assert write_dataset(CARD, named, tmp_path / "tree")[0].extra == {"classes": list(range(10))}
    assert write_dataset(CARD, named, tmp_path / "flat", layout="flat")[0].extra == {}
    assert len(folders_in(tmp_path / "numbers/train")) == 6000


def test_names_that_are_the_same_when_cut_can_be_read(tmp_path):
    names = ("n" * 300 + "a", "n" * 300 + "b")
    dataset = drawn_dataset(4, 0, classes=2, class_names=names)

    write_dataset(CARD, dataset, tmp_path)

    found = read_dataset(CARD, tmp_path)
    assert found.info.class_names == ("n" * 100, "1_" + "n" * 100)
    assert_same_content(found, dataset)


def test_a_class_called_by_the_number_of_one_without_images_can_be_read(tmp_path):
    images, labels = np.zeros((2, 1, 1), "uint8"), np.array([0, 2], "uint8")
    dataset = Dataset.from_arrays({"train": (images, labels)}, class_names=("1", "x", "y"))

    write_dataset(CARD, dataset, tmp_path)

    assert read_dataset(CARD, tmp_path).info.class_names == ("1", "1_1", "y")


def test_a_class_missing_from_one_split_alone_loses_nothing(tmp_path):
    dataset = drawn_dataset(10, 3, class_names=tuple("abcdefghij"))

    written = write_dataset(CARD, dataset, tmp_path)

    assert written[-1].lost == ()
    assert read_dataset(CARD, tmp_path).info.class_names == tuple("abcdefghij")


def test_flat_layout_gives_up_class_names_on_its_card():
    flat = CARD.with_options(CARD.write_options(layout="flat"))

    assert CARD.with_options(CARD.write_options()).class_names
    assert not flat.class_names


@pytest.mark.parametrize(
    ("dtype", "shape"), [("int16", (4, 4)), ("float32", (4, 4)), ("uint16", (4, 4, 3)), ("uint8", (4, 4, 1))]
)
def test_pixels_that_no_png_holds_are_refused(tmp_path, dtype, shape):
    dataset = drawn_dataset(dtype=dtype, shape=shape)

    with pytest.raises(CapabilityError, match=r"^png: split 'train': pixels that no PNG image holds"):
        PngWriter(CARD.write_options()).check(dataset.info)
    with pytest.raises(CapabilityError, match=r"png.* split 'train'"):
        write_dataset(CARD, dataset, tmp_path)

    assert names_in(tmp_path) == []


def test_a_dataset_without_any_image_is_refused(tmp_path):
    with pytest.raises(CapabilityError, match=r"^png: no images: expected at least one in the dataset"):
        write_dataset(CARD, drawn_dataset(0, 0), tmp_path)


@pytest.mark.parametrize(
    ("images", "labels", "found"),
    [
        (np.empty((0, 4, 4), "uint16"), np.empty(0, "uint8"), "uint16 with labels"),
        (np.empty((0, 4, 4), "uint8"), None, "uint8 without labels"),
    ],
    ids=["dtype", "labels"],
)
def test_an_empty_split_that_nothing_describes_is_refused(tmp_path, images, labels, found):
    full = (np.zeros((1, 4, 4), "uint8"), np.zeros(1, "uint8"))
    dataset = Dataset.from_arrays({"train": full, "test": (images, labels)})

    with pytest.raises(CapabilityError, match=f"split 'test' has no images .* found {found}$"):
        write_dataset(CARD, dataset, tmp_path)


@pytest.mark.parametrize("layout", ["tree", "flat"])
@pytest.mark.parametrize("shape", [(5, 6), (4, 4, 3)], ids=str)
def test_an_empty_split_has_the_shape_that_the_receipt_tells(tmp_path, layout, shape):
    full = (np.zeros((1, 4, 4), "uint8"), np.zeros(1, "uint8"))
    none = (np.empty((0, *shape), "uint8"), np.empty(0, "uint8"))
    dataset = Dataset.from_arrays({"train": full, "test": none})

    write_dataset(CARD, dataset, tmp_path, layout=layout)

    assert_same_content(reread_dataset(CARD, tmp_path, dataset), dataset)


def test_an_export_with_an_empty_split_of_another_shape_is_proved(tmp_path):
    full = (np.zeros((1, 4, 4), "uint8"), np.zeros(1, "uint8"))
    none = (np.empty((0, 5, 6), "uint8"), np.empty(0, "uint8"))

    mnistkit.export(Dataset.from_arrays({"train": full, "test": none}), "png", tmp_path / "out", verify=True)

    assert mnistkit.open(tmp_path / "out")["test"].info.shape == (5, 6)


def test_splits_may_differ_in_shape_and_in_having_labels(tmp_path):
    splits = {
        "train": (np.ones((3, 4, 4), "uint8"), np.arange(3, dtype="uint8")),
        "test": (np.ones((2, 5, 6, 3), "uint8"), None),
    }
    dataset = Dataset.from_arrays(splits)

    write_dataset(CARD, dataset, tmp_path)

    assert_same_content(read_dataset(CARD, tmp_path), dataset)


def test_info_is_exact_and_the_reader_can_be_pickled(tmp_path):
    dataset = Dataset.from_arrays({"train": (np.zeros((3, 2, 2), "uint8"), np.array([7, 3, 300], "int32"))})
    write_dataset(CARD, dataset, tmp_path)
    reader = PngReader(Source(tmp_path, name="x"), CARD.read_options())

    info = reader.info()

    assert info == DatasetInfo("x", (SplitInfo("train", 3, (2, 2), "uint8", "int64", (3, 300)),))
    (batch,) = pickle.loads(pickle.dumps(reader)).batches("train", 1, 3, 10)
    assert batch.start == 1
    assert batch.labels.tolist() == [3, 300]
    assert not batch.images.flags.writeable
    assert not batch.labels.flags.writeable


def test_files_of_a_split_are_named_in_order(tmp_path):
    write_dataset(CARD, drawn_dataset(12, 1, classes=11), tmp_path)
    reader = read_dataset(CARD, tmp_path).reader

    files = reader.files("train")

    assert len(files) == 12
    assert files[10] == tmp_path / "train/10/00010.png"
    assert files[-2:] == [tmp_path / "train/10/00010.png", tmp_path / "train/00/00011.png"]


def test_a_listing_holds_at_most_16_bytes_an_image(tmp_path):
    write_dataset(CARD, drawn_dataset(5000, 0, shape=(1, 1)), tmp_path)
    reader = read_dataset(CARD, tmp_path).reader

    assert len(pickle.dumps(reader.files("train"))) < 5000 * 16


def test_names_of_animals_are_the_classes_in_sorted_order(tmp_path):
    for split in ("train", "val"):
        for i, animal in enumerate(("dog", "cat", "ape")):
            save(tmp_path / split / animal / f"{animal}_{i}.png", shade(10 * i))

    found = read_dataset(CARD, tmp_path)

    assert list(found.splits) == ["train", "validation"]
    assert found.info.class_names == ("ape", "cat", "dog")
    assert found["train"].load().labels.tolist() == [0, 1, 2]
    assert first_pixels(found["train"]) == [20, 10, 0]


def test_class_folders_alone_are_the_split_train(tmp_path):
    save(tmp_path / "0/a.png", shade(1))
    save(tmp_path / "1/b.JPG", shade(2, (4, 4)), "PNG")

    found = read_dataset(CARD, tmp_path)

    assert list(found.splits) == ["train"]
    assert found.info.class_names is None
    assert found["train"].load().labels.tolist() == [0, 1]


def test_a_folder_called_test_is_the_split_test(tmp_path):
    save(tmp_path / "test/0/a.png", shade(1))

    assert list(read_dataset(CARD, tmp_path / "test").splits) == ["test"]


def test_a_class_may_be_called_train(tmp_path):
    for name in ("apple", "train"):
        save(tmp_path / name / "0.png", shade(1))

    assert read_dataset(CARD, tmp_path).info.class_names == ("apple", "train")


def test_t10k_and_training_read_as_test_and_train(tmp_path):
    for split in ("t10k", "training"):
        save(tmp_path / split / "0/1.png", shade(1))

    assert list(read_dataset(CARD, tmp_path).splits) == ["train", "test"]


def test_split_names_of_a_receipt_win_over_usual_ones(tmp_path):
    for split in ("val", "extra"):
        save(tmp_path / split / "1.png", shade(1))
    source = Source(tmp_path, shapes={"val": (28, 28), "extra": (28, 28)})

    info = PngReader(source, CARD.read_options()).info()

    assert [split.name for split in info.splits] == ["val", "extra"]
    assert [split.labelled for split in info.splits] == [False, False]


def test_numbers_with_gaps_are_the_order(tmp_path):
    for number, label in ((60010, 0), (60002, 1), (60007, 0)):
        save(tmp_path / "test" / str(label) / f"{number}.png", shade(number - 60000))

    found = read_dataset(CARD, tmp_path)

    assert first_pixels(found["test"]) == [2, 7, 10]


def test_numbers_without_zeros_in_front_are_the_order(tmp_path):
    for i in range(12):
        save(tmp_path / "train" / str(i % 2) / f"{i}.png", shade(i))

    assert first_pixels(read_dataset(CARD, tmp_path)["train"]) == list(range(12))


def test_numbers_that_repeat_are_sorted_by_path(tmp_path):
    for label in (0, 1):
        for i in (2, 10):
            save(tmp_path / "train" / str(label) / f"{i}.png", shade(100 * label + i))

    found = read_dataset(CARD, tmp_path)

    assert first_pixels(found["train"]) == [10, 2, 110, 102]
    assert [path.name for path in found.reader.files("train")] == ["10.png", "2.png"] * 2


def test_other_names_are_sorted_by_path(tmp_path):
    for i, name in enumerate(("train/1/x.png", "train/0/b.png", "train/0/00007.png")):
        save(tmp_path / name, shade(i))

    found = read_dataset(CARD, tmp_path)

    assert first_pixels(found["train"]) == [2, 1, 0]
    assert found["train"].load().labels.tolist() == [0, 0, 1]


def test_flat_images_as_others_publish_them_are_read(tmp_path):
    for i, label in enumerate((7, 2, 1)):
        save(tmp_path / "test" / f"{i:06d}-num{label}.png", shade(i))

    found = read_dataset(CARD, tmp_path)["test"].load()

    assert found.labels.tolist() == [7, 2, 1]


def test_images_of_several_formats_are_read(tmp_path):
    image = np.arange(16, dtype="uint8").reshape(4, 4)
    for i, suffix in enumerate(("png", "bmp", "tif", "TIFF", "gif", "ppm", "pgm")):
        save(tmp_path / "train/0" / f"{i}.{suffix}", image)

    np.testing.assert_array_equal(read_dataset(CARD, tmp_path)["train"].load().images, [image] * 7)


def test_receipts_and_litter_are_no_data(tmp_path):
    dataset = drawn_dataset(5, 5)
    write_dataset(CARD, dataset, tmp_path)
    for name in ("mnistkit.json", "mnistkit.sha256", ".DS_Store", "train/Thumbs.db", "train/0/._00000.png"):
        (tmp_path / name).write_bytes(b"x")

    assert_same_content(read_dataset(CARD, tmp_path), dataset)


def as_published(folder):
    for split in ("train", "test"):
        for i, animal in enumerate(("cat", "dog")):
            save(folder / split / animal / f"{animal}_{i}.png", shade(10 * i))
    return folder


@pytest.mark.parametrize("hidden", [".ipynb_checkpoints", ".git", "__MACOSX", ".cache"])
@pytest.mark.parametrize("below", ["", "train", "test/dog"], ids=["root", "split", "class"])
def test_hidden_folders_are_no_splits_and_no_classes(tmp_path, hidden, below):
    expected = read_dataset(CARD, as_published(tmp_path / "a"))
    tree = as_published(tmp_path / "b")
    save(tree / below / hidden / "train/cat/1.png", shade(99))
    save(tree / below / hidden / "0.png", shade(99))

    found = read_dataset(CARD, tree)

    assert found.info.class_names == ("cat", "dog")
    assert_same_content(found, expected)


@pytest.mark.parametrize("folder", ["train", ""], ids=["below a split", "at the root"])
def test_an_empty_folder_beside_numbered_classes_is_no_class(tmp_path, folder):
    for label in (0, 1):
        save(tmp_path / folder / str(label) / f"{label}.png", shade(label))
    (tmp_path / folder / "New folder").mkdir()

    found = read_dataset(CARD, tmp_path)

    assert found.info.class_names is None
    assert found["train"].load().labels.tolist() == [0, 1]


def test_an_empty_folder_beside_named_classes_is_a_class(tmp_path):
    save(tmp_path / "train/cat/0.png", shade(0))
    (tmp_path / "train/ape").mkdir()

    assert read_dataset(CARD, tmp_path).info.class_names == ("ape", "cat")


def test_numbered_folders_beside_others_are_refused_naming_one_of_each(tmp_path):
    for name in ("0", "1", "cat"):
        save(tmp_path / "train" / name / "0.png", shade(0))

    message = "folders of classes: expected all with a number in front, or none, found 0 and cat"
    with pytest.raises(DataError, match=f"^{re.escape(f'{tmp_path}: {message}')}$"):
        read_dataset(CARD, tmp_path)


@pytest.mark.parametrize(
    "name", ["README.md", "readme", "LICENSE", "LICENSE.txt", "CITATION.cff", "notes.md"]
)
def test_documents_beside_the_splits_are_no_data(tmp_path, name):
    dataset = drawn_dataset(5, 5)
    write_dataset(CARD, dataset, tmp_path)
    (tmp_path / name).write_text("x")
    (tmp_path / ".gitattributes").write_text("x")

    assert_same_content(read_dataset(CARD, tmp_path), dataset)


@pytest.mark.parametrize("name", ["metadata.csv", "train/metadata.csv", "train/metadata.jsonl"])
def test_labels_beside_images_are_refused_with_a_hint(tmp_path, name):
    save(tmp_path / "train/0.png", shade(0))
    (tmp_path / name).write_text("file_name,label\n0.png,7\n")

    message = f"{tmp_path / name}: labels beside the images: expected labels by folder, found metadata."
    with pytest.raises(DataError, match=re.escape(message)):
        read_dataset(CARD, tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_pipes_are_refused_and_not_waited_for(tmp_path):
    save(tmp_path / "train/0/0.png", shade(0))
    (tmp_path / "train/0/1.png").symlink_to(tmp_path / "train/0/0.png")
    os.mkfifo(tmp_path / "pipe")
    dataset = read_dataset(CARD, tmp_path / "train")
    (tmp_path / "train/0/1.png").unlink()
    (tmp_path / "train/0/1.png").symlink_to(tmp_path / "pipe")

    with pytest.raises(
        DataError, match=r"0/1\.png: not a regular file: expected an image, found something else$"
    ):
        dataset["train"].load()
    with pytest.raises(
        DataError, match=r"0/1\.png: not a regular file: expected an image, found something else$"
    ):
        read_dataset(CARD, tmp_path / "train")


def test_files_larger_than_any_image_are_refused_unread(tmp_path):
    save(tmp_path / "train/0/0.png", shade(0))
    with (tmp_path / "train/0/0.png").open("r+b") as file:
        file.truncate(1 << 34)

    with pytest.raises(
        DataError, match=r"0\.png: file too large: expected at most 83,886,080 bytes, found 17,179,8"
    ):
        read_dataset(CARD, tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("name", [b"train/caf\xe9/0.png", b"train/0/\xff.png", b"tr\xe9/0/0.png"])
def test_names_that_are_no_text_are_refused(tmp_path, name):
    save(tmp_path / "train/0/0.png", shade(0))
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png.encode(shade(0)))

    with pytest.raises(
        DataError, match=r"name in a tree of images: expected UTF-8, found '.*\\udc.."
    ) as caught:
        read_dataset(CARD, tmp_path)
    assert str(caught.value).encode()


@pytest.mark.parametrize("number", [1 << 63, 10**30, f"{1 << 64}_cat"])
def test_a_folder_number_beyond_64_bits_is_refused(tmp_path, number):
    save(tmp_path / f"train/{number}/0.png", shade(0))
    save(tmp_path / "train/1/1.png", shade(0))

    with pytest.raises(DataError, match=f"number of a class: expected 64 bits, found {number}$"):
        read_dataset(CARD, tmp_path)


@pytest.mark.parametrize("name", ["notes.txt", "train/README.md", "train/labels.csv", "train/0/00000.npy"])
def test_stray_files_are_refused_by_name(tmp_path, name):
    write_dataset(CARD, drawn_dataset(5, 5), tmp_path)
    (tmp_path / name).write_text("x")

    with pytest.raises(DataError, match=re.escape(f"{tmp_path / name}: stray file in a tree of images")):
        read_dataset(CARD, tmp_path)


@pytest.mark.parametrize("name", ["00009.png", "train/00009.png"])
def test_images_at_two_depths_are_refused(tmp_path, name):
    write_dataset(CARD, drawn_dataset(5, 5), tmp_path)
    save(tmp_path / name, shade(0))

    with pytest.raises(DataError, match=re.escape(f"{tmp_path / name}: image beside folders")):
        read_dataset(CARD, tmp_path)


def test_folders_in_the_folder_of_a_class_are_refused(tmp_path):
    write_dataset(CARD, drawn_dataset(5, 5), tmp_path)
    (tmp_path / "train/0/more").mkdir()

    with pytest.raises(
        DataError, match=r"train/0/more: folder in the folder of a class: expected images, found a folder$"
    ):
        read_dataset(CARD, tmp_path)


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (shade(0, (4, 5)), "uint8 4x5"),
        (shade(0, (4, 4, 3)), "uint8 4x4x3"),
        (shade(0, dtype="uint16"), "uint16 4x4"),
    ],
    ids=["size", "channels", "dtype"],
)
def test_an_image_unlike_the_first_is_refused_naming_both(tmp_path, image, found):
    save(tmp_path / "train/0/0.png", shade(0))
    save(tmp_path / "train/1/1.png", image)
    dataset = read_dataset(CARD, tmp_path)

    first, second = tmp_path / "train/0/0.png", tmp_path / "train/1/1.png"
    message = f"{second}: unlike the first image of its split: expected uint8 4x4 as {first}, found {found}"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        dataset["train"].load()


def test_damaged_images_are_refused_by_name(tmp_path):
    write_dataset(CARD, drawn_dataset(3, 0), tmp_path)
    damaged = tmp_path / "train/1/00001.png"
    whole = damaged.read_bytes()

    for data in (b"", whole[:-20], b"not an image", whole[:50] + b"?" + whole[51:]):
        damaged.write_bytes(data)
        with pytest.raises(DataError, match=f"^{re.escape(str(damaged))}: "):
            read_dataset(CARD, tmp_path)["train"].load()


def test_a_damaged_first_image_is_refused_at_once(tmp_path):
    write_dataset(CARD, drawn_dataset(3, 0), tmp_path)
    (tmp_path / "train/0/00000.png").write_bytes(b"")

    with pytest.raises(DataError, match=r"00000\.png: empty file"):
        read_dataset(CARD, tmp_path)


def test_a_file_that_vanishes_is_refused_by_name(tmp_path):
    write_dataset(CARD, drawn_dataset(3, 0), tmp_path)
    dataset = read_dataset(CARD, tmp_path)
    (tmp_path / "train/1/00001.png").unlink()

    with pytest.raises(DataError, match=r"00001\.png: cannot be read: expected an image, found No such file"):
        dataset["train"].load()


def test_a_folder_that_vanishes_is_refused_by_name(tmp_path):
    (tmp_path / "out").mkdir()
    write_dataset(CARD, drawn_dataset(3, 0), tmp_path / "out")
    dataset = read_dataset(CARD, tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "elsewhere")

    with pytest.raises(DataError, match=r"out: cannot be opened: expected a folder, found No such file"):
        dataset["train"].load()


@pytest.mark.parametrize("side", [255, 256, 257, 600])
def test_files_of_any_size_are_read_whole(tmp_path, side):
    images = np.random.default_rng(0).integers(0, 256, (2, side, side), "uint8")
    dataset = Dataset.from_arrays({"train": (images, np.array([1, 0]))})

    write_dataset(CARD, dataset, tmp_path, level=0)

    assert (tmp_path / "train/1/00000.png").stat().st_size > side * side
    assert_same_content(read_dataset(CARD, tmp_path), dataset)


def test_no_images_and_one_file_are_refused(tmp_path):
    (tmp_path / "train").mkdir()
    with pytest.raises(DataError, match=r"no such files: expected \.png or .* found no files$"):
        read_dataset(CARD, tmp_path)

    save(tmp_path / "x.png", shade(0))
    with pytest.raises(DataError, match=r"x\.png: one file: expected a folder of images, found a file$"):
        read_dataset(CARD, tmp_path / "x.png")


def test_two_folders_of_one_split_or_class_are_refused(tmp_path):
    save(tmp_path / "a/val/0/1.png", shade(0))
    save(tmp_path / "a/valid/0/1.png", shade(0))
    save(tmp_path / "b/7/1.png", shade(0))
    save(tmp_path / "b/07/2.png", shade(0))

    with pytest.raises(
        DataError, match=r"two folders for split 'validation': expected one, found val, valid$"
    ):
        read_dataset(CARD, tmp_path / "a")
    with pytest.raises(DataError, match=r"two folders of one class: expected one, found 07, 7$"):
        read_dataset(CARD, tmp_path / "b")


def test_two_names_of_one_class_are_refused(tmp_path):
    save(tmp_path / "train/1_cat/1.png", shade(0))
    save(tmp_path / "test/1_dog/1.png", shade(0))

    with pytest.raises(DataError, match=r"two names of class 1: expected one, found 'cat' and 'dog'$"):
        read_dataset(CARD, tmp_path)


def test_folder_names_that_are_hostile_are_refused(tmp_path):
    save(tmp_path / "a/1_%FF/1.png", shade(0))
    save(tmp_path / "b/999999999999_x/1.png", shade(0))

    with pytest.raises(DataError, match=r"class name: expected percent-encoded UTF-8, found 1_%FF$"):
        read_dataset(CARD, tmp_path / "a")
    with pytest.raises(
        DataError, match=r"class number beside class names: expected up to 1000000, found 999999999999$"
    ):
        read_dataset(CARD, tmp_path / "b")


def test_flat_images_of_which_some_have_no_label_are_refused(tmp_path):
    save(tmp_path / "train/00000-num1.png", shade(0))
    save(tmp_path / "train/00001.png", shade(0))

    with pytest.raises(DataError, match=r"train/00001\.png: image without a label"):
        read_dataset(CARD, tmp_path)


def test_a_label_beyond_64_bits_is_refused(tmp_path):
    save(tmp_path / f"train/00000-num{1 << 63}.png", shade(0))

    with pytest.raises(
        DataError, match=r"label in a file name: expected 64 bits, found 9223372036854775808$"
    ):
        read_dataset(CARD, tmp_path)


@pytest.mark.parametrize(
    ("names", "verdict"),
    [
        (["train/0/00000.png", "test/1/00001.jpg"], "yes"),
        (["0/a.PNG"], "yes"),
        (["a.png"], "maybe"),
        (["train/0/a.png", "train.csv"], "maybe"),
        (["train.csv"], "no"),
        ([], "no"),
    ],
    ids=str,
)
def test_sniffing_knows_images_in_folders(names, verdict):
    assert sniff(b"", names) == verdict


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="the system does not list open files in /proc")
@pytest.mark.parametrize("workers", [1, 3])
def test_a_failing_source_leaves_no_file_open(tmp_path, workers):
    def failing():
        yield from drawn_dataset(5, 0)["train"].batches()
        raise DataError("source", "broken")

    info = DatasetInfo("x", (drawn_dataset(5, 0)["train"].info,))
    part = replace(part_of(info, 0, 5), workers=workers)
    before = len(folders_in(OPEN_FILES))
    with pytest.raises(DataError, match=r"source: broken"):
        PngWriter(CARD.write_options()).write(tmp_path, part, failing())

    assert len(folders_in(OPEN_FILES)) == before


def test_flat_splits_of_any_name_are_splits(tmp_path):
    full = (np.zeros((2, 2, 2), "uint8"), np.array([3, 1], "uint8"))
    none = (np.empty((0, 2, 2), "uint8"), np.empty(0, "uint8"))
    dataset = Dataset.from_arrays({"train": full, "extra": full, "unused": none})

    write_dataset(CARD, dataset, tmp_path, layout="flat")

    assert_same_content(read_dataset(CARD, tmp_path), dataset)


def test_systems_without_open_folders_write_and_read_the_same(tmp_path, monkeypatch):
    dataset = drawn_dataset(20, 5)
    for name in ("relative", "absolute"):
        (tmp_path / name).mkdir()

    write_dataset(CARD, dataset, tmp_path / "relative")
    monkeypatch.setattr("mnistkit.codecs.files.RELATIVE", False)
    write_dataset(CARD, dataset, tmp_path / "absolute")
    assert_same_content(read_dataset(CARD, tmp_path / "relative"), dataset)

    assert contents_of(tmp_path / "absolute") == contents_of(tmp_path / "relative")


def test_the_default_level_is_that_of_the_codec():
    assert CARD.write_options().level == png.LEVEL


@pytest.mark.parametrize("others", [(), ("5000.png", "123456.png", "00005001.PNG", "00005002-num7.png")])
def test_numbers_in_names_are_found_however_many_and_whatever_lies_among_them(tmp_path, others):
    """There are more files than are looked at in one go."""
    names = [*(f"{i:05d}.png" for i in range(5000)), *others]
    for name in names:
        (tmp_path / name).touch()

    leaf = scan(tmp_path)

    assert sorted(map(leaf.name, range(len(leaf)))) == sorted(names)
    assert leaf.others == ()


def test_names_that_joined_look_like_numbers_are_none(tmp_path):
    for name in ("12345.png1", "2.png"):
        (tmp_path / name).touch()

    with pytest.raises(DataError, match=r"12345\.png1: stray file in a tree of images"):
        scan(tmp_path)


def test_a_folder_named_as_an_image_is_a_folder(tmp_path):
    (tmp_path / "00000.png").mkdir()
    (tmp_path / "00001.png").touch()

    leaf = scan(tmp_path)

    assert (leaf.folders, leaf.numbers.tolist()) == (("00000.png",), [1])
