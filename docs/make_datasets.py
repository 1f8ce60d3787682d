"""Makes ``docs/datasets.md`` of the catalogue: ``python docs/make_datasets.py``."""  # noqa: INP001 - a script

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mnistkit.catalog import Entry, SplitEntry, entries

PAGE = Path(__file__).with_name("datasets.md")

_HEAD = """\
# Datasets

<!-- Made by docs/make_datasets.py of the catalogue in mnistkit/catalog/data: edit that. -->

What mnistkit knows of published datasets: where their files are, their checksums, and what they are like.
A name is what the commands take, and `mnistkit.catalog.find("mnist")` tells all of it in Python.

Each file is checked against the catalogue's checksums, whichever address it came from.
Licences are as the makers state them; where they state none, or where sources differ, the page says so.
`free` in the table means that any use is allowed, or any with attribution.

| name | images | shape | classes | licence | download |
|---|---|---|---|---|---|
"""

_TAIL = """\
## Adding a dataset

A package adds a dataset with a TOML file, a module that reads it, and an entry point.
The container is IDX, compressed or not, or NumPy's `.npz`.

`my_digits/my-digits.toml`:

```toml
title = "My digits"
summary = "Digits that I wrote myself."
homepage = "https://example.org/my-digits/"
licence = "CC0-1.0"
licence_note = "free"  # or share-alike, non-commercial, disputed, unknown
citation = "A. Author: My digits. 2026"
shape = [28, 28]
classes = 10
mirrors = ["https://example.org/my-digits/"]  # a file's name behind it is the file's address

[splits.train]
length = 100
images = "train-images-idx3-ubyte.gz"
labels = "train-labels-idx1-ubyte.gz"

[files."train-images-idx3-ubyte.gz"]
sha256 = "a8b1a9b4f1f3a1a1d1c0ac2e3d14c1e5a1f0e9d8c7b6a5948372615049382716"

[files."train-labels-idx1-ubyte.gz"]
sha256 = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
```

`my_digits/__init__.py`:

```python
from pathlib import Path

from mnistkit.catalog import read_entry
from mnistkit.plugin import hookimpl


@hookimpl
def mnistkit_register_dataset():
    return read_entry(Path(__file__).with_name("my-digits.toml"))
```

`pyproject.toml`, where the name of the entry point is the name of the dataset:

```toml
[project.entry-points."mnistkit.datasets"]
my-digits = "my_digits"
```

Every file has at least one of `md5`, `sha256` and `git` (the SHA-1 of the git blob).
The other keys are the attributes of `mnistkit.catalog.Entry` and `SplitEntry`.
`help("mnistkit.catalog.parse")` shows all of a file's keys.
A name that is taken is refused when somebody asks for it, and the message names both claimants.
"""


def page(known: Sequence[Entry]) -> str:
    """Return the text of the page."""
    families: dict[str, list[Entry]] = {}
    for entry in known:
        families.setdefault(entry.name.partition("/")[0], []).append(entry)
    rows = "".join(f"| {' | '.join(_row(entry))} |\n" for entry in known)
    sections = "".join(_section(family, members, known) for family, members in families.items())
    return f"{_HEAD}{rows}\n{sections}{_TAIL}"


def _row(entry: Entry) -> tuple[str, ...]:
    return (
        f"[`{entry.name}`](#{entry.name.replace('/', '')})",
        "<br>".join(_counted(split) for split in entry.splits.values() if not split.overlapping),
        "x".join(map(str, entry.shape)),
        str(entry.classes) if entry.classes else f"{len(entry.multi_label)} labels at once",
        entry.licence_note,
        _download(entry),
    )


def _section(family: str, members: Sequence[Entry], known: Sequence[Entry]) -> str:
    """Describe a dataset, or those of a family: first what they have in common."""
    facts = {entry.name: list(_facts(entry, known)) for entry in members}
    common = [fact for fact in facts[members[0].name] if all(fact in listed for listed in facts.values())]
    text = f"## {family}\n\n"
    if len(members) > 1:
        text += _listed(common)
    for entry in members:
        own = [fact for fact in facts[entry.name] if len(members) == 1 or fact not in common]
        text += f"### {entry.name}\n\n" if len(members) > 1 else ""
        text += f"{entry.title}. {entry.summary}\n\n{_listed(own)}"
    return text


def _listed(facts: Sequence[str]) -> str:
    return "".join(f"- {fact}\n" for fact in facts) + "\n" if facts else ""


def _facts(entry: Entry, known: Sequence[Entry]) -> Iterator[str]:
    yield f"Homepage: <{entry.homepage}>"
    yield f"Licence: {entry.licence}"
    yield f"Citation: {entry.citation}"
    if entry.revision:
        yield f"Revision: {entry.revision}"
    if entry.class_names:
        yield f"Classes: {_codes(entry.class_names)}"
    yield from _quirks_of_content(entry)
    yield from _quirks_of_files(entry, known)


def _quirks_of_content(entry: Entry) -> Iterator[str]:
    overlapping = [_counted(split) for split in entry.splits.values() if split.overlapping]
    if overlapping:
        yield f"Further splits, of images that other splits hold too: {', '.join(overlapping)}."
    if not {"train", "test"} <= entry.splits.keys():
        yield f"The only split is {_codes(entry.splits)}."
    if entry.orientation == "transposed":
        yield "Images are stored with rows and columns exchanged; they are turned upright."
    if entry.label_offset:
        yield f"Labels are stored from {entry.label_offset}; here they begin at 0."
    if entry.label_columns:
        yield f"Columns beside the class: {_codes(entry.label_columns)}."
    if entry.multi_label:
        yield f"An image has any number of labels at once: columns of 0 and 1, {_codes(entry.multi_label)}."
    if any("/" in name for name in entry.class_names):
        yield "The name of a class holds a slash."


def _quirks_of_files(entry: Entry, known: Sequence[Entry]) -> Iterator[str]:
    if entry.container == "npz":
        yield "The files are NumPy archives (`.npz`)."
    for archive in sorted({file.archive.name for file in entry.files.values() if file.archive}):
        yield f"The files lie in one archive, {_code(archive)}."
    sharing = [e.name for e in known if e is not entry and e.files.keys() & entry.files.keys()]
    if sharing:
        yield f"The files of {_codes(sharing)} have the same names; only checksums tell them apart."


def _download(entry: Entry) -> str:
    """Say how much there is to download for all splits, where all sizes are known."""
    archives = {file.archive.name: file.archive for file in entry.files.values() if file.archive}
    served = [*archives.values(), *(file for file in entry.files.values() if not file.archive)]
    sizes = [file.size for file in served]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return "unknown"
    return f"{sum(known) / 1e6:,.1f} MB" + (" (the archive)" if archives else "")


def _counted(split: SplitEntry) -> str:
    return f"{_code(split.name)} {split.length:,}"


def _codes(texts: Iterable[str]) -> str:
    return ", ".join(map(_code, texts))


def _code(text: str) -> str:
    return f"`{text}`"


if __name__ == "__main__":
    os.environ["MNISTKIT_PLUGINS"] = "builtin"
    PAGE.write_text(page(entries()), encoding="utf-8", newline="\n")
