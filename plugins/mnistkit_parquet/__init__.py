"""One Parquet table for each split.

There are three layouts::

    data/train-00000-of-00001.parquet
    data/test-00000-of-00001.parquet

    image     image: struct<bytes: binary, path: string>   one PNG file; path is null
              label: int64
    pixels    image: fixed_size_binary[784]                pixel values, C order, little-endian
              label: int64
    columns   label: int64
              pixel0, pixel1, … pixel783: uint8            or whatever type the pixels have

Further columns follow under their own names.  An unlabelled split has no column ``label``.
The schema has two metadata keys, both JSON: ``mnistkit`` tells the shape and type of the images,
``{"dtype": "uint8", "shape": [28, 28]}``; ``huggingface`` tells Hugging Face's libraries that ``image`` is an
image and ``label`` a class label, and is where class names are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from mnistkit.plugin import Format, Verdict, hookimpl, option

Layout: TypeAlias = Literal["image", "pixels", "columns"]

#: layout -> bytes of a pixel value and of an image besides, uncompressed and not (60,000 digits of MNIST).
_SIZES = {
    ("image", True): (0.35, 20),
    ("image", False): (0.25, 10),
    ("pixels", True): (1.0, 8),
    ("pixels", False): (0.25, 2),
    ("columns", True): (0.6, 8),
    ("columns", False): (0.35, 2),
}


@dataclass(frozen=True, kw_only=True)
class ParquetReadOptions:
    """How to read Parquet."""

    image: str = option("", help="Name of the column that holds the images, where it cannot be told.")
    label: str = option("", help="Name of the column that holds the labels, where it cannot be told.")
    shape: str | None = option(
        None, help="Shape of an image, HxW or HxWxC, where the file does not tell it, such as 20x28."
    )


@dataclass(frozen=True, kw_only=True)
class ParquetWriteOptions:
    """How to write Parquet."""

    layout: Layout = option(  # noqa: RUF009 - a field; ruff knows it only beside a plain Literal
        "image",
        help="image: PNG files, as Hugging Face has them; pixels: plain bytes; columns: a column a pixel.",
    )
    compression: Literal["auto", "none", "snappy", "zstd", "gzip", "lz4", "brotli"] = option(
        "auto", help="Codec of the pages; auto is none for images, which PNG has compressed, else zstd."
    )
    level: int | None = option(
        None, help="Level of that codec; the codec's own default if not given.", min=-7, max=22
    )
    row_group: int = option(
        8192, help="Rows of a row group at most; never more than 8 MiB of pixels.", min=1, max=1 << 20
    )

    @property
    def codec(self) -> str:
        """The codec, ``auto`` resolved."""
        if self.compression != "auto":
            return self.compression
        return "none" if self.layout == "image" else "zstd"


@hookimpl
def mnistkit_register_format() -> Format:
    """Return the card of Parquet."""
    return Format(
        api=1,
        name="parquet",
        summary="One Parquet table a split: PNG files for Hugging Face, plain pixels, or a column a pixel.",
        suffixes=(".parquet", ".pq"),
        reader="mnistkit_parquet.reader:ParquetReader",
        writer="mnistkit_parquet.writer:ParquetWriter",
        read_options=ParquetReadOptions,
        write_options=ParquetWriteOptions,
        sniff=_sniff,
        label_dtype="int64",
        class_names=True,
        extra_columns="all",
        given=_given,
    )


def _sniff(head: bytes, names: Sequence[str]) -> Verdict:
    if not head.startswith(b"PAR1"):
        return "no"
    # An index in Parquet beside other files, such as a folder of images, does not make the folder Parquet.
    ours = sum(name.lower().endswith((".parquet", ".pq")) for name in names)
    return "yes" if 2 * ours >= len(names) else "maybe"


def _given(options: ParquetWriteOptions) -> Mapping[str, Any]:
    value, image = _SIZES[options.layout, options.codec == "none"]
    sizes = {"bytes_per_value": value, "bytes_per_image": image}
    if options.layout == "image":
        return {**sizes, "dtypes": ("uint8", "uint16"), "channels": (2, 3, 4)}
    return sizes
