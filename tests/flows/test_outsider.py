"""Whoever has a callback token can post callbacks of that account, and nothing else.

A token stands in the BSP's portal, in its logs and those of whatever is in between.
"""

import hmac
import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.providers.cloud_api.samples import events, message
from tests.providers.meta import samples as meta
from tests.support.world import (
    BSP_URL,
    PUBLIC_URL,
    TOKEN,
    World,
    account,
    freeform,
    json_answer,
    mo_media,
    mo_text,
    status_update,
    template,
    world,
)
from whatsapp_bridge.accounts.keys import AccountKeys
from whatsapp_bridge.flows.show_media import FORBIDDEN
from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.media.links import link, media_id
from whatsapp_bridge.net.http import Answer

META_TOKEN = meta.secret()["callback_token"]
CANARY = b'{"balance": "Canary"}'
ANN = "27820000001"


@pytest.fixture
def made() -> Iterator[World]:
    """The outsider has TOKEN, `acme`'s."""
    with world(
        acme=account(), other=account(callback_token="o" * 40), facebook=meta.secret(f"{BSP_URL}/graph")
    ) as fresh:
        fresh.bsp = lambda url, payload: Answer(200, {"content-type": "application/json"}, CANARY)
        yield fresh


# --- what they can ---------------------------------------------------------------------------------------------------


def test_callbacks_of_the_account(made: World) -> None:
    assert made.callback(mo_text("told")).status == 200
    assert made.callback(status_update("a", 4)).status == 200
    made.pump()
    assert [reply["text"]["body"] for reply in made.replies] == ["told"]


# --- other callbacks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["other", "facebook", "nobody"])
def test_callbacks_of_another_account(made: World, name: str) -> None:
    assert made.callback(mo_text(), account=name).status == 403
    made.pump()
    assert made.replies == []


@pytest.mark.parametrize(
    "signed",
    [
        pytest.param({}, id="not signed"),
        pytest.param(lambda raw: meta.signature(raw, META_TOKEN), id="signed with the token"),
        pytest.param(lambda raw: meta.signature(raw, ""), id="signed with nothing"),
    ],
)
@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(events(messages=[message("text", {"body": "x"}, "wamid.1")]), id="a message"),
        pytest.param(events(messages=[message("image", {"url": f"{BSP_URL}/graph/me"}, "wamid.1")]), id="a file"),
        pytest.param(
            json.dumps(
                {"entry": [{"id": "1", "changes": [{"field": "message_template_status_update", "value": {}}]}]}
            ).encode(),
            id="news of a template",
        ),
    ],
)
def test_callbacks_that_the_bsp_signs(made: World, raw: bytes, signed: Any) -> None:
    headers = {"x-hub-signature-256": signed(raw)} if signed else {}
    assert made.callback(raw, account="facebook", token=META_TOKEN, headers=headers).status == 403
    assert {name: made.depth(name) for name in ("RepliesQueue", "TemplatesQueue", "QuarantineQueue")} == {
        "RepliesQueue": 0,
        "TemplatesQueue": 0,
        "QuarantineQueue": 0,
    }


# --- CleverTap's side ------------------------------------------------------------------------------------------------

AS_CREDENTIALS: dict[str, dict[str, str]] = {
    "none": {},
    "as a password": {"authorization": f"Basic {b64encode(f'user:{TOKEN}'.encode()).decode()}"},
    "as a user's name": {"authorization": f"Basic {b64encode(f'{TOKEN}:'.encode()).decode()}"},
    "as a bearer's": {"authorization": f"Bearer {TOKEN}"},
    "alone": {"authorization": TOKEN},
    "as a key": {"x-api-key": TOKEN},
}


@pytest.mark.parametrize("headers", AS_CREDENTIALS.values(), ids=AS_CREDENTIALS)
@pytest.mark.parametrize("sent", [template(), freeform()], ids=["template", "freeform"])
def test_sending(made: World, headers: dict[str, str], sent: Any) -> None:
    answer = made.send(sent, headers=headers)
    assert json.loads(answer.body)["error"]["code"] == 2000
    made.pump()
    assert made.bsp_requests == []


@pytest.mark.parametrize("headers", AS_CREDENTIALS.values(), ids=AS_CREDENTIALS)
def test_importing_templates(made: World, headers: dict[str, str]) -> None:
    with made.invocation():
        status, body = made.import_templates("acme", headers, {}, f"{PUBLIC_URL}/acme/templates")
    assert (status, json.loads(body)["error"]["code"]) == (401, 2000)


@pytest.mark.parametrize("headers", AS_CREDENTIALS.values(), ids=AS_CREDENTIALS)
def test_having_templates_looked_up(made: World, headers: dict[str, str]) -> None:
    """A message of a template that nobody knows makes the bridge ask the BSP, if it is CleverTap's."""
    unknown = template(template={"namespace": "made_up", "languageCode": "en"})
    answer = made.send(unknown, account="facebook", headers=headers)
    assert json.loads(answer.body)["error"]["code"] == 2000
    assert made.bsp_requests == []


# --- links -----------------------------------------------------------------------------------------------------------


def by_token(text: str) -> str:
    return hmac.digest(TOKEN.encode(), text.encode(), "sha256").hex()


def forged(name: str, identifier: str, expires: int) -> dict[str, dict[str, str]]:
    """Queries that somebody with the token can make."""
    text = f"media-link:{name}/{identifier}?{expires}"
    as_key = link(PUBLIC_URL, AccountKeys(name, [TOKEN]), identifier, expires)
    key = hmac.digest(TOKEN.encode(), f"account:{name}".encode(), "sha256")
    return {
        "the token as it is": {"expires": str(expires), "signature": by_token(text)},
        "the token as the stack's key": dict(parse_qsl(urlsplit(as_key).query)),
        "a key derived from it": {
            "expires": str(expires),
            "signature": hmac.digest(key, text.encode(), "sha256").hex(),
        },
        "the token itself": {"expires": str(expires), "signature": TOKEN},
    }


@pytest.mark.parametrize("forgery", forged("acme", "0" * 32, 0))
@pytest.mark.parametrize("name", ["acme", "other"])
def test_opening_a_file(made: World, name: str, forgery: str) -> None:
    made.bsp = lambda url, payload: Answer(200, {}, b"content")
    made.callback(mo_media(mo_id="m1"))
    made.pump()
    real = urlsplit(made.replies[-1]["image"]["mediaURL"])
    identifier, query = real.path.rpartition("/")[2], dict(parse_qsl(real.query))
    assert made.show_media("acme", identifier, query).status == 302
    query = forged(name, identifier, int(made.now) + 60)[forgery]
    assert made.show_media(name, identifier, query) == FORBIDDEN


def test_making_a_file_s_id(made: World) -> None:
    made.bsp = lambda url, payload: Answer(200, {}, b"content")
    made.callback(mo_media(mo_id="m1"))
    made.pump()
    identifier = urlsplit(made.replies[-1]["image"]["mediaURL"]).path.rpartition("/")[2]
    guesses = [by_token("media-id:m1")[:32], media_id(AccountKeys("acme", [TOKEN]), "m1")]
    assert identifier not in guesses


def test_using_a_link_of_one_s_own_for_another_account_or_file(made: World) -> None:
    """Their own message brings them, at CleverTap's side, one link at the most."""
    made.bsp = lambda url, payload: Answer(200, {}, b"content")
    made.callback(mo_media(mo_id="m1"))
    made.pump()
    real = urlsplit(made.replies[-1]["image"]["mediaURL"])
    identifier, query = real.path.rpartition("/")[2], dict(parse_qsl(real.query))
    made.show_media._media.put("other", identifier, File(b"private", "image/png", "a.png"))
    assert made.show_media("other", identifier, query) == FORBIDDEN
    assert made.show_media("acme", "0" * 32, query) == FORBIDDEN
    later = str(int(query["expires"]) + 1)
    assert made.show_media("acme", identifier, query | {"expires": later}) == FORBIDDEN


# --- requests with the API key ---------------------------------------------------------------------------------------

ADDRESSES: dict[str, str] = {
    "the balance": f"{BSP_URL}/v1/balance",
    "the balance, with a fileId": f"{BSP_URL}/v1/balance?fileId=1",
    "a message's status": f"{BSP_URL}/v1/message/api-1",
    "dot segments": f"{BSP_URL}/v1/media/../balance?fileId=1",
    "encoded dot segments": f"{BSP_URL}/v1/media/%2e%2e/balance?fileId=1",
    "backslashes": f"{BSP_URL}/v1/media\\..\\balance?fileId=1",
    "an encoded slash": f"{BSP_URL}/v1/media%2f..%2fbalance?fileId=1",
    "a fileId that is a path": f"{BSP_URL}/v1/media?fileId=..%2F..%2Fv1%2Fbalance",
    "the root": f"{BSP_URL}/",
    "another host": "https://evil.example/v1/media?fileId=1",
    "another port": f"{BSP_URL}:8443/v1/media?fileId=1",
    "a user name": "https://bsp.example@evil.example/v1/media?fileId=1",
    "another scheme": "http://bsp.example/v1/media?fileId=1",
}


@pytest.mark.parametrize("url", ADDRESSES.values(), ids=ADDRESSES)
def test_having_the_api_key_used(made: World, url: str, log: Any) -> None:
    assert made.callback(mo_media(downloadUrl=url)).status == 200
    made.pump()
    assert made.bsp_requests == []
    assert [reply["text"]["body"] for reply in made.replies] == ["[image not available] look"]
    (reason,) = {entry["reason"] for entry in log.entries if entry["message"] == "file could not be fetched"}
    assert reason == "downloadUrl must be a file of /v1/media at provider.base_url"
    assert url not in log.text


def test_having_the_api_key_follow_a_redirect(made: World) -> None:
    made.bsp = lambda url, payload: Answer(302, {"location": f"{BSP_URL}/v1/balance"}, b"")
    made.callback(mo_media())
    made.pump()
    assert {url for url, *_ in made.bsp_requests} == {f"{BSP_URL}/v1/media?fileId=file-1.png&source=client"}
    assert [reply["type"] for reply in made.replies] == ["text"]


# --- who has written -------------------------------------------------------------------------------------------------


def test_knowing_a_person_by_a_pseudonym(made: World) -> None:
    """A number is soon tried out by whoever has the key."""
    made.bsp = lambda url, payload: json_answer(500, {})
    made.callback(mo_text(mo_id="m1"))
    made.pump()
    item = made.table.get("reply#acme#m1") or {}
    guesses = [
        by_token(f"recipient:{ANN}")[:32],
        AccountKeys("acme", [TOKEN]).pseudonym(ANN),
        hmac.digest(b"acme", ANN.encode(), "sha256").hex()[:32],
    ]
    assert item["sender"] not in guesses
