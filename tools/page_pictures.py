"""Makes the pictures of the Progress and Operations views for the documentation, of a demo that runs:

    make run
    .venv/bin/python tools/page_pictures.py 'http://127.0.0.1:3001/#as=Maya&session=maya-...&roles=student,admin'

The link is the one that `make run` ends with. It takes two minutes: the charts of Operations go back so far.
"""

import asyncio
import io
import sys
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.async_api import Browser, async_playwright

OUT = Path(__file__).resolve().parent.parent / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
VIEWS = ("progress", "operations")
SIZES = ((1280, 1240), (390, 844))
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
#: How long a view is watched before its pictures are taken, in s: the charts of Operations are full then.
WATCHED = 125.0
#: For a chart and a transition to settle, in s.
SETTLE = 1.5
COLORS = 256


async def pictures(browser: Browser, link: str, view: str) -> None:
    """One view, in each size and theme, as PNGs of few colours."""
    page = await browser.new_page()
    await page.goto(f"{link}&view={view}")
    await asyncio.sleep(WATCHED)
    for width, height in SIZES:
        for theme in THEMES:
            await page.set_viewport_size({"width": width, "height": height})
            await page.emulate_media(color_scheme=theme)
            await asyncio.sleep(SETTLE)
            image = Image.open(io.BytesIO(await page.screenshot())).convert("RGB")
            image = image.quantize(COLORS, dither=Image.Dither.NONE)
            image.save(OUT / f"dashboard-{view}-{theme}-{width}.png", optimize=True)
    await page.close()


async def main(link: str) -> None:
    link = "&".join(part for part in link.split("&") if not part.startswith("view="))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        await asyncio.gather(*(pictures(browser, link, view) for view in VIEWS))
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
