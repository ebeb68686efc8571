"""`bridge account rotate`: new credentials beside the old ones, and later the end of the old ones."""

import json
from secrets import token_hex
from time import time
from typing import Annotated, Any, Final, Literal

import typer

from ops.accounts.check import mistakes
from ops.accounts.commands import Name, account
from ops.accounts.making import callback_rows, first_token, of_clevertap
from ops.accounts.secrets import CACHED_SECONDS, Kept, Secrets
from ops.command import OpenTarget, Yes, on_stack
from ops.output import Exit, Failed, Screen
from ops.queues import WORK, StackQueue
from ops.target import Target
from whatsapp_bridge.runtime.json_text import read_json

type What = Literal["callback-token", "clevertap"]
_DAY: Final = 86_400


@account.command()
@on_stack
def rotate(
    screen: Screen,
    open_target: OpenTarget,
    name: Name,
    what: Annotated[What, typer.Argument(metavar="WHAT", help="callback-token or clevertap.")],
    switch: Annotated[
        bool, typer.Option("--switch", help="Second step of callback-token: make new things with the new one.")
    ] = False,
    end: Annotated[bool, typer.Option("--end", help="Last step: the old ones end.")] = False,
    yes: Yes = False,
) -> None:
    """Rotate credentials without a gap: without an option the new ones begin, beside the old ones.

    clevertap: the user name's password or the header's value; then `--end`. callback-token: the one in the BSP's
    callback URLs; then `--switch`, and `--end` some weeks later.
    """
    if switch and (end or what == "clevertap"):
        raise Failed(Exit.USAGE, "--switch is the second step of callback-token alone")
    target = open_target()
    secrets = Secrets(target)
    kept = secrets.get(name)
    value = _value(name, kept)
    if what == "clevertap":
        rows = _end_clevertap(screen, value, kept, yes) if end else _begin_clevertap(value)
    elif switch:
        rows = _switch(screen, target, value, kept, yes)
    else:
        rows = _end_token(screen, name, value, kept, secrets, yes) if end else _begin_token(target, name, value)
    secrets.put(name, json.dumps(value, indent=2, ensure_ascii=False), kept)
    following = _following(name, what, target, switch=switch, end=end)
    paste = [dict(zip(("where", "field", "value"), row, strict=True)) for row in rows]
    screen.result({"account": name, "rotates": what, "paste": paste, "then": following})
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


def _following(name: str, what: What, target: Target, *, switch: bool, end: bool) -> str:
    step = f"bridge account rotate {name} {what}"
    if end:
        return f"The old one ends within {CACHED_SECONDS} seconds."
    if what == "clevertap":
        return f"Both are valid. Change CleverTap's provider entry, then: {step} --end {target.option}"
    if switch:
        return (
            "New things are made with the new token. When OldCallbackTokens has been zero for days, and the links to "
            f"files are older than MediaTtlDays: {step} --end {target.option}"
        )
    return (
        f"Both are valid in {CACHED_SECONDS} seconds. Change the URLs in the BSP's portal then, and when nobody's "
        f"message waits: {step} --switch {target.option}"
    )


def _in_use_everywhere(kept: Kept, now: float) -> None:
    """Raises `Failed` while a function may not know what was stored last."""
    left = kept.stored_at + CACHED_SECONDS - now
    if left > 0:
        reason = f"the last change is {now - kept.stored_at:.0f} s old, and functions may not know it yet"
        raise Failed(Exit.LATER, f"{reason}: again in {left:.0f} s")


# --- CleverTap's credentials -----------------------------------------------------------------------------------------


def _begin_clevertap(value: dict[str, Any]) -> list[list[str]]:
    logins = value["clevertap"]["authorization"]
    if len(logins) > 1:
        raise Failed(Exit.NO, f"{len(logins)} credentials are valid already: end that first, with --end")
    changed = "password" if logins[0]["type"] == "basic" else "value"
    logins.append(logins[0] | {changed: token_hex(32)})
    return [["CleverTap" if not place else "", *row] for place, row in enumerate(of_clevertap(logins[-1]))]


def _end_clevertap(screen: Screen, value: dict[str, Any], kept: Kept, yes: bool) -> list[list[str]]:
    logins = value["clevertap"]["authorization"]
    if len(logins) == 1:
        raise Failed(Exit.NO, "only one of them is valid: there is nothing to end")
    _in_use_everywhere(kept, time())
    question = "Does CleverTap's provider entry have the new ones? With the old ones its messages fail from now on."
    screen.confirm(question, yes=yes)
    del logins[:-1]
    return []


# --- the callback token ----------------------------------------------------------------------------------------------


def _tokens(value: dict[str, Any]) -> list[str]:
    tokens = value["callback_token"]
    return [tokens] if isinstance(tokens, str) else list(tokens)


def _begin_token(target: Target, name: str, value: dict[str, Any]) -> list[list[str]]:
    tokens = _tokens(value)
    if len(tokens) > 1:
        raise Failed(Exit.NO, f"{len(tokens)} tokens are valid already: go on with --switch or --end")
    made = token_hex(32)
    # Behind the old one, until every function accepts both.
    value["callback_token"] = [*tokens, made]
    return callback_rows(target, name, value["provider"]["type"], made)


def _switch(screen: Screen, target: Target, value: dict[str, Any], kept: Kept, yes: bool) -> list[list[str]]:
    tokens = _tokens(value)
    if len(tokens) != 2:
        raise Failed(Exit.NO, f"{len(tokens)} tokens are valid, and --switch is for two: begin without it")
    _in_use_everywhere(kept, time())
    waiting = {word: StackQueue(target, WORK[word]).depth().all for word in ("replies", "conversation")}
    if any(waiting.values()):
        told = ", ".join(f"{word} {count}" for word, count in waiting.items())
        screen.confirm(f"Messages wait ({told}), and may come in another order. Switch all the same?", yes=yes)
    value["callback_token"] = tokens[::-1]
    return []


def _end_token(
    screen: Screen, name: str, value: dict[str, Any], kept: Kept, secrets: Secrets, yes: bool
) -> list[list[str]]:
    tokens, now = _tokens(value), time()
    if len(tokens) == 1:
        raise Failed(Exit.NO, "only one token is valid: there is nothing to end")
    before = secrets.before(name)
    if before is None or _tokens(read_json(before))[::-1] != tokens:
        reason = "the last change was no --switch, so the new token may not be the first: do that first"
        raise Failed(Exit.NO, reason)
    _in_use_everywhere(kept, now)
    days = (now - kept.stored_at) / _DAY
    question = (
        f"The switch was {days:.1f} days ago. Links to people's files that are older stop working, and callbacks with "
        "the old token get 403. End the old token?"
    )
    screen.confirm(question, yes=yes)
    value["callback_token"] = first_token(value)
    return []
