"""Compiles C# against ML.NET and runs it, without a .NET SDK."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from mlnet.client import PATIENCE

#: C# as of the .NET Core 3.1 that it is compiled against, as far as mcs knows it.
_LANGUAGE = "7.2"
_NAMESPACES = (
    "System", "System.Collections.Generic", "System.IO", "System.Linq", "Microsoft.ML", "Microsoft.ML.Data",
    "Microsoft.ML.Transforms", "Microsoft.ML.Transforms.Image",
)  # fmt: skip
#: What a snippet may use without saying where it comes from.
_KNOWN = {"mlContext": "MLContext", "train": "IDataView", "test": "IDataView"}
_USING = re.compile(r"^using\s+([\w.]+);[^\S\n]*(?://.*)?$", re.MULTILINE)


def compile_program(home: Path, sources: Sequence[Path], folder: Path) -> Path:
    """Compile a program into a folder, beside all that it needs to run, and return its file.

    Raises:
        AssertionError: The compiler refused; with what it says.
    """
    folder.mkdir(parents=True)
    for needed in (home / "mlnet").iterdir():
        (folder / needed.name).symlink_to(needed)
    return _compile(home, sources, folder / "Program.dll", target="exe")


def compile_snippet(home: Path, snippet: str, folder: Path) -> None:
    """Compile one block of a page: whole files as they are, statements as the body of a method.

    Raises:
        AssertionError: The compiler refused; with what it says.
    """
    source = folder / "Snippet.cs"
    source.write_text(snippet if _is_file(snippet) else _in_a_method(snippet), "utf-8")
    _compile(home, [source], folder / "Snippet.dll", target="library")


def run(home: Path, program: Path, *arguments: object) -> str:
    """Run a compiled program in ML.NET's .NET and return what it prints.

    Raises:
        AssertionError: It failed; with what it says.
    """
    dotnet = [home / "dotnet/dotnet", "exec", "--runtimeconfig", home / "mlnet.runtimeconfig.json", program]
    return _output([*dotnet, *arguments])


def _is_file(snippet: str) -> bool:
    return (
        re.search(r"^(namespace|(public |internal |static |sealed )*class) ", snippet, re.MULTILINE)
        is not None
    )


def _in_a_method(snippet: str) -> str:
    usings = dict.fromkeys([*_NAMESPACES, *_USING.findall(snippet)])
    given = [f"{kind} {name}" for name, kind in _KNOWN.items() if not re.search(rf"\w\s+{name} = ", snippet)]
    lines = [
        *(f"using {name};" for name in usings),
        f"class Snippet {{ static void Run({', '.join(given)}) {{",
    ]
    return "\n".join([*lines, _USING.sub("", snippet), "} }\n"])


def _compile(home: Path, sources: Sequence[Path], out: Path, *, target: str) -> Path:
    assemblies = [*sorted((home / "ref").glob("*.dll")), *sorted((home / "mlnet").glob("Microsoft.ML.*.dll"))]
    references = [f"-r:{assembly}" for assembly in assemblies]
    # 1701 and 1702: ML.NET was compiled against other versions of the same assemblies.
    settings = [
        "-noconfig",
        "-nostdlib",
        f"-langversion:{_LANGUAGE}",
        "-nowarn:1701,1702",
        f"-target:{target}",
    ]
    _output(["mcs", *settings, f"-out:{out}", *references, *sources])
    return out


def _output(command: Sequence[object]) -> str:
    done = subprocess.run(
        list(map(str, command)), check=False, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
