"""`bridge account check`: an account's JSON, and with `--online` what its credentials and addresses are worth."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ops.accounts.bsp_calls import Tried
from ops.accounts.check import Mistake, mistakes, read_file
from ops.accounts.commands import account, as_told, show_mistakes
from ops.accounts.online import try_account
from ops.accounts.secrets import Secrets
from ops.command import OpenTarget, on_stack
from ops.output import Exit, Failed, Screen
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers.accounts import parse_account

_STYLES: Final = {"yes": "green", "no": "red", "unknown": "yellow"}


@account.command()
@on_stack
def check(
    screen: Screen,
    open_target: OpenTarget,
    source: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A file, or the name of a stored account.")],
    online: Annotated[
        bool, typer.Option("--online", help="Also try credentials and addresses, by calls that send nothing.")
    ] = False,
) -> None:
    """Find all mistakes of an account at once. A file needs no stack.

    Exit code 1 if there is one, or if something that `--online` tries does not work.
    """
    file = Path(source)
    of_file = file.suffix != "" or "/" in source or file.is_file()
    name = file.stem if of_file else source
    target = None if of_file else open_target()
    raw = read_file(file) if target is None else Secrets(target).get(name).text.encode()
    found: list[Mistake] = mistakes(name if not of_file else "file", raw)
    show_mistakes(screen, source, found)
    tried: list[Tried] = []
    if online and not found:
        checked = parse_account(name if not of_file else "file", raw)
        with screen.waiting(f"{source}: trying") as waiting:
            tried = try_account(checked, target, HttpClient(), waiting.now)
        for each in tried:
            screen.line(f"{each.what}: {each.words}", _STYLES[each.works])
    screen.result({"source": source, "mistakes": as_told(found), "tried": [_told(each) for each in tried]})
    if online and found:
        raise Failed(Exit.NO, "not tried online, because of the mistakes")
    if found or any(each.works == "no" for each in tried):
        raise typer.Exit(Exit.NO)


def _told(tried: Tried) -> dict[str, Any]:
    return {"what": tried.what, "works": tried.works, "says": tried.words, "seconds": tried.seconds}
