r"""ML.NET's binary data view: a file that ``LoadFromBinary(path)`` reads with nothing else said.

::

    train.idv, test.idv
        Label       Key2(UInt32, classes)       class + 1; no such column where there are no labels
                    @KeyValues                  the class names, where there are any
        Features    VBuffer(Byte|Single, [n])   the n values of an image, C order
                    @SlotNames                  pixel0, pixel1, …
                    @mnistkit                   {"dtype": "uint8", "shape": [28, 28]}
        <column>    Int32, VBuffer(Single, [4]), …    one for each extra column

    0     256-byte header: "CML\0DVB\0", versions, places of contents and tail, numbers of rows and columns
    256   blocks of rows, one column after the other, each deflated on its own
          a lookup table a column: where its blocks stand
          annotations: the @s above
          table of contents: name, type, compression of each column, and where its tables stand
          tail "\0BVD\0LMC"

Everything is little-endian.  ML.NET leaves annotations of kinds that it does not know alone, so ``@mnistkit``
carries what its types have no place for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mnistkit.plugin import Format, Verdict, hookimpl, option

SUFFIX = ".idv"

SIGNATURE = b"CML\0DVB\0"  # ML.NET's Header.cs, as all constants of the layout


@dataclass(frozen=True, kw_only=True)
class IdvReadOptions:
    """How to read a file that ML.NET or another program wrote."""

    image: str = option("Features", help="Name of the column that holds the images.")
    label: str = option("Label", help="Name of the column that holds the labels.")
    shape: str = option("", help="Shape of one image: HxW or HxWxC.")
    dtype: Literal["auto", "uint8", "float32"] = option(
        "auto", help="Type of the pixels; auto is what mnistkit noted in the file, else uint8."
    )


@dataclass(frozen=True, kw_only=True)
class IdvWriteOptions:
    """How the file is laid out."""

    type: Literal["auto", "byte", "single"] = option(
        "auto",
        help="Type of Features: byte is small, single is what trainers take; auto is single for float32.",
    )
    compression: Literal["deflate", "none"] = option(
        "deflate", help="Codec of the blocks; ML.NET reads none faster and needs five times the space."
    )


def sniff(head: bytes, names: Sequence[str]) -> Verdict:  # noqa: ARG001 - content tells
    """Tell the binary data view by its signature."""
    return "yes" if head.startswith(SIGNATURE) else "no"


#: type, compression -> bytes of a pixel value (60,000 digits of MNIST); float32 pixels may need more.
_SIZES = {
    ("byte", "deflate"): 0.25,
    ("byte", "none"): 1.0,
    ("single", "deflate"): 0.4,
    ("single", "none"): 4.0,
}


def _given(options: IdvWriteOptions) -> Mapping[str, Any]:
    byte = options.type == "byte"
    kind = "single" if options.type == "single" else "byte"
    size = _SIZES[kind, options.compression]
    return {"dtypes": ("uint8",) if byte else ("uint8", "float32"), "bytes_per_value": size}


@hookimpl
def mnistkit_register_format() -> Format:
    """Introduce the format."""
    return Format(
        api=1,
        name="idv",
        summary="ML.NET's binary data view, which it loads without being told a schema.",
        suffixes=(SUFFIX,),
        reader="mnistkit_mlnet.idv.reader:IdvReader",
        writer="mnistkit_mlnet.idv.writer:IdvWriter",
        read_options=IdvReadOptions,
        write_options=IdvWriteOptions,
        sniff=sniff,
        dtypes=("uint8", "float32"),
        negative_labels=False,
        label_dtype="int64",
        class_names=True,
        extra_columns="all",
        bytes_per_image=8,
        given=_given,
    )
