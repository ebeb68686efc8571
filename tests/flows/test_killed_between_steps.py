"""Kill an invocation before and after every call it makes, and see that nothing is lost and nothing doubled.

Two windows cannot be closed by anybody, because the two sides share no transaction, and each falls to the safe side:

- between the claim, which says "the request leaves now", and the request itself, nobody knows whether the BSP has the
  message: it is not sent again, and CleverTap is told after 15 minutes that delivery could not be confirmed;
- between CleverTap's answer and its record, CleverTap is told the very same again.
"""

import base64
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.world import (
    BSP_URL,
    Killed,
    World,
    account,
    freeform,
    mo_media,
    mo_text,
    status_update,
    template,
    world,
)
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.clickatell_common.encryption import encrypt

MSG_ID = "1|2|3|4"
LADDER = [(MSG_ID, "sent"), (MSG_ID, "delivered"), (MSG_ID, "read")]
KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:alias/{}"
ENCRYPTED = account(
    provider={
        "type": "clickatell",
        "api_key": "secret-api-key",
        "base_url": BSP_URL,
        "encryption": {"mt_key_arn": KEY_ARN.format("mt"), "mo_key_arn": KEY_ARN.format("mo")},
    },
    options={"data_key_max_messages": 0},
)

JOURNEYS: dict[str, tuple[dict[str, Any], Callable[..., dict[str, Any]]]] = {
    "template": (account(), template),
    "freeform": (account(), freeform),
    "encrypted template": (ENCRYPTED, template),
}


def until_answered(request: Callable[[], Any]) -> None:
    """CleverTap and the BSP repeat a request that dies unanswered."""
    try:
        request()
    except Killed:
        request()


def make_keys(made: World) -> None:
    kms = made.client("kms")
    for name in ("mt", "mo"):
        kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])


def reply(made: World, encrypted: bool) -> dict[str, Any]:
    callback = mo_text("yes please", relatedClientMessageId=MSG_ID)
    if not encrypted:
        return callback
    key = made.client("kms").generate_data_key(KeyId=KEY_ARN.format("mo"), KeySpec="AES_256")
    (message,) = callback["event"]["moText"]
    message["content"] = encrypt(key["Plaintext"], message["content"], os.urandom)
    message["whatsapp"] = {"profileName": encrypt(key["Plaintext"], "Ann", os.urandom)}
    message["encryptionKey"] = base64.b64encode(key["CiphertextBlob"]).decode()
    return callback


def play(made: World, message: dict[str, Any], encrypted: bool) -> None:
    """One message out, its three statuses and a reply back, until the queues are empty."""
    if encrypted:
        make_keys(made)
    answer = reply(made, encrypted)
    until_answered(lambda: made.send(message))
    made.pump(hours=0.2)
    if made.sent_to_bsp:
        for code in (4, 5, 6):
            until_answered(lambda code=code: made.callback(status_update(MSG_ID, code)))
        until_answered(lambda: made.callback(answer))
    made.pump(hours=200)


def window(steps: list[str], killed_at: int) -> str | None:
    """In which of the two open windows the kill fell, if in any."""
    kill = steps[killed_at - 1]
    before = steps[: killed_at - 1]
    if kill.startswith("before POST " + BSP_URL):
        return "leaving"
    if kill == "after UpdateItem" and killed_at < len(steps) and claims(before):
        return "leaving"
    told = [place for place, step in enumerate(steps[:killed_at]) if step.startswith("after POST https://clevertap")]
    # Closed as soon as the record is written; a kill right behind that doubles nothing.
    if told and "after UpdateItem" not in steps[told[-1] : killed_at]:
        return "told"
    return None


def claims(before: list[str]) -> bool:
    """Whether the next UpdateItem to end is dispatch's second: its first notes that the account sends."""
    return before.count("after UpdateItem") == 1


def steps_of(journey: str) -> tuple[list[str], list[int]]:
    """The steps of an undisturbed journey, and the numbers of those to be killed at.

    Nothing happens between the end of one call and the beginning of the next, so one of the two is enough.
    """
    secret, make = JOURNEYS[journey]
    with world(acme=secret) as made:
        play(made, make(MSG_ID), journey.startswith("encrypted"))
        assert made.told == LADDER
        assert len(made.replies) == 1
        ends = [number for number, step in enumerate(made.steps, 1) if step.startswith("after")]
        return made.steps, sorted({*ends, *made.first_steps} & set(range(1, len(made.steps) + 1)))


@pytest.mark.parametrize("journey", JOURNEYS)
def test_nothing_is_lost_or_doubled(journey: str, subtests: pytest.Subtests) -> None:
    secret, make = JOURNEYS[journey]
    steps, numbers = steps_of(journey)
    assert {step.split()[1] for step in steps} >= {"SendMessage", "SendMessageBatch", "UpdateItem", "POST"}
    for kill_at in numbers:
        with subtests.test(f"killed {steps[kill_at - 1]} ({kill_at})"), world(acme=secret) as made:
            made.kill_at = kill_at
            play(made, make(MSG_ID), journey.startswith("encrypted"))
            assert made.steps[:kill_at] == steps[:kill_at]
            check(made, window(steps, kill_at))


def play_file(made: World) -> None:
    """A picture from a person, until the queues are empty."""
    made.bsp = lambda url, payload: Answer(200, {}, b"content")
    until_answered(lambda: made.callback(mo_media()))
    made.pump(hours=200)


def test_a_file_is_not_lost_or_doubled(subtests: pytest.Subtests) -> None:
    with world() as made:
        play_file(made)
        assert [reply["type"] for reply in made.replies] == ["image"]
        steps, first = made.steps, made.first_steps
    assert {step.split()[1] for step in steps} >= {"GetItem", "GET", "PutObject", "UpdateItem", "POST"}
    for kill_at in sorted({number for number, step in enumerate(steps, 1) if step.startswith("after")} | first):
        with subtests.test(f"killed {steps[kill_at - 1]} ({kill_at})"), world() as made:
            made.kill_at = kill_at
            play_file(made)
            assert made.steps[:kill_at] == steps[:kill_at]
            for queue in ("RepliesQueue", "RepliesDeadLetterQueue", "QuarantineQueue"):
                assert made.depth(queue) == 0
            assert [reply["type"] for reply in made.replies] == ["image"] * len(made.replies)
            assert len(made.replies) == (2 if window(steps, kill_at) == "told" else 1)
            assert all(reply == made.replies[0] for reply in made.replies)
            identifier = urlsplit(made.replies[0]["image"]["mediaURL"]).path.rpartition("/")[2]
            stored = made.s3.get_object(Bucket="test-payloadsbucket", Key=f"media/acme/{identifier}")
            assert stored["Body"].read() == b"content"


def check(made: World, open_window: str | None) -> None:
    for queue in ("ConversationQueue", "CampaignQueue", "RepliesQueue", "StatusesQueue", "QuarantineQueue"):
        assert made.depth(queue) == 0
        assert queue == "QuarantineQueue" or made.depth(queue.replace("Queue", "DeadLetterQueue")) == 0
    if open_window == "leaving":
        assert made.sent_to_bsp == []
        assert made.told == [(MSG_ID, "failed")]
        assert made.statuses[0]["error"] == {"code": 1009, "title": "delivery could not be confirmed"}
        return
    assert made.sent_by_id() == {MSG_ID: 1}
    if open_window == "told":
        assert list(dict.fromkeys(made.told)) == LADDER
        assert [dict(r) for r in made.replies] == [made.replies[0]] * len(made.replies)
        assert len(made.replies) in (1, 2)
        return
    assert made.told == LADDER
    assert [r["context"] for r in made.replies] == [{"id": MSG_ID}]
    assert [r["text"] for r in made.replies] == [{"body": "yes please"}]
