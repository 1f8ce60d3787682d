"""The content digest: one string for the content of a split, whatever format holds it.

``B(x)`` is the raw SHA-256s of consecutive blocks of 4096 rows of x, joined.  ``P`` is the SHA-256
of ``B`` of the images as C-ordered little-endian bytes, ``L`` the same of the labels as
little-endian int64 (SHA-256 of nothing where there are none), and ``H`` the JSON of dtype, length,
shape and whether there are labels.  The digest of a split is ``mk1:`` and the hex SHA-256 of
``H`` + ``P`` + ``L``.  Blocks let the digest be computed in pieces, and tell where two datasets differ.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

from mnistkit.dataset import Array, Batch, ExtraColumn, SplitInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCHEME = "mk1:"
BLOCK_ROWS = 4096

#: Hex digits kept of each block's fingerprint: enough to tell which block differs.
FINGERPRINT = 8


class BlockHash:
    """SHA-256 of each block of 4096 rows of one column, fed in pieces of any size."""

    def __init__(self) -> None:
        self.digests: list[bytes] = []
        self._open = hashlib.sha256()
        self._rows = 0

    def update(self, rows: Array) -> None:
        """Hash further rows, taken as C-ordered little-endian bytes."""
        done = 0
        while done < len(rows):
            piece = rows[done : done + BLOCK_ROWS - self._rows]
            self._open.update(_bytes_of(piece))
            self._rows += len(piece)
            done += len(piece)
            if self._rows == BLOCK_ROWS:
                self._close_block()

    def finish(self) -> bytes:
        """Return B(x), the digests of all blocks joined; hash no more after this."""
        if self._rows:
            self._close_block()
        return b"".join(self.digests)

    def _close_block(self) -> None:
        self.digests.append(self._open.digest())
        self._open = hashlib.sha256()
        self._rows = 0


class SplitDigest:
    """The digest of one split, fed batch by batch in order."""

    def __init__(self, info: SplitInfo) -> None:
        self._info = info
        self._images = BlockHash()
        self._labels = BlockHash()
        self._extra = {column.name: BlockHash() for column in info.extra}
        self._length = 0

    def update(self, batch: Batch) -> None:
        """Add the next images, labels and extra columns."""
        self._length += len(batch)
        self._images.update(batch.images)
        if batch.labels is not None:
            self._labels.update(batch.labels.astype("<i8"))
        for name, hashed in self._extra.items():
            hashed.update(batch.extra[name])

    def content(self) -> str:
        """Return the digest of what has been added, ``mk1:`` and 64 hex digits; add no more after this."""
        header = {
            "dtype": self._info.dtype,
            "labelled": self._info.labelled,
            "length": self._length,
            "shape": list(self._info.shape),
        }
        pixels, labels = self._images.finish(), self._labels.finish()
        joined = _json(header) + hashlib.sha256(pixels).digest() + hashlib.sha256(labels).digest()
        return SCHEME + hashlib.sha256(joined).hexdigest()

    def blocks(self) -> str:
        """Return 8 hex digits for each block of 4096 images with their labels, joined."""
        self._images.finish(), self._labels.finish()
        labels = self._labels.digests or [b""] * len(self._images.digests)
        return "".join(
            hashlib.sha256(a + b).hexdigest()[:FINGERPRINT]
            for a, b in zip(self._images.digests, labels, strict=True)
        )

    def extra(self) -> dict[str, str]:
        """Return the digest of each extra column."""
        return {c.name: _column_digest(c, self._extra[c.name].finish()) for c in self._info.extra}


def dataset_digest(splits: Mapping[str, str]) -> str:
    """Return the digest of a dataset from the digests of its splits."""
    lines = "".join(f"{name}:{digest}\n" for name, digest in sorted(splits.items()))
    return SCHEME + hashlib.sha256(lines.encode()).hexdigest()


def class_names_digest(names: Iterable[str] | None) -> str | None:
    """Return the digest of class names, or None where there are none."""
    return None if names is None else hashlib.sha256(_json(list(names))).hexdigest()


def _column_digest(column: ExtraColumn, blocks: bytes) -> str:
    header = _json({"dtype": column.dtype, "name": column.name, "shape": list(column.shape)})
    return hashlib.sha256(header + hashlib.sha256(blocks).digest()).hexdigest()


def _bytes_of(rows: Array) -> memoryview:
    little = np.ascontiguousarray(rows, dtype=rows.dtype.newbyteorder("<"))
    return little.reshape(-1).view(np.uint8).data


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
