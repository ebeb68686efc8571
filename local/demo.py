"""`python -m local.demo`: plays the sample conversation; exit status 0 only if every step happened."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import requests

from local.sandbox.clevertap import Incoming
from local.sandbox.clickatell import ClickatellSandbox, Delivered
from local.stack import Stack

STEP_SECONDS = 20
"""How long a step may take; on an idle machine each takes a few seconds."""

CLEAR, SECURE, LEGACY = "acme", "acme-secure", "acme-legacy"
PERSON, CAREFUL_PERSON, NOBODY = "27821230001", "27821230002", "27821239404"
BUTTONS = ("Track my order", "Stop")
SHOP = {
    "longitude": "18.424055",
    "latitude": "-33.924868",
    "name": "Sample shop",
    "address": "1 Example Street, Cape Town",
}
HOME = {"latitude": "-33.96", "longitude": "18.47"}
NOT_IN_NETWORK = 1005
"""CleverTap's code for One API's status 29, RECIPIENT_DOES_NOT_EXIST."""

VALIDATION = {
    "body": {
        "payloadVersion": 0.1,
        "wabaNumber": "9199XXXXXXXX",
        "to": "9189XXXXXXXX",
        "isTemplate": True,
        "template": {"namespace": "whatsapp:hsm:technology:generic:verify", "languageCode": "en"},
        "components": [
            {
                "type": "body",
                "body": {
                    "text": "1 code: 2. Valid for 3 minutes.",
                    "parameters": [{"type": "text", "text": text} for text in ("1", "2", "3")],
                },
            }
        ],
        "msgId": "0|0|0|0",
    }
}


class StepFailed(Exception):
    """A step did not happen, or not as it should."""


def template_message(msg_id: str, to: str, waba_number: str) -> dict[str, Any]:
    return {
        "payloadVersion": 0.1,
        "to": f"+{to}",
        "wabaNumber": waba_number,
        "isTemplate": True,
        "msgId": msg_id,
        "template": {"namespace": "order_shipped", "languageCode": "en(UK)"},
        "components": [
            {
                "type": "header",
                "header": {
                    "type": "text",
                    "text": {"text": "Order 1042", "parameters": [{"type": "text", "text": "1042"}]},
                },
            },
            {
                "type": "body",
                "body": {
                    "text": "Hello Thandi, your order arrives on Friday.",
                    "parameters": [{"type": "text", "text": "Thandi"}, {"type": "text", "text": "Friday"}],
                },
            },
            {"type": "footer", "footer": "Sample shop"},
            *(
                {
                    "type": "button",
                    "index": index,
                    "subType": "quickReply",
                    "buttonText": text,
                    "parameters": [{"type": "payload", "payload": f"payload-of-button-{index}"}],
                }
                for index, text in enumerate(BUTTONS)
            ),
        ],
    }


def text_message(msg_id: str, to: str, waba_number: str, body: str) -> dict[str, Any]:
    return {
        "payloadVersion": 0.1,
        "to": f"+{to}",
        "wabaNumber": waba_number,
        "isTemplate": False,
        "msgId": msg_id,
        "type": "text",
        "text": {"body": body},
    }


def location_message(msg_id: str, to: str, waba_number: str, place: dict[str, str]) -> dict[str, Any]:
    return {
        "payloadVersion": 0.1,
        "to": f"+{to}",
        "wabaNumber": waba_number,
        "isTemplate": False,
        "msgId": msg_id,
        "type": "location",
        "location": place,
    }


class Demo:
    """The conversation; each step raises `StepFailed`."""

    def __init__(self, stack: Stack, day: str) -> None:
        self._stack = stack
        self._day = day
        self._clear: Delivered | None = None
        self._secure: Delivered | None = None

    @property
    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        return [
            ("CleverTap validates the provider", self.validate_provider),
            ("A template message in clear", self.clear_template),
            ("A template message with client-side encryption", self.encrypted_template),
            ("A freeform text with a link", self.freeform_text),
            ("A message to a number that is not on WhatsApp", self.failing_message),
            ("The person taps a button of the template", self.button_reply),
            ("The other person answers the encrypted template", self.text_reply),
            ("A place, encrypted", self.encrypted_location),
            ("The other person sends a place back", self.location_reply),
            ("A text template over the legacy API, encrypted, answered with a location", self.legacy_api),
        ]

    def validate_provider(self) -> None:
        self._send(CLEAR, VALIDATION)
        _expect(not self._stack.clickatell.calls, "nothing of it reached the BSP")

    def clear_template(self) -> None:
        msg_id = self._id(1)
        self._send(CLEAR, template_message(msg_id, PERSON, self._waba_number(CLEAR)))
        self._clear = self._delivered(msg_id)
        _expect(not self._clear.encrypted, "it travelled in clear")
        self._expect_template(self._clear)
        self._expect_ladder(msg_id)

    def encrypted_template(self) -> None:
        msg_id = self._id(2)
        self._send(SECURE, template_message(msg_id, CAREFUL_PERSON, self._waba_number(SECURE)))
        self._secure = self._delivered(msg_id)
        wire = json.dumps(self._secure.wire)
        _expect(self._secure.encrypted, "it travelled encrypted")
        _expect("Thandi" not in wire and "payload-of-button" not in wire, "no value of it travelled in clear")
        self._expect_template(self._secure)
        self._expect_ladder(msg_id)

    def freeform_text(self) -> None:
        msg_id, body = self._id(3), "Hello, see https://example.com/orders/1042"
        self._send(CLEAR, text_message(msg_id, PERSON, self._waba_number(CLEAR), body))
        delivered = self._delivered(msg_id)
        _expect(delivered.wire["content"] == body, "the text is the one that was sent")
        _expect(delivered.wire.get("previewFirstUrl") is True, "the link has a preview")
        self._expect_ladder(msg_id)

    def failing_message(self) -> None:
        msg_id = self._id(4)
        self._send(CLEAR, template_message(msg_id, NOBODY, self._waba_number(CLEAR)))
        self._delivered(msg_id)
        failed = self._stack.clevertap.wait_for_status(msg_id, "failed", STEP_SECONDS)
        if failed is None or failed.error is None:
            raise StepFailed("CleverTap got no failed status with an error")
        _show("CleverTap got", {"msgId": msg_id, "status": "failed", "error": failed.error})
        _expect(failed.error[0] == NOT_IN_NETWORK, f"the code is {NOT_IN_NETWORK}")
        _expect("delivered" not in self._stack.clevertap.statuses_of(msg_id), "it was not reported as delivered")

    def button_reply(self) -> None:
        if self._clear is None:
            raise StepFailed("there is no template message to answer")
        self._stack.clickatell.person_taps_button(self._clear, 1, BUTTONS[0])
        reply = self._reply("button", PERSON)
        expected = {"payload": "payload-of-button-0", "text": BUTTONS[0]}
        _expect(reply.wire["button"] == expected, "it carries the button's payload and text")
        _expect(reply.context_id == self._id(1), "context.id is the msgId of the template")

    def text_reply(self) -> None:
        if self._secure is None:
            raise StepFailed("there is no template message to answer")
        text = "Thank you, Friday is fine 👍"
        self._stack.clickatell.person_writes(SECURE, CAREFUL_PERSON, text, in_reply_to=self._secure)
        reply = self._reply("text", CAREFUL_PERSON)
        _expect(reply.wire["text"] == {"body": text}, "it was decrypted")
        _expect(reply.context_id == self._id(2), "context.id is the msgId of the template")

    def encrypted_location(self) -> None:
        msg_id = self._id(5)
        self._send(SECURE, location_message(msg_id, CAREFUL_PERSON, self._waba_number(SECURE), SHOP))
        delivered = self._delivered(msg_id)
        _expect("Sample shop" not in json.dumps(delivered.wire), "no part of it travelled in clear")
        _expect((delivered.content or {}).get("location") == SHOP, "the person sees the place that was sent")
        self._expect_ladder(msg_id)

    def location_reply(self) -> None:
        self._stack.clickatell.person_sends_location(SECURE, CAREFUL_PERSON, HOME, in_reply_to=self._secure)
        reply = self._reply("location", CAREFUL_PERSON)
        _expect(reply.wire["location"] == HOME, "it was decrypted, and names nothing that the person left out")
        _expect(reply.context_id == self._id(2), "context.id is the msgId of the template")

    def legacy_api(self) -> None:
        msg_id, legacy = self._id(6), self._stack.clickatell_legacy
        message = template_message(msg_id, PERSON, self._waba_number(LEGACY))
        body = [component for component in message["components"] if component["type"] == "body"]
        self._send(LEGACY, {**message, "components": body})
        delivered = self._delivered(msg_id, legacy)
        _expect(delivered.encrypted and "Thandi" not in json.dumps(delivered.wire), "it travelled encrypted")
        hsm = {"template": "order_shipped", "parameters": {"1": "Thandi", "2": "Friday"}}
        _expect((delivered.content or {}).get("hsm") == hsm, "the person sees the template as CleverTap meant it")
        self._expect_ladder(msg_id)
        place = {"latitude": "-33.9", "longitude": "18.6", "name": "The gate"}
        legacy.person_sends_location(LEGACY, PERSON, place, in_reply_to=delivered)
        reply = self._reply("location", PERSON)
        _expect(reply.wire["location"] == place, "it was decrypted")
        _expect(reply.context_id == msg_id, "context.id is the msgId of the template")

    def conclude(self) -> None:
        """Nothing is left over, doubled, or malformed."""
        _expect(self._stack.clevertap.violations == [], "CleverTap understood every callback")
        left = {name: depth for name, depth in self._stack.queue_depths().items() if depth and _is_for_failures(name)}
        _expect(left == {}, f"no dead letters and nothing in quarantine{f': {left}' if left else ''}")
        everything = [*self._stack.clickatell.delivered, *self._stack.clickatell_legacy.delivered]
        ids = [delivered.client_message_id for delivered in everything]
        _expect(sorted(ids) == [self._id(number) for number in range(1, 7)], "every message was sent exactly once")

    def _id(self, number: int) -> str:
        return f"4200{number}|1700000000|{self._day}|1"

    def _waba_number(self, account: str) -> str:
        return str(self._stack.accounts[account]["waba_number"])

    def _send(self, account: str, message: dict[str, Any]) -> None:
        credentials = self._stack.accounts[account]["clevertap"]["authorization"][0]
        basic = credentials["type"] == "basic"
        answer = requests.post(
            f"{self._stack.url}/{account}/send",
            json=message,
            auth=(credentials["username"], credentials["password"]) if basic else None,
            headers={} if basic else {credentials["name"]: credentials["value"]},
            timeout=STEP_SECONDS,
        )
        _show(f"CleverTap sent to {account}", message)
        _show(f"and was answered {answer.status_code} in {answer.elapsed.total_seconds() * 1000:.0f} ms", answer.json())
        _expect(answer.status_code == 200 and answer.json() == {"status": "success"}, "the bridge took it")

    def _delivered(self, msg_id: str, bsp: ClickatellSandbox | None = None) -> Delivered:
        delivered = (bsp or self._stack.clickatell).wait_for(msg_id, STEP_SECONDS)
        if delivered is None:
            raise StepFailed("the BSP did not get the message")
        _show("The BSP got", delivered.wire)
        if delivered.content is None:
            raise StepFailed(f"the BSP could not use the message: {delivered.problem}")
        if delivered.encrypted:
            _show("and decrypted", delivered.content)
        return delivered

    def _reply(self, kind: str, sender: str) -> Incoming:
        def matches(incoming: Incoming) -> bool:
            return incoming.type == kind and incoming.wire["from"] == sender

        reply = self._stack.clevertap.wait_for_incoming(matches, STEP_SECONDS)
        if reply is None:
            raise StepFailed(f"CleverTap got no {kind} message")
        _show("CleverTap got", reply.wire)
        return reply

    def _expect_template(self, delivered: Delivered) -> None:
        template = (delivered.content or {}).get("template")
        expected = {
            "templateName": "order_shipped",
            "header": {"type": "text", "text": {"parameters": {"1": "1042"}}},
            "body": {"parameters": {"1": "Thandi", "2": "Friday"}},
            "buttons": {
                "suggestedResponse": {"postbackData": {"1": "payload-of-button-0", "2": "payload-of-button-1"}}
            },
        }
        _expect(template == expected, "the person sees the template as CleverTap meant it")

    def _expect_ladder(self, msg_id: str) -> None:
        self._stack.clevertap.wait_for_status(msg_id, "read", STEP_SECONDS)
        names = self._stack.clevertap.statuses_of(msg_id)
        _show("CleverTap got the statuses", names)
        _expect(names == ["sent", "delivered", "read"], "sent, delivered, read: each once and in order")


def _is_for_failures(queue: str) -> bool:
    return "DeadLetter" in queue or "Quarantine" in queue


def _expect(condition: bool, what: str) -> None:
    if not condition:
        raise StepFailed(f"not so: {what}")
    print(f"  ok: {what}", flush=True)


def _show(what: str, value: Any) -> None:
    print(f"  {what}: {json.dumps(value, ensure_ascii=False)}", flush=True)


def play(stack: Stack, day: str) -> list[str]:
    """Play every step, printing what happens; returns what failed."""
    demo = Demo(stack, day)
    failures = []
    for title, step in [*demo.steps, ("In the end", demo.conclude)]:
        print(f"\n{title}", flush=True)
        try:
            step()
        except (StepFailed, requests.RequestException) as error:
            print(f"  FAILED: {error}", flush=True)
            failures.append(f"{title}: {error}")
    return failures


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description="Play the sample conversation.")
    parser.add_argument("--verbose", action="store_true", help="show the functions' logs")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    with Stack(verbose=options.verbose) as stack:
        print(f"Serving at {stack.url}", flush=True)
        failures = play(stack, time.strftime("%Y%m%d", time.gmtime()))
        if failures and not options.verbose:
            print(f"\nLast lines of the functions' logs:\n{stack.log_tail()}")
    print(f"\n{len(failures)} of the steps failed" if failures else "\nEvery step happened", end="")
    print(f" ({time.monotonic() - started:.0f} s)")
    for failure in failures:
        print(f"  {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
