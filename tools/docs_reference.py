"""Writes the reference pages of the docs site from the code itself: events, settings, commands, metrics, hooks.

Each function returns Markdown that follows a page's hand-written beginning. What it says of a thing is what the thing
says of itself: docstrings, descriptions of settings, help of commands, JSON schemas of payloads. `tools/docs_site.py`
puts the pages together.
"""

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic.json_schema import models_json_schema

from bonsai_core import asyncapi
from bonsai_core.app import App
from bonsai_core.cli import cli
from bonsai_core.hookspecs import HookSpecs
from bonsai_core.metrics import render
from bonsai_core.plugins import PluginRecord
from bonsai_core.settings import Settings, describe
from bonsai_core.testing.server import make_app

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "docs" / "examples" / "hooks.py"

#: What has no model of its own: acks, whose data is the handler's.
PROTOCOL = "[As the protocol says.](../protocol.md#answers)"
_DOMAINS = {"core": "Connection and session"}


def everything() -> App:
    """An application with every installed plugin, not started."""
    app = make_app()
    app.plugins.discover()
    if failed := [f"{r.name}: {r.error}" for r in app.plugins.records.values() if r.error]:
        raise SystemExit(f"the docs need every plugin: {'; '.join(failed)}")
    return app


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; cells hold Markdown."""
    lines = [list(head), *([*row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    cells = [[re.sub(r"(?<!\\)\|", r"\\|", cell.replace("\n", " ")) for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def code(text: object) -> str:
    """Text as inline code."""
    return f"`{text}`" if str(text) else ""


# Events


def events(app: App) -> str:
    """Every event of every plugin with its payload, from the document that `/asyncapi.json` answers with."""
    made = asyncapi.document(app)
    schemas = dict(made["components"]["schemas"])
    messages = list(made["components"]["messages"].items())
    page = list[str]()
    for record in _with_events(app, messages):
        own = [(key, message) for key, message in messages if message["tags"][0]["name"] == record.name]
        page.append(f"## {_DOMAINS.get(record.name, record.name.capitalize())} {{#{record.name}}}\n\n")
        if record.distribution:
            folder = record.distribution.replace("-", "_")
            page.append(f"[What it does](../../plugins/{folder}/README.md), package `{record.distribution}`.\n\n")
        used: dict[str, None] = {}
        for name in dict.fromkeys(message["name"] for _, message in own):
            page.append(f"### `{name}` {{#{anchor(name)}}}\n\n")
            for key, message in own:
                if message["name"] == name:
                    page += _message(app, record, key, message, schemas, used)
        page += _types(record.name, schemas, used)
    return "".join(page)


def _with_events(app: App, messages: list[tuple[str, Any]]) -> Iterator[PluginRecord]:
    names = {message["tags"][0]["name"] for _, message in messages}
    return (record for record in app.plugins.records.values() if record.name in names)


def _message(
    app: App, record: PluginRecord, key: str, message: Mapping[str, Any], schemas: dict[str, Any], used: dict[str, None]
) -> Iterator[str]:
    received = key.endswith(".in")
    yield f"**{'From a client' if received else 'To clients'}.** {sentence(message['summary'])}\n\n"
    data = message["payload"]["properties"]["data"]
    if data:
        yield from _payload(data, schemas, used)
    elif received and message["name"] in record.handles:
        yield "No payload.\n\n"
    else:
        yield f"{PROTOCOL}\n\n"
    route = app.plugins.routes.get(message["name"])
    if not received or route is None or route.owner is None or route.owner.signature is None:
        return
    signature = route.owner.signature
    if isinstance(signature.returns, type) and issubclass(signature.returns, BaseModel):
        reference, more = _schemas(record.name, signature.returns)
        schemas |= {name: schema for name, schema in more.items() if name not in schemas}
        yield "The ack's data:\n\n"
        yield from _payload(reference, schemas, used)
    if signature.handles.rate is not None:
        count, seconds = signature.handles.rate
        yield f"At most {count} in {seconds:g} s for one user (`BONSAI_RATE_EVENTS` sets another limit).\n\n"


def _schemas(plugin: str, model: type[BaseModel]) -> tuple[dict[str, Any], dict[str, Any]]:
    found, made = models_json_schema([(model, "validation")], ref_template=f"#/components/schemas/{plugin}.{{model}}")
    return dict(found[model, "validation"]), {f"{plugin}.{name}": s for name, s in made.get("$defs", {}).items()}


def _payload(data: Mapping[str, Any], schemas: Mapping[str, Any], used: dict[str, None]) -> Iterator[str]:
    schema = schemas[data["$ref"].rpartition("/")[2]] if "$ref" in data else data
    if schema.get("properties"):
        yield fields(schema, used) + "\n"
    elif schema.get("type") == "object":
        yield "An empty object.\n\n"
    else:
        yield f"{kind(schema, used)}\n\n"


def _types(plugin: str, schemas: Mapping[str, Any], used: dict[str, None]) -> Iterator[str]:
    """The models inside payloads, each once, with those inside them."""
    done: set[str] = set()
    while todo := [name for name in used if name not in done]:
        for name in todo:
            done.add(name)
            schema = schemas[name]
            yield f"#### {name.rpartition('.')[2]} {{#{anchor(name)}}}\n\n"
            yield f"{sentence(_prose(schema.get('description', '')))}\n\n"
            if schema.get("properties"):
                yield fields(schema, used) + "\n"
            else:
                yield f"{kind(schema, used)}\n\n"


def fields(schema: Mapping[str, Any], used: dict[str, None]) -> str:
    """A payload's fields as a table."""
    notes = attributes(schema.get("description", ""))
    required = schema.get("required", [])
    rows = []
    for name, field in schema["properties"].items():
        about = sentence(field.get("description") or notes.get(name, ""))
        if isinstance(default := field.get("default"), str | int | float) and default != "" and name not in required:
            about = f"{about} Default: `{str(default).lower() if isinstance(default, bool) else default}`.".strip()
        wanted = f"{kind(field, used)}, *required*" if name in required else kind(field, used)
        rows.append((code(name), wanted, about))
    if not any(about for _, _, about in rows):
        return table(("field", "type"), [row[:2] for row in rows])
    return table(("field", "type", "what it is"), rows)


def kind(schema: Mapping[str, Any], used: dict[str, None]) -> str:
    """A JSON schema's type in words; models that it names are added to `used`."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        used.setdefault(name)
        return f"[{name.rpartition('.')[2]}](#{anchor(name)})"
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(kind(one, used) for one in schema[several] if one.get("type") != "null"))
    if "allOf" in schema:
        return kind(schema["allOf"][0], used)
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return ", ".join(code(value) for value in schema["enum"])
    if schema.get("contentEncoding") == "base64":
        return "bytes: a frame's attachment, base64 or a data URL"
    match schema.get("type"):
        case "array":
            items = schema.get("items", {})
            named = kind(items, used) if items else "anything"
            return f"list of {named}{_bounds(schema, 'minItems', 'maxItems')}"
        case "object":
            values = schema.get("additionalProperties")
            return f"object of {kind(values, used)}" if isinstance(values, dict) and values else "object"
        case "string":
            return f"string{_bounds(schema, 'minLength', 'maxLength')}"
        case "integer" | "number" as number:
            low = f"above {schema['exclusiveMinimum']}" if "exclusiveMinimum" in schema else ""
            return f"{number}{_bounds(schema, 'minimum', 'maximum')}{' ' + low if low else ''}"
        case "boolean":
            return "boolean"
        case None:
            return "anything"
        case other:
            return str(other)


def _bounds(schema: Mapping[str, Any], low: str, high: str) -> str:
    least, most = schema.get(low), schema.get(high)
    if least is not None and most is not None:
        return f", {least} to {most}"
    if least is not None:
        return f", at least {least}"
    return f", at most {most}" if most is not None else ""


def attributes(docstring: str) -> dict[str, str]:
    """What a docstring says of each attribute, by wire name."""
    _, _, listed = docstring.partition("Attributes:\n")
    found: dict[str, str] = {}
    names: list[str] = []
    for line in inspect.cleandoc(listed).splitlines():
        if not line.strip():
            break
        if match := re.match(r"([\w, ]+): (.*)", line):
            names = [to_camel(name.strip()) for name in match[1].split(",")]
            found |= dict.fromkeys(names, match[2])
        else:
            for name in names:
                found[name] += f" {line.strip()}"
    return found


def _prose(docstring: str) -> str:
    return re.split(r"\n\s*(?:Attributes|Args):", docstring)[0].strip()


def sentence(text: str) -> str:
    """The text with a capital and a full stop, so that texts from many authors look alike in a table."""
    text = " ".join(text.split())
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if text.endswith((".", "!", "?", ":")) else f"{text}."


def anchor(name: str) -> str:
    """An anchor of this name, as browsers and Markdown take it."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


# Settings

#: The headings of the settings page: each begins at the setting named.
_GROUPS = {
    "websocket_host": "Where it listens",
    "jwt_secret": "Tokens",
    "frontend_url": "Browsers",
    "store_url": "Storage and nodes",
    "rate_max_requests": "Limits",
    "heartbeat_interval_ms": "Time and slow readers",
    "plugins": "Plugins",
    "log_json": "Logs and identity",
}


def settings() -> str:
    """Every setting of the server, and those that the plugins' READMEs list."""
    page = list[str]()
    rows: list[tuple[str, ...]] = []
    head = ("setting", "default", "meaning")
    for info in describe(Settings(env_file=None)):
        if heading := _GROUPS.get(info.name):
            page += [table(head, rows), "\n"] if rows else []
            page.append(f"## {heading}\n\n")
            rows = []
        rows.append((_named(info.env), _default(info.default, info.unit), f"{info.description} {_range(info.name)}"))
    page += [table(head, rows), "\n## Settings of plugins\n\n"]
    page.append("Each plugin reads its own from the environment; they have no flags.\n\n")
    for plugin, tables in plugin_settings().items():
        page.append(f"### {plugin.removeprefix('bonsai_').capitalize()}\n\n")
        page += [f"{one}\n" for one in tables]
    return "".join(page)


def _named(env: str) -> str:
    return f'<span id="{anchor(env)}"></span>`{env}`'


def _default(value: object, unit: str) -> str:
    if value in (None, [], ""):
        return ""
    text = "0" if value is False else "1" if value is True else str(value)
    return f"{code(text)} {unit}".strip()


def _range(name: str) -> str:
    low = high = None
    for bound in Settings.model_fields[name].metadata:
        low = getattr(bound, "ge", low)
        high = getattr(bound, "le", high)
    if low is not None and high is not None:
        return f"*{low} to {high}.*"
    return f"*From {low}.*" if low else ""


def plugin_settings() -> dict[str, list[str]]:
    """The tables of settings in the plugins' READMEs, by package."""
    found: dict[str, list[str]] = {}
    for readme in sorted((ROOT / "plugins").glob("*/README.md")):
        tables = re.findall(r"^\| (?:setting|variable) \|.*\n(?:\|.*\n)+", f"{readme.read_text()}\n", re.MULTILINE)
        if tables:
            found[readme.parent.name] = [
                re.sub(r"(?<=[| ])`(BONSAI_\w+)`", lambda m: _named(m[1]), one) for one in tables
            ]
    return found


# Commands


def commands() -> str:
    """Every command of `bonsai`, with its options."""
    page = list[str]()
    for path, command in walk(cli):
        if not path:
            continue
        level = "##" if len(path) == 1 else "###"
        page.append(f"{level} `bonsai {' '.join(path)}` {{#{anchor(' '.join(path))}}}\n\n")
        page.append(_help(command.help or command.short_help or ""))
        if not isinstance(command, click.Group):
            usage = " ".join(command.collect_usage_pieces(click.Context(command)))
            page.append(f"```text\nbonsai {' '.join(path)} {usage}\n```\n\n")
            page.append(_options(command))
    return "".join(page)


def walk(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """A command and all below it, with the words that call each; hidden ones are left out."""
    if command.hidden:
        return
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if (child := command.get_command(context, name)) is not None:
                yield from walk(child, (*path, name))


def _help(text: str) -> str:
    """A command's help as Markdown: what click prints as it stands is code."""
    parts = []
    for part in inspect.cleandoc(text).split("\n\n"):
        if not part.startswith("\b"):
            parts.append(f"{' '.join(part.split())}\n\n")
            continue
        lines = part.lstrip("\b\n").splitlines()
        if lines and lines[0].rstrip().endswith(":"):
            parts.append(f"{lines.pop(0).strip()}\n\n")
        body = inspect.cleandoc("\n".join(["", *lines]))
        shell = any(line.startswith(("bonsai", "JWT_", "REDIS_", "BONSAI_", "echo")) for line in body.splitlines())
        parts.append(f"```{'sh' if shell else 'text'}\n{body}\n```\n\n")
    return "".join(parts)


def _options(command: click.Command) -> str:
    rows = []
    context = click.Context(command)
    flags = {parameter.name for parameter in command.params} & Settings.model_fields.keys()
    for parameter in command.params:
        if not isinstance(parameter, click.Option) or parameter.hidden:
            continue
        if parameter.name in flags and len(flags) == len(Settings.model_fields):
            continue
        record = parameter.get_help_record(context)
        if record is not None:
            text, bracket, more = record[1].replace("*", r"\*").partition("[")
            rows.append((code(record[0]), f"{sentence(text)} {bracket}{more}".strip()))
    listed = table(("option", "what it does"), rows) + "\n" if rows else ""
    if len(flags) == len(Settings.model_fields):
        listed += "And a flag for each of the [settings](settings.md).\n\n"
    return listed


# Metrics


def metrics(app: App) -> str:
    """Every metric of `/metrics`."""
    text = render(app).decode()
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    rows = [
        (code(name), kinds[name], sentence(about)) for name, about in re.findall(r"^# HELP (\w+) (.*)$", text, re.M)
    ]
    return table(("metric", "kind", "what it counts"), rows)


# Hooks


def hooks() -> str:
    """Every hook of the core under its group, with what its docstring says and an example."""
    page = []
    for heading, names in _hook_groups():
        page.append(f"## {heading}\n\n")
        page += [_hook(f"bonsai_core.hookspecs.HookSpecs.{name}", name) for name in names]
    return "".join(page)


def plugin_hooks() -> str:
    """Every hook that a plugin of this workspace defines."""
    page = []
    for spec in plugin_hookspecs():
        names = [name for name, value in vars(spec).items() if hasattr(value, "bonsai_spec")]
        page += [_hook(f"{spec.__module__}.{spec.__qualname__}.{name}", name) for name in names]
    return "".join(page)


def hook_names() -> list[str]:
    """Every hook of the core."""
    return [name for name, value in vars(HookSpecs).items() if hasattr(value, "bonsai_spec")]


def plugin_hookspecs() -> list[type]:
    """The classes in which plugins define hooks."""
    instances = [record.instance for record in everything().plugins.loaded()]
    specs = [getattr(instance, "hookspecs", None) for instance in instances]
    return [spec for spec in specs if isinstance(spec, type)]


def _hook_groups() -> Iterator[tuple[str, list[str]]]:
    """The hooks under the comments that stand above them in `hookspecs.py`."""
    source = inspect.getsource(HookSpecs)
    heading, names = "", list[str]()
    for line in source.splitlines():
        if match := re.match(r"    # (.+)", line):
            if names:
                yield heading, names
            heading, names = match[1], []
        elif match := re.match(r"    (?:async )?def (\w+)\(", line):
            names.append(match[1])
    yield heading, names


def _hook(path: str, name: str) -> str:
    options = "    options:\n      heading_level: 3\n      show_root_heading: true\n"
    return f"::: {path}\n{options}\n```python\n{example(name)}\n```\n\n"


def example(hook: str) -> str:
    """The class in `docs/examples/hooks.py` that shows this hook, as it stands there."""
    text = EXAMPLES.read_text()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            functions = [f for f in node.body if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef)]
            if any(f.name == hook and any("hookimpl" in ast.unparse(d) for d in f.decorator_list) for f in functions):
                return ast.get_source_segment(text, node) or ""
    raise LookupError(f"{EXAMPLES.name} has no example of {hook}")
