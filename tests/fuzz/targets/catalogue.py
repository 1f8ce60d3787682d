"""Entries of the catalogue: TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from fuzz.sandbox import Refusal, folder, outcome

import mnistkit.catalog
from mnistkit.catalog.check import problems
from mnistkit.catalog.entry import Entry, RemoteFile, SplitEntry
from mnistkit.catalog.parse import parse_entry, read_entry

DICTIONARY = (
    b"[splits.train]\n", b"[files.a]\n", b"[archive]\n", b'title = "x"\n', b"shape = [28, 28]\n",
    b"classes = 10\n", b"size = 1\n", b"length = 1\n", b'images = "a"\n', b'labels = "b"\n',
    b"rows = [0, 1]\n", b'urls = ["https://x/y"]\n', b'mirrors = ["https://x/"]\n',
    b'md5 = "00000000000000000000000000000000"\n', b"gzip_time = 0x3290827a\n", b'gzip_name = "x"\n',
    b'container = "npz"\n', b'images_key = "a"\n', b'orientation = "transposed"\n', b"label_offset = 1\n",
    b'label_columns = ["a"]\n', b'multi_label = ["a"]\n', b"true", b"nan", b"1979-05-27", b"'''", b'"""',
    b"[[", b"{", b"\\u0000", b"\\ud800", b"-1", b"0x", b"1_0", b"[" * 50, b"a." * 50,
)  # fmt: skip
_DATA = Path(mnistkit.catalog.__file__).with_name("data")


def seeds() -> Iterator[bytes]:
    """Yield some of the project's own entries, a small one, and text that is none."""
    small = (
        'title = "T"\nsummary = "S."\nhomepage = "https://x.y/"\ncitation = "C"\n'
        'licence = "MIT"\nlicence_note = "free"\nmirrors = ["https://x.y/z/"]\nshape = [2, 2]\nclasses = 2\n'
        '[splits.train]\nlength = 3\nimages = "a.gz"\nlabels = "b"\n'
        f'[files."a.gz"]\nsize = 9\nmd5 = "{"0" * 32}"\ngzip_name = "a"\ngzip_time = 7\n'
        f'[files.b]\nsha256 = "{"1" * 64}"\n'
    )
    archived = small.replace(
        "[splits", f'[archive]\nname = "z.zip"\nurls = ["https://x.y/z.zip"]\nmd5 = "{"2" * 32}"\n[splits'
    )
    for text in (small, archived, "", "a = 1", "[splits]\n[files]\n", "title = 'x", "a = " + "[" * 20_000):
        yield text.encode()
    for name in ("mnist", "qmnist", "medmnist/chestmnist", "emnist/letters", "notmnist"):
        yield (_DATA / f"{name}.toml").read_bytes()


def target(data: bytes) -> None:
    """A file is refused in one line, or is an entry without faults that its own facts make again."""
    path = folder() / "set.toml"
    path.write_bytes(data)
    entry = outcome(lambda: read_entry(path))
    if isinstance(entry, Refusal):
        return
    tomllib.loads(data.decode())
    assert list(problems(entry)) == []
    assert parse_entry(_facts(entry), name=entry.name) == entry
    assert outcome(lambda: entry.notes) is not None


def _facts(entry: Entry) -> dict[str, object]:
    """Return tables that make an entry, each file with addresses of its own."""
    made = {"name", "files", "splits", "gzip_headers"}
    facts = {field.name: getattr(entry, field.name) for field in fields(entry) if field.name not in made}
    archives = [file.archive for file in entry.files.values() if file.archive]
    files = {name: _file(file) | _gzip(entry.gzip_headers.get(name)) for name, file in entry.files.items()}
    facts |= {"files": files, "splits": {name: _split(split) for name, split in entry.splits.items()}}
    if archives:
        folder_ = next(file.member for file in entry.files.values() if file.archive)
        name = next(file.name for file in entry.files.values() if file.archive)
        facts["archive"] = _file(archives[0]) | {
            "name": archives[0].name,
            "folder": folder_.removesuffix(name),
        }
    return facts


def _file(file: RemoteFile) -> dict[str, object]:
    facts: dict[str, object] = {"size": file.size, **file.checksums}
    facts |= {"urls": file.urls}
    raw = {f"raw_{kind}": digest for kind, digest in file.raw_checksums.items()}
    return facts | (raw | {"raw_size": file.raw_size} if raw or file.raw_size is not None else {})


def _gzip(header: str | None) -> dict[str, object]:
    if header is None:
        return {}
    data = bytes.fromhex(header)
    return {"gzip_time": int.from_bytes(data[4:8], "little"), "gzip_name": data[10:-1].decode("latin-1")}


def _split(split: SplitEntry) -> dict[str, object]:
    return {field.name: getattr(split, field.name) for field in fields(split) if field.name != "name"}
