"""The commands of `bonsai` that belong to the core: serve, settings, token."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bonsai_core import logs
from bonsai_core.settings import DEV_SECRET_PATH, SettingInfo, Settings, SettingsError, describe, env_name, flag_name

if TYPE_CHECKING:
    from rich.table import Table

    from bonsai_core.plugins import Plugins

_F = TypeVar("_F", bound=Callable[..., Any])
# Wide enough for tables in a pipe or a file, where there is no terminal to ask.
_PIPE_WIDTH = 160


def setting_options(function: _F) -> _F:
    """Decorator: a click option for every setting, passed by field name; None when it was not given.

    The values are handed on as typed: `Settings` checks them, so that a flag and a variable get the same message.
    """
    for name, field in reversed(Settings.model_fields.items()):
        extra = field.json_schema_extra
        unit = str(extra.get("unit", "")) if isinstance(extra, dict) else ""
        default = "" if field.default in (None, (), False) or field.default_factory else f"; default: {field.default}"
        text = f"{field.description}  [{env_name(name)}{default}]"
        if field.annotation is bool:
            flags = f"{flag_name(name)}/--no-{flag_name(name)[2:]}"
            function = click.option(flags, name, default=None, help=text)(function)
        else:
            metavar = unit.upper().replace(" ", "-") or _metavar(name)
            function = click.option(flag_name(name), name, metavar=metavar, help=text)(function)
    return function


def _metavar(name: str) -> str:
    return "LIST" if isinstance(Settings.model_fields[name].default, tuple) else name.rpartition("_")[2].upper()


@click.command(short_help="Run the server.")
@click.option("--reload", is_flag=True, help="Start again when the code of the core or of a plugin changes.")
@click.option("--worker-of", "folder", hidden=True, type=click.Path(path_type=Path))
@click.option("--descriptors", hidden=True, default="")
@setting_options
def serve(reload: bool, folder: Path | None, descriptors: str, **flags: Any) -> None:
    """Run the server until SIGINT or SIGTERM.

    A flag wins over its environment variable, that over the file .env. Exit code 2: the settings are wrong.
    With --workers, SIGHUP restarts the worker processes one by one.

    \b
    Examples:
      bonsai serve --dev
      JWT_SECRET=... bonsai serve --websocket-host 0.0.0.0 --log-json
      bonsai serve --dev --plugins-dir my-plugins --reload
      REDIS_URL=redis://127.0.0.1/0 bonsai serve --dev --workers 4
    """
    settings = Settings(**flags)
    settings.check_startable()
    if reload and settings.workers > 1:
        raise SettingsError(
            ["--reload restarts a single process. Leave it out, or set BONSAI_WORKERS=1 (--workers 1)."]
        )
    node = settings.node_id if settings.shares_store and settings.workers == 1 else None
    logs.configure(json=settings.log_json, debug=settings.debug, node=node)
    if folder is not None:
        from bonsai_core.server import run
        from bonsai_core.siblings import Siblings

        sys.exit(run(settings, siblings=Siblings(folder, settings.node_id, map(int, descriptors.split(",")))))
    if reload:
        from bonsai_core.reload import run_reloading

        sys.exit(run_reloading(settings, _as_arguments(flags)))
    if settings.generates_secret:
        kept = DEV_SECRET_PATH if settings.secret and DEV_SECRET_PATH.exists() else "memory only, for want of a file"
        import structlog

        structlog.get_logger("bonsai").info(
            "development mode: tokens are signed with a generated secret; never use this in production", kept=str(kept)
        )
    if settings.workers > 1:
        from bonsai_core.workers import run_workers

        sys.exit(run_workers(settings, _as_arguments(flags)))
    from bonsai_core.server import run

    sys.exit(run(settings))


def _as_arguments(flags: dict[str, Any]) -> list[str]:
    arguments = []
    for name, value in flags.items():
        if isinstance(value, bool):
            arguments.append(flag_name(name) if value else f"--no-{flag_name(name)[2:]}")
        elif value is not None:
            # With "=", so that a value may begin with a dash.
            arguments.append(f"{flag_name(name)}={value}")
    return arguments


@click.command(short_help="List every setting.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def settings(as_json: bool) -> None:
    """List every setting: its name, value, where that came from, default and meaning. Secrets are masked.

    Each has a flag of the same words: WEBSOCKET_PORT is --websocket-port, BONSAI_STRICT is --strict.

    \b
    Examples:
      bonsai settings
      bonsai settings --json | jq '.[] | select(.source != "default")'
    """
    current = Settings()
    if as_json:
        click.echo(json.dumps([asdict(info) for info in describe(current)], indent=2))
        return
    listed = table("Setting", "Value", "From", "Default", "Unit", "Meaning")
    for info in describe(current):
        listed.add_row(*_row(info), style="bold" if info.source != "default" else None)
    show(listed)
    try:
        current.check_startable()
    except SettingsError as error:
        click.echo("The server would not start with these:", err=True)
        for problem in error.problems:
            click.echo(f"  - {problem}", err=True)


def _row(info: SettingInfo) -> tuple[str, ...]:
    return (info.env, cell(info.value), info.source, cell(info.default), info.unit, info.description)


def cell(value: object) -> str:
    """A value as tables show it."""
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "1" if value else "0"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


@click.command(short_help="Make a token.")
@click.option("--user", required=True, help="Whom the token names (sub), 1 to 128 characters.")
@click.option("--session", help="Bind it to this session (sid).")
@click.option("--role", "roles", multiple=True, help="student (the default), tutor or admin; may be repeated.")
@click.option("--student", "students", multiple=True, help="A student whom a tutor may see; may be repeated.")
@click.option(
    "--ttl",
    type=click.IntRange(min=1),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="How long it lasts.",
)
@click.option("--dev/--no-dev", default=None, help="Sign with the development secret when JWT_SECRET is not set.")
def token(
    user: str, session: str | None, roles: tuple[str, ...], students: tuple[str, ...], ttl: int, dev: bool | None
) -> None:
    """Print a token signed with JWT_SECRET, made out as JWT_AUDIENCE and JWT_ISSUER ask.

    \b
    Examples:
      bonsai token --user ada --dev
      bonsai token --user bob --role tutor --student ada --ttl 600
    """
    from bonsai_core.auth import mint_token

    current = Settings(dev=dev)
    secret = current.secret
    if secret is None or "HS256" not in current.algorithms:
        problem = (
            "No secret to sign a token with. Set JWT_SECRET to the server's (environment or .env), or use --dev "
            f"(BONSAI_DEV=1) for a server in development mode, whose secret is in {DEV_SECRET_PATH}. "
            "With JWT_JWKS_URL alone, tokens come from the identity provider."
        )
        raise SettingsError([problem])
    try:
        made = mint_token(
            secret,
            user=user,
            session=session,
            roles=roles or ("student",),
            students=students,
            ttl_s=ttl,
            audience=current.jwt_audience,
            issuer=current.jwt_issuer,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if current.generates_secret:
        click.echo(f"Signed with the development secret of {DEV_SECRET_PATH.absolute()}.", err=True)
    click.echo(made)


def load_plugin_commands(group: click.Group) -> None:
    """Let every installed plugin that has the `add_commands` hook add its commands; one that fails is reported."""
    for hook in _discover(Settings()).hooks.get("add_commands", ()):
        try:
            hook.function(*hook.bind(None, {"cli": group}))
        except (Exception, SystemExit) as error:
            click.echo(f"Plugin {hook.name} could not add its commands: {type(error).__name__}: {error}", err=True)


def _discover(current: Settings) -> Plugins:
    from bonsai_core.plugins import Plugins

    logs.configure(json=current.log_json, debug=current.debug)
    found = Plugins(current.plugins, current.plugins_disabled, strict=current.strict)
    found.discover(current.plugins_dir)
    return found


def table(*columns: str) -> Table:
    """A table of the command line."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def show(listed: Table) -> None:
    """Print a table, wide where there is no terminal."""
    from rich.console import Console

    terminal = Console(highlight=False, markup=False)
    (terminal if terminal.is_terminal else Console(width=_PIPE_WIDTH, highlight=False, markup=False)).print(listed)
