"""One message has several ids of WhatsApp's: by the person's number, their user id, the other side's number.

They lead to the same message, and none is stored or logged with the number that it holds.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from local.sandbox.wamids import wamid
from tests.conftest import Log
from tests.providers.cloud_api.samples import button, events, message, status, text
from tests.providers.message_central import samples as central
from tests.providers.meta import samples as meta
from tests.providers.test_message_ids import OLDER
from tests.support.private import looked_into
from tests.support.world import BSP_URL, INCOMING_URL, STATUS_URL, TOKEN, World, freeform, json_answer, world

ANN, BEN = "27820000001", "27820000002"
BUSINESS, USER = "27999000001", "ZA.1029384756102938475610"
WHICH = "0123456789ABCDEF01"
PERSON_IN_HALF_BYTES = bytes.fromhex(f"{ANN}f")
CLEVERTAP = {
    "clevertap": {
        "authorization": [{"type": "basic", "username": "user", "password": "a-long-password"}],
        "status_url": STATUS_URL,
        "incoming_url": INCOMING_URL,
    },
    "callback_token": TOKEN,
}
NAMES = {
    "the same id": wamid(ANN, WHICH),
    "by the user id": wamid(USER, WHICH),
    "as the person's side names it": wamid(BUSINESS, WHICH, sent=False),
}


@dataclass
class Side:
    """A BSP that passes Meta's webhooks on, and gives the message of `sends` this id."""

    secret: dict[str, Any]
    bsp_id: str = NAMES["the same id"]

    def answer(self, url: str, payload: Any) -> Any:
        if self.secret["provider"]["type"] == "meta":
            return json_answer(200, meta.taken(self.bsp_id, ANN))
        return central.said(200, central.sent(self.bsp_id))


SIDES = {
    "meta": meta.secret(BSP_URL) | CLEVERTAP,
    "message_central": central.secret(BSP_URL, token=central.TOKEN) | CLEVERTAP,
}


@pytest.fixture(params=SIDES)
def made(request: pytest.FixtureRequest) -> Iterator[World]:
    with world(acme=SIDES[request.param]) as fresh:
        fresh.bsp = Side(SIDES[request.param]).answer
        yield fresh


def hears(made: World, raw: bytes, token: str = TOKEN) -> None:
    assert made.callback(raw, headers={"x-hub-signature-256": meta.signature(raw)}, token=token).status == 200
    made.pump()


def sends(made: World, msg_id: str = "1|2|3|4") -> None:
    made.send(freeform(msg_id, f"+{ANN}"))
    made.run()


def stored_as_before(made: World, msg_id: str = "1|2|3|4") -> None:
    """As the version before has recorded the message."""
    made.dynamodb.update_item(
        TableName=made.table.name,
        Key={"pk": {"S": f"msg#acme#{msg_id}"}},
        UpdateExpression="SET bsp_id = :id",
        ExpressionAttributeValues={":id": {"S": f"acme#{NAMES['the same id']}"}},
    )


ANSWERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "a tap": lambda context: button(wamid(ANN, "F" * 20, sent=False)) | {"context": {"id": context}},
    "a text": lambda context: text(wamid(ANN, "F" * 20, sent=False), context={"id": context}),
    "a reaction": lambda context: message(
        "reaction", {"message_id": context, "emoji": "\N{THUMBS UP SIGN}"}, wamid(ANN, "F" * 20, sent=False), context={}
    ),
}


@pytest.mark.parametrize("context", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_reply_finds_its_message_under_another_wamid(
    made: World, answer: Callable[[str], dict[str, Any]], context: str
) -> None:
    sends(made)
    hears(made, events(messages=[answer(context)]))
    assert made.replies[0]["context"] == {"id": "1|2|3|4"}


def test_a_reply_to_somebody_else_s_message_has_no_context(made: World) -> None:
    sends(made)
    hears(made, events(messages=[text(wamid(ANN, "A" * 20, sent=False), context={"id": wamid(ANN, "B" * 18)})]))
    assert "context" not in made.replies[0]


def test_a_reply_finds_a_message_that_the_version_before_has_stored(made: World) -> None:
    sends(made)
    stored_as_before(made)
    hears(made, events(messages=[text(wamid(ANN, "A" * 20, sent=False), context={"id": NAMES["the same id"]})]))
    assert made.replies[0]["context"] == {"id": "1|2|3|4"}


@pytest.mark.parametrize(
    ("name", "before"),
    [
        pytest.param("the same id", False, id="by the same id"),
        pytest.param("by the user id", False, id="by the user id"),
        pytest.param("the same id", True, id="stored by the version before"),
    ],
)
def test_a_status_finds_its_message(made: World, name: str, before: bool) -> None:
    """Message Central echoes no msgId: a chat's statuses are found by the id alone."""
    sends(made)
    if before:
        stored_as_before(made)
        # So long after it was sent, nothing but the index knows it.
        made.now += 7200
    hears(made, events(statuses=[status("delivered", None, id=NAMES[name], recipient_id=ANN)]))
    assert made.told == [("1|2|3|4", "sent"), ("1|2|3|4", "delivered")]
    assert made.depth("QuarantineQueue") == 0


def heard(message_id: str, **names: Any) -> bytes:
    return events(messages=[text(message_id, context={}, **names)])


BY_NUMBER, BY_USER_ID = wamid(ANN, "A" * 20, sent=False), wamid(USER, "A" * 20, sent=False)
REPEATS = {
    "the same id": [heard(BY_NUMBER), heard(BY_NUMBER)],
    "by number, then by user id": [heard(BY_NUMBER), heard(BY_USER_ID)],
    "with the number, then with the user id alone": [
        heard(BY_NUMBER, from_user_id=USER),
        heard(BY_USER_ID, **{"from": None, "from_user_id": USER}),
    ],
}


@pytest.mark.parametrize("raws", REPEATS.values(), ids=REPEATS)
def test_a_message_that_is_named_twice_is_told_once(made: World, raws: list[bytes]) -> None:
    for raw in raws:
        hears(made, raw)
        made.now += 600
    assert len(made.replies) == 1


def test_what_the_version_before_has_told_is_not_told_again(made: World) -> None:
    message_id = wamid(ANN, "A" * 20, sent=False)
    made.dynamodb.put_item(
        TableName=made.table.name,
        Item={"pk": {"S": f"reply#acme#{message_id}"}, "state": {"S": "forwarded"}, "held_until": {"N": "0"}},
    )
    written = str(int(made.now) - 120)
    hears(made, events(messages=[text(message_id, context={}, timestamp=written)]))
    hears(made, events(messages=[text(wamid(ANN, "B" * 20, sent=False), context={}, timestamp=written)]))
    assert len(made.replies) == 1


def numbers_in(shown: str) -> set[str]:
    return {number for number in (ANN, BEN) if number in looked_into(shown)}


def test_the_search_finds_a_number_in_an_id() -> None:
    assert numbers_in(json.dumps({"id": NAMES["the same id"]})) == {ANN}


def test_nothing_that_is_stored_or_logged_holds_the_number(made: World, log: Log) -> None:
    own = NAMES["the same id"]
    sends(made)
    for name in ("sent", "delivered"):
        hears(made, events(statuses=[status(name, "1|2|3|4", id=own, recipient_id=ANN)]))
    hears(made, events(messages=[text(wamid(ANN, "A" * 20, sent=False), context={"id": own})]))
    assert (len(made.told), len(made.replies)) == (2, 1)
    items = made.dynamodb.scan(TableName=made.table.name)["Items"]
    assert {item["pk"]["S"].split("#")[0] for item in items} >= {"msg", "reply"}
    assert numbers_in(json.dumps(items)) == set()
    assert numbers_in(log.text) == set()


def test_no_queue_holds_the_number_of_a_status_but_in_an_id_that_is_still_to_be_found(made: World) -> None:
    """The version before has stored ids as they were, and finds its own only so: an id with which nothing else names
    the message is queued as it came (`flows.receive`)."""
    own = NAMES["the same id"]
    sends(made)
    for given in (
        status("sent", "1|2|3|4", id=own, recipient_id=ANN, recipient_user_id=USER),
        status("delivered", None, id=own, recipient_id=ANN, recipient_user_id=USER),
        status("read", None, id=own, recipient_id=None, recipient_user_id=USER),
    ):
        raw = events(statuses=[given])
        made.callback(raw, headers={"x-hub-signature-256": meta.signature(raw)})
    queued = made.bodies("StatusesQueue")
    assert len(queued) == 3
    as_it_came = [body["status"].pop("bsp_id") for body in queued if body["status"]["reference"] is None]
    assert set(as_it_came) == {own}
    others = {name: made.bodies(name) for name in made.deployment.queues if name != "StatusesQueue"}
    assert numbers_in(json.dumps([queued, others])) == set()


@pytest.mark.parametrize("bsp_id", [NAMES["the same id"], OLDER[0]], ids=["of today's form", "of the older form"])
def test_a_status_that_is_given_up_is_kept_without_the_number(bsp_id: str) -> None:
    with world(acme=SIDES["message_central"]) as made:
        made.bsp = Side(SIDES["message_central"], bsp_id).answer
        sends(made)
        hears(made, events(statuses=[status("delivered", None, id=wamid(BEN, "C" * 20), recipient_id=BEN)]))
        made.clevertap = lambda url, payload: json_answer(400, {})
        hears(made, events(statuses=[status("delivered", None, id=bsp_id, recipient_id=ANN)]))
        made.pump(hours=3)
        for queue in ("QuarantineQueue", "StatusesDeadLetterQueue"):
            (kept,) = made.bodies(queue)
            assert kept
            assert numbers_in(json.dumps(kept)) == set()
            assert PERSON_IN_HALF_BYTES not in looked_into(json.dumps(kept)).encode("latin-1", "replace")


@pytest.mark.parametrize(
    ("people", "told"),
    [
        pytest.param((ANN, BEN), ["one", "two"], id="of two people"),
        pytest.param((ANN, ANN), ["one"], id="of one person"),
    ],
)
def test_repeats_are_known_by_id_and_sender(made: World, people: tuple[str, str], told: list[str]) -> None:
    for sender, words in zip(people, ("one", "two"), strict=True):
        hears(made, events(messages=[message("text", {"body": words}, "wamid.1", **{"from": sender, "context": {}})]))
        made.now += 600
    assert [reply["text"]["body"] for reply in made.replies] == told
