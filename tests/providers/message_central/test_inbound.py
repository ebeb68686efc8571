from typing import Any

import pytest

from tests.providers.cloud_api import samples as webhooks
from tests.providers.conformance import PERSON
from tests.providers.message_central.samples import secret
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.contract.inbound import Callback, Event, NotUnderstood, ReplyEvent
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.providers.message_central import inbound

ACCOUNT = parse_account("acme", secret())


def value(metadata: Any) -> dict[str, Any]:
    return {"metadata": metadata, "statuses": [webhooks.status()], "messages": [webhooks.text()]}


def events(metadata: Any) -> list[Event]:
    raw = webhooks.webhook(webhooks.entry({"field": "messages", "value": value(metadata)}))
    return inbound.split(Callback("POST", {}, {}, raw), ACCOUNT)


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({"display_phone_number": "27999000001", "phone_number_id": "1"}, id="its own"),
        pytest.param({"display_phone_number": "+27 (99) 900-0001"}, id="as people write it"),
        pytest.param({"display_phone_number": 27999000001}, id="a number"),
        pytest.param({"display_phone_number": ""}, id="empty"),
        pytest.param({"display_phone_number": "private shop"}, id="no digits"),
        pytest.param({"display_phone_number": None, "phone_number_id": "1"}, id="an id alone"),
        pytest.param({}, id="nothing"),
        pytest.param(None, id="no metadata"),
    ],
)
def test_events_of_the_number(metadata: Any) -> None:
    assert [type(event) for event in events(metadata)] == [ReplyEvent, StatusEvent]


@pytest.mark.parametrize("shown", ["27999000002", "+27 99 900 0002", "2799900000"])
def test_events_of_another_number_are_kept(shown: str) -> None:
    metadata = {"display_phone_number": shown, "phone_number_id": "1"}

    assert events(metadata) == [
        NotUnderstood("messages", "another number's", {"field": "messages", "value": value(metadata)})
    ]


def test_what_meta_echoes_is_not_our_reference() -> None:
    raw = webhooks.events(statuses=[webhooks.status("sent", "1|2|3|4")])

    assert inbound.split(Callback("POST", {}, {}, raw), ACCOUNT) == [
        StatusEvent("sent", webhooks.SECONDS, None, "wamid.1", recipient=PERSON)
    ]
