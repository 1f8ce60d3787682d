"""What a malformed or unusual input is: how its files are made, and what becomes of it."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

#: What a file holds: its bytes, a text, pieces, or a function that makes any of these when they are wanted.
Content = bytes | str | Iterable[bytes] | Callable[[], "Content"]

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


@dataclass(frozen=True)
class Answer:
    """What became of a command: its exit code and what it said, how long it took and how much it held."""

    code: int
    err: str
    seconds: float
    peak: int


class Reads:
    """The input is read as this: split -> images, or images and labels."""

    def __init__(self, **splits):
        self.splits = {
            name: held if isinstance(held, tuple) else (held, None) for name, held in splits.items()
        }

    def check(self, answer: Answer, source: Path, out: Path) -> None:
        assert (answer.code, answer.err) == (0, "")
        found = _h5_content(out) if list(out.glob("*.h5")) else _idx_content(out)
        assert found.keys() == self.splits.keys()
        for name, held in self.splits.items():
            for expected, there in zip(held, found[name], strict=True):
                np.testing.assert_array_equal(there, expected)
                assert (
                    there is None
                    or there.dtype.newbyteorder("=") == expected.dtype
                    or there is found[name][1]
                )


class Refused:
    """The input is refused in one line that names its file and has these pieces, in this order."""

    def __init__(self, *pieces: str):
        self.pieces = pieces

    def check(self, answer: Answer, source: Path, out: Path) -> None:
        assert answer.code == 1, answer
        assert not out.exists()
        (line,) = answer.err.splitlines()
        assert line.startswith(f"mnistkit: {source}")
        assert ": expected " in line
        assert ", found " in line
        assert re.search(".*".join(map(re.escape, self.pieces)), line), line


#: A folder without any file, whatever the format.
NO_FILES = Refused("an empty folder: expected a dataset, found no files")


#: Files that do not tell their format.
UNKNOWN = Refused("no known format: expected one of csv, hdf5", "found ")


@dataclass(frozen=True)
class Case:
    """An input, by name.

    Attributes:
        name: What is odd about it.
        make: Makes its files in an empty folder.
        becomes: What becomes of it.
        source: What is named on the command line: a file in the folder, or the folder itself.
        more: Further arguments.
        to: The format to export to: one that holds what is read.
        found: What becomes of it without ``--from``, where that is another thing.
        able: Whether this system and user can have such files at all, and why they may not.
    """

    name: str
    make: Callable[[Path], object]
    becomes: Reads | Refused
    source: str = ""
    more: tuple[str, ...] = ()
    to: str = "idx"
    found: Reads | Refused | None = None
    able: tuple[bool, str] = (True, "")


def files(contents: Mapping[str, Content] | None = None, /, **more: Content) -> Callable[[Path], None]:
    """Return a maker of files by name; folders are made as names need them."""

    def make(folder: Path) -> None:
        for name, content in {**(contents or {}), **more}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.writelines(_pieces(content))

    return make


def _pieces(content: Content) -> Iterable[bytes]:
    if callable(content):
        return _pieces(content())
    if isinstance(content, str):
        return [content.encode()]
    return [content] if isinstance(content, bytes) else content


def _idx_content(out: Path):
    """Return split -> images and labels of an export to IDX, read without mnistkit."""
    found = {}
    for path in out.glob("*-images-*"):
        stem = path.name.split("-images-")[0]
        labels = next(out.glob(f"{stem}-labels-*"), None)
        found["test" if stem == "t10k" else stem] = (_idx(path), labels and _idx(labels))
    return found


def _idx(path: Path):
    data = path.read_bytes()
    shape = struct.unpack_from(f">{data[3]}I", data, 4)
    return np.frombuffer(data, _TYPES[data[2]], offset=4 + 4 * data[3]).reshape(shape)


def _h5_content(out: Path):
    found = {}
    for path in out.glob("*.h5"):
        with h5py.File(path) as file:
            found[path.stem] = (file["image"][:], file["label"][:] if "label" in file else None)
    return found
