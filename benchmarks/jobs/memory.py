"""Peak memory of whole exports, above an interpreter that has imported what the command imports."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from benchmarks import checks
from benchmarks.data import MANY, Data
from benchmarks.jobs.whole import export_command
from benchmarks.model import Check, Job, Side
from benchmarks.product import NO_SYNC

_MOST_MIB = 64
_IMPORTER = Path(__file__).resolve().parent.parent / "scripts" / "import_all.py"

#: Runs the command line and lists, last of all, the modules it has imported.
_LISTING = """
import sys
from mnistkit.cli import main
try:
    main()
except SystemExit as stopped:
    if stopped.code:
        raise
print(*sys.modules)
"""

#: Format -> its flags, and the check of what it writes.
_FORMATS: dict[str, tuple[tuple[str, ...], Check]] = {
    "csv": (("--to", "csv"), checks.csv_text),
    "mlnet": (("--to", "mlnet"), checks.tsv_text),
    "parquet-pixels": (("--to", "parquet", "--layout", "pixels"), checks.parquet_pixels),
    "parquet-images": (("--to", "parquet"), checks.parquet_images),
    "hdf5": (("--to", "hdf5", "--compression", "gzip"), checks.hdf5),
    "idx": (("--to", "idx"), checks.idx),
    "png": (("--to", "png"), checks.png_tree),
}


@cache
def _imported(options: tuple[str, ...], source: Path) -> str:
    """Return the names of all modules that an export of ten images has imported, in order."""
    with tempfile.TemporaryDirectory() as folder:
        place = [str(source), "--limit", "10", "--out", f"{folder}/export", "--quiet"]
        command = [sys.executable, "-c", _LISTING, "export", *options, *place]
        run = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own program
    return run.stdout.splitlines()[-1]


def _base(options: tuple[str, ...], data: Data) -> list[str]:
    names = data.root / f"modules{'-'.join(options)}.txt"
    names.write_text(_imported(options, data.idx), encoding="utf-8")
    return [sys.executable, str(_IMPORTER), str(names)]


def _job(name: str, copies: int) -> Job:
    options, check = _FORMATS[name]

    return Job(
        name=f"memory-{name}" + (f"-x{copies}" if copies > 1 else ""),
        title=f"peak of export {' '.join(options)}" + (f", {copies} times the images" if copies > 1 else ""),
        ours=Side(name="mnistkit export", command=export_command(*options, plain=True), env=NO_SYNC),
        others=(
            Side(
                name="imports alone", role="memory", goal=_MOST_MIB, check=checks.said,
                command=lambda data, _: _base(options, data),
            ),
        ),
        check=check,
        copies=copies,
        keep=name == "png",
        rounds=3 if copies == 1 else 1,
    )  # fmt: skip


JOBS = tuple(_job(name, copies) for name in _FORMATS for copies in (1, MANY))
