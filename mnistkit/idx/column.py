"""Images or labels of a split: one IDX file, or its shards one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mnistkit.dataset import Array
from mnistkit.errors import DataError
from mnistkit.idx.codec import IdxFile
from mnistkit.plugin import spans


@dataclass(frozen=True)
class Column:
    """One array in one or more files that agree in type and in the shape of a row.

    Raises:
        DataError: They do not agree.
    """

    files: tuple[IdxFile, ...]

    def __post_init__(self) -> None:
        first = self.files[0]
        for file in self.files[1:]:
            if (file.shape[1:], file.dtype) != (first.shape[1:], first.dtype):
                raise DataError(
                    file.path,
                    "shards that differ",
                    expected=f"{first.dtype} {first.shape[1:]}",
                    found=f"{file.dtype} {file.shape[1:]}",
                )

    @property
    def length(self) -> int:
        """Number of rows."""
        return sum(len(file) for file in self.files)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of one row: of one image, or of one label with its further columns."""
        return self.files[0].shape[1:]

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of the values, in native byte order."""
        return self.files[0].dtype

    @property
    def is_plain(self) -> bool:
        """Whether no file is compressed."""
        return all(file.compression == "none" for file in self.files)

    def rows(self, start: int, stop: int, size: int) -> Iterator[Array]:
        """Yield rows ``start`` to ``stop``, at most ``size`` at a time; no array spans two files.

        Raises:
            DataError: A file is not what its header promises.
        """
        for span in spans((len(file) for file in self.files), start, stop):
            yield from self.files[span.shard].rows(span.start, span.stop, size)

    def load(self, start: int, stop: int) -> Array | None:
        """Return rows at once, as a memory map where the file is plain; None where there are several."""
        if len(self.files) > 1:
            return None
        mapped = self.files[0].map(start, stop)
        return self.files[0].load(start, stop) if mapped is None else mapped
