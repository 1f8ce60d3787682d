"""Trees of PNG images: 60,000 small files written and read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import checks
from benchmarks.data import Array, Data
from benchmarks.limits import create_files, on_threads, read_files, shares
from benchmarks.model import Job, Run, Side
from benchmarks.product import encode, encoding, loading

_BY_C = "by C on as many threads"


def _tree_writer(data: Data, write: Callable[[str, Array], Any], threads: int = 1) -> Run:
    """Return a run that makes the folders and writes every image, each thread a share of them."""
    names = [f"{label}/{i:05}.png" for i, label in enumerate(data.labels.tolist())]
    pool = ThreadPoolExecutor(threads)

    def run(folder: Path) -> None:
        for label in set(data.labels.tolist()):
            (folder / "train" / str(label)).mkdir(parents=True)

        def write_share(cut: tuple[int, int]) -> None:
            for i in range(*cut):
                write(f"{folder}/train/{names[i]}", data.images[i])

        on_threads(pool, write_share, shares(len(names), threads))

    return run


def _pillow(data: Data) -> Run:
    from PIL import Image

    return _tree_writer(data, lambda path, image: Image.fromarray(image).save(path))


def _opencv(data: Data) -> Run:
    import cv2

    return _tree_writer(data, cv2.imwrite)


def _opencv_threads(data: Data) -> Run:
    import cv2

    return _tree_writer(data, cv2.imwrite, data.workers)


def _imageio(data: Data) -> Run:
    import imageio.v3 as iio

    return _tree_writer(data, iio.imwrite)


def _tree(data: Data) -> Path:
    """Write the tree that all sides read, once."""
    folder = data.root / "png"
    if not folder.exists():
        folder.mkdir()
        encode(data, "png", folder)
    return folder


def _files_of(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*.png"))


def _create_same(data: Data) -> Run:
    folder = _tree(data)
    return create_files(data, [(name, (folder / name).read_bytes()) for name in _files_of(folder)])


def _load(data: Data) -> Run:
    return loading(_tree(data))


def _tree_reader(data: Data, read: Callable[[str], Any], threads: int = 1) -> Run:
    """Return a run that lists the tree and reads every image, each thread a share of them."""
    folder, pool = _tree(data), ThreadPoolExecutor(threads)

    def run(_: Path) -> tuple[Array, Array]:
        files = _listed(folder)
        images = np.empty((len(files), *data.images.shape[1:]), np.uint8)

        def read_share(cut: tuple[int, int]) -> None:
            for i in range(*cut):
                images[i] = read(files[i][2])

        on_threads(pool, read_share, shares(len(files), threads))
        return images, np.array([label for _, label, _ in files], np.uint8)

    return run


def _listed(folder: Path) -> Sequence[tuple[int, int, str]]:
    """Return (index, label, path) of all images, by index."""
    return sorted(_entries(folder / "train"))


def _entries(folder: Path) -> Iterable[tuple[int, int, str]]:
    for label in folder.iterdir():
        for file in label.iterdir():
            yield int(file.stem), int(label.name), str(file)


def _pillow_load(data: Data) -> Run:
    from PIL import Image

    return _tree_reader(data, lambda path: np.asarray(Image.open(path)))


def _opencv_load(data: Data) -> Run:
    import cv2

    return _tree_reader(data, lambda path: cv2.imread(path, cv2.IMREAD_UNCHANGED))


def _opencv_load_threads(data: Data) -> Run:
    import cv2

    return _tree_reader(data, lambda path: cv2.imread(path, cv2.IMREAD_UNCHANGED), data.workers)


def _read_same(data: Data) -> Run:
    folder = _tree(data)
    read = read_files(data, folder, _files_of(folder))
    return lambda _: read()


JOBS = (
    Job(
        name="png-write",
        title="PNG tree, write",
        ours=Side(name="mnistkit", setup=encoding("png")),
        others=(
            Side(name="Pillow", role="peer", setup=_pillow, needs=("PIL",), goal=4.5, size_at_most=1.01),
            Side(name="OpenCV, one thread", role="peer", setup=_opencv, needs=("cv2",), goal=2.5),
            Side(
                name="OpenCV, as many threads", role="peer", setup=_opencv_threads, needs=("cv2",), goal=1.5
            ),
            Side(name="imageio", role="peer", setup=_imageio, needs=("imageio",)),
            Side(name="creating the same files", role="limit", setup=_create_same, goal=1.4, note=_BY_C),
        ),
        check=checks.png_tree,
        keep=True,
    ),
    Job(
        name="png-read",
        title="PNG tree, read",
        ours=Side(name="mnistkit", setup=_load),
        others=(
            Side(name="Pillow", role="peer", setup=_pillow_load, needs=("PIL",), goal=6),
            Side(name="OpenCV, one thread", role="peer", setup=_opencv_load, needs=("cv2",), goal=3),
            Side(name="OpenCV, as many threads", role="peer", setup=_opencv_load_threads, needs=("cv2",)),
            Side(
                name="reading the files", role="limit", setup=_read_same, goal=2, check=checks.said,
                note=_BY_C,
            ),
        ),
        check=checks.same_arrays,
    ),
)  # fmt: skip
