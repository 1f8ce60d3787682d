"""A scan by pieces finds what one from the front finds, and refuses what that refuses, in the same words."""

from __future__ import annotations

import importlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistkit.codecs.text import Layout
from mnistkit.errors import DataError

pytestmark = pytest.mark.usefixtures("lane")

scans = importlib.import_module("mnistkit.codecs.text.scan")

LAYOUT = Layout(b",", (1, 3), before=("label",), label=0)
HEADER = b"label,a,b,c\n"
ODD = [b'5,"6",7.0, 8', b"5,256,0,0", b"5,1,2", b"", b"  ", b"5,1,2,3,4", b"x,1,2,3", b"5,1,,3", b"1" * 200]


def layout_of(lines):
    """Step behind the header where there is one."""
    if lines.peek() == HEADER.strip():
        lines.skip()
    return LAYOUT


def outcome(path, piece_bytes):
    """Scan in pieces of a size, or from the front alone where that is 0."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scans, "_PIECE_BYTES", piece_bytes)
        try:
            table = scans.scan(path, layout_of)
        except DataError as error:
            return str(error)
    return table.rows, table.line, table.marks.tolist(), table.bounds


@st.composite
def texts(draw):
    plain = st.tuples(*[st.integers(0, 255)] * 4).map(lambda cells: b"%d,%d,%d,%d" % cells)
    lines = draw(st.lists(plain, max_size=200))
    for _ in range(draw(st.integers(0, 2))):
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(ODD)))
    end = draw(st.sampled_from([b"\n", b"\r\n"]))
    start = draw(st.sampled_from([b"", HEADER, b"\xef\xbb\xbf", b"\xef\xbb\xbf" + HEADER]))
    return start + end.join(lines) + draw(st.sampled_from([b"", end, end * 3]))


@settings(deadline=None, max_examples=150)
@given(text=texts(), piece_bytes=st.sampled_from([148, 149, 200, 999, 1 << 20]))
def test_pieces_of_any_size_tell_the_same_as_a_scan_from_the_front(tmp_path_factory, text, piece_bytes):
    path = tmp_path_factory.mktemp("scan") / "train.csv"
    path.write_bytes(text)

    assert outcome(path, piece_bytes) == outcome(path, 0)


def test_lines_that_begin_where_a_piece_does_are_judged_once(tmp_path, monkeypatch):
    path = tmp_path / "train.csv"
    path.write_bytes(b"1,2,3,44\n" * 9 * 40)
    monkeypatch.setattr(scans, "_PIECE_BYTES", 9 * 20)

    table = scans.scan(path, layout_of)

    assert table.rows == 360
    assert table.marks.tolist() == list(range(0, 9 * 360, 9 * 64))


def test_plain_files_are_judged_by_pieces(tmp_path, monkeypatch):
    """Not by the way that is there for all others, which costs twice as much."""
    path = tmp_path / "train.csv"
    path.write_bytes(HEADER + b"1,2,3,44\n" * 100)
    monkeypatch.setattr(scans, "_judge", lambda *_, **__: pytest.fail("judged in order"))

    assert scans.scan(path, layout_of).rows == 100


def test_a_file_that_grows_meanwhile_is_read_to_its_new_end(tmp_path, monkeypatch):
    path = tmp_path / "train.csv"
    path.write_bytes(b"1,2,3,44\n" * 100)
    judge = scans._judge_piece

    def growing(*arguments):
        found = judge(*arguments)
        with path.open("ab") as file:
            file.write(b"9,9,9,9\n")
        return found

    monkeypatch.setattr(scans, "_judge_piece", growing)

    table = scans.scan(path, layout_of)

    assert (table.rows, table.bounds) == (101, (1, 9))
