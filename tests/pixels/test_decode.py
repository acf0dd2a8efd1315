import os
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from images import FORMATS, LOSSLESS, encoded, noise
from PIL import Image, ImageOps

from glimpse.errors import BrokenImageError, OptionError, UnreadableImageError
from glimpse.pixels.decode import decode, decode_labels, image_shape

RGB = noise(7, 5)
FILES = {format: encoded(Image.fromarray(noise(24, 16)), format) for format in FORMATS}
FILES["TIFF with LZW"] = encoded(Image.fromarray(RGB), "TIFF", compression="tiff_lzw")
FILES["16-bit PNG"] = encoded(Image.fromarray(np.arange(48, dtype=np.uint16).reshape(6, 8) * 1300), "PNG")
FILES["JPEG with EXIF"] = encoded(
    Image.fromarray(RGB),
    "JPEG",
    exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
)


def png_header(width: int, height: int) -> bytes:
    """A PNG that only claims a size: nothing follows its header."""
    data = bytearray(encoded(Image.new("L", (1, 1)), "PNG"))
    data[16:24] = struct.pack(">II", width, height)
    import zlib

    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


@pytest.mark.parametrize("format", LOSSLESS)
@pytest.mark.parametrize("shape", [(7, 5), (2, 5), (5, 2), (1, 1)])
def test_lossless_formats_give_back_the_pixels(format, shape):
    pixels = noise(*shape)
    decoded = decode(encoded(Image.fromarray(pixels), format))
    assert decoded.dtype == np.uint8
    assert decoded.flags.c_contiguous
    assert decoded.flags.writeable
    np.testing.assert_array_equal(decoded, pixels)


@pytest.mark.parametrize("shape", [(7, 5), (2, 5), (1, 1)])
def test_lossless_webp_gives_back_the_pixels(shape):
    pixels = noise(*shape)
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(pixels), "WEBP", lossless=True)), pixels)


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_decodes_as_pillow_does_from_text_path_and_bytes(format, tmp_path):
    path = tmp_path / "image"  # no suffix: the content decides
    path.write_bytes(FILES[format])
    with Image.open(path) as image:
        expected = np.array(image.convert("RGB"))
    for source in (path, str(path), FILES[format]):
        np.testing.assert_array_equal(decode(source), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", FORMATS)
def test_exif_rotation_is_applied(format, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if format == "WEBP" else {}
    if format == "BMP":
        assert decode(encoded(Image.fromarray(RGB), "BMP")).shape == RGB.shape  # BMP holds no EXIF
        return
    data = encoded(Image.fromarray(RGB), format, exif=exif, **options)
    plain = Image.fromarray(decode(encoded(Image.fromarray(RGB), format, **options)))
    plain.getexif()[0x0112] = orientation
    np.testing.assert_array_equal(decode(data), np.array(ImageOps.exif_transpose(plain)))


def test_the_rotation_turns_the_known_corner():
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[0, 0] = 255  # orientation 6: the stored top left belongs at the top right
    exif = Image.Exif()
    exif[0x0112] = 6
    decoded = decode(encoded(Image.fromarray(pixels), "PNG", exif=exif))
    assert decoded.shape == (3, 2, 3)
    assert decoded[0, 1].tolist() == [255, 255, 255]
    assert decoded.sum() == 3 * 255


def test_damaged_exif_leaves_the_image_as_it_is_stored():
    data = encoded(Image.fromarray(RGB), "PNG", exif=b"Exif\0\0 nothing of the kind")
    np.testing.assert_array_equal(decode(data), RGB)


GREY = RGB[:, :, 0]


@pytest.mark.parametrize(
    ("image", "format", "expected"),
    [
        (Image.fromarray(GREY), "PNG", np.repeat(GREY[:, :, None], 3, 2)),
        (Image.fromarray(GREY).convert("LA"), "PNG", np.repeat(GREY[:, :, None], 3, 2)),
        (Image.fromarray(GREY > 127), "TIFF", np.repeat((GREY > 127)[:, :, None], 3, 2) * 255),
        (Image.fromarray(np.dstack([RGB, GREY])), "PNG", RGB),
        (Image.fromarray(np.dstack([RGB, np.zeros_like(GREY)])), "TIFF", RGB),
        (Image.fromarray(255 - np.dstack([RGB, np.full_like(GREY, 255)]), "CMYK"), "TIFF", RGB),
    ],
    ids=["L", "LA", "1", "RGBA", "transparent RGBA", "CMYK"],
)
def test_other_modes_become_rgb(image, format, expected):
    np.testing.assert_array_equal(decode(encoded(image, format)), expected)


@pytest.mark.parametrize("transparency", [None, 0, bytes(range(256))])
def test_a_palette_gives_its_colors_whatever_its_transparency(transparency):
    image = Image.fromarray(GREY)
    image = image.convert("P")
    palette = noise(1, 256)[0]
    image.putpalette(palette.tobytes())
    options = {} if transparency is None else {"transparency": transparency}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(decode(encoded(image, "PNG", **options)), palette[GREY])


def test_cmyk_jpeg_is_rgb():
    image = Image.fromarray(np.full((8, 8, 3), 200, np.uint8)).convert("CMYK")
    assert np.abs(decode(encoded(image, "JPEG")).astype(int) - 200).max() <= 3


@pytest.mark.parametrize("white", [65535, 16383, 4095, 1023, 1])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "big-endian TIFF"])
def test_16_bits_are_scaled_linearly_so_that_white_becomes_255(format, white):
    values = np.array([[0, 1, 2, 511, 1023], [4095, 9000, 16383, 40000, 65535]], np.uint16)
    if format == "big-endian TIFF":
        image = Image.frombytes("I;16B", (5, 2), values.astype(">u2").tobytes())
        data = encoded(image, "TIFF")
        assert data[:2] == b"MM"
    else:
        data = encoded(Image.fromarray(values), format)
    expected = np.floor(np.minimum(values.astype(float), white) * 255 / white + 0.5)
    np.testing.assert_array_equal(decode(data, white=white), np.repeat(expected[:, :, None], 3, 2))


def test_wide_integers_are_read_within_16_bits_and_refused_beyond():
    values = np.array([[0, 300], [4095, 65535]], np.int32)
    decoded = decode(encoded(Image.fromarray(values), "TIFF"), white=4095)
    assert decoded[:, :, 0].tolist() == [[0, 19], [255, 255]]
    for value in (-1, 65536):
        values[0, 0] = value
        with pytest.raises(BrokenImageError, match=r"outside the 16-bit range 0\.\.65535"):
            decode(encoded(Image.fromarray(values), "TIFF"))


def test_white_is_refused_where_pillow_has_dropped_the_lower_bits():
    # A 1 x 1 PNG of color type 2 and bit depth 16, written by hand: Pillow cannot write one.
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    row = zlib.compress(b"\0" + struct.pack(">HHH", 0x1234, 0x8000, 0xFFFF))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", row) + chunk(b"IEND", b"")
    assert decode(data).tolist() == [[[0x12, 0x80, 0xFF]]]
    with pytest.raises(BrokenImageError, match="`white` cannot apply"):
        decode(data, white=4095)


def test_floating_point_is_refused():
    with pytest.raises(BrokenImageError, match="floating-point"):
        decode(encoded(Image.fromarray(np.zeros((3, 3), np.float32)), "TIFF"))


def webp_header(width: int, height: int) -> bytes:
    """A lossless WebP whose header claims another size than its 1 x 1 pixels."""
    data = bytearray(encoded(Image.new("RGB", (1, 1)), "WEBP", lossless=True))
    assert data[12:16] == b"VP8L"
    data[21:25] = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return bytes(data)


@pytest.mark.parametrize("side", [9000, 16383])
def test_a_webp_bomb_is_refused_from_its_header(side):
    with pytest.raises(BrokenImageError, match=r"more than the 67,108,864 (pixels )?allowed"):
        decode(webp_header(side, side))


@pytest.mark.parametrize(
    "data", [png_header(2**20, 2**20), png_header(20_000, 20_000), png_header(9000, 9000)]
)
def test_an_image_bomb_is_refused_from_its_header_without_pillows_warning(data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(BrokenImageError, match="pixels, more than the 67,108,864 allowed"):
            decode(data)


@pytest.mark.parametrize("format", FORMATS)
def test_the_size_bound_holds_for_every_format(format):
    assert decode(FILES[format], max_pixels=24 * 16).shape == (24, 16, 3)
    with pytest.raises(BrokenImageError, match="16 x 24 pixels, more than the 383 allowed"):
        decode(FILES[format], max_pixels=24 * 16 - 1)


def test_a_file_too_large_for_any_allowed_image_is_not_read(tmp_path):
    path = tmp_path / "large.bmp"
    with path.open("wb") as file:
        file.truncate(2**24 + 9)
    with pytest.raises(BrokenImageError, match="bytes, more than the"):
        decode(path, max_pixels=1)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's remarks on cut metadata
@pytest.mark.parametrize("name", sorted(FILES))
def test_truncation_anywhere_is_named(name):
    data = FILES[name]
    for kept in (len(data) // 2, 40, 12, 3, 1):
        with pytest.raises(BrokenImageError, match=r"^cannot use the image \(bytes\): "):
            decode(data[:kept])


def test_each_kind_of_bad_file_is_named_with_its_reason(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "a.gif").write_bytes(encoded(Image.new("L", (2, 2)), "GIF"))
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    reasons = {
        "empty.jpg": "the file is empty",
        "text.jpg": "it is not a JPEG, PNG, BMP, TIFF or WebP file",
        "a.gif": "it is not a JPEG, PNG, BMP, TIFF or WebP file",
        "folder.jpg": "it is a folder, not a file",
        "pipe.jpg": "it is not a regular file",
        "missing.jpg": "there is no such file",
        "nul\0.jpg": "the file cannot be read (its name holds a NUL character)",
        "empty.jpg/below.jpg": "the file cannot be read (Not a directory)",
    }
    for name, reason in reasons.items():
        path = f"{tmp_path}/{name}"
        with pytest.raises(BrokenImageError) as caught:
            decode(path)
        assert (caught.value.path, caught.value.reason) == (path, reason)


def test_denied_permission_may_be_tried_again(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(FILES["PNG"])

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", denied)
    with pytest.raises(UnreadableImageError, match="permission to read the file is denied"):
        decode(path)


def test_the_sentence_stays_one_printable_line(tmp_path):
    with pytest.raises(BrokenImageError) as caught:
        decode(f"{tmp_path}/two\nlines \udcff.jpg")
    assert str(caught.value).endswith("two\\nlines \\udcff.jpg: there is no such file")


def test_names_that_are_no_text_can_be_read(tmp_path):
    path = os.fsdecode(bytes(tmp_path) + b"/no\xfftext\n.png")
    Path(path).write_bytes(FILES["PNG"])
    assert decode(path).shape == (24, 16, 3)


def test_impossible_options_are_refused():
    with pytest.raises(OptionError, match=r"white must lie within 1\.\.65535, not 0"):
        decode(FILES["PNG"], white=0)
    for bound in (0, 10**8):
        with pytest.raises(OptionError, match=rf"max_pixels must lie within 1\.\.89478485, not {bound}"):
            decode(FILES["PNG"], max_pixels=bound)


def pixels_or_sentence(data: bytes) -> np.ndarray | str:
    try:
        return decode(data, max_pixels=10**6)
    except BrokenImageError as error:
        return str(error)


edits = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True), st.sampled_from(["set", "drop", "insert"]), st.integers(0, 255)
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(FILES)), edits, st.floats(0, 1))
@example("PNG", [(0.0, "set", 0)], 1.0)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_mutated_files_give_pixels_or_a_broken_image_error(name, edits, kept):
    data = bytearray(FILES[name])
    for place, edit, value in edits:
        at = int(place * min(len(data), 200 if value % 2 else len(data)))  # headers are where parsers trip
        if edit == "set":
            data[at] = value
        elif edit == "insert":
            data.insert(at, value)
        else:
            del data[at : at + 1 + value % 9]
    data = bytes(data[: max(1, int(len(data) * min(1.0, kept * 1.5)))])
    outcome = pixels_or_sentence(data)
    if isinstance(outcome, str):
        assert "\n" not in outcome
        assert len(outcome) < 300
    else:
        assert outcome.dtype == np.uint8
        assert outcome.ndim == 3
        assert outcome.shape[2] == 3
        assert outcome.size > 0


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(
        [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"MM\0*", b"RIFF\x20\0\0\0WEBPVP8X"]
    ),
    st.binary(max_size=200),
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_magic_number_before_random_bytes_is_a_broken_image(magic, rest):
    assert isinstance(pixels_or_sentence(magic + rest), str)


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_shape_is_that_of_the_decoded_image(name, tmp_path):
    file = tmp_path / "image"
    file.write_bytes(FILES[name])
    assert image_shape(file) == decode(file).shape[:2]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_the_shape_knows_of_rotations(format, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    file = tmp_path / "image"
    file.write_bytes(encoded(Image.fromarray(noise(7, 5)), format, exif=exif))
    assert image_shape(file) == decode(file).shape[:2] == (5, 7)


def test_labels_are_the_stored_values_not_their_colors(tmp_path):
    labels = np.arange(35, dtype=np.uint8).reshape(7, 5) * 7
    file = tmp_path / "labels.png"
    Image.fromarray(labels).save(file)
    assert np.array_equal(decode_labels(file), labels)
    image = Image.frombytes("P", (5, 7), (labels % 4).tobytes())
    image.putpalette([9, 9, 9, 9, 9, 9, 200, 0, 0, 0, 0, 0])  # two labels of one color, and 2 bits a pixel
    image.save(file)
    assert np.array_equal(decode_labels(file), labels % 4)
    with pytest.raises(BrokenImageError, match="more than the 34 allowed"):
        decode_labels(file, max_pixels=34)
    with pytest.raises(UnreadableImageError, match="there is no such file"):
        decode_labels(tmp_path / "none.png")
