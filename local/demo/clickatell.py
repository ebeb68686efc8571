"""The steps over Clickatell One API, with and without client-side encryption."""

import json

from local.demo.conversation import Conversation, Step, StepFailed, expect
from local.demo.files import picture
from local.demo.messages import (
    BUTTONS,
    VALIDATION,
    VALIDATION_ID,
    freeform_message,
    location_message,
    template_message,
    text_message,
)
from local.sandbox.bsp import Delivered
from local.sandbox.clickatell import Call
from local.sandbox.files import File
from local.sandbox.one_api import MEDIA_PATH

CLEAR, SECURE = "acme", "acme-secure"
PERSON, CAREFUL_PERSON, NOBODY, STRANGER = "27821230001", "27821230002", "27821239404", "27821230009"
SHOP = {
    "longitude": "18.424055",
    "latitude": "-33.924868",
    "name": "Sample shop",
    "address": "1 Example Street, Cape Town",
}
HOME = {"latitude": "-33.96", "longitude": "18.47"}
PARCEL = "parcel.png"
PARCEL_PICTURE, DOOR_PICTURE = picture(160, 120, 60), picture(60, 80, 160)
NOT_IN_NETWORK = 1005
"""CleverTap's code for One API's status 29, RECIPIENT_DOES_NOT_EXIST."""


def steps(conversation: Conversation) -> list[Step]:
    part = _Part(conversation)
    return [
        ("CleverTap validates the provider", part.validate_provider),
        ("CleverTap validates a saved template", part.validate_template),
        ("A template message without encryption", part.clear_template),
        ("A template message with client-side encryption", part.encrypted_template),
        ("A freeform text with a link", part.freeform_text),
        ("A message to a number that is not on WhatsApp", part.failing_message),
        ("The person taps a button of the template", part.button_reply),
        ("The other person answers the encrypted template", part.text_reply),
        ("A location, encrypted", part.encrypted_location),
        ("The other person sends a location back", part.location_reply),
        ("An image, encrypted", part.encrypted_image),
        ("The same image to another person", part.image_of_another),
        ("The other person sends an image back", part.image_reply),
        ("A template with an image header", part.image_template),
        ("An image, where uploads are not enabled", part.inline_image),
        ("An encrypted image, where uploads are not enabled", part.encrypted_inline_image),
    ]


class _Part:
    def __init__(self, conversation: Conversation) -> None:
        self._talk = conversation
        self._bsp = conversation.stack.bsp("clickatell")
        self._clear: Delivered | None = None
        self._secure: Delivered | None = None

    def validate_provider(self) -> None:
        self._talk.send(CLEAR, VALIDATION)
        expect(not self._bsp.calls, "nothing reached the BSP")

    def validate_template(self) -> None:
        self._talk.send(CLEAR, template_message(VALIDATION_ID, STRANGER, self._talk.waba_number(CLEAR)))
        expect(self._talk.stack.queue_depths()["CampaignQueue"] == 0, "nothing is queued")
        expect(not self._bsp.calls, "nothing reached the BSP")

    def clear_template(self) -> None:
        msg_id = self._talk.new_id()
        self._talk.send(CLEAR, template_message(msg_id, PERSON, self._talk.waba_number(CLEAR)))
        self._clear = self._talk.delivered(CLEAR, msg_id)
        expect(not self._clear.encrypted, "it was sent unencrypted")
        _expect_template(self._clear)
        self._talk.expect_ladder(msg_id)

    def encrypted_template(self) -> None:
        msg_id = self._talk.new_id()
        self._talk.send(SECURE, template_message(msg_id, CAREFUL_PERSON, self._talk.waba_number(SECURE)))
        self._secure = self._talk.delivered(SECURE, msg_id)
        wire = json.dumps(self._secure.wire)
        expect(self._secure.encrypted, "it was sent encrypted")
        expect("Thandi" not in wire and "payload-of-button" not in wire, "no value of it was sent unencrypted")
        _expect_template(self._secure)
        self._talk.expect_ladder(msg_id)

    def freeform_text(self) -> None:
        msg_id, body = self._talk.new_id(), "Hello, see https://example.com/orders/1042"
        self._talk.send(CLEAR, text_message(msg_id, PERSON, self._talk.waba_number(CLEAR), body))
        delivered = self._talk.delivered(CLEAR, msg_id)
        expect(delivered.wire["content"] == body, "the text is unchanged")
        expect(delivered.wire.get("previewFirstUrl") is True, "the link has a preview")
        self._talk.expect_ladder(msg_id)

    def failing_message(self) -> None:
        msg_id = self._talk.new_id()
        self._talk.send(CLEAR, template_message(msg_id, NOBODY, self._talk.waba_number(CLEAR)))
        self._talk.delivered(CLEAR, msg_id)
        self._talk.expect_failed(msg_id, NOT_IN_NETWORK)

    def button_reply(self) -> None:
        template = _sent(self._clear)
        self._bsp.person_taps_button(template, 1, BUTTONS[0])
        reply = self._talk.reply(CLEAR, "button", PERSON)
        expected = {"payload": "payload-of-button-0", "text": BUTTONS[0]}
        expect(reply.wire["button"] == expected, "it carries the button's payload and text")
        expect(reply.context_id == template.msg_id, "context.id is the msgId of the template")

    def text_reply(self) -> None:
        template, text = _sent(self._secure), "Thank you, Friday is fine 👍"
        self._bsp.person_writes(SECURE, CAREFUL_PERSON, text, in_reply_to=template)
        reply = self._talk.reply(SECURE, "text", CAREFUL_PERSON)
        expect(reply.wire["text"] == {"body": text}, "it was decrypted")
        expect(reply.context_id == template.msg_id, "context.id is the msgId of the template")

    def encrypted_location(self) -> None:
        msg_id = self._talk.new_id()
        self._talk.send(SECURE, location_message(msg_id, CAREFUL_PERSON, self._talk.waba_number(SECURE), SHOP))
        delivered = self._talk.delivered(SECURE, msg_id)
        expect("Sample shop" not in json.dumps(delivered.wire), "no part of it was sent unencrypted")
        expect((delivered.content or {}).get("location") == SHOP, "the person sees the location")
        self._talk.expect_ladder(msg_id)

    def location_reply(self) -> None:
        template = _sent(self._secure)
        self._bsp.person_sends_location(SECURE, CAREFUL_PERSON, HOME, in_reply_to=template)
        reply = self._talk.reply(SECURE, "location", CAREFUL_PERSON)
        expect(reply.wire["location"] == HOME, "it was decrypted, without the fields that the person left out")
        expect(reply.context_id == template.msg_id, "context.id is the msgId of the template")

    def encrypted_image(self) -> None:
        self._send_secure_image(CAREFUL_PERSON)
        expect(len(self._uploads(SECURE)) == 1, "it was uploaded")

    def image_of_another(self) -> None:
        self._send_secure_image(PERSON)
        expect(len(self._uploads(SECURE)) == 2, "it was uploaded for this person too")

    def _send_secure_image(self, to: str) -> Delivered:
        caption = "Your parcel"
        delivered = self._send_image(SECURE, to, caption)
        expect(caption not in json.dumps(delivered.wire), "its caption was not sent unencrypted")
        return delivered

    def _send_image(self, account: str, to: str, caption: str) -> Delivered:
        msg_id, address = self._talk.new_id(), self._bsp.host_file(PARCEL, PARCEL_PICTURE, "image/png")
        image = {"mediaURL": address, "caption": caption}
        self._talk.send(account, freeform_message(msg_id, to, self._talk.waba_number(account), "image", image))
        delivered = self._talk.delivered(account, msg_id)
        expect((delivered.content or {})["media"]["caption"] == caption, "the person sees the caption")
        expect(delivered.file == File(PARCEL_PICTURE, "image/png", PARCEL), "the person sees the image")
        self._talk.expect_ladder(msg_id)
        return delivered

    def image_reply(self) -> None:
        template, caption = _sent(self._secure), "It is here"
        self._bsp.person_sends_media(
            SECURE, CAREFUL_PERSON, DOOR_PICTURE, "image/png", "door.png", caption, in_reply_to=template
        )
        reply = self._talk.reply(SECURE, "image", CAREFUL_PERSON)
        image = reply.wire["image"]
        expect((image["mimeType"], image["caption"]) == ("image/png", caption), "it has its type and its caption")
        expect(reply.context_id == template.msg_id, "context.id is the msgId of the template")
        self._talk.expect_linked(SECURE, image["mediaURL"], DOOR_PICTURE, "image/png")

    def image_template(self) -> None:
        msg_id = self._talk.new_id()
        address = self._bsp.host_file(PARCEL, PARCEL_PICTURE, "image/png")
        header = {"type": "image", "image": {"mediaURL": address}}
        self._talk.send(CLEAR, template_message(msg_id, PERSON, self._talk.waba_number(CLEAR), header))
        delivered = self._talk.delivered(CLEAR, msg_id)
        expect(delivered.file == File(PARCEL_PICTURE, "image/png", PARCEL), "the person sees the image")
        self._talk.expect_ladder(msg_id)

    def inline_image(self) -> None:
        self._bsp.disable_uploads(CLEAR)
        delivered = self._send_image(CLEAR, PERSON, "Your parcel")
        expect("fileId" not in delivered.wire["media"], "it was in the message")

    def encrypted_inline_image(self) -> None:
        self._bsp.disable_uploads(SECURE, "error")
        delivered = self._send_secure_image(CAREFUL_PERSON)
        expect("fileId" not in delivered.wire["media"], "it was in the message")

    def _uploads(self, account: str) -> list[Call]:
        return [call for call in self._bsp.calls if (call.account, call.path) == (account, MEDIA_PATH)]


def _sent(delivered: Delivered | None) -> Delivered:
    if delivered is None:
        raise StepFailed("there is no message to answer")
    return delivered


def _expect_template(delivered: Delivered) -> None:
    template = (delivered.content or {}).get("template")
    expected = {
        "templateName": "order_shipped",
        "header": {"type": "text", "text": {"parameters": {"1": "1042"}}},
        "body": {"parameters": {"1": "Thandi", "2": "Friday"}},
        "buttons": {"suggestedResponse": {"postbackData": {"1": "payload-of-button-0", "2": "payload-of-button-1"}}},
    }
    expect(template == expected, "the person sees the template as CleverTap sent it")
