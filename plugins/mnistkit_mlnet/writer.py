"""Writes text that ML.NET loads without a C# class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from mnistkit.codecs.text import MOST_COLUMNS, SEPARATORS, encode, header_line, pixel_names
from mnistkit.dataset import Batch, DatasetInfo, SplitInfo
from mnistkit.errors import CapabilityError
from mnistkit.plugin import Loss, Part, Writer, Written
from mnistkit_mlnet import SUFFIXES, MlNetWriteOptions

#: A key of type U4 keeps 0 for "missing" and counts its classes from 1.
MOST_CLASSES = 2**32 - 1


class MlNetWriter(Writer):
    """Writes one file a split."""

    options: MlNetWriteOptions

    def check(self, info: DatasetInfo) -> Sequence[Loss]:
        """Refuse classes that ML.NET could not number, and images too large for a line.

        Raises:
            CapabilityError: A label that no key can hold, or an image of too many values.
        """
        for split in info.splits:
            if split.values + split.labelled > MOST_COLUMNS:
                raise CapabilityError(
                    f"mlnet: split {split.name!r}", "too many columns", expected=f"at most {MOST_COLUMNS:,}",
                    found=f"{split.values + split.labelled:,}",
                )  # fmt: skip
        if self.options.schema and info.classes > MOST_CLASSES:
            raise CapabilityError(
                "mlnet", "label too large for a key", expected=f"at most {MOST_CLASSES - 1:,}",
                found=f"{info.greatest_label:,}", todo="add --no-schema",
            )  # fmt: skip
        return ()

    def write(self, folder: Path, part: Part, batches: Iterator[Batch]) -> Written:
        """Write the schema, the header and a line for each image, encoded by all workers."""
        separator = SEPARATORS[self.options.separator]
        name = part.stem + SUFFIXES[self.options.separator]
        names = [*(["Label"] if part.split.labelled else []), *pixel_names(part.split.shape)]
        with (folder / name).open("wb") as file:
            if self.options.schema:
                file.write(schema(part.split, part.info.classes, self.options.separator))
            file.write(header_line(names, separator))
            file.writelines(part.map(partial(_lines, separator=separator), batches))
        return Written((name,), part.rows)


def schema(split: SplitInfo, classes: int, separator: str) -> bytes:
    """Return the settings of ML.NET's TextLoader as comment lines, as it reads them from a file's head."""
    first = int(split.labelled)
    settings = ["header+", f"sep={separator}"]
    if split.labelled:
        settings.append(f"col=Label:U4[{max(1, classes)}]:0")
    settings.append(f"col=Features:R4:{first}-{first + split.values - 1}")
    return "".join(["#@ TextLoader{\n", *(f"#@   {line}\n" for line in settings), "#@ }\n"]).encode()


def _lines(batch: Batch, *, separator: bytes) -> bytes:
    return encode(batch.images, batch.labels, separator=separator)
