"""Writes text that ML.NET loads without a C# class, and the C# for those who want one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnistkit.codecs.text import (
    MOST_COLUMNS,
    SEPARATORS,
    encode,
    encode_floats,
    encode_sparse,
    header_line,
    pixel_names,
)
from mnistkit.codecs.text.words import begin_with, words_of
from mnistkit.dataset import Array, Batch, DatasetInfo
from mnistkit.errors import CapabilityError
from mnistkit.plugin import Loss, Part, Sink, Writer, Written
from mnistkit_mlnet import SUFFIXES, MlNetWriteOptions
from mnistkit_mlnet.csharp import project_files
from mnistkit_mlnet.schema import MOST_CLASS_BYTES, classes_line, head_lines

#: A key of type U4 keeps 0 for "missing" and counts its classes from 1.
MOST_CLASSES = 2**32 - 1

#: Above this, float32 skips whole numbers.
MOST_SINGLE = 2**24

#: What a text cell may not begin with: formulas of spreadsheets, quotes, and what ML.NET takes for comments.
_NO_BEGINNING = ("=", "+", "-", "@", '"', "#", "//")


class MlNetWriter(Writer):
    """Writes one file a split, and a C# project for all of them."""

    options: MlNetWriteOptions

    def check(self, info: DatasetInfo) -> Sequence[Loss]:
        """Refuse labels that ML.NET could not tell apart, and images too large for a line.

        Raises:
            CapabilityError: A label that no key can hold, a class name that no cell can, or an image of
                too many values.
        """
        for split in info.splits:
            if split.values + split.labelled > MOST_COLUMNS:
                raise CapabilityError(
                    f"mlnet: split {split.name!r}", "too many columns", expected=f"at most {MOST_COLUMNS:,}",
                    found=f"{split.values + split.labelled:,}",
                )  # fmt: skip
        self._check_labels(info)
        return self._check_class_names(info.class_names or ())

    def write(self, folder: Path, part: Part, batches: Iterator[Batch]) -> Written:
        """Write the schema, the header and a line for each image, encoded by all workers."""
        name = part.stem + SUFFIXES[self.options.separator]
        columns = [*(["Label"] if part.split.labelled else []), *pixel_names(part.split.shape)]
        with Sink(folder / name) as file:
            if self.options.schema:
                file.write(self._head(part))
            file.write(header_line(columns, SEPARATORS[self.options.separator]))
            for lines in part.map(self._encoder(part), batches):
                file.write(lines)
        return Written((name,), part.rows, sha256={name: file.sha256})

    def finish(self, folder: Path, info: DatasetInfo, written: Sequence[Written]) -> Written:  # noqa: ARG002
        """Write a C# project that trains on the files, where there are labels to learn."""
        files = project_files(info, self.options) if self.options.csharp else {}
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        return Written(tuple(files))

    def _check_labels(self, info: DatasetInfo) -> None:
        most, remedy = {
            "key": (MOST_CLASSES - 1, "--label-kind text, or --no-schema"),
            "single": (MOST_SINGLE, "--label-kind key"),
            "text": (info.greatest_label, ""),
        }[self.options.label_kind]
        if self.options.schema and info.greatest_label > most:
            raise CapabilityError(
                "mlnet", f"label too large for --label-kind {self.options.label_kind}",
                expected=f"at most {most:,}", found=f"{info.greatest_label:,}", todo=f"use {remedy}",
            )  # fmt: skip

    def _head(self, part: Part) -> bytes:
        names = part.info.class_names or ()
        kept = names if len(classes_line(names)) <= MOST_CLASS_BYTES else ()
        return head_lines(part.split, part.info.classes, kept, self.options)

    def _encoder(self, part: Part) -> _Encoder:
        return _Encoder(
            SEPARATORS[self.options.separator],
            sparse=self.options.sparse,
            words=tuple(part.info.class_names or ()) if self.options.label_kind == "text" else (),
            where=f"mlnet: split {part.split.name!r}",
        )

    def _check_class_names(self, names: Sequence[str]) -> Sequence[Loss]:
        too_long = len(classes_line(names)) > MOST_CLASS_BYTES
        if self.options.label_kind != "text" or not names:
            return (
                [Loss("mlnet keeps no class names of more than 512 KiB", class_names=True)]
                if too_long
                else ()
            )
        if too_long or not self.options.schema:
            raise CapabilityError(
                "mlnet", "class names as labels", expected="a schema that lists them, of at most 512 KiB",
                found="more" if too_long else "none", todo="use --label-kind key",
            )  # fmt: skip
        separator = SEPARATORS[self.options.separator].decode()
        for name in names:
            if (
                name.startswith(_NO_BEGINNING)
                or name.strip() != name
                or separator in name
                or _has_control(name)
            ):
                raise CapabilityError(
                    "mlnet", "class name that no cell can hold", found=repr(name[:40]),
                    expected="no separator, control character or blank at its ends, and no "
                    f"{' '.join(_NO_BEGINNING)} at its beginning", todo="use --label-kind key",
                )  # fmt: skip
        return ()


@dataclass(frozen=True, slots=True)
class _Encoder:
    """Turns batches into lines; a picklable function."""

    separator: bytes
    sparse: bool
    words: tuple[str, ...]
    where: str

    def __call__(self, batch: Batch) -> bytes:
        if not self.words or batch.labels is None:
            return self._lines(batch, batch.labels)
        words = words_of(self.words)[batch.labels]
        return begin_with(words.tolist(), self._lines(batch, None), self.separator)

    def _lines(self, batch: Batch, labels: Array | None) -> bytes:
        if self.sparse:
            return encode_sparse(batch.images, labels, separator=self.separator, where=self.where)
        if batch.images.dtype == np.float32:
            return encode_floats(batch.images, labels, separator=self.separator, where=self.where)
        return encode(batch.images, labels, separator=self.separator)


def _has_control(name: str) -> bool:
    return any(unicodedata.category(character) == "Cc" for character in name)
