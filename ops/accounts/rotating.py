"""`bridge account rotate`: new credentials before the old ones, and later the end of the old ones. The first one is
always the new one."""

from secrets import token_hex
from time import time
from typing import Annotated, Any, Final, Literal

import typer

from ops.accounts.check import mistakes
from ops.accounts.commands import Name, account
from ops.accounts.making import as_told, callback_rows, of_clevertap, tokens
from ops.accounts.secrets import CACHED_SECONDS, Kept, Secrets
from ops.command import OpenTarget, Yes, on_stack
from ops.output import Exit, Failed, Screen
from ops.target import Target
from whatsapp_bridge.runtime.json_text import read_json

type What = Literal["callback-token", "clevertap"]


@account.command()
@on_stack
def rotate(
    screen: Screen,
    open_target: OpenTarget,
    name: Name,
    what: Annotated[What, typer.Argument(metavar="WHAT", help="callback-token or clevertap.")],
    end: Annotated[bool, typer.Option("--end", help="The second step: the old ones end.")] = False,
    yes: Yes = False,
) -> None:
    """Rotate credentials without a gap: first the new ones begin, beside the old ones; with --end the old ones end.

    clevertap: the password of its user name, or the value of its header. callback-token: the one in the BSP's callback
    URLs.
    """
    target = open_target()
    secrets = Secrets(target)
    kept = secrets.get(name)
    value = _value(name, kept)
    if end:
        _end(screen, what, value, kept, yes)
        rows: list[list[str]] = []
    else:
        rows = _begin_clevertap(value) if what == "clevertap" else _begin_token(target, name, value)
    secrets.put(name, value, kept)
    following = _following(name, what, target, end=end)
    screen.result({"account": name, "rotates": what, "paste": as_told(rows), "then": following})
    screen.values(rows)
    screen.line(following)


def _value(name: str, kept: Kept) -> dict[str, Any]:
    found = mistakes(name, kept.text.encode())
    if found:
        first = found[0]
        reason = f"{name} has mistakes, such as {first.field} {first.reason}: correct them first"
        raise Failed(Exit.NO, reason)
    value: dict[str, Any] = read_json(kept.text)
    return value


def _following(name: str, what: What, target: Target, *, end: bool) -> str:
    if end:
        return f"The old one ends within {CACHED_SECONDS} seconds."
    step = f"bridge account rotate {name} {what} --end {target.option}"
    then = {
        "clevertap": "Change CleverTap's provider entry then, and end the old ones",
        "callback-token": "Change the URLs in the BSP's portal then. When OldCallbackTokens has been zero for days",
    }
    return f"Both are valid in {CACHED_SECONDS} seconds. {then[what]}: {step}"


def _end(screen: Screen, what: What, value: dict[str, Any], kept: Kept, yes: bool) -> None:
    """Raises `Failed` if it is not due."""
    valid = value["clevertap"]["authorization"] if what == "clevertap" else tokens(value)
    if len(valid) == 1:
        raise Failed(Exit.NO, "only one of them is valid: there is nothing to end")
    now = time()
    left = kept.stored_at + CACHED_SECONDS - now
    if left > 0:
        reason = f"the last change is {now - kept.stored_at:.0f} s old, and functions may not know it yet"
        raise Failed(Exit.LATER, f"{reason}: again in {left:.0f} s")
    screen.confirm(_QUESTIONS[what], yes=yes)
    if what == "clevertap":
        value["clevertap"]["authorization"] = valid[:1]
    else:
        value["callback_token"] = valid[0]


_QUESTIONS: Final[dict[What, str]] = {
    "clevertap": "Does CleverTap's provider entry have the new ones? With the old ones its messages fail from now on.",
    "callback-token": (
        "Does the BSP's portal have the new URLs, and has OldCallbackTokens been zero for days? Callbacks with the old "
        "token are refused from now on."
    ),
}


def _begin_clevertap(value: dict[str, Any]) -> list[list[str]]:
    logins = value["clevertap"]["authorization"]
    if len(logins) > 1:
        raise Failed(Exit.NO, f"{len(logins)} credentials are valid already: end that first, with --end")
    changed = "password" if logins[0]["type"] == "basic" else "value"
    logins.insert(0, logins[0] | {changed: token_hex(32)})
    return [["CleverTap" if not place else "", *row] for place, row in enumerate(of_clevertap(logins[0]))]


def _begin_token(target: Target, name: str, value: dict[str, Any]) -> list[list[str]]:
    before = tokens(value)
    if len(before) > 1:
        raise Failed(Exit.NO, f"{len(before)} tokens are valid already: end that first, with --end")
    new = token_hex(32)
    value["callback_token"] = [new, *before]
    return callback_rows(target, name, value["provider"]["type"], new)
