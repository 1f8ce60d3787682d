"""The C#, XML and Markdown beside the data say what a dataset is called, and let it say nothing more."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hostile.names import ALL, tree
from same_bytes import WAYS

import mnistkit
from mnistkit.dataset import Dataset
from mnistkit.registry import load_format
from mnistkit.testing import drawn_dataset

CLASS_NAMES = tuple(name for name in ALL.values() if len(name) < 200)
PLAIN = tuple(f"class {i}" for i in range(len(CLASS_NAMES)))

#: A string of C# on one line: ASCII that prints, and escapes that C# and JSON share.
LITERAL = re.compile(r'            ("(?:[ !#-\[\]-~]|\\["\\bfnrt]|\\u[0-9a-f]{4})*"),')
BLOCK = re.compile(r"ClassNames = \{\n(.*?)\n        \};", re.DOTALL)


def project(folder, names, dataset="digits", **options) -> dict[str, str]:
    drawn = drawn_dataset(len(names), 20, shape=(3, 3), classes=len(names), class_names=names)
    named = Dataset(drawn.reader, info=replace(drawn.info, name=dataset))
    mnistkit.export(named, "mlnet", folder, **options)
    return {
        path.suffix if path.suffix == ".csproj" else path.name: path.read_text("utf-8")
        for path in folder.iterdir()
        if path.suffix in (".cs", ".csproj", ".md")
    }


def test_class_names_are_strings_of_c_sharp_and_nothing_else(tmp_path):
    hostile, plain = project(tmp_path / "a", CLASS_NAMES), project(tmp_path / "b", PLAIN)
    program = hostile["Program.cs"]

    (block,) = BLOCK.findall(program)
    literals = [LITERAL.fullmatch(line) for line in block.split("\n")]

    assert all(literals), [line for line in block.split("\n") if not LITERAL.fullmatch(line)]
    assert [json.loads(literal[1]) for literal in literals] == list(CLASS_NAMES)
    assert BLOCK.sub("", program) == BLOCK.sub("", plain["Program.cs"])
    assert {n: text for n, text in hostile.items() if n != "Program.cs"} == {
        n: text for n, text in plain.items() if n != "Program.cs"
    }


@pytest.mark.parametrize("name", [*ALL.values(), "1st", "", "-", "é", "class"], ids=ascii)
def test_the_name_of_a_dataset_is_a_word_wherever_it_stands(tmp_path, name):
    files = project(tmp_path / "out", PLAIN[:3], dataset=name)

    found = ET.fromstring(files[".csproj"])

    namespace = found.findtext(".//RootNamespace")
    assert re.fullmatch("[A-Z][A-Za-z0-9]*", namespace)
    assert [element.tag for element in found.iter()] == [
        "Project", "PropertyGroup", "OutputType", "TargetFramework", "RollForward", "RootNamespace",
        "RunWorkingDirectory", "ItemGroup", "PackageReference",
    ]  # fmt: skip
    for file in ("Program.cs", "ModelInput.cs"):
        assert re.findall("^namespace (.*)$", files[file], re.MULTILINE) == [namespace]
    assert re.fullmatch(r"# [\w.+-]+ for ML\.NET", files["README.md"].split("\n")[0])


@pytest.mark.parametrize("way", WAYS)
def test_nothing_that_a_browser_runs_is_written(tmp_path, way):
    small = drawn_dataset(20, 10, shape=(3, 3), class_names=[f"<script>{i}" for i in range(10)])
    dtypes = load_format(WAYS[way].format).dtypes
    assert not dtypes or "uint8" in dtypes

    mnistkit.export(small, WAYS[way].format, tmp_path / "out", **WAYS[way].options)

    endings = {name.rpartition(".")[2] for name in tree(tmp_path / "out") if "." in name.rpartition("/")[2]}
    assert endings & {"html", "htm", "svg", "xhtml", "js", "xml"} == set()
