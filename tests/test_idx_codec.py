"""One IDX file: what its header says, what is read of it, and the exact words of each refusal."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest

from mnistkit.buffers import BufferPool
from mnistkit.compression import open_decompressed
from mnistkit.errors import DataError
from mnistkit.idx import TYPE_CODES, codec
from mnistkit.idx.codec import Header, IdxFile, is_idx, open_idx

AGAIN = "; get the file again"
BEHIND = "data behind the end of the array: expected"


def encode(array):
    """Encode an array as IDX, independently of the package."""
    head = struct.pack(f">HBB{array.ndim}I", 0, TYPE_CODES[array.dtype.name], array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def gzip_(data):
    return gzip.compress(data, mtime=0)


@pytest.fixture
def put(tmp_path):
    """Write a file and return its path."""

    def write(data):
        path = tmp_path / "images"
        path.write_bytes(data)
        return path

    return write


def refusal(job):
    with pytest.raises(DataError) as refused:
        job()
    return str(refused.value)


# ---------------------------------------------------------------- headers


@pytest.mark.parametrize("dtype", TYPE_CODES)
@pytest.mark.parametrize("shape", [(3,), (3, 4), (2, 3, 4, 5, 6)], ids=str)
def test_a_header_is_read_and_made_again(put, dtype, shape):
    array = np.zeros(shape, dtype)
    data = encode(array)

    file = open_idx(put(data))

    header = file.header
    assert (file.shape, file.dtype, len(file)) == (shape, np.dtype(dtype), shape[0])
    assert file.dtype.isnative
    assert file.compression == "none"
    assert header.encode() == data[: header.size]
    assert (header.size, header.data_bytes) == (len(data) - array.nbytes, array.nbytes)
    assert header.row_bytes == array.nbytes // shape[0]
    assert header.dtype == np.dtype(dtype).newbyteorder(">")


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (b"\0\0\x08\3", True),
        (b"\0\0\x0e\0", True),
        (b"\0\0\x08", False),
        (b"\0\1\x08\3", False),
        (b"\1\0\x08\3", False),
        (b"\0\0\x0a\3", False),
        (b"", False),
    ],
)
def test_idx_is_told_by_four_bytes(head, verdict):
    assert is_idx(head) is verdict


def test_types_that_idx_has_not_have_no_header():
    with pytest.raises(KeyError):
        Header(np.dtype("int64"), (1,)).encode()


# ---------------------------------------------------------------- refusals, word for word

IMAGES = encode(np.zeros((3, 2, 2), "u1"))
WANTED = "not an IDX file: expected bytes 00 00, a type and a number of dimensions, found "
LIAR = gzip.compress(b"\0\0\x08\3" + b"\0\0\x03\xe8" * 3, mtime=0)
PROMISED = f"promises more than {len(LIAR)} bytes of gzip can hold: expected"
NONE = encode(np.zeros((0, 2, 2), "u1"))
REFUSED = {
    "empty": (b"", f"{WANTED}an empty file{AGAIN}"),
    "web page": (b"<!DOCTYPE html>", f"{WANTED}a web page or XML{AGAIN}"),
    "PDF": (b"%PDF-1.7 ...", f"{WANTED}a PDF{AGAIN}"),
    "PNG": (b"\x89PNG\r\n\x1a\n", f"{WANTED}a PNG{AGAIN}"),
    "Parquet": (b"PAR1....", f"{WANTED}Parquet{AGAIN}"),
    "HDF5": (b"\x89HDF\r\n\x1a\n", f"{WANTED}HDF5{AGAIN}"),
    "another magic number": (b"\x93NUMPY", f"{WANTED}93 4e 55 4d{AGAIN}"),
    "one byte": (b"\0", f"{WANTED}00{AGAIN}"),
    "no dimensions": (b"\0\0\x08\0", "IDX without dimensions: expected at least 1, found 0"),
    "header cut": (IMAGES[:9], "ends within its header: expected 16 bytes, found 9"),
    "header cut to its first four bytes": (IMAGES[:4], "ends within its header: expected 16 bytes, found 4"),
    "one byte short": (IMAGES[:-1], f"ends too early: expected 28 bytes, found 27{AGAIN}"),
    "one byte more": (IMAGES + b"\0", f"{BEHIND} 28 bytes, found 29{AGAIN}"),
    "thousands short": (
        b"\0\0\x08\3" + b"\0\0\x03\xe8" * 3,
        f"ends too early: expected 1,000,000,016 bytes, found 16{AGAIN}",
    ),
    "no rows, but more": (gzip.compress(NONE + b"\0"), f"{BEHIND} 16 bytes, found more{AGAIN}"),
    "gzip promising too much": (
        LIAR,
        f"{PROMISED} at most {1100 * len(LIAR):,} bytes, found 1,000,000,016{AGAIN}",
    ),
    "a large row": (
        struct.pack(">HBB2I", 0, 0x0E, 2, 0, (1 << 23) + 1),
        "one row is too large: expected at most 67,108,864 bytes, found 67,108,872",
    ),
    "an array that is none": (
        b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"\0",
        "not an array: expected one that numpy can hold, found maximum supported dimension",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED)
def test_a_file_is_refused_in_these_words(put, data, words):
    path = put(data)

    message = refusal(lambda: open_idx(path))

    assert message.startswith(f"{path}: {words}")
    assert message == f"{path}: {words}" or "numpy can hold" in words  # whose words come behind


def read_rows(file):
    return list(file.rows(0, len(file), 2))


def load(file):
    return file.load(0, len(file))


def read_late_rows(file):
    return list(file.rows(2, 3, 1))


PACKED = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("read", [read_rows, load, read_late_rows])
@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)
def test_a_packed_file_of_another_size_is_refused_in_these_words(put, pack, read):
    short, long = open_idx(put(pack(IMAGES[:-1]))), b""
    message = refusal(lambda: read(short))
    assert message == f"{short.path}: ends too early: expected 28 bytes, found fewer{AGAIN}"

    long = open_idx(put(pack(IMAGES + b"\0")))
    message = refusal(lambda: read(long))
    assert message == f"{long.path}: {BEHIND} 28 bytes, found more{AGAIN}"


def test_a_packed_file_that_ends_before_the_rows_wanted_is_refused(put):
    file = open_idx(put(gzip.compress(IMAGES[:17])))

    message = refusal(lambda: file.load(2, 3))

    assert message == f"{file.path}: ends too early: expected 28 bytes, found fewer{AGAIN}"


def test_a_plain_file_cut_after_it_was_opened_is_refused(put):
    file = open_idx(put(IMAGES))
    file.path.write_bytes(IMAGES[:-1])

    assert "ends too early" in refusal(lambda: load(file))
    assert "ends too early" in refusal(lambda: read_rows(file))


# ---------------------------------------------------------------- what may be promised


def zipped(data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("member"), data)
    return file.getvalue()


LIMITS = {
    "gzip": (gzip_, 1100),
    "zip": (zipped, 1100),
    "xz": (lzma.compress, 8192),
    "bzip2": (bz2.compress, 1 << 21),
}


@pytest.mark.parametrize("kind", LIMITS)
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_file_may_promise_so_many_times_its_size(put, kind, more):
    pack, ratio = LIMITS[kind]
    stored, data = 0, b""
    while stored != len(data) or not data:  # its size depends a little on what it promises
        stored = len(data) or 40
        data = pack(struct.pack(">HBBI", 0, 8, 1, stored * ratio + more))
    path = put(data)

    if more > 0:
        assert refusal(lambda: open_idx(path)) == (
            f"{path}: promises more than {stored:,} bytes of {kind} can hold: "
            f"expected at most {stored * ratio:,} bytes, found {stored * ratio + 9:,}{AGAIN}"
        )
    else:
        assert len(open_idx(path)) == stored * ratio + more


def test_deflate_reaches_what_a_file_may_promise(put):
    array = np.zeros((1 << 14, 28, 28), "u1")
    data = gzip.compress(encode(array), 9, mtime=0)
    assert array.nbytes > 1000 * len(data)

    file = open_idx(put(data))

    assert sum(len(rows) for rows in file.rows(0, len(file), 4096)) == 1 << 14


def test_a_row_may_have_64_mebibytes(put):
    file = open_idx(put(struct.pack(">HBB2I", 0, 0x0E, 2, 0, 1 << 23)))

    assert file.header.row_bytes == 64 << 20


@pytest.mark.parametrize(("dtype", "is_array"), [("uint8", True), ("int16", False)])
def test_the_type_tells_whether_an_array_is_too_large_but_for_a_zero(put, dtype, is_array):
    path = put(struct.pack(">HBB3I", 0, TYPE_CODES[dtype], 3, 1 << 31, 0, 1 << 31))

    if is_array:
        assert open_idx(path).shape == (1 << 31, 0, 1 << 31)
    else:
        assert "not an array" in refusal(lambda: open_idx(path))


@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)
def test_a_packed_file_without_rows_is_read_to_its_end_at_once(put, pack):
    assert read_rows(open_idx(put(pack(NONE)))) == []
    assert "data behind the end" in refusal(lambda: open_idx(put(pack(NONE + b"\0"))))


class Counting:
    """A stream that counts what is read of it."""

    def __init__(self, file):
        self._file, self.count, self.reads = file, 0, 0
        self.seek = file.seek

    def read(self, size):
        assert size is not None
        found = self._file.read(size)
        self.count += len(found)
        self.reads += 1
        return found

    def readinto(self, buffer):
        size = self._file.readinto(buffer)
        self.count += size
        return size


@pytest.fixture
def streams(monkeypatch):
    """Every stream that the codec has opened, in order."""
    opened = []

    @contextmanager
    def counting(*given):
        with open_decompressed(*given) as file:
            opened.append(Counting(file))
            yield opened[-1]

    monkeypatch.setattr(codec, "open_decompressed", counting)
    return opened


@pytest.mark.parametrize("read", [read_rows, load])
def test_a_stream_is_read_no_further_than_a_byte_behind_its_promise(put, streams, read):
    file = open_idx(put(gzip.compress(IMAGES + bytes(1000))))

    with pytest.raises(DataError, match="data behind the end"):
        read(file)

    assert [stream.count for stream in streams] == [16, 28 + 1]


def test_a_stream_without_rows_is_read_no_further_than_a_byte_behind_its_header(put, streams):
    with pytest.raises(DataError, match="data behind the end"):
        open_idx(put(gzip.compress(NONE + bytes(1000))))

    assert [stream.count for stream in streams] == [16, 16 + 1]


def test_a_stream_is_read_no_further_than_the_rows_wanted(put, streams):
    file = open_idx(put(gzip.compress(IMAGES + bytes(1000))))

    list(file.rows(1, 2, 1))
    file.load(0, 1)

    assert [stream.count for stream in streams] == [16, 16 + 8, 16 + 4]


@pytest.mark.parametrize(
    "array", [np.zeros((3, 2, 2), "u1"), np.zeros((0, 2, 2), "u1")], ids=["rows", "none"]
)
def test_nobody_looks_behind_the_end_of_a_plain_file_whose_size_is_known(put, streams, array):
    file = open_idx(put(encode(array)))
    assert len(streams) == 1

    read_rows(file), load(file)

    assert [stream.reads for stream in streams[1:]] == [0, 0]


def test_nothing_is_read_of_a_plain_file_before_the_rows_wanted(put, streams):
    file = open_idx(put(IMAGES))

    list(file.rows(2, 3, 1))
    file.load(1, 2)

    assert [(stream.count, stream.reads) for stream in streams[1:]] == [(4, 0), (4, 0)]


# ---------------------------------------------------------------- rows


@pytest.fixture(params=["plain", *PACKED])
def file(request, put) -> tuple[IdxFile, np.ndarray]:
    """20 rows of int16, and the file that holds them."""
    array = np.arange(-120, 120, dtype="int16").reshape(20, 3, 4)
    pack = PACKED.get(request.param, bytes)
    return open_idx(put(pack(encode(array)))), array


@pytest.mark.parametrize("span", [(0, 20), (0, 7), (5, 9), (19, 20), (4, 4), (20, 20)])
@pytest.mark.parametrize("size", [1, 3, 4, 20, 100])
def test_rows_come_in_pieces_of_the_size_asked_for(file, span, size):
    (idx, array), (start, stop) = file, span

    pieces = [rows.copy() for rows in idx.rows(start, stop, size)]

    whole, rest = divmod(stop - start, size)
    assert [len(rows) for rows in pieces] == [size] * whole + [rest] * (rest > 0)
    assert all(rows.dtype == np.dtype("int16") and rows.dtype.isnative for rows in pieces)
    assert all(rows.shape[1:] == (3, 4) for rows in pieces)
    joined = np.concatenate([np.empty((0, 3, 4), "int16"), *pieces])
    np.testing.assert_array_equal(joined, array[start:stop])


@pytest.mark.parametrize("span", [(0, 20), (5, 9), (20, 20)])
def test_rows_are_loaded_and_mapped_as_they_are(file, span):
    (idx, array), (start, stop) = file, span

    loaded, mapped = idx.load(start, stop), idx.map(start, stop)

    for found in (loaded, mapped) if idx.compression == "none" else (loaded,):
        assert found.dtype == np.dtype("int16")
        assert found.dtype.isnative
        np.testing.assert_array_equal(found, array[start:stop])
    assert (mapped is None) == (idx.compression != "none")
    assert not loaded.flags.writeable


def test_rows_cannot_be_written_to(file):
    idx, _ = file

    for rows in idx.rows(0, 20, 6):
        assert not rows.flags.writeable


def test_rows_of_single_bytes_are_a_map_of_the_file(put):
    mapped = open_idx(put(IMAGES)).map(1, 3)

    assert mapped.shape == (2, 2, 2)
    assert not mapped.flags.writeable
    assert type(mapped.base) is np.memmap


@pytest.mark.parametrize(
    ("span", "size", "held"), [((0, 100), 7, 70), ((0, 5), 90, 50), ((3, 10), 7, 70), ((3, 3), 90, 10)]
)
def test_a_piece_has_room_for_the_rows_asked_for_and_no_more(put, monkeypatch, span, size, held):
    rooms = []
    monkeypatch.setattr(codec, "BufferPool", lambda room: rooms.append(room) or BufferPool(room))

    list(open_idx(put(encode(np.zeros((100, 10), "u1")))).rows(*span, size))

    assert rooms == [held]


@pytest.mark.parametrize("dtype", ["u1", "i2", "f8"])
def test_rows_are_turned_round_where_they_are(put, monkeypatch, dtype):
    """There is no second copy of a piece."""
    taken = []

    class Noting(BufferPool):
        def take(self):
            taken.append(super().take())
            return taken[-1]

    monkeypatch.setattr(codec, "BufferPool", Noting)

    pieces = list(open_idx(put(encode(np.arange(20, dtype=dtype).reshape(5, 4)))).rows(0, 5, 2))

    assert len(pieces) == 3
    assert all(np.shares_memory(rows, buffer) for rows, buffer in zip(pieces, taken, strict=True))


def test_a_packed_file_is_skipped_in_pieces(put, monkeypatch):
    monkeypatch.setattr(codec, "_SKIP_BYTES", 7)
    array = np.arange(200, dtype="u1").reshape(50, 2, 2)

    np.testing.assert_array_equal(open_idx(put(gzip.compress(encode(array)))).load(30, 50), array[30:])


def test_rows_longer_than_what_is_read_at_once_are_filled(put, monkeypatch):
    monkeypatch.setattr(codec, "_PIECE", 7)
    array = np.arange(200, dtype="u1").reshape(4, 5, 10)

    np.testing.assert_array_equal(open_idx(put(encode(array))).load(1, 4), array[1:])
