"""What Meta's Cloud API accepts on POST /{phone_number_id}/messages, and what it posts to a webhook.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/: the pages of the message types, of
templates, of webhooks, and "Error codes".
"""

import re
import time
from collections.abc import Callable, Set
from typing import Any

from local.sandbox.files import is_address, is_file_name
from local.sandbox.template_values import MAX_BODY, MAX_HEADER, fit, is_value, is_value_of_url

type Json = dict[str, Any]

MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_CALLBACK_DATA = 512

# code: (HTTP status, title)
ERRORS: dict[int, tuple[int, str]] = {
    100: (400, "Invalid parameter"),
    190: (401, "Access token has expired"),
    130429: (429, "Rate limit hit"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (500, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131030: (400, "Recipient phone number not in allowed list"),
    131031: (403, "Business Account locked"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131050: (400, "User has stopped marketing messages"),
    131053: (400, "Media upload error"),
    132005: (400, "Template hydrated text too long"),
    132012: (400, "Template parameter format mismatch"),
}


class Refused(Exception):
    """An error of ERRORS; `details` says more."""

    def __init__(self, code: int, details: str = "") -> None:
        super().__init__(code, details)
        self.code, self.http_status = code, ERRORS[code][0]
        self.details = details or ERRORS[code][1]

    def wire(self) -> Json:
        """The error as it is in an answer."""
        return {
            "error": {
                "message": f"(#{self.code}) {ERRORS[self.code][1]}",
                "type": "OAuthException",
                "code": self.code,
                "error_data": {"messaging_product": "whatsapp", "details": self.details},
                "fbtrace_id": "local",
            }
        }


# --- messages --------------------------------------------------------------------------------------------------------

_ENVELOPE = {"messaging_product", "recipient_type", "to", "type"}
_MEDIA = {"image": {"caption"}, "video": {"caption"}, "audio": set(), "document": {"caption", "filename"}}
_SUB_TYPES = {"url": "text", "quick_reply": "payload", "copy_code": "coupon_code"}


def check_message(message: Any, business_number: str) -> str:
    """The recipient's number in digits. Raises `Refused`."""
    if not isinstance(message, dict):
        raise Refused(100, "The request is not a JSON object")
    kind = message.get("type", "text")
    if not isinstance(kind, str) or kind not in _CHECKS:
        raise Refused(100, "Unknown type")
    _check(message, "message", required=_ENVELOPE | {kind}, optional={"biz_opaque_callback_data", "context"})
    if message["messaging_product"] != "whatsapp" or message["recipient_type"] != "individual":
        raise Refused(100, "messaging_product must be whatsapp, recipient_type individual")
    echoed = message.get("biz_opaque_callback_data", "")
    if not isinstance(echoed, str) or len(echoed) > MAX_CALLBACK_DATA:
        raise Refused(100, "biz_opaque_callback_data")
    number = _recipient(message["to"])
    if number == business_number:
        raise Refused(131021)
    _CHECKS[kind](message[kind], kind)
    return number


def _recipient(to: Any) -> str:
    # The real API guesses the country of a number without a plus sign and may send to another person.
    if not isinstance(to, str) or not re.fullmatch(r"\+[1-9][0-9]{6,14}", to):
        raise Refused(131009, "Parameter 'to' is not a phone number with a plus sign")
    return to[1:]


def _check(value: Any, where: str, *, required: Set[str] = frozenset(), optional: Set[str] = frozenset()) -> Json:
    if not isinstance(value, dict):
        raise Refused(100, f"{where} is not an object")
    if missing := required - set(value):
        raise Refused(131008, f"{where}: {min(missing)} is missing")
    if unknown := set(value) - required - optional:
        raise Refused(100, f"{where}: unexpected key {min(unknown)}")
    return value


def _text(value: Any, where: str, most: int | None = None) -> None:
    if not isinstance(value, str) or not value.strip() or (most is not None and len(value) > most):
        raise Refused(131009, f"{where} is empty, too long or not a text")


def _check_text(text: Any, where: str) -> None:
    _check(text, where, required={"body"}, optional={"preview_url"})
    _text(text["body"], f"{where}.body", MAX_TEXT)
    if not isinstance(text.get("preview_url", False), bool):
        raise Refused(131009, f"{where}.preview_url is not a boolean")


def _check_media(media: Any, kind: str) -> None:
    _check(media, kind, required={"link"}, optional=_MEDIA[kind])
    if not is_address(media["link"]):
        raise Refused(131009, f"{kind}.link is not an address")
    if not is_file_name(media.get("filename", "any")):
        raise Refused(131009, f"{kind}.filename is not a name")
    _text(media.get("caption", "any"), f"{kind}.caption", MAX_CAPTION)


def _check_location(location: Any, where: str) -> None:
    _check(location, where, required={"latitude", "longitude"}, optional={"name", "address"})
    for name, most in (("latitude", 90), ("longitude", 180)):
        try:
            inside = abs(float(location[name])) <= most
        except (TypeError, ValueError):
            inside = False
        if not inside:
            raise Refused(131009, f"{where}.{name} is not a coordinate")


# --- templates -------------------------------------------------------------------------------------------------------


def _check_template(template: Any, where: str) -> None:
    _check(template, where, required={"name", "language"}, optional={"components"})
    if not isinstance(template["name"], str) or not re.fullmatch(r"[a-z0-9_]{1,512}", template["name"]):
        raise Refused(131009, f"{where}.name is not the name of a template")
    language = _check(template["language"], f"{where}.language", required={"code"})["code"]
    if not isinstance(language, str) or not re.fullmatch(r"[a-z]{2,3}(_[A-Z]{2})?", language):
        raise Refused(131009, f"{where}.language.code is not a language")
    _check_components(template.get("components", []), f"{where}.components")


def _check_components(components: Any, where: str, *, in_card: bool = False) -> None:
    if not isinstance(components, list):
        raise Refused(100, f"{where} is not a list")
    for index, component in enumerate(components):
        place = f"{where}[{index}]"
        kind = component.get("type") if isinstance(component, dict) else None
        if kind in ("header", "body", "limited_time_offer"):
            _check(component, place, required={"type", "parameters"})
            _check_parameters(component["parameters"], place, _PARAMETERS[kind], one=kind != "body")
            texts = [parameter["text"] for parameter in component["parameters"] if parameter["type"] == "text"]
            if not fit(texts, MAX_BODY if kind == "body" else MAX_HEADER):
                raise Refused(132005, place)
        elif kind == "button":
            _check_button(component, place)
        elif kind == "carousel" and not in_card:
            _check_carousel(component, place)
        else:
            raise Refused(100, f"{place}.type")


_HEADERS = frozenset({"text", "image", "video", "document", "location"})
_PARAMETERS = {"header": _HEADERS, "body": {"text"}, "limited_time_offer": {"limited_time_offer"}}


def _check_button(button: Json, where: str) -> None:
    _check(button, where, required={"type", "sub_type", "index", "parameters"})
    if button["sub_type"] not in _SUB_TYPES or not re.fullmatch(r"[0-9]", str(button["index"])):
        raise Refused(100, f"{where}.sub_type or index")
    _check_parameters(button["parameters"], where, {_SUB_TYPES[button["sub_type"]]}, one=True)
    if button["sub_type"] == "url" and not is_value_of_url(button["parameters"][0]["text"]):
        raise Refused(100, f"{where} still has a placeholder")


def _check_carousel(carousel: Json, where: str) -> None:
    cards = _check(carousel, where, required={"type", "cards"})["cards"]
    if not isinstance(cards, list) or not 2 <= len(cards) <= 10:
        raise Refused(132012, f"{where} must have 2 to 10 cards")
    for index, card in enumerate(cards):
        place = f"{where}.cards[{index}]"
        _check(card, place, required={"card_index", "components"})
        if card["card_index"] != index:
            raise Refused(100, f"{place}.card_index")
        _check_components(card["components"], f"{place}.components", in_card=True)
        if _header_of(card) != _header_of(cards[0]):
            raise Refused(132012, f"{place} differs from the first card")


def _header_of(card: Json) -> str | None:
    """The kind of the card's header. The buttons without a value, and so the rest of its shape, are in the template."""
    headers = [part["parameters"][0]["type"] for part in card["components"] if part["type"] == "header"]
    return headers[0] if headers else None


def _check_parameters(parameters: Any, where: str, kinds: Set[str], *, one: bool) -> None:
    if not isinstance(parameters, list) or not parameters or (one and len(parameters) > 1):
        raise Refused(132012, f"{where}.parameters")
    for index, parameter in enumerate(parameters):
        place = f"{where}.parameters[{index}]"
        kind = parameter.get("type") if isinstance(parameter, dict) else None
        if kind not in kinds:
            raise Refused(132012, f"{place}.type")
        content = _check(parameter, place, required={"type", str(kind)})[str(kind)]
        if kind in _MEDIA:
            _check_media(content, str(kind))
        elif kind == "location":
            _check_location(content, place)
        elif kind == "limited_time_offer":
            if not isinstance(_check(content, place, required={"expiration_time_ms"})["expiration_time_ms"], int):
                raise Refused(132012, place)
        else:
            _text(content, place)
            if kind == "text" and not is_value(content):
                raise Refused(100, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")


_CHECKS: dict[str, Callable[[Any, str], None]] = {
    "text": _check_text,
    "location": _check_location,
    "template": _check_template,
    **dict.fromkeys(_MEDIA, _check_media),
}


# --- outcomes of messages --------------------------------------------------------------------------------------------

# By One API's codes, which the conventions use. Meta does not report that a message is queued.
STATUS_OF: dict[int, str] = {4: "sent", 5: "delivered", 6: "read"}
FAILURE_OF: dict[int, int] = {20: 131026, 29: 131026, 80: 131053, 131: 131047, 132: 131048}
ERROR_OF: dict[int, int] = {19: 131016, 26: 131050, 27: 131030, 33: 131053, 43: 130429, 44: 131031}

OTHER_WA_ID = "9441"
"""People with such a number have another at WhatsApp, with a 1 after the first two digits."""


def wa_id(number: str) -> str:
    return f"{number[:2]}1{number[2:]}" if number.endswith(OTHER_WA_ID) else number


def link_of(message: Json) -> Json | None:
    """The media object of a checked message, or of its template's header."""
    if message["type"] in _MEDIA:
        return dict(message[message["type"]])
    for component in message.get("template", {}).get("components", []):
        parameter = component["parameters"][0] if component["type"] == "header" else {}
        if parameter.get("type") in _MEDIA:
            return dict(parameter[parameter["type"]])
    return None


# --- webhooks --------------------------------------------------------------------------------------------------------


def waba_webhook(waba_id: str, field: str, value: Json, at: int) -> Json:
    """A webhook about a business account: it has no number."""
    changes = [{"field": field, "value": value}]
    return {"object": "whatsapp_business_account", "entry": [{"id": waba_id, "time": at, "changes": changes}]}


def template_event(entry: Json, event: str, reason: str, title: str = "") -> Json:
    """What a webhook says of a template, whose id is a number there."""
    return {
        "event": event,
        "message_template_id": int(entry["id"]),
        "message_template_name": entry["name"],
        # As in Meta's examples.
        "message_template_language": entry["language"].replace("_", "-"),
        "reason": reason,
        "message_template_category": entry["category"],
        **({"other_info": {"title": title, "description": "See WhatsApp Manager."}} if title else {}),
    }


def webhook(number_id: str, business_number: str, **lists: Any) -> Json:
    """A webhook with `messages`, `statuses` or `contacts`, of one number."""
    metadata = {"display_phone_number": business_number, "phone_number_id": number_id}
    value = {"messaging_product": "whatsapp", "metadata": metadata, **lists}
    entry = {"id": "102200000000001", "changes": [{"field": "messages", "value": value}]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def status(name: str, wamid: str, to: str, reference: str | None, delay: float, failure: int | None = None) -> Json:
    """An element of `statuses`, with the time in `delay` seconds; `to` is the recipient's wa_id."""
    errors = [{"code": failure, "title": ERRORS[failure][1], "message": ERRORS[failure][1]}] if failure else None
    return {
        "id": wamid,
        "status": name,
        "timestamp": str(round(time.time() + delay)),
        "recipient_id": to,
        **({"biz_opaque_callback_data": reference} if reference else {}),
        **({"errors": errors} if errors else {}),
    }


def message(wamid: str, sender: str, kind: str, content: Json, answers: str | None) -> Json:
    """An element of `messages`; `answers` is Meta's id of the answered message."""
    return {
        "from": sender,
        "id": wamid,
        "timestamp": str(round(time.time())),
        "type": kind,
        kind: content,
        **({"context": {"id": answers}} if answers else {}),
    }
