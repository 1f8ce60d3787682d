import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from mnistkit.codecs import png
from mnistkit.codecs.png import frame
from mnistkit.codecs.png.unfilter import _paeth, unfilter
from mnistkit.dataset import SplitInfo
from mnistkit.errors import CapabilityError, DataError

pytestmark = pytest.mark.usefixtures("lane")
PIXELS = [((), "uint8"), ((2,), "uint8"), ((3,), "uint8"), ((4,), "uint8"), ((), "uint16")]


@st.composite
def images(draw):
    pixel, dtype = draw(st.sampled_from(PIXELS))
    height, width = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    return draw(arrays(dtype, (height, width, *pixel)))


def saved(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def with_size(data, width, height):
    return data[:8] + chunk(b"IHDR", struct.pack(">II", width, height) + data[24:29]) + data[33:]


@given(images())
def test_every_image_comes_back(image):
    found = png.decode(png.encode(image), "x.png")

    assert found.dtype == image.dtype
    assert found.shape == image.shape
    assert found.tobytes() == image.tobytes()


@given(images())
def test_pillow_reads_what_is_written(image):
    with Image.open(io.BytesIO(png.encode(image))) as opened:
        found = np.asarray(opened)

    assert found.shape == image.shape
    assert found.astype(image.dtype).tobytes() == image.tobytes()


@given(images(), st.integers(0, 9))
def test_what_pillow_writes_is_read(image, level):
    found = png.decode(saved(Image.fromarray(image), compress_level=level), "x.png")

    assert found.dtype == image.dtype
    assert found.shape == image.shape
    assert found.tobytes() == image.tobytes()


@given(images())
def test_the_header_tells_shape_and_dtype(image):
    expected = (image.shape, image.dtype.name)

    assert png.peek(png.encode(image)) == expected
    assert png.peek(saved(Image.fromarray(image))) == expected


@given(images(), st.integers(0, 5))
def test_a_batch_is_encoded_as_its_images_are(image, n):
    batch = np.stack([image] * n) if n else np.empty((0, *image.shape), image.dtype)

    assert png.encode_batch(batch) == [png.encode(image)] * n


def test_the_bytes_are_exactly_as_drawn():
    image = np.array([[0, 255], [7, 9]], "uint8")

    data = png.encode(image, level=0)

    rows = b"\0\x00\xff\0\x07\x09"
    header = struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)
    assert data == (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows, 0))
        + chunk(b"IEND", b"")
    )


def decoded_batch(files, shape, dtype):
    found = np.empty((len(files), *shape), dtype)
    png.decode_batch(files, found, lambda i: f"{i}.png", "0.png")
    return found


@given(images(), st.integers(0, 5))
def test_a_batch_is_decoded_as_its_images_are(image, n):
    own, foreign = png.encode(image), saved(Image.fromarray(image))
    files = [own, foreign, own][:n] + [foreign] * (n > 3) + [own] * (n > 4)

    assert decoded_batch(files, image.shape, image.dtype).tobytes() == image.tobytes() * n


def unfiltered_by_hand(rows, size):
    """As ISO/IEC 15948, clause 9 has it, byte by byte: rows (n, height, 1 + bytes) with filters in front."""
    found = np.zeros((rows.shape[0], rows.shape[1] + 1, rows.shape[2] - 1 + size), int)
    for i, y, x in np.ndindex(rows.shape[0], rows.shape[1], rows.shape[2] - 1):
        left, above, corner = found[i, y + 1, x], found[i, y, x + size], found[i, y, x]
        estimate = left + above - corner
        nearest = min((left, above, corner), key=lambda value: abs(estimate - value))
        predicted = (0, left, above, (left + above) // 2, nearest)[rows[i, y, 0]]
        found[i, y + 1, x + size] = (int(rows[i, y, 1 + x]) + predicted) % 256
    return found[:, 1:, size:]


@given(st.data(), st.integers(1, 4), st.sampled_from([2, 3, 256]))
def test_filters_are_undone_as_the_standard_says(data, size, levels):
    n, height, width = (data.draw(st.integers(1, most)) for most in (3, 7, 7))
    rows = np.random.default_rng(data.draw(st.integers(0, 1 << 32))).integers(
        0, levels, (n, height, 1 + width * size), "uint8"
    )
    rows[:, :, 0] = data.draw(arrays("uint8", (n, height), elements=st.integers(0, 4)))

    np.testing.assert_array_equal(unfilter(rows, size), unfiltered_by_hand(rows, size))


def test_the_paeth_predictor_is_right_for_every_three_bytes():
    left, above = (side.ravel() for side in np.meshgrid(np.arange(256), np.arange(256)))

    for corner in range(256):
        far = np.abs([above - corner, left - corner, left + above - 2 * corner])
        expected = np.choose(far.argmin(axis=0), [left, above, np.full_like(left, corner)])
        sides = (side.astype("uint8") for side in (left, above, np.full_like(left, corner)))
        np.testing.assert_array_equal(_paeth(*sides), expected)


@pytest.mark.parametrize(("pixel", "dtype"), PIXELS)
@pytest.mark.parametrize("n", [150, 2100])
def test_filtered_images_of_a_batch_are_decoded_without_pillow(monkeypatch, pixel, dtype, n):
    y, x = np.mgrid[:9, :11]
    smooth = (np.add.outer(np.arange(n), y * 7 + x * 3)).reshape(n, 9, 11, *[1] * len(pixel))
    images = np.broadcast_to(smooth, (n, 9, 11, *pixel)).astype(dtype)
    files = [saved(Image.fromarray(image)) for image in images]
    files[1::50] = png.encode_batch(images[1::50])
    monkeypatch.setattr("mnistkit.codecs.png.decoding.decode_foreign", None)

    assert any(zlib.decompress(data[41:-16])[0] for data in files)
    np.testing.assert_array_equal(decoded_batch(files, images.shape[1:], dtype), images)


def with_filter(image, number):
    rows = b"".join(bytes([number]) + row.tobytes() for row in image)
    return png.encode(image)[:33] + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_an_unknown_filter_in_a_batch_is_refused_by_name():
    image = np.zeros((4, 4), "uint8")
    files = [with_filter(image, 1)] * 200
    files[77] = with_filter(image, 5)

    with pytest.raises(DataError, match=r"^77\.png: damaged image: "):
        decoded_batch(files, (4, 4), "uint8")


def test_noise_that_packs_badly_comes_back_in_a_batch():
    images = np.random.default_rng(0).integers(0, 256, (3, 200, 200), "uint8")

    np.testing.assert_array_equal(decoded_batch(png.encode_batch(images), (200, 200), "uint8"), images)


@pytest.mark.parametrize("size", [3, 200])
def test_rows_too_few_or_too_many_in_a_batch_are_refused_by_name(size):
    sound, more, fewer = (
        png.encode(np.random.default_rng(0).integers(0, 256, (size + i, size), "uint8")) for i in (0, 1, -1)
    )

    for odd, found in ((more, "more"), (fewer, r"\d+")):
        with pytest.raises(DataError, match=rf"^1\.png: damaged PNG: .* bytes of rows, found {found}$"):
            decoded_batch([sound, with_size(odd, size, size)], (size, size), "uint8")


def test_each_image_of_a_batch_stays_in_its_place():
    images = np.random.default_rng(0).integers(0, 256, (7, 5, 6, 3), "uint8")
    files = png.encode_batch(images)
    for i in (0, 3, 6):
        files[i] = saved(Image.fromarray(images[i]), "BMP" if i else "PNG")

    np.testing.assert_array_equal(decoded_batch(files, (5, 6, 3), "uint8"), images)


@pytest.mark.parametrize("at", [0, 2])
def test_an_image_unlike_its_batch_is_refused_by_name(at):
    files = png.encode_batch(np.zeros((3, 4, 4), "uint8"))

    for odd in (np.zeros((4, 5), "uint8"), np.zeros((2, 8), "uint8"), np.zeros((4, 4), "uint16")):
        files[at] = png.encode(odd)
        found = f"{odd.dtype} {odd.shape[0]}x{odd.shape[1]}"
        with pytest.raises(DataError, match=f"^{at}.png: unlike .* uint8 4x4 as 0.png, found {found}$"):
            decoded_batch(files, (4, 4), "uint8")


def test_any_flipped_bit_in_a_batch_is_refused_by_name():
    sound = png.encode(np.arange(25, dtype="uint8").reshape(5, 5))

    for at in range(len(sound)):
        damaged = bytearray(sound)
        damaged[at] ^= 4
        with pytest.raises(DataError, match=r"^1\.png: "):
            decoded_batch([sound, bytes(damaged), sound], (5, 5), "uint8")


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("pixel", [(), (4,)], ids=["gray", "rgba"])
def test_images_of_many_strips_come_back(monkeypatch, noise, pixel):
    monkeypatch.setattr(frame, "STRIP", 100)
    shape = (97, 13, *pixel)
    image = np.random.default_rng(0).integers(0, 256, shape, "uint8") if noise else np.full(shape, 7, "uint8")

    for data in (png.encode(image), saved(Image.fromarray(image)), saved(Image.fromarray(image), "TIFF")):
        np.testing.assert_array_equal(png.decode(data, "x"), image)
    for size in (98, 96):
        with pytest.raises(DataError, match="damaged PNG: expected"):
            png.decode(with_size(png.encode(image), 13, size), "x.png")


@pytest.mark.parametrize("foreign", [False, True], ids=["own", "pillow"])
def test_a_large_image_is_decoded_without_copies(foreign):
    image = np.zeros((2048, 2048, 4), "uint8")
    data = saved(Image.fromarray(image)) if foreign else png.encode(image)
    found = np.empty((1, *image.shape), "uint8")

    tracemalloc.start()
    try:
        png.decode_batch([data], found, str)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < image.nbytes // 2


def test_views_and_foreign_byte_order_are_encoded_by_value():
    image = np.arange(24, dtype="uint16").reshape(4, 6) * 1000

    assert png.encode(image.astype(">u2")) == png.encode(image)
    assert png.encode(image[::2, ::-1]) == png.encode(image[::2, ::-1].copy())


def test_a_digit_is_no_larger_than_pillow_makes_it():
    y, x = np.mgrid[:28, :28]
    ring = np.exp(-((np.hypot(x - 13.5, y - 13.5) - 8) ** 2) / 3) * 255
    digit = ring.astype("uint8")

    assert len(png.encode(digit)) <= 1.01 * len(saved(Image.fromarray(digit)))


def test_decoded_images_are_read_only():
    image = np.zeros((3, 3), "uint8")

    for data in (png.encode(image), saved(Image.fromarray(image), "BMP")):
        assert not png.decode(data, "x").flags.writeable


@pytest.mark.parametrize("format", ["BMP", "TIFF"])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)], ids=["gray", "rgb"])
def test_other_lossless_formats_are_read(format, shape):
    image = np.random.default_rng(0).integers(0, 256, shape, "uint8")
    data = saved(Image.fromarray(image), format)

    np.testing.assert_array_equal(png.decode(data, "x"), image)
    assert png.peek(data) == (shape, "uint8")


def test_jpeg_is_read_as_pillow_reads_it():
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), "uint8")
    data = saved(Image.fromarray(image), "JPEG")

    np.testing.assert_array_equal(png.decode(data, "x"), np.asarray(Image.open(io.BytesIO(data))))


def test_lossless_webp_is_read():
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), "uint8")

    np.testing.assert_array_equal(
        png.decode(saved(Image.fromarray(image), "WEBP", lossless=True), "x"), image
    )


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)], ids=["pgm", "ppm"])
def test_portable_maps_are_read(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, "uint8")
    data = saved(Image.fromarray(image), "PPM")

    np.testing.assert_array_equal(png.decode(data, "x"), image)
    assert png.peek(data) == (shape, "uint8")


def test_portable_maps_in_text_are_read():
    np.testing.assert_array_equal(png.decode(b"P2 # gray\n2 1\n255\n7 200\n", "x"), [[7, 200]])


@pytest.mark.parametrize(
    "data",
    [b"P2\n2 1\n15\n7 15\n", b"P5\n2 1\n16\n\7\20", b"P6\n1 1\n65535\n\0\1\0\1\0\1", b"P5\n1 1\n65535\n\0\1"],
    ids=["plain 15", "raw 16", "colour 65535", "gray 65535"],
)
def test_portable_maps_of_another_maximum_are_refused_rather_than_scaled(data):
    for read in (png.decode, png.peek):
        with pytest.raises(DataError, match=r"^x: kind of image: expected gray or colour of 8 bits"):
            read(data, "x")


@pytest.mark.parametrize("levels", [1, 2, 200, 256])
def test_gray_gif_is_read_as_gray(levels):
    image = (np.arange(30 * 30) % levels).astype("uint8").reshape(30, 30) + np.uint8(256 - levels)
    data = saved(Image.fromarray(image), "GIF")

    np.testing.assert_array_equal(png.decode(data, "x"), image)
    assert png.peek(data) == ((30, 30), "uint8")


def test_coloured_gif_is_looked_up():
    image = np.array([[[10, 20, 30], [40, 50, 60]]], "uint8")

    np.testing.assert_array_equal(png.decode(saved(Image.fromarray(image), "GIF"), "x"), image)


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_16_bit_tiff_is_read_in_either_byte_order(order):
    image = np.array([[0, 1, 256], [40000, 65535, 255]], order)
    mode = "I;16" if order == "<u2" else "I;16B"
    data = saved(Image.frombytes(mode, (3, 2), image.tobytes()), "TIFF")

    found = png.decode(data, "x")

    assert found.dtype == np.dtype("uint16")
    np.testing.assert_array_equal(found, image)


def test_one_bit_becomes_0_and_255():
    bits = np.array([[True, False, True], [False, False, True]])
    data = saved(Image.fromarray(bits))

    np.testing.assert_array_equal(png.decode(data, "x"), bits * np.uint8(255))
    assert png.peek(data) == ((2, 3), "uint8")


@pytest.mark.parametrize(
    ("options", "channels"), [({}, 3), ({"transparency": 1}, 4)], ids=["opaque", "transparent"]
)
def test_palettes_are_looked_up(options, channels):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    data = saved(image, **options)

    expected = np.array([[[10, 20, 30, 255], [40, 50, 60, 0]]], "uint8")[:, :, :channels]
    np.testing.assert_array_equal(png.decode(data, "x"), expected)
    assert png.peek(data) == ((1, 2, channels), "uint8")


def test_interlaced_png_is_left_to_pillow():
    gray = np.array([[200]], "uint8")
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 1)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + png.encode(gray)[33:]

    np.testing.assert_array_equal(png.decode(data, "x"), gray)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM"])
def test_a_file_cut_short_anywhere_is_refused(format):
    whole = saved(Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 9), "uint8")), format)

    for size in {0, 1, 7, 8, 20, 33, 40, len(whole) // 2}:
        with pytest.raises(DataError, match=r"^a/b\.png: "):
            png.decode(whole[:size], "a/b.png")


def test_a_png_cut_short_by_any_number_of_bytes_is_refused():
    for data in (png.encode(np.eye(5, dtype="uint8")), saved(Image.fromarray(np.eye(5, dtype="uint8")))):
        for size in range(len(data)):
            with pytest.raises(DataError, match=r"^x\.png: "):
                png.decode(data[:size], "x.png")


def test_any_flipped_bit_of_a_png_is_refused():
    data = png.encode(np.arange(25, dtype="uint8").reshape(5, 5))

    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 4
        with pytest.raises(DataError, match=r"^x\.png: "):
            png.decode(bytes(damaged), "x.png")


def test_wrong_checksum_of_pixels_is_named_though_pillow_ignores_it():
    data = bytearray(saved(Image.fromarray(np.eye(9, dtype="uint8") * 200)))
    at = data.index(b"IDAT")
    data[at + 4 + struct.unpack_from(">I", data, at - 4)[0]] ^= 1

    with pytest.raises(
        DataError, match=r"^x\.png: damaged PNG: expected sound chunks, found wrong checksum in chunk IDAT$"
    ):
        png.decode(bytes(data), "x.png")


def test_rows_too_few_or_too_many_are_refused():
    data = png.encode(np.zeros((4, 4), "uint8"))

    with pytest.raises(DataError, match="damaged PNG: expected 25 bytes of rows, found 20"):
        png.decode(with_size(data, 4, 5), "x.png")
    with pytest.raises(DataError, match="damaged PNG: expected 15 bytes of rows, found more"):
        png.decode(with_size(data, 4, 3), "x.png")


def test_an_empty_file_and_text_are_refused_by_name():
    with pytest.raises(DataError, match=r"^x\.png: empty file: expected an image, found nothing$"):
        png.decode(b"", "x.png")
    with pytest.raises(
        DataError,
        match=r"^x\.png: no image: expected PNG, JPEG, BMP, TIFF, WEBP, GIF, PPM, found b'label,pi'$",
    ):
        png.decode(b"label,pixel0\n", "x.png")


def test_sizes_are_not_believed():
    data = with_size(png.encode(np.zeros((1, 1), "uint8")), 1 << 20, 1 << 20)

    for read in (png.decode, png.peek):
        with pytest.raises(
            DataError, match="size of image: expected 1 to 67,108,864 pixels, found 1048576 x"
        ):
            read(data, "x.png")


def test_a_large_size_is_not_believed_of_a_small_file():
    data = with_size(png.encode(np.zeros((1, 1), "uint8")), 8000, 8000)

    for read in (png.decode, png.peek):
        with pytest.raises(DataError, match="PNG ends too early: expected 8000 x 8000, found 67 bytes"):
            read(data, "x.png")


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF"])
def test_any_image_of_too_many_pixels_is_refused(monkeypatch, kind):
    data = saved(Image.new("L", (20, 20)), kind)
    monkeypatch.setattr(frame, "MOST_PIXELS", 399)

    for read in (png.decode, png.peek):
        with pytest.raises(DataError, match=r"^x: size of image: expected 1 to 399 pixels, found 20 x 20$"):
            read(data, "x")


def test_a_bomb_in_another_format_is_refused(monkeypatch):
    data = saved(Image.new("L", (20, 20)), "BMP")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)

    with pytest.raises(DataError, match="damaged image: expected a sound one, found Image size"):
        png.decode(data, "x.bmp")


@pytest.mark.parametrize("colour", [2, 4, 6])
def test_16_bit_colour_is_refused_rather_than_halved(colour):
    header = struct.pack(">IIBBBBB", 1, 1, 16, colour, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9)))

    with pytest.raises(DataError, match="16-bit colour: expected 8 bits a channel, or 16-bit gray"):
        png.decode(data, "x.png")


@pytest.mark.parametrize("mode", ["CMYK", "F", "I"])
def test_other_kinds_of_image_are_refused(mode):
    data = saved(Image.new(mode, (2, 2)), "TIFF")

    for read in (png.decode, png.peek):
        with pytest.raises(DataError, match=f"kind of image: .* found TIFF of mode {mode}$"):
            read(data, "x.tif")


def test_several_images_in_one_file_are_refused():
    pages = [Image.new("L", (2, 2), shade) for shade in (0, 9)]

    for kind in ("TIFF", "PNG", "GIF"):
        data = saved(pages[0], kind, save_all=True, append_images=pages[1:])
        with pytest.raises(DataError, match="several images in one file: expected 1, found more"):
            png.decode(data, "x")


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((2, 2), "int16"),
        ((2, 2), "float32"),
        ((2, 2), "uint32"),
        ((2, 2, 3), "uint16"),
        ((2, 2, 1), "uint8"),
        ((2, 2, 5), "uint8"),
    ],
)
def test_what_no_png_holds_is_refused(shape, dtype):
    with pytest.raises(
        CapabilityError, match=r"^parquet: split 'train': pixels that no PNG image holds: .*hdf5$"
    ):
        png.check(SplitInfo("train", 1, shape, dtype), "parquet")
    with pytest.raises(CapabilityError, match="pixels that no PNG image holds"):
        png.encode(np.zeros(shape, dtype))


@pytest.mark.parametrize(("pixel", "dtype"), PIXELS)
def test_what_a_png_holds_is_let_through(pixel, dtype):
    png.check(SplitInfo("train", 1, (28, 20, *pixel), dtype), "png")
