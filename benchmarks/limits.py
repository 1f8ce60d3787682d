"""What the machine can do at most: bytes written from memory, files created and read, codecs alone."""

from __future__ import annotations

import ctypes
import importlib
import os
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.data import Data
from benchmarks.model import Run, Unavailable

#: A single write of 50 to 100 MB is sometimes ten times slower on ext4 than the same in pieces.
PIECE_BYTES = 1 << 20


def write_bytes(name: str, content: bytes) -> Run:
    """Return a run that writes one file from memory by ``os.write``."""

    def run(folder: Path) -> None:
        file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            for start in range(0, len(content), PIECE_BYTES):
                _write_all(file, memoryview(content)[start : start + PIECE_BYTES])
        finally:
            os.close(file)

    return run


def _write_all(file: int, piece: memoryview) -> None:
    while piece:
        piece = piece[os.write(file, piece) :]


def shares(count: int, workers: int) -> list[tuple[int, int]]:
    """Divide a range into one piece a worker."""
    return list(pairwise(count * i // workers for i in range(workers + 1)))


def on_threads(pool: ThreadPoolExecutor, function: Callable[[Any], Any], pieces: Sequence[Any]) -> list[Any]:
    """Map a function over pieces on all threads of a pool."""
    return list(pool.map(function, pieces))


@cache
def file_library() -> Any:
    """Compile and load ``files.c``: creating and reading many files without an interpreter between.

    Raises:
        Unavailable: No C compiler.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        message = "a C compiler (cc)"
        raise Unavailable(message)
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "files.so")
        source = Path(__file__).with_name("files.c")
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, source], check=True)  # noqa: S603 - ours
        return ctypes.CDLL(str(library))


def file_arrays(files: Sequence[tuple[str, bytes]]) -> tuple[Any, Any, Any]:
    """Return names, contents and sizes as C has them."""
    names = (ctypes.c_char_p * len(files))(*(os.fsencode(name) for name, _ in files))
    contents = (ctypes.c_char_p * len(files))(*(content for _, content in files))
    sizes = (ctypes.c_size_t * len(files))(*(len(content) for _, content in files))
    return names, contents, sizes


def create_files(data: Data, files: Sequence[tuple[str, bytes]]) -> Run:
    """Return a run that creates these files by C, one share of them a thread."""
    library, arrays = file_library(), file_arrays(files)
    folders = sorted({os.path.dirname(name) for name, _ in files})  # noqa: PTH120 - relative names
    pool = ThreadPoolExecutor(data.workers)

    def run(folder: Path) -> None:
        for name in folders:
            (folder / name).mkdir(parents=True, exist_ok=True)
        _in_folder(library.create_files, folder, arrays, pool, shares(len(files), data.workers))

    return run


def read_files(data: Data, folder: Path, names: Sequence[str]) -> Callable[[], None]:
    """Return a call that reads these files by C, one share of them a thread, and drops what it read."""
    library, (c_names, _, _) = file_library(), file_arrays([(name, b"") for name in names])
    pool = ThreadPoolExecutor(data.workers)
    return lambda: _in_folder(library.read_files, folder, (c_names,), pool, shares(len(names), data.workers))


def _in_folder(function: Any, folder: Path, arrays: Any, pool: ThreadPoolExecutor, cuts: Any) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        failed = on_threads(pool, lambda cut: function(descriptor, *arrays, *map(ctypes.c_size_t, cut)), cuts)
    finally:
        os.close(descriptor)
    if any(failed):
        raise OSError(max(failed), os.strerror(max(failed)), str(folder))


@cache
def fast_deflate() -> tuple[str, Callable[[Any], bytes], Callable[[Any], bytes]]:
    """Return (name, compress, decompress) of the fastest deflate installed, at about h5py's size."""
    for module, level in (("isal.isal_zlib", 1), ("zlib_ng.zlib_ng", 1)):
        try:
            library = importlib.import_module(module)
        except ImportError:
            continue
        return f"{module} {level}", partial(library.compress, level=level), library.decompress
    return "zlib 4", partial(zlib.compress, level=4), zlib.decompress


@cache
def fast_inflate() -> tuple[str, Any]:
    """Return (name, module) of the fastest zlib installed for reading."""
    for module in ("isal.isal_zlib", "zlib_ng.zlib_ng"):
        try:
            return module, importlib.import_module(module)
        except ImportError:
            continue
    return "zlib", zlib
