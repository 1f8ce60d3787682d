"""Pixels of type float32 as decimal numbers: the shortest that read back exactly.

Arrow formats (Grisu) and parses (Eisel and Lemire's algorithm), both exact to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mnistkit.codecs.text.layout import Layout
from mnistkit.codecs.text.tokens import Bytes, Numbers, Places, tokens, whole_numbers
from mnistkit.codecs.text.words import begin_with
from mnistkit.dataset import Array
from mnistkit.errors import CapabilityError

Floats: TypeAlias = npt.NDArray[np.float32]

#: Arrow reads words as well, ``nan`` and ``inf``, which are no pixels.
_NUMERALS = b"0123456789.+-eE"


def texts(values: Array, *, where: str) -> Any:
    """Return each of some float32 values as text, in an array of Arrow's.

    Raises:
        CapabilityError: One is infinite or no number: other tools take those for gaps.
    """
    flat = np.ascontiguousarray(values, np.float32).reshape(-1)
    finite = np.isfinite(flat)
    if not finite.all():
        raise CapabilityError(where, "pixels", expected="finite numbers", found=str(flat[~finite][0]))
    pa = _arrow()
    # Not pa.array, to_numpy or binary_join, which import pandas where it is installed: 0.3 s.
    array = pa.Array.from_buffers(pa.float32(), len(flat), [None, pa.py_buffer(flat)])
    return pa.compute.cast(array, pa.string())


def encode_floats(images: Array, labels: Array | None, *, separator: bytes, where: str) -> bytes:
    r"""Return one line of decimal numbers for each image, the label first, each ending in ``\n``.

    Args:
        images: float32 (n, …); values leave in C-order: row, column, channel.
        labels: (n,) integers, or None.
        separator: One byte.
        where: What messages call it.

    Raises:
        CapabilityError: As :func:`texts`.
    """
    cells = texts(images, where=where)
    data, ends = np.frombuffer(cells.buffers()[2], np.uint8), np.frombuffer(cells.buffers()[1], np.int32)
    closing = np.full((len(images), int(np.prod(images.shape[1:]))), ord(separator), np.uint8)
    closing[:, -1] = ord("\n")
    text = np.insert(data[: ends[len(cells)]], ends[1 : len(cells) + 1], closing.reshape(-1)).tobytes()
    return (
        text if labels is None else begin_with([b"%d" % label for label in labels.tolist()], text, separator)
    )


def decode_floats(text: bytes, layout: Layout) -> Numbers | None:
    """Decode dense lines of plain numbers; None where there is anything else, right or wrong."""
    raw = np.frombuffer(text, np.uint8)
    starts, ends = tokens(raw, b"\n" + layout.separator)
    is_last = raw[ends] == ord("\n")
    rows = int(np.count_nonzero(is_last))
    if len(ends) != rows * layout.cells or not is_last[layout.cells - 1 :: layout.cells].all():
        return None
    table = np.arange(len(ends)).reshape(rows, layout.cells)
    pixels = table[:, layout.pixel_columns].reshape(-1)
    others = table[:, list(layout.integer_columns)].T
    values = numbers(raw, starts[pixels], ends[pixels])
    columns = [whole_numbers(raw, starts[column], ends[column]) for column in others]
    if values is None or any(column is None for column in columns):
        return None
    return values.reshape(rows, layout.values), tuple(column for column in columns if column is not None)


def numbers(raw: Bytes, starts: Places, ends: Places) -> Floats | None:
    """Read tokens as float32, each rounded once; None where one is no finite decimal number."""
    known = np.zeros(256, np.bool_)
    known[list(_NUMERALS)] = True
    inside = np.zeros(len(raw) + 1, np.int8)
    inside[starts] += 1
    inside[ends] -= 1
    text = raw[np.cumsum(inside[:-1], dtype=np.int8).view(np.bool_)]
    if not known.take(text).all():
        return None
    offsets = np.concatenate([[0], np.cumsum(ends - starts)]).astype(np.int32)
    pa = _arrow()
    cells = pa.StringArray.from_buffers(len(starts), pa.py_buffer(offsets), pa.py_buffer(text))
    return _cast(cells)


def numbers_of(cells: Sequence[bytes]) -> Floats | None:
    """Read cells as float32, as :func:`numbers` does."""
    closed = b"".join(cell + b"\n" for cell in cells)
    ends = np.cumsum([len(cell) + 1 for cell in cells], dtype=np.intp) - 1
    starts = ends - np.array([len(cell) for cell in cells], np.intp)
    return numbers(np.frombuffer(closed, np.uint8), starts, ends)


def _cast(cells: Any) -> Floats | None:
    pa = _arrow()
    try:
        array = pa.compute.cast(cells, pa.float32())
    except pa.ArrowInvalid:
        return None
    found: Floats = np.frombuffer(array.buffers()[1], np.float32, len(array), 4 * array.offset)
    return found if np.isfinite(found).all() else None


def _arrow() -> Any:
    import pyarrow.compute  # noqa: PLC0415 - 100 ms that whole numbers do without

    return pyarrow
