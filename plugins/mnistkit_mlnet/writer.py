"""Writes text that ML.NET loads without a C# class, and the C# for those who want one."""

from __future__ import annotations

import re
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
from mnistkit.codecs.text.formulas import begins_formula
from mnistkit.codecs.text.words import begin_with, words_of
from mnistkit.dataset import Array, Batch, DatasetInfo, SplitInfo
from mnistkit.errors import CapabilityError
from mnistkit.plugin import Loss, Part, Writer, Written
from mnistkit_mlnet import SUFFIXES, MlNetWriteOptions
from mnistkit_mlnet.csharp import project_files
from mnistkit_mlnet.idv.kinds import MOST_CLASSES
from mnistkit_mlnet.schema import MOST_NOTE_BYTES, head_lines, note_line

#: Above this, float32 skips whole numbers.
MOST_SINGLE = 2**24

#: What a text cell may not begin with: quotes, and what ML.NET takes for comments.
_NO_BEGINNING = ('"', "#", "//")
_ITEM = re.compile(r"\d+:")


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
        return self._check_class_names(info)

    def write(self, folder: Path, part: Part, batches: Iterator[Batch]) -> Written:
        """Write the schema, the header and a line for each image, encoded by all workers."""
        name = part.stem + SUFFIXES[self.options.separator]
        columns = [*(["Label"] if part.split.labelled else []), *pixel_names(part.split.shape)]
        with part.sink(folder / name) as file:
            if self.options.schema:
                file.write(self._head(part))
            file.write(header_line(columns, SEPARATORS[self.options.separator]))
            part.write_each(file, self._encoder(part), batches)
        return Written((name,), part.rows, sha256=file.sha256)

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
        kept = () if _is_too_long(part.split, names) else names
        return head_lines(part.split, part.info.classes, kept, self.options)

    def _encoder(self, part: Part) -> _Encoder:
        return _Encoder(
            SEPARATORS[self.options.separator],
            sparse=self.options.sparse,
            words=tuple(part.info.class_names or ()) if self.options.label_kind == "text" else (),
            where=f"mlnet: split {part.split.name!r}",
        )

    def _check_class_names(self, info: DatasetInfo) -> Sequence[Loss]:
        names = info.class_names or ()
        too_long = any(_is_too_long(split, names) for split in info.splits)
        if self.options.label_kind != "text" or not names:
            return (
                [Loss("mlnet keeps no class names of more than 512 KiB", class_names=True)]
                if too_long
                else ()
            )
        if too_long:
            raise CapabilityError(
                "mlnet", "class names as labels", expected="at most 512 KiB", found="more",
                todo="use --label-kind key",
            )  # fmt: skip
        if not self.options.schema:
            raise CapabilityError(
                "mlnet", "class names as labels need the schema, which lists them",
                todo="leave out --no-schema, or use --label-kind key",
            )  # fmt: skip
        for name in names:
            if fault := self._fault(name):
                raise CapabilityError(
                    "mlnet", "class name that no cell can hold", found=f"{name[:40]!r}, which {fault}",
                    todo="use --label-kind key",
                )  # fmt: skip
        return ()

    def _fault(self, name: str) -> str:
        """Say what keeps a class name from being a cell of its own; nothing where it can be one."""
        faults = {
            f"begins with one of {' '.join(_NO_BEGINNING)}": name.startswith(_NO_BEGINNING),
            "a spreadsheet may take for a formula": begins_formula(name),
            "begins or ends with a blank": name.strip() != name,
            "holds the separator": SEPARATORS[self.options.separator].decode() in name,
            "holds a control character": any(unicodedata.category(letter) == "Cc" for letter in name),
            "ML.NET takes for an item of a sparse line": self.options.sparse and _ITEM.match(name),
        }
        return next((fault for fault, holds in faults.items() if holds), "")


def _is_too_long(split: SplitInfo, names: Sequence[str]) -> bool:
    return len(note_line(split, names)) > MOST_NOTE_BYTES


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
