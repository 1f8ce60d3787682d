"""Labels as class names: one word before the pixels of a line, and back to its number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mnistkit.codecs.text.layout import Layout
from mnistkit.errors import DataError


def words_of(names: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.bytes_]]:
    """Return class names as an array of UTF-8 bytes, to be looked up by label."""
    return np.array([name.encode() for name in names], np.bytes_)


def begin_with(words: Sequence[bytes], text: bytes, separator: bytes) -> bytes:
    """Put a word and a separator before each line."""
    lines = text.split(b"\n")[:-1]
    return b"".join(word + separator + line + b"\n" for word, line in zip(words, lines, strict=True))


def numbered(text: bytes, layout: Layout, *, where: str, line: int) -> bytes:
    """Put its number in place of the word that begins each line.

    Args:
        text: Whole lines.
        layout: Tells the names of the classes, in order.
        where: The file, for messages.
        line: Number of the first line.

    Raises:
        DataError: A word that is no name of a class.
    """
    known = {name.encode(): b"%d" % i for i, name in enumerate(layout.class_names)}
    return b"".join(_numbered(text, layout.separator, known, where, line))


def _numbered(
    text: bytes, separator: bytes, known: dict[bytes, bytes], where: str, line: int
) -> Iterator[bytes]:
    for number, row in enumerate(text.split(b"\n")[:-1], line):
        word, found, rest = row.partition(separator)
        if word not in known:
            shown = word[:24].decode("utf-8", "backslashreplace")
            raise DataError(
                f"{where}, line {number}", "label", found=repr(shown),
                expected=f"one of the {len(known)} class names that the file lists",
            )  # fmt: skip
        yield known[word] + found + rest + b"\n"
