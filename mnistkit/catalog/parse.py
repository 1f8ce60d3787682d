"""Makes an entry of what a TOML file says.

::

    title = "MNIST"                               # these keys are the attributes of an Entry
    shape = [28, 28]
    ...
    mirrors = ["https://example.org/mnist/"]      # a file's name behind it is the file's address

    [splits.train]                                # the attributes of a SplitEntry
    length = 60000
    images = "train-images-idx3-ubyte.gz"
    labels = "train-labels-idx1-ubyte.gz"

    [files."train-images-idx3-ubyte.gz"]
    urls = ["https://..."]                        # only where a mirror serves it under another address
    size = 9912422                                # as served, like md5, sha256 and git
    md5 = "f68b3c2dcbeaaa9fbdd348bbdeb94873"
    raw_size = 47040016                           # inside the compression, like raw_md5, raw_sha256, raw_git
    gzip_name = "train-images.idx3-ubyte"         # name and time in the gzip header, where GNU gzip
    gzip_time = 0x3290827a                        # makes the published file again

    [archive]                                     # where the files are members of a zip archive
    name = "gzip.zip"
    folder = "gzip/"                              # a file's name behind it is the member's
    urls = ["https://..."]

A file ``_shared.toml`` in the same folder says what holds for all entries there that do not say otherwise.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mnistkit.catalog.check import CHECKSUMS, problems
from mnistkit.catalog.entry import Entry, RemoteFile, SplitEntry
from mnistkit.errors import DataError
from mnistkit.records import type_problems

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    T = TypeVar("T", bound=DataclassInstance)

SHARED = "_shared.toml"

# RFC 1952: magic, deflate, a name follows; then time, no extra flags, Unix.
_GZIP_HEAD, _GZIP_TAIL = bytes.fromhex("1f8b0808"), bytes.fromhex("0003")


# What a file says, for as long as it takes to make an entry of it.  Bare, because each method of a dataclass
# takes 0.1 ms to make, whenever files are told by their checksums.


@dataclass(kw_only=True, eq=False, repr=False)
class _Source:
    files: Mapping[str, Mapping[str, Any]]
    splits: Mapping[str, Mapping[str, Any]]
    mirrors: tuple[str, ...] = ()
    archive: Mapping[str, Any] | None = None


@dataclass(kw_only=True, eq=False, repr=False)
class _Served:
    urls: tuple[str, ...] = ()
    size: int | None = None
    md5: str = ""
    sha256: str = ""
    git: str = ""


@dataclass(kw_only=True, eq=False, repr=False)
class _File(_Served):
    raw_size: int | None = None
    raw_md5: str = ""
    raw_sha256: str = ""
    raw_git: str = ""
    gzip_name: str = ""
    gzip_time: int = 0


@dataclass(kw_only=True, eq=False, repr=False)
class _Archive(_Served):
    name: str
    folder: str = ""


def read_entry(path: Path, *, name: str = "") -> Entry:
    """Read the entry of a dataset from a TOML file.

    Args:
        path: The file; ``_shared.toml`` beside it says what holds where the file says nothing.
        name: What the dataset is called, if not as the file.

    Raises:
        DataError: The file cannot be read, or does not describe a dataset.
    """
    shared = path.with_name(SHARED)
    facts = {**(_read(shared) if shared.exists() else {}), **_read(path)}
    return parse_entry(facts, name=name or path.stem, where=path)


def parse_entry(facts: Mapping[str, Any], *, name: str, where: object = "") -> Entry:
    """Make an entry of the tables of a TOML file.

    Raises:
        DataError: A key that is unknown or missing, a value of a wrong type, or facts that disagree.
    """
    place = str(where) or f"dataset {name!r}"
    ours = {field.name for field in fields(_Source)}
    source = _build(_Source, {k: v for k, v in facts.items() if k in ours}, place)
    archive = None if source.archive is None else _build(_Archive, source.archive, f"{place}: archive")
    tables = {n: _build(_File, table, f"{place}: file {n!r}") for n, table in source.files.items()}
    entry = _build(
        Entry,
        {k: v for k, v in facts.items() if k not in ours},
        place,
        name=name,
        files={n: _remote(n, table, source.mirrors, archive) for n, table in tables.items()},
        splits={
            n: _build(SplitEntry, table, f"{place}: split {n!r}", name=n)
            for n, table in source.splits.items()
        },
        gzip_headers={n: _gzip_header(table, place) for n, table in tables.items() if table.gzip_name},
    )
    for problem in problems(entry):
        raise DataError(place, problem)
    return entry


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(path, "cannot be read", found=error.strerror) from error
    except (ValueError, RecursionError) as error:
        raise DataError(path, "no TOML", found=error) from error


def _build(kind: type[T], table: Mapping[str, Any], where: str, **made: object) -> T:
    """Make a record of a table, and of values that no table gives; lists become tuples."""
    known = {field.name for field in fields(kind)} - made.keys()
    if not known.issuperset(table):
        unknown = ", ".join(sorted(table.keys() - known))
        raise DataError(where, "unknown keys", found=unknown, todo=f"known: {', '.join(sorted(known))}")
    needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    missing = needed - table.keys() - made.keys()
    if missing:
        raise DataError(where, "keys are missing", expected=", ".join(sorted(missing)))
    record = kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}, **made)
    for problem in type_problems(record):
        raise DataError(where, problem)
    return record


def _remote(name: str, table: _File, mirrors: tuple[str, ...], archive: _Archive | None) -> RemoteFile:
    member = archive is not None and not table.urls
    return RemoteFile(
        name=name,
        urls=() if member else table.urls or tuple(mirror + name for mirror in mirrors),
        size=table.size,
        checksums=_checksums(table),
        raw_size=table.raw_size,
        raw_checksums=_checksums(table, "raw_"),
        archive=_remote_archive(archive) if archive and member else None,
        member=archive.folder + name if archive and member else "",
    )


def _remote_archive(table: _Archive) -> RemoteFile:
    return RemoteFile(name=table.name, urls=table.urls, size=table.size, checksums=_checksums(table))


def _checksums(table: _Served, prefix: str = "") -> dict[str, str]:
    return {kind: digest for kind in CHECKSUMS if (digest := getattr(table, prefix + kind))}


def _gzip_header(table: _File, where: str) -> str:
    try:
        time, name = table.gzip_time.to_bytes(4, "little"), table.gzip_name.encode("latin-1")
    except (OverflowError, UnicodeEncodeError) as error:
        raise DataError(where, "no gzip header", found=error) from error
    return (_GZIP_HEAD + time + _GZIP_TAIL + name + b"\0").hex()
