"""The compiled loops of small files: made and read a batch at a time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzz.sandbox import folder, loops_of

DICTIONARY = (b"\0", b"a", b"sub", b"gone", b"link", b"pipe", b"x" * 255, b"y" * 256, b"\xff", b"\n")

_MOST = 1000
#: Bytes of a name that would lead out of the folder; they become others.
_OUTSIDE = bytes.maketrans(b"/.", b"~,")


def seeds() -> Iterator[bytes]:
    """Yield names and contents: how long the names are, the names with a zero behind each, the contents."""
    for names, contents in (
        (b"", b""), (b"a\0", b"one"), (b"a\0b\0c\0", b"x" * 900), (b"a\0a\0", b"yz"), (b"sub\0a\0", b"1"),
        (b"a\0sub\0b\0", b"123"), (b"\0", b""), (b"x" * 255 + b"\0", b"long"),
        (b"x" * 256 + b"\0", b"longer"), (b"a", b"no zero"), (b"pipe\0link\0a\0", b"7" * 3000),
        (b"a\0", b"7" * 3000),
    ):  # fmt: skip
        yield len(names).to_bytes(2) + names + contents


def target(data: bytes) -> None:
    """Files are made and read as Python makes and reads them, up to the first that cannot be.

    The first two bytes tell how much of the rest is names; nothing leads out of the folder.
    """
    place = _emptied()
    size = int.from_bytes(data[:2].ljust(2, b"\0"))
    names, rest = data[2 : 2 + size].translate(_OUTSIDE), data[2 + size :]
    loops = loops_of("files")
    listed = names.split(b"\0")[:-1]
    step = max(1, len(rest) // max(1, len(listed)))
    contents = tuple(rest[i * step : (i + 1) * step] for i in range(len(listed)))
    handle = os.open(place, os.O_RDONLY)
    try:
        if names and not names.endswith(b"\0"):
            _check_refused(loops, handle, names, contents)
            return
        made = loops.create(handle, names, contents)
        expected = _first_bad(listed)
        assert made == expected
        if not os.path.lexists(place + b"/pipe"):
            os.mkfifo(place + b"/pipe")  # that nobody writes into
        found = loops.read(handle, names, _MOST)
    finally:
        os.close(handle)
    assert found == _read_by_python(place, listed)


def _emptied() -> bytes:
    """Return a folder with a folder and a link to it in it."""
    place = folder() / "files"
    shutil.rmtree(place, ignore_errors=True)
    (place / "sub").mkdir(parents=True)
    (place / "link").symlink_to("sub")
    return os.fsencode(place)


def _check_refused(loops, handle, names, contents):
    for job in (lambda: loops.create(handle, names, contents), lambda: loops.read(handle, names, _MOST)):
        with pytest.raises(ValueError, match="expected a zero behind each"):
            job()


def _first_bad(names: list[bytes]) -> int:
    """Return the number of names before the first that no file can be made under."""
    bad = (i for i, name in enumerate(names) if not 0 < len(name) <= 255 or name in (b"sub", b"link"))
    return next(bad, len(names))


def _read_by_python(place: bytes, names: list[bytes]) -> list[bytes]:
    contents = []
    for name in names:
        path = Path(os.fsdecode(place), os.fsdecode(name))
        if not (0 < len(name) <= 255 and path.is_file()):
            break
        content = path.read_bytes()
        if sum(map(len, contents)) + len(content) > _MOST:
            break
        contents.append(content)
    return contents
