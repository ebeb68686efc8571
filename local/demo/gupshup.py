"""The steps over Gupshup's enterprise API: templates by text and by id, reports, clicks, and messages from people."""

import json
from typing import Any

from local.demo.conversation import STEP_SECONDS, Conversation, Step, StepFailed, expect, show
from local.demo.messages import BUTTONS, template_message, text_message
from local.sandbox.bsp import Delivered

ACCOUNT, PERSON = "acme-gupshup", "27821230005"
LINK = "https://shop.example/orders/1042"
PHOTO = b"\xff\xd8\xff\xe0 a photo"


def steps(conversation: Conversation) -> list[Step]:
    part = _Part(conversation)
    return [
        ("A template over Gupshup, by its text, with a link and two buttons", part.template_by_text),
        ("The person opens its link, which Gupshup tracks", part.click),
        ("A template over Gupshup, by its id, with two buttons", part.template_by_id),
        ("The person taps one of them", part.tap),
        ("A freeform message over Gupshup", part.session_message),
        ("The person answers with a photo", part.photo),
    ]


class _Part:
    def __init__(self, conversation: Conversation) -> None:
        self._talk = conversation
        self._bsp = conversation.stack.bsp("gupshup")
        self._by_text: Delivered | None = None
        self._by_id: Delivered | None = None
        self._session: Delivered | None = None

    def template_by_text(self) -> None:
        message = self._template()
        link = {
            "type": "button",
            "index": len(BUTTONS),
            "subType": "dynamicUrl",
            "buttonText": "Track",
            "parameters": [{"type": "text", "text": "orders/1042"}],
        }
        named = {"namespace": "order_link", "languageCode": "en"}
        delivered = self._sent({**message, "template": named, "components": [*message["components"], link]})
        self._by_text = delivered
        wire = delivered.wire
        expect(wire["msg"] == "Hello Thandi, your order arrives on Friday.", "its body went out as a text")
        expect((wire["header"], wire["footer"]) == ("Order 1042", "Sample shop"), "and so did header and footer")
        expect(wire["buttonUrlParam"] == "orders/1042", "its link has its ending")
        expect("payload-of-button-0" not in wire.values(), "its buttons' payloads have no place")
        expect(wire["userid"] == self._login("hsm"), "it was sent with the HSM account")
        self._talk.expect_ladder(delivered.msg_id)

    def click(self) -> None:
        message = _there(self._by_text)
        self._bsp.person_opens_link(message, LINK)
        clevertap = self._talk.stack.clevertap
        expect(
            clevertap.wait_for_status(message.msg_id, "clicked", STEP_SECONDS) is not None,
            "CleverTap got the click",
        )
        expect(self._bsp.wait_idle(STEP_SECONDS), "Gupshup reported it twice")
        show("CleverTap got the statuses", clevertap.statuses_of(message.msg_id))

    def template_by_id(self) -> None:
        self._by_id = delivered = self._sent(self._template())
        wire = delivered.wire
        expect(wire["whatsAppTemplateId"] == "7001", "it was sent with the id in the account")
        expect((wire["var1"], wire["var2"], wire["hvar1"]) == ("Thandi", "Friday", "1042"), "with its variables")
        buttons = json.loads(wire["wa_template_json"])["components"]
        payloads = [button["parameters"][0]["payload"] for button in buttons]
        expect(payloads == ["payload-of-button-0", "payload-of-button-1"], "and its buttons' payloads")
        opt_ins = [call for call in self._bsp.calls if call.form["method"] == "OPT_IN"]
        expect(len(opt_ins) == 1, "the person was opted in once, before the first template")
        self._talk.expect_ladder(delivered.msg_id)

    def tap(self) -> None:
        template = _there(self._by_id)
        self._bsp.person_taps_button(template, 2, BUTTONS[1])
        reply = self._talk.reply(ACCOUNT, "button", PERSON)
        expected = {"payload": "payload-of-button-1", "text": BUTTONS[1]}
        expect(reply.wire["button"] == expected, "it carries the button's payload and text")
        expect(reply.context_id == template.msg_id, "context.id is the msgId of the template")

    def session_message(self) -> None:
        msg_id, body = self._talk.new_id(), "Namaste 🙏 what does the parcel look like?"
        self._session = delivered = self._sent(text_message(msg_id, PERSON, self._talk.waba_number(ACCOUNT), body))
        expect(delivered.wire["msg"] == body, "the text is unchanged")
        expect(delivered.wire["userid"] == self._login("two_way"), "it was sent with the two-way account")
        self._talk.expect_ladder(msg_id)

    def photo(self) -> None:
        message = _there(self._session)
        self._bsp.person_sends_media(ACCOUNT, PERSON, PHOTO, "image/jpeg", "parcel.jpg", "Wet", message)
        reply = self._talk.reply(ACCOUNT, "image", PERSON)
        image = reply.wire["image"]
        expect((image["mimeType"], image["caption"]) == ("image/jpeg", "Wet"), "it has its type and caption")
        expect(f"/{ACCOUNT}/media/" in image["mediaURL"], "CleverTap's link is the bridge's, not the one that expires")
        expect(reply.context_id == message.msg_id, "context.id is the msgId of the freeform message")
        clicks = self._talk.stack.clevertap.statuses_of(_there(self._by_text).msg_id).count("clicked")
        expect(clicks == 1, "the click was reported once")

    def _template(self) -> dict[str, Any]:
        return template_message(self._talk.new_id(), PERSON, self._talk.waba_number(ACCOUNT))

    def _sent(self, message: dict[str, Any]) -> Delivered:
        self._talk.send(ACCOUNT, message)
        return self._talk.delivered(ACCOUNT, str(message["msgId"]))

    def _login(self, kind: str) -> str:
        return str(self._talk.stack.accounts[ACCOUNT]["provider"][kind]["user_id"])


def _there(delivered: Delivered | None) -> Delivered:
    if delivered is None:
        raise StepFailed("there is no message to answer")
    return delivered
