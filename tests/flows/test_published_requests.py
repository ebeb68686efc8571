"""CleverTap's published template requests, for every adapter, against templates that fit them and that do not."""

import json
from copy import deepcopy
from typing import Any

import pytest

from local import published
from local.simulation.plan import sample_accounts
from tests.support.world import UNREACHED, World, account, world
from tests.templates.samples import entry
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.cloud_api.templates import of_entry
from whatsapp_bridge.store.templates import Registry

type Json = dict[str, Any]

_FORMATS = {"text": "TEXT", "image": "IMAGE", "video": "VIDEO", "file": "DOCUMENT", "location": "LOCATION"}
_KINDS = {
    "dynamicUrl": "URL",
    "staticUrl": "URL",
    "quickReply": "QUICK_REPLY",
    "callPhone": "PHONE_NUMBER",
    "copy_code": "COPY_CODE",
}


def of_template(name: str) -> bool:
    request = published.REQUESTS[name]
    return "verify" not in json.dumps(request) and request.get("isTemplate") is True


REQUESTS = [name for name in published.REQUESTS if of_template(name)]


# --- the template that a request was made from ------------------------------------------------------------------------


def approved(components: list[Json]) -> list[Json]:
    """Components in Meta's form."""
    made: list[Json] = []
    buttons: list[Json] = []
    for component in components:
        match component.get("type"):
            case "header":
                made.append(_header(component["header"]))
            case "body":
                made.append({"type": "BODY", "text": _unfilled(component["body"])})
            case "footer":
                made.append({"type": "FOOTER", "text": component.get("footer") or component["footertext"]})
            case "limited_time_offer":
                made.append({"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "x", "has_expiration": True}})
            case "carousel":
                cards = [{"components": approved(card["components"])} for card in component["cards"]]
                made.append({"type": "CAROUSEL", "cards": cards})
            case "button" | "buttons":
                buttons.append(_button(component))
    return [*made, {"type": "BUTTONS", "buttons": buttons}] if buttons else made


def _header(header: Json) -> Json:
    kind = header["type"]
    made: Json = {"type": "HEADER", "format": _FORMATS.get(kind, kind.upper())}
    return made | ({"text": _unfilled(header["text"])} if kind == "text" else {})


def _unfilled(rendered: Json) -> str:
    """The text with variables in place of its values, as often as there are values."""
    text = rendered.get("text") or "Text"
    values = [parameter["text"] for parameter in rendered.get("parameters") or []]
    for place, value in enumerate(values):
        # Not yet a number, which may be the next value.
        mark = chr(0xE000 + place)
        text = text.replace(value, mark, 1) if value in text else f"{text} {mark}"
    for place in range(len(values)):
        text = text.replace(chr(0xE000 + place), f"{{{{{place + 1}}}}}")
    return text


def _button(button: Json) -> Json:
    kind = button["subType"]
    made: Json = {"type": _KINDS[kind], "text": button["buttonText"]}
    if kind == "dynamicUrl":
        return made | {"url": "https://fair.example/{{1}}"}
    return made | ({"url": "https://fair.example"} if kind == "staticUrl" else {})


def fitting(request: Json) -> list[Json]:
    return approved(request["components"])


def one_value_more(request: Json) -> list[Json]:
    return [
        component | {"text": component["text"] + " {{99}}"} if component["type"] == "BODY" else component
        for component in approved(request["components"])
    ]


def another_header(request: Json) -> list[Json]:
    others = [component for component in approved(request["components"]) if component["type"] != "HEADER"]
    has = next((c["header"]["type"] for c in request["components"] if c.get("type") == "header"), None)
    return [{"type": "HEADER", "format": "VIDEO" if has != "video" else "IMAGE"}, *others]


def with_a_coupon_behind(request: Json) -> list[Json]:
    *others, last = approved(request["components"])
    coupon = {"type": "COPY_CODE", "text": "Copy offer code"}
    if last["type"] == "BUTTONS":
        return [*others, last | {"buttons": [*last["buttons"], coupon]}]
    return [*others, last, {"type": "BUTTONS", "buttons": [coupon]}]


UNFITTING = {"a value more": one_value_more, "another header": another_header, "a coupon more": with_a_coupon_behind}


# --- sent -------------------------------------------------------------------------------------------------------------


def secret_of(provider: str) -> Json:
    made = next(made for made in sample_accounts().values() if made["provider"]["type"] == provider)
    return account(provider=deepcopy(made["provider"]))


class Asked:
    """A world in which each request is of a template of its own."""

    def __init__(self, made: World, secret: Json) -> None:
        self.world, self.secret, self.number = made, secret, 0
        self.scope, self.registry = parse_account("acme", secret).template_scope, Registry(made.table)
        # Nobody answers a question about a template that is saved.
        made.bsp = lambda url, payload: UNREACHED

    def answer(self, request: Json, components: list[Json] | None) -> Json:
        """What `send` answers where the registry has a template of these components; None: no such template."""
        self.number += 1
        name = f"spring_fair_{self.number}"
        if components is not None:
            news = of_entry(entry(name=name, language="en_GB", components=components), int(self.world.now), "a listing")
            assert news is not None
            self.registry.take(self.scope, [news])
        template = request["template"] | {"namespace": name}
        message = request | {"template": template, "wabaNumber": self.secret["waba_number"], "to": published.TO}
        answer: Json = json.loads(self.world.send(message).body)
        return answer


@pytest.mark.parametrize("provider", registry.PROVIDERS)
def test_published_requests_against_their_templates(provider: str) -> None:
    """What the adapter takes without a registry, it takes with a template that fits, and refuses with any other."""
    secret = secret_of(provider)
    secret["provider"].pop("templates", None)
    with world(acme=secret) as made:
        asked = Asked(made, secret)
        for name in REQUESTS:
            request = published.REQUESTS[name]
            alone = asked.answer(request, None)
            if "need the template's id" in json.dumps(alone):
                # The registry has it.
                alone = {"status": "success"}
            assert asked.answer(request, fitting(request)) == alone, name
            for how, changed in UNFITTING.items():
                found = asked.answer(request, changed(request))
                assert found["error"]["code"] == 2001, (name, how)
                if alone["status"] == "success":
                    assert f"template spring_fair_{asked.number} (en_GB)" in found["error"]["message"], (name, how)
