"""The command line, `bonsai`: which commands there are, and how they are found.

Nothing but click is imported here. A command's module loads when that command runs; installed plugins load only for
`--help` and for a name that is not ours, so that `bonsai serve` does not pay for them twice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import click
from typing_extensions import override

USAGE_ERROR = 2

# Name: where the command is, and its line in `bonsai --help`, which shall not import it.
BUILT_IN: Mapping[str, tuple[str, str]] = {
    "serve": ("bonsai_core.commands:serve", "Run the server."),
    "settings": ("bonsai_core.commands:settings", "List every setting, its value and where that came from."),
    "token": ("bonsai_core.commands:token", "Make a token to connect with, in development."),
    "connect": ("bonsai_core.client.terminal:connect", "Talk to a server from the terminal."),
    "plugins": ("bonsai_core.plugin_commands:plugins", "List the plugins; switch them off and on, reload them."),
    "doctor": ("bonsai_core.doctor.command:doctor", "Look for what is wrong, and say what to do."),
    "completion": ("bonsai_core.doctor.command:completion", "Print the shell's completion script."),
    "new": ("bonsai_core.scaffold.commands:new", "Write a plugin to begin with."),
}


class Problem(click.ClickException):
    """What went wrong and what to do, for people; exits with `USAGE_ERROR`, without a traceback."""

    exit_code = USAGE_ERROR


class Commands(click.Group):
    """A group of commands that are imported when needed.

    Args:
        built_in: for each name the command as `module:attribute` and its one line of help.
        load_more: adds further commands to the group; called at most once, only for `--help` or a name not built in.
            What it raises is reported and costs only those commands. It cannot replace a built-in command.
    """

    def __init__(
        self,
        *args: Any,
        built_in: Mapping[str, tuple[str, str]],
        load_more: Callable[[click.Group], None] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.built_in = dict(built_in)
        self._load_more = load_more

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        self._load_rest()
        return [*self.built_in, *sorted(self.commands.keys() - self.built_in.keys())]

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.built_in:
            module, _, attribute = self.built_in[cmd_name][0].partition(":")
            command = getattr(import_module(module), attribute)
            if not isinstance(command, click.Command):
                raise TypeError(f"{module}:{attribute} is not a click command")
            return command
        self._load_rest()
        return self.commands.get(cmd_name)

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name in self.list_commands(ctx):
            if name in self.built_in:
                rows.append((name, self.built_in[name][1]))
            elif not (command := self.commands[name]).hidden:
                rows.append((name, command.get_short_help_str(limit=80)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    @override
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            if (message := _for_people(error)) is None:
                raise
            raise Problem(message) from None

    def _load_rest(self) -> None:
        load, self._load_more = self._load_more, None
        if load is None:
            return
        try:
            load(self)
        except Exception as error:
            click.echo(f"The commands of plugins are not available: {type(error).__name__}: {error}", err=True)


def _for_people(error: Exception) -> str | None:
    """The text of an error that the user can mend; None for a fault of ours, whose traceback matters."""
    from bonsai_core.settings import SettingsError

    if isinstance(error, SettingsError):
        return "\n       ".join(error.problems)
    # Only when the module is loaded can the error be one of its.
    if (plugins := sys.modules.get("bonsai_core.plugins")) is not None and isinstance(error, plugins.PluginError):
        return str(error)
    return None


def _load_plugin_commands(group: click.Group) -> None:
    from bonsai_core.commands import load_plugin_commands

    load_plugin_commands(group)


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("bonsai-core")
    except PackageNotFoundError:
        number = "(not installed: run from a checkout)"
    click.echo(f"bonsai-core {number}, Python {sys.version.split()[0]}")
    ctx.exit()


@click.command(
    cls=Commands,
    built_in=BUILT_IN,
    load_more=_load_plugin_commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`bonsai COMMAND --help` tells more. Try: bonsai serve --dev",
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show it.")
def cli() -> None:
    """Bonsai Real-Time: the live layer of an SAT-prep platform.

    \b
    Examples:
      bonsai serve --dev                  a server on this machine, nothing to set up
      bonsai settings                     what can be set, and what is
      bonsai token --user ada             a token to connect with
    """


def main(
    arguments: Sequence[str] | None = None, *, default: str | None = None, program: str = "bonsai"
) -> None:  # pragma: no cover - exits; tests run it in a process of its own
    """Run the command line and exit.

    Args:
        arguments: those after the program's name; by default the process's.
        default: the command that is meant when the arguments begin with none, not even `--help` or `--version`.
        program: what usage messages call it.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    cli.main(args=with_default(given, default), prog_name=program)


def with_default(arguments: list[str], default: str | None) -> list[str]:
    """The arguments, preceded by `default` when they name no command: `--dev` becomes `serve --dev`."""
    if default is None or (arguments and (not arguments[0].startswith("-") or arguments[0] in _GROUP_OPTIONS)):
        return arguments
    return [default, *arguments]


_GROUP_OPTIONS = frozenset({"-h", "--help", "--version"})
