"""The compiled loops of PNG: whole files, read again by the pure lane and by Pillow."""

from __future__ import annotations

import io
import random
import warnings
import zlib
from collections.abc import Iterator

import numpy as np
from fuzz.sandbox import Refusal, loops_of, outcome
from PIL import Image

from mnistkit.codecs.png import decode, encode, frame

DICTIONARY = (
    b"IDAT", b"IEND", b"IHDR", b"PLTE", b"tRNS", frame.SIGNATURE, frame.END, b"\0\0\0\0", b"\x78\x9c",
    b"\x78\x01", b"\x08\x1d",
)  # fmt: skip

_KINDS = list(frame.KINDS.items())
#: Says that what follows the first bytes is a whole file, and not packed rows.
_WHOLE = 0x80


def seeds() -> Iterator[bytes]:
    """Yield images of every kind and filter: kind, height, width, then the packed rows or the file."""
    rng = random.Random(2083)
    for number, ((pixel, dtype), _) in enumerate(_KINDS):
        for height, width in ((1, 1), (5, 6), (28, 28)):
            image = np.frombuffer(rng.randbytes(height * width * 4 * 2), dtype)
            image = image[: height * width * (pixel or (1,))[0]].reshape(height, width, *pixel)
            yield bytes((number | _WHOLE, height, width)) + encode(image)
            rows = image.astype(image.dtype.newbyteorder(">")).reshape(height, -1).view(np.uint8)
            yield bytes((number, height, width)) + zlib.compress(
                b"".join(bytes((y % 5,)) + row.tobytes() for y, row in enumerate(rows))
            )
    yield bytes((_WHOLE, 5, 6)) + encode(np.zeros((5, 6), np.uint8))[:-3]


def target(data: bytes) -> None:
    """What is read, the pure lane and Pillow read as the same; encoded again, it is read as the same.

    Packed rows are framed here, with the right checksums; a whole file is taken as it is.
    """
    if len(data) < 3:
        return
    (pixel, dtype), kind = _KINDS[(data[0] & ~_WHOLE) % len(_KINDS)]
    height, width = data[1] % 32 + 1, data[2] % 32 + 1
    header = frame.header_of(height, width, kind)
    file = data[3:] if data[0] & _WHOLE else frame.framed(header, data[3:])
    images = np.zeros((3, height, width, *pixel), dtype)
    size = frame.BYTES[kind]
    plain = loops_of("png").decode(
        (b"", file, header), header, height, width * size, size, dtype == "uint16", images
    )
    assert (plain[0], plain[2]) == (0, 0)
    assert not images[::2].any()
    alone = outcome(lambda: decode(file, "image"))
    if plain[1]:
        assert not isinstance(alone, Refusal), f"the pure lane refuses it: {alone}"
        assert alone.tobytes() == images[1].tobytes()
        assert _by_pillow(file, dtype).tobytes() == images[1].tobytes()
        assert decode(encode(images[1]), "image").tobytes() == images[1].tobytes()


def _by_pillow(file: bytes, dtype: str) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(Image.open(io.BytesIO(file))).astype(dtype)
