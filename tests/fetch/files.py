"""A published file as the catalogue describes it, and a look into the cache."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from mnistkit.catalog.entry import RemoteFile
from mnistkit.fetch import Limits

#: Impatient enough for tests; the rate lets 15 kB through in the window.
FAST = Limits(connect=1, silence=0.5, window=0.3, least_rate=50_000, pause=0.01)

NAME = "train-labels-idx1-ubyte.gz"


def checksums(content: bytes) -> dict[str, str]:
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "md5": hashlib.md5(content).hexdigest(),
        "git": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
    }


def published(content: bytes, *urls: str, name: str = NAME, **more) -> RemoteFile:
    """Describe a file as the catalogue does."""
    known = {"size": len(content), "checksums": checksums(content), **more}
    return RemoteFile(name=name, urls=tuple(f"{url}/{name}" for url in urls), **known)


@dataclass
class Cache:
    folder: Path

    def files(self) -> dict[str, bytes]:
        """Return all that can be seen in the cache: relative name -> content."""
        found = (p for p in self.folder.rglob("*") if p.is_file())
        paths = {p.relative_to(self.folder).as_posix(): p for p in found}
        return {name: p.read_bytes() for name, p in paths.items() if not name.startswith(".mnistkit/")}

    def left(self) -> set[str]:
        """Return the names of what is left of downloads."""
        records = (self.folder / ".mnistkit").rglob("*")
        return {p.name for p in records if p.suffix in (".part", ".note", ".new")}

    def part(self, dataset: str = "digits", name: str = NAME) -> Path:
        return self.folder / ".mnistkit" / dataset / f"{name}.part"
