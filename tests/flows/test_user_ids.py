"""People with a user name may hide their number: who was ever seen with it is known by their user id."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import Log
from tests.providers.cloud_api.samples import contact, events, message, status
from tests.support.world import SIGNING_KEY, World, signing_key, world

from .test_forward_replies import texts
from .test_whatsapp_ids import NAMES, SIDES, Side, hears, sends

ANN, USER, OTHER_USER = "27820000001", "ZA.1029384756102938475610", "ZA.5647382910564738291056"


@pytest.fixture(params=SIDES)
def made(request: pytest.FixtureRequest) -> Iterator[World]:
    with world(acme=SIDES[request.param]) as fresh:
        yield fresh


def written(words: str, sender: str | None = None, user: str | None = USER, **changes: Any) -> dict[str, Any]:
    names = {"from": sender, "from_user_id": user}
    return message("text", {"body": words}, f"wamid.{words}", context={}, **names, **changes)


def card(number: str, origin: str, *, on_whatsapp: bool = True) -> dict[str, Any]:
    phone = {"phone": f"+{number}", "type": "CELL"} | ({"wa_id": number} if on_whatsapp else {})
    shared = contact() | {"origin": origin, "phones": [phone]}
    return message("contacts", [shared], "wamid.card", context={}, **{"from": None, "from_user_id": USER})


def a_contact(number: str | None, user: str) -> dict[str, Any]:
    return {"profile": {"name": "A. Person", "username": "@ann"}, "user_id": user} | (
        {"wa_id": number} if number else {}
    )


SEEN: dict[str, bytes] = {
    "in a message": events(messages=[written("first", ANN)]),
    "in a status": events(statuses=[status("delivered", "a", recipient_id=ANN, recipient_user_id=USER)]),
    "in a status read": events(statuses=[status("read", "a", recipient_id=ANN, recipient_user_id=USER)]),
    "in a status failed": events(statuses=[status("failed", "a", recipient_id=ANN, recipient_user_id=USER)]),
    "in a status's contacts": events(
        contacts=[a_contact(ANN, USER)], statuses=[status("sent", "a", recipient_id=ANN, recipient_user_id=None)]
    ),
    "in a message's contacts": events(contacts=[a_contact(ANN, USER)], messages=[written("first")]),
    "in the contact card that a button asks for": events(messages=[card(ANN, "contact_request")]),
    "in such a card with a phone number alone": events(messages=[card(ANN, "contact_request", on_whatsapp=False)]),
}
NOT_SEEN: dict[str, bytes] = {
    "nowhere": events(messages=[]),
    "in somebody else's contact card": events(messages=[card(ANN, "other")]),
    "with another user id": events(messages=[written("first", ANN, OTHER_USER)]),
    "in another's contacts beside a status": events(
        contacts=[a_contact("27820000009", USER)], statuses=[status("read", "a", recipient_id=ANN)]
    ),
    "in another's contacts": events(contacts=[a_contact(ANN, OTHER_USER)], messages=[written("first")]),
}


@pytest.mark.parametrize("seen", SEEN.values(), ids=SEEN)
def test_a_message_without_a_number_is_told_with_the_number_that_was_seen(made: World, seen: bytes) -> None:
    hears(made, seen)
    made.now += 90 * 86_400
    hears(made, events(messages=[written("later")]))
    assert (made.replies[-1]["from"], made.replies[-1]["text"]["body"]) == (ANN, "later")
    assert {reply["from"] for reply in made.replies} == {ANN}


@pytest.mark.parametrize("kind", SIDES)
def test_the_statuses_of_a_message_cost_one_read_together(kind: str) -> None:
    reads: list[str] = []

    def noticing(called: str, given: Any) -> None:
        if called == "GetItem" and "user_id#" in repr(given.get("Key")):
            reads.append(called)

    with world(acme=SIDES[kind]) as made:
        made.bsp = Side(SIDES[kind]).answer
        sends(made)
        made.fail = noticing
        names = ("sent", "delivered", "read")
        for name in names:
            own = status(name, "1|2|3|4", id=NAMES["the same id"], recipient_id=ANN, recipient_user_id=USER)
            hears(made, events(statuses=[own]))
            made.now += 60
        assert [told for _, told in made.told] == [*names]
        assert len(reads) == 1


@pytest.mark.parametrize("seen", NOT_SEEN.values(), ids=NOT_SEEN)
def test_who_was_never_seen_with_a_number_is_quarantined(made: World, log: Log, seen: bytes) -> None:
    hears(made, seen)
    made.emptied("PeopleQuarantineQueue")
    hears(made, events(messages=[written("later")]))
    assert "later" not in texts(made)
    (kept,) = made.bodies("PeopleQuarantineQueue")
    assert (kept["reason"], kept["element"]["from_user_id"]) == ("no phone number, only a user id", USER)
    assert USER not in log.text


def test_who_has_no_number_is_in_the_alarm_once_a_day(made: World, counted: Callable[[], dict[str, int]]) -> None:
    for place in range(3):
        hears(made, events(messages=[written(f"one{place}"), written(f"two{place}", user=OTHER_USER)]))
        made.now += 600
    assert counted()["PeopleWithoutNumber"] == 2
    made.now += 86_400
    hears(made, events(messages=[written("tomorrow")]))
    assert counted()["PeopleWithoutNumber"] == 3
    assert made.depth("PeopleQuarantineQueue") == 7
    assert made.depth("QuarantineQueue") == 0, "whose alarms would count each message"


def test_a_status_of_somebody_without_a_number_is_in_the_same_quarantine(counted: Callable[[], dict[str, int]]) -> None:
    """Where only the number leads to its message."""
    with world(acme=SIDES["message_central"]) as made:
        for name in ("sent", "delivered"):
            hears(made, events(statuses=[status(name, None, recipient_id=None, recipient_user_id=USER)]))
        hears(made, events(messages=[written("one")]))
        made.pump(hours=2)

        kept = made.bodies("PeopleQuarantineQueue")
        assert {body["reason"] for body in kept} == {"no phone number, only a user id"}
        assert sorted(body["kind"] for body in kept) == ["status", "status", "text"]
        assert counted()["PeopleWithoutNumber"] == 1
        assert made.depth("QuarantineQueue") == 0
        assert USER not in json.dumps([body for body in kept if body["kind"] == "status"])


def test_the_last_number_of_a_user_id_counts(made: World) -> None:
    for words, sender in (("one", ANN), ("two", "27820000009"), ("three", None)):
        hears(made, events(messages=[written(words, sender)]))
    assert [reply["from"] for reply in made.replies] == [ANN, "27820000009", "27820000009"]


def test_what_is_known_already_is_not_written_again(made: World) -> None:
    writes: list[str] = []

    def noticing(called: str, given: Any) -> None:
        if called == "UpdateItem" and "user_id#" in repr(given.get("Key")):
            writes.append(called)

    made.fail = noticing
    for place in range(3):
        hears(made, events(messages=[written(f"one{place}", ANN)]))
        hears(made, events(statuses=[status("delivered", "a", recipient_id=ANN, recipient_user_id=USER)]))
    assert len(writes) == 1


SEEN_AGAIN: dict[str, Callable[[str], bytes]] = {
    "in messages": lambda words: events(messages=[written(words, ANN)]),
    "in statuses": lambda words: SEEN["in a status"],
}


@pytest.mark.parametrize("seen", SEEN_AGAIN.values(), ids=SEEN_AGAIN)
def test_who_is_seen_again_and_again_stays_known(made: World, seen: Callable[[str], bytes]) -> None:
    for words in ("first", "second"):
        hears(made, seen(words))
        made.now += 100 * 86_400
    hears(made, events(messages=[written("later")]))
    assert (made.replies[-1]["from"], made.replies[-1]["text"]["body"]) == (ANN, "later")


def test_neither_number_nor_user_id_is_stored_in_clear(made: World) -> None:
    raw = events(statuses=[status("delivered", "a", recipient_id=ANN, recipient_user_id=USER)])
    hears(made, raw)
    hears(made, events(messages=[written("first", ANN)]))
    shown = json.dumps(made.dynamodb.scan(TableName=made.table.name)["Items"])
    assert "user_id#" in shown
    assert USER not in shown
    assert ANN not in shown


OLD, NEW = json.loads(SIGNING_KEY)["key"], "n" * 64


def rotate(made: World, keys: list[str]) -> None:
    """The stack's signing key is changed, and all functions have read it."""
    made.change_signing_key(signing_key(*keys))
    made.now += 400


@pytest.mark.parametrize(
    ("rotations", "known"),
    [
        pytest.param([[NEW, OLD]], True, id="while the old key is still there"),
        pytest.param([[OLD, NEW]], True, id="while the new one is the second"),
        pytest.param([[NEW, OLD], [NEW]], True, id="after it, if the person has written meanwhile"),
        pytest.param([[NEW]], False, id="not if the old key has been taken away at once"),
    ],
)
def test_a_number_is_known_when_the_signing_key_is_rotated(
    made: World, rotations: list[list[str]], known: bool
) -> None:
    hears(made, events(messages=[written("first", ANN)]))
    for place, keys in enumerate(rotations):
        rotate(made, keys)
        hears(made, events(messages=[written(f"later{place}")]))
    assert [reply["from"] for reply in made.replies] == [ANN] * (1 + known * len(rotations))


def test_a_number_of_thousands_of_digits_is_noted_nowhere(made: World) -> None:
    number = "9" * 5000
    hears(made, events(statuses=[status("delivered", "a", recipient_id=number, recipient_user_id=USER)]))
    hears(made, events(messages=[written("first", number)]))
    hears(made, events(messages=[written("later")]))
    assert [kept["reason"] for kept in made.bodies("PeopleQuarantineQueue")][-1] == "no phone number, only a user id"
    assert made.depth("RepliesDeadLetterQueue") == 0
