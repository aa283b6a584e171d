"""The README's plugin and its test work as printed."""

from __future__ import annotations

import re
from pathlib import Path

from bonsai_core.testing import StartServer

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


async def test_the_plugin_of_the_readme_passes_its_test(bonsai_server: StartServer) -> None:
    plugin, its_test, _ = BLOCKS
    names: dict[str, object] = {"__name__": "readme"}
    exec(compile(plugin + its_test, "README.md", "exec"), names)  # noqa: S102 - our own text
    await names["test_a_greeting_reaches_every_device"](bonsai_server)  # type: ignore[operator]


async def test_the_plugin_of_the_readme_loads_from_a_folder(bonsai_server: StartServer, tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(BLOCKS[0])
    server = await bonsai_server(plugins_dir=tmp_path, only=["hello"])
    device = await server.connect()
    assert await device.request("hello:greet", {"name": "Bo"}) == {"text": "Hello, Bo"}
