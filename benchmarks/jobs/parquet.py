"""Parquet: raw pixels out and in, and images as Hugging Face has them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks import checks
from benchmarks.data import Data
from benchmarks.limits import PIECE_BYTES, on_threads
from benchmarks.model import Job, Run, Side, WrongOutput
from benchmarks.product import encode, encoding, loading


def _polars_columns(data: Data) -> Run:
    import polars as pl

    frame = pl.DataFrame(data.flat, schema=data.columns)
    return lambda folder: frame.write_parquet(folder / "train.parquet")


def _polars_array(data: Data) -> Run:
    import polars as pl

    flat = data.images.reshape(len(data.images), -1)
    frame = pl.DataFrame(
        {"image": pl.Series(flat, dtype=pl.Array(pl.UInt8, flat.shape[1])), "label": data.labels}
    )
    return lambda folder: frame.write_parquet(folder / "train.parquet")


def _arrow_list(data: Data) -> Run:
    import pyarrow as pa
    import pyarrow.parquet as pq

    images = pa.FixedSizeListArray.from_arrays(pa.array(data.images.reshape(-1)), data.images[0].size)
    table = pa.table({"image": images, "label": data.labels})
    return lambda folder: pq.write_table(table, folder / "train.parquet", compression="zstd")


def _zstd_alone(data: Data) -> Run:
    import pyarrow as pa

    codec, pool = pa.Codec("zstd", compression_level=1), ThreadPoolExecutor(data.workers)
    whole = memoryview(data.images.tobytes())
    pieces = [whole[start : start + PIECE_BYTES] for start in range(0, len(whole), PIECE_BYTES)]
    return lambda _: on_threads(pool, lambda piece: codec.compress(piece, asbytes=True), pieces)


def _check_zstd(data: Data, _: Path, frames: Any) -> None:
    import pyarrow as pa

    codec, size = pa.Codec("zstd"), data.images.size
    sizes = [min(PIECE_BYTES, size - start) for start in range(0, size, PIECE_BYTES)]
    found = b"".join(codec.decompress(f, n, asbytes=True) for f, n in zip(frames, sizes, strict=True))
    if found != data.images.tobytes():
        message = "other pixels than the source's"
        raise WrongOutput(message)


def _fixture(data: Data, name: str) -> Path:
    folder = data.root / "parquet" / name
    folder.mkdir(parents=True)
    return folder


def _load(data: Data) -> Run:
    folder = _fixture(data, "ours")
    encode(data, "parquet", folder, layout="pixels")
    return loading(checks.only(folder, "*.parquet"))


def _polars_load(data: Data) -> Run:
    import polars as pl

    folder = _fixture(data, "polars")
    _polars_columns(data)(folder)
    return lambda _: pl.read_parquet(folder / "train.parquet").to_numpy()


def _hugging_face(data: Data) -> Run:
    from datasets import ClassLabel, Dataset, Features, Image, disable_progress_bars

    disable_progress_bars()
    features = Features({"image": Image(), "label": ClassLabel(names=[str(i) for i in range(10)])})
    columns = {"image": list(data.images), "label": data.labels.tolist()}
    return lambda folder: (
        Dataset.from_dict(columns, features=features).to_parquet(folder / "train.parquet") and None
    )


JOBS = (
    Job(
        name="parquet-write-pixels",
        title="Parquet, raw pixels, zstd",
        ours=Side(name="mnistkit", setup=encoding("parquet", layout="pixels"), check=checks.parquet_pixels),
        others=(
            Side(name="polars, columns", role="peer", setup=_polars_columns, needs=("polars",), goal=3),
            Side(
                name="polars, Array", role="peer", setup=_polars_array, needs=("polars",), goal=2,
                check=checks.parquet_pixels,
            ),
            Side(
                name="pyarrow, fixed-size list", role="peer", setup=_arrow_list, needs=("pyarrow",),
                check=checks.parquet_pixels,
            ),
            Side(
                name="zstd alone", role="limit", setup=_zstd_alone, needs=("pyarrow",), goal=1.4,
                check=_check_zstd, note="level 1, pieces of 1 MiB, as many threads",
            ),
        ),
        check=checks.parquet_columns,
    ),
    Job(
        name="parquet-read-pixels",
        title="Parquet, raw pixels to numpy",
        ours=Side(name="mnistkit", setup=_load),
        others=(
            Side(
                name="polars, its own columns file", role="peer", setup=_polars_load, needs=("polars",),
                goal=2,
            ),
        ),
        check=checks.same_arrays,
    ),
    Job(
        name="parquet-write-images",
        title="Parquet, image layout",
        ours=Side(name="mnistkit", setup=encoding("parquet", layout="image")),
        others=(
            Side(
                name="Hugging Face datasets", role="peer", setup=_hugging_face, needs=("datasets",), goal=11,
                env={"HF_HUB_OFFLINE": "1"},
            ),
        ),
        check=checks.parquet_images,
    ),
)  # fmt: skip
