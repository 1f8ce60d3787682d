"""``verify`` finds any flipped byte of any file of an export, whether it changes content or not."""

from __future__ import annotations

import hashlib
import json
import os
import random

import pytest
from faults.scenes import FORMATS, OLDER, amounts

import mnistkit
from mnistkit.errors import DataError

CHANGED = "its bytes have changed"


def flip(path, position, mask):
    """Flip some bits of one byte; again, and it is as it was."""
    with path.open("r+b") as file:
        file.seek(position)
        (byte,) = file.read(1)
        file.seek(position)
        file.write(bytes([byte ^ mask]))


def random_flips(folder, amount, seed):
    """Draw files, places in them and bits, all files alike whatever their size."""
    dice = random.Random(seed)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
    own = [path for path in files if path.name.startswith("mnistkit.")]
    for number in range(amount):
        path = own[number] if number < len(own) else dice.choice(files)
        yield path, dice.randrange(path.stat().st_size), dice.choice([1 << dice.randrange(8), 255])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no fork")
@amounts(9, 75)
@pytest.mark.parametrize("format", FORMATS)
def test_any_flipped_byte_is_found(scene, tally, format, amount):
    flipped = scene(format, OLDER)
    assert flipped.verify().code == 0

    for path, position, mask in random_flips(flipped.out, amount, format):
        flip(path, position, mask)
        verified = flipped.verify()
        flip(path, position, mask)
        tally["flips"] += 1
        where = f"{path.relative_to(flipped.out).as_posix()}: byte {position}, bits {mask:08b}"
        if verified.code == 1 and path.name == "mnistkit.json":
            assert "mnistkit.json: not a receipt of mnistkit" in verified.err, (where, verified)
        else:
            assert verified.code == 3, (where, verified)
            assert f"{path.relative_to(flipped.out).as_posix()}: {CHANGED}\n" in verified.out, where
    assert flipped.verify().code == 0


@amounts(60, None)
def test_any_flipped_byte_of_a_receipt_is_found(stage, tally, tmp_path, amount):
    mnistkit.export(stage.folder / "source", "idx", tmp_path / "out", limit=20)
    receipt = tmp_path / "out" / "mnistkit.json"
    whole = receipt.read_bytes()
    dice = random.Random(amount)
    positions = range(len(whole)) if amount is None else dice.sample(range(len(whole)), amount)

    for position in positions:
        for mask in (1 << dice.randrange(8), 255):
            changed = bytearray(whole)
            changed[position] ^= mask
            receipt.write_bytes(changed)
            assert_found(tmp_path / "out", f"byte {position}, bits {mask:08b}")
            tally["flips of a receipt"] += 1

    receipt.write_bytes(whole)
    assert mnistkit.verify(tmp_path / "out")


def assert_found(folder, where):
    """Make sure that a receipt is found to be changed, or to be none."""
    try:
        problems = mnistkit.verify(folder).problems
    except DataError as error:
        assert error.what == "not a receipt of mnistkit", where  # noqa: PT017 - either is good
    else:
        assert f"mnistkit.json: {CHANGED}" in problems, where


@pytest.mark.parametrize("more", [b" ", b"\n", b"\r\n"], ids=repr)
def test_a_receipt_that_grew_is_found(tmp_path, small, more):
    mnistkit.export(small, "idx", tmp_path / "out")
    with (tmp_path / "out" / "mnistkit.json").open("ab") as file:
        file.write(more)

    assert mnistkit.verify(tmp_path / "out").problems == (f"mnistkit.json: {CHANGED}",)


def test_the_seal_is_what_the_documentation_says(tmp_path, small):
    mnistkit.export(small, "idx", tmp_path / "out")

    text = (tmp_path / "out" / "mnistkit.json").read_text()
    seal = json.loads(text)["seal"]
    assert hashlib.sha256(text.replace(seal, "0" * 64).encode()).hexdigest() == seal


def test_a_receipt_of_an_earlier_version_needs_no_seal(tmp_path, small):
    mnistkit.export(small, "idx", tmp_path / "out")
    receipt = tmp_path / "out" / "mnistkit.json"
    text = receipt.read_text()
    receipt.write_text(text[: text.index(',\n  "seal"')] + "\n}\n", newline="\n")

    assert mnistkit.verify(tmp_path / "out")
