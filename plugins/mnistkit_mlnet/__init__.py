r"""Text for ML.NET: tab-separated numbers that carry their own schema.

::

    train.tsv, test.tsv
        #@ TextLoader{\n
        #@   header+\n
        #@   sep=tab\n
        #@   col=Label:U4[10]:0\n
        #@   col=Features:R4:1-784\n
        #@ }\n
        Label<TAB>pixel0<TAB>…<TAB>pixel783\n
        5<TAB>0<TAB>…<TAB>0\n

``mlContext.Data.LoadFromTextFile(path)`` needs nothing else: it gives the key ``Label`` and the vector
``Features``.  Without labels there is no column for them and ``Features`` begins at 0.
Without its schema (``--no-schema``) the file begins with the header line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mnistkit.plugin import Format, Verdict, hookimpl, option

#: ML.NET's own words for separators, as ``sep=`` takes them -> endings of files.
SUFFIXES = {"tab": ".tsv", "comma": ".csv", "semicolon": ".csv", "space": ".txt", "bar": ".txt"}


@dataclass(frozen=True, kw_only=True)
class MlNetReadOptions:
    """How to understand a file that does not speak for itself."""

    shape: str = option("", help="Shape of one image: HxW or HxWxC.")
    label: Literal["auto", "first", "last", "none"] = option(
        "auto", help="Where the label stands, if there is no schema to say so."
    )
    header: bool | Literal["auto"] = option(
        "auto", help="Whether there is a line of names, if there is no schema to say so."
    )
    separator: Literal["auto", "tab", "comma", "semicolon", "space", "bar"] = option(
        "auto", help="What stands between two cells, if there is no schema to say so."
    )
    dtype: Literal["auto", "uint8", "float32"] = option(
        "auto", help="Type of the pixels; auto is what the receipt or the file says, else uint8."
    )


@dataclass(frozen=True, kw_only=True)
class MlNetWriteOptions:
    """How the file is laid out."""

    schema: bool = option(True, help="Begin with the schema, so that ML.NET needs no further word.")
    separator: Literal["tab", "comma", "semicolon", "space", "bar"] = option(
        "tab", help="What stands between two cells."
    )
    sparse: bool = option(False, help="Leave zeros out: the place and value of each other pixel.")
    label_kind: Literal["key", "single", "text"] = option(
        "key", help="What ML.NET takes a label for: a key, a number, or the text of its class name."
    )
    csharp: bool = option(True, help="Write C# beside the data: it loads, trains, evaluates and predicts.")


def sniff(head: bytes, names: Sequence[str]) -> Verdict:
    """Tell ML.NET's text by its schema; any tab-separated text may be it."""
    text = head.removeprefix(b"\xef\xbb\xbf")
    if text.startswith(b"#@ TextLoader"):
        return "yes"
    named = any(name.lower().removesuffix(".gz").endswith(".tsv") for name in names)
    return "maybe" if named and b"\t" in text and b"\0" not in text else "no"


def _given(options: MlNetWriteOptions) -> Mapping[str, object]:
    size = {"bytes_per_value": 1.6} if options.sparse else {}
    return {"suffixes": (SUFFIXES[options.separator],), "class_names": options.schema, **size}


@hookimpl
def mnistkit_register_format() -> Format:
    """Introduce the format."""
    return Format(
        api=1,
        name="mlnet",
        summary="Tab-separated text that ML.NET loads without a C# class.",
        suffixes=(".tsv", ".csv", ".txt"),
        reader="mnistkit_mlnet.reader:MlNetReader",
        writer="mnistkit_mlnet.writer:MlNetWriter",
        read_options=MlNetReadOptions,
        write_options=MlNetWriteOptions,
        sniff=sniff,
        dtypes=("uint8", "float32"),
        negative_labels=False,
        label_dtype="int64",
        class_names=True,
        bytes_per_value=2.6,
        bytes_per_image=4,
        given=_given,
    )
