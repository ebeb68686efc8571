"""The steps over Meta's Cloud API."""

from local.demo.conversation import Conversation, Step, StepFailed, expect
from local.demo.files import document, picture
from local.demo.messages import BUTTONS, freeform_message, template_message, text_message
from local.sandbox.bsp import Delivered
from local.sandbox.files import File

ACCOUNT, PERSON, NOBODY = "acme-meta", "27821230001", "27821239404"
OTHERWISE_KNOWN = "27821239441"
"""WhatsApp and CleverTap know this person by different numbers."""
NOT_IN_NETWORK = 1005
"""CleverTap's code for Meta's error 131026, message undeliverable."""
PHOTO = picture(200, 160, 40)
BILL = document("Order 1042")


def steps(conversation: Conversation) -> list[Step]:
    part = _Part(conversation)
    return [
        ("Meta verifies the webhook's address", part.verify_webhook),
        ("A template message over the Cloud API", part.template),
        ("A freeform text over the Cloud API", part.freeform_text),
        ("A document that Meta fetches from its address", part.document),
        ("A message that Meta accepts and cannot deliver", part.failing_message),
        ("The person taps a button of Meta's template", part.button_reply),
        ("The person sends a photo", part.photo),
        ("A person whom WhatsApp knows by another number answers", part.other_number),
    ]


class _Part:
    def __init__(self, conversation: Conversation) -> None:
        self._talk = conversation
        self._bsp = conversation.stack.bsp("meta")
        self._template: Delivered | None = None

    def verify_webhook(self) -> None:
        expect(self._bsp.verify_webhook(ACCOUNT), "the bridge answers with the challenge")
        expect(not self._bsp.verify_webhook(ACCOUNT, "another-token"), "but not without the verify token")

    def template(self) -> None:
        msg_id = self._talk.new_id()
        self._talk.send(ACCOUNT, template_message(msg_id, PERSON, self._talk.waba_number(ACCOUNT)))
        self._template = self._talk.delivered(ACCOUNT, msg_id)
        template = self._template.wire["template"]
        expect((template["name"], template["language"]["code"]) == ("order_shipped", "en_GB"), "it is that template")
        parameters = [component["parameters"] for component in template["components"]]
        expect(
            parameters[:2] == [_texts("1042"), _texts("Thandi", "Friday")]
            and [sent[0]["payload"] for sent in parameters[2:]] == ["payload-of-button-0", "payload-of-button-1"],
            "the person sees the template as CleverTap sent it",
        )
        self._talk.expect_ladder(msg_id)

    def freeform_text(self) -> None:
        msg_id, body = self._talk.new_id(), "Hello, see https://example.com/orders/1042"
        self._talk.send(ACCOUNT, text_message(msg_id, PERSON, self._talk.waba_number(ACCOUNT), body))
        delivered = self._talk.delivered(ACCOUNT, msg_id)
        expect(delivered.wire["text"] == {"body": body, "preview_url": True}, "the link has a preview")
        self._talk.expect_ladder(msg_id)

    def document(self) -> None:
        msg_id, address = self._talk.new_id(), self._bsp.host_file("bill.pdf", BILL, "application/pdf")
        content = {"mediaURL": address, "filename": "Your bill", "caption": "For order 1042"}
        self._talk.send(ACCOUNT, freeform_message(msg_id, PERSON, self._talk.waba_number(ACCOUNT), "file", content))
        delivered = self._talk.delivered(ACCOUNT, msg_id)
        expect(delivered.file == File(BILL, "application/pdf", "Your bill.pdf"), "the person sees the document")
        expect(delivered.wire["document"]["caption"] == "For order 1042", "with its caption")
        self._talk.expect_ladder(msg_id)

    def failing_message(self) -> None:
        msg_id = self._talk.new_id()
        self._talk.send(ACCOUNT, template_message(msg_id, NOBODY, self._talk.waba_number(ACCOUNT)))
        self._talk.delivered(ACCOUNT, msg_id)
        self._talk.expect_failed(msg_id, NOT_IN_NETWORK)

    def button_reply(self) -> None:
        template = self._sent_template()
        self._bsp.person_taps_button(template, 1, BUTTONS[0])
        reply = self._talk.reply(ACCOUNT, "button", PERSON)
        expected = {"payload": "payload-of-button-0", "text": BUTTONS[0]}
        expect(reply.wire["button"] == expected, "it carries the button's payload and text")
        expect(reply.context_id == template.msg_id, "context.id is the msgId of the template")

    def photo(self) -> None:
        template = self._sent_template()
        self._bsp.person_sends_media(ACCOUNT, PERSON, PHOTO, "image/png", "photo.png", "It has arrived", template)
        reply = self._talk.reply(ACCOUNT, "image", PERSON)
        image = reply.wire["image"]
        expect((image["mimeType"], image["caption"]) == ("image/png", "It has arrived"), "it has type and caption")
        self._talk.expect_linked(ACCOUNT, image["mediaURL"], PHOTO, "image/png")

    def other_number(self) -> None:
        msg_id = self._talk.new_id()
        body = "Hello"
        self._talk.send(ACCOUNT, text_message(msg_id, OTHERWISE_KNOWN, self._talk.waba_number(ACCOUNT), body))
        delivered = self._talk.delivered(ACCOUNT, msg_id)
        self._talk.expect_ladder(msg_id)
        self._bsp.person_writes(ACCOUNT, OTHERWISE_KNOWN, "Hello back", in_reply_to=delivered)
        reply = self._talk.reply(ACCOUNT, "text", OTHERWISE_KNOWN)
        expect(reply.context_id == msg_id, "the reply comes from the number that CleverTap knows")

    def _sent_template(self) -> Delivered:
        if self._template is None:
            raise StepFailed("there is no message to answer")
        return self._template


def _texts(*values: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": value} for value in values]
