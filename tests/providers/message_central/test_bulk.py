"""Templates that come together, from CleverTap to Message Central."""

from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.providers.message_central import samples
from tests.providers.message_central.samples import is_for_a_token, query, refused, said, sent, token_answer
from tests.providers.message_central.test_correlation import ANN, BEN, LADDER, SECRET, report, template, told_of
from tests.support.world import BSP_URL, LOST, World, world
from whatsapp_bridge.net.http import Answer

BULK = SECRET | {"options": {"bulk": True}}
MESSAGES = {"a": ANN, "b": BEN, "c": "27820000003"}


def deliver(made: World) -> None:
    made.warm()
    for msg_id, to in MESSAGES.items():
        made.send(template(msg_id, to))
    made.pump()


def kinds(made: World) -> list[str]:
    return ["single" if body is None else "sheet" for _, body, _ in made.bsp_requests]


@pytest.mark.parametrize(("secret", "expected"), [(SECRET, ["single"] * 3), (BULK, ["sheet"])], ids=["without", "with"])
def test_the_option_makes_one_sheet_of_them(secret: dict[str, Any], expected: list[str]) -> None:
    with world(acme=secret) as made:
        made.bsp = lambda url, payload: said(200, sent())
        deliver(made)
        for number, to in enumerate(MESSAGES.values()):
            report(made, f"w{number}", *LADDER, to=to)
        made.pump()

        assert kinds(made) == expected
        assert [told_of(made, msg_id) for msg_id in MESSAGES] == [LADDER] * 3


def test_a_refused_sheet_doubles_nothing() -> None:
    def answer(url: str, payload: Any) -> Answer:
        return said(200, sent() if payload is None else refused(803))

    with world(acme=BULK) as made:
        made.bsp = answer
        deliver(made)

        assert kinds(made) == ["sheet", "single", "single", "single"]
        assert sorted(query(url).get("variables", "") for url, _, _ in made.bsp_requests) == ["", "a", "b", "c"]
        assert made.told == []


def test_a_token_that_cannot_be_stored_loses_no_message() -> None:
    tokens, tries = count(1), Counter[str]()

    def answer(url: str, payload: Any) -> Answer:
        if is_for_a_token(url):
            return said(200, token_answer(f"private-{next(tokens)}"))
        if payload is not None:
            return said(200, refused(803))
        msg_id = query(url)["variables"]
        tries[msg_id] += 1
        if msg_id == "a":
            return said(401, refused(800)) if tries["a"] == 1 else said(200, sent())
        return said(429, {}) if tries[msg_id] == 1 else said(200, sent())

    writes = count(1)

    def throttle_the_second_token(operation: str, parameters: Any) -> ClientError | None:
        key = str(parameters.get("Key"))
        if operation != "UpdateItem" or "note#" not in key or "#sending" in key or next(writes) != 2:
            return None
        return ClientError({"Error": {"Code": "ThrottlingException", "Message": "private"}}, "UpdateItem")

    with world(acme=BULK | {"provider": samples.secret(BSP_URL)["provider"]}) as made:
        made.bsp, made.fail = answer, throttle_the_second_token
        deliver(made)

        assert (next(writes), tries) == (3, {"a": 2, "b": 2, "c": 2})
        assert made.told == []


def test_a_sheet_whose_answer_is_lost_is_not_sent_again() -> None:
    with world(acme=BULK) as made:
        made.bsp = lambda url, payload: LOST
        deliver(made)

        assert kinds(made) == ["sheet"]
        assert sorted(made.told) == [(msg_id, "failed") for msg_id in MESSAGES]


@pytest.mark.parametrize("secret", [SECRET, BULK], ids=["singly", "as a sheet"])
def test_a_wrong_sender_raises_the_alarm_of_the_account(
    secret: dict[str, Any], counted: Callable[[], dict[str, int]]
) -> None:
    with world(acme=secret) as made:
        made.bsp = lambda url, payload: said(200, refused(801))
        deliver(made)

        assert kinds(made) == (["single"] * 3 if secret is SECRET else ["sheet"])
        assert sorted(made.told) == [(msg_id, "failed") for msg_id in MESSAGES]
        assert {status["error"]["code"] for status in made.statuses} == {1009}
        assert counted()["ProviderAccountAlarms"] == 3


@pytest.mark.parametrize("body", [b'{"error": "Bad Request"}', b"<html>", b""], ids=["JSON", "a page", "nothing"])
@pytest.mark.parametrize("secret", [SECRET, BULK], ids=["singly", "as a sheet"])
def test_a_bad_request_is_told_at_once(secret: dict[str, Any], body: bytes) -> None:
    with world(acme=secret) as made:
        made.bsp = lambda url, payload: Answer(400, {}, body)
        begun = made.now
        deliver(made)

        assert sorted(made.told) == [(msg_id, "failed") for msg_id in MESSAGES]
        assert {status["error"]["code"] for status in made.statuses} == {1001}
        assert made.now - begun < 60
        # The sheet of three, its parts, and the messages of the larger one.
        assert len(made.bsp_requests) == (3 if secret is SECRET else 5)
