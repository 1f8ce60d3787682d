"""Rows of text files, from anywhere: marks, shards, groups of any size, and arrays filled in place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistkit.codecs.text import Layout, rows
from mnistkit.codecs.text.rows import groups_of, load
from mnistkit.codecs.text.scan import scan
from mnistkit.errors import DataError

pytestmark = pytest.mark.usefixtures("lane")

ROWS = 333
LAYOUT = Layout(b",", (1, 3), before=("label",), label=0)
PIXELS = np.arange(3 * ROWS, dtype=np.uint32).reshape(ROWS, 3).astype(np.uint8)


def lines(numbers, end):
    return b"".join(b"%d,%d,%d,%d" % (i, *PIXELS[i]) + end for i in numbers)


@pytest.fixture(scope="module", params=[b"\n", b"\r\n"], ids=["lf", "crlf"])
def tables(request, tmp_path_factory):
    """Two files, the second without an end of its last line."""
    folder = tmp_path_factory.mktemp("shards")
    found = []
    for name, numbers in (("a.csv", range(200)), ("b.csv", range(200, ROWS))):
        text = lines(numbers, request.param)
        (folder / name).write_bytes(text if name == "a.csv" else text.removesuffix(request.param))
        found.append(scan(folder / name, lambda _: LAYOUT))
    return found


def test_a_scan_marks_every_64th_row(tables):
    assert [table.rows for table in tables] == [200, 133]
    for table, first in zip(tables, (0, 200), strict=True):
        text = table.path.read_bytes()
        begins = [text[mark:].split(b",")[0] for mark in table.marks]
        assert begins == [b"%d" % i for i in range(first, first + table.rows, 64)]


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_rows_come_in_groups_of_any_size(tables, data):
    start = data.draw(st.integers(0, ROWS - 1))
    stop = data.draw(st.integers(start + 1, ROWS))
    size = data.draw(st.integers(1, ROWS + 1))
    piece = data.draw(st.sampled_from([1, 100, 600, 1 << 20]))  # pixels decoded in one go
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "_PIECE_PIXELS", piece)

        groups = list(groups_of(tables, start, stop, size))

    assert {len(group) for group in groups[:-1]} <= {size}
    assert len(groups[-1]) <= size
    np.testing.assert_array_equal(np.concatenate([group.pixels for group in groups]), PIXELS[start:stop])
    assert np.concatenate([group.integers[0] for group in groups]).tolist() == list(range(start, stop))


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_any_rows_fill_an_array_in_place(tables, data):
    start = data.draw(st.integers(0, ROWS - 1))
    stop = data.draw(st.integers(start + 1, ROWS))
    pixels = np.zeros((stop - start, 3), np.uint8)

    (labels,) = load(tables, start, stop, pixels)

    np.testing.assert_array_equal(pixels, PIXELS[start:stop])
    assert labels.tolist() == list(range(start, stop))


def test_lines_that_are_not_plain_fill_the_array_too(tmp_path):
    path = tmp_path / "train.csv"
    path.write_bytes(b'1,2,3,4\n5,"6",7.0, 8\n')
    table = scan(path, lambda _: LAYOUT)
    pixels = np.zeros((2, 3), np.uint8)

    (labels,) = load([table], 0, 2, pixels)

    assert pixels.tolist() == [[2, 3, 4], [6, 7, 8]]
    assert labels.tolist() == [1, 5]


@pytest.mark.parametrize("stop", [192, 200], ids=["at a mark", "at the end"])
def test_a_file_cut_short_since_is_refused(tmp_path, stop):
    path = Path(tmp_path, "train.csv")
    path.write_bytes(lines(range(200), b"\n"))
    table = scan(path, lambda _: LAYOUT)
    path.write_bytes(lines(range(150), b"\n"))

    with pytest.raises(DataError, match=rf"ends early: expected {stop} images, found 150; did it change\?"):
        load([table], 128, stop, np.zeros((stop - 128, 3), np.uint8))


def test_large_images_have_a_mark_each(tmp_path):
    path = tmp_path / "train.csv"
    path.write_bytes((b",".join([b"0"] * (300 * 300)) + b"\n") * 3)

    table = scan(path, lambda _: Layout(b",", (300, 300)))

    assert table.mark_rows == 1
    assert table.marks.tolist() == [0, 180_000, 360_000]
