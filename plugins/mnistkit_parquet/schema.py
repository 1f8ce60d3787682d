"""What a file says of itself: its Arrow schema, and the metadata that tell shape, types and class names."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeGuard

import pyarrow as pa

from mnistkit.dataset import DTYPES, DatasetInfo, ExtraColumn, SplitInfo
from mnistkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnistkit_parquet import Layout

LABEL, IMAGE = "label", "image"
PIXEL = re.compile(r"pixel([0-9]{1,9})")

#: Hugging Face's image: this order of fields.
ENCODED = pa.struct([("bytes", pa.binary()), ("path", pa.string())])

#: Above so many classes without names, ``ClassLabel`` would mostly list numbers.
MOST_NUMBERS = 4096

#: As many bytes Parquet can hold in one value.
_MOST_VALUES = 1 << 31

_OWN, _HUGGING_FACE = b"mnistkit", b"huggingface"


@dataclass(frozen=True, slots=True)
class Told:
    """What the metadata of a file tells; None where it does not.

    Attributes:
        shape: Shape of one image.
        dtype: numpy's name of the pixels' type.
        class_names: Name of class i at index i, where this plugin wrote it.
        class_labels: Names of the columns that Hugging Face calls class labels -> names of their classes.
    """

    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    class_names: tuple[str, ...] | None = None
    class_labels: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)

    @property
    def own(self) -> bool:
        """Whether this plugin wrote the file, so that its columns have the names given here."""
        return self.shape is not None

    def names_of(self, label: str | None) -> tuple[str, ...] | None:
        """Return the names of the classes in a column."""
        return self.class_names or self.class_labels.get(label or "")


def schema_of(split: SplitInfo, info: DatasetInfo, layout: Layout) -> pa.Schema:
    """Return the Arrow schema of a split; fields are nullable, as Hugging Face wants those of features."""
    label = [pa.field(LABEL, pa.int64())] if split.labelled else []
    extra = [pa.field(c.name, _extra_type(c)) for c in kept(split, layout)]
    if layout == "columns":
        pixel = pa.from_numpy_dtype(split.dtype)
        fields = [*label, *(pa.field(f"pixel{i}", pixel) for i in range(split.values)), *extra]
    else:
        image = ENCODED if layout == "image" else pa.binary(split.image_bytes)
        fields = [pa.field(IMAGE, image), *label, *extra]
    return pa.schema(fields, _metadata(split, info, layout))


def kept(split: SplitInfo, layout: Layout) -> tuple[ExtraColumn, ...]:
    """Return the further columns that a layout can carry."""
    return tuple(c for c in split.extra if not why_lost(c, layout))


def why_lost(column: ExtraColumn, layout: Layout) -> str:
    """Say why a layout cannot carry a further column; nothing where it can."""
    if 0 in column.shape:
        return "its values are empty"
    pixel = layout == "columns" and PIXEL.fullmatch(column.name)
    return "its name is taken" if pixel or column.name in (LABEL, IMAGE) else ""


def told_by(schema: pa.Schema, path: object) -> Told:
    """Read the metadata of a file.

    Raises:
        DataError: Metadata that is no JSON, or tells nonsense.
    """
    class_labels = _class_labels(_parsed(schema, _HUGGING_FACE, path))
    own = _parsed(schema, _OWN, path)
    if own is None:
        return Told(class_labels=class_labels)
    shape, dtype = own.get("shape"), own.get("dtype")
    if not _is_shape(shape) or dtype not in DTYPES:
        found = json.dumps(own, sort_keys=True)
        raise DataError(path, "metadata 'mnistkit'", expected="shape and dtype of images", found=found)
    return Told(tuple(shape), dtype, _strings(own.get("class_names")), class_labels)


def _extra_type(column: ExtraColumn) -> pa.DataType:
    kind = pa.from_numpy_dtype(column.dtype)
    for length in reversed(column.shape):
        kind = pa.list_(kind, length)
    return kind


def _metadata(split: SplitInfo, info: DatasetInfo, layout: Layout) -> dict[str, str]:
    own: dict[str, Any] = {"dtype": split.dtype, "shape": list(split.shape)}
    classes = split.labelled and _are_classes(info)
    if info.class_names and not classes:
        own["class_names"] = list(info.class_names)
    features: dict[str, Any] = {}
    if layout != "columns":
        features[IMAGE] = {"_type": "Image"} if layout == "image" else _value("binary")
    if split.labelled:
        names = [info.class_name(i) for i in range(info.classes)] if classes else []
        features[LABEL] = {"names": names, "_type": "ClassLabel"} if classes else _value("int64")
    features |= {c.name: _feature(c.dtype, c.shape) for c in kept(split, layout)}
    return {
        "huggingface": json.dumps({"info": {"features": features}}),
        "mnistkit": json.dumps(own, sort_keys=True),
    }


def _are_classes(info: DatasetInfo) -> bool:
    """Whether all labels count classes from 0, as Hugging Face's ``ClassLabel`` wants them."""
    few = info.class_names is not None or info.classes <= MOST_NUMBERS
    return few and info.classes > 0 and info.least_label >= 0


def _feature(dtype: str, shape: tuple[int, ...]) -> dict[str, Any]:
    if not shape:
        return _value(dtype)
    # Hugging Face renamed Sequence to List and reads both.
    return {"feature": _feature(dtype, shape[1:]), "length": shape[0], "_type": "Sequence"}


def _value(dtype: str) -> dict[str, str]:
    return {"dtype": dtype, "_type": "Value"}


def _parsed(schema: pa.Schema, key: bytes, path: object) -> dict[str, Any] | None:
    text = (schema.metadata or {}).get(key)
    if text is None:
        return None
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:  # bad JSON and bad UTF-8 alike; brackets without end
        raise DataError(path, f"metadata {key.decode()!r} is no JSON", found=str(error)) from error
    if not isinstance(parsed, dict):
        raise DataError(
            path, f"metadata {key.decode()!r}", expected="a JSON object", found=type(parsed).__name__
        )
    return parsed


def _class_labels(metadata: Any) -> dict[str, tuple[str, ...] | None]:
    """Dig the class labels out of Hugging Face's metadata, whose shape is theirs to change."""
    for key in ("info", "features"):
        metadata = metadata.get(key) if isinstance(metadata, dict) else None
    features = metadata if isinstance(metadata, dict) else {}
    return {
        name: _strings(feature.get("names"))
        for name, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
    }


def _is_shape(shape: Any) -> TypeGuard[list[int]]:
    whole = isinstance(shape, list) and all(type(n) is int and n > 0 for n in shape)
    return whole and len(shape) in (2, 3) and math.prod(shape) < _MOST_VALUES


def _strings(names: Any) -> tuple[str, ...] | None:
    if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
        return tuple(names)
    return None
