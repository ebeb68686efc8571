"""The steps over Message Central, whose templates have no id until their first status."""

from local.demo.conversation import STEP_SECONDS, Conversation, Step, StepFailed, expect, show
from local.demo.files import picture
from local.demo.messages import BUTTONS, freeform_message, template_message, text_message
from local.sandbox.bsp import Delivered
from local.sandbox.files import File

ACCOUNT, PERSON = "acme-central", "27821230001"
PHOTO = picture(20, 120, 200)


def steps(conversation: Conversation) -> list[Step]:
    part = _Part(conversation)
    return [
        ("A template over Message Central, correlated by its recipient", part.template),
        ("A chat over Message Central", part.chat),
        ("A photo over Message Central", part.photo),
        ("The person answers Message Central's template", part.reply),
        ("The person taps a button of the template", part.tap),
        ("The person sends a photo, which Message Central does not give out", part.photo_reply),
    ]


class _Part:
    def __init__(self, conversation: Conversation) -> None:
        self._talk = conversation
        self._bsp = conversation.stack.bsp("message_central")
        self._template: tuple[str, Delivered] | None = None

    def template(self) -> None:
        msg_id = self._talk.new_id()
        message = template_message(msg_id, PERSON, self._number)
        # A header with a value has no place here.
        parts = [component for component in message["components"] if component["type"] != "header"]
        self._talk.send(ACCOUNT, {**message, "components": parts})
        delivered = self._delivered({"template": "order_shipped", "language": "en_GB"})
        expect(delivered.wire["variables"] == ["Thandi", "Friday"], "the person sees the template as CleverTap sent it")
        self._talk.expect_ladder(msg_id)
        self._template = (msg_id, delivered)

    def chat(self) -> None:
        msg_id, body = self._talk.new_id(), "Hello, your order is on its way"
        self._talk.send(ACCOUNT, text_message(msg_id, PERSON, self._number, body))
        self._delivered({"message": body})
        self._talk.expect_ladder(msg_id)

    def photo(self) -> None:
        msg_id, caption = self._talk.new_id(), "This is what it looks like"
        address = self._bsp.host_file("parcel.png", PHOTO, "image/png")
        content = {"mediaURL": address, "caption": caption}
        self._talk.send(ACCOUNT, freeform_message(msg_id, PERSON, self._number, "image", content))
        delivered = self._delivered({"message": caption})
        expect(delivered.file == File(PHOTO, "image/png", "parcel.png"), "the person sees the photo")
        self._talk.expect_ladder(msg_id)

    def reply(self) -> None:
        if self._template is None:
            raise StepFailed("there is no template to answer")
        msg_id, delivered = self._template
        self._bsp.person_writes(ACCOUNT, PERSON, "Friday is fine", in_reply_to=delivered)
        reply = self._talk.reply(ACCOUNT, "text", PERSON)
        expect(reply.wire["text"] == {"body": "Friday is fine"}, "it says what the person wrote")
        expect(reply.context_id == msg_id, "context.id is the msgId of the template")

    def tap(self) -> None:
        if self._template is None:
            raise StepFailed("there is no template to tap")
        msg_id, delivered = self._template
        self._bsp.person_taps_button(delivered, 2, BUTTONS[1])
        reply = self._talk.reply(ACCOUNT, "button", PERSON)
        expected = {"payload": "payload-of-button-1", "text": BUTTONS[1]}
        expect(reply.wire["button"] == expected, "the payload is back, which Message Central never got")
        expect(reply.context_id == msg_id, "context.id is the msgId of the template")

    def photo_reply(self) -> None:
        self._bsp.person_sends_media(ACCOUNT, PERSON, "image", "image/jpeg", "It is here")
        words = {"body": "[image not available] It is here"}
        found = self._talk.stack.clevertap.wait_for_incoming(
            lambda incoming: (incoming.account, incoming.wire.get("text")) == (ACCOUNT, words), STEP_SECONDS
        )
        expect(found is not None, "CleverTap gets a text with the photo's caption")

    @property
    def _number(self) -> str:
        return self._talk.waba_number(ACCOUNT)

    def _delivered(self, content: dict[str, str]) -> Delivered:
        """The message with this content, because it has no msgId."""

        def found() -> list[Delivered]:
            return [item for item in self._bsp.delivered if content.items() <= item.wire.items()]

        if not self._bsp.wait_until(lambda: bool(found()), STEP_SECONDS):
            raise StepFailed("the BSP did not get the message")
        show("The BSP got", found()[0].wire)
        return found()[0]
