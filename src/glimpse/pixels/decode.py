"""Safe reading and decoding: a file or its bytes in, RGB pixels or one `BrokenImageError` out."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ExifTags import Base as ExifTag
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from glimpse.errors import BrokenImageError, OptionError, UnreadableImageError

# Opening a pipe would wait for its other end; on Windows text would be translated.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class Stamp(NamedTuple):
    """The size and modification time of a file, which identify its version."""

    size: int
    mtime_ns: int


def stamp_of(path: str | os.PathLike[str]) -> Stamp:
    """The stamp of a regular file, or the reason why there is none."""
    name = os.fspath(path)
    try:
        status = os.stat(name)  # noqa: PTH116 (a data set has half a million paths)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise UnreadableImageError(name, _reason(error)) from error
    return _stamp(status, name)


def read_source(path: str | os.PathLike[str], *, max_bytes: int, expected: Stamp | None = None) -> bytes:
    """The bytes of the file, unless it is no file, too large, or not the version `expected`."""
    name = os.fspath(path)
    try:
        # plain calls of the system, as few as will do: after each a thread may wait for the interpreter
        file = os.open(name, _FLAGS)
        try:
            stamp = _stamp(os.fstat(file), name)
            if stamp.size > max_bytes:
                raise BrokenImageError(
                    name, f"the file has {stamp.size:,} bytes, more than the {max_bytes:,} allowed"
                )
            data = os.read(file, stamp.size + 1)
            while 0 < len(data) < stamp.size and (more := os.read(file, stamp.size + 1 - len(data))):
                data += more
            after = _stamp(os.fstat(file), name)
        finally:
            os.close(file)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        stamp_of(name)  # which may know better what is wrong: a folder cannot be opened everywhere
        raise UnreadableImageError(name, _reason(error)) from error
    if after != stamp or len(data) != stamp.size or expected not in (None, stamp):
        raise UnreadableImageError(name, "the file changed while it was being read")
    return data


def _stamp(status: os.stat_result, name: str) -> Stamp:
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableImageError(name, "it is a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImageError(name, "it is not a regular file")
    return Stamp(status.st_size, status.st_mtime_ns)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "permission to read the file is denied"
    if isinstance(error, OSError) and error.strerror:
        return f"the file cannot be read ({error.strerror})"
    if isinstance(error, ValueError):  # in words of its own in every version of Python
        return "the file cannot be read (its name holds a NUL character)"
    return f"the file cannot be read ({error})"


MAX_PIXELS = 2**26  # our choice: 67 megapixels, twice an 8K video frame and 192 MiB as RGB
_PILLOWS_LIMIT = 2**30 // 4 // 3  # beyond it Pillow warns of bombs by itself, process-wide
WHITE = 65535  # the full range of 16 bits

_PNG = b"\x89PNG\r\n\x1a\n"
# The readers are called by name, not through Image.open: nothing but these five can be reached, and
# Image.open speaks of large images through process-wide warnings that no thread can silence safely.
_READERS: tuple[tuple[bytes, type[ImageFile.ImageFile]], ...] = (
    (b"\xff\xd8\xff", JpegImageFile),
    (_PNG, PngImageFile),
    (b"BM", BmpImageFile),
    (b"II*\x00", TiffImageFile),
    (b"MM\x00*", TiffImageFile),
    (b"II+\x00", TiffImageFile),
    (b"MM\x00+", TiffImageFile),
)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(
    source: str | Path | bytes, *, max_pixels: int = MAX_PIXELS, white: int = WHITE
) -> NDArray[np.uint8]:
    """Decode a JPEG, PNG, BMP, TIFF or WebP image, the first one where a file holds several.

    The EXIF rotation is applied. Gray becomes three equal channels, palettes and CMYK become RGB, and
    transparency is dropped (the stored colors stay). Floating-point images are refused.

    Args:
        source: a path, or the bytes of a file.
        max_pixels: the header may claim at most this many; it is read before any pixel is decoded.
        white: which value of a 16-bit gray image becomes 255; larger ones become 255 too. Infrared
            sensors of 10, 12 or 14 bits need 1023, 4095 or 16383. 8-bit images ignore it.

    Returns:
        uint8 `[H, W, 3]`.

    Raises:
        BrokenImageError: for every image that cannot be decoded, with the file and the reason.
    """
    check_white(white)
    if not 1 <= max_pixels <= _PILLOWS_LIMIT:
        raise OptionError(f"max_pixels must lie within 1..{_PILLOWS_LIMIT}, not {max_pixels}")
    if isinstance(source, bytes):
        return decode_bytes(source, name="(bytes)", max_pixels=max_pixels, white=white)
    name = os.fspath(source)
    data = read_source(name, max_bytes=max_bytes(max_pixels))
    return decode_bytes(data, name=name, max_pixels=max_pixels, white=white)


def decode_bytes(
    data: bytes, *, name: str, max_pixels: int = MAX_PIXELS, white: int = WHITE
) -> NDArray[np.uint8]:
    """`decode` for bytes already read; `name` is what errors call them."""
    return np.array(decode_image(data, name=name, max_pixels=max_pixels, white=white))


def decode_image(data: bytes, *, name: str, max_pixels: int = MAX_PIXELS, white: int = WHITE) -> Image.Image:
    """`decode_bytes` to an image of Pillow's, of mode RGB."""
    reader = _reader(data, name)
    with _explained(name, reader, max_pixels):
        image = _opened(reader, data, name, max_pixels)
        if white != WHITE and _narrowed(image):
            raise BrokenImageError(name, "its 16-bit colors are read as 8-bit ones, so `white` cannot apply")
        image.load()
        return _rgb(_upright(image), name, white)


def decode_labels(source: str | Path, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """The stored values of a PNG with a palette or with 8-bit gray: the palette is not looked up.

    Returns:
        uint8 `[H, W]`.

    Raises:
        BrokenImageError: for everything else, with the file and the reason.
    """
    name = os.fspath(source)
    data = read_source(name, max_bytes=max_bytes(max_pixels))
    if not data.startswith(_PNG):
        raise BrokenImageError(name, "it is not a PNG file, as a map of labels must be")
    with _explained(name, PngImageFile, max_pixels):
        image = _opened(PngImageFile, data, name, max_pixels)
        if image.mode not in ("P", "L"):
            raise BrokenImageError(
                name,
                f"its pixels are of mode {image.mode}, but a map of labels has a palette or 8-bit gray",
            )
        image.load()
        return np.array(_upright(image))


def image_shape(source: str | Path, *, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Height and width of what `decode` gives, in most formats without decoding it."""
    name = os.fspath(source)
    data = read_source(name, max_bytes=max_bytes(max_pixels))
    reader = _reader(data, name)
    with _explained(name, reader, max_pixels):
        image = _opened(reader, data, name, max_pixels)
        if isinstance(image, TiffImageFile):
            image.load()  # which is what turns it
        width, height = _upright(image).size
        return height, width


def _opened(
    reader: type[ImageFile.ImageFile], data: bytes, name: str, max_pixels: int
) -> ImageFile.ImageFile:
    """The image as its header describes it, unless that claims too many pixels."""
    image = reader(BytesIO(data))
    width, height = image.size
    if width * height > max_pixels:
        raise BrokenImageError(
            name, f"it has {width} x {height} pixels, more than the {max_pixels:,} allowed"
        )
    return image


@contextmanager
def _explained(name: str, reader: type[ImageFile.ImageFile], max_pixels: int) -> Iterator[None]:
    """Whatever a reader of Pillow's raises, as one sentence about the file."""
    try:
        yield
    except BrokenImageError:
        raise
    except Image.DecompressionBombError as error:  # Pillow asks for itself before it makes room for WebP
        raise BrokenImageError(name, f"it has more than the {max_pixels:,} pixels allowed") from error
    except MemoryError as error:
        raise UnreadableImageError(name, "it needs more memory than there is") from error
    except Exception as error:  # Pillow's readers raise whatever their parsing stumbles over
        complaint = " ".join(str(error).split())[:160] or type(error).__name__
        raise BrokenImageError(name, f"its {reader.format} data is damaged ({complaint})") from error


def check_white(white: int) -> None:
    """Refuse a white level that no 16-bit value can have."""
    if not 1 <= white <= WHITE:
        raise OptionError(f"white must lie within 1..{WHITE}, not {white}")


def max_bytes(max_pixels: int) -> int:
    """The largest file worth reading: 16-bit RGBA without compression, and 16 MiB of metadata."""
    return 8 * max_pixels + 2**24


def _reader(data: bytes, name: str) -> type[ImageFile.ImageFile]:
    if not data:
        raise BrokenImageError(name, "the file is empty")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WebPImageFile
    for magic, reader in _READERS:
        if data.startswith(magic):
            return reader
    raise BrokenImageError(name, "it is not a JPEG, PNG, BMP, TIFF or WebP file")


def _narrowed(image: ImageFile.ImageFile) -> bool:
    """Whether the file has 16 bits a channel and Pillow keeps the upper 8, as it does for color."""
    return not image.mode.startswith("I") and any(";16" in str(tile[3]) for tile in image.tile)


def _upright(image: Image.Image) -> Image.Image:
    if isinstance(image, TiffImageFile):
        return image  # Pillow has turned it: for TIFF the rotation is part of the format
    try:
        turn = _TURNS.get(image.getexif().get(ExifTag.Orientation, 1))
    except Exception:  # damaged EXIF says nothing about the rotation, and the pixels are whole
        return image
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image, name: str, white: int) -> Image.Image:
    if image.mode == "F":
        raise BrokenImageError(
            name, "it has floating-point pixels, whose white level is unknown: save it with 8 or 16 bits"
        )
    if image.mode.startswith("I"):
        return Image.fromarray(_from_16_bits(np.asarray(image), name, white))
    image.info.pop("transparency", None)  # Pillow would warn that a palette's transparency is lost
    # what is RGB already is not copied once more: a seventh of the time of a small JPEG
    return image if image.mode == "RGB" else image.convert("RGB")


def _from_16_bits(values: NDArray[np.integer], name: str, white: int) -> NDArray[np.uint8]:
    """Scale `[H, W]` linearly, rounded, so that `white` becomes 255."""
    if values.min() < 0 or values.max() > WHITE:
        raise BrokenImageError(name, "it has pixel values outside the 16-bit range 0..65535")
    scaled = (values.astype(np.uint32) * 255 + white // 2) // white
    gray = np.minimum(scaled, 255).astype(np.uint8)
    return np.repeat(gray[:, :, None], 3, axis=2)
