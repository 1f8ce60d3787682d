"""Attributes of HDF5 files: written as texts of fixed length, and read without walking in circles.

Texts of variable length lie in *global heaps*, which HDF5 walks from object to object: an object whose
size damage has made 0 keeps it on the spot for ever.  So the heaps of a file are walked here first.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mnistkit.errors import DataError

_HEAP = b"GCOL\x01\0\0\0"  # HDF5 file format specification, III.E: signature, version, reserved


def write_texts(file: h5py.File, texts: Mapping[str, str | Sequence[str]]) -> None:
    """Write texts and lists of texts as UTF-8 of fixed length, padded with NUL characters."""
    for name, text in texts.items():
        coded = np.array(
            [t.encode() for t in text] if not isinstance(text, str) else text.encode(), dtype=np.bytes_
        )
        kind = h5py.string_dtype("utf-8", max(1, coded.itemsize))
        file.attrs.create(name, coded, dtype=kind)


def read_attribute(owner: h5py.File | h5py.Dataset, name: str) -> Any:
    """Read an attribute; None where there is none.

    Raises:
        DataError: It is larger than the file, of a type that numpy does not have, or damaged.
    """
    if name not in owner.attrs:
        return None
    path = Path(owner.file.filename)
    place = f"{path}, attribute {name!r}"
    kept = h5py.h5a.open(owner.id, name.encode())
    try:
        dtype = kept.dtype
    except TypeError as error:
        raise DataError(place, "of a type that cannot be read", found=error) from error
    if _holds_lists(dtype):
        raise DataError(place, "of a type that is not read", found="lists of variable length")
    size, held = kept.get_storage_size(), path.stat().st_size
    if size > held:
        raise DataError(place, "larger than the file", expected=f"at most {held:,} bytes", found=f"{size:,}")
    if dtype.hasobject:
        _check_heaps(path, owner.file.id.get_create_plist().get_sizes()[1], place)
    return owner.attrs[name]


def text_of(value: Any) -> str | None:
    """Return a text, whether it is held as text or as UTF-8; None for anything else."""
    if isinstance(value, bytes):
        return value.decode()
    return value if isinstance(value, str) else None


def _holds_lists(dtype: np.dtype[Any]) -> bool:
    """Whether values are of variable length and no texts: damage makes that of texts, and HDF5 crashes."""
    if dtype.fields:
        return any(_holds_lists(field[0]) for field in dtype.fields.values())
    varies = h5py.check_vlen_dtype(dtype.base) is not None
    return varies and h5py.check_string_dtype(dtype.base) is None


def _check_heaps(path: Path, width: int, place: str) -> None:
    """Walk every heap of a file, as HDF5 would.

    Args:
        path: The file.
        width: Bytes of a length in it.
        place: What messages call the attribute that needs the heaps.

    Raises:
        DataError: An object that has no size or does not fit its heap.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        start = held.find(_HEAP)
        while start >= 0:
            if not _is_sound(held, start, width):
                raise DataError(place, "its texts are damaged", todo="get the file again")
            start = held.find(_HEAP, start + 1)


def _is_sound(held: mmap.mmap, start: int, width: int) -> bool:
    def number(at: int, size: int) -> int:
        return int.from_bytes(held[at : at + size], "little")

    header = _aligned(8 + width)  # of the heap and of each object alike
    stop, position = start + number(start + 8, width), start + header
    if stop > len(held):
        return False
    while position + header <= stop:
        index, size = number(position, 2), number(position + 8, width)
        step = header + _aligned(size) if index else size  # object 0 is the free space
        if not 0 < step <= stop - position:
            return False
        position += step
    return True


def _aligned(size: int) -> int:
    return -(-size // 8) * 8
