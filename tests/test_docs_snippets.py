"""What READMEs and docs show runs: Python is executed or compiled, its tests are run, shell commands and options exist.

A Python block that only imports and defines is executed, after those before it on its page. One that does something
needs a server or a token of the reader's: it is compiled, and what it imports is imported. Test functions of a page are
run with the test kit.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import re
import shlex
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import click
import pytest

from bonsai_core.cli import cli
from bonsai_core.settings import Settings, env_name
from bonsai_core.testing import StartProcess, StartProxy, StartServer

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    ROOT / "README.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if "frontend" not in path.parts),
    *sorted((ROOT / "plugins").glob("*/README.md")),
]
#: Blocks that name files which the reader has not got, and programs that operators have.
TOOLS = {"curl", "docker", "kill", "openssl", "kubectl", "redis-cli", "jq", "echo", "npm", "source", "cd"}
WORKING = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.Assign, ast.AnnAssign)


class Block(NamedTuple):
    page: str
    line: int
    language: str
    title: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"


def blocks() -> list[Block]:
    found = []
    for path in PAGES:
        text = path.read_text()
        for match in re.finditer(r"^```(\w+)([^\n]*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            title = re.search(r'title="([^"]+)"', match[2])
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(str(path.relative_to(ROOT)), line, match[1], title[1] if title else "", match[3]))
    return found


BLOCKS = blocks()
PYTHON = [block for block in BLOCKS if block.language == "python" and not block.title]
SHELL = [block for block in BLOCKS if block.language == "sh"]
PAGES_WITH_PYTHON = list(dict.fromkeys(block.page for block in PYTHON))


def defines_only(tree: ast.Module) -> bool:
    """Nothing happens but definitions; what stands below `if __name__ == "__main__"` does not run."""
    return all(
        isinstance(node, WORKING)
        or (isinstance(node, ast.If) and "__name__" in ast.unparse(node.test))
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in tree.body
    )


def assigned_names_are_known(tree: ast.Module, names: dict[str, Any]) -> bool:
    """Whether every name that a block uses at its top level exists: else it continues the reader's own code."""
    used = {
        node.id
        for top in tree.body
        if isinstance(top, ast.Assign | ast.AnnAssign) and top.value is not None
        for node in ast.walk(top.value)
        if isinstance(node, ast.Name)
    }
    defined = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    defined |= {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    defined |= {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    return used <= names.keys() | defined | set(dir(__builtins__)) | {"str", "dict", "list", "int"}


def run_page(page: str) -> dict[str, Any]:
    """Execute a page's blocks in one namespace; returns it."""
    module = ModuleType(f"docs_page_{re.sub(r'[^a-z]+', '_', page.lower())}")
    sys.modules[module.__name__] = module
    names = vars(module)
    for block in PYTHON:
        if block.page != page:
            continue
        source = "\n" * block.line + block.text
        tree = ast.parse(source, page)
        code = compile(tree, page, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if defines_only(tree) and assigned_names_are_known(tree, names):
            exec(code, names)  # noqa: S102 - our own text
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                exec(compile(ast.Module([node], []), page, "exec"), names)  # noqa: S102
    return names


@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", PAGES_WITH_PYTHON)
async def test_the_python_of_a_page_works(
    page: str, bonsai_server: StartServer, bonsai_process: StartProcess, tcp_proxy: StartProxy, tmp_path: Path
) -> None:
    from bonsai_core.testing import FakeClock

    names = run_page(page)
    given = {
        "bonsai_server": bonsai_server,
        "bonsai_process": bonsai_process,
        "tcp_proxy": tcp_proxy,
        "tmp_path": tmp_path,
    }
    tests = [value for name, value in names.items() if name.startswith("test_") and inspect.iscoroutinefunction(value)]
    for test in tests:
        arguments = given | {"fake_clock": FakeClock()}
        await test(**{name: arguments[name] for name in inspect.signature(test).parameters})
    if page in ("README.md", "docs/extend/testing.md"):
        assert tests, "its tests were run"


def lines(text: str) -> list[str]:
    """Its lines without indentation: a method is shown without its class."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_the_tutorials_code_is_the_tested_file() -> None:
    shown = [block for block in BLOCKS if block.page == "docs/extend/tutorial.md" and block.title.endswith(".py")]
    assert len(shown) == 8
    files = {name: (ROOT / "docs" / "examples" / "flags" / name).read_text() for name in ("flags.py", "test_flags.py")}
    for block in shown:
        assert "\n".join(lines(block.text)) in "\n".join(lines(files[block.title])), block.where
    pieces = [line for block in shown if block.title == "flags.py" for line in lines(block.text)]
    assert sorted(pieces) == sorted(lines(files["flags.py"])), "all of it is shown"


def test_the_json_is_json() -> None:
    for block in BLOCKS:
        if block.language == "json":
            json.loads(block.text)


def commands(block: Block) -> list[list[str]]:
    """The simple commands of a shell block, without assignments before them."""
    text = re.sub(r"\\\n", " ", block.text)
    found = []
    for line in text.splitlines():
        line = re.sub(r"\$\(.*?\)", "x", line.removeprefix("$ "))
        words = shlex.split(line.partition(" #")[0] if not line.startswith("#") else "", comments=True)
        command: list[str] = []
        for word in [*words, ";"]:
            if word in ("|", "&&", ";", "||"):
                while command and re.fullmatch(r"[A-Z_]+=.*", command[0]):
                    name = command.pop(0).partition("=")[0]
                    known = {env_name(field) for field in Settings.model_fields} | {"PLUGINS"}
                    assert name in known or name.startswith("BONSAI_"), f"{block.where}: {name}"
                if command:
                    found.append(command)
                command = []
            elif word in (">", "<"):
                command.append(word)
            else:
                command.append(word)
    return found


def check_bonsai(words: list[str]) -> None:
    command: click.Command = cli
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(click.Context(command), rest[0])
        assert found is not None, f"no command {rest[0]!r}"
        command, rest = found, rest[1:]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    options |= {"--help", "-h"}
    for word in rest:
        if word.startswith("-") and word != "-":
            assert word.partition("=")[0] in options, f"no option {word}"


def check(words: list[str]) -> None:
    name = words[0]
    if name == "bonsai":
        check_bonsai(words[1:])
    elif name == "make":
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        assert {word for word in words[1:] if "=" not in word} <= targets
    elif name in ("python", ".venv/bin/python"):
        if words[1:2] == ["-m"]:
            assert importlib.util.find_spec(words[2]) is not None
        else:
            assert (ROOT / words[1]).is_file() or words[1].startswith("-")
    elif name in ("pip", "pytest"):
        assert len(words) > 1 or name == "pytest"
    elif "/" in name:
        assert (ROOT / name).exists()
    else:
        assert name in TOOLS or shutil.which(name), f"no program {name}"
    if name == "npm" and "run" in words:
        scripts = json.loads((ROOT / "web" / "package.json").read_text())["scripts"]
        assert words[words.index("run") + 1] in scripts


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.where)
def test_the_commands_of_a_shell_block_exist(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for words in commands(block):
        check([word for word in words if word not in ("<", ">")])


@pytest.mark.parametrize(
    "text", ["bonsai serve --nonsense", "bonsai dance", "make dinner", "python -m bonsai_nothing", "nosuchprogram x"]
)
def test_a_command_that_does_not_exist_is_found(text: str) -> None:
    with pytest.raises(AssertionError):
        check(shlex.split(text))


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


async def test_the_plugin_of_the_readme_loads_from_a_folder(bonsai_server: StartServer, tmp_path: Path) -> None:
    plugin = next(block.text for block in PYTHON if block.page == "README.md")
    (tmp_path / "hello.py").write_text(plugin)
    server = await bonsai_server(plugins_dir=tmp_path, only=["hello"])
    device = await server.connect()
    assert await device.request("hello:greet", {"name": "Bo"}) == {"text": "Hello, Bo"}
