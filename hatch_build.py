"""Compiles the loops in C while a wheel or an editable installation is built; does without, if need be.

``MNISTKIT_BUILD_NATIVE=0`` leaves them out, ``MNISTKIT_BUILD_NATIVE=1`` fails where they do not compile;
otherwise a wheel without them is built where they do not, and a line says so.

An editable installation gets Python's bytecode too, as pip gives it to any other: without it, where Python
may write none later, each command would be compiled anew, which takes 0.13 s.
"""

from __future__ import annotations

import compileall
import os
import re
import shutil
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "mnistkit/native"
#: Windows has no files relative to an open folder.
MODULES = ("text", "png") if sys.platform == "win32" else ("text", "png", "files")
#: The first Python whose limited API has buffers: what pyproject.toml requires anyway.
LIMITED_API, TAG = "0x030B0000", "cp311"
#: Vectors from the first loop on; and no debug information, which would name the folder of the build.
FLAGS = [] if sys.platform == "win32" else ["-O3", "-g0"]


class NativeBuildHook(BuildHookInterface):
    """Adds the compiled modules to a wheel, and its tag."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile outside the tree; an editable installation gets a copy where Python looks for it.

        Raises:
            ValueError: ``MNISTKIT_BUILD_NATIVE`` is neither 0 nor 1.
            RuntimeError: It is 1, and nothing can be compiled.
        """
        editable = version == "editable"
        if editable:
            self._remove_from_tree()
            for package in ("mnistkit", "plugins"):
                compileall.compile_dir(Path(self.root, package), quiet=2)
        wanted = os.environ.get("MNISTKIT_BUILD_NATIVE") or "auto"
        if wanted not in ("0", "1", "auto"):
            raise ValueError(f"MNISTKIT_BUILD_NATIVE: expected 0 or 1, found {wanted}")
        if wanted == "0":
            self.app.display_info("mnistkit: built without compiled loops, as MNISTKIT_BUILD_NATIVE=0 says")
            return
        self._scratch = TemporaryDirectory()
        problem = _problem() or _compile(Path(self.root), self._scratch.name)
        if problem and wanted == "1":
            raise RuntimeError(f"mnistkit: the compiled loops cannot be built: {problem}")
        if problem:
            self.app.display_warning(
                f"mnistkit: built without compiled loops, CSV, TSV and PNG will be slower: {problem}"
            )
            return
        self._add(build_data, in_tree=editable)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove what was compiled, now that it is in the wheel."""
        if hasattr(self, "_scratch"):
            self._scratch.cleanup()

    def clean(self, versions: list[str]) -> None:  # noqa: ARG002 - hatchling's signature
        """Remove what an editable installation uses."""
        self._remove_from_tree()

    def _add(self, build_data: dict[str, Any], *, in_tree: bool) -> None:
        for built in _modules(Path(self._scratch.name)):
            place = f"{FOLDER}/{built.name}"
            if in_tree:
                # Moved into place in one step: a Python that runs may have the old one loaded.
                new = shutil.copyfile(built, Path(self.root, place + ".new"))
                new.replace(Path(self.root, place))
            else:
                build_data["force_include"][str(built)] = place
        build_data["pure_python"] = False
        build_data["tag"] = f"{TAG}-abi3-{_platform()}"

    def _remove_from_tree(self) -> None:
        for path in _modules(Path(self.root)):
            path.unlink()


def _modules(root: Path) -> list[Path]:
    folder = root / FOLDER
    return sorted(path for ending in (".so", ".pyd") for path in folder.glob(f"*{ending}"))


def _problem() -> str:
    """Say why nothing can be compiled for this Python; nothing where it can."""
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "this Python has no limited API"
    return ""


def _compile(root: Path, out: str) -> str:
    """Compile into a folder; say why where that fails."""
    from setuptools import Distribution, Extension  # noqa: PLC0415 - not needed where nothing is compiled
    from setuptools.errors import BaseError, CCompilerError, CompileError, LinkError  # noqa: PLC0415

    macros: list[tuple[str, str | None]] = [("Py_LIMITED_API", LIMITED_API)]
    extensions = [
        Extension(
            f"mnistkit.native.{name}",
            [f"{FOLDER}/{name}.c"],
            define_macros=macros,
            py_limited_api=True,
            extra_compile_args=FLAGS,
        )
        for name in MODULES
    ]
    command = Distribution({"name": "mnistkit", "ext_modules": extensions}).get_command_obj("build_ext")
    command.build_lib = command.build_temp = out
    here = Path.cwd()
    try:
        os.chdir(root)  # the sources are named from here
        command.ensure_finalized()
        command.run()
    except (BaseError, CCompilerError, CompileError, LinkError, OSError) as error:
        return " ".join(str(error).split())
    finally:
        os.chdir(here)
    return ""


def _platform() -> str:
    """Return the tag of the platform that was compiled for."""
    if sys.platform == "darwin":  # where the oldest system that it runs on is part of the name
        return re.sub(r"[-.]", "_", sysconfig.get_platform())
    from packaging.tags import sys_tags  # noqa: PLC0415 - hatchling brings it

    # What manylinux promises of the machine that compiles, only a build service can keep.
    return next(tag.platform for tag in sys_tags() if not tag.platform.startswith(("manylinux", "musllinux")))
