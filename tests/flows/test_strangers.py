"""Strangers call with names and paths that they make up: what it costs, and that accounts are served meanwhile."""

import json
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import Log
from tests.support.world import (
    BASIC,
    PUBLIC_URL,
    TOKEN,
    World,
    account,
    freeform,
    mo_text,
    status_update,
    template,
    world,
)
from whatsapp_bridge.clevertap import answers
from whatsapp_bridge.flows.receive import Acknowledgement
from whatsapp_bridge.flows.show_media import FORBIDDEN

AT_ONCE, SECONDS, LIST_SECONDS = 30, 2, 60
"""The budget of each process for names without an account: docs/operations.md."""


@pytest.fixture
def made() -> Iterator[World]:
    with world(acme=account(), other=account()) as fresh:
        yield fresh


def sends(made: World, name: str) -> Any:
    return made.send(template(), account=name)


def calls(made: World, name: str) -> Any:
    return made.callback(mo_text(), account=name)


def imports(made: World, name: str) -> Any:
    with made.invocation():
        return made.import_templates(name, BASIC, {}, f"{PUBLIC_URL}/{name}/templates")


DOORS: dict[str, Callable[[World, str], Any]] = {"send": sends, "callback": calls, "import": imports}
"""What anybody may call. incoming and status are the same flow."""
SERVED = {"send": 200, "callback": 200, "import": 503}
"""What an account is answered; there was no sync for the import."""
UNKNOWN = {"send": answers.INVALID_CREDENTIALS, "callback": 403, "import": 401}
BEYOND = {
    "send": answers.TOO_MANY,
    "callback": Acknowledgement(429, "too many requests"),
    "import": answers.TOO_MANY,
}


def asked(made: World) -> Counter[str]:
    """How often Secrets Manager was asked what."""
    return Counter(
        step.removeprefix("before ").removeprefix("Batch")
        for step in made.steps
        if step in ("before GetSecretValue", "before BatchGetSecretValue", "before ListSecrets")
    )


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("minutes", [pytest.param(0, id="at once"), pytest.param(10, id="in ten minutes")])
def test_ten_thousand_names_cost_no_more_than_the_budget(made: World, log: Log, door: str, minutes: int) -> None:
    ask = DOORS[door]
    assert ask(made, "acme").status == SERVED[door]
    made.steps.clear()
    found: Counter[int] = Counter()
    for number in range(10_000):
        made.now += minutes * 60 / 10_000
        found[ask(made, f"name-{number}").status] += 1
    cost = asked(made)
    assert cost["GetSecretValue"] <= AT_ONCE + minutes * 60 / SECONDS
    assert cost["ListSecrets"] <= 1 + minutes * 60 / LIST_SECONDS
    assert sum(found.values()) == 10_000
    assert found[429] == 10_000 - cost["GetSecretValue"]
    # A name that was made up is in no log.
    assert "name-" not in log.text


@pytest.mark.parametrize("door", DOORS)
def test_an_account_is_served_throughout_and_costs_no_further_call(made: World, door: str) -> None:
    ask = DOORS[door]
    assert ask(made, "acme").status == SERVED[door]
    made.steps.clear()
    for number in range(2000):
        ask(made, f"name-{number}")
        if number % 50 == 0:
            assert ask(made, "acme").status == SERVED[door]
    # At one moment: what was asked for are the names that were made up.
    assert asked(made) == {"GetSecretValue": AT_ONCE, "ListSecrets": 1}
    # Five minutes later its secret is read again, as ever.
    made.now += 300
    made.steps.clear()
    for number in range(2000, 2100):
        ask(made, f"name-{number}")
    before = asked(made)["GetSecretValue"]
    assert ask(made, "acme").status == SERVED[door]
    assert asked(made)["GetSecretValue"] == before + 1


@pytest.mark.parametrize("door", DOORS)
def test_a_process_that_does_not_know_an_account_yet_serves_it(made: World, door: str) -> None:
    ask = DOORS[door]
    for number in range(100):
        ask(made, f"name-{number}")
    assert ask(made, "acme").status == SERVED[door]
    assert ask(made, "other").status in (SERVED[door], 403)


@pytest.mark.parametrize("door", DOORS)
def test_what_a_name_is_answered(made: World, counted: Callable[[], dict[str, int]], door: str) -> None:
    first, *_, last = [DOORS[door](made, f"name-{number}") for number in range(AT_ONCE + 1)]
    unknown = UNKNOWN[door]
    assert (first.status if isinstance(unknown, int) else first) == unknown
    # Nobody knows whether it is an account: it is not refused for good.
    assert last == BEYOND[door]
    assert counted()["NamesBeyondBudget"] == 1


def test_wrong_credentials_and_tokens_for_an_account_cost_a_call_in_fifteen_seconds(made: World) -> None:
    made.send(template())
    made.callback(mo_text())
    made.steps.clear()
    for _ in range(1200):
        made.now += 0.05
        assert made.send(template(), headers={}) == answers.INVALID_CREDENTIALS
        assert made.callback(mo_text(), token="x" * 40).status == 403
    # Each of the two processes, and at the beginning of the minute a first time.
    assert 0 < asked(made).total() <= 2 * (1 + 60 // 15)


# --- what is queued -------------------------------------------------------------------------------------------------


def test_what_is_queued_for_accounts_that_are_gone_costs_the_others_nothing() -> None:
    """A hundred at a time, more than any budget: nothing is taken for an account's that is not asked for."""
    gone = {f"gone-{number}": account() for number in range(100)}
    with world(acme=account(), **gone) as made:
        for name in gone:
            made.send(freeform("f"), account=name)
            made.send(template("t"), account=name)
        for name in gone:
            made.secrets.delete_secret(SecretId=f"test/accounts/{name}", ForceDeleteWithoutRecovery=True)
        made.send(freeform("f"))
        made.send(template("t"))
        made.run()
        assert made.sent_by_id() == {"f": 1, "t": 1}
        assert made.depth("ConversationDeadLetterQueue") == len(gone)
        assert made.depth("CampaignQueue") == len(gone)
        # An account that comes back gets what waits.
        made.put_account("gone-7", account())
        made.pump()
        assert made.sent_by_id()["t"] == 2


def test_what_is_queued_while_secrets_cannot_be_read_comes_back() -> None:
    accounts = {f"account-{number}": account() for number in range(35)}
    with world(**accounts) as made:
        for name in accounts:
            made.send(freeform(name), account=name)
            made.callback(mo_text(mo_id=name), account=name)
        away = RuntimeError("away")
        made.fail = lambda operation, _: away if operation == "GetSecretValue" else None
        made.run()
        made.fail = lambda *_: None
        made.pump()
        assert made.sent_by_id() == dict.fromkeys(accounts, 1)
        assert len(made.replies) == len(accounts)
        assert sum(made.depth(name) for name in made.deployment.queues if "DeadLetter" in name) == 0


# --- one callback of many broken elements ---------------------------------------------------------------------------


def broken(number: int) -> dict[str, Any]:
    """A callback with so many elements of no known kind, and with two that are good."""
    known = {**mo_text()["event"], **status_update("t", 4)["event"]}
    return {"event": {**known, "moNew": [{"text": f"words-{each} " * 5} for each in range(number)]}}


def quarantined(made: World) -> list[dict[str, Any]]:
    kept = made.emptied("QuarantineQueue")
    return [
        json.loads(made.s3.get_object(Bucket="test-payloadsbucket", Key=each["s3"])["Body"].read())
        if "s3" in each
        else each
        for each in kept
    ]


@pytest.mark.parametrize(
    ("number", "queued", "logged"),
    [
        pytest.param(1, 1, 1, id="one"),
        pytest.param(10, 10, 10, id="ten: each by itself"),
        pytest.param(11, 1, 1, id="eleven: as one"),
        pytest.param(5000, 1, 1, id="thousands: as one"),
    ],
)
def test_broken_elements(
    made: World, counted: Callable[[], dict[str, int]], log: Log, number: int, queued: int, logged: int
) -> None:
    assert made.callback(broken(number)).status == 200
    assert (made.depth("RepliesQueue"), made.depth("StatusesQueue")) == (1, 1)
    assert made.depth("QuarantineQueue") == queued
    assert counted()["EventsQuarantined"] == number
    assert counted()["EventsReceived"] == number + 2
    assert log.messages() == ["quarantined"] * logged
    kept = quarantined(made)
    assert [each.get("elements") for each in kept] == [number] if queued < number else [None] * number
    objects = made.s3.list_objects_v2(Bucket="test-payloadsbucket", Prefix="payloads/").get("KeyCount", 0)
    assert objects == (1 if number == 5000 else 0)
    assert "words-" not in log.text


def test_broken_elements_of_several_kinds_are_kept_and_said_as_one(made: World, log: Log) -> None:
    kinds = {f"moNew{letter}": [{}] * 3 for letter in "ABCDEFG"}
    texts = mo_text()["event"]["moText"]
    body = {"event": {**kinds, "moText": [*texts, *({**texts[0], "from": None} for _ in range(20))]}}
    made.callback(body)
    (kept,) = quarantined(made)
    assert (kept["kind"], kept["elements"]) == ("body", 41)
    assert kept["reason"] == "41 elements: unknown kind (21), no sender (20)"
    said = [(entry["kind"], entry["reason"], entry["elements"]) for entry in log.entries]
    assert said[0] == ("moText", "no sender", 20)
    assert said[1:] == [(f"moNew{letter}", "unknown kind", 3) for letter in "ABCD"]


def test_what_was_kept_as_one_is_replayed_whole(made: World) -> None:
    """The bytes as they came, as docs/operations.md has it: what was good is dropped as a repeat."""
    body = json.dumps(broken(50)).encode()
    made.send(template("t"))
    made.callback(body)
    made.pump()
    assert (len(made.replies), made.told) == (1, [("t", "sent")])
    (kept,) = quarantined(made)
    assert b64decode(kept["element"]["base64"]) == body
    made.now += 600
    made.callback(b64decode(kept["element"]["base64"]))
    made.pump()
    assert (len(made.replies), made.told) == (1, [("t", "sent")])
    assert [each["elements"] for each in quarantined(made)] == [50]


def test_a_callback_that_cannot_be_kept_is_not_acknowledged(made: World) -> None:
    made.fail = lambda operation, parameters: (
        RuntimeError("no") if "Quarantine" in parameters.get("QueueUrl", "") else None
    )
    with pytest.raises(RuntimeError):
        made.callback(broken(50), token=TOKEN)


def test_links_for_ten_thousand_names_cost_no_call(made: World) -> None:
    """Media reads the stack's key, and no account's secret."""
    query = {"expires": str(int(made.now) + 60), "signature": "0" * 64}
    with made.invocation():
        made.show_media("acme", "0" * 32, query)
        made.steps.clear()
        answered = {made.show_media(f"name-{number}", "0" * 32, query) for number in range(10_000)}
    assert answered == {FORBIDDEN}
    assert not asked(made)
