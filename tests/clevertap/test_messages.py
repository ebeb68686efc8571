"""What CleverTap sends is read in every published shape and spelling, and kept."""

import json
from typing import Any

import pytest

from tests.clevertap.payloads import (
    CALL_PHONE,
    CAROUSEL,
    COPY_CODE,
    CUSTOM_PROPS,
    DYNAMIC_URL,
    FILE,
    IMAGE,
    OFFER,
    QUICK_REPLY,
    SHAPES,
    STATIC_URL,
    VALIDATION,
    Json,
    body,
    button,
    freeform,
    header,
    template,
    texts,
)
from whatsapp_bridge.clevertap.messages import (
    VALIDATION_MSG_ID,
    Carousel,
    CustomProps,
    FreeformMessage,
    LimitedTimeOffer,
    TemplateMessage,
    UnknownComponent,
    button_positions,
    is_provider_validation,
)
from whatsapp_bridge.clevertap.numbers import normalise_number
from whatsapp_bridge.clevertap.reading import parse_message, read_message


def parsed_template(payload: Json) -> TemplateMessage:
    message = parse_message(json.dumps(payload))
    assert isinstance(message, TemplateMessage)
    return message


def parsed_freeform(payload: Json) -> FreeformMessage:
    message = parse_message(json.dumps(payload))
    assert isinstance(message, FreeformMessage)
    return message


@pytest.mark.parametrize("payload", SHAPES.values(), ids=SHAPES)
def test_every_published_shape_is_kept_whole(payload: Json) -> None:
    message = parse_message(json.dumps(payload).encode())
    assert message.wire() == payload
    assert isinstance(message, TemplateMessage) is payload["isTemplate"] is message.is_template
    assert (message.to, message.waba_number) == ("27821230001", "27999000001")
    assert message.msg_id == "7001|1700000001|20231114|7001"


@pytest.mark.parametrize("payload", [*SHAPES.values(), VALIDATION], ids=[*SHAPES, "provider validation"])
def test_what_is_written_reads_the_same(payload: Json) -> None:
    message = parse_message(json.dumps(payload))
    assert parse_message(json.dumps(message.wire())) == message
    assert read_message(message.wire()) == message


# --- template messages ------------------------------------------------------------------------------------------------


def test_template_name_body_and_footer() -> None:
    message = parsed_template(template(body("Hello Naledi", "Naledi", "81"), {"type": "footer", "footer": "Bye"}))
    assert message.template.name == "order_ready"
    assert message.header is None
    assert message.body is not None
    assert (message.body.text, message.body.parameters) == ("Hello Naledi", ["Naledi", "81"])
    assert message.footer == "Bye"
    assert (message.buttons, message.other) == ([], [])


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("fil", "fil"),
        ("en_US", "en_US"),
        ("EN_us", "en_US"),
        ("en-gb", "en_GB"),
        ("en(UK)", "en_GB"),
        ("en(uk)", "en_GB"),
        ("en (UK)", "en_GB"),
        ("en_UK", "en_GB"),
        ("pt_BR", "pt_BR"),
        (" zh_CN ", "zh_CN"),
        ("uk", "uk"),
        ("uk_UA", "uk_UA"),
    ],
)
def test_language_in_metas_form(code: str, language: str) -> None:
    message = parsed_template(template(template={"namespace": "order_ready", "languageCode": code}))
    assert message.template.language == language
    assert message.wire()["template"]["languageCode"] == code


@pytest.mark.parametrize(
    ("given", "parameters"),
    [
        (texts("a", "b"), ["a", "b"]),
        (texts(81, 12.5), ["81", "12.5"]),
        ([{"text": "no type"}], ["no type"]),
        (texts(""), [""]),
        ([], []),
        (None, []),
    ],
    ids=["strings", "numbers", "no type", "empty text", "empty", "null"],
)
def test_body_parameters(given: Any, parameters: list[str]) -> None:
    message = parsed_template(template({"type": "body", "body": {"text": "Hi", "parameters": given}}))
    assert message.body is not None
    assert message.body.parameters == parameters


@pytest.mark.parametrize("kind", ["image", "video", "file", "audio"])
def test_media_header(kind: str) -> None:
    message = parsed_template(template(header(kind, FILE), body()))
    assert message.header is not None
    assert message.header.type == kind
    assert message.header.media is not None
    assert (message.header.media.media_url, message.header.media.filename) == ("media.example/receipt", "receipt")
    assert (message.header.text, message.header.location) == (None, None)


@pytest.mark.parametrize(
    "component",
    [
        {"type": "body", "body": {"text": None}},
        {"type": "header", "header": {"type": "text", "text": {"text": None}}},
        {"type": "button", "index": 0, "subType": "quickReply", "buttonText": None},
        {"type": "limited_time_offer", "text": None},
    ],
    ids=["body", "header", "button", "limited-time offer"],
)
def test_a_text_that_the_template_has_may_be_null(component: Json) -> None:
    (read,) = parsed_template(template(component)).components
    text = getattr(read, "body", None) or getattr(getattr(read, "header", None), "text", None) or read
    assert text.text == ""


def test_text_header() -> None:
    message = parsed_template(template(header("text", {"text": "Order 81", "parameters": texts("81")}), body()))
    assert message.header is not None
    assert message.header.text is not None
    assert (message.header.text.text, message.header.text.parameters) == ("Order 81", ["81"])
    assert message.header.media is None


@pytest.mark.parametrize("latitude", ["latitude", "lattitude"])
@pytest.mark.parametrize(("value", "text"), [("-26.2", "-26.2"), (-26.2, "-26.2"), (0, "0")])
def test_location_header(latitude: str, value: object, text: str) -> None:
    message = parsed_template(template(header("location", {latitude: value, "longitude": "28.04"}), body()))
    assert message.header is not None
    assert message.header.location is not None
    assert (message.header.location.latitude, message.header.location.longitude) == (text, "28.04")
    assert message.header.media is None


@pytest.mark.parametrize(
    ("given", "sub_type"),
    [
        ("dynamicUrl", "dynamicUrl"),
        ("dynamic_url", "dynamicUrl"),
        ("staticUrl", "staticUrl"),
        ("static_url", "staticUrl"),
        ("quickReply", "quickReply"),
        ("Quickreply", "quickReply"),
        ("quick_reply", "quickReply"),
        ("callPhone", "callPhone"),
        ("call_phone", "callPhone"),
        ("copy_code", "copy_code"),
        ("copyCode", "copy_code"),
        ("flow", "flow"),
        ("order_Details", "order_Details"),
    ],
)
@pytest.mark.parametrize("key", ["subType", "subtype"])
@pytest.mark.parametrize("kind", ["button", "buttons"])
def test_button_sub_type(kind: str, key: str, given: str, sub_type: str) -> None:
    [made] = parsed_template(template({"type": kind, "index": 0, key: given, "buttonText": "Go"})).buttons
    assert (made.sub_type, made.text, made.parameters) == (sub_type, "Go", [])


@pytest.mark.parametrize(
    ("given", "values"),
    [
        (QUICK_REPLY, [(None, "7001|collect", None)]),
        (DYNAMIC_URL, [("orders/81", None, None)]),
        (button(0, "dynamicUrl", "Track", *texts(0)), [("0", None, None)]),
        (STATIC_URL, [("https://shop.example", None, None)]),
        (CALL_PHONE, [("+27115550100", None, None)]),
        (COPY_CODE, [(None, None, "SAVE10")]),
        (QUICK_REPLY | {"parameters": None}, []),
    ],
    ids=["payload", "suffix", "number as suffix", "address", "phone", "coupon", "null"],
)
def test_button_parameters(given: Json, values: list[tuple[str | None, ...]]) -> None:
    [made] = parsed_template(template(body(), given)).buttons
    assert [(one.text, one.payload, one.coupon_code) for one in made.parameters] == values


@pytest.mark.parametrize(
    ("indices", "positions"),
    [
        ([], []),
        ([0, 1, 2], [0, 1, 2]),
        ([2, 0, 1], [2, 0, 1]),
        (["0", "1"], [0, 1]),
        ([1], [1]),
        ([0, 0], [0, 1]),
        ([1, 1, 0], [0, 1, 2]),
        ([1, None], [0, 1]),
        ([None, None], [0, 1]),
    ],
    ids=str,
)
def test_button_positions(indices: list[Any], positions: list[int]) -> None:
    buttons = [button(index, "quickReply", "Go") for index in indices]
    message = parsed_template(template(body(), *buttons))
    assert [made.position for made in message.buttons] == positions
    assert button_positions([made.index for made in message.buttons]) == positions


def test_button_without_index_stands_where_it_came() -> None:
    message = parsed_template(template(body(), {"type": "button", "subType": "quickReply"}, QUICK_REPLY))
    assert [made.position for made in message.buttons] == [0, 1]


@pytest.mark.parametrize("key", ["footer", "footertext"])
def test_footer_key(key: str) -> None:
    message = parsed_template(template(body(), {"type": "footer", key: "Bye"}))
    assert message.footer == "Bye"
    assert message.wire()["components"][1] == {"type": "footer", "footer": "Bye"}


@pytest.mark.parametrize("milliseconds", [1700086400000, "1700086400000"], ids=["number", "digits"])
def test_limited_time_offer(milliseconds: object) -> None:
    parameter = {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": milliseconds}}
    [offer] = parsed_template(template(body(), OFFER | {"parameters": [parameter]})).other
    assert isinstance(offer, LimitedTimeOffer)
    assert (offer.text, offer.expiration_time_ms) == ("Two for one", 1700086400000)


def test_limited_time_offer_without_an_end() -> None:
    [offer] = parsed_template(template(body(), {"type": "limited_time_offer", "text": "Soon"})).other
    assert isinstance(offer, LimitedTimeOffer)
    assert offer.expiration_time_ms is None


def test_carousel_cards_are_read_like_messages() -> None:
    message = parsed_template(template(body(), CAROUSEL, QUICK_REPLY))
    [carousel] = message.other
    assert isinstance(carousel, Carousel)
    cards = [(card.header, card.body, card.buttons) for card in carousel.cards]
    assert [found.media and found.media.media_url for found, _, _ in cards if found] == [IMAGE["mediaURL"]] * 2
    assert [found.parameters for _, found, _ in cards if found] == [["90"], ["80"]]
    assert [[(made.sub_type, made.position) for made in found] for _, _, found in cards] == [
        [("dynamicUrl", 0)],
        [("quickReply", 0)],
    ]
    assert [made.text for made in message.buttons] == ["Collect"]


def test_custom_properties_need_no_type_and_are_nothing_to_express() -> None:
    message = parsed_template(template(body(), CUSTOM_PROPS))
    [_, properties] = message.components
    assert isinstance(properties, CustomProps)
    assert properties.custom_props == [{"segment": "gold"}, {"till": 4}]
    assert message.other == []


@pytest.mark.parametrize(
    "component",
    [
        {"type": "product_list", "text": {"of": "another form"}, "sections": [1, None, {"a": "b"}]},
        {"type": "carousel_v2"},
        {"sections": []},
        {},
    ],
    ids=["other members", "type alone", "no type", "empty"],
)
def test_unknown_component_is_kept_for_the_adapter_to_refuse(component: Json) -> None:
    message = parsed_template(template(body(), component))
    [unknown] = message.other
    assert isinstance(unknown, UnknownComponent)
    assert unknown.type == component.get("type")
    assert message.wire()["components"][1] == component


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (template(header("sticker", {"id": 4}), body()), "sticker"),
        (template(header("document", FILE), body()), "document"),
        (template({"type": "header", "header": {"type": "gif"}}, body()), "gif"),
    ],
    ids=["sticker", "document", "no content"],
)
def test_unknown_header_is_kept_for_the_adapter_to_refuse(payload: Json, kind: str) -> None:
    message = parsed_template(payload)
    assert message.header is not None
    assert (message.header.type, message.header.media) == (kind, None)
    assert message.wire() == payload


def test_unknown_keys_are_kept_at_every_level() -> None:
    extra = {"x": [1, {"y": None}], "type_": True}
    payload = template(
        {"type": "header", "header": {"type": "image", "image": IMAGE | extra} | extra} | extra,
        {"type": "body", "body": {"text": "Hi", "parameters": [{"type": "text", "text": "a"} | extra]} | extra} | extra,
        {"type": "footer", "footer": "Bye"} | extra,
        QUICK_REPLY | extra,
        OFFER | extra,
        {"type": "carousel", "cards": [{"components": [body()]} | extra]} | extra,
        CUSTOM_PROPS | extra,
        template={"namespace": "order_ready", "languageCode": "en"} | extra,
        **extra,
    )
    assert parse_message(json.dumps(payload)).wire() == payload


# --- freeform messages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["image", "video", "audio", "file"])
def test_freeform_media(kind: str) -> None:
    message = parsed_freeform(freeform(kind, FILE | {"caption": "Look"}))
    content = getattr(message, kind)
    assert message.type == kind
    assert message.media is content
    assert (content.media_url, content.caption, content.filename) == ("media.example/receipt", "Look", "receipt")


def test_freeform_text() -> None:
    message = parsed_freeform(freeform("text", {"body": "We open at nine."}))
    assert message.text is not None
    assert message.text.body == "We open at nine."
    assert message.media is None


def test_freeform_location() -> None:
    message = parsed_freeform(freeform("location", {"latitude": -26.2, "longitude": 28.04, "name": "Till 4"}))
    assert message.location is not None
    found = message.location
    assert (found.latitude, found.longitude, found.name, found.address) == ("-26.2", "28.04", "Till 4", None)


def test_members_of_other_kinds_may_be_null() -> None:
    payload = freeform("text", {"body": "Hi"}, image=None, file=None)
    assert parse_message(json.dumps(payload)).wire() == payload


# --- both -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "template_message"),
    [(True, True), ("true", True), ("True", True), (False, False), ("false", False), ("FALSE", False)],
    ids=repr,
)
def test_is_template(given: object, template_message: bool) -> None:
    both = template() | freeform("text", {"body": "Hi"}) | {"isTemplate": given}
    message = parse_message(json.dumps(both))
    assert isinstance(message, TemplateMessage) is template_message
    assert message.is_template is template_message


@pytest.mark.parametrize("key", ["msgId", "msg_id"])
@pytest.mark.parametrize(
    ("given", "msg_id"),
    [
        ("1|2|3|4|5", "1|2|3|4|5"),
        ("0|0|0|0", VALIDATION_MSG_ID),
        (7001, "7001"),
        ("é x", "é x"),
        ("m" * 128, "m" * 128),
    ],
    ids=["five parts", "validation", "number", "not ASCII", "longest"],
)
def test_msg_id(key: str, given: object, msg_id: str) -> None:
    message = parse_message(json.dumps(freeform("text", {"body": "Hi"}, msgId=...) | {key: given}))
    assert message.msg_id == msg_id
    assert message.wire()["msgId"] == msg_id
    assert "msg_id" not in message.wire()


@pytest.mark.parametrize("version", [0.1, "0.1", 1, None, ...], ids=repr)
def test_payload_version_may_be_anything(version: object) -> None:
    payload = template(payloadVersion=version)
    assert parse_message(json.dumps(payload)).wire() == payload


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ("27821230001", "27821230001"),
        ("+27821230001", "27821230001"),
        ("+27 (82) 123-00.01", "27821230001"),
        (" 27821230001 ", "27821230001"),
        ("27\u00a082 1230001", "27821230001"),
        ("0027821230001", "27821230001"),
        (27821230001, "27821230001"),
        ("7658734", "7658734"),
        ("1" * 15, "1" * 15),
        ("765873", None),
        ("1" * 16, None),
        ("0821230001", None),
        ("000821230001", None),
        ("2782XXXXXXX", None),
        ("27821230001x", None),
        ("27821+230001", None),
        ("++27821230001", None),
        ("٢٧٨٢١٢٣٠٠٠١", None),
        ("27821230001\n27821230002", None),
        ("+", None),
        ("", None),
        (-27821230001, None),
        (27821230001.0, None),
        (True, None),
        (None, None),
        (["27821230001"], None),
    ],
    ids=repr,
)
def test_phone_numbers(given: object, number: str | None) -> None:
    assert normalise_number(given) == number


def test_numbers_are_normalised_in_messages() -> None:
    message = parse_message(json.dumps(template(to="+27 82 123 0001", wabaNumber=27999000001)))
    assert (message.to, message.waba_number) == ("27821230001", "27999000001")
    assert (message.wire()["to"], message.wire()["wabaNumber"]) == ("27821230001", "27999000001")


def test_text_is_accepted_as_bytes_and_as_string() -> None:
    payload = json.dumps(template(body("Dumela 👋", "Naledi")), ensure_ascii=False)
    message = parsed_template(json.loads(payload))
    assert parse_message(payload) == parse_message(payload.encode()) == message
    assert message.body is not None
    assert message.body.text == "Dumela 👋"


# --- validations ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "numbers",
    [
        {},
        {"to": "+27821230001", "wabaNumber": "27999000001"},
        {"wabaNumber": 27999000001},
        {"to": None, "wabaNumber": []},
        {"to": "$$to", "wabaNumber": "$$WABAnumber"},
        {"template": {"namespace": "whatsapp:hsm:ecommerce:generic:verify", "languageCode": "en"}},
    ],
    ids=["placeholders", "numbers", "not a string", "wrong types", "variables", "another trade"],
)
@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "wrapped"])
def test_provider_validation_is_recognised_whatever_its_numbers(wrapped: bool, numbers: Json) -> None:
    payload = VALIDATION | numbers
    message = parse_message(json.dumps({"body": payload} if wrapped else payload))
    assert is_provider_validation(message)
    assert message.msg_id == VALIDATION_MSG_ID


@pytest.mark.parametrize(
    "payload",
    [
        template(msgId="0|0|0|0"),
        freeform("text", {"body": "whatsapp:hsm:technology:generic:verify"}, msgId="0|0|0|0"),
        template(template={"namespace": "generic:verify", "languageCode": "en"}),
    ],
    ids=["template validation", "freeform", "another name"],
)
def test_other_messages_are_no_provider_validation(payload: Json) -> None:
    assert not is_provider_validation(parse_message(json.dumps(payload)))


WHOLE_URL = button(0, "dynamicUrl", "Buy", *texts("https://shop.example/{{1}}/{{ 2 }}/{{shop}}"))


@pytest.mark.parametrize(
    ("msg_id", "expected"),
    [
        pytest.param(VALIDATION_MSG_ID, "https://shop.example/0/0/0", id="validation"),
        pytest.param("7001|1|2|3", "https://shop.example/{{1}}/{{ 2 }}/{{shop}}", id="message"),
    ],
)
def test_a_validation_that_has_the_templates_url_for_a_value_gets_a_value(msg_id: str, expected: str) -> None:
    cards = {"type": "carousel", "cards": [{"components": [body("Mug"), WHOLE_URL]}] * 2}
    message = parsed_template(template(body("Hi"), WHOLE_URL, cards, msgId=msg_id))
    again = parse_message(json.dumps(message.wire()))
    assert again == message
    (carousel,) = message.other
    assert isinstance(carousel, Carousel)
    for holder in (message, *carousel.cards):
        (only,) = holder.buttons
        assert [parameter.text for parameter in only.parameters] == [expected]


@pytest.mark.parametrize("payload", SHAPES.values(), ids=SHAPES)
def test_any_message_may_come_wrapped(payload: Json) -> None:
    assert parse_message(json.dumps({"body": payload})) == parse_message(json.dumps(payload))


@pytest.mark.parametrize("payload", SHAPES.values(), ids=SHAPES)
def test_messages_show_nothing_in_logs(payload: Json) -> None:
    message = parse_message(json.dumps(payload))
    assert repr(message) == f"{type(message).__name__}()"
    assert str(message) == ""
