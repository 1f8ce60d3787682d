"""Trees of PNG: images of every kind, damaged at every place, and whatever else lies in a tree."""

from __future__ import annotations

import io
import os
import socket
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from malformed import foreign, packing
from malformed.case import NO_FILES, Case, Reads, Refused, files
from malformed.packing import MIB
from PIL import Image

FORMAT = "png"
PIXELS = np.array([[[0, 1], [2, 255]], [[7, 7], [7, 7]], [[9, 0], [0, 9]]], "u1")
CLASSES = np.array([5, 0, 9], "u1")
READ = Reads(train=(PIXELS, CLASSES))
PATHS = [f"train/{label}/{i:05d}.png" for i, label in enumerate(CLASSES)]
SECOND = PATHS[1]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
_SAMPLES = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGBA: 4}


def chunk(name: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def header(width: int, height: int, depth: int = 8, colour: int = GRAY, *methods: int) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, *(methods or (0, 0, 0))))


def rows_of(image) -> bytes:
    """Return the rows of an image, filter 0 before each."""
    return b"".join(b"\0" + row.tobytes() for row in image.astype(image.dtype.newbyteorder(">")))


def png(image, *, depth=8, colour=GRAY, before=(), packed=None) -> bytes:
    """Make a PNG by hand, of any kind and with any further chunks."""
    height, width = image.shape[:2]
    packed = zlib.compress(rows_of(image)) if packed is None else packed
    data = [header(width, height, depth, colour), *before, chunk(b"IDAT", packed), chunk(b"IEND")]
    return SIGNATURE + b"".join(data)


def saved(array, kind="PNG", mode=None, **options) -> bytes:
    """Save an image as Pillow does."""
    target = io.BytesIO()
    Image.fromarray(array, mode).save(target, kind, **options)
    return target.getvalue()


FILES = [png(image) for image in PIXELS]
SOUND = dict(zip(PATHS, FILES, strict=True))


def tree(contents=None, /, **more):
    """Return a maker of the sound tree with some files replaced or added."""
    return files({**SOUND, **(contents or {}), **more})


def second(content):
    """Return a maker of the sound tree, but for its second image."""
    return tree({SECOND: content})


def all_of(*contents, suffix=".png"):
    """Return a maker of a tree with these files for its images."""
    return files(
        {Path(path).with_suffix(suffix).as_posix(): c for path, c in zip(PATHS, contents, strict=True)}
    )


def reads(*images):
    return Reads(train=(np.array(images), CLASSES))


RGB_PIXELS = np.stack([PIXELS, PIXELS[::-1], 255 - PIXELS], -1)
RGBA_PIXELS = np.concatenate([RGB_PIXELS, PIXELS[..., None]], -1)
WIDE = PIXELS.astype("u2") * 257 + 1
COLOURS = np.arange(30, dtype="u1").reshape(10, 3)
_PLTE = chunk(b"PLTE", COLOURS.tobytes())
INDEXED = np.minimum(PIXELS, 9)


def interlaced(image, *, colour=GRAY) -> bytes:
    """Make a PNG of 2 x 2 pixels in the passes of Adam7 that such a one has: 1, 6 and 7."""
    passes = [image[:1, :1], image[:1, 1:], image[1:]]
    head = header(2, 2, 8, colour, 0, 0, 1)
    return SIGNATURE + head + chunk(b"IDAT", zlib.compress(b"".join(map(rows_of, passes)))) + chunk(b"IEND")


def filtered(image) -> bytes:
    """Make a gray PNG whose rows have the filters Sub and Paeth."""
    (a, b), (c, d) = image.astype(int).tolist()
    paeth = min((c, b, a), key=lambda value: abs(c + b - a - value))
    rows = bytes([1, a, (b - a) % 256, 4, (c - a) % 256, (d - paeth) % 256])
    return png(image, packed=zlib.compress(rows))


def in_chunks(image) -> bytes:
    """Make a PNG with an IDAT for each byte, and some that are empty."""
    packed = zlib.compress(rows_of(image))
    cut = b"".join(chunk(b"IDAT", packed[i : i + 1]) + chunk(b"IDAT") for i in range(len(packed)))
    return SIGNATURE + header(2, 2) + cut + chunk(b"IEND")


KINDS_OF_PNG = [
    Case("gray", tree(), READ),
    Case("gray with filters", all_of(*map(filtered, PIXELS)), READ),
    Case("pixels in many chunks", all_of(*map(in_chunks, PIXELS)), READ),
    Case(
        "gray with times, texts and profiles",
        all_of(
            *(
                png(
                    i,
                    before=[
                        chunk(b"tIME", b"\x07\xe0\1\1\0\0\0"),
                        chunk(b"tEXt", b"Title\0digit"),
                        chunk(b"gAMA", b"\0\0\xb1\x8f"),
                    ],
                )
                for i in PIXELS
            )
        ),
        READ,
    ),
    Case("16-bit gray", all_of(*(png(i, depth=16) for i in WIDE)), reads(*WIDE), to="hdf5"),
    Case(
        "gray with alpha",
        all_of(*(png(np.stack([i, 255 - i], -1), colour=GRAY_ALPHA) for i in PIXELS)),
        reads(*np.stack([PIXELS, 255 - PIXELS], -1)),
    ),
    Case("RGB", all_of(*(png(i, colour=RGB) for i in RGB_PIXELS)), reads(*RGB_PIXELS)),
    Case("RGB with alpha", all_of(*(png(i, colour=RGBA) for i in RGBA_PIXELS)), reads(*RGBA_PIXELS)),
    Case(
        "a palette",
        all_of(*(png(i, colour=PALETTE, before=[_PLTE]) for i in INDEXED)),
        reads(*COLOURS[INDEXED]),
    ),
    Case(
        "a palette with transparency",
        all_of(*(png(i, colour=PALETTE, before=[_PLTE, chunk(b"tRNS", b"\x10")]) for i in INDEXED)),
        reads(*np.dstack([COLOURS, np.array([16] + [255] * 9, "u1")[:, None]])[:, 0][INDEXED])
        if False
        else reads(*np.concatenate([COLOURS, np.array([[16]] + [[255]] * 9, "u1")], 1)[INDEXED]),
    ),
    Case(
        "1 bit",
        all_of(
            *(
                SIGNATURE
                + header(2, 2, 1)
                + chunk(b"IDAT", zlib.compress(bytes([0, 0x40, 0, 0x80])))
                + chunk(b"IEND")
                for _ in PATHS
            )
        ),
        reads(*[np.array([[0, 255], [255, 0]], "u1")] * 3),
    ),
    Case(
        "4 bits",
        all_of(
            *(
                SIGNATURE
                + header(2, 2, 4)
                + chunk(b"IDAT", zlib.compress(bytes([0, 0x0F, 0, 0x10])))
                + chunk(b"IEND")
                for _ in PATHS
            )
        ),
        reads(*[np.array([[0, 255], [17, 0]], "u1")] * 3),
    ),
    Case("interlaced gray", all_of(*map(interlaced, PIXELS)), READ),
    Case("interlaced RGB", all_of(*(interlaced(i, colour=RGB) for i in RGB_PIXELS)), reads(*RGB_PIXELS)),
    Case("BMP", all_of(*(saved(i, "BMP") for i in PIXELS), suffix=".bmp"), READ),
    Case("GIF under the name of PNG", all_of(*(saved(i, "GIF") for i in PIXELS)), READ),
    Case(
        "16-bit RGB",
        second(png(np.zeros((2, 2, 3), "u2"), depth=16, colour=RGB)),
        Refused(SECOND, "16-bit colour: expected 8 bits a channel, or 16-bit gray, found"),
    ),
    Case(
        "16-bit RGB first",
        all_of(png(np.zeros((2, 2, 3), "u2"), depth=16, colour=RGB), *FILES[1:]),
        Refused(PATHS[0], "16-bit colour: expected"),
    ),
    Case(
        "CMYK",
        second(saved(RGBA_PIXELS[0], "TIFF", "CMYK")),
        Refused(SECOND, "kind of image: expected gray or colour of 8 bits", "found TIFF of mode CMYK"),
    ),
    Case(
        "fractions",
        second(saved(PIXELS[0].astype("f4"), "TIFF")),
        Refused(SECOND, "kind of image: expected", "found TIFF of mode F"),
    ),
    Case(
        "an animation",
        second(saved(PIXELS[0], save_all=True, append_images=[Image.fromarray(PIXELS[1])])),
        Refused(SECOND, "several images in one file: expected 1, found more"),
    ),
    Case("a PNG with junk behind its end", second(FILES[1] + b"junk" * 100), READ),
]

MIXED = [
    Case(
        "an image of another height",
        second(png(np.zeros((3, 2), "u1"))),
        Refused(SECOND, "unlike the first image of its split: expected uint8 2x2", "found uint8 3x2"),
    ),
    Case(
        "an image of another width",
        second(png(np.zeros((2, 3), "u1"))),
        Refused(SECOND, "unlike the first image of its split: expected uint8 2x2", "found uint8 2x3"),
    ),
    Case(
        "a colour image among gray ones",
        second(png(RGB_PIXELS[0], colour=RGB)),
        Refused(SECOND, "unlike the first image", "expected uint8 2x2", "found uint8 2x2x3"),
    ),
    Case(
        "16 bits among 8",
        second(png(WIDE[0], depth=16)),
        Refused(SECOND, "unlike the first image", "expected uint8 2x2", "found uint16 2x2"),
    ),
    Case(
        "a palette among gray ones",
        second(png(INDEXED[0], colour=PALETTE, before=[_PLTE])),
        Refused(SECOND, "unlike the first image", "expected uint8 2x2", "found uint8 2x2x3"),
    ),
    Case(
        "a split of another size",
        tree({"test/5/00000.png": png(np.zeros((3, 4), "u1"))}),
        Reads(train=(PIXELS, CLASSES), test=(np.zeros((1, 3, 4), "u1"), np.array([5], "u1"))),
    ),
]

_IDAT = 8 + 25  # where the pixels' chunk of a file begins


def with_byte(place: int, data: bytes = FILES[1]) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 0x55
    return bytes(changed)


DAMAGED = [
    Case("an empty file", second(b""), Refused(SECOND, "empty file: expected an image, found")),
    Case(
        "an empty first file",
        all_of(b"", *FILES[1:]),
        Refused(PATHS[0], "empty file: expected an image, found"),
    ),
    Case(
        "a signature alone",
        second(SIGNATURE),
        Refused(SECOND, "PNG ends too early: expected a header, found 8 bytes"),
    ),
    Case(
        "cut in the header",
        second(FILES[1][:20]),
        Refused(SECOND, "PNG ends too early: expected", "found 20 bytes"),
    ),
    Case(
        "cut behind the header",
        second(FILES[1][:_IDAT]),
        Refused(SECOND, "PNG ends too early: expected", "found 33 bytes"),
    ),
    Case(
        "cut in the pixels",
        second(FILES[1][: _IDAT + 12]),
        Refused(SECOND, "PNG ends too early: expected", "found 45 bytes"),
    ),
    Case(
        "cut before the end",
        second(FILES[1][:-12]),
        Refused(SECOND, "PNG ends too early: expected chunk IEND", "found"),
    ),
    Case(
        "cut in the last checksum",
        second(FILES[1][:-1]),
        Refused(SECOND, "PNG ends too early: expected", "found"),
    ),
    Case("another signature", second(with_byte(0)), Refused(SECOND, "no image: expected PNG", "found")),
    Case(
        "a signature with its line ends changed",
        second(FILES[1].replace(b"\r\n", b"\n", 1)),
        Refused(SECOND, "no image: expected PNG", "found"),
    ),
    Case(
        "another checksum of the header",
        second(with_byte(_IDAT - 1)),
        Refused(SECOND, "damaged PNG: expected", "found wrong checksum in chunk IHDR"),
    ),
    Case(
        "another checksum of the pixels",
        second(with_byte(-13)),
        Refused(SECOND, "damaged PNG: expected", "found wrong checksum in chunk IDAT"),
    ),
    Case(
        "another checksum of the end",
        second(with_byte(-1)),
        Refused(SECOND, "damaged PNG: expected", "found wrong checksum in chunk IEND"),
    ),
    Case(
        "a chunk of 4 GiB",
        second(FILES[1][:_IDAT] + struct.pack(">I", 2**32 - 1) + FILES[1][_IDAT + 4 :]),
        Refused(SECOND, "PNG ends too early: expected 4294967340 bytes or more, found 71 bytes"),
    ),
    Case(
        "no pixels",
        second(SIGNATURE + header(2, 2) + chunk(b"IEND")),
        Refused(SECOND, "damaged", "expected", "found"),
    ),
    Case(
        "pixels that are not packed",
        second(png(PIXELS[1], packed=rows_of(PIXELS[1]))),
        Refused(SECOND, "damaged image: expected", "found"),
    ),
    Case(
        "a row short",
        second(png(PIXELS[1], packed=zlib.compress(b"\0\7\7"))),
        Refused(SECOND, "damaged PNG: expected 6 bytes of rows, found 3"),
    ),
    Case(
        "a row more",
        second(png(PIXELS[1], packed=zlib.compress(b"\0\7\7" * 3))),
        Refused(SECOND, "damaged PNG: expected 6 bytes of rows, found more"),
    ),
    Case(
        "an unknown filter",
        second(png(PIXELS[1], packed=zlib.compress(b"\5\7\7\0\7\7"))),
        Refused(SECOND, "damaged", "expected", "found"),
    ),
    Case(
        "no height",
        second(SIGNATURE + header(2, 0) + FILES[1][_IDAT:]),
        Refused(SECOND, "size of image: expected 1 to", "found 0 x 2"),
    ),
    Case(
        "a palette without colours",
        second(png(INDEXED[1], colour=PALETTE)),
        Refused(SECOND, "expected", "found"),
    ),
    Case(
        "an unknown depth",
        second(SIGNATURE + header(2, 2, 3) + FILES[1][_IDAT:]),
        Refused(SECOND, "expected", "found"),
    ),
    Case(
        "an unknown kind of colour",
        second(SIGNATURE + header(2, 2, 8, 5) + FILES[1][_IDAT:]),
        Refused(SECOND, "expected", "found"),
    ),
    Case(
        "an unknown compression",
        second(SIGNATURE + header(2, 2, 8, 0, 7, 0, 0) + FILES[1][_IDAT:]),
        Refused(SECOND, "compression, filters and interlacing of PNG: expected 0, 0, 0", "found 7, 0, 0"),
    ),
]

SIDE = 1 << 13


def vast(depth: int, colour: int, pixel: int, *methods: int, before=b"") -> bytes:
    """Make a PNG of 8192 x 8192 zeros, packed as small as can be."""
    size = SIDE * (1 + SIDE * pixel)
    packed = b"\x78\xda" + b"".join(packing.deflate_bomb(bytes(size % MIB), size - size % MIB))
    packed += struct.pack(">I", (size % 65521) << 16 | 1)
    return (
        SIGNATURE
        + header(SIDE, SIDE, depth, colour, *methods)
        + before
        + chunk(b"IDAT", packed)
        + chunk(b"IEND")
    )


def small_of(size: int, number: int):
    """Return a maker of images that are sound, with so many bytes of text in each, but for the first."""

    def make(folder: Path) -> None:
        for i in range(number):
            path = folder / f"train/0/{i:05d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.write(FILES[1])
                file.truncate(size if i else len(FILES[1]))

    return make


def zeros(number: int):
    return Reads(train=(np.full((number, 2, 2), 7, "u1"), np.zeros(number, "u1")))


BOMBS = [
    Case(
        "an image of gigapixels",
        second(SIGNATURE + header(2**16, 2**16) + FILES[1][_IDAT:]),
        Refused(SECOND, "size of image: expected 1 to 67,108,864 pixels, found 65536 x 65536"),
    ),
    Case(
        "an image of 2 to the 62 pixels",
        second(SIGNATURE + header(2**31 - 1, 2**31 - 1) + FILES[1][_IDAT:]),
        Refused(SECOND, "size of image: expected 1 to 67,108,864 pixels, found 2147483647 x"),
    ),
    Case(
        "a first image that claims 64 million pixels",
        all_of(SIGNATURE + header(SIDE, SIDE) + FILES[1][_IDAT:], *FILES[1:]),
        Refused(PATHS[0], "PNG ends too early: expected 8192 x 8192, found"),
    ),
    Case(
        "pixels of a GiB for 2 x 2",
        second(
            lambda: png(
                PIXELS[1], packed=b"\x78\xda" + b"".join(packing.deflate_bomb(b"\0\7\7\0\7\7", 1 << 30))
            )
        ),
        Refused(SECOND, "damaged PNG: expected 6 bytes of rows, found more"),
    ),
    Case(
        "64 million pixels with alpha",
        files({"train/0/0.png": lambda: vast(8, RGBA, 4)}),
        Refused("split 'train': too large: one image: expected at most 67,108,864 bytes, found 268,435,456"),
    ),
    Case(
        "64 million pixels with alpha, interlaced",
        files({"train/0/0.png": lambda: vast(8, RGBA, 4, 0, 0, 1)}),
        Refused("split 'train': too large: one image: expected at most 67,108,864 bytes, found 268,435,456"),
    ),
    Case(
        "64 million pixels of a palette with transparency",
        files({"train/0/0.png": lambda: vast(8, PALETTE, 1, before=_PLTE + chunk(b"tRNS", b"\1"))}),
        Refused("split 'train': too large: one image: expected at most 67,108,864 bytes, found 268,435,456"),
    ),
    Case(
        "64 million gray pixels among small ones",
        second(lambda: vast(8, GRAY, 1)),
        Refused(SECOND, "unlike the first image of its split", "expected uint8 2x2", "found uint8 8192x8192"),
    ),
    Case(
        "64 million gray pixels, interlaced, among small ones",
        second(lambda: vast(8, GRAY, 1, 0, 0, 1)),
        Refused(SECOND, "unlike the first image of its split", "expected uint8 2x2", "found uint8 8192x8192"),
    ),
    Case(
        "a text that inflates to a GiB",
        second(
            lambda: (
                png(
                    PIXELS[1],
                    before=[
                        chunk(b"zTXt", b"a\0\0" + b"\x78\xda" + b"".join(packing.deflate_bomb(b"", 1 << 30)))
                    ],
                    packed=zlib.compress(rows_of(PIXELS[1])),
                )
                + b"x"
            )
        ),
        Refused(SECOND, "damaged image: expected", "found"),
    ),
    Case(
        "a file of 500 MB",
        small_of(500_000_000, 2),
        Refused("train/0/00001.png", "file too large: expected at most 83,886,080 bytes, found 500,000,000"),
    ),
    Case("ten files of 50 MB", small_of(50_000_000, 10), zeros(10)),
    Case(
        "an animation of 200,000 images",
        second(lambda: gif(200_000)),
        Refused(SECOND, "several images in one file: expected 1, found more"),
    ),
]


def gif(frames: int) -> bytes:
    """Make a GIF of 1 x 1 pixel and so many frames."""
    frame = b",\0\0\0\0\1\0\1\0\0\2\2D\1\0"
    return b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff" + frame * frames + b";"


def link(folder: Path, name: str, target: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).symlink_to(target)


def tree_with_link(name: str, target: str):
    def make(folder: Path) -> None:
        tree()(folder)
        link(folder, name, target)

    return make


def tree_with_pipe(folder: Path) -> None:
    tree()(folder)
    os.mkfifo(folder / "train/0/7.png")


def tree_with_socket(folder: Path) -> None:
    tree()(folder)
    with socket.socket(socket.AF_UNIX) as made:
        here = Path.cwd()
        os.chdir(folder / "train/0")  # the names of sockets may not be long
        try:
            made.bind("7.png")
        finally:
            os.chdir(here)


def tree_unreadable(folder: Path) -> None:
    tree()(folder)
    (folder / SECOND).chmod(0)


def closed_folder(folder: Path) -> None:
    tree()(folder)
    (folder / "train/0").chmod(0)


_ROOT = (os.geteuid() != 0, "root may read all")
_UTF8_ONLY = (sys.platform != "darwin", "names of files are UTF-8 here")

JUNK = [
    Case(
        "litter of desktops",
        tree(
            {
                "train/.DS_Store": b"?",
                "train/0/Thumbs.db": b"?",
                "train/0/._00001.png": b"?",
                "desktop.ini": b"",
                "__MACOSX/x": b"",
            }
        ),
        READ,
    ),
    Case("a hidden folder", tree({".git/HEAD": b"ref: main", ".ipynb_checkpoints/x.png": b""}), READ),
    Case(
        "documents beside the splits", tree({"README.md": b"#", "LICENSE": b"MIT", "CITATION.cff": b""}), READ
    ),
    Case(
        "a document beside the classes",
        tree({"train/README.md": b"#"}),
        Refused("train/README.md", "stray file in a tree of images: expected", "found"),
    ),
    Case(
        "a text among the images",
        tree({"train/0/notes.txt": b"a seven"}),
        Refused("train/0/notes.txt", "stray file in a tree of images: expected", "found"),
    ),
    Case(
        "a script beside the splits",
        tree({"make.py": b"import os"}),
        Refused("make.py", "stray file in a tree of images: expected", "found"),
    ),
    Case(
        "labels of Hugging Face",
        tree({"train/metadata.csv": b"file_name,label\n"}),
        Refused("metadata.csv", "labels beside the images: expected labels by folder, found"),
        found=Refused("could be several formats: expected one, found csv, png"),
    ),
    Case(
        "an image beside folders",
        tree({"train/7.png": FILES[0]}),
        Refused("train/7.png", "image beside folders: expected all images at one depth, found"),
    ),
    Case(
        "a folder in a class",
        tree({"train/0/more/7.png": FILES[0]}),
        Refused("train/0/more", "folder in the folder of a class: expected images, found"),
    ),
    Case(
        "a class of another kind of name",
        tree({"train/seven/7.png": FILES[0]}),
        Refused("folders of classes: expected all with a number in front, or none, found"),
    ),
    Case(
        "one class under two names",
        tree({"train/00/7.png": FILES[0]}),
        Refused("train", "two folders of one class: expected", "found 0, 00")
        if False
        else Refused("two folders of one class: expected", "found"),
    ),
    Case(
        "two names of one class",
        files({"train/0_zero/0.png": FILES[0], "test/0_null/0.png": FILES[0]}),
        Refused("two names of class 0: expected one, found 'null' and 'zero'"),
    ),
    Case(
        "a class of 64 bits and 1",
        tree({f"train/{2**63}/7.png": FILES[0]}),
        Refused("number of a class: expected 64 bits, found 9223372036854775808"),
    ),
    Case(
        "a class of 200 digits",
        tree({f"train/{'9' * 200}/7.png": FILES[0]}),
        Refused("number of a class: expected 64 bits, found 999"),
    ),
    Case(
        "a named class of a number beyond all",
        files({"train/9999999_nine/0.png": FILES[0]}),
        Refused("class number beside class names: expected up to 1000000, found 9999999"),
    ),
    Case(
        "a class name that is no UTF-8",
        files({"train/0_%FF/0.png": FILES[0]}),
        Refused("class name: expected percent-encoded UTF-8, found 0_%FF"),
    ),
    Case(
        "two folders for one split",
        tree({"training/0/7.png": FILES[0]}),
        Refused("two folders for split 'train': expected", "found"),
    ),
    Case(
        "a link to another image",
        tree_with_link("train/0/00003.png", "00001.png"),
        Reads(train=(np.concatenate([PIXELS, PIXELS[1:2]]), np.array([5, 0, 9, 0], "u1"))),
    ),
    Case(
        "a link to nothing",
        tree_with_link("train/0/7.png", "gone.png"),
        Refused("train/0/7.png", "not a regular file: expected an image, found"),
    ),
    Case(
        "a link to itself",
        tree_with_link("train/0/7.png", "7.png"),
        Refused("train/0/7.png", "cannot be read: expected a folder of images, found Too many levels"),
    ),
    Case(
        "a folder that leads back to itself",
        tree_with_link("train/0/loop", "."),
        Refused("train/0/loop", "folder in the folder of a class: expected images, found"),
    ),
    Case(
        "a folder that leads to the root",
        tree_with_link("train/7", "../.."),
        Refused("train/7", "folder in the folder of a class: expected images, found a folder"),
    ),
    Case(
        "a link without end for a split",
        tree_with_link("test", "test"),
        Refused("test", "cannot be read: expected a folder of images, found Too many levels"),
    ),
    Case(
        "a pipe",
        tree_with_pipe,
        Refused("train/0/7.png", "not a regular file: expected an image, found"),
        able=(hasattr(os, "mkfifo"), "no pipes here"),
    ),
    Case(
        "a socket", tree_with_socket, Refused("train/0/7.png", "not a regular file: expected an image, found")
    ),
    Case(
        "an image that is a folder",
        tree({"train/0/7.png/x": b""}),
        Refused("train/0/7.png", "folder in the folder of a class: expected images, found"),
    ),
    Case(
        "an image of no permission",
        tree_unreadable,
        Refused(SECOND, "cannot be read: expected an image, found Permission denied"),
        able=_ROOT,
    ),
    Case(
        "a folder of no permission",
        closed_folder,
        Refused("train/0", "cannot be read: expected", "found Permission denied"),
        able=_ROOT,
    ),
    Case(
        "a name that is no UTF-8",
        tree({os.fsdecode(b"train/0/\xff.png"): FILES[0]}),
        Refused("name in a tree of images: expected UTF-8, found"),
        able=_UTF8_ONLY,
    ),
    Case(
        "names that end lines",
        tree({"train/0/a\nb.png": FILES[0]}),
        Reads(train=(PIXELS[[1, 0, 0, 2]], np.array([0, 0, 5, 9], "u1"))),
    ),
    Case(
        "a number twice in a class",
        tree({"train/0/1.png": FILES[0]}),
        Reads(train=(PIXELS[[1, 0, 0, 2]], np.array([0, 0, 5, 9], "u1"))),
    ),
    Case(
        "numbers of 30 digits",
        tree({f"train/0/{'9' * 30}.png": FILES[0]}),
        Reads(train=(PIXELS[[1, 0, 0, 2]], np.array([0, 0, 5, 9], "u1"))),
    ),
    Case(
        "labels in some names alone",
        files({"train/0-num5.png": FILES[0], "train/1.png": FILES[1]}),
        Refused("train/1.png", "image without a label: expected NUMBER-numLABEL.png", "found"),
    ),
    Case("one image named", tree(), Refused("one file: expected a folder of images, found"), source=SECOND),
    Case(
        "an empty folder",
        lambda folder: None,
        Refused("no such files: expected .png or", "found no files"),
        found=NO_FILES,
    ),
    Case(
        "folders without images",
        lambda folder: (folder / "train/0").mkdir(parents=True),
        Refused("no such files: expected .png or", "found no files"),
        found=NO_FILES,
    ),
]

KINDS = [
    Case(f"{kind} under the name of PNG", second(content), Refused(SECOND, "no image: expected PNG", "found"))
    for kind, content in foreign.KINDS.items()
]

CASES = [*KINDS_OF_PNG, *MIXED, *DAMAGED, *BOMBS, *JUNK, *KINDS]
