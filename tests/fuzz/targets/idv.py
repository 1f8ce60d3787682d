"""ML.NET's binary data view: header, contents, codecs, blocks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from fuzz.sandbox import Refusal, folder, outcome

from mnistkit.dataset import Batch, Dataset
from mnistkit.errors import CapabilityError
from mnistkit.registry import load_format
from mnistkit.testing import drawn_dataset, read_dataset, write_dataset

DICTIONARY = (
    b"CML\0DVB\0", b"\0BVD\0LMC", b"\1\0\1\0\6\0\1\0", b"Byte", b"Single", b"UInt32", b"Key2", b"VBuffer",
    b"TextSpan", b"Boolean", b"Label", b"Features", b"SlotNames", b"KeyValues", b"\xff\xff\xff\xff",
    b"\x80\x80\x80\x80\x80\x01", b"\xff\xff\xff\xff\xff\xff\xff\x7f", b"\0\0\0\0\0\0\0\x80",
    b"\0\1\0\0\0\0\0\0", b"\x03\0",
)  # fmt: skip


def seeds() -> Iterator[bytes]:
    """Yield files of several types, shapes and options, and one that is cut."""
    gray, colour = drawn_dataset(3, 0, shape=(2, 3)), drawn_dataset(2, 0, shape=(2, 2, 3), labelled=False)
    named = drawn_dataset(4, 0, shape=(1, 2), classes=2, class_names=("a", "ключ"))
    fractions = drawn_dataset(3, 0, shape=(2, 2), dtype="float32")
    for dataset in (gray, colour, named, fractions, drawn_dataset(0, 0)):
        for compression in ("deflate", "none"):
            yield _written(dataset, compression=compression)
    yield _written(gray)[:-9]
    yield b"CML\0DVB\0"


def _written(dataset: Dataset, **options: object) -> bytes:
    with tempfile.TemporaryDirectory(dir=folder()) as place:
        write_dataset(load_format("idv"), dataset.select(["train"]), Path(place), **options)
        return Path(place, "train.idv").read_bytes()


def target(data: bytes) -> None:
    """A file is refused in one line, or read alike in batches and at once; written again, it is the same."""
    path = folder() / "train.idv"
    path.write_bytes(data)
    found = outcome(partial(_read, path))
    if isinstance(found, Refusal) or not found[0].info.splits:
        return
    dataset, whole = found
    try:
        again = _written(dataset)
    except CapabilityError:  # further columns and the like
        return
    path.write_bytes(again)
    _, reread = _read(path)
    assert reread.images.tobytes() == whole.images.tobytes()
    assert np.array_equal(reread.labels, whole.labels) or whole.labels is None


def _read(path: Path) -> tuple[Dataset, Batch]:
    dataset = read_dataset(load_format("idv"), path)
    split = dataset["train"]
    pieces = b"".join(batch.images.tobytes() for batch in split.batches(2)) if len(split) <= 64 else None
    whole = split.load()
    assert whole.images.shape == (len(split), *split.info.shape)
    assert pieces is None or pieces == whole.images.tobytes()
    return dataset, whole
