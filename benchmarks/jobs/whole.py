"""Whole processes: from the published files and a command line to its exit."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import checks
from benchmarks.data import Data
from benchmarks.model import Command, Job, Side
from benchmarks.product import NO_SYNC

_SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"


def export_command(*options: str, plain: bool = False) -> Command:
    """Return ``mnistkit export`` of the compressed or the plain IDX files with some flags."""

    def command(data: Data, folder: Path) -> list[str]:
        source = data.idx if plain else data.idx_gz
        place = ["--out", str(folder / "export"), "--workers", str(data.workers), "--quiet"]
        return [program(), "export", str(source), *options, *place]

    return command


def program() -> str:
    """Return where ``mnistkit`` is installed: beside the interpreter."""
    return str(Path(sys.executable).with_name("mnistkit"))


def script(name: str, file: str) -> Command:
    """Return a peer's script, as its user would write it: source folder, file to write."""

    def command(data: Data, folder: Path) -> list[str]:
        return [sys.executable, str(_SCRIPTS / name), str(data.idx_gz), str(folder / file)]

    return command


JOBS = (
    Job(
        name="whole-csv",
        title="gz IDX to CSV, whole process",
        ours=Side(name="mnistkit export", command=export_command("--to", "csv"), env=NO_SYNC),
        others=(
            Side(
                name="polars script", role="peer", command=script("polars_csv.py", "train.csv"),
                needs=("polars",), goal=2,
            ),
            Side(
                name="pandas script", role="peer", command=script("pandas_csv.py", "train.csv"),
                needs=("pandas",), goal=10,
            ),
            Side(
                name="Hugging Face script", role="peer", command=script("datasets_csv.py", "train.csv"),
                needs=("datasets",), goal=10, env={"HF_HUB_OFFLINE": "1"},
            ),
            Side(
                name="Datumaro script", role="peer", command=script("datumaro_csv.py", "export"),
                needs=("datumaro",), goal=10, check=checks.bare_csv_text,
            ),
        ),
        check=checks.csv_text,
    ),
    Job(
        name="whole-parquet",
        title="gz IDX to Parquet of pixels, whole process",
        ours=Side(
            name="mnistkit export", command=export_command("--to", "parquet", "--layout", "pixels"),
            env=NO_SYNC, check=checks.parquet_pixels,
        ),
        others=(
            Side(
                name="polars script", role="peer", command=script("polars_parquet.py", "train.parquet"),
                needs=("polars",), goal=2,
            ),
            Side(
                name="pandas script", role="peer", command=script("pandas_parquet.py", "train.parquet"),
                needs=("pandas", "pyarrow"), goal=10,
            ),
        ),
        check=checks.parquet_columns,
    ),
    Job(
        name="whole-parquet-images",
        title="gz IDX to Parquet of images, whole process",
        ours=Side(name="mnistkit export", command=export_command("--to", "parquet"), env=NO_SYNC),
        others=(
            Side(
                name="Hugging Face script", role="peer",
                command=script("datasets_parquet.py", "train.parquet"), needs=("datasets",), goal=10,
                env={"HF_HUB_OFFLINE": "1"},
            ),
        ),
        check=checks.parquet_images,
    ),
    Job(
        name="whole-hdf5",
        title="gz IDX to HDF5, gzip, whole process",
        ours=Side(
            name="mnistkit export", env=NO_SYNC,
            command=export_command("--to", "hdf5", "--compression", "gzip"),
        ),
        others=(
            Side(
                name="h5py script", role="peer", command=script("h5py_gzip.py", "train.h5"), needs=("h5py",)
            ),
        ),
        check=checks.hdf5,
    ),
    Job(
        name="whole-png",
        title="gz IDX to a PNG tree, whole process",
        ours=Side(name="mnistkit export", command=export_command("--to", "png"), env=NO_SYNC),
        others=(
            Side(
                name="Pillow script", role="peer", command=script("pillow_png.py", "train"), needs=("PIL",)
            ),
            Side(
                name="OpenCV script", role="peer", command=script("opencv_png.py", "train"), needs=("cv2",)
            ),
        ),
        check=checks.png_tree,
        keep=True,
    ),
    Job(
        name="help",
        title="mnistkit --help, whole process",
        ours=Side(name="mnistkit --help", command=lambda *_: [program(), "--help"]),
        others=(
            Side(
                name='python -c "import typer"', role="limit", goal=1.6,
                command=lambda *_: [sys.executable, "-c", "import typer"],
            ),
        ),
        check=checks.said,
    ),
)  # fmt: skip
