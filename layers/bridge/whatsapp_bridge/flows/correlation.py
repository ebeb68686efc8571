"""Correlates messages for which the BSP's answer has no id with statuses that have only the id (`store.waiting`).

A message waits from the moment its request leaves, under its person. A status with an unknown id belongs to the message
that has waited longest for that person. For BSPs that give their ids or echo ours, this does nothing.
"""

from collections import defaultdict
from collections.abc import Sequence

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.messages import FreeformMessage, TemplateMessage
from whatsapp_bridge.flows.parallel import each
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.contract.outcomes import Accepted, Outcome, Unknown
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.store.waiting import Waiting

type Message = TemplateMessage | FreeformMessage


def by_order(account: Account, message: Message) -> bool:
    """Whether such messages to one person can be told apart only by their order."""
    return _kind(message) in _kinds_without_bsp_id(account)


def expect(waiting: Waiting, account: Account, message: Message, recipient: str, reference: str, at: int) -> None:
    """Record that the request with `message` is about to leave; `at` (ms since 1970) is its place in the person's
    order."""
    if no_bsp_id := _kinds_without_bsp_id(account):
        waiting.expect(account.name, recipient, reference, at, named=_kind(message) not in no_bsp_id)


def settle(
    waiting: Waiting, account: Account, message: Message, recipient: str, reference: str, outcome: Outcome
) -> None:
    """Record what the answer says about `message`."""
    no_bsp_id = _kinds_without_bsp_id(account)
    if not no_bsp_id:
        return
    match outcome:
        case Accepted(bsp_id) if bsp_id is not None:
            waiting.name(account.name, recipient, reference, bsp_id)
        case Accepted() | Unknown():
            # A message that was expected without an id already waits.
            if _kind(message) not in no_bsp_id:
                waiting.wait(account.name, recipient, reference)
        case _:
            waiting.dismiss(account.name, recipient, reference)


def finds_by_recipient(account: Account) -> bool:
    """Whether a status of this account may be found by the person alone."""
    return bool(_kinds_without_bsp_id(account))


def references(waiting: Waiting, account: Account, events: Sequence[StatusEvent]) -> list[str | Exception | None]:
    """The msgId that each of these statuses belongs to; None if there is none (yet), or the exception."""
    found: list[str | Exception | None] = [None] * len(events)
    if not (events and finds_by_recipient(account)):
        return found
    # A person has a pseudonym for each of the account's keys; which is the first may just have changed.
    people: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, event in enumerate(events):
        if event.recipient is not None and event.bsp_id is not None:
            people[tuple(sorted({event.recipient, *event.other_recipients}))].append(place)

    def bind(person: tuple[str, ...]) -> None:
        # One person's statuses in order of time: the first id belongs to the oldest message.
        for place in sorted(people[person], key=lambda place: events[place].timestamp):
            found[place] = waiting.bind(account.name, person, str(events[place].bsp_id))

    persons = list(people)
    for person, error in zip(persons, each(bind, persons), strict=True):
        if isinstance(error, Exception):
            for place in people[person]:
                found[place] = error
    return found


def of_reply(waiting: Waiting, account: Account, sender: str, bsp_id: str) -> str | None:
    """The msgId of a message whose id is not known yet, because a person answers before its first status."""
    if not _kinds_without_bsp_id(account):
        return None
    return waiting.of_reply(account.name, account.keys.pseudonyms(sender), bsp_id)


def _kind(message: Message) -> str:
    return "template" if isinstance(message, TemplateMessage) else "freeform"


def _kinds_without_bsp_id(account: Account) -> frozenset[str]:
    return registry.outbound(account.provider_type).CAPABILITIES.no_bsp_id
