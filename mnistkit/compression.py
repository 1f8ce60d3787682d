"""Files that may be compressed, opened as what is inside; content tells how, never the name."""

from __future__ import annotations

import bz2
import lzma
import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias, cast

from zlib_ng import gzip_ng, zlib_ng

from mnistkit.errors import DataError, MnistkitError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Compression: TypeAlias = Literal["none", "gzip", "bzip2", "xz", "zip", "zstd"]

_MAGICS: tuple[tuple[bytes, Compression], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"PK\x03\x04", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)

_NG_ERROR = cast("type[Exception]", zlib_ng.error)  # its stub gives an object, not a class

#: What the decompressors raise on damaged input; EOFError is a stream cut short, RuntimeError an
#: encrypted zip or one packed in a way that Python does not know.
_DAMAGED = (
    EOFError,
    zlib.error,
    _NG_ERROR,
    lzma.LZMAError,
    zipfile.BadZipFile,
    OSError,
    ValueError,
    RuntimeError,
)


def compression_of(path: Path) -> Compression:
    """Tell how a file is compressed from its first bytes.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(6)
    except OSError as error:
        raise _unreadable(path, error) from error
    return next((kind for magic, kind in _MAGICS if head.startswith(magic)), "none")


@contextmanager
def open_decompressed(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading what is inside: gzip, bzip2, xz, zstd, a zip with one member, or plain.

    Raises:
        DataError: The file cannot be read; or, while it is read, its compressed content is damaged.
    """
    kind = compression_of(path)
    try:
        with _opened(path, kind) as file:
            yield file
    except MnistkitError:
        raise
    except _DAMAGED as error:
        raise _damaged(path, kind, error) from error


def head_of(path: Path, size: int = 4096) -> bytes:
    """Return the first bytes of what is inside a file; nothing where it is damaged.

    A zip of several members is a format of its own, such as NumPy's; its bytes are returned as they are.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        with open_decompressed(path) as file:
            return file.read(size)
    except DataError:
        match compression_of(path):
            case "none":
                raise
            case "zip":
                with path.open("rb") as file:
                    return file.read(size)
        return b""


@contextmanager
def _opened(path: Path, kind: Compression) -> Iterator[IO[bytes]]:
    match kind:
        case "none":
            with path.open("rb") as file:
                yield file
        case "gzip":
            with cast("Any", gzip_ng.GzipNGFile)(path, "rb") as stream:  # typed in some releases only
                yield cast("IO[bytes]", stream)
        case "bzip2":
            with bz2.open(path) as stream:
                yield cast("IO[bytes]", stream)
        case "xz":
            with lzma.open(path) as stream:
                yield cast("IO[bytes]", stream)
        case "zip":
            with zipfile.ZipFile(path) as archive, archive.open(_only_member(archive, path)) as member:
                yield member
        case "zstd":
            # The standard library reads Zstandard from Python 3.14 on; until then Arrow does.
            import pyarrow as pa  # noqa: PLC0415 - 100 ms that only Zstandard files need

            with pa.OSFile(str(path)) as raw, pa.CompressedInputStream(raw, "zstd") as stream:
                yield stream


def _only_member(archive: zipfile.ZipFile, path: Path) -> str:
    members = [m.filename for m in archive.infolist() if not m.is_dir()]
    if len(members) != 1:
        shown = ", ".join(members[:5]) + (", …" if len(members) > 5 else "")
        raise DataError(
            path,
            "zip archive",
            expected="one member",
            found=f"{len(members)} ({shown})",
            todo="unpack it first",
        )
    return members[0]


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(path, "cannot be read", found=error.strerror or str(error))


def _damaged(path: Path, kind: Compression, error: Exception) -> DataError:
    if kind == "none":
        return DataError(path, "cannot be read", found=str(error))
    what = "ends too early" if isinstance(error, EOFError) else str(error)
    return DataError(path, f"damaged {kind} data", found=what, todo="get the file again")
