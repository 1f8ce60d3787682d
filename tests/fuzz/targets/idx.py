"""IDX files, plain and compressed: header, payload, and the reader on top of them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Iterator
from functools import partial
from math import prod
from pathlib import Path

import numpy as np
from fuzz.sandbox import Refusal, folder, outcome

from mnistkit.dataset import Batch
from mnistkit.idx.codec import IdxFile, open_idx
from mnistkit.registry import load_format
from mnistkit.testing import read_dataset

DICTIONARY = (
    b"\0\0\x08\x01", b"\0\0\x08\x03", b"\0\0\x0b\x02", b"\0\0\x0c\x04", b"\0\0\x0e\xff", b"\0\0\0\x02",
    b"\x1f\x8b\x08\0\0\0\0\0\0\xff", b"BZh9", b"\xfd7zXZ\0", b"PK\x03\x04", b"\x28\xb5\x2f\xfd",
    b"<!DOCTYPE", b"%PDF",
)  # fmt: skip

#: numpy's big-endian type by the code of the header, written down once more.
_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_ROW_BYTES = 64 << 20
_MOST_ROWS = 10_000


def seeds() -> Iterator[bytes]:
    """Yield sound files of every type, of several ranks and compressions, and some that are cut or longer."""
    shapes = [(3,), (0, 2, 2), (3, 2, 2), (2, 2, 2, 3), (2, 3), (4, 0), (1, 1, 1, 1, 1)]
    files = [_encoded(code, shape) for code in _TYPES for shape in shapes]
    yield from files
    for data in files[::5]:
        yield from (gzip.compress(data, mtime=0), bz2.compress(data), lzma.compress(data))
    data = _encoded(0x08, (5, 3, 3))
    yield from (
        data[:-1],
        data + b"\0",
        data[:9],
        data[:4],
        b"",
        gzip.compress(data, mtime=0)[:-9],
        gzip.compress(data + b"\0", mtime=0),
    )
    yield gzip.compress(data[:20], mtime=0) + gzip.compress(data[20:], mtime=0)
    yield b"\0\0\x08\3" + b"\xff" * 12


def _encoded(code: int, shape: tuple[int, ...]) -> bytes:
    values = np.arange(prod(shape)).astype(_TYPES[code]).tobytes()
    return struct.pack(f">HBB{len(shape)}I", 0, code, len(shape), *shape) + values


def target(data: bytes) -> None:
    """A file is read if, and only if, it is what its header promises; what is read is what it holds.

    The content of a plain file and of one that is packed by gzip is unpacked and told apart here once more.
    Loading at once, batches, a memory map and the dataset all give the same; header and values, encoded
    again, are the file.
    """
    path = folder() / "images"
    path.write_bytes(data)
    file = outcome(lambda: open_idx(path))
    array = _loaded(file) if isinstance(file, IdxFile) else file
    if isinstance(file, IdxFile) and not isinstance(array, Refusal):
        _check_array(file, array)
        _check_reader(path, array)
    content = _content(data)
    if content is not None:
        _check_verdict(data, content, file, array)


def _loaded(file: IdxFile) -> np.ndarray | Refusal:
    try:
        return outcome(lambda: file.load(0, len(file)))
    except MemoryError:  # promised by a file that is packed in a way that has no limit
        return Refusal("too large for memory")


def _content(data: bytes) -> bytes | None:
    """Return what is in a plain file or a gzip file, nothing where that is damaged; None for other kinds."""
    if data.startswith(b"\x1f\x8b"):
        try:
            return gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return b""
    return None if data.startswith((b"BZh", b"\xfd7zXZ\0", b"PK\x03\x04", b"\x28\xb5\x2f\xfd")) else data


def _is_sound(content: bytes) -> bool:
    if len(content) < 8 or content[:2] != b"\0\0" or content[2] not in _TYPES or not content[3]:
        return False
    size = 4 + 4 * content[3]
    shape = struct.unpack(f">{content[3]}I", content[4:size]) if len(content) >= size else (0,)
    row = prod(shape[1:]) * np.dtype(_TYPES[content[2]]).itemsize
    return row <= _MOST_ROW_BYTES and len(content) == size + shape[0] * row and _is_array(content[2], shape)


def _is_array(code: int, shape: tuple[int, ...]) -> bool:
    try:
        np.broadcast_to(np.empty((), _TYPES[code]), shape)
    except ValueError:
        return False
    return True


def _check_verdict(data: bytes, content: bytes, file: object, array: object) -> None:
    if isinstance(array, Refusal):
        # The peer does not look at the checksum that the header of a gzip file may have.
        assert not _is_sound(content) or "Corrupted gzip header" in array, f"refused: {array}"
        return
    assert isinstance(file, IdxFile)
    assert _is_sound(content), "not sound, but read"
    again = file.header.encode() + np.asarray(array).astype(file.header.dtype).tobytes()
    assert again == content, f"other content than {data!r:.200}"


def _check_array(file: IdxFile, array: np.ndarray) -> None:
    assert (array.shape, array.dtype) == (file.shape, file.dtype)
    mapped = file.map(0, len(file))
    assert mapped is None or mapped.tobytes() == array.tobytes()
    if len(file) <= _MOST_ROWS:
        pieces = b"".join(rows.tobytes() for rows in file.rows(0, len(file), 2))
        assert pieces == array.tobytes()


def _batch(path: Path) -> Batch:
    return read_dataset(load_format("idx"), path)["train"].load()


def _check_reader(path: Path, array: np.ndarray) -> None:
    batch = outcome(partial(_batch, path))
    if not isinstance(batch, Refusal):
        assert batch.images.shape == array.shape
        assert batch.images.tobytes() == array.tobytes()
