"""The receipt of an export: what it holds, where it came from, what was lost, and how to prove it.

``mnistkit.json`` is the receipt; ``mnistkit.sha256`` lists every other file as ``sha256sum -c``
reads it, and the receipt holds the SHA-256 of that list.  The receipt's own is its last value, the
seal: the SHA-256 of the file with 64 zeros in the seal's place.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mnistkit.dataset import SplitInfo
from mnistkit.errors import DataError
from mnistkit.naming import RECEIPT
from mnistkit.records import type_problems

#: Version of the receipt's own layout.
LAYOUT = 1

_ZEROS = 64 * "0"
_SEAL = re.compile(rb'"seal": "([0-9a-f]{64})"\n}\n\Z')


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitReceipt:
    """What an export holds of one split.

    Attributes:
        rows: Number of images.
        shape: Shape of one image.
        dtype: numpy's name of the pixels' type.
        labelled: Whether there are labels.
        digest: The content digest, ``mk1:…``.
        blocks: 8 hex digits for each block of 4096 images, to tell where a difference is.
        extra: Digest of each extra column that the format keeps.
    """

    rows: int
    shape: tuple[int, ...]
    dtype: str
    labelled: bool
    digest: str
    blocks: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What is known of an export without reading its files.

    Attributes:
        mnistkit: Version of mnistkit that wrote it.
        api: Version of the plugin interface.
        format: Name of the format.
        options: The format's write options.
        dataset: Name of the dataset.
        licence: Licence of the data; empty where unknown.
        citation: How to cite the dataset.
        homepage: Where the dataset comes from.
        sources: The files it was made from: name, size and SHA-256, or ``partial``.
        splits: What it holds, by split.
        digest: The dataset's content digest.
        class_names: Digest of the class names, or None where there are none or they are lost.
        notes: Sentences on how the dataset differs from the files it was read from.
        lost: Sentences on what the format does not carry.
        files: SHA-256 of ``mnistkit.sha256``.
    """

    mnistkit: str
    api: int
    format: str
    options: Mapping[str, Any]
    dataset: str
    licence: str
    citation: str
    homepage: str
    sources: tuple[Mapping[str, Any], ...]
    splits: Mapping[str, SplitReceipt]
    digest: str
    class_names: str | None
    notes: tuple[str, ...]
    lost: tuple[str, ...]
    files: str

    @property
    def rows(self) -> int:
        """Number of images of all splits."""
        return sum(split.rows for split in self.splits.values())

    def to_json(self) -> str:
        """Return the text of ``mnistkit.json``."""
        values = {"receipt": LAYOUT, **asdict(self), "seal": _ZEROS}
        before, _, after = (json.dumps(values, indent=2, ensure_ascii=False) + "\n").rpartition(_ZEROS)
        return before + _sealing(before.encode(), after.encode()) + after


def receipt_of(folder: Path) -> Receipt | None:
    """Read the receipt of an export; None where the folder has none.

    Raises:
        DataError: There is a ``mnistkit.json`` that is no receipt.
    """
    text = _read(folder)
    return None if text is None else _receipt(text, folder / RECEIPT)


def is_sealed(folder: Path) -> bool:
    """Whether a receipt is, to the byte, as it was written; one without a seal is taken at its word.

    Raises:
        DataError: It cannot be read.
    """
    text = _read(folder) or b""
    found = _SEAL.search(text)
    if found is None:
        return b'"seal"' not in text
    return _sealing(text[: found.start(1)], text[found.end(1) :]).encode() == found[1]


def _sealing(before: bytes, after: bytes) -> str:
    return hashlib.sha256(before + _ZEROS.encode() + after).hexdigest()


def _read(folder: Path) -> bytes | None:
    path = folder / RECEIPT
    try:
        if not path.exists():
            return None
        if not path.is_file():
            raise DataError(path, "not a file", todo="remove it")
        return path.read_bytes()
    except OSError as error:
        raise DataError(path, "cannot be read", found=error.strerror) from error


def _receipt(text: bytes, path: Path) -> Receipt:
    try:
        return _parse(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(
            path, "not a receipt of mnistkit", found=str(error) or type(error).__name__,
            todo="remove it, or make the export again",
        ) from error  # fmt: skip


def _parse(values: Any) -> Receipt:
    values.pop("seal", None)
    layout = values.pop("receipt")
    if layout != LAYOUT:
        raise ValueError(f"receipt layout {layout!r} instead of {LAYOUT}")
    splits = {
        name: SplitReceipt(**{**split, "shape": _listed("shape", split["shape"])})
        for name, split in values.pop("splits").items()
    }
    lists: dict[str, Any] = {name: _listed(name, values.pop(name)) for name in ("sources", "notes", "lost")}
    receipt = Receipt(**values, **lists, splits=splits)
    problems = [p for split in receipt.splits.values() for p in type_problems(split)]
    for problem in (*type_problems(receipt), *problems):
        raise TypeError(problem)
    for name, split in receipt.splits.items():
        if split.rows < 0:
            raise ValueError(f"{split.rows} rows")
        SplitInfo(name, split.rows, split.shape, split.dtype)  # raises where such a split cannot be
    receipt.to_json().encode()  # raises where something is no text, or too deep to be written again
    return receipt


def _listed(name: str, values: Any) -> tuple[Any, ...]:
    if not isinstance(values, list):  # a text would become as many texts as it has letters
        raise TypeError(f"{name}: expected a list, found {values!r}")
    return tuple(values)
