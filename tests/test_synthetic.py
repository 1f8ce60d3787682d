"""Drawn digits: the same on every machine, any number of them, and worth learning from."""

from __future__ import annotations

import hashlib
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistkit.dataset import Dataset
from mnistkit.errors import UsageError
from mnistkit.synthetic import SyntheticReader, open_synthetic
from mnistkit.synthetic.drawing import _NIBS, _REACH, _marks
from mnistkit.synthetic.glyphs import GLYPHS, PEN_POSITIONS, SLOTS, stencils

ROWS = 20_000

# These images must never change within a major version: exports of "synthetic" are compared by digest.
GOLDEN = {
    "train": "2fc03eede755940539fee13e21608953bd10950de405b9010655e2b7d334030a",
    "test": "c379c932a0b39f78017bfea3e28b0264b4f90ad1e7d4f977821b87f17644d44a",
}


@pytest.fixture(scope="module")
def drawn():
    """The first 20,000 images of train."""
    return Dataset(SyntheticReader(train=ROWS, test=0))["train"].load()


# --- What the source says of itself ---


def test_the_bare_name_is_as_large_as_mnist():
    info = open_synthetic("synthetic").info

    assert (info.name, info.licence, info.class_names) == ("synthetic", "CC0-1.0", None)
    assert [(s.name, s.length, s.shape, s.dtype) for s in info.splits] == [
        ("train", 60_000, (28, 28), "uint8"),
        ("test", 10_000, (28, 28), "uint8"),
    ]
    assert all(s.label_dtype == "uint8" and s.label_range == (0, 9) for s in info.splits)


@pytest.mark.parametrize(
    ("text", "lengths", "seed"),
    [
        ("synthetic:train=100", (100, 10_000), 0),
        ("synthetic:test=7", (60_000, 7), 0),
        ("synthetic:seed=3,test=10,train=100", (100, 10), 3),
        ("synthetic:train=0,test=0", (0, 0), 0),
        ("synthetic:train=007", (7, 10_000), 0),
        (f"synthetic:seed={2**63 - 1}", (60_000, 10_000), 2**63 - 1),
    ],
)
def test_settings_are_read_from_the_name(text, lengths, seed):
    dataset = open_synthetic(text)

    assert (len(dataset["train"]), len(dataset["test"])) == lengths
    assert dataset.reader.seed == seed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("synthetic:rows=5", "synthetic:rows=5: no setting 'rows'; write synthetic:train=N,test=N,seed=N"),
        ("synthetic:", "synthetic:: no setting ''; write synthetic:train=N"),
        ("synthetic:train=5,", "no setting ''"),
        ("synthetic: train=5", "no setting ' train'"),
        ("synthetical", "synthetical: not drawn digits; write synthetic:train=N"),
        ("synthetic:train=5,train=6", "synthetic:train=5,train=6: train is given twice"),
        ("synthetic:train", "bad value for train: expected a whole number from 0 to 9223372036854775807"),
        ("synthetic:test=-1", "bad value for test: expected a whole number from 0 to .*, found '-1'"),
        ("synthetic:train=1.5", "bad value for train: .*, found '1.5'"),
        ("synthetic:train=1_000", "found '1_000'"),
        ("synthetic:train=+5", "found '[+]5'"),
        ("synthetic:seed=\u0663", "bad value for seed"),
        (f"synthetic:seed={2**63}", f"found '{2**63}'"),
        ("synthetic:seed=" + "9" * 5000, "bad value for seed"),
    ],
)
def test_wrong_settings_are_usage_errors_in_one_line(text, message):
    with pytest.raises(UsageError, match=message) as caught:
        open_synthetic(text)

    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [-1, 2**63, 1.0, "5", None])
@pytest.mark.parametrize("name", ["train", "test", "seed"])
def test_the_reader_refuses_what_is_no_count(name, value):
    with pytest.raises(UsageError, match=f"synthetic: bad value for {name}: expected a whole number"):
        SyntheticReader(**{name: value})


@pytest.mark.parametrize("length", [0, 1, 2, 5, 30])
def test_the_label_range_is_exact_for_short_splits(length):
    split = open_synthetic(f"synthetic:train={length}")["train"]

    labels = split.load().labels.tolist()

    assert split.info.label_range == ((min(labels), max(labels)) if labels else None)


def test_the_label_range_is_exact_over_many_chunks(monkeypatch):
    monkeypatch.setattr("mnistkit.synthetic._CHUNK", 1)

    split = open_synthetic("synthetic:train=200")["train"]

    assert split.info.label_range == (0, 9)


def test_a_split_of_no_images_has_no_batches():
    split = open_synthetic("synthetic:train=0")["train"]

    assert list(split.batches()) == []
    assert split.load().images.shape == (0, 28, 28)


def test_no_files_are_named():
    assert SyntheticReader().files("train") == ()


def test_images_are_bytes_that_nobody_can_change():
    batch = next(SyntheticReader().batches("train", 0, 3, 2))

    assert (batch.images.shape, batch.images.dtype.name, batch.labels.dtype.name) == (
        (2, 28, 28),
        "uint8",
        "uint8",
    )
    assert batch.images.flags.c_contiguous
    assert not batch.images.flags.writeable
    assert not batch.labels.flags.writeable


# --- The same bytes however they are asked for ---


@settings(deadline=None)  # 700 batches of one image take a while
@given(start=st.integers(0, 3000), rows=st.integers(0, 700), size=st.integers(1, 800))
def test_any_range_in_any_steps_is_what_reading_from_the_front_gives(drawn, start, rows, size):
    batches = list(SyntheticReader().batches("train", start, start + rows, size))

    assert [b.start for b in batches] == list(range(start, start + rows, size))
    assert all(len(b) <= size for b in batches)
    assert sum(map(len, batches)) == rows
    for batch in batches:
        there = slice(batch.start, batch.start + len(batch))
        np.testing.assert_array_equal(batch.images, drawn.images[there])
        np.testing.assert_array_equal(batch.labels, drawn.labels[there])


def test_the_number_of_images_changes_none_of_them(drawn):
    few = open_synthetic("synthetic:train=10,test=3")["train"].load()

    np.testing.assert_array_equal(few.images, drawn.images[:10])
    np.testing.assert_array_equal(few.labels, drawn.labels[:10])


def test_images_at_the_far_end_can_be_drawn():
    end = 2**63 - 1
    last = open_synthetic(f"synthetic:train={end}")["train"][end - 2 :].load()

    one = next(SyntheticReader(train=end).batches("train", end - 1, end, 1))

    np.testing.assert_array_equal(last.images[1:], one.images)
    assert not np.array_equal(last.images[0], last.images[1])


def test_a_pickled_reader_draws_the_same():
    reader = SyntheticReader(train=50, seed=3)
    reader.info()

    thawed = pickle.loads(pickle.dumps(reader))

    a, b = Dataset(reader)["train"].load(), Dataset(thawed)["train"].load()
    np.testing.assert_array_equal(a.images, b.images)
    np.testing.assert_array_equal(a.labels, b.labels)


def test_memory_does_not_grow_with_the_number_of_images():
    def peak(rows):
        tracemalloc.start()
        for _ in SyntheticReader().batches("train", 0, rows, 1024):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1024)

    assert peak(8192) < 1.1 * peak(2048) < 64 << 20


# --- The same bytes on every machine ---


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_first_thousand_images_are_what_they_have_always_been(split):
    batch = next(SyntheticReader().batches(split, 0, 1000, 1000))

    assert hashlib.sha256(batch.images.tobytes() + batch.labels.tobytes()).hexdigest() == GOLDEN[split]


def test_the_order_in_which_products_are_added_changes_nothing(monkeypatch):
    def backwards(a, b):
        total = np.zeros((len(a), a.shape[1], b.shape[2]), np.float32)
        for k in reversed(range(a.shape[2])):
            total += a[:, :, k, None] * b[:, None, k, :]
        return total

    expected = next(SyntheticReader().batches("train", 0, 300, 300)).images

    monkeypatch.setattr(np, "matmul", backwards)
    found = next(SyntheticReader().batches("train", 0, 300, 300)).images

    np.testing.assert_array_equal(found, expected)


def test_no_sum_of_products_is_ever_rounded():
    weights, marks = stencils().weights * 2.0**13, _marks()

    assert np.array_equal(weights, np.rint(weights))
    assert np.abs(weights).sum(axis=2).max() * _REACH < 2**24
    assert np.array_equal(marks, np.rint(marks))
    assert marks.min() == 0
    assert marks.max() == 255
    assert 255 * 255 * PEN_POSITIONS < 2**24


# --- Digits, not noise ---


def test_every_digit_is_written_in_several_ways():
    for digit in range(10):
        ways = [glyph for glyph in GLYPHS if glyph.digit == digit]
        assert len(ways) >= 3
        assert sum(glyph.share for glyph in ways) == SLOTS


def test_pens_have_ink_at_every_width():
    assert (_marks().sum(axis=(1, 2)) > 0).all()
    assert len(_marks()) == _NIBS


def test_another_seed_draws_other_images():
    a, b = (open_synthetic(f"synthetic:train=200,seed={seed}")["train"].load() for seed in (0, 1))

    assert not (a.images == b.images).all(axis=(1, 2)).any()
    assert not np.array_equal(a.labels, b.labels)


def test_train_and_test_are_different_drawings():
    train, test = (next(SyntheticReader().batches(split, 0, 2000, 2000)) for split in ("train", "test"))

    assert not {i.tobytes() for i in train.images} & {i.tobytes() for i in test.images}
    assert not np.array_equal(train.labels, test.labels)


def test_no_two_images_are_equal(drawn):
    assert len({image.tobytes() for image in drawn.images}) == ROWS


def test_every_class_is_about_as_frequent(drawn):
    shares = np.bincount(drawn.labels, minlength=10) / ROWS

    assert len(shares) == 10
    assert shares.min() > 0.09
    assert shares.max() < 0.11


def test_labels_follow_no_pattern(drawn):
    following = np.bincount(drawn.labels[:-1] * 10 + drawn.labels[1:], minlength=100) / ROWS

    assert following.min() > 0.007
    assert following.max() < 0.013


def test_ink_covers_as_much_as_in_mnist(drawn):
    inked = drawn.images > 0

    assert 0.17 < inked.mean() < 0.22
    assert inked.mean(axis=(1, 2)).min() > 0.03
    assert inked.mean(axis=(1, 2)).max() < 0.5
    assert (drawn.images.max(axis=(1, 2)) > 128).all()
    assert 0.3 < (drawn.images >= 250).sum() / inked.sum() < 0.6


def test_the_background_is_black(drawn):
    corners = drawn.images[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    frame = np.concatenate([drawn.images[:, [0, -1]], drawn.images[:, :, [0, -1]].swapaxes(1, 2)], axis=1)

    assert (corners > 0).mean() < 0.001
    assert (frame > 0).any(axis=(1, 2)).mean() < 0.06


def test_digits_are_centred(drawn):
    ink = drawn.images.astype(np.float64)
    down = (ink.sum(axis=2) @ np.arange(28)) / ink.sum(axis=(1, 2))
    right = (ink.sum(axis=1) @ np.arange(28)) / ink.sum(axis=(1, 2))

    for middle in (down, right):
        assert abs(middle.mean() - 13.5) < 0.5
        assert np.abs(middle - 13.5).max() < 5


def test_strokes_are_two_to_four_pixels_wide(drawn):
    ones = drawn.images[drawn.labels == 1] > 127
    widths = ones[:, 10:18].sum(axis=2)

    assert np.percentile(widths, 10) >= 2
    assert np.percentile(widths, 90) <= 5
    assert 2.5 <= widths.mean() <= 4


def test_a_linear_model_learns_them_well_but_not_wholly(drawn):
    weights = fitted(drawn.images[:5000], drawn.labels[:5000])

    score = (guesses(weights, drawn.images[5000:7000]) == drawn.labels[5000:7000]).mean()

    assert 0.85 < score < 0.995


def test_what_is_learnt_from_train_holds_for_test_and_for_other_seeds(drawn):
    weights = fitted(drawn.images[:5000], drawn.labels[:5000])

    for split, seed in (("test", 0), ("train", 1)):
        batch = next(SyntheticReader(seed=seed).batches(split, 0, 2000, 2000))
        assert 0.85 < (guesses(weights, batch.images) == batch.labels).mean() < 0.995


def fitted(images, labels, steps=200, rate=0.05, momentum=0.9):
    """Fit a softmax regression by full-batch gradient descent from zero."""
    inputs, wanted = features(images), np.eye(10, dtype=np.float32)[labels]
    weights = np.zeros((inputs.shape[1], 10), np.float32)
    speed = np.zeros_like(weights)
    for _ in range(steps):
        scores = inputs @ weights
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        gap = odds / odds.sum(axis=1, keepdims=True) - wanted
        speed = momentum * speed + inputs.T @ gap / len(inputs)
        weights -= rate * speed
    return weights


def guesses(weights, images):
    return (features(images) @ weights).argmax(axis=1)


def features(images):
    pixels = images.reshape(len(images), -1).astype(np.float32) / 255
    return np.column_stack([pixels, np.ones(len(images), np.float32)])
