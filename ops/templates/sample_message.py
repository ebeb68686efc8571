"""A template message with the template's own samples, as CleverTap would send it. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from whatsapp_bridge.templates.shapes import VARIABLE, variables
from whatsapp_bridge.templates.template import NAMED, Content, Json, Template

_VALUE: Final = "Sample"
_CODE: Final = "SAMPLECODE"
_MEDIA: Final = {"IMAGE": "image", "VIDEO": "video", "DOCUMENT": "file"}
_HOUR_MS: Final = 3_600_000
_SUB_TYPES: Final = {"QUICK_REPLY": "quickReply", "PHONE_NUMBER": "callPhone", "COPY_CODE": "copy_code"}


class NoSample(Exception):
    """A value that nobody has given a sample of."""


def sample_message(
    template: Template, waba_number: str, to: str, msg_id: str, now: float, media: str | None = None
) -> Json:
    """`media`: the address of the header's file. Raises `NoSample`."""
    content = template.content
    if content is None:
        raise NoSample("the BSP has not told its components")
    return {
        "payloadVersion": 0.1,
        "to": f"+{to.removeprefix('+')}",
        "wabaNumber": waba_number,
        "isTemplate": True,
        "msgId": msg_id,
        "template": {"namespace": template.bsp_name or template.name, "languageCode": template.bsp_language},
        "components": list(_components(content.components, content, now, media)),
    }


def _components(components: Sequence[Json], content: Content, now: float, media: str | None) -> Iterator[Json]:
    for component in components:
        match component["type"]:
            case "HEADER":
                yield {"type": "header", "header": _header(component, content, media)}
            case "BODY":
                yield {"type": "body", "body": _filled(component, content, "body_text")}
            case "FOOTER":
                yield {"type": "footer", "footer": component["text"]}
            case "LIMITED_TIME_OFFER":
                expires = {"expiration_time_ms": int(now * 1000) + _HOUR_MS}
                offer = component["limited_time_offer"]
                values = [{"type": "limited_time_offer", "limited_time_offer": expires}]
                given = {"parameters": values} if offer.get("has_expiration") else {}
                yield {"type": "limited_time_offer", "text": offer["text"], **given}
            case "BUTTONS":
                for index, button in enumerate(component["buttons"]):
                    yield _button(index, button)
            case "CAROUSEL":
                inner = [list(_components(card["components"], content, now, media)) for card in component["cards"]]
                yield {"type": "carousel", "cards": [{"components": each} for each in inner]}


def _header(component: Json, content: Content, media: str | None) -> Json:
    kind = component.get("format", "TEXT")
    if kind == "TEXT":
        return {"type": "text", "text": _filled(component, content, "header_text")}
    if kind == "LOCATION":
        place = {"latitude": "-26.2041", "longitude": "28.0473", "name": _VALUE, "address": _VALUE}
        return {"type": "location", "location": place}
    if kind not in _MEDIA:
        raise NoSample(f"CleverTap sends no header {kind}")
    if media is None:
        raise NoSample("the header needs a file: give its address with --media https://...")
    return {"type": _MEDIA[kind], _MEDIA[kind]: {"mediaURL": media}}


def _filled(component: Json, content: Content, member: str) -> Json:
    text = component.get("text", "")
    names = variables(text)
    values = dict(zip(names, _samples(component.get("example"), content, member), strict=False))
    every = [values.get(name, _VALUE) for name in names]
    filled = VARIABLE.sub(lambda match: values.get(match[1], _VALUE), text)
    return {"text": filled, "parameters": [{"type": "text", "text": value} for value in every]}


def _samples(example: Any, content: Content, member: str) -> list[str]:
    given = example if isinstance(example, dict) else {}
    if content.parameter_format == NAMED:
        return [sample["example"] for sample in given.get(f"{member}_named_params", [])]
    return _flat(given.get(member))


def _flat(value: Any) -> list[str]:
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    return [value] if isinstance(value, str) else [str(each) for each in value or []]


def _button(index: int, button: Json) -> Json:
    made: Json = {"type": "button", "index": index, "buttonText": button.get("text", "")}
    kind, example = button["type"], _flat(button.get("example"))
    if kind == "URL":
        url = button["url"]
        if not VARIABLE.search(url):
            return made | {"subType": "staticUrl", "parameters": [{"type": "text", "text": url}]}
        base = VARIABLE.split(url, maxsplit=1)[0]
        suffix = (example[0] if example else "sample").removeprefix(base)
        return made | {"subType": "dynamicUrl", "parameters": [{"type": "text", "text": suffix}]}
    if kind not in _SUB_TYPES:
        raise NoSample(f"CleverTap sends no button {kind}")
    values = {
        "QUICK_REPLY": {"type": "payload", "payload": "test"},
        "PHONE_NUMBER": {"type": "text", "text": button.get("phone_number", "")},
        "COPY_CODE": {"type": "coupon_code", "coupon_code": example[0] if example else _CODE},
    }
    return made | {"subType": _SUB_TYPES[kind], "parameters": [values[kind]]}
