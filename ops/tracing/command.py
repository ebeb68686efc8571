"""`bridge trace`: the life of a message on one screen."""

from collections.abc import Sequence
from time import time
from typing import Annotated, Any

import typer

from ops.command import AccountName, OpenTarget, on_stack
from ops.output import Exit, Failed, Screen, day
from ops.target import Target
from ops.tracing.people import messages_to
from ops.tracing.timeline import Next, Pauses, Step, described, following, pause_ends, steps
from whatsapp_bridge.store.claims import Claims
from whatsapp_bridge.store.items import message_key
from whatsapp_bridge.store.journal_reading import Journal, read

MsgId = Annotated[str | None, typer.Argument(metavar="[MSGID]", help="CleverTap's msgId.")]
BspId = Annotated[str | None, typer.Option("--bsp-id", help="The BSP's id of the message, in place of MSGID.")]
To = Annotated[
    str | None,
    typer.Option(
        "--to",
        help="A person's number, in place of MSGID: lists their messages. It reaches only accounts whose BSP gives no "
        "ids (Message Central), and there the messages that wait for an id or got one in the last hour; all others "
        "are kept by msgId alone. The number is not shown.",
    ),
]

# Items keep for how long they are told to; trace writes none.
_NO_DAYS = 0


def add_to(app: typer.Typer) -> None:
    app.command("trace")(trace)


@on_stack
def trace(
    screen: Screen,
    open_target: OpenTarget,
    account: AccountName,
    msg_id: MsgId = None,
    bsp_id: BspId = None,
    to: To = None,
) -> None:
    """Show what happened to a message: when it was accepted, tried, sent and told to CleverTap, and what follows.

    It reads the message's record, which is kept for MessageTtlDays, and begins with the first attempt to send it.
    Exit code 3 if there is no record: the text says what that can mean.
    """
    if sum(given is not None for given in (msg_id, bsp_id, to)) != 1:
        raise Failed(Exit.USAGE, "say which message: MSGID, --bsp-id or --to")
    target = open_target()
    if to is not None:
        messages_to(screen, target, account, to)
        return
    show(screen, target, account, _reference(target, account, msg_id, bsp_id), time())


def _reference(target: Target, account: str, msg_id: str | None, bsp_id: str | None) -> str:
    if bsp_id is None:
        return str(msg_id)
    found = Claims(target.table, _NO_DAYS).reference_of(account, bsp_id)
    if found is None:
        raise Failed(Exit.NOT_FOUND, f"no message of {account} has this id of the BSP's")
    return found


def show(screen: Screen, target: Target, account: str, reference: str, now: float) -> None:
    """Raises `Failed` if there is no record of the message."""
    item = target.table.get(message_key(account, reference))
    sending, reporting = target.breakers("bsp").state(account), target.breakers("clevertap").state(f"{account}#status")
    pauses = Pauses(pause_ends(sending), pause_ends(reporting), by_person=sending.paused_at > 0)
    if item is None:
        raise Failed(Exit.NOT_FOUND, _no_record(account, reference, pauses, now))
    written = read(item)
    life, follows = steps(written), following(item, written, pauses, now)
    screen.result(_as_json(account, reference, item, written, life, follows))
    screen.line(f"{account} {reference}: {item.get('state', 'unknown')}", "bold")
    rows = zip(life, [None, *life], strict=False)
    screen.table(
        ["at", "after", "what happened"],
        [[day(step.at), "" if before is None else _long(step.at - before.at), step.text] for step, before in rows],
    )
    if not life:
        screen.line("An older version has sent it: only its state is recorded.")
    screen.line(f"next: {_in_words(follows, now)}", "" if follows.ended else "yellow")


def _no_record(account: str, reference: str, pauses: Pauses, now: float) -> str:
    paused = ""
    if pauses.by_person:
        paused = f" A person has paused {account}: `bridge resume {account}` lets it go on."
    elif pauses.sending:
        paused = f" {account} is paused; its next probe is due {_when(pauses.sending, now)}."
    return (
        f"no record of {account}'s message {reference}: it waits for its first attempt, was refused when CleverTap "
        'sent it (a log line "message refused" of `send` has its msgId and the reason), never came, or is too old.'
        f"{paused}"
    )


def _as_json(
    account: str, reference: str, item: dict[str, Any], written: Journal, life: Sequence[Step], follows: Next
) -> dict[str, Any]:
    failure = written.failure
    return {
        "account": account,
        "msgId": reference,
        "state": item.get("state"),
        "bspId": str(item["bsp_id"]).partition("#")[2] if "bsp_id" in item else None,
        "failure": None
        if failure is None
        else {"code": failure.code, "bspCode": failure.bsp_code, "title": failure.title, "text": described(failure)},
        "clicks": written.clicks,
        "steps": [{"at": day(step.at), "step": step.name, "text": step.text} for step in life],
        "next": {
            "text": follows.text,
            "at": day(follows.at or 0) or None,
            "until": day(follows.until or 0) or None,
            "ended": follows.ended,
        },
    }


def _in_words(follows: Next, now: float) -> str:
    at = "" if follows.at is None else f", {_when(follows.at, now)}"
    until = "" if follows.until is None else f", until {day(follows.until)}"
    return f"{follows.text}{at}{until}"


def _when(at: int, now: float) -> str:
    return f"in {_long(round(at - now))}" if at > now else "now, since it is due"


def _long(seconds: int) -> str:
    """``42 s``, ``4 min``, ``3 h``, ``2 d``."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{round(seconds / size)} {unit}"
    return f"{seconds} s"
