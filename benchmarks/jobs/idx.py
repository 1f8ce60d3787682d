"""IDX: compressed files read whole, plain files to their first batch."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import checks
from benchmarks.data import Array, Data
from benchmarks.limits import fast_inflate
from benchmarks.model import Job, Run, Side, WrongOutput
from benchmarks.product import loading

_IMAGES, _LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
_PIECE_BYTES = 128 << 10
_GZIP = 31  # zlib's wbits for a gzip member with the largest window


def _load_gz(data: Data) -> Run:
    return loading(data.idx_gz)


def _stdlib_gz(data: Data) -> Run:
    def read(name: str, header: int) -> Array:
        with gzip.open(data.idx_gz / f"{name}.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=header)

    return lambda _: (read(_IMAGES, 16).reshape(-1, 28, 28), read(_LABELS, 8))


def _idx2numpy_gz(data: Data) -> Run:
    import idx2numpy

    def read(name: str) -> Any:
        with gzip.open(data.idx_gz / f"{name}.gz") as file:
            return idx2numpy.convert_from_file(file)

    return lambda _: (read(_IMAGES), read(_LABELS))


def _inflate_alone(data: Data) -> Run:
    _, library = fast_inflate()
    packed = memoryview((data.idx_gz / f"{_IMAGES}.gz").read_bytes())

    def run(_: Path) -> list[bytes]:
        inflate = library.decompressobj(_GZIP)
        starts = range(0, len(packed), _PIECE_BYTES)
        return [inflate.decompress(packed[start : start + _PIECE_BYTES]) for start in starts]

    return run


def _check_inflate(data: Data, _: Path, pieces: Any) -> None:
    if b"".join(pieces)[16:] != data.images.tobytes():
        message = "other pixels than the source's"
        raise WrongOutput(message)


def _first_batch(data: Data) -> Run:
    """Read by the format's reader alone, as idx2numpy does: nobody asks which dataset it is."""
    from mnistkit.dataset import Dataset
    from mnistkit.plugin import Source
    from mnistkit.registry import load_format, load_reader

    card = load_format("idx")
    reader, options = load_reader(card), card.read_options()

    def run(_: Path) -> Any:
        batch = next(Dataset(reader(Source(data.idx), options))["train"].batches())
        return batch.images, batch.labels

    return run


def _first_batch_of_known(data: Data) -> Run:
    """Open as a user does: the files are told by their checksums, once while they stay as they are."""
    import mnistkit

    def run(_: Path) -> Any:
        batch = next(mnistkit.open(data.idx)["train"].batches())
        return batch.images, batch.labels

    return run


def _idx2numpy_first(data: Data) -> Run:
    import idx2numpy

    def run(_: Path) -> Any:
        images = idx2numpy.convert_from_file(str(data.idx / _IMAGES))
        labels = idx2numpy.convert_from_file(str(data.idx / _LABELS))
        return images[:1024], labels[:1024]

    return run


JOBS = (
    Job(
        name="idx-gzip-read",
        title="IDX, gzip, read whole",
        ours=Side(name="mnistkit", setup=_load_gz),
        others=(
            Side(name="standard library", role="peer", setup=_stdlib_gz, goal=2.4),
            Side(name="idx2numpy", role="peer", setup=_idx2numpy_gz, needs=("idx2numpy",), goal=2.4),
            Side(
                name="inflate alone", role="limit", setup=_inflate_alone, goal=1.15, check=_check_inflate,
                note=f"{fast_inflate()[0]}, pieces of 128 KiB",
            ),
        ),
        check=checks.same_arrays,
    ),
    Job(
        name="idx-first-batch",
        title="IDX, plain, to the first batch",
        ours=Side(name="mnistkit", setup=_first_batch),
        others=(Side(name="idx2numpy", role="peer", setup=_idx2numpy_first, needs=("idx2numpy",), goal=20),),
        check=checks.same_head,
    ),
    Job(
        name="idx-open",
        title="IDX, plain, opened and told by checksum, to the first batch",
        ours=Side(name="mnistkit.open", setup=_first_batch_of_known),
        others=(Side(name="idx2numpy", role="peer", setup=_idx2numpy_first, needs=("idx2numpy",)),),
        check=checks.same_head,
    ),
)  # fmt: skip
