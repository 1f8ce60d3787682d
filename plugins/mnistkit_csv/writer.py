"""Writes CSV in any of the published dialects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Literal

from zlib_ng import zlib_ng

from mnistkit.codecs.text import MOST_COLUMNS, SEPARATORS, encode, header_line
from mnistkit.dataset import Batch, DatasetInfo, SplitInfo
from mnistkit.errors import CapabilityError
from mnistkit.naming import find_split, slug
from mnistkit.plugin import Loss, Part, Writer, Written
from mnistkit_csv import CsvWriteOptions
from mnistkit_csv.dialects import DIALECTS, Dialect

_MOST_PREFIX = 100  # letters


class CsvWriter(Writer):
    """Writes one file a split."""

    options: CsvWriteOptions

    def check(self, info: DatasetInfo) -> Sequence[Loss]:
        """Refuse what a line, a file without a header, or one named after its dataset cannot tell.

        Raises:
            CapabilityError: An image of too many values, an empty split without labels and without a header,
                or a split whose name would be lost in the file's name.
        """
        dialect = DIALECTS[self.options.preset]
        for split in info.splits:
            where = f"csv: split {split.name!r}"
            if split.values + split.labelled > MOST_COLUMNS:
                raise CapabilityError(
                    where, "too many columns", expected=f"at most {MOST_COLUMNS:,}",
                    found=f"{split.values + split.labelled:,}",
                )  # fmt: skip
            if not (split.length or split.labelled or self._header(dialect)):
                raise CapabilityError(
                    where, "an empty file cannot say that it has no labels", todo="add --header"
                )
            if dialect.named_after_dataset and find_split(_stem(info, split.name)) != (
                _prefix(info),
                split.name,
            ):
                raise CapabilityError(
                    where, f"cannot be told from the file name {_stem(info, split.name)}.csv",
                    todo="choose another --preset",
                )  # fmt: skip
        return ()

    def write(self, folder: Path, part: Part, batches: Iterator[Batch]) -> Written:
        """Write the header and a line for each image, encoded by all workers."""
        dialect = DIALECTS[self.options.preset]
        stem = _stem(part.info, part.stem) if dialect.named_after_dataset else part.stem
        name = f"{stem}.csv{_SUFFIXES[self.options.compression]}"
        head = (
            header_line(self._names(part.split, dialect), self._separator) if self._header(dialect) else b""
        )
        line = partial(_lines, separator=self._separator, label=self.options.label or dialect.label)
        with part.sink(folder / name) as file:
            if self.options.compression == "none":
                file.write(head)
                part.write_each(file, line, batches)
            else:
                text = chain([head], part.map(line, batches))
                part.write_each(file, _PACKERS[self.options.compression], _pieces(text))
        return Written((name,), part.rows, sha256=file.sha256)

    @property
    def _separator(self) -> bytes:
        return SEPARATORS[self.options.delimiter]

    def _header(self, dialect: Dialect) -> bool:
        return dialect.header if self.options.header is None else self.options.header

    def _names(self, split: SplitInfo, dialect: Dialect) -> list[str]:
        pixels = dialect.pixels(split.shape)
        if not split.labelled:
            return pixels
        last = (self.options.label or dialect.label) == "last"
        return [*pixels, dialect.label_name] if last else [dialect.label_name, *pixels]


def _stem(info: DatasetInfo, stem: str) -> str:
    return f"{_prefix(info)}_{stem}"


def _prefix(info: DatasetInfo) -> str:
    """Return the dataset's name as it begins file names, which systems bound at 255 bytes."""
    return slug(info.name)[:_MOST_PREFIX].strip("-")


def _lines(batch: Batch, *, separator: bytes, label: Literal["first", "last"]) -> bytes:
    return encode(batch.images, batch.labels, separator=separator, label=label)


_SUFFIXES = {"none": "", "gzip": ".gz", "zstd": ".zst"}
#: Compressed piece by piece, each on its own, so that all workers help and the cuts are always the same.
_PIECE_BYTES = 1 << 20


def _pieces(text: Iterator[bytes]) -> Iterator[bytes]:
    """Cut a text into pieces of one size, whatever the sizes it comes in; at least one piece."""
    held = bytearray()
    for more in text:
        held += more
        while len(held) > _PIECE_BYTES:
            yield bytes(held[:_PIECE_BYTES])
            del held[:_PIECE_BYTES]
    yield bytes(held)


def _gzip_member(text: bytes) -> bytes:
    """Return a member of a gzip file: no name, no time, no system (RFC 1952).

    zlib-ng makes the same bytes on every machine; Python's own zlib is another library on some.
    """
    deflate = zlib_ng.compressobj(6, zlib_ng.DEFLATED, -zlib_ng.MAX_WBITS)
    body = deflate.compress(text) + deflate.flush()
    tail = zlib_ng.crc32(text).to_bytes(4, "little") + len(text).to_bytes(4, "little")
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + body + tail


def _zstd_frame(text: bytes) -> bytes:
    import pyarrow as pa  # noqa: PLC0415 - 100 ms that only this option needs

    frame: bytes = pa.Codec("zstd", compression_level=3).compress(text, asbytes=True)
    return frame


_PACKERS = {"gzip": _gzip_member, "zstd": _zstd_frame}
