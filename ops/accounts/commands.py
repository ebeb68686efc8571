"""`bridge account ...`: check, put, get and list."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ops import schemas
from ops.accounts.check import Mistake, mistakes, read_file
from ops.accounts.secrets import CACHED_SECONDS, Secrets, checked_name, written
from ops.accounts.shown import masked
from ops.command import OpenTarget, ShowPrivate, Yes, on_stack
from ops.output import Exit, Failed, Screen, number
from whatsapp_bridge.runtime.json_text import read_json

account = typer.Typer(help="Accounts: check, store, rotate, remove; each is one secret.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The account's JSON.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The account's name.")]
OtherName = Annotated[
    str | None, typer.Option("--name", help="The account's name, if it is not the file's without its ending.")
]


def show_mistakes(screen: Screen, source: str, found: list[Mistake]) -> None:
    """As editors take them: file, line, column."""
    for each in found:
        where = f":{each.position.line}:{each.position.column}" if each.position else ""
        screen.line(f"{source}{where}: {each.field} {each.reason}", "red")
    screen.line(f"{source}: {number(len(found), 'mistake')}" if found else f"{source}: right", "" if found else "green")


def as_told(found: list[Mistake]) -> list[dict[str, Any]]:
    """For `--json`."""
    return [
        {
            "field": each.field,
            "reason": each.reason,
            "line": each.position.line if each.position else None,
            "column": each.position.column if each.position else None,
        }
        for each in found
    ]


def checked_file(screen: Screen, file: Path, name: str | None) -> tuple[str, bytes]:
    """The name and the JSON of a file without mistakes. Ends the command for one that has some; raises `Failed`."""
    raw, account_name = read_file(file), checked_name(name or file.stem)
    found = mistakes(account_name, raw)
    if found:
        show_mistakes(screen, str(file), found)
        screen.result({"stored": False, "mistakes": as_told(found)})
        raise typer.Exit(Exit.NO)
    return account_name, raw


@account.command()
def schema() -> None:
    """Print the JSON Schema of accounts, for editors."""
    typer.echo(schemas.written("account.schema.json"), nl=False)


@account.command()
@on_stack
def put(
    screen: Screen,
    open_target: OpenTarget,
    file: File,
    name: OtherName = None,
    kms_key: Annotated[
        str | None, typer.Option("--kms-key", help="Your own key for a new secret: the stack's AccountSecretsKeyArn.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Store a file as an account, a new one or in the place of one. It is checked first."""
    account_name, raw = checked_file(screen, file, name)
    target = open_target()
    secrets = Secrets(target)
    before = secrets.find(account_name)
    value = read_json(raw)
    changes = None if before is None else sorted(changed(_json(before.text), value))
    if changes == []:
        screen.result({"account": account_name, "stored": False, "changed": []})
        screen.line(f"{account_name} is the same already")
        return
    if changes is not None:
        screen.confirm(f"{target.name} has {account_name}. Change {', '.join(changes)}?", yes=yes)
    secrets.put(account_name, value, before, kms_key)
    screen.result({"account": account_name, "stored": True, "changed": changes})
    told = (
        "stored" if changes is None else f"changed; the functions may use the one before for {CACHED_SECONDS} seconds"
    )
    screen.line(f"{account_name}: {told}", "green")
    screen.aside(f"{file} holds secrets: delete it, `bridge account get {account_name} --show-private` gets it back")


def changed(before: Any, after: Any, place: str = "") -> set[str]:
    """The paths of what differs, without values."""
    if isinstance(before, dict) and isinstance(after, dict):
        inner = {name: f"{place}.{name}" if place else name for name in before.keys() | after.keys()}
        return {path for name in inner for path in changed(before.get(name), after.get(name), inner[name])}
    return set() if before == after else {place or "secret"}


def _json(text: str) -> Any:
    try:
        return read_json(text)
    except ValueError:
        return None


@account.command()
@on_stack
def get(screen: Screen, open_target: OpenTarget, name: Name, show_private: ShowPrivate = False) -> None:
    """Print an account's JSON. Secrets are masked."""
    text = Secrets(open_target()).get(name).text
    value = _json(text)
    if value is None:
        reason = f"{name}: its secret is not JSON: `bridge account check {name}` says where"
        raise Failed(Exit.NO, reason)
    shown = value if show_private else masked(value)
    screen.result(shown)
    screen.line(written(shown))


@account.command("list")
@on_stack
def list_accounts(screen: Screen, open_target: OpenTarget) -> None:
    """List a stack's accounts, and which are broken."""
    secrets = Secrets(open_target())
    rows = [_row(name, secrets) for name in secrets.names()]
    screen.result(rows)
    heads = ["account", "number", "provider", "mistakes"]
    screen.table(heads, [[row["name"], row["waba_number"], row["provider"], _said(row["mistakes"])] for row in rows])
    screen.line(number(len(rows), "account"))


def _row(name: str, secrets: Secrets) -> dict[str, Any]:
    kept = secrets.find(name)
    value = None if kept is None else _json(kept.text)
    fields = value if isinstance(value, dict) else {}
    provider = fields.get("provider")
    return {
        "name": name,
        "waba_number": str(fields.get("waba_number", "")),
        "provider": str(provider.get("type", "")) if isinstance(provider, dict) else "",
        "mistakes": [] if kept is None else as_told(mistakes(name, kept.text.encode())),
    }


def _said(found: list[dict[str, Any]]) -> str:
    return "; ".join(f"{each['field']} {each['reason']}" for each in found)
