"""Writes ML.NET's binary data view: blocks encoded by all workers, then the tables that lead to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from mnistkit.codecs.text import MOST_COLUMNS
from mnistkit.dataset import Batch, DatasetInfo, SplitInfo
from mnistkit.errors import CapabilityError
from mnistkit.plugin import Loss, Part, Writer, Written
from mnistkit_mlnet.idv import SUFFIX, IdvWriteOptions
from mnistkit_mlnet.idv.columns import FEATURES, LABEL, Column, columns_of, extra_columns, is_kept
from mnistkit_mlnet.idv.kinds import MOST_BLOCK, MOST_CLASSES
from mnistkit_mlnet.idv.output import Output, packed

#: What a block of all columns may hold: a writer holds one a worker, and a reader inflates it whole.
_BLOCK_BYTES = 1 << 20

#: What ML.NET itself puts into a block.
_MOST_ROWS = 8192


class IdvWriter(Writer):
    """Writes one file a split."""

    options: IdvWriteOptions

    def check(self, info: DatasetInfo) -> Sequence[Loss]:
        """Refuse what ML.NET could not number, name or hold, and tell of columns that it has no type for.

        Raises:
            CapabilityError: A label that no key can hold, a column named as the main ones, or huge rows.
        """
        if info.classes > MOST_CLASSES:
            raise CapabilityError(
                "idv", "label too large for a key", expected=f"at most {MOST_CLASSES - 1:,}",
                found=f"{info.greatest_label:,}",
            )  # fmt: skip
        for split in info.splits:
            _check_split(split)
        dropped = dict.fromkeys(c.name for split in info.splits for c in split.extra if not is_kept(c))
        return [
            Loss(f"idv keeps no column {name!r}: ML.NET has no type for it", columns=(name,))
            for name in dropped
        ]

    def write(self, folder: Path, part: Part, batches: Iterator[Batch]) -> Written:
        """Write the blocks in order as they are encoded, then the tables, then the header."""
        name = part.stem + SUFFIX
        columns = columns_of(part.split, part.info, self.options.type)
        size = rows_per_block(columns)
        pack = partial(packed, columns=columns, compression=self.options.compression)
        with (folder / name).open("wb") as file:
            output = Output(file, columns, size, self.options.compression)
            for blocks in part.map(pack, _regrouped(batches, min(size, max(1, part.rows)))):
                output.add(blocks)
            output.finish(part.rows)
        return Written((name,), part.rows)


def _check_split(split: SplitInfo) -> None:
    where = f"idv: split {split.name!r}"
    for column in split.extra:
        if column.name in (LABEL, FEATURES):
            raise CapabilityError(where, "extra column named as a main one", found=repr(column.name))
    if split.values > MOST_COLUMNS:
        raise CapabilityError(
            where, "too many values in an image", expected=f"at most {MOST_COLUMNS:,}",
            found=f"{split.values:,}",
        )  # fmt: skip
    size = sum(column.row_bytes for column in extra_columns(split))
    if size > MOST_BLOCK // 2:
        raise CapabilityError(
            where, "extra columns too large", expected=f"at most {MOST_BLOCK // 2:,} bytes a row",
            found=f"{size:,}",
        )  # fmt: skip


def rows_per_block(columns: Sequence[Column]) -> int:
    """Return how many rows a block has: a power of two, the same for all columns, as ML.NET wants it."""
    fitting = max(1, _BLOCK_BYTES // sum(column.row_bytes for column in columns))
    return min(_MOST_ROWS, 1 << (fitting.bit_length() - 1))


def _regrouped(batches: Iterator[Batch], rows: int) -> Iterator[Batch]:
    """Cut batches of any size into blocks of ``rows``; only the last may be shorter.

    A block that is one batch is that batch; otherwise rows are copied, so that no batch is kept.
    """
    block, filled = None, 0
    for batch in batches:
        if not filled and len(batch) == rows:
            yield batch
            continue
        taken = 0
        while taken < len(batch):
            block = block or _empty_like(batch, rows)
            step = min(rows - filled, len(batch) - taken)
            _copy(batch[taken : taken + step], block[filled : filled + step])
            taken, filled = taken + step, filled + step
            if filled == rows:
                yield block
                block, filled = None, 0
        del batch
    if block is not None and filled:
        yield block[:filled]


def _empty_like(batch: Batch, rows: int) -> Batch:
    return Batch(
        np.empty((rows, *batch.images.shape[1:]), batch.images.dtype),
        None if batch.labels is None else np.empty(rows, batch.labels.dtype),
        0,
        {name: np.empty((rows, *c.shape[1:]), c.dtype) for name, c in batch.extra.items()},
    )


def _copy(source: Batch, target: Batch) -> None:
    target.images[:] = source.images
    if target.labels is not None:
        target.labels[:] = source.labels
    for name, column in target.extra.items():
        column[:] = source.extra[name]
