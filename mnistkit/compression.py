"""Files that may be compressed, opened as what is inside; content tells how, never the name."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias, cast

from zlib_ng import gzip_ng, zlib_ng

from mnistkit.errors import DataError, MnistkitError
from mnistkit.streams import bzip2_streams, xz_streams

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

#: How many bytes one compressed byte can stand for, about: deflate's 258 bytes of two bits; 128 KiB of
#: Zstandard in 4 bytes; 2 MiB of LZMA2 in 290, of bzip2 45 MiB in 40.
MOST_RATIO: dict[Compression, int] = {
    "gzip": 1100,
    "zip": 1100,
    "zstd": 1 << 15,
    "xz": 1 << 13,
    "bzip2": 1 << 21,
}

#: A member packed otherwise would be unpacked in pieces of any size.
_ZIP_METHODS = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflate"}

#: The end of an archive: its fixed part, the longest comment, and what tells sizes beyond 32 bits.
_MOST_ZIP_END, _WIDE = 22 + 0xFFFF + 20 + 56, 0xFFFFFFFF

#: Lists of members are held whole; one member takes some hundred bytes.
_MOST_LISTING = 1 << 18

#: What formats are told by.
HEAD_BYTES = 4096

_NG_ERROR = cast("type[Exception]", zlib_ng.error)  # its stub gives an object, not a class

#: What the decompressors raise on damaged input; EOFError is a stream cut short, OverflowError a gzip header
#: without end, RuntimeError an encrypted zip.
_DAMAGED = (
    EOFError,
    zlib.error,
    _NG_ERROR,
    lzma.LZMAError,
    zipfile.BadZipFile,
    OSError,
    ValueError,
    OverflowError,
    RuntimeError,
)


def compression_of(path: Path) -> Compression:
    """Tell how a file is compressed from its first bytes.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - as quick as can be
            head = file.read(6)
    except OSError as error:
        raise _unreadable(path, error) from error
    return next((kind for magic, kind in _MAGICS if head.startswith(magic)), "none")


@contextmanager
def open_decompressed(path: Path, kind: Compression | None = None) -> Iterator[IO[bytes]]:
    """Open a file for reading what is inside: gzip, bzip2, xz, zstd, a zip with one member, or plain.

    Args:
        path: The file.
        kind: How it is compressed, where that is known already.

    Raises:
        DataError: The file cannot be read; or, while it is read, its compressed content is damaged.
    """
    kind = kind or compression_of(path)
    try:
        with _opened(path, kind) as file:
            yield file
    except MnistkitError:
        raise
    except _DAMAGED as error:
        raise _damaged(path, kind, error) from error


def head_of(path: Path, size: int = HEAD_BYTES) -> bytes:
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
            with path.open("rb") as file, bzip2_streams(file) as stream:
                yield stream
        case "xz":
            with path.open("rb") as file, xz_streams(file) as stream:
                yield stream
        case "zip":
            with _zip_member(path) as member:
                yield member
        case "zstd":
            # The standard library reads Zstandard from Python 3.14 on; until then Arrow does.
            import pyarrow as pa  # noqa: PLC0415 - 100 ms that only Zstandard files need

            with pa.OSFile(str(path)) as raw, pa.CompressedInputStream(raw, "zstd") as stream:
                yield stream


@contextmanager
def _zip_member(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        _check_listing(file, path)
        with zipfile.ZipFile(file) as archive, archive.open(_only_member(archive, path)) as member:
            yield member


def _check_listing(file: IO[bytes], path: Path) -> None:
    """Refuse a list of members that is no list of one, before it is read (APPNOTE.TXT, 4.3.14 and 4.3.16)."""
    file.seek(max(0, file.seek(0, 2) - _MOST_ZIP_END))
    end = file.read()
    at, wide = end.rfind(b"PK\5\6"), end.rfind(b"PK\6\6")
    size = int.from_bytes(end[at + 12 : at + 16], "little") if at >= 0 else 0
    if size == _WIDE and wide >= 0:
        size = int.from_bytes(end[wide + 40 : wide + 48], "little")
    if size > _MOST_LISTING:
        raise _not_one(path, f"a list of {size:,} bytes")


def _only_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    members = [m for m in archive.infolist() if not m.is_dir()]
    if len(members) != 1:
        shown = ", ".join(m.filename for m in members[:5]) + (", …" if len(members) > 5 else "")
        raise _not_one(path, f"{len(members)} ({shown})")
    if members[0].compress_type not in _ZIP_METHODS:
        raise DataError(
            path,
            "zip member packed by another method",
            expected=" or ".join(_ZIP_METHODS.values()),
            found=f"method {members[0].compress_type}",
            todo="unpack it first",
        )
    return members[0]


def _not_one(path: Path, found: str) -> DataError:
    return DataError(path, "zip archive", expected="one member", found=found, todo="unpack it first")


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(path, "cannot be read", expected="a readable file", found=error.strerror or str(error))


def _damaged(path: Path, kind: Compression, error: Exception) -> DataError:
    if kind == "none":
        return DataError(path, "cannot be read", expected="a readable file", found=str(error))
    found = "one that ends too early" if isinstance(error, EOFError) else str(error)
    return DataError(
        path, f"damaged {kind} data", expected="a whole stream", found=found, todo="get the file again"
    )
