"""Opens a picture that anybody may have sent: what it is, how large, upright, as grey levels; or a clear refusal.

Nothing is decoded before the file's type, its length and its size in pixels are known and within the limits.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    #: Grey levels, 0 is black; rows, then columns.
    Grey = NDArray[np.uint8]

#: What is read, by Pillow's names.
FORMATS = ("PNG", "JPEG", "WEBP")


class PictureError(Exception):
    """A picture cannot be read.

    Attributes:
        code: `unsupported_type`, `too_large`, `too_small` or `broken_image`.
        message: a sentence for who sent it.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Limits:
    """What is read at most.

    Attributes:
        max_bytes: length of the file.
        max_pixels: width times height. The largest screens in use have 20 million.
        max_side: longest side, in pixels.
        min_side: shortest side, in pixels.
        max_text: characters of a question that comes as text.
    """

    max_bytes: int = 8 << 20
    max_pixels: int = 24_000_000
    max_side: int = 12_000
    min_side: int = 24
    max_text: int = 20_000


@dataclass(frozen=True)
class Picture:
    """A picture that was opened.

    Attributes:
        grey: its grey levels, upright, on white where it was transparent.
        format: `PNG`, `JPEG` or `WEBP`.
    """

    grey: Grey
    format: str

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.grey.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.grey.shape[0])


def kind_of(data: bytes) -> str | None:
    """The format that a file's first bytes claim, as in `FORMATS`; None for any other."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return None


def open_picture(data: bytes, limits: Limits | None = None) -> Picture:
    """Open and decode a picture.

    Of an animated picture the first frame is read. A picture that a camera or a tool turned by EXIF is turned upright.

    Raises:
        PictureError: it is none, too large or too small, or broken.
    """
    limits = limits or Limits()
    if len(data) > limits.max_bytes:
        raise PictureError("too_large", f"the picture has {len(data)} bytes; at most {limits.max_bytes} are read")
    kind = kind_of(data)
    if kind is None:
        raise PictureError("unsupported_type", "the picture is no PNG, JPEG or WebP")
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of sizes that are refused here
        try:
            with Image.open(io.BytesIO(data), formats=[kind]) as image:
                _check_size(*image.size, limits)
                return Picture(_grey(image), kind)
        except Image.DecompressionBombError:
            raise PictureError("too_large", f"the picture has more than {limits.max_pixels} pixels") from None
        except _unreadable() as error:
            raise PictureError("broken_image", f"the {kind} is damaged or cut short ({type(error).__name__})") from None


def _check_size(width: int, height: int, limits: Limits) -> None:
    size = f"the picture is {width} x {height}"
    most = f"at most {limits.max_pixels} pixels and {limits.max_side} a side are read"
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise PictureError("too_large", f"{size}; {most}")
    if min(width, height) < limits.min_side:
        raise PictureError("too_small", f"{size}; nothing can be read below {limits.min_side} pixels a side")


def _unreadable() -> tuple[type[Exception], ...]:
    """What Pillow raises for files that lie about themselves."""
    return (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, struct.error)


def _grey(image: Image.Image) -> Grey:
    import numpy as np
    from PIL import Image, ImageOps

    image.load()
    try:
        upright = ImageOps.exif_transpose(image)
    except _unreadable():  # only the notes about the picture are damaged
        upright = image
    if upright.mode.startswith("I"):  # 16 bits a pixel: Pillow would cut them off, not scale them
        levels = np.asarray(upright)
        return (levels >> 8 if levels.max(initial=0) > 255 else levels).astype(np.uint8)
    if "A" in upright.getbands() or "transparency" in upright.info:
        layered = upright.convert("RGBA")
        upright = Image.new("RGB", layered.size, "white")
        upright.paste(layered, mask=layered.getchannel("A"))
    return np.array(upright.convert("L"))
