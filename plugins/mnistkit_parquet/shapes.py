"""What the images of a table are: how they are stored, their shape and type.

The shape comes from the first of these that tells it: the file's own metadata; the names of the columns
(``28x28``), nested lists, a tensor type or the first image file; the read option; the receipt beside
the file; a square with as many pixels.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from mnistkit.codecs import png
from mnistkit.errors import DataError
from mnistkit_parquet.columns import Columns, dtype_in, is_binary, is_encoded, is_list, storage

if TYPE_CHECKING:
    from mnistkit_parquet.schema import Told

_log = logging.getLogger("mnistkit.parquet")

#: How an image file in a column of plain bytes begins: PNG and JPEG.
_IMAGE_FILES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


@dataclass(frozen=True, slots=True)
class Images:
    """How the images of a table are stored, and what they are.

    Attributes:
        kind: An image file, the bytes of the pixels, (nested) lists of pixels, or a column a pixel.
        dtype: numpy's name of the pixels' type.
        shape: Shape of one image; empty where nothing in the table tells it.
        values: Number of pixel values of one image; 0 where nothing tells it.
        lengths: Lengths of the nested lists, the outermost first.
        stored: Bytes of one image as the table holds it, decompressed.
    """

    kind: Literal["files", "bytes", "lists", "columns"]
    dtype: str
    shape: tuple[int, ...] = ()
    values: int = 0
    lengths: tuple[int, ...] = ()
    stored: int = 0


def find_images(schema: pa.Schema, columns: Columns, told: Told, first: Any, path: object) -> Images:
    """Find out what the images of a table are, as far as the table tells.

    Args:
        schema: Its schema.
        columns: Its columns by what they hold.
        told: What its metadata tells.
        first: The first value of the column of images, where its type is open; None if there are no rows.
        path: The file, for messages.

    Raises:
        DataError: Metadata at odds with the columns, or a first image that is damaged.
    """
    images = _stored(schema, columns, told, first, path)
    if told.shape and images.values not in (0, math.prod(told.shape)):
        raise DataError(path, "pixels of an image", expected=_spelled(told.shape), found=images.values)
    if (
        told.dtype
        and images.dtype != told.dtype
        and "f" in np.dtype(told.dtype).kind + np.dtype(images.dtype).kind
    ):
        raise DataError(path, "type of the pixels", expected=told.dtype, found=images.dtype)
    return replace(images, shape=told.shape or images.shape, dtype=told.dtype or images.dtype)


def settle(
    images: Images, asked: tuple[int, ...] | None, hinted: tuple[int, ...] | None, path: object
) -> Images:
    """Settle the shape of images whose table does not tell it.

    Args:
        images: What the table tells.
        asked: The shape that the user asked for.
        hinted: The shape that something else lets expect.
        path: The file, for messages.

    Raises:
        DataError: The shape asked for is not the images', or nothing tells the shape.
    """
    if images.shape and asked not in (None, images.shape):
        raise DataError(path, "shape of images", expected=_spelled(asked), found=_spelled(images.shape))
    shape = images.shape or asked or hinted or _square(images.values, path)
    if images.values not in (0, math.prod(shape)):
        raise DataError(path, "pixels of an image", expected=_spelled(shape), found=images.values)
    return replace(images, shape=shape)


def is_open(kind: pa.DataType) -> bool:
    """Whether a type leaves open how long its values are, so that the first of them must tell."""
    kind = storage(kind)
    if is_list(kind):
        return not pa.types.is_fixed_size_list(kind) or is_open(kind.value_type)
    return is_encoded(kind) or (is_binary(kind) and not pa.types.is_fixed_size_binary(kind))


def lengths_in(kind: pa.DataType, first: Any) -> tuple[int, ...]:
    """Return the lengths of nested lists, from their type or the first value (None if there is none)."""
    kind = storage(kind)
    if not is_list(kind):
        return ()
    length = kind.list_size if pa.types.is_fixed_size_list(kind) else len(first or ())
    return (length, *lengths_in(kind.value_type, first[0] if first else None))


def _stored(schema: pa.Schema, columns: Columns, told: Told, first: Any, path: object) -> Images:
    kind = schema.field(columns.images[0]).type
    if columns.by_pixel:
        dtypes = [dtype_in(schema, name, path) for name in columns.images]
        stored = sum(max(4, np.dtype(dtype).itemsize) for dtype in dtypes)  # Parquet has no narrower integers
        return Images("columns", _narrow(*dtypes), columns.shape or (), len(dtypes), stored=stored)
    if is_encoded(kind) or (is_binary(kind) and (first or b"").startswith(_IMAGE_FILES)):
        return _file(first, told, path)
    if is_binary(kind):
        width = kind.byte_width if pa.types.is_fixed_size_binary(kind) else len(first or b"")
        return _bytes(width, told.dtype or "uint8", path)
    dtype, lengths = dtype_in(schema, columns.images[0], path), lengths_in(kind, first)
    shape = tuple(kind.shape) if isinstance(kind, pa.FixedShapeTensorType) else lengths
    if isinstance(kind, pa.FixedShapeTensorType) and kind.permutation not in (None, [*range(len(shape))]):
        raise DataError(path, "tensors of permuted axes", found=kind.permutation)
    values = math.prod(lengths)
    stored = values * np.dtype(dtype).itemsize
    return Images("lists", _narrow(dtype), shape if len(shape) > 1 else (), values, lengths, stored)


def _file(first: Any, told: Told, path: object) -> Images:
    file = first["bytes"] if isinstance(first, dict) else first
    if file is None:
        return Images("files", told.dtype or "uint8")
    shape, dtype = png.peek(file, f"{path}: row 0")
    values = math.prod(shape)
    return Images("files", dtype, shape, values, stored=max(len(file), values * np.dtype(dtype).itemsize))


def _bytes(width: int, dtype: str, path: object) -> Images:
    values, rest = divmod(width, np.dtype(dtype).itemsize)
    if rest:
        raise DataError(path, "bytes of an image", expected=f"a multiple of those of a {dtype}", found=width)
    return Images("bytes", dtype, (), values, stored=width)


def _narrow(*dtypes: str) -> str:
    """Return the type of pixels: int64, which most tools give to any whole number, is read as uint8.

    So are columns of several types, as of tools that give each the least type that holds its values.
    """
    return "uint8" if "int64" in dtypes or len({*dtypes}) > 1 else dtypes[0]


def _square(values: int, path: object) -> tuple[int, int]:
    side = math.isqrt(values)
    if not values or side * side != values:
        found = f"{values} pixels, no square" if values else "no images"
        raise DataError(path, "shape of images unknown", found=found, todo="tell it: --read shape=HxW")
    _log.warning("%s: taken for gray images of %d x %d; if not, use --read shape=HxW", path, side, side)
    return side, side


def _spelled(shape: tuple[int, ...] | None) -> str:
    return "x".join(map(str, shape or ()))
