"""`bridge account remove`: not while something waits for the account."""

from typing import Annotated, Final

import typer

from ops.accounts.commands import Name, account
from ops.accounts.secrets import Secrets
from ops.command import OpenTarget, Yes, on_stack
from ops.output import Exit, Failed, Screen
from ops.queues import WORK, StackQueue

_DAYS: Final = 30


@account.command()
@on_stack
def remove(
    screen: Screen,
    open_target: OpenTarget,
    name: Name,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Although messages wait: those of the account are dead-lettered.")
    ] = False,
    days: Annotated[int, typer.Option("--days", help="For so long it can be taken back.", min=7, max=30)] = _DAYS,
    yes: Yes = False,
) -> None:
    """Remove an account once nothing waits for it. Take away CleverTap's provider entry and the BSP's callbacks first.

    Nobody sees from outside which account waiting messages belong to: those of all accounts count. Exit code 5 if
    something waits.
    """
    target = open_target()
    secrets = Secrets(target)
    secrets.get(name)
    waiting = {word: StackQueue(target, logical_id).depth().all for word, logical_id in WORK.items()}
    left = {word: count for word, count in waiting.items() if count}
    screen.table(["queue", "waits"], [[word, str(count)] for word, count in waiting.items()])
    if left and not anyway:
        told = ", ".join(f"{word} {count}" for word, count in left.items())
        raise Failed(Exit.LATER, f"messages wait ({told}), of {name} or of others: again later, or with --anyway")
    screen.confirm(f"Remove {name} from {target.name}? Its callbacks are refused from then on.", yes=yes)
    secrets.remove(name, days)
    screen.result({"account": name, "removed": True, "waiting": waiting, "kept_days": days})
    screen.line(f"{name} is removed; `bridge account put` takes it back")
