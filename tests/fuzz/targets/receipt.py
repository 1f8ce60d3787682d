"""Receipts: ``mnistkit.json``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fuzz.sandbox import Refusal, folder, outcome

from mnistkit.naming import RECEIPT
from mnistkit.receipt import Receipt, SplitReceipt, is_sealed, receipt_of

DICTIONARY = (
    b'"receipt": 1', b'"splits": {', b'"train": {', b'"rows": 3', b'"shape": [28, 28]', b'"dtype": "uint8"',
    b'"labelled": true', b'"digest": "mk1:', b'"extra": {}', b'"options": {', b'"sources": [', b'"lost": []',
    b'"notes": []', b'"files": ""', b'"class_names": null', b"NaN", b"Infinity", b"-1", b"1e999", b"true",
    b"null", b"\\ud800", b"\\u0000", b"[[[[", b"{}", b"2", b"9" * 400, b"\xff\xfe", b"\xef\xbb\xbf", b"\n",
    b'"float32"', b'"int33"', b'"object"',
)  # fmt: skip


def seeds() -> Iterator[bytes]:
    """Yield receipts of one, two and no splits, and text that is none."""
    two = {"train": _split(), "test": _split(labelled=False, shape=(5, 6, 3))}
    one = _text({"train": _split()})
    texts = [one, _text(two), _text({}), one[:-3], "{}", "[]", "1", '{"receipt": 1}', "", "[" * 100_000]
    yield from (text.encode() for text in texts)
    yield one.replace('"blocks": "01234567",', "").encode()
    yield from (one.encode("utf-16"), one.encode("utf-8-sig"))


def _split(**changed: object) -> SplitReceipt:
    facts = {"rows": 3, "shape": (28, 28), "dtype": "uint8", "labelled": True, "digest": "mk1:" + "0" * 64}
    return SplitReceipt(**{**facts, "blocks": "01234567", "extra": {"writer": "f" * 64}, **changed})


def _text(splits: dict[str, SplitReceipt]) -> str:
    return Receipt(
        mnistkit="1", api=1, format="csv", options={"preset": "kaggle", "header": None}, dataset="mnist",
        licence="free", citation="", homepage="", splits=splits, digest="mk1:", class_names=None,
        sources=({"name": "a", "bytes": 7, "sha256": "partial"},), notes=("a note",), lost=("what was lost",),
        files="0" * 64,
    ).to_json()  # fmt: skip


def target(data: bytes) -> None:
    """A file is a receipt, or is refused in one line; a receipt is told by its own text again."""
    path = folder() / RECEIPT
    path.write_bytes(data)
    found = outcome(lambda: receipt_of(folder()))
    assert found is not None
    if isinstance(found, Refusal):
        return
    again = found.to_json()
    path.write_text(again, encoding="utf-8")
    assert repr(receipt_of(folder())) == repr(found)
    assert repr(_sorted(_unsealed(_whole(json.loads(data))))) == repr(_sorted(_unsealed(json.loads(again))))
    assert is_sealed(folder())
    assert found.rows >= 0


def _whole(values: dict[str, Any]) -> dict[str, Any]:
    """Return what a receipt says with what its splits may leave unsaid."""
    splits = {name: {"blocks": "", "extra": {}, **split} for name, split in values["splits"].items()}
    return {**values, "splits": splits}


def _unsealed(values: dict[str, Any]) -> dict[str, Any]:
    """Return what a receipt says but for its seal, which depends on the spelling of all the rest."""
    return {name: value for name, value in values.items() if name != "seal"}


def _sorted(value: object) -> object:
    """Return what JSON holds with the keys of all objects in order."""
    if isinstance(value, dict):
        return sorted((key, _sorted(item)) for key, item in value.items())
    return [_sorted(item) for item in value] if isinstance(value, list) else value
