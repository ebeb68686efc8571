"""The stack's signing key is rotated while people and messages are on their way: nothing is lost at any step.

The steps are those of docs/operations.md. A function keeps the key for some minutes, so at each step some know the new
one already, and some the one before.
"""

import json
import re
from itertools import combinations
from urllib.parse import parse_qsl, urlsplit

import pytest

from local.sandbox.wamids import wamid
from tests.flows.test_clicks import click, send
from tests.providers.message_central.samples import statuses
from tests.providers.message_central.test_correlation import ANN, BEN, SECRET, taken, template, told_of
from tests.support.world import (
    OK,
    SIGNING_KEY,
    World,
    account,
    json_answer,
    keys_of,
    mo_media,
    mo_text,
    signing_key,
    world,
)
from whatsapp_bridge.net.http import Answer

OLD, NEW = json.loads(SIGNING_KEY)["key"], "n" * 64
STEPS = {
    "the new one is added": ([OLD], [OLD, NEW]),
    "the new one becomes the first": ([OLD, NEW], [NEW, OLD]),
    "the old one is removed": ([NEW, OLD], [NEW]),
}
FLOWS = ("dispatch", "receive", "forward_statuses")
# Which flows know the new list.
KNOWING = [flows for number in range(len(FLOWS) + 1) for flows in combinations(FLOWS, number)]


def rotate(made: World, keys: list[str]) -> None:
    """All functions have read it."""
    made.change_signing_key(signing_key(*keys))
    made.now += 400


@pytest.mark.parametrize("knowing", KNOWING, ids=lambda flows: " and ".join(flows) or "none")
@pytest.mark.parametrize(("before", "after"), STEPS.values(), ids=STEPS.keys())
def test_statuses_find_their_messages_by_the_recipient(
    before: list[str], after: list[str], knowing: tuple[str, ...]
) -> None:
    with world(acme=SECRET) as made:
        made.change_signing_key(signing_key(*before))
        made.bsp = taken

        def sends(msg_id: str) -> None:
            made.send(template(msg_id))
            made.run()
            made.now += 1

        def hears(wamid: str, *names: str) -> None:
            for name in names:
                raw = statuses(name, wamid=wamid, recipient_id=ANN, timestamp=str(int(made.now)))
                assert made.callback(raw, token=SECRET["callback_token"]).status == 200
                made.pump()

        sends("a")
        hears("w1", "sent")
        sends("b")
        made.change_signing_key(signing_key(*after))
        made.forget_secrets(*knowing)
        sends("c")
        hears("w1", "delivered")
        hears("w2", "sent", "delivered")
        hears("w3", "sent")

        assert [told_of(made, msg_id) for msg_id in "abc"] == [("sent", "delivered")] * 2 + [("sent",)]
        assert made.depth("QuarantineQueue") == 0


def test_the_rotation_of_the_operations_manual() -> None:
    with world(acme=account()) as made:
        made.bsp = lambda url, payload: Answer(200, {}, b"content")

        def opened(url: str) -> int:
            identifier, query = urlsplit(url).path.rpartition("/")[2], dict(parse_qsl(urlsplit(url).query))
            return made.show_media("acme", identifier, query).status

        def link(message_id: str) -> str:
            made.callback(mo_media(mo_id=message_id))
            made.pump()
            return str(made.replies[-1]["image"]["mediaURL"])

        links = [link("r1")]
        rotate(made, [OLD, NEW])
        links.append(link("r2"))
        rotate(made, [NEW, OLD])
        links.append(link("r3"))
        assert [opened(url) for url in links] == [302] * 3

        made.now += 30 * 86_400
        links.append(link("r4"))
        rotate(made, [NEW])
        # Those made with the old key would have expired by now.
        assert [opened(url) for url in links] == [403] * 3 + [302]


def test_a_key_that_has_leaked_is_replaced_at_once() -> None:
    with world(acme=account()) as made:
        made.bsp = lambda url, payload: Answer(200, {}, b"content")

        def opened() -> list[int]:
            urls = [urlsplit(reply["image"]["mediaURL"]) for reply in made.replies]
            queries = [(url.path.rpartition("/")[2], dict(parse_qsl(url.query))) for url in urls]
            return [made.show_media("acme", identifier, query).status for identifier, query in queries]

        made.callback(mo_media(mo_id="r1"))
        made.pump()
        # The function that shows files knows the old key, too.
        assert opened() == [302]
        rotate(made, [NEW])
        made.callback(mo_media(mo_id="r2"))
        made.pump()
        assert opened() == [403, 302]


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([Answer(200, {}, b"content"), Answer(404, {}, b"")], id="stored before"),
        pytest.param([Answer(410, {}, b""), Answer(200, {}, b"content")], id="gone before"),
    ],
)
@pytest.mark.parametrize(("before", "after"), list(STEPS.values())[:2], ids=list(STEPS)[:2])
def test_a_file_whose_report_is_retried_is_the_same(before: list[str], after: list[str], answers: list[Answer]) -> None:
    """The BSP may no longer have it, or have it again."""
    with world(acme=account()) as made:
        made.change_signing_key(signing_key(*before))
        given = iter(answers)
        made.bsp = lambda url, payload: next(given)
        made.clevertap = lambda url, payload: json_answer(503, {})
        made.callback(mo_media())
        made.run()
        rotate(made, after)
        made.clevertap = lambda url, payload: OK
        made.pump()

        # The signature may be the new key's; what it opens is the same.
        first, again = [
            re.sub("signature=[0-9a-f]{64}", "signature=", json.dumps(payload))
            for url, payload in made.http.requests
            if "clevertap" in url
        ]
        assert again == first


# --- repeats of what a person wrote ----------------------------------------------------------------------------------


def reply_to(made: World, mo_id: str, text: str, sender: str) -> None:
    assert made.callback(mo_text(text, mo_id=mo_id, sender=sender)).status == 200
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
def test_a_message_is_told_once_whenever_its_repeat_comes(mo_id: str, second: str, told: list[str]) -> None:
    """While the key is rotated. The old one is removed when no repeat comes any more."""
    with world(acme=account()) as made:
        reply_to(made, mo_id, "first", ANN)
        for keys in ([OLD, NEW], [NEW, OLD]):
            rotate(made, keys)
            for _ in range(2):
                reply_to(made, mo_id, "second", second)
        assert [reply["text"]["body"] for reply in made.replies] == told


def test_what_is_kept_of_the_sender_is_a_pseudonym() -> None:
    with world(acme=account()) as made:
        reply_to(made, "m1", "first", ANN)
        item = made.table.get("reply#acme#m1") or {}
        assert item["sender"] == keys_of().pseudonym(ANN)
        assert item.keys() == {"pk", "state", "owner", "held_until", "expires_at", "sender"}


def test_a_message_of_whatsapps_is_told_once_whoever_it_is_said_to_be_of() -> None:
    """Its id is nobody else's."""
    with world(acme=account()) as made:
        for place, sender in enumerate((ANN, "5511987654321", BEN)):
            reply_to(made, WHATSAPPS, f"text {place}", sender)
        assert len(made.replies) == 1


def test_what_has_no_id_is_told_once_whenever_its_repeat_comes() -> None:
    """Its content takes the place of an id: all messages from people at Gupshup, and every click."""
    with world(acme=account()) as made:
        send(made)
        for keys in ([OLD], [OLD, NEW], [NEW, OLD], [OLD, NEW]):
            rotate(made, keys)
            for _ in range(2):
                reply_to(made, "", "first", ANN)
                click(made)
                made.pump()
        assert [reply["text"]["body"] for reply in made.replies] == ["first"]
        assert [status["status"] for status in made.statuses].count("clicked") == 1
        # What is removed is not known any more.
        rotate(made, [NEW])
        reply_to(made, "", "first", ANN)
        click(made)
        made.pump()
        assert len(made.replies) == 2
        assert [status["status"] for status in made.statuses].count("clicked") == 2
