"""The steps over Clickatell's legacy WhatsApp API, with client-side encryption."""

import json

from local.demo.conversation import Conversation, Step, expect
from local.demo.files import document
from local.demo.messages import freeform_message, template_message
from local.sandbox.files import File

ACCOUNT, PERSON = "acme-legacy", "27821230001"
INVOICE, RECEIPT = document("Invoice"), document("Receipt")


def steps(conversation: Conversation) -> list[Step]:
    part = _Part(conversation)
    return [
        ("A text template over the legacy API, encrypted, answered with a location", part.text_template),
        ("A document over the legacy API, encrypted", part.document),
        ("The person sends a document back", part.document_reply),
    ]


class _Part:
    def __init__(self, conversation: Conversation) -> None:
        self._talk = conversation
        self._bsp = conversation.stack.bsp("clickatell_legacy")

    def text_template(self) -> None:
        msg_id = self._talk.new_id()
        message = template_message(msg_id, PERSON, self._talk.waba_number(ACCOUNT))
        body = [component for component in message["components"] if component["type"] == "body"]
        self._talk.send(ACCOUNT, {**message, "components": body})
        delivered = self._talk.delivered(ACCOUNT, msg_id)
        expect(delivered.encrypted and "Thandi" not in json.dumps(delivered.wire), "it was sent encrypted")
        hsm = {"template": "order_shipped", "parameters": {"1": "Thandi", "2": "Friday"}}
        expect((delivered.content or {}).get("hsm") == hsm, "the person sees the template as CleverTap sent it")
        self._talk.expect_ladder(msg_id)
        place = {"latitude": "-33.9", "longitude": "18.6", "name": "The gate"}
        self._bsp.person_sends_location(ACCOUNT, PERSON, place, in_reply_to=delivered)
        reply = self._talk.reply(ACCOUNT, "location", PERSON)
        expect(reply.wire["location"] == place, "it was decrypted")
        expect(reply.context_id == msg_id, "context.id is the msgId of the template")

    def document(self) -> None:
        msg_id, caption = self._talk.new_id(), "Your invoice"
        file = {"mediaURL": self._bsp.host_file("invoice.pdf", INVOICE, "application/pdf"), "caption": caption}
        self._talk.send(ACCOUNT, freeform_message(msg_id, PERSON, self._talk.waba_number(ACCOUNT), "file", file))
        delivered = self._talk.delivered(ACCOUNT, msg_id)
        expect(caption not in json.dumps(delivered.wire), "its caption was not sent unencrypted")
        expect((delivered.content or {})["caption"] == caption, "the person sees the caption")
        # This API has no member for a file's name.
        expect(delivered.file == File(INVOICE, "application/pdf", ""), "the person sees the document")
        self._talk.expect_ladder(msg_id)

    def document_reply(self) -> None:
        self._bsp.person_sends_media(ACCOUNT, PERSON, RECEIPT, "application/pdf", "receipt.pdf")
        file = self._talk.reply(ACCOUNT, "file", PERSON).wire["file"]
        expect(file["mimeType"] == "application/pdf", "it has its type")
        self._talk.expect_linked(ACCOUNT, file["mediaURL"], RECEIPT, "application/pdf")
