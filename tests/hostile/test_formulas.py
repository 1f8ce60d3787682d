"""No cell of a text file begins a spreadsheet's formula because of what a class is called."""

from __future__ import annotations

import csv
import re

import numpy as np
import pytest
from hostile.names import ALL, FORMULAS

import mnistkit
from mnistkit.codecs.text.formulas import begins_formula
from mnistkit.dataset import Dataset
from mnistkit.errors import CapabilityError
from mnistkit.testing import assert_same_content, drawn_dataset

SIGNS = re.compile("[=+\\-@\uff1d\uff0b\uff0d\uff20]")
SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";", "space": " ", "bar": "|"}
TEXT = {
    **{f"mlnet {word}": ("mlnet", {"separator": word, "csharp": False}) for word in SEPARATORS},
    "mlnet sparse": ("mlnet", {"sparse": True, "csharp": False}),
    "csv": ("csv", {}),
    "csv semicolon": ("csv", {"delimiter": "semicolon"}),
    "png": ("png", {"tags": True}),
}


def cells(text: str, separators: str):
    """Yield cells as an obliging spreadsheet cuts them: at any of these, quotes and blanks left out."""
    for line in text.splitlines():
        for cell in re.split(f"[{re.escape(separators)}]", line):
            yield cell.strip(" \"'\u3000")
        yield from next(csv.reader([line], skipinitialspace=True))


@pytest.mark.parametrize(("name", "options"), TEXT.values(), ids=TEXT)
def test_no_cell_begins_a_formula_and_all_names_come_back(tmp_path, name, options):
    names = [*ALL.values(), *(f"{kind} {formula}" for kind, formula in FORMULAS.items())]
    dataset = drawn_dataset(130, 70, shape=(3, 3), classes=len(names), class_names=names)

    receipt = mnistkit.export(dataset, name, tmp_path / "out", verify=True, **options)

    for path in (p for p in (tmp_path / "out").iterdir() if p.suffix in (".csv", ".tsv", ".txt")):
        text = path.read_text("utf-8")
        found = [cell for separator in "\t,;|" for cell in cells(text, separator)]
        found += cells(text, "\t,;| ")
        assert [cell for cell in found if SIGNS.match(cell)] == []
    if name == "mlnet":
        assert mnistkit.open(tmp_path / "out").info.class_names == tuple(names)
    else:
        assert any("class" in sentence for sentence in receipt.lost)


@pytest.mark.parametrize("name", FORMULAS.values(), ids=FORMULAS)
def test_a_class_name_that_begins_a_formula_is_no_label_of_text(tmp_path, name):
    dataset = drawn_dataset(10, 2, shape=(3, 3), classes=2, class_names=["plain", name])

    with pytest.raises(CapabilityError, match=r"formula; use --label-kind key$|holds the separator"):
        mnistkit.export(dataset, "mlnet", tmp_path / "out", label_kind="text")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["T-shirt", "a=b", "C++", "me@home", "1-2, 3", "Ankle boot; high-heeled", "–5"]
)
@pytest.mark.parametrize("separator", ["tab", "bar"])
def test_signs_elsewhere_are_fine(tmp_path, name, separator):
    dataset = drawn_dataset(10, 2, shape=(3, 3), classes=2, class_names=["plain", name])

    mnistkit.export(dataset, "mlnet", tmp_path / "out", label_kind="text", separator=separator, verify=True)

    assert not begins_formula(name)
    assert mnistkit.open(tmp_path / "out").info.class_names == ("plain", name)
    assert f"{name}{SEPARATORS[separator]}".encode() in next((tmp_path / "out").glob("train*")).read_bytes()


def test_a_negative_label_is_a_number(tmp_path):
    dataset = Dataset.from_arrays({"train": (np.zeros((3, 2, 2), "u1"), np.array([-1, 0, 5]))})

    mnistkit.export(dataset, "csv", tmp_path / "out", verify=True)

    lines = (tmp_path / "out" / "train.csv").read_text().splitlines()[1:]
    assert all(re.fullmatch(r"-?\d+", cell) for line in lines for cell in line.split(","))
    assert_same_content(mnistkit.open(tmp_path / "out"), dataset)
