"""Images that are no plain PNG: whatever Pillow opens and turns into gray or colour without loss."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from mnistkit.codecs.png import frame
from mnistkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

    from mnistkit.dataset import Array

#: What is tried on data that is no PNG; formats that call other programs or hold no plain image are left out.
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM")

#: Pillow's mode -> (mode to convert to, shape of one pixel, dtype).
_MODES: dict[str, tuple[str, tuple[int, ...], str]] = {
    "1": ("L", (), "uint8"),
    "L": ("L", (), "uint8"),
    "LA": ("LA", (2,), "uint8"),
    "RGB": ("RGB", (3,), "uint8"),
    "RGBA": ("RGBA", (4,), "uint8"),
    "P": ("RGB", (3,), "uint8"),
    "PA": ("RGBA", (4,), "uint8"),
    "I;16": ("I;16", (), "uint16"),
    "I;16L": ("I;16L", (), "uint16"),
    "I;16B": ("I;16B", (), "uint16"),
}


def decode_foreign(data: bytes, where: object, room: Callable[[tuple[int, ...], str], Array]) -> Array:
    """Return the image that Pillow finds in a file, in the array that ``room(shape, dtype)`` gives.

    Raises:
        DataError: Empty, damaged, no image, several images, or of a kind that would be changed.
    """
    image = _opened(data, where)
    mode, pixel, dtype = _mode_of(image, where)
    pixels = room((image.height, image.width, *pixel), dtype)
    try:
        _copy(image, mode, pixels)
    except Exception as error:  # Pillow's plugins raise whatever damaged bytes lead them to
        raise frame.damaged(where, error) from error
    return pixels


def peek_foreign(data: bytes, where: object) -> tuple[tuple[int, ...], str]:
    """Return (shape, dtype name) of what :func:`decode_foreign` would return.

    Raises:
        DataError: As :func:`decode_foreign`, as far as the header shows it.
    """
    image = _opened(data, where)
    _, pixel, dtype = _mode_of(image, where)
    return (image.height, image.width, *pixel), dtype


def _copy(image: Image, mode: str, pixels: Array) -> None:
    """Copy an image strip by strip, for Pillow makes several copies of what it hands out."""
    step = max(1, frame.STRIP * pixels.shape[0] // pixels.nbytes)
    for top in range(0, image.height, step):
        bottom = min(top + step, image.height)
        strip = image if step >= image.height else image.crop((0, top, image.width, bottom))
        pixels[top:bottom] = np.asarray(strip if strip.mode == mode else strip.convert(mode))


def _opened(data: bytes, where: object) -> ImageFile:
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - 18 ms that only images made elsewhere need

    if not data:
        raise DataError(where, "empty file", expected="an image", found="nothing")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        frame.check_size(image.height, image.width, where)
        several = _is_several(image)
    except UnidentifiedImageError as error:
        raise DataError(where, "no image", expected=", ".join(FORMATS), found=repr(data[:8])) from error
    except DataError:
        raise
    except Exception as error:  # as in _decoded
        raise frame.damaged(where, error) from error
    if several:
        raise DataError(where, "several images in one file", expected=1, found="more")
    return image


def _is_several(image: ImageFile) -> bool:
    """Whether a file has a second image; to count all of them may take minutes."""
    try:
        image.seek(1)
    except EOFError:
        return False
    return True


def _mode_of(image: ImageFile, where: object) -> tuple[str, tuple[int, ...], str]:
    """Return the mode to read an image in, the shape of one pixel and the dtype."""
    mode = image.mode
    if image.format == "PNG" and mode == "I":
        return "I", (), "uint16"  # 16-bit gray before Pillow 11
    if mode == "P" and "transparency" in image.info:
        mode = "PA"
    elif mode == "P" and image.format == "GIF" and _is_gray(image):
        mode = "L"
    if mode not in _MODES or _narrowed(image):
        raise DataError(
            where,
            "kind of image",
            expected="gray or colour of 8 bits, or gray of 16",
            found=f"{image.format} of mode {mode}" + (", not of 8 bits a channel" if mode in _MODES else ""),
        )
    return _MODES[mode]


def _is_gray(image: ImageFile) -> bool:
    """Whether a palette has grays alone; GIF has no other way to say that an image is gray."""
    colours = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
    return bool((colours == colours[:, :1]).all())


def _narrowed(image: ImageFile) -> bool:
    """Whether Pillow would change samples to 8 bits: of 16 bits, or of another maximum than 255 in PPM."""
    if not image.tile:
        return False
    decoder, arguments = image.tile[0][0], image.tile[0][3]
    if decoder in ("ppm", "ppm_plain") and isinstance(arguments, tuple) and image.mode != "1":
        return bool(arguments[1] != 255)
    raw = str(arguments[0] if isinstance(arguments, tuple) else arguments)
    # BGR;16 has 16 bits a pixel, not a channel.
    return ";16" in raw and not raw.startswith("BGR") and image.mode in ("L", "LA", "RGB", "RGBA")
