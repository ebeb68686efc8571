"""Secrets Manager is away, or somebody has broken a secret: who knows the account works on, and nobody takes it for an
account that does not exist."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from tests.conftest import Log
from tests.support.world import (
    PUBLIC_URL,
    SIGNING_KEY,
    TOKEN,
    World,
    account,
    freeform,
    keys_of,
    mo_text,
    status_update,
    template,
    world,
)
from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.media.links import link, media_id
from whatsapp_bridge.store.signing import SigningKeyStale

OK, SERVER_ERROR = (200, {"status": "success"}), 500
NEW_TOKEN = "n" * 40
SECRET = json.dumps(account())
ACME = keys_of()
FILE = media_id(ACME, "message-1")


def code(name: str) -> Exception:
    return ClientError({"Error": {"Code": name, "Message": "Canary"}}, "GetSecretValue")


AWAY: dict[str, Exception] = {
    "not reached": EndpointConnectionError(endpoint_url="x"),
    "hangs": ReadTimeoutError(endpoint_url="x"),
    "throttled": code("ThrottlingException"),
    "fails": code("InternalServiceError"),
    "access denied by a new policy": code("AccessDeniedException"),
    "its key is denied": code("DecryptionFailure"),
}
BROKEN: dict[str, str] = {
    "a stray comma": SECRET[:-1] + ",}",
    "cut off": SECRET[:-1],
    "a list": "[]",
    "null": "null",
    "a text": '"Canary"',
    "another shape": '{"username": "Canary", "password": "Canary"}',
    "a provider that is none": json.dumps(account(provider=5)),
    "another BSP's settings": json.dumps(account(provider={"type": "meta", "Canary": 1})),
    "a text where an object belongs": json.dumps(account(clevertap="Canary")),
    "a text where options belong": json.dumps(account(options="Canary")),
    "a token too short": json.dumps(account(callback_token="Canary")),
}
KEY_BROKEN: dict[str, str] = {
    "a signing key that is no JSON": "Canary",
    "a signing key of another shape": '{"username": "Canary"}',
    "a signing key too short": '{"key": "Canary"}',
}
FAULTS = [*AWAY, *BROKEN, *KEY_BROKEN]
GONE = ["deleted", "scheduled for deletion"]


def breaks(made: World, fault: str) -> None:
    if fault in AWAY:
        made.fail = lambda operation, _: AWAY[fault] if "GetSecretValue" in operation else None
    elif fault in KEY_BROKEN:
        made.change_signing_key(KEY_BROKEN[fault])
    else:
        made.secrets.put_secret_value(SecretId="test/accounts/acme", SecretString=BROKEN[fault])


def mended(made: World, **changes: Any) -> None:
    made.fail = lambda *_: None
    made.change_account("acme", account(**changes))
    made.change_signing_key(SIGNING_KEY)


def removed(made: World, how: str) -> None:
    now = {"ForceDeleteWithoutRecovery": True} if how == "deleted" else {"RecoveryWindowInDays": 7}
    made.secrets.delete_secret(SecretId="test/accounts/acme", **now)


def answered(made: World, message: Any, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    answer = made.send(message, headers=headers)
    return answer.status, json.loads(answer.body)


def opened(made: World, **changes: str) -> int:
    address = urlsplit(link(PUBLIC_URL, ACME, FILE, int(made.now) + 60))
    with made.invocation():
        return made.show_media("acme", FILE, dict(parse_qsl(address.query)) | changes).status


def everything(made: World, name: str) -> None:
    """A message of each kind, its statuses, a reply and a file, all of which are taken."""
    for number, message in enumerate((template(f"t-{name}"), freeform(f"f-{name}"))):
        assert answered(made, message) == OK
        made.pump()
        assert made.callback(status_update(f"{'tf'[number]}-{name}", 4)).status == 200
    assert made.callback(mo_text(mo_id=name)).status == 200
    made.pump()
    assert opened(made) == 302


def dead_letters(made: World) -> int:
    return sum(made.depth(name) for name in made.deployment.queues if "DeadLetter" in name)


# --- who knows the account ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
def test_all_functions_work_on_with_the_last_good_account(
    fault: str, log: Log, counted: Callable[[], dict[str, int]]
) -> None:
    with world(acme=account()) as made:
        made.show_media._media.put("acme", FILE, File(b"content", "image/png", "a.png"))
        everything(made, "before")
        breaks(made, fault)
        for hour in range(1, 4):
            made.now += 3600
            everything(made, f"hour-{hour}")

        assert len(made.replies) == 4
        assert {status for _, status in made.told} == {"sent"}
        assert len(made.told) == 8
        assert dead_letters(made) == 0
        # Each of the functions has said so; the one that follows links needs no account.
        assert counted()["AccountsStale"] >= 3 * (4 if fault in BROKEN else 5)
        said = [entry for entry in log.entries if entry["message"].endswith("could not be read")]
        assert said
        assert {entry.get("account", "none: signing key") for entry in said} <= {"acme", "none: signing key"}
        assert not [private for private in ("Canary", TOKEN) if private in log.text]


@pytest.mark.parametrize("fault", [*AWAY, *BROKEN])
def test_new_credentials_are_not_refused_before_they_can_be_read(fault: str) -> None:
    """They are in a secret that cannot be read. The other sides ask again after a 5xx, and not after a refusal."""
    with world(acme=account()) as made:
        assert answered(made, template("a")) == OK
        assert made.callback(mo_text()).status == 200
        assert opened(made) == 302
        breaks(made, fault)
        made.now += 60
        for _ in range(3):
            assert answered(made, template("b"), {"authorization": "Basic bmV3Om5ldw=="})[0] == SERVER_ERROR
            with pytest.raises(Exception):  # noqa: B017, PT011 - API Gateway makes a 500 of any
                made.callback(mo_text(), token=NEW_TOKEN)
            made.now += 5
        # Those with the old ones are served meanwhile.
        assert answered(made, template("c")) == OK
        mended(made, callback_token=NEW_TOKEN)
        made.now += 30
        assert made.callback(mo_text(), token=NEW_TOKEN).status == 200
        assert made.callback(mo_text(), token=TOKEN).status == 403


@pytest.mark.parametrize("fault", [*AWAY, *KEY_BROKEN])
def test_a_link_of_a_new_key_is_not_refused_before_it_can_be_read(fault: str) -> None:
    with world(acme=account()) as made:
        assert opened(made) == 302
        breaks(made, fault)
        made.now += 60
        for _ in range(3):
            with pytest.raises(SigningKeyStale):
                opened(made, signature="0" * 64)
            made.now += 5
        # Those of the old one are followed meanwhile.
        assert opened(made) == 302
        mended(made)
        made.now += 30
        assert opened(made, signature="0" * 64) == 403


# --- who does not know it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
def test_new_processes_answer_500_and_let_records_come_back(
    fault: str, log: Log, counted: Callable[[], dict[str, int]]
) -> None:
    with world(acme=account()) as made:
        made.send(template("sent"))
        made.pump()
        # On each of the four queues something waits when the processes are new.
        made.send(template("t"))
        made.send(freeform("f"))
        made.callback(status_update("sent", 4))
        made.callback(mo_text())
        waiting = ("CampaignQueue", "ConversationQueue", "StatusesQueue", "RepliesQueue")
        made.forget_secrets()
        breaks(made, fault)

        assert answered(made, template("b"))[0] == SERVER_ERROR
        with pytest.raises(Exception):  # noqa: B017, PT011 - API Gateway makes a 500 of any
            made.callback(mo_text())
        if fault in BROKEN:
            assert opened(made) == 302
        else:
            with pytest.raises(Exception):  # noqa: B017, PT011
                opened(made)
        for _ in range(3):
            made.run()
            made.now += 600
        assert [made.depth(queue) for queue in waiting] == [1, 1, 1, 1]
        assert dead_letters(made) == 0
        assert counted()["AccountsStale"] >= 3 + 4
        assert not [private for private in ("Canary", TOKEN) if private in log.text]
        if fault in BROKEN:
            assert "account acme: " in log.text

        mended(made)
        made.pump(hours=3)
        # The freeform message's time limit of ten minutes is over.
        assert sorted(made.sent_by_id()) == ["sent", "t"]
        assert sorted(made.told) == [("f", "failed"), ("sent", "sent")]
        assert len(made.replies) == 1


@pytest.mark.parametrize("how", GONE)
@pytest.mark.parametrize("known", [True, False], ids=["known before", "not known before"])
def test_a_removed_account_is_gone(how: str, known: bool) -> None:
    """As docs/operations.md has it: this is how an account is removed."""
    with world(acme=account()) as made:
        if known:
            made.show_media._media.put("acme", FILE, File(b"content", "image/png", "a.png"))
            everything(made, "before")
        made.send(freeform("f"))
        if not known:
            made.forget_secrets()
        removed(made, how)
        made.now += 300

        status, body = answered(made, template("b"))
        assert (status, body["error"]["code"]) == (200, 2000)
        assert made.callback(mo_text()).status == 403
        # What a person has sent can be opened for as long as it is kept.
        assert opened(made) == 302
        made.pump()
        assert made.depth("ConversationDeadLetterQueue") == 1
