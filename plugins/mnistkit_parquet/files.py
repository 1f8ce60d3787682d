"""Which files hold which split, and how a file is opened."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from mnistkit.errors import DataError
from mnistkit.naming import SPLIT_WORDS, by_split, canonical, split_order
from mnistkit_parquet.pages import check_pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mnistkit.plugin import Source

SUFFIXES = (".parquet", ".pq")

#: Bytes of the buffers from which the columns of a file are read: of all together, and of each.
_BUFFERS, _LEAST_BUFFER, _MOST_BUFFER = 8 << 20, 1 << 14, 1 << 20


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
    return by_split(files, SUFFIXES, known=source.split_names, where=source.path)


@contextlib.contextmanager
def opened(path: Path, *, columns: int = 1, texts: Sequence[str] = ()) -> Iterator[pq.ParquetFile]:
    """Open a file of which no more than a page a column is held, and the rows asked for.

    Pages are checked against their checksums, where there are any.

    Args:
        path: The file.
        columns: How many columns will be read at once.
        texts: Columns of texts to be read as dictionaries.

    Raises:
        DataError: The file cannot be read, is no Parquet or is damaged.
    """
    try:
        # A path would be taken for a URI where it has a colon.
        with pa.OSFile(str(path)) as raw, pq.ParquetFile(
            raw,
            pre_buffer=False,  # which would read whole columns of a row group
            buffer_size=min(max(_BUFFERS // columns, _LEAST_BUFFER), _MOST_BUFFER),
            read_dictionary=list(texts),
            page_checksum_verification=True,
        ) as file:  # fmt: skip
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last: damaged names of columns
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(path, "cannot be read as Parquet", found=reason) from error


def read_group(
    parquet: pq.ParquetFile, path: Path, group: int, columns: Sequence[str], rows: int
) -> Iterator[pa.RecordBatch]:
    """Yield some columns of a row group, at most so many rows at a time.

    Raises:
        DataError: A page out of proportion to the file, or a damaged one.
    """
    check_pages(path, parquet.metadata.row_group(group), frozenset(columns))
    yield from parquet.iter_batches(rows, row_groups=[group], columns=list(columns))


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
