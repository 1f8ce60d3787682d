"""Lists of checksums: ``mnistkit.sha256``."""

from __future__ import annotations

from collections.abc import Iterator

from fuzz.sandbox import Refusal, folder, outcome

from mnistkit.checksums import read_checksums
from mnistkit.naming import CHECKSUMS

_HEX = b"0123456789abcdef" * 4
DICTIONARY = (
    _HEX, b"  ", b"\n", b"\r\n", b"/", b"../", b"./", b"//", b"\\", b"\0", b"\x7f", b"\xc2\x85", b"\xff",
    b"*", b"train/0.png",
)  # fmt: skip


def seeds() -> Iterator[bytes]:
    """Yield lists of some files and of none, out of order, and of names that leave the folder."""
    names = ("a", "b c", "data/1", "data/2", "data/sub/x", "ключ")
    lists = (
        ("train.csv",),
        names,
        tuple(reversed(names)),
        (),
        ("../x",),
        ("/etc/x",),
        ("a/./b",),
        ("a\\b",),
        ("a", "a"),
    )
    yield from (b"".join(_HEX + b"  " + name.encode() + b"\n" for name in listed) for listed in lists)
    yield _HEX + b"  x"
    yield _HEX + b" *x\n"
    yield _HEX + b"  " + b"x" * 9000 + b"\n"


def target(data: bytes) -> None:
    """A list is refused in one line, or names files in the folder alone, each once, as its lines say."""
    (folder() / CHECKSUMS).write_bytes(data)
    found = outcome(lambda: read_checksums(folder()))
    if isinstance(found, Refusal):
        return
    lines = b"".join(f"{digest}  {name}\n".encode() for name, digest in found.items())
    assert lines == data or lines == data + b"\n"
    for name in found:
        assert (folder() / name).resolve().is_relative_to(folder().resolve())
        assert name.isprintable() or not any(ord(letter) < 32 for letter in name)
