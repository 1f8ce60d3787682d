"""What a split becomes: columns of ML.NET's types, with the annotations that go with them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from mnistkit.codecs.text import pixel_names
from mnistkit.dataset import Array, Batch, DatasetInfo, ExtraColumn, SplitInfo
from mnistkit_mlnet.idv import encode
from mnistkit_mlnet.idv.kinds import OWN, WORDS, Kind

LABEL, FEATURES = "Label", "Features"

_TEXT = Kind("TextSpan")


@dataclass(frozen=True, slots=True)
class Column:
    """A column to be written: its name, type and annotations (kind -> type and block of one row)."""

    name: str
    kind: Kind
    annotations: Mapping[str, tuple[Kind, bytes]] = field(default_factory=dict)

    @property
    def row_bytes(self) -> int:
        """Size of a row in a block, in bytes."""
        items = self.kind.size if self.kind.is_vector else 1
        assert self.kind.dtype
        return items * self.kind.dtype.itemsize + (4 if self.kind.is_vector else 0)

    def values(self, batch: Batch) -> Array:
        """Return the column's values in some rows: (n, …) numbers that its type can hold."""
        if self.name == FEATURES:
            return batch.images
        if self.name != LABEL:
            return batch.extra[self.name]
        assert batch.labels is not None
        return batch.labels.astype(np.int64) + 1


def columns_of(split: SplitInfo, info: DatasetInfo, kind: Literal["auto", "byte", "single"]) -> list[Column]:
    """Return the columns of a split: labels where there are any, images, extra columns."""
    columns = [_features(split, info, kind)]
    if split.labelled:
        columns.insert(0, _label(info))
    return [*columns, *extra_columns(split)]


def extra_columns(split: SplitInfo) -> list[Column]:
    """Return the extra columns of a split that ML.NET has types for."""
    return [Column(c.name, _extra_kind(c)) for c in split.extra if is_kept(c)]


def is_kept(column: ExtraColumn) -> bool:
    """Whether ML.NET has a type for an extra column: none for float16, nor for vectors of no values."""
    return column.dtype in WORDS and 0 not in column.shape


def _label(info: DatasetInfo) -> Column:
    count = max(1, info.classes)
    names = info.class_names
    noted = {"KeyValues": _text_vector(names)} if names else {}
    return Column(LABEL, Kind("Key2", Kind("UInt32"), count=count), noted)


def _features(split: SplitInfo, info: DatasetInfo, kind: str) -> Column:
    word = "Byte" if kind == "byte" or (kind == "auto" and split.dtype == "uint8") else "Single"
    own: dict[str, Any] = {"dtype": split.dtype, "shape": list(split.shape)}
    if info.class_names and not split.labelled:
        own["class_names"] = list(info.class_names)  # there is no column Label to hold them
    text = json.dumps(own, sort_keys=True)
    noted = {
        "SlotNames": _text_vector(pixel_names(split.shape)),
        OWN: (_TEXT, encode.texts([text])),
    }
    return Column(FEATURES, Kind("VBuffer", Kind(word), (split.values,)), noted)


def _extra_kind(column: ExtraColumn) -> Kind:
    items = Kind(WORDS[column.dtype])
    return Kind("VBuffer", items, column.shape) if column.shape else items


def _text_vector(texts: Sequence[str]) -> tuple[Kind, bytes]:
    return Kind("VBuffer", _TEXT, (len(texts),)), encode.text_vector(texts)
