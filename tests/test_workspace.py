"""What every member of the workspace promises: it looks like its siblings, and the import contracts cover it."""

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))

each_plugin = pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)


def declared(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text())


@each_plugin
def test_a_plugin_has_what_its_siblings_have(plugin: Path) -> None:
    for name in ("README.md", "CHANGELOG.md", f"{plugin.name}/__init__.py", f"{plugin.name}/py.typed"):
        assert (plugin / name).is_file(), f"{plugin.name} lacks {name}"


@each_plugin
def test_a_plugin_caps_the_core_and_depends_on_no_sibling(plugin: Path) -> None:
    project = declared(plugin)["project"]
    ours = [line for line in project["dependencies"] if line.startswith("bonsai")]
    assert ours == ["bonsai-core>=0.1,<0.2"]
    assert project["name"] == plugin.name.replace("_", "-")
    assert project["entry-points"]["bonsai.plugins"]


@each_plugin
def test_the_import_contracts_cover_a_plugin(plugin: Path) -> None:
    linter = declared(ROOT)["tool"]["importlinter"]
    contracts = {contract["name"]: contract for contract in linter["contracts"]}
    assert plugin.name in linter["root_packages"]
    assert plugin.name in contracts["Plugins never import one another"]["modules"]
    assert plugin.name in contracts["Plugins use the public API alone"]["source_modules"]


def test_no_two_test_files_share_a_name() -> None:
    files = [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("plugins/*/tests/**/test_*.py")]
    assert [name for name, count in Counter(file.name for file in files).items() if count > 1] == []


def test_the_lock_pins_every_package_by_hash_and_names_no_registry() -> None:
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines
    assert not re.search(r"https?://|index-url|find-links", text)
    assert [line for line in lines if not re.match(r"[\w.\[\]-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)] == []
