import hmac
from collections.abc import Callable
from typing import Any

import pytest

from tests.providers.cloud_api import samples as webhooks
from tests.providers.cloud_api.samples import NUMBER_ID
from tests.providers.meta.samples import APP_SECRET, VERIFY_TOKEN, secret, signature
from tests.support.world import TOKEN, account, world
from whatsapp_bridge.accounts.account import AccountInvalid
from whatsapp_bridge.flows.receive import Acknowledgement
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.contract.inbound import Callback, NotUnderstood, ReplyEvent
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.providers.meta import inbound

ACCOUNT = parse_account("acme", secret())


# --- the signature ---------------------------------------------------------------------------------------------------

RAW = webhooks.events(messages=[webhooks.text()])
SIGNED: dict[str, tuple[bytes, dict[str, str], bool]] = {
    "signed": (RAW, {"x-hub-signature-256": signature(RAW)}, True),
    "nothing, signed": (b"", {"x-hub-signature-256": signature(b"")}, True),
    "not UTF-8, signed": (b"\xff\x00", {"x-hub-signature-256": signature(b"\xff\x00")}, True),
    "no signature": (RAW, {}, False),
    "empty signature": (RAW, {"x-hub-signature-256": ""}, False),
    "without its prefix": (RAW, {"x-hub-signature-256": signature(RAW).removeprefix("sha256=")}, False),
    "of the older kind": (RAW, {"x-hub-signature": signature(RAW)}, False),
    "another secret's": (RAW, {"x-hub-signature-256": signature(RAW, "private-other")}, False),
    "an empty secret's": (RAW, {"x-hub-signature-256": signature(RAW, "")}, False),
    "another body's": (RAW + b" ", {"x-hub-signature-256": signature(RAW)}, False),
    "cut off": (RAW, {"x-hub-signature-256": signature(RAW)[:-1]}, False),
    "beyond ASCII": (RAW, {"x-hub-signature-256": "sha256=\u00fc\udcff"}, False),
}


@pytest.mark.parametrize(("raw", "headers", "expected"), SIGNED.values(), ids=SIGNED.keys())
def test_signature(raw: bytes, headers: dict[str, str], expected: bool) -> None:
    assert inbound.authentic(Callback("POST", headers, {}, raw), ACCOUNT) is expected


def test_signature_as_meta_makes_it() -> None:
    # Made with openssl: printf %s "$body" | openssl dgst -sha256 -hmac test_app_secret
    raw = b'{"object":"whatsapp_business_account","entry":[]}'
    given = {"x-hub-signature-256": "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"}
    tested = parse_account("acme", secret(app_secret="test_app_secret"))

    assert inbound.authentic(Callback("POST", given, {}, raw), tested)
    assert not inbound.authentic(Callback("POST", given, {}, raw), ACCOUNT)


# --- a secret that is rotated ----------------------------------------------------------------------------------------

NEW_SECRET = "private-new-app-secret"


@pytest.mark.parametrize(
    ("secrets", "accepted"),
    [
        pytest.param([APP_SECRET], [True, False], id="the old one"),
        pytest.param([APP_SECRET, NEW_SECRET], [True, True], id="both"),
        pytest.param([NEW_SECRET, APP_SECRET], [True, True], id="both, the new one first"),
        pytest.param([NEW_SECRET], [False, True], id="the new one"),
    ],
)
def test_every_app_secret_of_the_list_signs(secrets: list[str], accepted: list[bool]) -> None:
    account = parse_account("acme", secret(app_secret=secrets))
    given = [
        {"x-hub-signature-256": f"sha256={hmac.digest(each.encode(), RAW, 'sha256').hex()}"}
        for each in (APP_SECRET, NEW_SECRET)
    ]

    assert [inbound.authentic(Callback("POST", headers, {}, RAW), account) for headers in given] == accepted


@pytest.mark.parametrize(
    ("secrets", "field"),
    [([NEW_SECRET, ""], "app_secret.1"), ([NEW_SECRET, 7], "app_secret.1"), ([None], "app_secret.0")],
    ids=["second empty", "second a number", "null"],
)
def test_every_app_secret_of_the_list_is_checked(secrets: Any, field: str) -> None:
    with pytest.raises(AccountInvalid) as caught:
        parse_account("acme", secret(app_secret=secrets))

    assert caught.value.field == f"provider.{field}"


ASKED_ANEW = {"hub.mode": "subscribe", "hub.verify_token": "private-new-verify-token", "hub.challenge": "7"}


@pytest.mark.parametrize(
    ("changes", "callback"),
    [
        pytest.param(
            {"app_secret": NEW_SECRET},
            lambda: Callback(
                "POST",
                {"x-hub-signature-256": f"sha256={hmac.digest(NEW_SECRET.encode(), RAW, 'sha256').hex()}"},
                {},
                RAW,
            ),
            id="app secret",
        ),
        pytest.param(
            {"verify_token": ASKED_ANEW["hub.verify_token"]},
            lambda: Callback("GET", {}, ASKED_ANEW, b""),
            id="verify token",
        ),
    ],
)
def test_a_new_secret_counts_at_once(changes: dict[str, str], callback: Callable[[], Callback]) -> None:
    with world(acme=account(provider=secret()["provider"])) as made:
        assert made.receive("acme", TOKEN, callback()).status == 403
        # The functions have the account by now, and would keep it for five minutes.
        made.change_account("acme", account(provider=secret(**changes)["provider"]))
        made.now += 15
        assert made.receive("acme", TOKEN, callback()).status == 200


# --- the verification of the address ---------------------------------------------------------------------------------

ASKED = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1158201444"}
CHALLENGES: dict[str, tuple[dict[str, str], str | None]] = {
    "right": (ASKED, "1158201444"),
    "any text": (ASKED | {"hub.challenge": "a b&<c>"}, "a b&<c>"),
    "wrong token": (ASKED | {"hub.verify_token": "private"}, None),
    "a part of the token": (ASKED | {"hub.verify_token": VERIFY_TOKEN[:-1]}, None),
    "token beyond ASCII": (ASKED | {"hub.verify_token": "\u00fc\udcff"}, None),
    "another mode": (ASKED | {"hub.mode": "unsubscribe"}, None),
    "no token": ({"hub.mode": "subscribe", "hub.challenge": "1"}, None),
    "no mode": ({"hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1"}, None),
    "no challenge": ({"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN}, None),
    "nothing": ({}, None),
}


@pytest.mark.parametrize(("query", "expected"), CHALLENGES.values(), ids=CHALLENGES.keys())
def test_challenge(query: dict[str, str], expected: str | None) -> None:
    assert inbound.challenge(Callback("GET", {}, query, b""), ACCOUNT) == expected


REQUESTS: dict[str, tuple[Callback, Acknowledgement, int]] = {
    "verification": (Callback("GET", {}, ASKED, b""), Acknowledgement(200, "1158201444"), 0),
    "wrong verification": (
        Callback("GET", {}, ASKED | {"hub.verify_token": "x"}, b""),
        Acknowledgement(403, "forbidden"),
        0,
    ),
    "GET of no verification": (Callback("GET", {}, {}, b""), Acknowledgement(403, "forbidden"), 0),
    "verification by POST": (Callback("POST", {}, ASKED, b""), Acknowledgement(403, "forbidden"), 0),
    "signed": (Callback("POST", {"x-hub-signature-256": signature(RAW)}, {}, RAW), Acknowledgement(200), 1),
    "not signed": (Callback("POST", {}, {}, RAW), Acknowledgement(403, "forbidden"), 0),
    "signed, but nothing": (
        Callback("POST", {"x-hub-signature-256": signature(b"{}")}, {}, b"{}"),
        Acknowledgement(200),
        0,
    ),
    "nothing, not signed": (Callback("POST", {}, {}, b""), Acknowledgement(403, "forbidden"), 0),
}


@pytest.mark.parametrize(("callback", "expected", "stored"), REQUESTS.values(), ids=REQUESTS.keys())
def test_what_meta_is_answered(callback: Callback, expected: Acknowledgement, stored: int) -> None:
    with world(acme=account(provider=secret()["provider"])) as made:
        assert made.receive("acme", TOKEN, callback) == expected
        assert made.depth("RepliesQueue") == stored


# --- whose events ----------------------------------------------------------------------------------------------------


def value(number_id: Any) -> dict[str, Any]:
    return {"metadata": {"phone_number_id": number_id}, "statuses": [webhooks.status()], "messages": [webhooks.text()]}


def events(number_id: Any) -> list[Any]:
    raw = webhooks.webhook(webhooks.entry({"field": "messages", "value": value(number_id)}))
    return inbound.split(Callback("POST", {}, {}, raw), ACCOUNT)


@pytest.mark.parametrize("number_id", [NUMBER_ID, int(NUMBER_ID), None, ""])
def test_events_of_the_number(number_id: Any) -> None:
    assert [type(event) for event in events(number_id)] == [ReplyEvent, StatusEvent]


def test_events_of_another_number_are_kept() -> None:
    assert events("106500000000002") == [
        NotUnderstood("messages", "another number's", {"field": "messages", "value": value("106500000000002")})
    ]


def test_secrets_are_what_the_tests_sign_with() -> None:
    assert (ACCOUNT.provider.app_secrets, ACCOUNT.provider.verify_token) == ([APP_SECRET], VERIFY_TOKEN)
