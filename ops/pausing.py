"""`bridge pause` and `bridge resume`: a person stops what goes to an account's BSP, and lets it go on."""

from typing import Final

import typer

from ops.accounts.secrets import checked_name
from ops.command import AccountName, OpenTarget, Yes, on_stack
from ops.output import Exit, Failed, Screen, day
from whatsapp_bridge.runtime.breaker import PAUSED_SECONDS
from whatsapp_bridge.store.queues import MAX_DELAY_SECONDS

_KNOWN_SECONDS: Final = 5
"""So long a process may not know it (`store.breakers`)."""


def add_to(app: typer.Typer) -> None:
    app.command()(pause)
    app.command()(resume)


@on_stack
def pause(screen: Screen, open_target: OpenTarget, account: AccountName, yes: Yes = False) -> None:
    """Send nothing to an account's BSP until `resume`. Its messages wait, and their time limits go on.

    Statuses and replies go on to CleverTap, and CleverTap's messages are accepted. A pause of the bridge's own ends by
    itself; this one does not.
    """
    target = open_target()
    found = target.account(checked_name(account))
    options = found.options
    limits = (
        f"{options.conversation_time_limit_seconds} s (freeform), {options.campaign_time_limit_seconds} s (templates)"
    )
    screen.confirm(f"Pause {account}? What waits longer than {limits} fails with 1009.", yes=yes)
    breakers = target.breakers("bsp")
    begun = breakers.pause(account)
    since = breakers.state(account).paused_at
    screen.result({"account": account, "paused": True, "since": day(since), "changed": begun})
    if not begun:
        screen.line(f"{account} has been paused since {day(since)}")
        return
    screen.line(f"{account} is paused; requests under way end, new ones end within {_KNOWN_SECONDS} s", "yellow")


@on_stack
def resume(screen: Screen, open_target: OpenTarget, account: AccountName) -> None:
    """End a person's pause of an account."""
    breakers = open_target().breakers("bsp")
    if not breakers.resume(checked_name(account)):
        opened = breakers.state(account).is_open
        reason = f"nobody has paused {account}"
        if opened:
            reason += "; the bridge itself has, because the BSP fails: that ends by itself"
        raise Failed(Exit.NO, reason)
    screen.result({"account": account, "paused": False, "changed": True})
    waits = f"freeform messages within {PAUSED_SECONDS} s, templates within {MAX_DELAY_SECONDS // 60} min"
    screen.line(f"{account} goes on: {waits}", "green")
