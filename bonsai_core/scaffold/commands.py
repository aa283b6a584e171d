"""The command `bonsai new`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from bonsai_core.scaffold import Names, ScaffoldError, write_package, write_single_file


@click.command(short_help="Write a plugin to begin with.")
@click.argument("name")
@click.option(
    "--directory",
    default=Path(),
    type=click.Path(path_type=Path, file_okay=False),
    help="Where it goes; default: the current folder. Made when it is not there.",
)
@click.option("--single-file", is_flag=True, help="One file, for --plugins-dir, instead of a package.")
def new(name: str, directory: Path, single_file: bool) -> None:
    """Write a plugin that works and passes its tests, to be changed into your own.

    NAME is what settings, logs and events call it: study-plan becomes the plugin study_plan in the distribution
    bonsai-study-plan. Nothing that is there is overwritten.

    \b
    Examples:
      bonsai new study-plan
      bonsai new study-plan --directory ~/src
      bonsai new study-plan --single-file --directory my-plugins
    """
    try:
        made = write_single_file(name, directory) if single_file else write_package(name, directory)
        plugin = Names.of(name).plugin
    except ScaffoldError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename or directory}: {error.strerror}") from None
    if single_file:
        where = shlex.quote(str(made.parent))
        click.echo(f"Made {made}: the plugin {plugin}, in one file. Next:\n")
        commands = [f"bonsai serve --dev --reload --plugins-dir {where}"]
    else:
        click.echo(f"Made {made}: the plugin {plugin}, its tests, and what a package needs. Next:\n")
        commands = [
            f"cd {shlex.quote(str(made))}",
            'pip install -e ".[test,lint]"',
            "pytest",
            "bonsai serve --dev --reload",
        ]
    for command in commands:
        click.echo(f"  {command}")
    click.echo("\nand in another terminal, to talk to it:\n")
    click.echo("  bonsai connect ws://127.0.0.1:3001 --user ada")
    click.echo(f'  {plugin}:set {{"answers": 3}}')
