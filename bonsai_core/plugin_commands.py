"""The command `bonsai plugins`: lists plugins, and switches them off and on or reloads them in a running server."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import click

from bonsai_core import logs
from bonsai_core.commands import cell, show, table
from bonsai_core.settings import HMAC_KEY_BYTES, Settings

if TYPE_CHECKING:
    from bonsai_core.plugin_report import Report

#: Seconds that a server may take to read a plugin's code and to let the old one finish, on each worker in turn.
TIMEOUT = 120.0
#: A token that we make for ourselves lives this long, in seconds.
TOKEN_TTL_S = 60


@click.group(short_help="List the plugins; switch them off and on.", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_context
def plugins(context: click.Context, as_json: bool) -> None:
    """List the plugins: where each comes from, whether it loaded, what it handles, and what failed.

    A server that runs at WEBSOCKET_HOST and WEBSOCKET_PORT is asked how they are doing there. The commands below change
    its plugins while it runs, without a lost connection; what they do lasts until it is started anew.

    \b
    Examples:
      bonsai plugins
      BONSAI_PLUGINS_DIR=my-plugins bonsai plugins --json
      bonsai plugins reload vision
      bonsai plugins disable vision --url https://live.example.com --token "$TOKEN"
    """
    if context.invoked_subcommand is not None:
        return
    from bonsai_core.plugin_report import report

    current = Settings()
    logs.configure(json=current.log_json, debug=current.debug)
    found = report(current)
    if as_json:
        click.echo(json.dumps(found.rows, indent=2))
    else:
        _show(found)
    if found.problem:
        click.echo(f"A server would not start with these: {found.problem}", err=True)
        sys.exit(1)


def _show(found: Report) -> None:
    listed = table("Plugin", "Status", "From", "Events", "Hooks", "Failures", "Last failure")
    for row in found.rows:
        origin = f"{row['distribution']} {row['version']}" if row["distribution"] else row["source"]
        last = row["error"] or row["lastFailure"]
        when = f" ({row['lastFailureAt']})" if row["lastFailureAt"] and not row["error"] else ""
        events = [*row["handles"], *(f"observes {name}" for name in row["observes"])]
        cells = (row["name"], row["status"], origin, events, row["hooks"], row["failures"])
        style = "red" if row["error"] else "yellow" if row["failures"] or row["status"] == "resting" else None
        listed.add_row(*map(cell, cells), f"{last}{when}" if last else "-", style=style)
    show(listed)
    click.echo(f"As they run at {found.server}." if found.server else "No server runs there; this is how they load.")


def _changes(action: str, text: str) -> click.Command:
    @click.command(name=action, help=text, short_help=text.partition("\n")[0])
    @click.argument("name")
    @click.option("--url", metavar="URL", help="The server; by default the one at WEBSOCKET_HOST and WEBSOCKET_PORT.")
    @click.option(
        "--token", metavar="TOKEN", envvar="BONSAI_ADMIN_TOKEN", help="Of the role admin; or set BONSAI_ADMIN_TOKEN."
    )
    def change(name: str, url: str | None, token: str | None) -> None:
        from bonsai_core.plugin_report import server_url

        current = Settings()
        place = (url or server_url(current)).rstrip("/")
        status, answer = _post(f"{place}/api/plugins/{name}", {"action": action}, token or _own_token(current, url))
        if status == 0:
            click.echo(f"No server answers at {place} ({answer}).", err=True)
            click.echo(_for_good(action, name), err=True)
            sys.exit(1)
        if status != 200:
            error = answer.get("error", {}) if isinstance(answer, dict) else {}
            click.echo(f"Not done: {error.get('message') or f'the server answered {status}'}", err=True)
            if status == 401:
                click.echo("Give a token of the role admin: --token, or BONSAI_ADMIN_TOKEN.", err=True)
            sys.exit(1)
        for node, state in answer["nodes"].items():
            version = f" {state['version']}" if state.get("version") else ""
            click.echo(f"{name}{version}: {state['status']} on {node}")
        click.echo(_for_good(action, name), err=True)

    return change


def _for_good(action: str, name: str) -> str:
    if action == "disable":
        return f"To keep it off when servers start: BONSAI_PLUGINS_DISABLED={name} (several: a,b)."
    if action == "enable":
        return (
            f"Servers load it when they start unless BONSAI_PLUGINS_DISABLED names {name}, or BONSAI_PLUGINS does not."
        )
    return "Servers read the code of plugins when they start. Other nodes are told one by one, each with its --url."


def _own_token(current: Settings, url: str | None) -> str | None:
    """A short-lived admin's token for the server of this machine's settings; for no other, who it is none of."""
    secret = current.secret
    if url is not None or secret is None or "HS256" not in current.algorithms:
        return None
    if len(secret.get_secret_value().encode()) < HMAC_KEY_BYTES["HS256"]:
        return None
    from bonsai_core.auth import mint_token

    return mint_token(
        secret,
        user="bonsai-cli",
        roles=("admin",),
        ttl_s=TOKEN_TTL_S,
        audience=current.jwt_audience,
        issuer=current.jwt_issuer,
    )


def _post(url: str, body: dict[str, Any], token: str | None) -> tuple[int, Any]:
    """The answer's status and JSON; status 0 and a word on the reason when nobody answers."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    if not url.startswith(("http://", "https://")):
        raise click.UsageError("--url starts with http:// or https://")
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=TIMEOUT) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            try:
                return error.code, json.load(error)
            except ValueError:
                return error.code, None
    except (OSError, ValueError) as error:
        return 0, str(getattr(error, "reason", error))


@click.command(short_help="Say how a plugin is installed.")
@click.argument("name")
def install(name: str) -> None:
    """Say how to install a plugin. It installs nothing itself.

    Environments are made in many ways (a lock file with hashes, an image, pip, uv), and one that is changed under a
    running server, or past its lock file, is worse than a plugin that is missing.
    """
    click.echo(f"Install the distribution that has it, with what made this environment: {sys.prefix}", err=True)
    click.echo(f"  pip install {name}            or: uv pip install {name}, a line in your lock file, a new image")
    click.echo("  bonsai plugins                does it load? `bonsai doctor` looks closer")
    click.echo("  bonsai plugins enable NAME    takes it into use in the server that runs")
    sys.exit(1)


plugins.add_command(
    _changes(
        "disable",
        """Switch a plugin off in a running server.

        What it has under way is finished, then it is stopped. Its events are answered `plugin_unavailable`, which
        clients send again later; its HTTP routes answer 503. All workers of the server are told; other nodes are not.

        \b
        Example:
          bonsai plugins disable vision
        """,
    )
)
plugins.add_command(
    _changes(
        "enable",
        """Take a plugin into use in a running server.

        Its code is read anew. So it is with one that was installed, or repaired, since the server started.

        \b
        Example:
          bonsai plugins enable vision
        """,
    )
)
plugins.add_command(
    _changes(
        "reload",
        """Replace a plugin of a running server by its new code.

        The new one starts beside the old one, then takes its place, then the old one finishes. If the new code does not
        load, does not start, or conflicts with another plugin, the old one goes on.

        \b
        Example:
          bonsai plugins reload vision
        """,
    )
)
plugins.add_command(install)
