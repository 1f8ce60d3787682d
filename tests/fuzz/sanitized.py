"""Builds the compiled loops for the fuzzer: their branches counted, under two sanitizers."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

_SOURCES = Path(__file__).parents[2] / "mnistkit" / "native"
_FLAGS = (
    "-std=c99", "-O1", "-g", "-fPIC", "-DPy_LIMITED_API=0x030B0000", "-fno-omit-frame-pointer",
    "-fsanitize=fuzzer-no-link,address,undefined", "-fno-sanitize-recover=all",
)  # fmt: skip
_OLDEST, _NEWEST = 12, 30


def compiler() -> str | None:
    """Return clang, by ``CLANG`` or the newest there is; None where there is none: gcc counts otherwise."""
    names = [os.environ.get("CLANG", "clang"), *(f"clang-{n}" for n in range(_NEWEST, _OLDEST - 1, -1))]
    return next(filter(None, map(shutil.which, names)), None)


def build(names: Sequence[str], clang: str, folder: Path) -> None:
    """Compile some of the loops into a folder.  What sanitizers call is not linked: it is preloaded."""
    include = sysconfig.get_paths()["include"]
    for name in names:
        made = folder / f"{name}.o"
        compiled = [clang, *_FLAGS, f"-I{include}", "-c", _SOURCES / f"{name}.c", "-o", made]
        subprocess.run(compiled, check=True)
        subprocess.run([clang, "-shared", made, "-o", folder / f"{name}.so"], check=True)


def use(names: Sequence[str], folder: Path) -> None:
    """Have ``mnistkit.native`` give those loops, in this process."""
    for name in names:
        spec = importlib.util.spec_from_file_location(f"mnistkit.native.{name}", folder / f"{name}.so")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[spec.name] = module
