"""The C# that lies beside an export, and that of the pages, compiles; the program trains on the export."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from mlnet.compiler import compile_program, compile_snippet, run

import mnistkit
from mnistkit.dataset import Dataset

ROOT = Path(__file__).parents[2]
SOURCES = ("ModelInput.cs", "Program.cs")
NAMES = ["T-shirt/top", 'a"b', "ключ"]


def blocks() -> list:
    """Return the C# blocks of all pages, each with the page and the line where it begins."""
    found = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        whole = page.read_text("utf-8")
        for block in re.finditer(r"^```csharp\n(.*?)^```$", whole, re.DOTALL | re.MULTILINE):
            line = whole.count("\n", 0, block.start()) + 1
            found.append(pytest.param(block[1], id=f"{page.relative_to(ROOT)}:{line}"))
    return found


def patterns(shape: tuple[int, ...], classes: int, **more) -> Dataset:
    """Return a dataset that can be learnt: each class is a pattern of its own, with noise."""
    generator = np.random.default_rng(0)
    pattern = generator.integers(0, 200, (classes, *shape))
    splits = {}
    for name, each in (("train", 10), ("test", 3)):
        labels = np.tile(np.arange(classes), each)
        noise = generator.integers(0, 56, (len(labels), *shape))
        splits[name] = (pattern[labels] + noise).astype(np.uint8), labels
    return Dataset.from_arrays(splits, **{"name": "patterns", **more})


@pytest.fixture
def accuracy(csharp_home, tmp_path):
    """Export a dataset, compile the C# beside it, run it on the export, and return the accuracy it prints."""

    def answer(source, **chosen) -> float:
        folder = tmp_path / "out"
        mnistkit.export(source, "mlnet", folder, **chosen)
        program = compile_program(csharp_home, [folder / name for name in SOURCES], tmp_path / "program")
        printed = run(csharp_home, program, folder)
        found = re.search(r"^MicroAccuracy (\d\.\d{4})\b", printed, re.MULTILINE)
        assert found, printed
        return float(found[1])

    return answer


def test_the_program_learns_mnist(accuracy, mnist):
    assert accuracy(mnist) > 0.90


def test_the_program_learns_62_classes_in_colour(accuracy):
    assert accuracy(patterns((32, 32, 3), 62)) > 0.90


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"label_kind": "text"},
        {"label_kind": "text", "sparse": True},
        {"label_kind": "single"},
        {"sparse": True},
        {"schema": False},
        {"separator": "comma"},
    ],
    ids=lambda chosen: " ".join(f"{name}={value}" for name, value in chosen.items()) or "plain",
)
def test_the_program_learns_classes_with_names(accuracy, chosen):
    assert accuracy(patterns((8, 8), 3, class_names=NAMES), **chosen) > 0.90


def test_the_project_file_names_what_it_needs(tmp_path):
    mnistkit.export(patterns((8, 8), 3), "mlnet", tmp_path / "out")

    project = ET.parse(tmp_path / "out/patterns.csproj").getroot()

    assert (project.tag, project.get("Sdk")) == ("Project", "Microsoft.NET.Sdk")
    assert project.findtext("PropertyGroup/OutputType") == "Exe"
    assert [package.get("Include") for package in project.iter("PackageReference")] == ["Microsoft.ML"]


@pytest.mark.parametrize("block", blocks())
def test_the_pages_compile(csharp_home, tmp_path, block):
    compile_snippet(csharp_home, block, tmp_path)


def test_what_is_wrong_would_not_compile(csharp_home, tmp_path):
    with pytest.raises(AssertionError, match="error CS"):
        compile_snippet(csharp_home, "mlContext.Data.LoadFromTextFiles(1);", tmp_path)
