r"""CSV: one line of numbers an image, as Kaggle, pandas and spreadsheets have it.

::

    train.csv                        test.csv   (the same; without labels, without their column)
        label,pixel0,pixel1,…,pixel783\n
        5,0,0,…,0\n
        0,0,0,…,0\n

Pixels are whole numbers from 0 to 255 in C-order: row by row, the channels of a pixel side by side.

Presets are published dialects::

    kaggle         label,pixel0,…,pixel783        the default
    kaggle-1       label,pixel1,…,pixel784
    oddrationale   label,1x1,1x2,…,28x28          1x1x1 with channels
    openml         pixel1,…,pixel784,class
    pjreddie       no header, label first         mnist_train.csv, mnist_test.csv
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mnistkit.plugin import Format, Verdict, hookimpl, option

_PACKED = re.compile(r"\.(gz|bz2|xz|zst|zip)$")
_HEADER = re.compile(rb'(?i)(?:^|[,;\t |"])(?:label|class|pixel\d+|1x1)(?=[,;\t |"]|$)')
_NUMBERS = re.compile(rb'\s*"?-?\d+"?\s*(?:[,;\t |]\s*"?\d+"?\s*)+[,;\t |"]*')
_WORDS = re.compile(rb'[\w\s"\',;|.+-]+')
_PIXELS = re.compile(rb'(?i)(?:^|[,;\t |"])(?:pixel\d+|1x1)(?=[,;\t |"]|$)')


@dataclass(frozen=True, kw_only=True)
class CsvReadOptions:
    """How to understand a CSV file that does not speak for itself."""

    shape: str = option("", help="Shape of one image: HxW or HxWxC.")
    preset: Literal["kaggle", "kaggle-1", "oddrationale", "openml", "pjreddie"] | None = option(
        None, help="The published dialect that it follows: where the label is, and whether there is a header."
    )
    label: Literal["auto", "first", "last", "none"] = option(
        "auto", help="Where the label stands, if there is one."
    )
    header: bool | Literal["auto"] = option("auto", help="Whether the first line names the columns.")
    delimiter: Literal["auto", "comma", "semicolon", "tab", "space", "bar"] = option(
        "auto", help="What stands between two cells."
    )


@dataclass(frozen=True, kw_only=True)
class CsvWriteOptions:
    """A published dialect, and what is to differ from it."""

    preset: Literal["kaggle", "kaggle-1", "oddrationale", "openml", "pjreddie"] = option(
        "kaggle", help="The published dialect to follow."
    )
    label: Literal["first", "last"] | None = option(
        None, help="Where the label stands, if not where the preset has it."
    )
    header: bool | None = option(
        None, help="Whether the first line names the columns, if not as the preset has it."
    )
    delimiter: Literal["comma", "semicolon", "tab", "space", "bar"] = option(
        "comma", help="What stands between two cells."
    )
    compression: Literal["none", "gzip", "zstd"] = option("none", help="How to compress the files.")


def sniff(head: bytes, names: Sequence[str]) -> Verdict:
    """Tell CSV by a header that is known or a line of whole numbers, in a file named so."""
    plain = [_PACKED.sub("", name.lower()) for name in names]
    line = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].rstrip(b"\r")
    if line.startswith((b"#", b"//")):
        return "no"
    if any(name.endswith(".csv") for name in plain):
        known = _HEADER.search(line) or _NUMBERS.fullmatch(line)
        return "yes" if known else "maybe" if _WORDS.fullmatch(line) else "no"
    # Any prose may be in a text file, the word "label" too: only pixels count.
    named = any(name.endswith(".txt") for name in plain)
    return "maybe" if named and (_PIXELS.search(line) or _NUMBERS.fullmatch(line)) else "no"


def _given(options: CsvWriteOptions) -> Mapping[str, object]:
    return {} if options.compression == "none" else {"bytes_per_value": 0.5}


@hookimpl
def mnistkit_register_format() -> Format:
    """Introduce the format."""
    return Format(
        api=1,
        name="csv",
        summary="Comma-separated values, one line an image; opens in everything.",
        suffixes=(".csv",),
        reader="mnistkit_csv.reader:CsvReader",
        writer="mnistkit_csv.writer:CsvWriter",
        read_options=CsvReadOptions,
        write_options=CsvWriteOptions,
        sniff=sniff,
        dtypes=("uint8",),
        label_dtype="int64",
        bytes_per_value=2.6,
        bytes_per_image=4,
        given=_given,
    )
