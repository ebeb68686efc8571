"""A callback token is rotated while people and messages are on their way: nothing is lost at any step.

The steps are those of docs/operations.md. A function keeps an account for five minutes, so at each step some know the
new list of tokens already, and some the one before.
"""

import json
import re
from collections.abc import Callable
from itertools import combinations
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from local.sandbox.wamids import wamid
from tests.providers.message_central.samples import statuses
from tests.providers.message_central.test_correlation import ANN, BEN, SECRET, taken, template, told_of
from tests.support.world import OK, TOKEN, World, account, json_answer, mo_media, mo_text, world
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.accounts import parse_account

OLD, NEW = TOKEN, "n" * 40
STEPS = {
    "the new one is added": (OLD, [OLD, NEW]),
    "the new one becomes the first": ([OLD, NEW], [NEW, OLD]),
    "the old one is removed": ([NEW, OLD], [NEW]),
}
FLOWS = ("dispatch", "receive", "forward_statuses")
# Which flows know the new list.
KNOWING = [flows for number in range(len(FLOWS) + 1) for flows in combinations(FLOWS, number)]


def step(made: World, secret: dict[str, Any], knowing: tuple[str, ...]) -> None:
    """The secret is changed, and these flows read it."""
    made.change_account("acme", secret)
    for flow in knowing:
        getattr(made, flow)._accounts._cache.clear()


def tokens(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@pytest.mark.parametrize("knowing", KNOWING, ids=lambda flows: " and ".join(flows) or "none")
@pytest.mark.parametrize(("before", "after"), STEPS.values(), ids=STEPS.keys())
def test_statuses_find_their_messages_by_the_recipient(
    before: str | list[str], after: list[str], knowing: tuple[str, ...]
) -> None:
    with world(acme=SECRET | {"callback_token": before}) as made:
        made.bsp = taken

        def sends(msg_id: str) -> None:
            made.send(template(msg_id))
            made.run()
            made.now += 1

        def hears(wamid: str, *names: str) -> None:
            for name in names:
                raw = statuses(name, wamid=wamid, recipient_id=ANN, timestamp=str(int(made.now)))
                for token in {*tokens(before)} & {*after}:
                    # What the BSP calls does not matter: both are accepted.
                    assert made.callback(raw, token=token).status == 200
                made.pump()

        sends("a")
        hears("w1", "sent")
        sends("b")
        step(made, SECRET | {"callback_token": after}, knowing)
        sends("c")
        hears("w1", "delivered")
        hears("w2", "sent", "delivered")
        hears("w3", "sent")

        assert [told_of(made, msg_id) for msg_id in "abc"] == [("sent", "delivered")] * 2 + [("sent",)]
        assert made.depth("QuarantineQueue") == 0


def test_the_rotation_of_the_operations_manual() -> None:
    with world(acme=account(callback_token=OLD)) as made:
        made.bsp = lambda url, payload: Answer(200, {}, b"content")

        def opened(url: str) -> int:
            identifier, query = urlsplit(url).path.rpartition("/")[2], dict(parse_qsl(urlsplit(url).query))
            return made.show_media("acme", identifier, query).status

        def link(message_id: str, token: str) -> str:
            made.callback(mo_media(mo_id=message_id), token=token)
            made.pump()
            return str(made.replies[-1]["image"]["mediaURL"])

        def becomes(value: list[str]) -> None:
            made.change_account("acme", account(callback_token=value))
            made.now += 300

        links = [link("r1", OLD)]
        becomes([OLD, NEW])
        links += [link("r2", OLD), link("r3", NEW)]
        becomes([NEW, OLD])
        links += [link("r4", OLD), link("r5", NEW)]
        assert [opened(url) for url in links] == [302] * 5

        made.now += 30 * 86_400
        links.append(link("r6", NEW))
        becomes([NEW])
        # Those made with the old token would have expired by now.
        assert [opened(url) for url in links] == [403] * 5 + [302]
        assert made.callback(mo_text(), token=OLD).status == 403


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([Answer(200, {}, b"content"), Answer(404, {}, b"")], id="stored before"),
        pytest.param([Answer(410, {}, b""), Answer(200, {}, b"content")], id="gone before"),
    ],
)
@pytest.mark.parametrize(("before", "after"), list(STEPS.values())[:2], ids=list(STEPS)[:2])
def test_a_file_whose_report_is_retried_is_the_same(
    before: str | list[str], after: list[str], answers: list[Answer]
) -> None:
    """The BSP may no longer have it, or have it again."""
    with world(acme=account(callback_token=before)) as made:
        given = iter(answers)
        made.bsp = lambda url, payload: next(given)
        made.clevertap = lambda url, payload: json_answer(503, {})
        made.callback(mo_media())
        made.run()
        made.change_account("acme", account(callback_token=after))
        made.now += 300
        made.clevertap = lambda url, payload: OK
        made.pump()

        # The signature may be the new token's; what it opens is the same.
        first, again = [
            re.sub("signature=[0-9a-f]{64}", "signature=", json.dumps(payload))
            for url, payload in made.http.requests
            if "clevertap" in url
        ]
        assert again == first


def test_callbacks_with_another_token_than_the_first_are_counted(counted: Callable[[], dict[str, int]]) -> None:
    with world(acme=account(callback_token=[NEW, OLD])) as made:
        assert made.callback(mo_text(mo_id="r1"), token=NEW).status == 200
        assert "OldCallbackTokens" not in counted()
        assert made.callback(mo_text(mo_id="r2"), token=OLD).status == 200
        assert counted()["OldCallbackTokens"] == 1
        assert made.callback(mo_text(mo_id="r3"), token="o" * 40).status == 403
        assert counted()["OldCallbackTokens"] == 1


# --- repeats of what a person wrote ----------------------------------------------------------------------------------


def reply_to(made: World, mo_id: str, text: str, sender: str, token: str) -> None:
    assert made.callback(mo_text(text, mo_id=mo_id, sender=sender), token=token).status == 200
    # SQS itself drops duplicates within five minutes.
    made.now += 600
    made.pump()


WHATSAPPS = wamid(ANN, "A" * 20, sent=False)


@pytest.mark.parametrize(
    ("mo_id", "second", "told"),
    [
        pytest.param("m1", ANN, ["first"], id="the same person's: a repeat"),
        pytest.param("m1", BEN, ["first", "second"], id="another person's with the same id"),
        pytest.param("wamid.1", ANN, ["first"], id="the same person's, like WhatsApp's"),
        pytest.param("wamid.1", BEN, ["first", "second"], id="another person's with the same id, like WhatsApp's"),
        pytest.param(WHATSAPPS, ANN, ["first"], id="the same person's, WhatsApp's"),
    ],
)
@pytest.mark.parametrize("lists", [[[NEW, OLD], [NEW]], [[NEW]]], ids=["in steps", "at once"])
def test_a_message_is_told_once_whichever_token_its_repeat_comes_with(
    lists: list[list[str]], mo_id: str, second: str, told: list[str]
) -> None:
    with world(acme=account()) as made:
        reply_to(made, mo_id, "first", ANN, OLD)
        for each in lists:
            made.change_account("acme", account(callback_token=each))
            made.now += 400
            for _ in range(2):
                reply_to(made, mo_id, "second", second, NEW)
        assert [reply["text"]["body"] for reply in made.replies] == told


@pytest.mark.parametrize(
    ("sender", "told"),
    [pytest.param(ANN, [], id="the same person's"), pytest.param(BEN, ["again"], id="another person's")],
)
def test_what_the_version_before_has_told_is_known_by_its_sender(sender: str, told: list[str]) -> None:
    with world(acme=account()) as made:
        reply_to(made, "m1", "first", ANN, OLD)
        key = {"pk": {"S": "reply#acme#m1"}}
        made.dynamodb.update_item(TableName=made.table.name, Key=key, UpdateExpression="REMOVE person")
        reply_to(made, "m1", "again", sender, OLD)
        assert [reply["text"]["body"] for reply in made.replies[1:]] == told


def test_what_the_version_before_has_told_under_another_s_id_is_not_told_again() -> None:
    with world(acme=account()) as made:
        reply_to(made, "m1", "first", ANN, OLD)
        made.dynamodb.put_item(
            TableName=made.table.name,
            Item={
                "pk": {"S": f"reply#acme#m1#{parse_account('acme', account()).pseudonym(BEN)}"},
                "state": {"S": "forwarded"},
                "held_until": {"N": "0"},
            },
        )
        reply_to(made, "m1", "second", BEN, OLD)
        assert [reply["text"]["body"] for reply in made.replies] == ["first"]


def test_the_version_before_knows_whose_message_was_told() -> None:
    with world(acme=account()) as made:
        reply_to(made, "m1", "first", ANN, OLD)
        item = made.table.get("reply#acme#m1") or {}
        assert item["sender"] == parse_account("acme", account()).pseudonym(ANN)


def test_what_is_kept_of_the_sender_leaves_many_numbers_open() -> None:
    with world(acme=account()) as made:
        reply_to(made, "m1", "first", ANN, OLD)
        assert len((made.table.get("reply#acme#m1") or {})["person"]) == 4


def test_a_message_of_whatsapps_is_told_once_whoever_it_is_said_to_be_of() -> None:
    """Its id is nobody else's."""
    with world(acme=account()) as made:
        for place, sender in enumerate((ANN, "5511987654321", BEN)):
            reply_to(made, WHATSAPPS, f"text {place}", sender, OLD)
        assert len(made.replies) == 1
