"""`python -m local.published`: writes how each BSP's adapter answers the requests that CleverTap publishes.

The requests have the shapes of those on CleverTap's "Generic WhatsApp" page and in its payload samples, with content of
our own. Each is put to the flow of `send`, with an account of each provider as its page begins with: its options at
their defaults, and no template's id in the secret. The answers become a table of all in docs/published.md, and one of
the refused ones on each provider's page.
"""

import json
import logging
import sys
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from local import ROOT
from local.marked import rows, with_part
from local.simulation.plan import sample_accounts
from whatsapp_bridge.flows.wiring import Outside, build_accept
from whatsapp_bridge.net.http import HttpClient, NotReached
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.runtime.observability import logger, metrics

PAGE: Final = ROOT / "docs/published.md"
PART: Final = "published"

TO: Final = "+27820000001"
_SAMPLE: Final = "0|0|0|0"


# --- the requests ----------------------------------------------------------------------------------------------------


def _texts(*values: str) -> list[Json]:
    return [{"type": "text", "text": value} for value in values]


def _header(kind: str, content: Json) -> Json:
    return {"type": "header", "header": {"type": kind, kind: content}}


def _body(text: str, *values: str) -> Json:
    return {"type": "body", "body": {"text": text, "parameters": _texts(*values)}}


def _button(index: int, sub_type: str, label: str, *parameters: Json) -> Json:
    given = {"parameters": list(parameters)} if parameters else {}
    return {"type": "button", "index": index, "subType": sub_type, "buttonText": label, **given}


def _template(*components: Json, **changes: Any) -> Json:
    """A template message; `changes` replace its members."""
    return {
        "payloadVersion": 0.1,
        "to": TO,
        "isTemplate": True,
        "msgId": "71|1700000001|20231114|71",
        "template": {"namespace": "spring_fair", "languageCode": "en(UK)"},
        "components": list(components),
        **changes,
    }


def _freeform(kind: str, content: Json) -> Json:
    # CleverTap's samples of freeform messages spell the id so.
    message = {"payloadVersion": 0.1, "to": TO, "isTemplate": False, "msg_id": "71|1700000001|20231114|71"}
    return {**message, "type": kind, kind: content}


_BODY: Final = _body("Hi Lindiwe, the fair opens on Friday.", "Lindiwe", "Friday")
_IMAGE: Final = {"mediaURL": "https://media.example/fair.jpg"}
_FILE: Final = {"mediaURL": "https://media.example/fair/programme.pdf", "filename": "Programme"}
_FOOTER: Final = {"type": "footer", "footer": 'Write "stop" to hear no more'}
_COUPON: Final = _button(0, "copy_code", "Copy offer code", {"type": "coupon_code", "coupon_code": "FAIR15"})
_REPLIES: Final = ("More", "Not now", "STOP")
_OFFER: Final = {
    "type": "limited_time_offer",
    "text": "Two seats for one",
    "parameters": [{"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1700086400000}}],
}
_VALIDATION: Final = _template(
    _body("1 code: 2.Valid for 3 minutes.", "1", "2", "3"),
    to="2782XXXXXXXX",
    wabaNumber="2799XXXXXXXX",
    template={"namespace": "whatsapp:hsm:technology:generic:verify", "languageCode": "en"},
    msgId=_SAMPLE,
)


def _replies_from(index: int) -> list[Json]:
    return [_button(index + place, "quickReply", label) for place, label in enumerate(_REPLIES)]


def _url(index: int, sub_type: str, value: str) -> Json:
    return _button(index, sub_type, "Visit the fair", *_texts(value))


def _call(index: int) -> Json:
    return _button(index, "callPhone", "Call us", *_texts("+27115550100"))


def _card(text: str, sub_type: str, value: str) -> Json:
    buttons = [_url(0, sub_type, value), _url(1, "dynamicUrl", "0")]
    return {"components": [_header("image", _IMAGE), _body(text, "0", "1"), *buttons]}


# By what they show; of a template's documented payload one each of the headers and buttons.
REQUESTS: Final[dict[str, Json]] = {
    "check of a provider entry": _VALIDATION,
    "check of a provider entry, as `body` of an object": {"body": _VALIDATION},
    "template: body": _template(_BODY),
    "template: body, footer as `footertext`": _template(_BODY, {"type": "footer", "footertext": "The fair's team"}),
    "template: text header": _template(_header("text", {"text": "Friday", "parameters": _texts("Friday")}), _BODY),
    "template: image header": _template(_header("image", _IMAGE), _BODY),
    "template: video header": _template(_header("video", {"mediaURL": "https://media.example/fair.mp4"}), _BODY),
    "template: document header": _template(_header("file", _FILE), _BODY),
    "template: audio header": _template(_header("audio", {"mediaURL": "https://media.example/fair.mp3"}), _BODY),
    "template: location header": _template(_header("location", {"longitude": "28.04", "latitude": "-26.2"}), _BODY),
    "template: dynamic URL": _template(_BODY, _url(0, "dynamicUrl", "/programme")),
    "template: static URL": _template(_BODY, _url(0, "staticUrl", "https://fair.example")),
    "template: call": _template(_BODY, _call(0)),
    "template: quick reply with a payload": _template(
        _BODY, _button(0, "quickReply", "I come", {"type": "payload", "payload": "71|click"})
    ),
    "template: image header, a whole address as dynamic URL": _template(
        _header("image", _IMAGE), _BODY, _url(0, "dynamicUrl", "https://fair.example")
    ),
    "template: image header, dynamic URL and call, both with index 0": _template(
        _header("image", {"mediaURL": "media.example/fair.jpg"}), _BODY, _url(0, "dynamicUrl", "cart"), _call(0)
    ),
    "template: an address whose scheme is misspelt": _template(
        _header("image", {"mediaURL": "httpa://media.example/fair.jpg"}), _BODY, _url(0, "dynamicUrl", "cart")
    ),
    "template: a placeholder in place of the number": _template(_BODY, to="+2782XXXXXXX"),
    "template saved: coupon, URLs, quick replies": _template(
        _header("file", _FILE),
        _body("Hi 0, the fair opens.", "0"),
        _FOOTER,
        _COUPON,
        _url(1, "dynamicUrl", "https://fair.example/{{1}}"),
        _url(2, "staticUrl", "https://fair.example"),
        *_replies_from(3),
        msgId=_SAMPLE,
    ),
    "template saved: the same with `customProps`": _template(
        _header("file", _FILE),
        _body("Hi Lindiwe, the fair opens.", "Lindiwe"),
        _FOOTER,
        _COUPON,
        *(_url(index, "staticUrl", "https://fair.example") for index in (1, 2)),
        *_replies_from(3),
        {"customProps": [{"stand": "north"}, {"till": "4"}]},
        msgId=_SAMPLE,
    ),
    "template saved: limited-time offer": _template(
        _header("image", _IMAGE),
        _body("Hi 0, the fair opens.", "0"),
        _OFFER,
        _COUPON,
        _url(1, "dynamicUrl", "0"),
        _call(2),
        *_replies_from(3),
        msgId=_SAMPLE,
    ),
    "template saved: carousel": _template(
        _body("Stands of the fair: 0", "0"),
        {
            "type": "carousel",
            "cards": [
                _card("Stand 0 sells 1.", "dynamicUrl", "st/north"),
                _card("Tent 0 sells 1.", "staticUrl", "https://fair.example"),
            ],
        },
        msgId=_SAMPLE,
    ),
    "freeform: text": _freeform("text", {"body": "We open at nine."}),
    "freeform: image": _freeform("image", {"mediaURL": "media.example/fair.jpg", "caption": "The fair"}),
    "freeform: video": _freeform("video", {"mediaURL": "media.example/fair.mp4", "caption": "The fair"}),
    "freeform: audio": _freeform("audio", {"mediaURL": "media.example/fair.mp3"}),
    "freeform: document": _freeform("file", {**_FILE, "mediaURL": "media.example/programme.pdf", "caption": "Read"}),
    "freeform: location": _freeform("location", {"longitude": "28.04", "latitude": "-26.2"}),
}


# --- the answers -----------------------------------------------------------------------------------------------------


class Answered(NamedTuple):
    """What CleverTap gets, and whether a message leaves. `code` and the rest are None for `success`."""

    sent: bool
    code: int | None = None
    field: str | None = None
    reason: str | None = None


class _Aws:
    """Secrets Manager with one account and the signing key, and SQS, as far as `send` calls them."""

    def __init__(self, account: Json) -> None:
        self.account, self.queued = account, 0

    def batch_get_secret_value(self, *, SecretIdList: list[str]) -> Json:  # noqa: N803 - botocore's name
        account, key = SecretIdList
        texts = {account: json.dumps(self.account), key: json.dumps({"key": "k" * 64})}
        return {"SecretValues": [{"Name": name, "SecretString": text} for name, text in texts.items()]}

    def batch_get_item(self, **_: object) -> Json:
        """Nothing is known of any template."""
        return {"Responses": {}}

    def send_message(self, **_: object) -> Json:
        self.queued += 1
        return {}


class _NoAnswer:
    """In the place of `HttpClient`: no BSP tells anything of a template."""

    def end_in(self, seconds: float) -> None:
        pass

    def request(self, *_: object, **__: object) -> Any:
        raise NotReached


def account_of(provider: str) -> Json:
    """The shortest one of this provider."""
    made = deepcopy(next(made for made in sample_accounts().values() if made["provider"]["type"] == provider))
    made["options"] = {}
    made["provider"].pop("templates", None)
    made["clevertap"] = {
        "authorization": [{"type": "header", "name": "X-Api-Key", "value": "made-up-key-of-acme"}],
        "status_url": "https://clevertap.example/status",
        "incoming_url": "https://clevertap.example/incoming",
    }
    return made


@cache
def answers(provider: str) -> dict[str, Answered]:
    """How an account of this provider answers each of the requests, by their names."""
    account = account_of(provider)
    return {name: _answer(account, request) for name, request in REQUESTS.items()}


def _answer(account: Json, request: Json) -> Answered:
    aws = _Aws(account)
    environ = {"ACCOUNT_SECRET_PREFIX": "", **dict.fromkeys(("CONVERSATION_QUEUE_URL", "CAMPAIGN_QUEUE_URL"), "q")}
    environ |= {"MESSAGES_TABLE": "t", "SIGNING_KEY_SECRET": "key"}
    outside = Outside(environ=environ, aws=lambda *_, **__: aws, hasty_http=lambda: cast("HttpClient", _NoAnswer()))
    accept = build_accept(outside)
    body = {"wabaNumber": account["waba_number"], **request} if "body" not in request else request
    given = accept("acme", {"x-api-key": "made-up-key-of-acme"}, json.dumps(body).encode())
    # Nobody reads what it has counted.
    metrics.clear_metrics()
    answer = json.loads(given.body)
    match answer.get("status"):
        case "success":
            return Answered(aws.queued == 1)
        case "failure" if given.status == 200:
            field, _, reason = answer["error"]["message"].partition(": ")
            return Answered(False, answer["error"]["code"], field, reason)
    raise AssertionError(f"neither success nor failure: HTTP {given.status}")


# --- the documentation -----------------------------------------------------------------------------------------------


def table() -> str:
    """All requests, a column per provider, and the reasons below."""
    notes: list[str] = []
    titles = {name: registry.outbound(name).CAPABILITIES.title for name in registry.PROVIDERS}
    head = ["", *(f"[{title}](providers/{name}.md)" for name, title in titles.items())]
    lines = [[name, *(_cell(answers(provider)[name], notes) for provider in titles)] for name in REQUESTS]
    return "\n".join([rows([head, *lines]), "", *(f"{place}. {note}" for place, note in enumerate(notes, 1))])


def _cell(answered: Answered, notes: list[str]) -> str:
    if answered.code is None:
        return "yes" if answered.sent else "success"
    note = f"`{answered.field}`: {answered.reason}"
    if note not in notes:
        notes.append(note)
    return f"{answered.code} ({notes.index(note) + 1})"


def of_page(provider: str) -> str:
    """The requests that an adapter refuses."""
    refused = [
        [name, f"`{answered.field}`", answered.reason or "", str(answered.code)]
        for name, answered in answers(provider).items()
        if answered.code is not None
    ]
    return rows([["request", "field", "reason", "code"], *refused])


def pages() -> list[Path]:
    return [PAGE, *map(_page_of, registry.PROVIDERS)]


def _page_of(provider: str) -> Path:
    return ROOT / f"docs/providers/{provider}.md"


def with_answers(page: Path) -> str:
    """The page's text with its current table. Raises ValueError if its markers are missing."""
    part = table() if page == PAGE else of_page(page.stem)
    return with_part(page.read_text(encoding="utf-8"), PART, part)


def main() -> int:
    logger.setLevel(logging.CRITICAL)
    for page in pages():
        page.write_text(with_answers(page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
