"""Numbers are compared in one form: whose message a status is, whose callback it is, who has written."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.providers.cloud_api.samples import METADATA, SECONDS, change, entry, message, status, webhook
from tests.providers.gupshup.test_flows import gupshup
from tests.providers.message_central.test_correlation import taken, template
from tests.providers.meta import samples as meta
from tests.providers.test_phone_numbers import TWO_FORMS
from tests.support.world import World, account, freeform, json_answer, mo_text, world

from .test_forward_replies import LEGACY, legacy_text, texts
from .test_whatsapp_ids import SIDES, hears

OWN, OTHERS, ANN = "27999000001", "27999000002", "27820000001"


# --- whose callback it is --------------------------------------------------------------------------------------------


def of_meta(words: str, to: Any, sender: str, **metadata: Any) -> bytes:
    value = {**METADATA, "display_phone_number": to, **metadata}
    element = message("text", {"body": words}, f"wamid.{words}", **{"from": sender, "context": {}})
    return webhook(entry(change(metadata=value, messages=[element])))


def of_gupshup(words: str, to: Any, sender: str) -> bytes:
    element = {"waNumber": to, "mobile": sender, "type": "text", "text": words, "timestamp": str(SECONDS * 1000)}
    return json.dumps(element).encode()


def of_clickatell(words: str, to: Any, sender: str) -> bytes:
    return json.dumps(mo_text(words, mo_id=words, sender=sender, to=to)).encode()


def of_legacy(words: str, to: Any, sender: str) -> bytes:
    return json.dumps(legacy_text(words, sender) | {"messageId": words, "to": to}).encode()


type Written = Callable[[str, Any, str], bytes]

ADAPTERS: dict[str, tuple[dict[str, Any], Written]] = {
    "meta": (SIDES["meta"], lambda words, to, sender: of_meta(words, to, sender, phone_number_id=None)),
    "message_central": (SIDES["message_central"], of_meta),
    "gupshup": (gupshup(), of_gupshup),
    "clickatell": (account(), of_clickatell),
    "clickatell_legacy": (LEGACY, of_legacy),
}
MEXICAN = ("5215512345678", "525512345678")


@pytest.mark.parametrize(
    ("own", "to", "told"),
    [
        pytest.param(OWN, OWN, True, id="its own"),
        pytest.param(OWN, f"+{OWN}", True, id="its own with a plus sign"),
        pytest.param(OWN, None, True, id="none"),
        pytest.param(MEXICAN[0], MEXICAN[1], True, id="its own in the shorter form"),
        pytest.param(MEXICAN[1], MEXICAN[0], True, id="its own in the longer form"),
        pytest.param(OWN, f"+{OWN[:2]} {OWN[2:5]} {OWN[5:]}", True, id="its own as people write it"),
        pytest.param(OWN, OTHERS, False, id="another number"),
        pytest.param(OWN, f"+{OTHERS[:2]} ({OTHERS[2:5]}) {OTHERS[5:]}", False, id="another as people write it"),
    ],
)
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_callback_of_another_number_is_quarantined(adapter: str, own: str, to: Any, told: bool) -> None:
    secret, written = ADAPTERS[adapter]
    with world(acme=secret | {"waba_number": own}) as made:
        hears(made, written("one", to, ANN))
        assert texts(made) == (["one"] if told else [])
        assert [kept["reason"] for kept in made.bodies("QuarantineQueue")] == ([] if told else ["another number's"])


def test_metas_id_of_the_number_decides_before_the_number_that_is_shown() -> None:
    with world(acme=SIDES["meta"]) as made:
        hears(made, of_meta("one", OTHERS, ANN))
        hears(made, of_meta("two", OWN, ANN, phone_number_id="106500000000009"))
        assert texts(made) == ["one"]


@pytest.mark.parametrize(
    ("own", "sender"),
    [pytest.param(OWN, OWN, id="the same form"), pytest.param(*MEXICAN, id="another form")],
)
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_what_the_accounts_own_number_writes_is_no_persons(adapter: str, own: str, sender: str) -> None:
    secret, written = ADAPTERS[adapter]
    with world(acme=secret | {"waba_number": own}) as made:
        hears(made, written("one", own, sender))
        assert made.replies == []
        assert [kept["reason"] for kept in made.bodies("QuarantineQueue")] == ["from the account's own number"]


# --- whose message a status is ---------------------------------------------------------------------------------------


def report(made: World, wamid: str, to: str) -> None:
    element = status("delivered", None, id=wamid, recipient_id=to, timestamp=str(int(made.now)))
    hears(made, webhook(entry(change(statuses=[element]))))


def sent_to(made: World) -> list[str]:
    queries = [dict(parse_qsl(urlsplit(url).query)) for url, *_ in made.bsp_requests]
    return [query["countryCode"] + query["mobileNumber"] for query in queries]


@pytest.mark.parametrize("swapped", [False, True], ids=["sent to the longer", "sent to the shorter"])
@pytest.mark.parametrize("forms", TWO_FORMS.values(), ids=TWO_FORMS)
def test_a_status_of_another_form_of_the_number_finds_its_message(forms: tuple[str, str], swapped: bool) -> None:
    to, reported = reversed(forms) if swapped else forms
    with world(acme=SIDES["message_central"]) as made:
        made.bsp = taken
        made.send(template("a", to))
        made.run()
        report(made, "w1", reported)
        assert made.told == [("a", "sent"), ("a", "delivered")]
        assert sent_to(made) == [to], "what is sent stays what CleverTap gave"


# --- who has written -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("writes_as", MEXICAN, ids=["as the answer names them", "in the other form"])
def test_clevertap_gets_the_number_that_it_knows(writes_as: str) -> None:
    wa_id, known = MEXICAN
    with world(acme=SIDES["meta"]) as made:
        made.bsp = lambda url, payload: json_answer(200, meta.taken("wamid.1", wa_id))
        made.send(freeform("a", f"+{known}"))
        made.run()
        hears(made, of_meta("one", OWN, writes_as))
        assert [reply["from"] for reply in made.replies] == [known]
        (request,) = (payload for url, payload, _ in made.bsp_requests)
        assert request["to"] == f"+{known}"
