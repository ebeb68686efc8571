"""The messages of a person, as far as the table is kept by person (`store.waiting`)."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ops.output import Exit, Failed, Screen, day
from ops.target import Target
from whatsapp_bridge.clevertap.numbers import recipient_number
from whatsapp_bridge.flows.correlation import finds_by_recipient
from whatsapp_bridge.store.waiting import Waiting


class Found(NamedTuple):
    """`at` in seconds since 1970."""

    reference: str
    at: int
    state: str


_STATES = {"w": "waits for its id", "s": "is being sent", "b": "has its id"}


def messages_to(screen: Screen, target: Target, account_name: str, number: str) -> None:
    """List them. Raises `Failed`."""
    account = target.account(account_name)
    if not finds_by_recipient(account):
        raise Failed(
            Exit.NO,
            f"messages of {account_name} are kept by msgId, not by person: its BSP gives ids, so nothing is looked up "
            "by number. CleverTap's profile of the person has the msgId",
        )
    read = recipient_number(number, account.options.default_country)
    if read is None:
        raise Failed(Exit.USAGE, "--to must be a phone number with its country code")
    found = sorted(
        {
            each
            for item in Waiting(target.table, 0).of_person(account_name, target.keys(account_name).pseudonyms(read))
            for each in _in(item)
        },
        key=lambda each: each.at,
    )
    if not found:
        raise Failed(Exit.NOT_FOUND, "no message to this person waits for an id, or got one in the last hour")
    told = [{"msgId": each.reference, "since": day(each.at), "state": each.state} for each in found]
    screen.result({"account": account_name, "messages": told})
    screen.table(["msgId", "since", ""], [list(each.values()) for each in told])


def _in(item: Mapping[str, Any]) -> Iterator[Found]:
    for name, value in item.items():
        kind, _, of = name.partition("#")
        if kind in ("w", "s"):
            yield Found(of, int(value) // 1000, _STATES[kind])
        elif kind == "b":
            at, _, reference = str(value).partition(" ")
            yield Found(reference, int(at) // 1000, _STATES[kind])
