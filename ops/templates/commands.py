"""`bridge templates ...`."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ops import schemas
from ops.output import AsJson, Exit, Failed, Screen, number
from ops.target import working
from ops.templates.files import FileInvalid, Source, read
from ops.templates.lint import Finding, Linted, lint
from ops.templates.rules import BETWEEN, RULES
from ops.templates.rules.between import RuleBetween
from ops.templates.rules.rule import Rule

templates = typer.Typer(
    help="Templates: from a file to an approved one that CleverTap can import.", no_args_is_help=True
)

# The BSPs at which templates can be made.
Provider = Literal["gupshup", "message_central", "meta"]
Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="YAML or JSON, each with one template or several.")
]


def sources_of(files: list[Path]) -> list[Source]:
    """Raises `Failed`."""
    try:
        return [source for file in files for source in read(file)]
    except FileInvalid as error:
        raise Failed(Exit.USAGE, str(error)) from None


# --- offline ---------------------------------------------------------------------------------------------------------


@templates.command("lint")
def lint_files(
    files: Files,
    provider: Annotated[Provider | None, typer.Option("--provider", help="Also what this BSP's call takes.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings for refusals.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check templates offline by every rule of WhatsApp's and CleverTap's that is known.

    A rule refuses what WhatsApp does not take, and warns where sources differ or CleverTap alone has a limit. Exit code
    1 if a template is refused.
    """
    with working(as_json) as screen:
        done = lint(sources_of(files), provider)
        show(screen, done)
        if any(linted.refused or (strict and linted.findings) for linted in done):
            raise typer.Exit(Exit.NO)


def show(screen: Screen, done: list[Linted]) -> None:
    """What lint has found."""
    screen.result([_linted(linted) for linted in done])
    for linted in done:
        for finding in linted.findings:
            kind, style = ("refused", "red") if finding.refuses else ("warning", "yellow")
            where = f"{linted.source.file}:{finding.line}"
            screen.line(f"{where}: {kind}: {finding.where} {finding.reason} [{finding.rule.name}]", style)
    refused = sum(linted.refused for linted in done)
    warnings = sum(not finding.refuses for linted in done for finding in linted.findings)
    screen.line(f"{number(len(done), 'template')}: {refused} refused, {number(warnings, 'warning')}")


def _linted(linted: Linted) -> dict[str, Any]:
    value = linted.source.value if isinstance(linted.source.value, dict) else {}
    return {
        "file": str(linted.source.file),
        "name": value.get("name"),
        "language": value.get("language"),
        "refused": linted.refused,
        "findings": [_finding(finding) for finding in linted.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule.name,
        "refuses": finding.refuses,
        "line": finding.line,
        "place": finding.where,
        "reason": finding.reason,
        "source": finding.rule.source,
    }


@templates.command()
def rules(as_json: AsJson = False) -> None:
    """List the rules of `lint`, with their sources."""
    screen = Screen(as_json)
    every: list[Rule | RuleBetween] = [*RULES, *BETWEEN]
    told = [{"rule": each.name, "refuses": each.refuses, "says": each.words, "source": each.source} for each in every]
    screen.result(told)
    screen.table(
        ["rule", "", "says", "source"],
        [[each.name, "refused" if each.refuses else "warning", each.words, each.source] for each in every],
    )


@templates.command()
def schema() -> None:
    """Print the JSON Schema of templates' files, for editors."""
    typer.echo(schemas.written("template.schema.json"), nl=False)
