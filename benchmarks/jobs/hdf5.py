"""HDF5 with gzip: written, read whole, and one image at random."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import checks
from benchmarks.data import Data
from benchmarks.limits import fast_deflate, on_threads
from benchmarks.model import Job, Run, Side, WrongOutput
from benchmarks.product import encode, encoding, loading

_CHUNK = 256  # images that mnistkit compresses together
_PICKS = 20  # random images a run: one alone is too short to time


def _h5py(data: Data) -> Run:
    import h5py

    def run(folder: Path) -> None:
        with h5py.File(folder / "train.h5", "w") as file:
            file.create_dataset("image", data=data.images, compression="gzip")
            file.create_dataset("label", data=data.labels)

    return run


def _pytables(data: Data) -> Run:
    import tables

    filters = tables.Filters(complevel=4, complib="zlib")

    def run(folder: Path) -> None:
        with tables.open_file(str(folder / "train.h5"), "w") as file:
            file.create_carray("/", "image", obj=data.images, filters=filters)
            file.create_array("/", "label", obj=data.labels)

    return run


def _deflate_alone(data: Data) -> Run:
    compress = fast_deflate()[1]
    pool = ThreadPoolExecutor(data.workers)
    chunks = [data.images[start : start + _CHUNK].data for start in range(0, len(data.images), _CHUNK)]
    return lambda _: on_threads(pool, compress, chunks)


def _check_deflate(data: Data, _: Path, packed: Any) -> None:
    decompress = fast_deflate()[2]
    if b"".join(map(decompress, packed)) != data.images.tobytes():
        message = "other pixels than the source's"
        raise WrongOutput(message)


def _ours(data: Data, job: str) -> Path:
    folder = data.root / "hdf5" / f"{job}-ours"
    folder.mkdir(parents=True)
    encode(data, "hdf5", folder, compression="gzip")
    return checks.only(folder, "*.h5")


def _theirs(data: Data, job: str) -> Path:
    folder = data.root / "hdf5" / f"{job}-h5py"
    folder.mkdir(parents=True)
    _h5py(data)(folder)
    return folder / "train.h5"


def _h5py_loading(path: Path) -> Run:
    import h5py

    def run(_: Path) -> Any:
        with h5py.File(path, "r") as file:
            return file["image"][()], file["label"][()]

    return run


def _load(data: Data) -> Run:
    return loading(_ours(data, "read"))


def _h5py_load(data: Data) -> Run:
    return _h5py_loading(_theirs(data, "read"))


def _h5py_load_ours(data: Data) -> Run:
    folder = data.root / "hdf5" / "stock"
    folder.mkdir(parents=True)
    encode(data, "hdf5", folder, compression="gzip")
    return _h5py_loading(checks.only(folder, "*.h5"))


def _pick(data: Data) -> Run:
    """Pick by ``split[i]`` from a dataset that is open."""
    import mnistkit

    split = mnistkit.open(_ours(data, "pick"))["train"]
    return _picking(data, lambda i: split[i][0])


def _h5py_pick(data: Data) -> Run:
    import h5py

    images = h5py.File(_theirs(data, "pick"), "r")["image"]
    return _picking(data, lambda i: images[i])


def _picking(data: Data, image: Any) -> Run:
    numbers = np.random.default_rng(0)

    def run(_: Path) -> Any:
        chosen = numbers.integers(0, len(data.images), _PICKS).tolist()
        return chosen, [image(i) for i in chosen]

    return run


def _check_picks(data: Data, _: Path, returned: Any) -> None:
    chosen, images = returned
    if not np.array_equal(np.stack(images), data.images[chosen]):
        message = "other images than the source's"
        raise WrongOutput(message)


JOBS = (
    Job(
        name="hdf5-write",
        title="HDF5, gzip",
        ours=Side(name="mnistkit", setup=encoding("hdf5", compression="gzip")),
        others=(
            Side(
                name="h5py, gzip defaults", role="peer", setup=_h5py, needs=("h5py",), goal=8,
                size_at_most=1.02,
            ),
            Side(name="PyTables, zlib 4", role="peer", setup=_pytables, needs=("tables",)),
            Side(
                name="deflate alone", role="limit", setup=_deflate_alone, goal=1.3, check=_check_deflate,
                note=f"{fast_deflate()[0]}, {_CHUNK} images at once, as many threads",
            ),
        ),
        check=checks.hdf5,
    ),
    Job(
        name="hdf5-read",
        title="HDF5, gzip, read whole",
        ours=Side(name="mnistkit", setup=_load),
        others=(
            Side(name="h5py, its default file", role="peer", setup=_h5py_load, needs=("h5py",), goal=2),
            Side(name="h5py, our file", role="peer", setup=_h5py_load_ours, needs=("h5py",)),
        ),
        check=checks.same_arrays,
    ),
    Job(
        name="hdf5-pick",
        title="HDF5, gzip, random images one by one",
        ours=Side(name="mnistkit", setup=_pick),
        others=(
            Side(name="h5py, its default file", role="peer", setup=_h5py_pick, needs=("h5py",), goal=20),
        ),
        check=_check_picks,
    ),
)  # fmt: skip
