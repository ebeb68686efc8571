"""What is no message is refused by field and reason, and never by value."""

import json
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clevertap.payloads import (
    OFFER,
    QUICK_REPLY,
    SHAPES,
    VALIDATION,
    Json,
    body,
    button,
    freeform,
    header,
    template,
)
from whatsapp_bridge.clevertap.messages import FreeformMessage, TemplateMessage
from whatsapp_bridge.clevertap.reading import InvalidMessage, NotJson, parse_message

TEMPLATE, NUMBER, OTHER = 2001, 2002, 2004

MISSING = "is missing"
STRING, OBJECT, LIST, WHOLE = "must be a string", "must be an object", "must be a list", "must be a whole number"
EMPTY, NEGATIVE, TWICE = "must not be empty", "must not be negative", "must occur only once"
PHONE = "must be a phone number with its country code, 7 to 15 digits"
LONG, UNPRINTABLE = "must not be longer than 128 characters", "must be printable characters"
KINDS = "must be text, image, video, file, audio or location"
BOOLEAN = "must be true or false"
REASONS = {MISSING, STRING, OBJECT, LIST, WHOLE, EMPTY, NEGATIVE, TWICE, PHONE, LONG, UNPRINTABLE, KINDS, BOOLEAN}


def nested(depth: int, core: Any) -> Any:
    return core if depth == 0 else [nested(depth - 1, core)]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        b"{",
        b"{'to': 1}",
        json.dumps(template()).encode() + b"}",
        b"to=27821230001",
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 5_000_000,
        json.dumps(template(x=nested(64, "text"))).encode(),
    ],
    ids=[
        "empty",
        "text",
        "cut off",
        "single quotes",
        "more behind",
        "form",
        "nested arrays",
        "nested objects, cut off",
        "one level too deep",
    ],
)
def test_not_json(raw: bytes | str) -> None:
    with pytest.raises(NotJson) as caught:
        parse_message(raw)
    assert str(caught.value) == ""


@pytest.mark.parametrize("core", [[], {}, "text"], ids=repr)
def test_deepest_json(core: Any) -> None:
    payload = template(x=nested(63, core) if core == "text" else nested(62, core))
    assert parse_message(json.dumps(payload)).wire() == payload


WHOLE_BODY = {
    "array": ([], "body", OBJECT),
    "string": ("hello", "body", OBJECT),
    "number": (4, "body", OBJECT),
    "null": (None, "body", OBJECT),
    "empty": ({}, "isTemplate", MISSING),
    "wrapped nothing": ({"body": {}}, "isTemplate", MISSING),
    "wrapped string": ({"body": "hello"}, "isTemplate", MISSING),
    "isTemplate missing": (template(isTemplate=...), "isTemplate", MISSING),
    "isTemplate null": (template(isTemplate=None), "isTemplate", MISSING),
    "isTemplate number": (template(isTemplate=1), "isTemplate", BOOLEAN),
    "isTemplate word": (template(isTemplate="yes"), "isTemplate", BOOLEAN),
    "wabaNumber missing": (template(wabaNumber=...), "wabaNumber", MISSING),
    "wabaNumber placeholder": (template(wabaNumber="2799XXXXXXXX"), "wabaNumber", PHONE),
    "wabaNumber object": (freeform("text", {"body": "Hi"}, wabaNumber={}), "wabaNumber", PHONE),
    "msgId missing": (template(msgId=...), "msgId", MISSING),
    "msgId missing, freeform": (freeform("text", {"body": "Hi"}, msgId=...), "msgId", MISSING),
    "msgId empty": (template(msgId=""), "msgId", EMPTY),
    "msgId null": (template(msgId=None), "msgId", STRING),
    "msgId list": (template(msgId=["1"]), "msgId", STRING),
    "msgId true": (template(msgId=True), "msgId", STRING),
    "msgId too long": (template(msgId="m" * 129), "msgId", LONG),
    "msgId blank": (template(msgId="  "), "msgId", UNPRINTABLE),
    "msgId control character": (template(msgId="1|2\n3|4"), "msgId", UNPRINTABLE),
    "msg_id empty": (template(msgId=...) | {"msg_id": ""}, "msg_id", EMPTY),
}

NUMBERS = {
    "to missing": (template(to=...), MISSING),
    "to null": (template(to=None), MISSING),
    "to empty": (template(to=""), PHONE),
    "to word": (template(to="Naledi"), PHONE),
    "to placeholder": (freeform("text", {"body": "Hi"}, to="2782XXXXXXX"), PHONE),
    "to too short": (template(to="+27821"), PHONE),
    "to too long": (template(to="2782123000127821"), PHONE),
    "to object": (template(to={"number": "27821230001"}), PHONE),
    "to true": (template(to=True), PHONE),
    "to in a validation's shape": (VALIDATION | {"template": {"namespace": "verify", "languageCode": "en"}}, PHONE),
}

COMPONENTS = {
    "template missing": (template(template=...), "template", MISSING),
    "template string": (template(template="order_ready"), "template", OBJECT),
    "template list": (template(template=[]), "template", OBJECT),
    "template null": (template(template=None), "template", OBJECT),
    "name missing": (template(template={"languageCode": "en"}), "template.namespace", MISSING),
    "name empty": (template(template={"namespace": "", "languageCode": "en"}), "template.namespace", EMPTY),
    "name list": (template(template={"namespace": [], "languageCode": "en"}), "template.namespace", STRING),
    "language missing": (template(template={"namespace": "order_ready"}), "template.languageCode", MISSING),
    "components missing": (template(components=...), "components", MISSING),
    "components empty": (template(components=[]), "components", EMPTY),
    "components object": (template(components={"0": body()}), "components", LIST),
    "components null": (template(components=None), "components", LIST),
    "component string": (template(body(), "footer"), "components[1]", OBJECT),
    "component null": (template(None), "components[0]", OBJECT),
    "component type object": (template({"type": {"a": 1}}), "components[0].type", STRING),
    "header missing": (template({"type": "header"}, body()), "components[0].header", MISSING),
    "header string": (template({"type": "header", "header": "Hi"}), "components[0].header", OBJECT),
    "header type missing": (template({"type": "header", "header": {}}), "components[0].header.type", MISSING),
    "header content missing": (
        template({"type": "header", "header": {"type": "image"}}),
        "components[0].header.image",
        MISSING,
    ),
    "header content null": (template(header("text", None)), "components[0].header.text", MISSING),
    "header content string": (template(header("video", "a.mp4")), "components[0].header.video", OBJECT),
    "header mediaURL missing": (template(header("file", {})), "components[0].header.file.mediaURL", MISSING),
    "header mediaURL empty": (
        template(header("audio", {"mediaURL": ""})),
        "components[0].header.audio.mediaURL",
        EMPTY,
    ),
    "header latitude missing": (
        template(header("location", {"longitude": "28"})),
        "components[0].header.location.latitude",
        MISSING,
    ),
    "header longitude list": (
        template(header("location", {"latitude": "1", "longitude": []})),
        "components[0].header.location.longitude",
        STRING,
    ),
    "header parameter": (
        template(header("text", {"text": "Hi", "parameters": [{"type": "text"}]})),
        "components[0].header.text.parameters[0].text",
        MISSING,
    ),
    "two headers": (
        template(header("image", {"mediaURL": "a"}), header("image", {"mediaURL": "b"})),
        "components[1]",
        TWICE,
    ),
    "body missing": (template({"type": "body"}), "components[0].body", MISSING),
    "body string": (template({"type": "body", "body": "Hi"}), "components[0].body", OBJECT),
    "body text list": (template({"type": "body", "body": {"text": []}}), "components[0].body.text", STRING),
    "body parameters object": (
        template({"type": "body", "body": {"text": "Hi", "parameters": {"1": "a"}}}),
        "components[0].body.parameters",
        LIST,
    ),
    "body parameter string": (
        template({"type": "body", "body": {"text": "Hi", "parameters": ["a"]}}),
        "components[0].body.parameters[0]",
        OBJECT,
    ),
    "body parameter null": (template(body("Hi", "a", None)), "components[0].body.parameters[1].text", STRING),
    "body parameter true": (template(body("Hi", True)), "components[0].body.parameters[0].text", STRING),
    "body parameter list": (
        template({"type": "footer", "footer": "."}, body("Hi", [])),
        "components[1].body.parameters[0].text",
        STRING,
    ),
    "two bodies": (template(body(), QUICK_REPLY, body()), "components[2]", TWICE),
    "footer missing": (template({"type": "footer"}), "components[0].footer", MISSING),
    "footer object": (template({"type": "footer", "footer": {"text": "Bye"}}), "components[0].footer", STRING),
    "footertext list": (template({"type": "footer", "footertext": []}), "components[0].footertext", STRING),
    "button subType missing": (template({"type": "button", "index": 0}), "components[0].subType", MISSING),
    "button subType list": (template(button(0, [], "Go")), "components[0].subType", STRING),  # type: ignore[arg-type]
    "button index word": (template(button("first", "quickReply", "Go")), "components[0].index", WHOLE),
    "button index fraction": (template(button(0.5, "quickReply", "Go")), "components[0].index", WHOLE),
    "button index list": (template(button([], "quickReply", "Go")), "components[0].index", WHOLE),
    "button index negative": (template(button(-1, "quickReply", "Go")), "components[0].index", NEGATIVE),
    "button payload missing": (
        template(button(0, "quickReply", "Go", {"type": "payload"})),
        "components[0].parameters[0].payload",
        MISSING,
    ),
    "button text missing": (
        template(button(0, "dynamicUrl", "Go", {"type": "text", "payload": "x"})),
        "components[0].parameters[0].text",
        MISSING,
    ),
    "button coupon list": (
        template(button(0, "copy_code", "Copy", {"type": "coupon_code", "coupon_code": []})),
        "components[0].parameters[0].coupon_code",
        STRING,
    ),
    "offer end missing": (
        template(OFFER | {"parameters": [{"type": "limited_time_offer", "limited_time_offer": {}}]}),
        "components[0].parameters[0].limited_time_offer.expiration_time_ms",
        MISSING,
    ),
    "offer end word": (
        template(OFFER | {"parameters": [{"limited_time_offer": {"expiration_time_ms": "tomorrow"}}]}),
        "components[0].parameters[0].limited_time_offer.expiration_time_ms",
        WHOLE,
    ),
    "offer parameter empty": (
        template(OFFER | {"parameters": [{}]}),
        "components[0].parameters[0].limited_time_offer",
        MISSING,
    ),
    "carousel without cards": (template({"type": "carousel"}), "components[0].cards", MISSING),
    "carousel of no cards": (template({"type": "carousel", "cards": []}), "components[0].cards", EMPTY),
    "card string": (template({"type": "carousel", "cards": ["a"]}), "components[0].cards[0]", OBJECT),
    "card empty": (
        template({"type": "carousel", "cards": [{"components": []}]}),
        "components[0].cards[0].components",
        EMPTY,
    ),
    "card parameter": (
        template({"type": "carousel", "cards": [{"components": [body()]}, {"components": [body("Hi", {})]}]}),
        "components[0].cards[1].components[0].body.parameters[0].text",
        STRING,
    ),
    "two bodies in a card": (
        template({"type": "carousel", "cards": [{"components": [body(), body()]}]}),
        "components[0].cards[0].components[1]",
        TWICE,
    ),
    "custom properties object": (template(body(), {"customProps": {}}), "components[1].customProps", LIST),
    "custom property string": (template(body(), {"customProps": ["a"]}), "components[1].customProps[0]", OBJECT),
}

FREEFORM = {
    "type missing": (freeform("text", {"body": "Hi"}, type=...), "type", MISSING),
    "type unknown": (freeform("sticker", {"id": 4}), "type", KINDS),
    "type null": (freeform("text", {"body": "Hi"}, type=None), "type", KINDS),
    "type list": (freeform("text", {"body": "Hi"}, type=[]), "type", KINDS),
    "type a member": (freeform("text", {"body": "Hi"}, type="to"), "type", KINDS),
    "text missing": (freeform("text", ...), "text", MISSING),
    "text null": (freeform("text", None), "text", MISSING),
    "text string": (freeform("text", "Hi"), "text", OBJECT),
    "text body missing": (freeform("text", {}), "text.body", MISSING),
    "text body empty": (freeform("text", {"body": ""}), "text.body", EMPTY),
    "text body list": (freeform("text", {"body": ["Hi"]}), "text.body", STRING),
    "another content": (freeform("image", ..., text={"body": "Hi"}), "image", MISSING),
    "mediaURL missing": (freeform("image", {"caption": "Hi"}), "image.mediaURL", MISSING),
    "mediaURL null": (freeform("video", {"mediaURL": None}), "video.mediaURL", STRING),
    "caption object": (freeform("file", {"mediaURL": "a", "caption": {}}), "file.caption", STRING),
    "longitude missing": (freeform("location", {"latitude": "1"}), "location.longitude", MISSING),
}

ROWS = [
    *((name, OTHER, *row) for name, row in WHOLE_BODY.items()),
    *((name, NUMBER, payload, "to", reason) for name, (payload, reason) in NUMBERS.items()),
    *((name, TEMPLATE, *row) for name, row in COMPONENTS.items()),
    *((name, OTHER, *row) for name, row in FREEFORM.items()),
]


@pytest.mark.parametrize(
    ("code", "payload", "field", "reason"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_invalid(code: int, payload: Any, field: str, reason: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        parse_message(json.dumps(payload))
    error = caught.value
    assert (error.code, error.field, error.reason) == (code, field, reason)
    assert str(error) == f"{field}: {reason}"


def test_large_message_is_no_special_case() -> None:
    payload = freeform("text", {"body": "m" * 5_000_000})
    assert parse_message(json.dumps(payload)).wire() == payload


# --- nothing of the input in an error ---------------------------------------------------------------------------------

MARK = "\u2603"
VALUES = st.one_of(
    st.text(max_size=20).map(lambda text: MARK + text),
    st.just([MARK]),
    st.just({MARK: MARK}),
    st.just({"type": MARK}),
    st.just({"type": "text", "text": [MARK]}),
    st.sampled_from([True, None, -987_654_321, 9876.54321, [], {}]),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [path, *(place for key, member in members for place in places(member, (*path, key)))]


def planted(payload: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    copy: Any = dict(payload) if isinstance(payload, dict) else list(payload)
    copy[place[0]] = planted(payload[place[0]], place[1:], value)
    return copy


@st.composite
def spoiled(draw: st.DrawFn) -> Any:
    """A published shape with other values in up to three of its places."""
    payload: Any = draw(st.sampled_from([*SHAPES.values(), VALIDATION]))
    for _ in range(draw(st.integers(1, 3))):
        payload = planted(payload, draw(st.sampled_from(places(payload))), draw(VALUES))
    return payload


def outcome(payload: Any) -> TemplateMessage | FreeformMessage | InvalidMessage:
    try:
        return parse_message(json.dumps(payload))
    except InvalidMessage as error:
        return error


PRIVATE = (MARK, "987654321", "9876.54321", "27821230001", "Naledi", "SAVE10", "media.example", "at nine")


@given(payload=spoiled())
def test_errors_hold_no_value_and_readable_messages_survive(payload: Any) -> None:
    result = outcome(payload)
    if isinstance(result, InvalidMessage):
        shown = "".join(traceback.format_exception(result))
        assert [value for value in PRIVATE if value in shown] == []
        assert result.reason in REASONS
    else:
        assert parse_message(json.dumps(result.wire())) == result


@given(raw=st.binary(max_size=200))
def test_any_bytes_are_answered(raw: bytes) -> None:
    with pytest.raises((NotJson, InvalidMessage)):
        parse_message(raw)


def test_error_keeps_the_parser_s_own_error_out_of_tracebacks() -> None:
    payload: Json = freeform("text", {"body": [MARK]})
    with pytest.raises(InvalidMessage) as caught:
        parse_message(json.dumps(payload))
    assert caught.value.__suppress_context__
    assert "ValidationError" not in "".join(traceback.format_exception(caught.value))
