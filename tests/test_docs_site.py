"""The docs site builds without a warning, has no dead link, loads nothing from elsewhere, and leaves nothing out."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from bonsai_coaching.ai.settings import AiSettings
from bonsai_coaching.settings import Settings as CoachingSettings
from bonsai_dashboard.settings import DashboardSettings
from bonsai_extension.settings import ExtensionSettings
from bonsai_socketio.settings import SocketIoSettings
from bonsai_vision.settings import VisionSettings

from bonsai_core import ErrorCode, asyncapi
from bonsai_core.protocol import CloseCode
from bonsai_core.settings import Settings, env_name
from bonsai_core.testing.server import make_app

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import docs_links  # noqa: E402
import docs_reference  # noqa: E402
import docs_site  # noqa: E402

sys.path.remove(str(ROOT / "tools"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site, in a folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    config = (ROOT / "zensical.toml").read_text().replace('"build/', '"')
    paths = ", ".join(f'"{path}"' for path in (ROOT, *(ROOT / "plugins").glob("bonsai_*")))
    (folder / "zensical.toml").write_text(re.sub(r"paths = \[.*\]", f"paths = [{paths}]", config))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(docs_site, "STAGE", folder / "docs")
        patched.setattr(docs_site, "SITE", folder / "site")
        patched.setattr(docs_site, "CONFIG", folder / "zensical.toml")
        docs_site.stage()
        assert docs_site.build() == 0, "see the output: `make docs` shows the same"
    return folder / "site"


def page(site: Path, name: str) -> docs_links.Page:
    return docs_links.Page((site / name).read_text())


@pytest.mark.timeout(300)
def test_it_builds_and_every_page_is_in_the_menu(site: Path) -> None:
    menu = set(re.findall(r'"([\w./-]+\.md)"', (ROOT / "zensical.toml").read_text()))
    assert menu == set(docs_site.pages())
    built = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert {re.sub(r"README\.md$", "index.md", name).replace(".md", ".html") for name in menu} <= built


def test_a_dead_link_a_dead_anchor_and_a_foreign_script_are_found(tmp_path: Path) -> None:
    (tmp_path / "other.html").write_text('<p id="here">')
    (tmp_path / "index.html").write_text(
        '<a href="other.html#here">good</a><a href="other.html#gone">x</a><a href="none.html">x</a>'
        '<script src="https://cdn.example.com/x.js"></script><link rel="stylesheet" href="missing.css">'
    )
    assert [problem.partition(": ")[2] for problem in docs_links.check(tmp_path)] == [
        "loads https://cdn.example.com/x.js from another host",
        "loads missing.css, which does not exist",
        "the link other.html#gone has an anchor that its page has not",
        "the link none.html leads nowhere",
    ]


def test_a_source_with_a_dead_link_does_not_build() -> None:
    with pytest.raises(SystemExit, match="leads nowhere"):
        docs_site.relink("[x](gone.md)", "docs/index.md", "index.md", {})
    assert docs_site.relink("[it](../Makefile)", "docs/index.md", "index.md", {}) == "it (`Makefile`)"


# Nothing is left out


def test_every_hook_has_its_words_and_an_example(site: Path) -> None:
    anchors = page(site, "extend/hooks.html").anchors
    from bonsai_core.hookspecs import HookSpecs

    explained = {"self", "session", "app", "cli"}  # at the page's beginning
    specs = [HookSpecs, *docs_reference.plugin_hookspecs()]
    assert len(specs) == 5
    for spec in specs:
        hooks = {name: value for name, value in vars(spec).items() if hasattr(value, "bonsai_spec")}
        for name, hook in hooks.items():
            assert f"{spec.__module__}.{spec.__qualname__}.{name}" in anchors
            text = hook.__doc__ or ""
            assert len(text) > 20, f"{name} has no docstring"
            for argument in hook.__code__.co_varnames[: hook.__code__.co_argcount]:
                assert argument in explained or re.search(rf"^ +{argument}: ", text, re.M), f"{name}: {argument}"
            returned = str(hook.__annotations__.get("return", "None"))
            if returned not in ("None", "Awaitable[None] | None"):
                assert "Returns:" in text or name == "classify", f"{name} does not say what it returns"
            assert f"def {name}(" in docs_reference.example(name)


def test_every_setting_is_there(site: Path) -> None:
    anchors = page(site, "reference/settings.html").anchors
    for name, field in Settings.model_fields.items():
        assert docs_reference.anchor(env_name(name)) in anchors
        assert field.description, f"{name} has no description"


class Environment(dict[str, str]):
    """Remembers what was asked for."""

    def __init__(self, **values: str) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)


def test_every_setting_of_a_plugin_is_there(site: Path) -> None:
    anchors = page(site, "reference/settings.html").anchors
    readers = [
        CoachingSettings.from_environment,
        AiSettings.from_environment,
        DashboardSettings.read,
        ExtensionSettings.read,
        SocketIoSettings.read,
        VisionSettings.read,
    ]
    asked: set[str] = set()
    for read in readers:
        environment = Environment(BONSAI_AI_URL="http://127.0.0.1/v1", BONSAI_AI_MODEL="m", BONSAI_AI_VISION_MODEL="m")
        read(environment)
        asked |= environment.asked
    assert len(asked) > 30
    assert {name for name in asked - {""} if docs_reference.anchor(name) not in anchors} == set()
    named = set(re.findall(r"BONSAI_\w+", (ROOT / "plugins" / "bonsai_vision" / "README.md").read_text()))
    ours = {env_name(name) for name in Settings.model_fields}
    assert {name for name in named if name.startswith("BONSAI_VISION")} <= asked | ours


def test_every_event_is_there_with_its_payload(site: Path) -> None:
    text = (site / "reference" / "events.html").read_text()
    anchors = page(site, "reference/events.html").anchors
    app = make_app()
    app.plugins.discover()
    made = asyncapi.document(app)
    assert len(made["components"]["messages"]) > 50
    for key, message in made["components"]["messages"].items():
        assert docs_reference.anchor(message["name"]) in anchors
        reference = message["payload"]["properties"]["data"].get("$ref")
        assert reference or key == "ack.out" or not message["name"].startswith(("user:joined", "error"))
        assert message["summary"] or key in ("ack.out", "user.disconnect.in"), f"{key} says nothing of itself"
        fields = made["components"]["schemas"][reference.rpartition("/")[2]].get("properties", {}) if reference else {}
        assert {name for name in fields if f"<code>{name}</code>" not in text} == set()


def test_every_command_and_option_is_there(site: Path) -> None:
    from bonsai_core.cli import cli

    text = (site / "reference" / "commands.html").read_text()
    anchors = page(site, "reference/commands.html").anchors
    commands = list(docs_reference.walk(cli))
    assert len(commands) > 20
    for path, command in commands[1:]:
        assert docs_reference.anchor(" ".join(path)) in anchors
        assert command.help, f"{path} has no help"
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert option.help, f"{path} {option.name} has no help"
                assert option.opts[-1] in text or path == ("serve",)


def test_the_protocol_page_has_every_code_and_route(site: Path) -> None:
    text = (ROOT / "docs" / "protocol.md").read_text()
    assert [code for code in ErrorCode if f"| `{code}` |" not in text] == []
    assert [code for code in CloseCode if not re.search(rf"^\| [\d, ]*\b{int(code)}\b", text, re.MULTILINE)] == []
    sources = "".join((ROOT / "bonsai_core" / f"{name}.py").read_text() for name in ("http", "server"))
    routes = set(re.findall(r'router\.add_(?:get|post)\(\s*"([^"]+)"', sources))
    assert len(routes) >= 7
    assert routes <= set(re.findall(r"`(?:GET|POST) (/[\w./{}]+)", text))


# In a browser


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    """The site's address on this machine."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(site)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        match = re.search(r"http://\S+/", server.stdout.readline())
        assert match is not None
        yield match[0]
        server.kill()


@pytest.mark.timeout(180)
@pytest.mark.skipif(not Path("/usr/bin/chromium").exists(), reason="needs Chromium")
def test_a_browser_loads_nothing_from_elsewhere_and_search_works(served: str) -> None:
    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        tab.on("request", lambda request: asked.append(request.url))
        with tab.expect_response("**/search.json", timeout=60_000) as index:
            tab.goto(f"{served}how-it-works.html")
            tab.keyboard.press("Control+k")
        assert "BONSAI_DEDUP_WINDOW" in index.value.text()
        browser.close()
    assert len(asked) > 5
    assert [url for url in asked if not url.startswith((served, "data:", "blob:"))] == []
