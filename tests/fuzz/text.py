"""What the targets of both text formats share: each file is read in both lanes, and once more by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
from fuzz.sandbox import Refusal, folder, same_in_both_lanes

from mnistkit.codecs.text.decode import decode
from mnistkit.codecs.text.encode import encode
from mnistkit.codecs.text.layout import Layout
from mnistkit.codecs.text.lines import Block
from mnistkit.codecs.text.rows import Table
from mnistkit.registry import load_format
from mnistkit.testing import read_dataset

#: Images of more values than this are not compared number by number.
_MOST_VALUES = 1 << 16


def check(format_name: str, options: Sequence[Mapping[str, object]], suffix: str, data: bytes) -> None:
    """Read ``data[1:]`` under the options that its first byte picks."""
    path = folder() / f"train{suffix}"
    path.write_bytes(data[1:])
    chosen = options[(data[0] if data else 0) % len(options)]
    found = same_in_both_lanes(lambda: _read(format_name, path, chosen))
    if not isinstance(found, Refusal) and len(found.pixels) * found.layout.values <= _MOST_VALUES:
        _check_by_hand(found, data[1:])
        if found.layout.dtype == "uint8":
            _check_again(found)


class Found:
    """What a reader has found in a file; equal where all of it is."""

    def __init__(self, table: Table, pixels: np.ndarray, integers: Mapping[str, np.ndarray]) -> None:
        self.layout = table.layout
        self.line = table.line
        self.compressed = table.compressed
        self.pixels = pixels.reshape(len(pixels), table.layout.values)
        self.integers = integers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Found) and self._facts() == other._facts()

    __hash__ = None

    def __repr__(self) -> str:
        return f"{self._facts()!r:.400}"

    def _facts(self) -> tuple[object, ...]:
        columns = {name: column.tolist() for name, column in self.integers.items()}
        return self.layout, self.line, self.pixels.shape, self.pixels.tobytes(), columns


def _read(format_name: str, path: Path, options: Mapping[str, object]) -> Found:
    dataset = read_dataset(load_format(format_name), path, **options)
    split = dataset["train"]
    pieces = list(split.batches(2)) if len(split) <= 64 else []
    whole = split.load()
    if pieces:
        assert b"".join(piece.images.tobytes() for piece in pieces) == whole.images.tobytes()
    assert whole.images.shape == (len(split), *split.info.shape)
    (table,) = dataset.reader._tables["train"]
    labels = {} if whole.labels is None else {"": whole.labels}
    return Found(table, np.array(whole.images), {**labels, **whole.extra})


def _check_by_hand(found: Found, content: bytes) -> None:
    if found.compressed or found.layout.words:
        return
    lines = content.rstrip(b" \t\r\n").split(b"\n")[found.line - 1 :] if len(found.pixels) else []
    assert len(lines) == len(found.pixels)
    layout = found.layout
    for line, pixels in zip(lines, found.pixels, strict=True):
        # A mark of the order of bytes may stand before the first line.
        cells = _cells(line.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\r"), layout)
        numbers = [_number(cell, layout) for cell in cells[layout.pixel_columns]]
        expected = np.array([float(number) for number in numbers])
        if layout.dtype == "uint8":
            assert expected.tolist() == pixels.tolist(), line[:200]
        else:  # float() rounds before float32 does: at most one step apart
            steps = np.spacing(np.abs(pixels).astype(np.float32))
            assert (np.abs(expected - pixels.astype(float)) <= steps).all(), line[:200]
    _check_labels(found, lines)


def _check_labels(found: Found, lines: Sequence[bytes]) -> None:
    layout = found.layout
    if layout.label is None:
        return
    column = layout.integer_columns[layout.label]
    cells = [_cells(line.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\r"), layout)[column] for line in lines]
    assert [int(_number(cell, layout)) for cell in cells] == found.integers[""].tolist()


def _cells(line: bytes, layout: Layout) -> list[bytes]:
    cells = line.split(layout.separator)
    if not (layout.sparse and b":" in line):
        return cells
    at = next(i for i, cell in enumerate(cells) if b":" in cell)
    dense = [b"0"] * (layout.cells - at + 1)
    for item in cells[at:]:
        place, _, value = item.partition(b":")
        dense[int(place)] = value
    return [*cells[: at - 1], *dense]


def _number(cell: bytes, layout: Layout) -> Decimal:
    bare = cell.strip(b' \t"'.replace(layout.separator, b""))
    return Decimal(bare.decode("ascii"))


def _check_again(found: Found) -> None:
    """Write what was read, and read it again."""
    labels = found.integers.get("")
    images = found.pixels.reshape(-1, *found.layout.shape)
    text = encode(images, labels, separator=b",", label="last")
    after = () if labels is None else ("label",)
    layout = Layout(b",", found.layout.shape, after=after, label=None if labels is None else 0)
    rows = decode(Block(text, 1, 0), layout, path=Path("again"))
    assert rows.pixels.tobytes() == found.pixels.tobytes()
    assert labels is None or rows.integers[0].tolist() == labels.tolist()
