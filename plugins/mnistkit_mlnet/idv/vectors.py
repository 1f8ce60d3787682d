"""Blocks of vectors, each dense or sparse.

::

    i32 n          number of vectors             i32 size       length of each
    n x i32        -1 for a dense vector, else how many values of a sparse one are not 0
    i32 total      number of indices             total x i32    indices, ascending in each vector
    values         of all vectors one after the other: all of a dense one, those with an index of a sparse one
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnistkit.dataset import Array
from mnistkit.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """A block taken apart.

    Attributes:
        size: Length of each vector.
        counts: int32 (n,): -1, or how many indices a vector has.
        indices: int32 (total,).
        items: The values as they stand in the block.
        where: What messages call the block.
    """

    size: int
    counts: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int32]
    items: memoryview
    where: str

    @property
    def is_sparse(self) -> bool:
        """Whether any vector is sparse."""
        return bool((self.counts >= 0).any())

    def filled(self, dtype: np.dtype[Any]) -> Array:
        """Return all values (n, size); those without an index are 0.

        Raises:
            DataError: There are not as many values as the counts say.
        """
        dense = self.counts < 0
        number = len(self.indices) + int(dense.sum()) * self.size
        found = items(self.items, number, dtype, self.where)
        if not self.is_sparse:
            return found.reshape(len(self.counts), self.size)
        values = np.zeros((len(self.counts), self.size), dtype)
        is_dense = np.repeat(dense, np.where(dense, self.size, self.counts))
        values[dense] = found[is_dense].reshape(int(dense.sum()), self.size)
        owners = np.repeat(np.flatnonzero(~dense), self.counts[~dense])
        values[owners, self.indices] = found[~is_dense]
        return values


def parted(raw: bytes, rows: int, size: int, where: str, first: int) -> Vectors:
    """Take a block of vectors apart.

    Args:
        raw: The block, inflated.
        rows: Number of vectors that it must hold.
        size: Length that each must have.
        where: What messages call the block.
        first: Row number of its first vector, for messages.

    Raises:
        DataError: It holds something else, or indices that are none.
    """
    start = 12 + 4 * rows
    if len(raw) < start:
        raise DataError(where, "too short for its rows", expected=f"{start:,} bytes", found=f"{len(raw):,}")
    head = np.frombuffer(raw, "<i4", 3 + rows)
    counts, total = head[2:-1].astype(np.int32), int(head[-1])
    if head[:2].tolist() != [rows, size]:
        raise DataError(
            where,
            "vectors",
            expected=f"{rows:,} of {size:,} values",
            found="{:,} of {:,}".format(*head.tolist()),
        )
    _check_counts(counts, size, where, first)
    promised = int(counts[counts >= 0].sum(dtype=np.int64))
    if total != promised or len(raw) < start + 4 * total:
        raise DataError(where, "number of indices", expected=f"{promised:,}, and as many", found=f"{total:,}")
    indices = np.frombuffer(raw, "<i4", total, start).astype(np.int32)
    _check_indices(indices, counts, size, where, first)
    return Vectors(size, counts, indices, memoryview(raw)[start + 4 * total :], where)


def items(raw: bytes | memoryview, number: int, dtype: np.dtype[Any], where: str) -> Array:
    """Return packed values (number,), which must be all there is.

    Raises:
        DataError: There are fewer or more.
    """
    size = -(-number // 8) if dtype == np.bool_ else number * dtype.itemsize
    if len(raw) != size:
        raise DataError(where, f"bytes of {number:,} values", expected=f"{size:,}", found=f"{len(raw):,}")
    if dtype == np.bool_:
        packed = np.frombuffer(raw, np.uint8)
        return np.unpackbits(packed, count=number, bitorder="little").view(np.bool_)
    return np.frombuffer(raw, dtype)


def _check_counts(counts: npt.NDArray[np.int32], size: int, where: str, first: int) -> None:
    bad = (counts < -1) | (counts >= size)
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(
            f"{where}, row {first + row}", "number of values", expected=f"-1 to {size - 1}", found=counts[row]
        )


def _check_indices(
    indices: npt.NDArray[np.int32], counts: npt.NDArray[np.int32], size: int, where: str, first: int
) -> None:
    """Make sure that the indices of each sparse vector ascend within its length."""
    sparse = np.flatnonzero(counts >= 0)
    owners = np.repeat(sparse, counts[sparse])
    bad = (indices < 0) | (indices >= size)
    bad[1:] |= (owners[1:] == owners[:-1]) & (indices[1:] <= indices[:-1])
    if bad.any():
        place = int(np.argmax(bad))
        raise DataError(
            f"{where}, row {first + owners[place]}", "indices", expected=f"0 to {size - 1}, ascending",
            found=indices[place],
        )  # fmt: skip
