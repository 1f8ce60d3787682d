"""Says what is wrong with an entry of the catalogue, whether mnistkit's own or a plugin's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from mnistkit.catalog.entry import Entry, RemoteFile, SplitEntry
from mnistkit.naming import slug
from mnistkit.records import type_problems

#: Hex digits of each kind of checksum; ``git`` is the SHA-1 of the blob.
CHECKSUMS = {"md5": 32, "git": 40, "sha256": 64}

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)?")
_INTEGERS = re.compile(r"u?int(8|16|32|64)")
_NUMBERS = re.compile(_INTEGERS.pattern + r"|float(32|64)")
_FILE = re.compile(r"\w[\w.+-]*", re.ASCII)
_URL = re.compile(r"https?://[^/\s]+/\S*")
_GZIP_HEADER = re.compile(r"1f8b08([0-9a-f]{2})+")


def problems(entry: Entry) -> Iterator[str]:
    """Yield a sentence for each thing that is wrong with an entry; nothing for a sound one."""
    found = list(type_problems(entry))
    parts: list[RemoteFile | SplitEntry] = [] if found else [*entry.files.values(), *entry.splits.values()]
    for part in parts:
        found += type_problems(part)
    yield from found or _rule_problems(entry)


def _rule_problems(entry: Entry) -> Iterator[str]:
    yield from _broken("", _entry_rules(entry))
    for name, split in entry.splits.items():
        yield from _broken(f"split {name!r}: ", _split_rules(name, split, entry))
    for name, file in entry.files.items():
        yield from _broken(f"file {name!r}: ", _file_rules(name, file))
        if file.archive:
            archive = file.archive
            yield from _broken(f"archive {archive.name!r}: ", _file_rules(archive.name, archive))


def _broken(where: str, rules: Mapping[str, object]) -> Iterator[str]:
    return (where + rule for rule, holds in rules.items() if not holds)


def _entry_rules(entry: Entry) -> dict[str, object]:
    used = {name for split in entry.splits.values() for name in (split.images, split.labels) if name}
    return {
        "a name is small letters, digits and -, with / behind a family": _NAME.fullmatch(entry.name),
        "title, licence and citation say something": entry.title and entry.licence and entry.citation,
        "a summary is a sentence": entry.summary.endswith("."),
        "the homepage is an address": _URL.fullmatch(entry.homepage),
        "an image is height x width [x channels]": len(entry.shape) in (2, 3) and min(entry.shape) >= 1,
        "dtype is numpy's name of a type of numbers": _NUMBERS.fullmatch(entry.dtype),
        "label_dtype is numpy's name of a type of integers": _INTEGERS.fullmatch(entry.label_dtype),
        "classes are 0 where, and only where, there is multi_label": (
            entry.classes == 0 if entry.multi_label else entry.classes > 0
        ),
        "there are as many class names as classes": (
            not entry.class_names or len(entry.class_names) == entry.classes
        ),
        "names of classes and columns differ": all(
            map(_all_differ, (entry.class_names, entry.label_columns, entry.multi_label))
        ),
        "multi_label excludes label_offset and label_columns": (
            not entry.multi_label or not (entry.label_offset or entry.label_columns)
        ),
        "labels begin at 0 or above": entry.label_offset >= 0,
        "a split stands for itself": any(not split.overlapping for split in entry.splits.values()),
        "every file belongs to a split": used >= entry.files.keys(),
        "gzip headers are of files": entry.gzip_headers.keys() <= entry.files.keys(),
        "gzip headers are hex": all(map(_GZIP_HEADER.fullmatch, entry.gzip_headers.values())),
    }


def _split_rules(name: str, split: SplitEntry, entry: Entry) -> dict[str, object]:
    first, stop = split.rows or (0, split.length)
    named = {bool(split.images_key), bool(split.labels_key) if split.labels else bool(split.images_key)}
    return {
        "it is called otherwise": split.name == name,
        "a name is small letters, digits, _ and -": name and slug(name) == name,
        "it has images": split.length > 0,
        "its files are among the files": {split.images, split.labels or split.images} <= entry.files.keys(),
        "keys name the arrays of .npz files, and only those": named == {entry.container == "npz"},
        "rows are as many as the length": 0 <= first < stop and stop - first == split.length,
    }


def _file_rules(name: str, file: RemoteFile) -> dict[str, object]:
    sizes = [size for size in (file.size, file.raw_size) if size is not None]
    return {
        "it is called otherwise": file.name == name,
        "a name is letters, digits, ., _, + and -": _FILE.fullmatch(name),
        "it is published alone or in an archive": bool(file.urls) != bool(file.archive and file.member),
        "addresses begin with http:// or https://": all(map(_URL.fullmatch, file.urls)),
        "sizes are above 0": all(size > 0 for size in sizes),
        "it has a checksum": file.checksums,
        "checksums are md5, git or sha256 in small hex": all(
            re.fullmatch(f"[0-9a-f]{{{CHECKSUMS.get(kind, 0)}}}", digest)
            for checksums in (file.checksums, file.raw_checksums)
            for kind, digest in checksums.items()
        ),
    }


def _all_differ(names: Iterable[str]) -> bool:
    listed = list(names)
    return len(set(listed)) == len(listed)
