"""Known datasets: where they are published, how to tell them, and what they are like.

The catalogue is data: one TOML file a dataset in ``data/``, read when it is asked for.
A plugin adds a dataset through the entry-point group ``mnistkit.datasets``.
"""

from mnistkit.catalog.check import problems
from mnistkit.catalog.entry import Entry, RemoteFile, SplitEntry
from mnistkit.catalog.lookup import KnownFile, claims, entries, find, known_checksums, names
from mnistkit.catalog.parse import parse_entry, read_entry

__all__ = [
    "Entry",
    "KnownFile",
    "RemoteFile",
    "SplitEntry",
    "claims",
    "entries",
    "find",
    "known_checksums",
    "names",
    "parse_entry",
    "problems",
    "read_entry",
]
