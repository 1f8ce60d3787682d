"""Which columns of a table hold the images, the labels and the rest, in files of any origin.

An image is one column (an encoded image, bytes, a list, a tensor) or a column a pixel, named by number
(``pixel0``, ``px1``, ``column_2``, ``3``) or by place (``1x1`` to ``28x28``).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mnistkit.dataset import COLUMN_DTYPES
from mnistkit.errors import DataError
from mnistkit_parquet.schema import IMAGE, LABEL, PIXEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mnistkit_parquet import ParquetReadOptions
    from mnistkit_parquet.schema import Told

LABELS = (LABEL, "class", "target", "labels", "y")
IMAGES = (IMAGE, "img", "pixels", "features")

_NUMBER = re.compile(r"(?:pixel|px|x|column)?[ _]?([0-9]{1,9})", re.IGNORECASE)
_PLACED = re.compile(r"([0-9]{1,9})x([0-9]{1,9})", re.IGNORECASE)

_DTYPES = {pa.from_numpy_dtype(dtype): dtype for dtype in COLUMN_DTYPES}


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table by what they hold.

    Attributes:
        images: Name of the column with the images, or names of the columns with a pixel each, in order.
        by_pixel: Whether there is a column a pixel.
        label: Name of the column with the labels.
        extra: Names of all others that hold numbers.
        skipped: Names of those that do not.
        shape: Shape of one image, where the names tell it.
    """

    images: tuple[str, ...]
    by_pixel: bool
    label: str | None
    extra: tuple[str, ...]
    skipped: tuple[str, ...]
    shape: tuple[int, ...] | None = None

    @property
    def read(self) -> list[str]:
        """Names of the columns that are read."""
        return [*self.images, *([self.label] if self.label else []), *self.extra]


def find_columns(schema: pa.Schema, told: Told, asked: ParquetReadOptions, path: object) -> Columns:
    """Tell columns apart by their names and check that their types are what they have to be.

    Args:
        schema: The schema of the file.
        told: What its metadata tells; in files of this plugin, only the plugin's own names count.
        asked: The options ``image`` and ``label``.
        path: The file, for messages.

    Raises:
        DataError: No images, an incomplete set of pixel columns, two columns of one name, no column of a
            name that was asked for, or images or labels of an impossible type.
    """
    names = schema.names
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise DataError(path, "two columns of one name", found=twice[0])
    label = _asked(names, asked.label, path) or _named(names, LABELS, own=told.own)
    if not label and not told.own and len(told.class_labels) == 1:
        label = next((name for name in told.class_labels if name in names), None)
    image = _asked(names, asked.image, path) or _named(names, IMAGES, own=told.own)
    pixels, shape = ([image], None) if image else _pixels(names, own=told.own, path=path)
    if not pixels:
        known = f"a column {', '.join(IMAGES)}, or columns pixel0, pixel1, …"
        todo = "name the column: --read image=NAME"
        raise DataError(path, "no images", expected=known, found=_listed(names), todo=todo)
    rest = [name for name in names if name not in {label, *pixels}]
    extra = tuple(name for name in rest if dtype_of(leaf(schema.field(name).type)))
    skipped = tuple(name for name in rest if name not in extra)
    found = Columns(tuple(pixels), not image, label, extra, skipped, shape)
    _check_types(schema, found, path)
    return found


def storage(kind: pa.DataType) -> pa.DataType:
    """Return what values of an extension type or of a dictionary are, any other type as it is."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def is_list(kind: pa.DataType) -> bool:
    """Whether values are lists, of fixed length or not."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def is_binary(kind: pa.DataType) -> bool:
    """Whether values are bytes, of fixed length or not."""
    binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    return bool(binary)


def is_text(kind: pa.DataType) -> bool:
    """Whether values are texts, in a dictionary or not."""
    kind = storage(kind)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def is_encoded(kind: pa.DataType) -> bool:
    """Whether values are structs that hold an image file in a field ``bytes``."""
    at = kind.get_field_index("bytes") if pa.types.is_struct(kind) else -1
    return at >= 0 and is_binary(kind.field(at).type)


def leaf(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values in nested lists."""
    kind = storage(kind)
    return leaf(kind.value_type) if is_list(kind) else kind


def dtype_of(kind: pa.DataType) -> str | None:
    """Return numpy's name of a type of numbers (or bool), None for any other."""
    return _DTYPES.get(kind)


def dtype_in(schema: pa.Schema, name: str, path: object) -> str:
    """Return numpy's name of the type of the numbers in a column, nested or not.

    Raises:
        DataError: They are no numbers.
    """
    kind = schema.field(name).type
    dtype = dtype_of(leaf(kind))
    if dtype is None:
        raise _bad_type(path, name, "numbers", kind)
    return dtype


def _asked(names: Sequence[str], name: str, path: object) -> str:
    if name and name not in names:
        raise DataError(path, f"no column {name!r}", found=_listed(names))
    return name


def _named(names: Sequence[str], wanted: Sequence[str], *, own: bool) -> str | None:
    """Return the column with the first of these names; in files of this plugin, only the first one counts."""
    if own:
        return wanted[0] if wanted[0] in names else None
    by_lower = {name.lower(): name for name in reversed(names)}
    return next((by_lower[name] for name in wanted if name in by_lower), None)


def _pixels(names: Sequence[str], *, own: bool, path: object) -> tuple[list[str], tuple[int, int] | None]:
    """Return the columns with a pixel each, in order, and the shape of an image if their names tell it."""
    placed, shape = ([], None) if own else _grid(names, path)
    return placed or _numbered(names, PIXEL if own else _NUMBER, path), shape


def _grid(names: Sequence[str], path: object) -> tuple[list[str], tuple[int, int] | None]:
    """Return the columns named by place, row by row, and the shape that they tell."""
    placed = {(int(m[1]), int(m[2])): m.string for n in names if (m := _PLACED.fullmatch(n))}
    if not placed:
        return [], None
    height, width = (max(place[axis] for place in placed) for axis in (0, 1))
    if height * width != len(placed):
        raise DataError(path, "pixel columns", expected=f"{height}x{width} from 1x1 on", found=len(placed))
    return _in_order(placed, product(range(1, height + 1), range(1, width + 1)), path), (height, width)


def _numbered(names: Sequence[str], pattern: re.Pattern[str], path: object) -> list[str]:
    """Return the columns named by number, from 0 or 1 on."""
    numbered = {int(m[1]): m.string for n in names if (m := pattern.fullmatch(n))}
    first = 0 if 0 in numbered else 1
    return _in_order(numbered, range(first, first + len(numbered)), path)


def _in_order(columns: Mapping[Any, str], places: Iterable[Any], path: object) -> list[str]:
    ordered = [columns.get(place) for place in places]
    if None in ordered:
        raise DataError(path, "pixel columns with a gap", found=_listed(list(columns.values())))
    return [name for name in ordered if name is not None]


def _check_types(schema: pa.Schema, columns: Columns, path: object) -> None:
    kinds = dict(zip(schema.names, schema.types, strict=True))
    label = kinds[columns.label] if columns.label else pa.int64()
    if not pa.types.is_integer(storage(label)) and not is_text(label):
        raise _bad_type(path, columns.label, "integers or texts", label)
    first = kinds[columns.images[0]]
    if columns.by_pixel and dtype_of(first) in (None, "bool"):
        raise _bad_type(path, columns.images[0], "numbers", first)
    if dtype_of(leaf(first)) in (None, "bool") and not is_binary(first) and not is_encoded(first):
        raise _bad_type(path, columns.images[0], "image files, bytes or lists of numbers", first)
    for name in columns.images:
        both_integers = pa.types.is_integer(kinds[name]) and pa.types.is_integer(first)
        if kinds[name] != first and not both_integers:
            raise _bad_type(path, name, f"{first}, like column {columns.images[0]!r}", kinds[name])


def _bad_type(path: object, name: str | None, expected: str, kind: pa.DataType) -> DataError:
    return DataError(path, f"type of column {name!r}", expected=expected, found=str(kind))


def _listed(names: Sequence[str]) -> str:
    shown = [name if len(name) <= 40 else name[:40] + "…" for name in names[:5]]
    return ", ".join(shown) + (f", … ({len(names)} columns)" if len(names) > 5 else "") or "no columns"
