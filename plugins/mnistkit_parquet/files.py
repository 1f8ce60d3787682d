"""Which files hold which split, and how a file is opened."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from mnistkit.errors import DataError
from mnistkit.naming import SPLIT_WORDS, canonical, split_order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mnistkit.plugin import Source

SUFFIXES = (".parquet", ".pq")


def split_files(source: Source) -> dict[str, tuple[Path, ...]]:
    """Sort files into splits by their names; numbered ones (``train/0000.parquet``) by their folders.

    Raises:
        DataError: No files, several datasets in one folder, two files for one split, or a shard too few.
    """
    files = [file for file in source.files(SUFFIXES) if file.name.startswith(source.prefix)]
    if not files:
        raise DataError(source.path, "no Parquet files")
    if all(file.stem.isdecimal() for file in files):
        return _by_folder(files, source)
    return source.splits(SUFFIXES)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a file whose pages are checked against their checksums, where it has any.

    Raises:
        DataError: The file cannot be read, is no Parquet or is damaged.
    """
    try:
        # A path would be taken for a URI where it has a colon.
        with pa.OSFile(str(path)) as raw, pq.ParquetFile(raw, page_checksum_verification=True) as file:
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last: damaged names of columns
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(path, "cannot be read as Parquet", found=reason) from error


def _by_folder(files: list[Path], source: Source) -> dict[str, tuple[Path, ...]]:
    root = source.path if source.path.is_dir() else source.path.parent
    splits: dict[str, list[Path]] = {}
    for file in files:
        folders = (root.name, *file.relative_to(root).parent.parts)
        words = (
            canonical(f) for f in reversed(folders) if f in source.split_names or f.lower() in SPLIT_WORDS
        )
        splits.setdefault(next(words, "train"), []).append(file)
    for split, paths in splits.items():
        if len({path.parent for path in paths}) > 1:
            found = f"{paths[0].parent} and {paths[-1].parent}"
            raise DataError(
                source.path, f"two folders for split {split!r}", found=found, todo="name one of them"
            )
    return {split: tuple(splits[split]) for split in sorted(splits, key=split_order)}
