"""What is known of a dataset before its pixels are read."""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnistkit.errors import DataError

DTYPES = (
    "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64",
)  # fmt: skip

#: Types of labels: whole numbers.
LABEL_DTYPES = tuple(name for name in DTYPES if "int" in name)

#: Types of extra columns: numbers and booleans.
COLUMN_DTYPES = ("bool", "float16", *DTYPES)

SPLIT_NAME = re.compile(r"[a-z0-9_-]+")

#: Rows of a batch are a power of two and at most this, so that batches tile the digest's blocks.
MOST_ROWS = 4096
_BATCH_BYTES = 1 << 20

#: Size in memory of one image and what is beside it, at most: some are always held, and a small file may
#: claim, and even hold, images of any size.
MOST_ROW_BYTES = 64 << 20

#: Extra columns of a split, at most.
MOST_EXTRA = 1024

#: Bounds of what a label may be: the content digest takes labels as int64.
_INT64 = (-(1 << 63), (1 << 63) - 1)


@dataclass(frozen=True, slots=True)
class ExtraColumn:
    """A column beside image and label: its name, numpy dtype name and the shape of one value.

    Raises:
        DataError: A name that is no plain text, or a type not in :data:`COLUMN_DTYPES`.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not _is_text(self.name) or any(unicodedata.category(letter) == "Cc" for letter in self.name):
            raise DataError(
                f"extra column {self.name!r}", "bad name", expected="text without control characters"
            )
        if self.dtype not in COLUMN_DTYPES:
            raise DataError(
                f"extra column {self.name!r}", "type", expected="numbers or booleans", found=self.dtype
            )

    @property
    def is_integer(self) -> bool:
        """Whether its values are whole numbers."""
        return self.dtype.startswith(("int", "uint"))

    @property
    def value_bytes(self) -> int:
        """Size of one value in memory, in bytes."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True, slots=True)
class SplitInfo:
    """What is known of a split before its pixels are read.

    Attributes:
        name: ``train``, ``test``, … (``[a-z0-9_-]+``).
        length: Number of images.
        shape: Shape of one image: (height, width) or (height, width, channels).
        dtype: numpy's name of the pixels' type, one of :data:`DTYPES`.
        label_dtype: numpy's name of the labels' type, or None where there are no labels.
        label_range: Bounds (least, greatest) within which every label lies, or None where there
            are no labels or no images.
        extra: The further columns.
        overlapping: Whether its images are in another split too: it is exported only when named.
    """

    name: str
    length: int
    shape: tuple[int, ...]
    dtype: str = "uint8"
    label_dtype: str | None = None
    label_range: tuple[int, int] | None = None
    extra: tuple[ExtraColumn, ...] = ()
    overlapping: bool = False

    def __post_init__(self) -> None:
        if not SPLIT_NAME.fullmatch(self.name):
            raise DataError(f"split {self.name!r}", "bad name", expected=SPLIT_NAME.pattern)
        if not 0 <= self.length <= sys.maxsize:
            raise DataError(f"split {self.name!r}", "bad number of images", found=self.length)
        if len(self.shape) not in (2, 3) or min(self.shape) < 1:
            raise DataError(
                f"split {self.name!r}",
                "not images",
                expected="height x width [x channels], each at least 1",
                found=" x ".join(map(str, self.shape)) or "scalars",
            )
        if self.dtype not in DTYPES:
            raise DataError(
                f"split {self.name!r}", "pixel type", expected=", ".join(DTYPES), found=self.dtype
            )
        self._check_extra()
        self._check_size()
        self._check_labels()

    def _check_extra(self) -> None:
        columns = [column.name for column in self.extra]
        if len(columns) > MOST_EXTRA:
            raise DataError(
                f"split {self.name!r}", "extra columns", expected=f"at most {MOST_EXTRA:,}",
                found=f"{len(columns):,}",
            )  # fmt: skip
        if len(set(columns)) != len(columns):
            raise DataError(f"split {self.name!r}", "two extra columns of one name", found=", ".join(columns))

    def _check_size(self) -> None:
        if self.row_bytes > MOST_ROW_BYTES:
            beside = " and what is beside it" if self.extra else ""
            raise DataError(
                f"split {self.name!r}",
                f"too large: one image{beside}",
                expected=f"at most {MOST_ROW_BYTES:,} bytes",
                found=f"{self.row_bytes:,} ({' x '.join(map(str, self.shape))} of {self.dtype}{beside})",
            )

    def _check_labels(self) -> None:
        if self.label_dtype is not None and self.label_dtype not in LABEL_DTYPES:
            raise DataError(
                f"split {self.name!r}", "labels", expected="a type of whole numbers", found=self.label_dtype
            )
        if self.label_range and not within(self.label_range, _INT64):
            raise DataError(
                f"split {self.name!r}",
                "labels",
                expected="labels that fit int64",
                found="{} to {}".format(*self.label_range),
            )

    @property
    def labelled(self) -> bool:
        """Whether the images have labels."""
        return self.label_dtype is not None

    @property
    def values(self) -> int:
        """Number of pixel values of one image, channels included."""
        return math.prod(self.shape)

    @property
    def image_bytes(self) -> int:
        """Size of one image in memory, in bytes."""
        return self.values * np.dtype(self.dtype).itemsize

    @property
    def row_bytes(self) -> int:
        """Size of one image in memory and of what is beside it, in bytes."""
        return self.image_bytes + sum(column.value_bytes for column in self.extra)

    @property
    def batch_rows(self) -> int:
        """Images of a batch of about 1 MiB, with what is beside them: a power of two from 1 to 4096."""
        fitting = max(1, _BATCH_BYTES // self.row_bytes)
        return min(MOST_ROWS, 1 << (fitting.bit_length() - 1))


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What is known of a dataset before its pixels are read.

    Attributes:
        name: What the dataset is called, such as ``mnist``; it names exports.
        splits: The splits, in order.
        class_names: Name of class i at index i, or None where classes are plain numbers
            (names that merely repeat the number, ``("0", "1", …)``, become None).
        licence: Licence of the data, as a person would write it; empty where unknown.
        citation: How to cite the dataset.
        homepage: Where the dataset comes from.
        notes: Sentences on how it differs from its files, such as labels counted from 0, not 1.
    """

    name: str
    splits: tuple[SplitInfo, ...]
    class_names: tuple[str, ...] | None = None
    licence: str = ""
    citation: str = ""
    homepage: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for fact in ("name", "licence", "citation", "homepage"):
            if _has_surrogates(text := getattr(self, fact)):
                raise DataError(self.name, fact, expected="Unicode text", found=ascii(text))
        names = [split.name for split in self.splits]
        if len(set(names)) != len(names):
            raise DataError(self.name, "two splits of one name", found=", ".join(sorted(names)))
        if self.class_names is not None:
            self._check_class_names(self.class_names)
            if all(name == str(i) for i, name in enumerate(self.class_names)):
                object.__setattr__(self, "class_names", None)

    def _check_class_names(self, names: Sequence[str]) -> None:
        for i, name in enumerate(names):
            if not _is_text(name):
                raise DataError(self.name, f"name of class {i}", expected="text", found=repr(name))
        if len(set(names)) != len(names):
            twice = next(name for name, times in Counter(names).items() if times > 1)
            raise DataError(
                self.name, "two classes of one name", expected="names that differ", found=repr(twice)
            )
        if all(name == str(i) for i, name in enumerate(names)):
            return  # they merely repeat the numbers
        if self.least_label < 0 or self.greatest_label >= len(names):
            wild = self.least_label if self.least_label < 0 else self.greatest_label
            raise DataError(
                self.name,
                "labels without a class name",
                expected=f"labels from 0 to {len(names) - 1}",
                found=wild,
            )

    @property
    def greatest_label(self) -> int:
        """Upper bound of the labels of all splits; -1 where there are none."""
        return max((s.label_range[1] for s in self.splits if s.label_range), default=-1)

    @property
    def least_label(self) -> int:
        """Lower bound of the labels of all splits; 0 where there are none."""
        return min((s.label_range[0] for s in self.splits if s.label_range), default=0)

    @property
    def classes(self) -> int:
        """Number of classes: of names where there are names, else the greatest label and one."""
        return len(self.class_names) if self.class_names else self.greatest_label + 1

    def class_name(self, label: int) -> str:
        """Return the name of a class: its number where it has no other."""
        return self.class_names[label] if self.class_names else str(label)


def within(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    """Whether bounds lie within others."""
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _is_text(name: object) -> bool:
    """Whether a name is text that is not empty and has no lone surrogates, which no UTF-8 can carry."""
    return isinstance(name, str) and name != "" and not _has_surrogates(name)


def _has_surrogates(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)
