"""Pictures that mean harm, or are merely odd: each is read rightly or refused clearly, and the worker lives through it.

One server and one worker take them all, so that what one leaves behind would hurt the next.
"""

from __future__ import annotations

import base64
import io
import itertools
import os
import random
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from bonsai_vision.plugin import Vision
from bonsai_vision.settings import VisionSettings
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from bonsai_core.testing import StartServer, TestServer, WireClient, WireError

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORDS = "What is the value of 3x when x is 5?"
#: Every word of it that a reader of a clean picture may not miss.
KEY = "value"
IDS = itertools.count(1)
MAX_BYTES = 4 << 20
MEMORY_MB = 1024


def page(width: int = 560, height: int = 90, mode: str = "RGB") -> Image.Image:
    """A line of words."""
    image = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(image).text((20, 30), WORDS, fill="black", font=ImageFont.load_default(26))
    return image.convert(mode)


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def png_of(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file of these chunks, whatever they hold."""
    whole = b"\x89PNG\r\n\x1a\n"
    for kind, data in chunks:
        whole += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return whole


def header(width: int, height: int, depth: int = 8, colour: int = 0, interlace: int = 0) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)


END = (b"IEND", b"")


def zeros(width: int, height: int, depth: int = 8) -> bytes:
    """A black picture as PNG: small as a file, however large."""
    row = bytes(1 + (width * depth + 7) // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return png_of(header(width, height, depth), (b"IDAT", data), END)


def inserted(chunk: tuple[bytes, bytes], png: bytes = b"") -> bytes:
    """A good PNG with one more chunk after its header."""
    png = png or PNG
    return png[:33] + png_of(chunk)[8:] + png[33:]


def interlaced() -> bytes:
    """The page in Adam7 order (PNG specification section 8.2)."""
    grey = page(mode="L")
    width, height = grey.size
    pixels = grey.tobytes()
    rows = b""
    for left, top, right, down in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        for y in range(top, height, down):
            rows += b"\0" + pixels[y * width + left : (y + 1) * width : right]
    return png_of(header(width, height, interlace=1), (b"IDAT", zlib.compress(rows)), END)


def turned(orientation: int) -> bytes:
    """The page as a camera saves it that was held so (EXIF 2.32, tag 0x0112)."""
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    image = page()
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(image.transpose(undo) if undo is not None else image, "JPEG", exif=exif, quality=95)


def with_exif(raw: bytes) -> bytes:
    """A JPEG with these notes, whatever they are."""
    segment = b"Exif\0\0" + raw
    return JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + JPEG[2:]


def with_size(jpeg: bytes, width: int, height: int) -> bytes:
    """A JPEG that claims another size."""
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


def webp_canvas(width: int, height: int) -> bytes:
    """An extended WebP that claims a canvas and holds a picture of another size."""
    extended = struct.pack("<I", 0) + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    chunks = b"VP8X" + struct.pack("<I", len(extended)) + extended + WEBP[12:]
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def noise(count: int) -> bytes:
    return random.Random(7).randbytes(count)


def frames(count: int) -> list[Image.Image]:
    """The page, then blank ones."""
    return [page(), *(Image.new("RGB", (560, 90), (n % 200, 0, 0)) for n in range(1, count))]


def animated(format: str, count: int = 12) -> bytes:
    first, *rest = frames(count)
    return saved(first, format, save_all=True, append_images=rest, duration=10, loop=0)


def transparent_words() -> bytes:
    """Black words on nothing."""
    layer = Image.new("RGBA", (560, 90), (0, 0, 0, 0))
    ImageDraw.Draw(layer).text((20, 30), WORDS, fill=(0, 0, 0, 255), font=ImageFont.load_default(26))
    return saved(layer, "PNG")


def palette_with_transparency() -> bytes:
    image = page().quantize(8)
    image.info["transparency"] = bytes([255, 200, 100, 0])
    return saved(image, "PNG", transparency=bytes([255, 200, 100, 0]))


def sixteen_bits(channels: int) -> bytes:
    grey = page(mode="L")
    rows = [grey.tobytes()[y * grey.width : (y + 1) * grey.width] for y in range(grey.height)]
    data = b"".join(b"\0" + b"".join(bytes([level, level]) * channels for level in row) for row in rows)
    return png_of(header(*grey.size, 16, 0 if channels == 1 else 2), (b"IDAT", zlib.compress(data)), END)


PNG = saved(page(), "PNG")
JPEG = saved(page(), "JPEG", quality=90)
WEBP = saved(page(), "WEBP", quality=90)
TEXT = PngImagePlugin.PngInfo()
TEXT.add_text("Comment", "<script>alert(1)</script>; DROP TABLE students; ../../etc/passwd")

#: What must come of each: `read` (its words are found), `any` (an analysis of whatever is there), or a refusal's code.
KINDS: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    # Odd, and good.
    "a PNG": (lambda: PNG, {"read"}),
    "a PNG of grey levels": (lambda: saved(page(mode="L"), "PNG"), {"read"}),
    "a PNG of one bit a pixel": (lambda: saved(page(mode="1"), "PNG"), {"any"}),
    "a PNG with a palette": (lambda: saved(page().quantize(16), "PNG"), {"read"}),
    "a PNG with a palette and transparency": (palette_with_transparency, {"any"}),
    "a PNG of grey and alpha": (lambda: saved(page(mode="LA"), "PNG"), {"read"}),
    "a PNG of words on nothing": (transparent_words, {"read"}),
    "a PNG of nothing at all": (lambda: saved(Image.new("RGBA", (300, 200)), "PNG"), {"any"}),
    "a PNG of 16 bits": (lambda: sixteen_bits(1), {"read"}),
    "a PNG of three times 16 bits": (lambda: sixteen_bits(3), {"read"}),
    "an interlaced PNG": (interlaced, {"read"}),
    "an animated PNG": (lambda: animated("PNG"), {"read"}),
    "a PNG that is a ZIP as well": (lambda: PNG + b"PK\x05\x06" + bytes(18), {"read"}),
    "a PNG that is a page as well": (lambda: inserted((b"tEXt", b"C\0<html><script>alert(1)</script>")), {"read"}),
    "a PNG with words that mean harm": (lambda: saved(page(), "PNG", pnginfo=TEXT), {"read"}),
    "a PNG with an unknown chunk": (lambda: inserted((b"haRm", noise(5000))), {"read"}),
    "a PNG without its end": (lambda: PNG[:-12], {"read", "broken_image"}),
    "a PNG as large as allowed": (lambda: zeros(4000, 2500), {"any"}),
    "a JPEG": (lambda: JPEG, {"read"}),
    "a progressive JPEG": (lambda: saved(page(), "JPEG", progressive=True), {"read"}),
    "a JPEG of grey levels": (lambda: saved(page(mode="L"), "JPEG"), {"read"}),
    "a JPEG of four inks": (lambda: saved(page(mode="CMYK"), "JPEG"), {"read"}),
    **{f"a JPEG turned by EXIF {n}": (partial(turned, n), {"read"}) for n in range(1, 9)},
    "a JPEG with broken EXIF": (lambda: with_exif(noise(200)), {"read"}),
    "a JPEG with EXIF that points into itself": (
        lambda: with_exif(b"MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\x08"),
        {"read"},
    ),
    "a JPEG turned by EXIF 99": (
        lambda: with_exif(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x63\0\0\0\0\0\0"),
        {"read"},
    ),
    "a JPEG with bytes after its end": (lambda: JPEG + noise(100_000), {"read"}),
    "a JPEG of noise": (lambda: saved(Image.frombytes("L", (160, 160), noise(25_600)), "JPEG"), {"any"}),
    "a WebP": (lambda: WEBP, {"read"}),
    "a WebP without loss": (lambda: saved(page(), "WEBP", lossless=True), {"read"}),
    "a WebP with alpha": (lambda: saved(page(mode="RGBA"), "WEBP", lossless=True), {"read"}),
    "an animated WebP": (lambda: animated("WEBP", 6), {"read"}),
    # Bombs and lies about the size.
    "a picture of 1 x 1": (lambda: saved(Image.new("RGB", (1, 1)), "PNG"), {"too_small"}),
    "a picture of 3000 x 1": (lambda: saved(Image.new("L", (3000, 1)), "PNG"), {"too_small"}),
    "a bomb of 20000 x 20000": (lambda: zeros(20_000, 20_000, 1), {"too_large"}),
    "a picture of 60000 x 30": (lambda: zeros(60_000, 30), {"too_large"}),
    "a PNG that claims 2147483647 x 2147483647": (
        lambda: png_of(header(2**31 - 1, 2**31 - 1), (b"IDAT", zlib.compress(b"\0")), END),
        {"too_large", "broken_image"},
    ),
    "a PNG that claims more than it holds": (
        lambda: png_of(header(3000, 3000), (b"IDAT", zlib.compress(b"\0" * 100)), END),
        {"broken_image"},
    ),
    "a PNG that holds more than it claims": (
        lambda: png_of(header(100, 100), (b"IDAT", zlib.compress(bytes(30_000_000))), END),
        {"any", "broken_image"},
    ),
    "a PNG of no width": (
        lambda: png_of(header(0, 100), (b"IDAT", zlib.compress(b"\0")), END),
        {"too_small", "broken_image"},
    ),
    "a PNG with a comment of 50 MB": (
        lambda: inserted((b"zTXt", b"C\0\0" + zlib.compress(bytes(50_000_000), 9))),
        {"read", "broken_image"},
    ),
    "a PNG with a colour profile of 50 MB": (
        lambda: inserted((b"iCCP", b"C\0\0" + zlib.compress(bytes(50_000_000), 9))),
        {"read", "broken_image"},
    ),
    "an animated PNG of 4000000000 frames": (
        lambda: inserted((b"acTL", struct.pack(">II", 4_000_000_000, 0))),
        {"read", "broken_image"},
    ),
    "a JPEG that claims 65535 x 65535": (lambda: with_size(JPEG, 65_535, 65_535), {"too_large"}),
    "a JPEG that claims 3000 x 3000": (lambda: with_size(JPEG, 3000, 3000), {"any", "broken_image"}),
    "a WebP that claims 16000 x 16000": (lambda: webp_canvas(16_000, 16_000), {"too_large", "broken_image"}),
    "more bytes than allowed": (lambda: JPEG + bytes(MAX_BYTES), {"too_large"}),
    # Damaged.
    "the beginning of a PNG": (lambda: PNG[:8], {"broken_image"}),
    "half a PNG": (lambda: PNG[: len(PNG) // 2], {"broken_image"}),
    "a PNG with a wrong checksum": (lambda: PNG[:50] + bytes([PNG[50] ^ 1]) + PNG[51:], {"broken_image"}),
    "a PNG without pixels": (lambda: png_of(header(100, 100), END), {"broken_image"}),
    "a PNG with pixels of no sense": (lambda: png_of(header(100, 100), (b"IDAT", noise(500)), END), {"broken_image"}),
    "a PNG without its palette": (
        lambda: png_of(header(50, 50, 8, 3), (b"IDAT", zlib.compress(bytes(51 * 50))), END),
        {"any", "broken_image"},
    ),
    "a PNG of 7 bits": (
        lambda: png_of(header(50, 50, 7), (b"IDAT", zlib.compress(bytes(2600))), END),
        {"broken_image"},
    ),
    "a PNG of noise": (lambda: PNG[:8] + noise(3000), {"broken_image"}),
    "the beginning of a JPEG": (lambda: JPEG[:20], {"broken_image"}),
    "half a JPEG": (lambda: JPEG[: len(JPEG) // 2], {"broken_image"}),
    "a JPEG with noise in its middle": (lambda: JPEG[:900] + noise(400) + JPEG[1300:], {"any", "broken_image"}),
    "a JPEG of noise alone": (lambda: JPEG[:3] + noise(3000), {"broken_image"}),
    "half a WebP": (lambda: WEBP[: len(WEBP) // 2], {"broken_image"}),
    "a WebP of noise": (lambda: WEBP[:12] + noise(3000), {"broken_image"}),
    "a WebP with a wrong length": (lambda: WEBP[:4] + b"\xff\xff\xff\x7f" + WEBP[8:], {"read", "broken_image"}),
    # Something else.
    "a GIF": (lambda: saved(page(), "GIF"), {"unsupported_type"}),
    "an animated GIF": (lambda: animated("GIF"), {"unsupported_type"}),
    "a BMP": (lambda: saved(page(), "BMP"), {"unsupported_type"}),
    "a TIFF": (lambda: saved(page(), "TIFF"), {"unsupported_type"}),
    "an ICO": (lambda: saved(page(64, 64), "ICO"), {"unsupported_type"}),
    "a PDF": (lambda: saved(page(), "PDF"), {"unsupported_type"}),
    "an SVG": (
        lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        {"unsupported_type"},
    ),
    "PostScript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) (r) file", {"unsupported_type"}),
    "an AVIF": (lambda: b"\0\0\0\x20ftypavif" + bytes(100), {"unsupported_type"}),
    "a million zero bytes": (lambda: bytes(1_000_000), {"unsupported_type"}),
    "noise": (lambda: noise(10_000), {"unsupported_type"}),
    "a sound": (lambda: b"RIFF" + struct.pack("<I", 100) + b"WAVEfmt " + bytes(92), {"unsupported_type"}),
    "nothing": (lambda: b"", {"invalid_payload"}),
}

#: What comes as JSON instead: the payload's field, and what must come of it.
WRITTEN: dict[str, tuple[Callable[[], str], set[str]]] = {
    "base64": (lambda: base64.b64encode(PNG).decode(), {"read"}),
    "a data URL": (lambda: "data:image/png;base64," + base64.b64encode(PNG).decode(), {"read"}),
    "a data URL that lies about its type": (
        lambda: "data:text/html;base64," + base64.b64encode(PNG).decode(),
        {"read"},
    ),
    "huge base64": (lambda: base64.b64encode(JPEG + bytes(200_000)).decode(), {"too_large"}),
    "a data URL without base64": (lambda: "data:image/svg+xml,<svg/>", {"invalid_payload"}),
    "base64 with a hole": (lambda: base64.b64encode(PNG).decode()[:-7] + "?", {"invalid_payload"}),
    "a file's address": (lambda: "file:///etc/passwd", {"invalid_payload"}),
    "a page's address": (lambda: "https://example.org/picture.png", {"invalid_payload"}),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[TestServer]:
    start = StartServer()
    settings = VisionSettings(workers=1, max_bytes=MAX_BYTES, memory_mb=MEMORY_MB, max_pixels=10_000_000)
    server = await start(plugins=[Vision(settings)])
    device = await server.connect(client="first")
    await device.request("question:analyze", {"text": "Are you there?"}, timeout=60)  # the worker is warm
    yield server
    await start.stop_all()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def device(server: TestServer) -> WireClient:
    return await server.connect()


def worker() -> int:
    """Process id of the only worker."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    (pid,) = [int(pid) for pid in children if b"bonsai_vision.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return pid


def most_memory(pid: int) -> float:
    """The most resident memory that a process has had, in MiB."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


async def outcome(device: WireClient, id: int) -> set[str]:
    """What came of a request, in the words of `KINDS`."""
    try:
        await device.answer(id, timeout=30)
    except WireError as error:
        return {error.code}
    text = (await device.recv("question:analyzed"))["data"]["analysis"]["text"]
    return {"any", "read"} if KEY in text else {"any"}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_hostile_picture_is_read_rightly_or_refused_clearly(device: WireClient, kind: str) -> None:
    make, allowed = KINDS[kind]
    id = next(IDS)
    before = worker()
    await device.send_attachment("question:analyze", {"questionId": kind}, make(), id=id)
    came = await outcome(device, id)
    assert came & allowed, f"{kind}: {came}"
    if not came & {"any", "invalid_payload"}:
        failed = [frame["data"] for frame in device.of("question:error") if frame["data"]["questionId"] == kind]
        assert [data["code"] for data in failed] == list(came)
        assert len(failed[0]["message"]) > 10
    assert worker() == before, "it is the same worker as before"


@pytest.mark.parametrize("kind", WRITTEN)
async def test_what_is_written_instead_of_a_picture_is_judged_as_well(device: WireClient, kind: str) -> None:
    write, allowed = WRITTEN[kind]
    id = next(IDS)
    await device.send("question:analyze", {"image": write()}, id=id)
    if allowed == {"too_large"}:
        assert (await device.recv("error"))["data"]["code"] == "too_large"  # before it was read, so without its id
    else:
        came = await outcome(device, id)
        assert came & allowed, f"{kind}: {came}"


async def test_more_than_an_attachment_may_be_is_refused_by_the_server(device: WireClient) -> None:
    id = next(IDS)
    await device.send_attachment("question:analyze", {}, PNG + bytes(8 << 20), id=id)
    with pytest.raises(WireError) as refused:
        await device.answer(id)
    assert refused.value.code == "too_large"


async def test_after_all_of_them_the_worker_lives_within_its_bounds(device: WireClient) -> None:
    assert len(KINDS) + len(WRITTEN) > 60
    peak = most_memory(worker())
    assert peak < MEMORY_MB, f"the worker used up to {peak:.0f} MiB"
    id = next(IDS)
    await device.send_attachment("question:analyze", {}, PNG + b"once more", id=id)
    assert "read" in await outcome(device, id)
