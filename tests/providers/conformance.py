"""What every BSP adapter has to do. An adapter's test class inherits `ProviderConformance` and fills in its samples.

All samples are made of the values in `PRIVATE`: after each test, none of them may be in a log record of any level, ours
or a library's at Lambda's own log level DEBUG, nor in any exception text or repr seen on the way.
"""

import json
import logging
import re
import zlib
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from math import floor, log2
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from local.sandbox.bsps import SANDBOXES
from local.sandbox.conventions import CONVENTIONS, NOT_APPROVED
from tests.providers.conformance_files import NAMES, FileConformance
from tests.support import sample_files, undecodable
from tests.support.bsp import Answer, Bsp, Fault, Script, refusing_url
from tests.support.private import looked_into
from tests.support.services import services
from tests.support.world import PUBLIC_URL, World, account_of, world
from whatsapp_bridge.accounts.account import Account, AccountInvalid
from whatsapp_bridge.clevertap.answers import SUCCESS
from whatsapp_bridge.clevertap.callbacks import StatusError, StatusUpdate
from whatsapp_bridge.clevertap.codes import CallbackError, RequestError
from whatsapp_bridge.clevertap.messages import FreeformMessage, TemplateMessage
from whatsapp_bridge.clevertap.reading import parse_message
from whatsapp_bridge.net.http import Answer as HttpAnswer
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.net.limits import Patience
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.capabilities import Capabilities, Refused
from whatsapp_bridge.providers.contract.client import Client
from whatsapp_bridge.providers.contract.inbound import (
    BodyUnreadable,
    Callback,
    Event,
    NotACallback,
    NotUnderstood,
    ReplyEvent,
)
from whatsapp_bridge.providers.contract.outcomes import (
    Accepted,
    NotSent,
    Outcome,
    Outgoing,
    Rejected,
    Throttled,
    Unknown,
)
from whatsapp_bridge.providers.contract.replies import Reply
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.runtime.observability import logger

PERSON = "27831234567"
OTHER_PERSON = "27837654321"
TEXT = "private words"
SECRET = "private-secret"
PRIVATE = (PERSON, OTHER_PERSON, "private")
"""No log record, exception text or repr holds one of these. The samples' texts and secrets begin with the last."""

READ_SECONDS = 0.3
ACCOUNT_CACHE_SECONDS = 300
FIFO_DEDUPLICATION_SECONDS = 300

type Json = dict[str, Any]


# --- CleverTap's messages, one for each capability -------------------------------------------------------------------


def freeform(kind: str, content: Json, to: str = PERSON) -> Json:
    envelope = {"payloadVersion": 0.1, "to": f"+{to}", "wabaNumber": "+27999000001", "msgId": "1|2|3|4"}
    return {**envelope, "isTemplate": False, "type": kind, kind: content}


def template(*components: Json, to: str = PERSON) -> Json:
    envelope = {"payloadVersion": 0.1, "to": f"+{to}", "wabaNumber": "+27999000001", "msgId": "1|2|3|4"}
    saved = {"namespace": "order_update", "languageCode": "en_US"}
    return {**envelope, "isTemplate": True, "template": saved, "components": list(components)}


def header(kind: str, content: Json) -> Json:
    return {"type": "header", "header": {"type": kind, kind: content}}


def body(*values: str) -> Json:
    parameters = [{"type": "text", "text": value} for value in values]
    return {"type": "body", "body": {"text": "Hello", "parameters": parameters}}


def button(sub_type: str, *parameters: Json, index: int = 0, text: str = "Tap") -> Json:
    return {"type": "button", "index": index, "subType": sub_type, "buttonText": text, "parameters": list(parameters)}


def payload(value: str) -> Json:
    return {"type": "payload", "payload": value}


def suffix(value: str) -> Json:
    return {"type": "text", "text": value}


MEDIA = {"mediaURL": "https://files.example/private.jpg", "filename": "private.pdf"}
PLACE = {"latitude": "-33.9", "longitude": "18.6", "name": "private place"}
OFFER = {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_900_000_000_000}}

# Capability: the message, and a value that has to show in the request ("" where the BSP needs to be told nothing).
MESSAGES: Mapping[str, tuple[Json, str]] = {
    "freeform:text": (freeform("text", {"body": TEXT}), TEXT),
    "freeform:image": (freeform("image", MEDIA), "private.jpg"),
    "freeform:video": (freeform("video", MEDIA), "private.jpg"),
    "freeform:audio": (freeform("audio", MEDIA), "private.jpg"),
    "freeform:file": (freeform("file", MEDIA), "private.jpg"),
    "freeform:location": (freeform("location", PLACE), "private place"),
    "headers:text": (template(header("text", {"text": TEXT, "parameters": [suffix(TEXT)]}), body("private 1")), TEXT),
    "headers:image": (template(header("image", MEDIA), body("private 1")), "private.jpg"),
    "headers:video": (template(header("video", MEDIA), body("private 1")), "private.jpg"),
    "headers:file": (template(header("file", MEDIA), body("private 1")), "private.jpg"),
    "headers:audio": (template(header("audio", MEDIA), body("private 1")), "private.jpg"),
    "headers:location": (template(header("location", PLACE), body("private 1")), "private place"),
    "buttons:quickReply": (template(body("private 1"), button("quickReply", payload(TEXT))), TEXT),
    "buttons:dynamicUrl": (template(body("private 1"), button("dynamicUrl", suffix(TEXT))), TEXT),
    "buttons:staticUrl": (template(body("private 1"), button("staticUrl", suffix(TEXT))), ""),
    "buttons:callPhone": (template(body("private 1"), button("callPhone", suffix(PERSON))), ""),
    "buttons:copy_code": (
        template(body("private 1"), button("copy_code", {"type": "coupon_code", "coupon_code": "private code"})),
        "private code",
    ),
    "extras:limited_time_offer": (
        template(body("private 1"), {"type": "limited_time_offer", "text": TEXT, "parameters": [OFFER]}),
        "1900000000000",
    ),
    "extras:carousel": (
        template(body("private 1"), {"type": "carousel", "cards": [{"components": [body(TEXT)]}] * 2}),
        TEXT,
    ),
}
# What is behind the addresses in messages to people, and in messages from them, by CleverTap's kind.
FILES: Mapping[str, bytes] = {
    "image": sample_files.JPEG,
    "video": sample_files.MP4,
    "audio": sample_files.OPUS,
    "voice": sample_files.OPUS,
    "file": sample_files.PDF,
}
CONTENT_TYPES: Mapping[str, str] = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "audio": "audio/ogg",
    "voice": "audio/ogg",
    "file": "application/pdf",
}

# A file's address as CleverTap's customers have it, and as it goes on.
ADDRESSES: Mapping[str, tuple[str, str]] = {
    "blanks": ("https://files.example/private sale/a b.png", "https://files.example/private%20sale/a%20b.png"),
    "accents": ("https://files.example/\u0142\u00e9.png?v=\u00fc", "https://files.example/%C5%82%C3%A9.png?v=%C3%BC"),
    "a bar": ("https://files.example/private|1.png", "https://files.example/private%7C1.png"),
    "an umlaut in the host": ("https://m\u00fcnchen.example/private", "https://xn--mnchen-3ya.example/private"),
    "a zero-width space at its end": ("https://files.example/private.png\u200b", "https://files.example/private.png"),
    "a line break at its end": ("https://files.example/private.png\r\n", "https://files.example/private.png"),
    "encoded already": (
        "https://files.example/private%20a%2fb.png?X-Amz-Signature=a%2Bb%2F&e=%7e&q=a+b",
        "https://files.example/private%20a%2fb.png?X-Amz-Signature=a%2Bb%2F&e=%7e&q=a+b",
    ),
}
# The name of a PDF at an address that ends in ".pdf". As of files from people, but nobody may have looked into it: then
# the extension of another type stays.
NAMES_TO_PEOPLE: Mapping[str, tuple[str, str]] = {
    **{name: row for name, row in NAMES.items() if name not in ("an extension of another type", "none")},
    "a number behind a dot and a space": ("private No. 5", "private No. 5.pdf"),
    "a date": ("private 31.10", "private 31.10.pdf"),
    "a version": ("v1.2 private", "v1.2 private.pdf"),
    "none": ("", "private.pdf"),
}

# Messages from people that CleverTap has no form for, and the form they take.
CLOSEST_FORM: Mapping[str, str] = {"contacts": "text"}

# What no adapter can know: kinds that CleverTap may come to send one day.
UNDOCUMENTED: Mapping[str, Json] = {
    "component": template(body("private 1"), {"type": "private_component", "x": TEXT}),
    "header": template({"type": "header", "header": {"type": "private_header", "private_header": MEDIA}}, body("x")),
    "button": template(body("private 1"), button("privateButton")),
}


def _carousel(*cards: Json) -> Json:
    return template(body("private 1"), {"type": "carousel", "cards": list(cards)})


def _card(*components: Json) -> Json:
    return {"components": list(components)}


_VALUE = "components[0].body.parameters[0].text"
# What WhatsApp refuses, whatever the BSP and the template: the message, and the member that is wrong.
BEYOND_WHATSAPP: Mapping[str, tuple[Json, str]] = {
    "a line break in a value": (template(body("private\nwords")), _VALUE),
    "a carriage return": (template(body("private\rwords")), _VALUE),
    "a tab": (template(body("private\twords")), _VALUE),
    "five spaces in a row": (template(body(f"private{' ' * 5}words")), _VALUE),
    "a line break in the second value": (template(body("a", "b\n")), "components[0].body.parameters[1].text"),
    "a line break in a header's value": (
        template(header("text", {"text": TEXT, "parameters": [suffix("private\nwords")]}), body("a")),
        "components[0].header.text.parameters[0].text",
    ),
    "a line break in a URL": (
        template(body("a"), button("dynamicUrl", suffix("private\nwords"))),
        "components[1].parameters[0].text",
    ),
    "a placeholder in a URL": (
        template(body("a"), button("dynamicUrl", suffix("https://private.example/{{ 1 }}"))),
        "components[1].parameters[0].text",
    ),
    "a placeholder with a name in a URL": (
        template(body("a"), button("dynamicUrl", suffix("https://private.example/{{code}}"))),
        "components[1].parameters[0].text",
    ),
    "a placeholder in a card's URL": (
        _carousel(*(_card(body("a"), button("dynamicUrl", suffix(value))) for value in ("x", "{{1}}"))),
        "components[1].cards[1].components[1].parameters[0].text",
    ),
    "a long header": (template(header("text", {"text": "k" * 61}), body("a")), "components[0].header.text.text"),
    "a long value in a header": (
        template(header("text", {"text": "", "parameters": [suffix("k" * 61)]}), body("a")),
        "components[0].header.text.parameters",
    ),
    "a long body": (template({"type": "body", "body": {"text": "k" * 1025}}), "components[0].body.text"),
    "long values": (template(body("k" * 1000, "k" * 25)), "components[0].body.parameters"),
    "a body that its values make long": (
        template({"type": "body", "body": {"text": "k" * 1000 + " {{1}}", "parameters": [suffix("k" * 24)]}}),
        "components[0].body.text",
    ),
    "a long footer": (template(body("a"), {"type": "footer", "footer": "k" * 61}), "components[1].footer"),
    "eleven buttons": (
        template(body("a"), *(button("staticUrl", index=index) for index in range(11))),
        "components[11]",
    ),
    "one card": (_carousel(_card(body("a"))), "components[1].cards"),
    "eleven cards": (_carousel(*[_card(body("a"))] * 11), "components[1].cards[10]"),
    "cards with other buttons": (
        _carousel(*(_card(body("a"), button(kind)) for kind in ("quickReply", "callPhone"))),
        "components[1].cards[1]",
    ),
    "cards with other headers": (
        _carousel(*(_card(header(kind, MEDIA), body("a")) for kind in ("image", "video"))),
        "components[1].cards[1]",
    ),
    "a card without a body": (
        _carousel(_card(header("image", MEDIA), body("a")), _card(header("image", MEDIA))),
        "components[1].cards[1]",
    ),
    "a line break in a card's value": (
        _carousel(_card(body("a")), _card(body("a\nb"))),
        "components[1].cards[1].components[0].body.parameters[0].text",
    ),
    "a long text": (freeform("text", {"body": "k" * 4097}), "text.body"),
}

# A text of a secret as somebody pastes it ("x"), which means the text alone.
PASTED: Mapping[str, str] = {
    "a line break": "x\n",
    "a line break of Windows": "x\r\n",
    "blanks around it": " x\u00a0 ",
    "a tab in front": "\tx",
    "a byte-order mark": "\ufeffx",
    "a zero-width space": "x\u200b",
    "direction marks": "\u202ax\u202c",
}
# The same with what nobody can have meant: the field is named.
UNFIT: Mapping[str, str] = {
    "a line break inside": "x\nx",
    "a tab inside": "x\tx",
    "a byte-order mark inside": "x\ufeffx",
    "a zero-width space inside": "x\u200bx",
    "a no-break space inside": "x\u00a0x",
    "a placeholder": "REPLACE-by-the-x",
}

# What comes from gateways and networks rather than from a BSP's own code: nothing in it is about a message.
WORDLESS_ANSWERS: Mapping[str, tuple[Script, Any]] = {
    "429": (Answer(429), Throttled(None)),
    "429 with a time": (Answer(429, headers={"Retry-After": "7"}), Throttled(7.0)),
    "429 with a page": (Answer(429, b"<html>private</html>"), Throttled(None)),
    "500": (Answer(500), Unknown),
    "500 with a page": (Answer(500, b"<html>private</html>"), Unknown),
    "502": (Answer(502), Unknown),
    "503": (Answer(503), Throttled(None, overload=True)),
    "503 with a time and a page": (
        Answer(503, b"<html>private</html>", headers={"Retry-After": "7"}),
        Throttled(7.0, overload=True),
    ),
    "504 with other JSON": (Answer(504, {"message": "private"}), Unknown),
    "401": (Answer(401), NotSent),
    "403 with a page": (Answer(403, b"<html>private</html>"), NotSent),
    "redirect": (Answer(302, headers={"Location": "/elsewhere"}), NotSent),
    "200 with nothing": (Answer(200), Unknown),
    "200 without JSON": (Answer(200, b"private"), Unknown),
    "200 with other JSON": (Answer(200, {"private": [1]}), Unknown),
    "200 with a list": (Answer(200, ["private"]), Unknown),
    "200 not UTF-8": (Answer(200, b'{"a": "\xff"}'), Unknown),
    "never answered": (Fault.HANG, Unknown),
    "connection dropped": (Fault.DROP, Unknown),
    "answer cut off": (Fault.CUT, Unknown),
}


def meaning_without_a_word(status: int) -> type[Outcome]:
    if status in (429, 503):
        return Throttled
    if status in (408, 409, 425, 499) or status >= 500:
        return Unknown
    return Rejected if status in (413, 414, 431) else NotSent


_NUMBERS: Final = re.compile(r"\b2783\d{7}\b")
_TIME: Final = re.compile(rb'\\?"(timestamp|eventTs)\\?": *("[^"]*"|[0-9.]+)')
# As JSON, and what CleverTap is told: None is the time of arrival.
TIMES: Mapping[str, tuple[bytes, int | None]] = {
    "seconds": (b"1700000100", 1_700_000_100),
    "seconds as text": (b'"1700000100"', 1_700_000_100),
    "seconds with a fraction": (b'"1700000100.25"', 1_700_000_100),
    "milliseconds": (b"1700000100999", 1_700_000_100),
    "microseconds": (b'"1700000100000001"', 1_700_000_100),
    "ISO 8601": (b'"2023-11-14T22:15:00Z"', 1_700_000_100),
    "ISO 8601 without a zone": (b'"2023-11-14T22:15:00.5"', 1_700_000_100),
    "null": (b"null", None),
    "empty": (b'""', None),
    "zero": (b'"0"', None),
    "placeholder": (b'"TIMESTAMP"', None),
    "object": (b'{"seconds": 1700000100}', None),
}
_NO_NAMES: Final = (b"null", b"\xc2\xa0")
# As JSON in place of a text, and how it reads.
TEXTS: Mapping[str, tuple[bytes, str]] = {
    "digits that have lost their quotes": (b"482913", "482913"),
    "a fraction": (b"1.5", "1.5"),
    "true": (b"true", "true"),
    "an object": (b'{"private": [1, null]}', '{"private":[1,null]}'),
    "a list": (b'["private"]', '["private"]'),
    "blanks alone": (b'"\xc2\xa0 "', "\u00a0 "),
    "null as text": (b'"null"', "null"),
}

# Inherited tests run on instances of several classes, which Hypothesis would take for a mistake.
PROPERTY = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.differing_executors]
)

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


# --- the suite -------------------------------------------------------------------------------------------------------


class ProviderConformance(FileConformance, ABC):
    """Subclass it as `Test…`, fill in the tables and methods; each row becomes a test."""

    provider: ClassVar[str]

    required: ClassVar[Sequence[str]]
    """Paths below `provider` of the account's secret that must be there. The first is a credential that shows in every
    request: by it the suite sees whether new credentials are used."""
    wrong: ClassVar[Mapping[str, tuple[str, Any]]]
    """Name: path below `provider` (or `options`), and a value that must be refused there."""

    names_documents: ClassVar[bool] = True
    """Whether the BSP is told a name with a document."""

    not_callbacks: ClassVar[Mapping[str, bytes]]
    """Bodies that are not a callback of this BSP at all, besides what is no JSON object."""
    unreadable: ClassVar[Mapping[str, bytes]] = {}
    """Bodies of which nothing can be read, besides what is neither JSON nor a form."""
    empty_callbacks: ClassVar[Mapping[str, bytes]]
    """Callbacks without an event."""
    bad_elements: ClassVar[Mapping[str, Any]]
    """Elements that `mixed_callbacks` puts between good ones."""

    @abstractmethod
    def secret(self, base_url: str) -> Json:
        """A complete account secret; each secret value begins with `private`."""

    @abstractmethod
    def accepting(self, batch: Sequence[Outgoing]) -> Answer:
        """The BSP's answer that takes every message, as `bsp-<reference>`; not in their order, where it is free."""

    @abstractmethod
    def rejecting(self, batch: Sequence[Outgoing]) -> Answer:
        """The BSP's answer that refuses every message because of its recipient."""

    @abstractmethod
    def refusing_credentials(self) -> Answer:
        """The BSP's own answer that refuses the account's credentials."""

    @abstractmethod
    def throttling(self) -> Answer:
        """The BSP's own answer that asks for less."""

    @abstractmethod
    def refusing_content(self) -> Answer:
        """The BSP's answer to a request with a template that it refuses for its content, as a whole if it can."""

    def recipients(self, url: str, payload: Any) -> list[str]:
        """Whom a request is for."""
        return _NUMBERS.findall(unquote_plus(f"{url} {payload}"))

    def refusing_some(self, batch: Sequence[Outgoing], bad: Collection[str]) -> Answer:
        """The BSP's answer where it refuses the content of messages for the people `bad`; of each message of the batch
        only `to` is known."""
        refused = not bad.isdisjoint(outgoing.request["to"] for outgoing in batch)
        return self.refusing_content() if refused else self.accepting(batch)

    def secret_in_batches(self) -> Json:
        """An account whose messages share requests, where the BSP can have that."""
        return self.secret("https://bsp.example")

    @abstractmethod
    def status(self, status: str, reference: str = "1|2|3|4") -> bytes:
        """A callback with one of the statuses that the capabilities declare."""

    @abstractmethod
    def unknown_status(self) -> bytes: ...

    final_statuses: ClassVar[Collection[int]] = ()
    """HTTP statuses that end the message at this BSP without a word of it, and not at others; its page says so."""

    unknown_status_fails: ClassVar[bool] = True
    """Whether the BSP says that an unknown status is a failure; else it is quarantined."""

    def proof(self, raw: bytes) -> Mapping[str, str]:
        """The headers by which the BSP proves that a callback is its own."""
        return {}

    @abstractmethod
    def incoming(self, kind: str, message_id: str = "m1") -> bytes:
        """A callback with one message from `PERSON`, of a kind that the capabilities declare, saying `TEXT`.

        A file is one of `CONTENT_TYPES`, at the account's `base_url` or with `FILES` inline; audio has nothing to say.
        """

    def to_another_number(self, raw: bytes) -> bytes:
        """A callback of `incoming`, as the BSP makes it for another number than the account's."""
        return raw.replace(self.account().waba_number.encode(), b"27999000002")

    @abstractmethod
    def unknown_kind(self) -> tuple[bytes, Any]:
        """A callback with one event of an unknown kind, and the element that has to be kept."""

    @abstractmethod
    def mixed_callbacks(self, bad: Any) -> Sequence[bytes]:
        """A status of r1, `bad`, and a status of r2, in one callback if the BSP's can hold several events."""

    @abstractmethod
    def callback_with(self, event: Any) -> bytes:
        """A callback with `event`, any JSON value, for a list of events and for an event."""

    def upload_answer(self, url: str) -> Answer | None:
        """The BSP's answer to the upload of a file, None where `url` is no place for that."""
        return None

    def tapped(self, request: tuple[str, Any], number: int, label: str) -> bytes:
        """The callback when a person taps quick reply `number` (from 1) of message r1, which the BSP got with this
        request (URL and payload): its payload is what the request says, if it says one."""
        raise NotImplementedError

    def secrets_of_taps(self) -> Sequence[Json]:
        """Of the accounts whose requests have quick replies in different ways."""
        return [self.secret("https://bsp.example")]

    def file_answer(self, url: str, content: bytes) -> Answer:
        """The BSP's answer where a person's file is fetched."""
        return Answer(200, content)

    # --- set-up ------------------------------------------------------------------------------------------------------

    @classmethod
    def pytest_generate_tests(cls, metafunc: pytest.Metafunc) -> None:
        capabilities = registry.outbound(cls.provider).CAPABILITIES
        tables: Mapping[str, Mapping[str, Any]] = {
            "required_field": {path: path for path in cls.required},
            "wrong_field": cls.wrong,
            "not_callback": _NO_JSON_OBJECTS | dict(cls.not_callbacks),
            "unreadable": dict(undecodable.UNREADABLE) | dict(cls.unreadable),
            "undecodable_name": {name: name for name in undecodable.NAMES},
            "empty_callback": _NOTHING | dict(cls.empty_callbacks),
            "bad_element": cls.bad_elements,
            "declared_status": {status: status for status in sorted(capabilities.statuses)},
            "declared_incoming": {kind: kind for kind in sorted(capabilities.incoming)},
            "incoming_file": {kind: kind for kind in sorted(capabilities.incoming & FILES.keys())},
            "outgoing_file": {
                name: name
                for name in MESSAGES
                for group, kind in [name.split(":")]
                if kind in FILES and kind in getattr(capabilities, group)
            },
        }
        for name, table in tables.items():
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, table.values(), ids=table.keys())

    @pytest.fixture(autouse=True)
    def _nothing_private_in_logs(self, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
        # The libraries' levels are what they are after Lambda's own is DEBUG: see tests/conftest.py.
        caplog.set_level(logging.DEBUG, logger.name)
        yield
        for phase in ("setup", "call"):
            for record in caplog.get_records(phase):
                assert_public(record.getMessage())
                assert_public(record.__dict__)

    @property
    def capabilities(self) -> Capabilities:
        return registry.outbound(self.provider).CAPABILITIES

    def test_what_can_be_done_with_templates_is_declared(self) -> None:
        declared = self.capabilities.templates
        methods = {name: {name} for name in ("create", "edit", "delete", "unpause")}
        methods["archive"] = {"archive", "unarchive"}
        changes = declared - {"list", "status"}
        admin = registry.template_admin(self.provider) if changes else object
        has = {name for name, needed in methods.items() if all(hasattr(admin, method) for method in needed)}

        asked = registry.WITH_TEMPLATES | registry.WITH_TEMPLATE_STATUS

        assert ("list" in declared) is (self.provider in registry.WITH_TEMPLATES)
        assert ("status" in declared) is (self.provider in asked)
        assert has == changes

    def account(self, base_url: str = "https://bsp.example") -> Account:
        return account_of("acme", self.secret(base_url))

    def client(self, base_url: str) -> Client:
        http = HttpClient(patience=Patience(read=READ_SECONDS))
        return registry.client(self.provider)(self.account(base_url), services(http))

    def translate(self, message: Json, reference: str = "1|2|3|4") -> Json:
        return registry.outbound(self.provider).translate(_parsed(message), reference, self.account())

    def batch(self) -> list[Outgoing]:
        """As many messages as go into one request, two of them at the most, to different people."""
        people = (PERSON, OTHER_PERSON)[: self.capabilities.batch_size]
        return [
            Outgoing(f"r{place}", self.translate(freeform("text", {"body": TEXT}, to=person), f"r{place}"))
            for place, person in enumerate(people, 1)
        ]

    def sent(self, *script: Script) -> list[Outcome]:
        """The outcomes of one batch that is answered by `script`."""
        with Bsp(*script) as bsp:
            outcomes = list(self.client(bsp.url).send(self.batch()))
        assert len(outcomes) == len(self.batch())
        assert_public(outcomes)
        return outcomes

    def split(self, raw: bytes) -> list[Event]:
        events = registry.inbound(self.provider).split(callback(raw), self.account())
        assert_public(events)
        return events

    # --- secrets -----------------------------------------------------------------------------------------------------

    def test_complete_secret(self) -> None:
        account = self.account()

        assert account.provider_type == self.provider
        assert_public(account)

    def test_secret_without_a_required_field(self, required_field: str) -> None:
        secret = self.secret("https://bsp.example")
        _drop(secret["provider"], required_field)

        error = self.refused_secret(secret)

        assert error.field == f"provider.{required_field}"

    def test_secret_with_a_wrong_field(self, wrong_field: tuple[str, Any]) -> None:
        path, value = wrong_field
        secret = self.secret("https://bsp.example")
        _put(secret, path, value)

        error = self.refused_secret(secret)

        assert error.field == path

    def test_secret_with_a_misspelt_field(self) -> None:
        secret = self.secret("https://bsp.example")
        secret["provider"]["aip_key"] = SECRET

        assert self.refused_secret(secret).field == "provider.aip_key"

    @pytest.mark.parametrize(
        "base_url",
        [
            "http://bsp.example",
            "bsp.example",
            f"https://{SECRET}@bsp.example",
            "https://bsp.example?x=private",
            "https://bsp.example/private words",
            7,
        ],
        ids=["http", "no scheme", "user name", "query", "a blank", "number"],
    )
    def test_secret_with_a_wrong_base_url(self, base_url: Any) -> None:
        assert self.refused_secret(self.secret(base_url)).field == "provider.base_url"

    @pytest.mark.parametrize("pasted", PASTED.values(), ids=PASTED.keys())
    def test_what_is_pasted_along_with_any_text_of_a_secret_is_taken_off(self, pasted: str) -> None:
        secret = self.secret("https://bsp.example")
        whole = _mapped(secret, lambda value, _: pasted.replace("x", value))

        assert parse_account("acme", whole) == parse_account("acme", secret)
        assert parse_account("acme", f"\ufeff{json.dumps(whole)}") == parse_account("acme", secret)

    def test_a_secret_pasted_with_line_breaks_is_in_force(self) -> None:
        with self.world(_mapped(self.secret("https://bsp.example"), lambda value, _: f"{value}\n")) as made:
            assert made.send(self.message("r1"), headers=self.authorization()) == SUCCESS
            made.pump()
            self.deliver(made, self.status("sent", "r1"))
            made.pump()

            assert made.told == [("r1", "sent")]
            assert not any("\n" in url or "%0A" in url.upper() for url, _, _ in made.bsp_requests)

    @pytest.mark.parametrize("unfit", UNFIT.values(), ids=UNFIT.keys())
    def test_what_no_text_of_a_secret_can_have_is_refused_with_its_field(self, unfit: str) -> None:
        paths: list[str] = []
        secret = self.secret("https://bsp.example")
        _mapped(secret, lambda value, path: paths.append(path) or value)  # type: ignore[func-returns-value]

        for path in paths:
            changed = _mapped(secret, lambda value, at, path=path: unfit.replace("x", value) if at == path else value)  # type: ignore[misc]
            assert self.refused_secret(changed).field == path
        assert len(paths) > 8

    def test_new_credentials_of_the_bsp_take_over(self) -> None:
        with self.world() as made:
            made.send(self.message("r1"), headers=self.authorization())
            made.pump()
            with_the_old = len(made.bsp_requests)
            secret = self.secret("https://bsp.example")
            _put(secret, f"provider.{self.required[0]}", f"{SECRET}-rotated")
            made.change_account("acme", secret)
            made.now += ACCOUNT_CACHE_SECONDS
            made.send(self.message("r2"), headers=self.authorization())
            made.pump()

            shown = [repr(request) for request in made.bsp_requests]
            assert f"{SECRET}-rotated" not in "".join(shown[:with_the_old])
            assert f"{SECRET}-rotated" in "".join(shown[with_the_old:])

    # --- repeats -----------------------------------------------------------------------------------------------------

    def test_a_duplicate_message_is_sent_once(self) -> None:
        with self.world() as made:
            for _ in range(2):
                assert made.send(self.message("r1"), headers=self.authorization()) == SUCCESS
                made.pump()

            assert len(made.bsp_requests) == 1

    def test_a_duplicate_status_is_reported_once(self) -> None:
        with self.world() as made:
            made.send(self.message("r1"), headers=self.authorization())
            made.pump()
            for _ in range(2):
                self.deliver(made, self.status("sent", "r1"))
                made.pump()

            assert made.told == [("r1", "sent")]

    def test_a_duplicate_message_from_a_person_is_reported_once(self, declared_incoming: str) -> None:
        with self.world() as made:
            self.holds(made, FILES.get(declared_incoming, b""))
            for _ in range(2):
                self.deliver(made, self.incoming(declared_incoming))
                made.pump()
                made.now += FIFO_DEDUPLICATION_SECONDS

            assert len(made.replies) == 1

    @pytest.mark.parametrize("sent", [False, True], ids=["checked", "sent"])
    def test_a_saved_template_is_validated_with_a_message_only_where_the_account_says_so(self, sent: bool) -> None:
        secret = self.secret("https://bsp.example")
        secret["options"] = secret.get("options", {}) | {"send_template_validations": sent}
        with self.world(secret) as made:
            message = template(body("private 1")) | {"msgId": "0|0|0|0"}
            assert made.send(message, headers=self.authorization()) == SUCCESS
            # To ask for its template is no message.
            before = len(made.bsp_requests)
            made.pump()

            assert bool(made.bsp_requests[before:]) == sent
            assert made.told == []

    @contextmanager
    def world(self, secret: Json | None = None) -> Iterator[World]:
        """The whole bridge with this account, and a BSP that takes everything."""
        with world(acme=secret or self.secret("https://bsp.example")) as made:
            made.bsp = self.with_steps_before(lambda url, payload: self._taken(made, url))
            yield made

    def with_steps_before(self, answer: Callable[[str, Any], HttpAnswer]) -> Callable[[str, Any], HttpAnswer]:
        """`answer`, and the BSP's to the requests that it needs before a message."""
        return answer

    def deliver(self, made: World, raw: bytes) -> None:
        assert made.callback(raw, token=self.token, headers=self.proof(raw)).status == 200

    def _taken(self, made: World, url: str) -> HttpAnswer:
        answer = self.upload_answer(url)
        if answer is None:
            reference = f"r{len([url for url, _, _ in made.bsp_requests if self.upload_answer(url) is None])}"
            answer = self.accepting([Outgoing(reference, self.translate(self.message(reference), reference))])
        return HttpAnswer(answer.status, {}, answer.content)

    def holds(self, made: World, content: bytes) -> None:
        """From now on the BSP has this file of a person's, at its own address or a public one."""

        def answer(url: str, *_: Any) -> HttpAnswer:
            found = self.file_answer(url, content)
            return HttpAnswer(found.status, {}, found.content)

        made.bsp = made.files = answer

    # --- files -------------------------------------------------------------------------------------------------------

    def test_declared_files_to_people_are_sent(self, outgoing_file: str) -> None:
        message, _ = MESSAGES[outgoing_file]
        content = FILES[outgoing_file.partition(":")[2]]
        with self.world() as made:
            made.files = lambda url, headers: HttpAnswer(200, {}, content)
            assert made.send(message | {"msgId": "r1"}, headers=self.authorization()) == SUCCESS
            made.pump()

            assert [status["status"] for status in made.statuses] == []
            assert any(_carries(url, payload, content) for url, payload, _ in made.bsp_requests)

    def test_declared_files_from_people_arrive_as_links(self, incoming_file: str) -> None:
        with self.world() as made:
            self.holds(made, FILES[incoming_file])
            self.deliver(made, self.incoming(incoming_file))
            made.pump()

            (reply,) = made.replies
            assert reply["type"] == incoming_file
            file = reply[incoming_file]
            assert (file["mimeType"], file.get("caption") == TEXT) == (
                CONTENT_TYPES[incoming_file],
                incoming_file not in ("audio", "voice"),
            )
            assert self.linked(made, file["mediaURL"]) == FILES[incoming_file]

    @pytest.mark.parametrize(("written", "expected"), ADDRESSES.values(), ids=ADDRESSES.keys())
    def test_the_address_of_a_file_goes_on_as_an_address(self, written: str, expected: str) -> None:
        media = MEDIA | {"mediaURL": written}
        messages = {"headers:image": template(header("image", media), body("private 1"))}
        messages |= {f"freeform:{kind}": freeform(kind, media) for kind in ("image", "file")}
        for name, message in messages.items():
            group, kind = name.split(":")
            if kind not in getattr(self.capabilities, group):
                continue
            with self.world() as made:
                made.files = lambda url, headers, kind=kind: HttpAnswer(200, {}, FILES[kind])  # type: ignore[misc]
                assert made.send(message | {"msgId": "r1"}, headers=self.authorization()) == SUCCESS
                made.pump()

                assert made.statuses == []
                handed_on = [text for request in made.bsp_requests for text in _texts(*request[:2])]
                assert expected in [*handed_on, *made.http.fetched]
                assert written == expected or written not in [*handed_on, *made.http.fetched]

    @pytest.mark.parametrize(("given", "expected"), NAMES_TO_PEOPLE.values(), ids=NAMES_TO_PEOPLE.keys())
    def test_a_document_is_sent_under_a_harmless_name_with_its_extension(self, given: str, expected: str) -> None:
        if not self.names_documents:
            return
        message = freeform("file", {"mediaURL": "https://files.example/private.pdf", "filename": given})
        with self.world() as made:
            made.files = lambda url, headers: HttpAnswer(200, {}, FILES["file"])
            assert made.send(message | {"msgId": "r1"}, headers=self.authorization()) == SUCCESS
            made.pump()

            shown = [text for request in made.bsp_requests for text in _texts(*request[:2])]
        assert expected in shown
        assert given == expected or not given or given not in shown

    def test_the_validation_of_a_saved_template_has_a_value_for_its_url(self) -> None:
        if "dynamicUrl" not in self.capabilities.buttons:
            return
        whole = button("dynamicUrl", suffix("https://private.example/{{1}}"))
        message = template(body("private 1"), whole) | {"msgId": "0|0|0|0"}
        with self.world() as made:
            assert made.send(message, headers=self.authorization()) == SUCCESS

        assert "https://private.example/0" in json.dumps(self.translate(message))

    def test_credentials_go_to_no_other_host(self, incoming_file: str) -> None:
        """A callback may name any address for a file; who knows the token must not get at the credentials with it."""
        elsewhere = b"https://elsewhere.example"
        with self.world() as made:
            asked: list[str] = []
            made.bsp = lambda url, payload: asked.append(url) or HttpAnswer(404, {}, b"")  # type: ignore[func-returns-value]
            self.deliver(made, self.incoming(incoming_file).replace(b"https://bsp.example", elsewhere))
            made.pump()

            sent = [(url, headers) for url, _, headers in made.bsp_requests if url.startswith(elsewhere.decode())]
            assert not any(SECRET in f"{url} {headers}" for url, headers in sent)

    def test_a_callback_without_its_proof_is_forbidden(self) -> None:
        raw = self.incoming("text")
        if not self.proof(raw):
            return
        wrong = {name: f"{value[:-1]}{'0' if value[-1] != '0' else '1'}" for name, value in self.proof(raw).items()}
        with self.world() as made:
            for headers in ({}, wrong):
                answer = made.receive("acme", self.token, Callback("POST", headers, {}, raw))
                assert answer.status == 403
            assert made.depth("RepliesQueue") == 0

    def test_file_that_the_bsp_does_not_have_is_reported_as_text(self, incoming_file: str) -> None:
        with self.world() as made:
            made.bsp = made.files = lambda url, payload: HttpAnswer(404, {}, b"private")
            self.deliver(made, self.incoming(incoming_file))
            made.pump()

            (reply,) = made.replies
            if self.files_come_inline:
                assert (reply["type"], made.bsp_requests) == (incoming_file, [])
                return
            assert reply["type"] == "text"
            assert "not available" in reply["text"]["body"]
            assert (TEXT in reply["text"]["body"]) == (incoming_file not in ("audio", "voice"))

    def linked(self, made: World, url: str) -> bytes:
        """The file behind a link that CleverTap was given."""
        assert url.startswith(f"{PUBLIC_URL}/acme/media/")
        identifier, query = urlsplit(url).path.rpartition("/")[2], dict(parse_qsl(urlsplit(url).query))
        at_s3 = made.show_media("acme", identifier, query).location
        assert at_s3 is not None
        bucket = next(iter(made.deployment.buckets.values()))
        content: bytes = made.s3.get_object(Bucket=bucket, Key=f"media/acme/{identifier}")["Body"].read()
        return content

    def message(self, msg_id: str) -> Json:
        return freeform("text", {"body": TEXT}) | {"msgId": msg_id}

    @property
    def token(self) -> str:
        return str(self.secret("https://bsp.example")["callback_token"])

    def authorization(self) -> dict[str, str]:
        (credentials,) = self.secret("https://bsp.example")["clevertap"]["authorization"]
        login = f"{credentials['username']}:{credentials['password']}".encode()
        return {"authorization": f"Basic {b64encode(login).decode()}"}

    def refused_secret(self, secret: Json) -> AccountInvalid:
        with pytest.raises(AccountInvalid) as caught:
            parse_account("acme", secret)
        assert_public(caught.value)
        return caught.value

    # --- translation -------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("capability", MESSAGES)
    def test_declared_is_translated_and_the_rest_refused(self, capability: str) -> None:
        message, shown = MESSAGES[capability]
        group, kind = capability.split(":")
        if kind == "quickReply" and self.capabilities.keeps_payloads:
            # The BSP may have no place for it: see test_the_payload_of_a_quick_reply_comes_back_with_the_tap.
            shown = ""

        if kind in getattr(self.capabilities, group):
            assert shown in json.dumps(self.translate(message))
        else:
            error = self.refused_message(message)
            assert _letters(kind) in _letters(error.reason)

    def test_capabilities_are_all_known_ones(self) -> None:
        declared = {
            f"{group}:{kind}"
            for group in ("freeform", "headers", "buttons", "extras")
            for kind in getattr(self.capabilities, group)
        }

        assert declared <= MESSAGES.keys()

    @pytest.mark.parametrize("kind", UNDOCUMENTED)
    def test_undocumented_kinds_are_refused(self, kind: str) -> None:
        self.refused_message(UNDOCUMENTED[kind])

    def refused_message(self, message: Json) -> Refused:
        with pytest.raises(Refused) as caught:
            self.translate(message)
        error = caught.value
        assert_public(error)
        assert error.code == code_of(message)
        assert error.reason
        assert _is_path(error.field, message)
        return error

    def test_what_whatsapp_refuses_is_refused_with_the_member_that_is_wrong(self) -> None:
        with self.world() as made:
            found = {}
            for name, (message, _) in BEYOND_WHATSAPP.items():
                answer = json.loads(made.send(message, headers=self.authorization()).body)
                error = answer.get("error", {"code": None, "message": "taken: "})
                found[name] = (error["code"], error["message"].partition(": ")[0])
            queued = made.depth("CampaignQueue") + made.depth("ConversationQueue")

        assert found == {name: (code_of(message), field) for name, (message, field) in BEYOND_WHATSAPP.items()}
        assert queued == 0

    def test_a_placeholder_that_is_left_in_a_text_is_filled_in(self) -> None:
        text = {"text": "Hi {{1}}, order {{ 2 }}", "parameters": [suffix("Ann"), suffix("7")]}

        heading = header("text", {"text": "Hi {{1}}", "parameters": [suffix("Ann")]})
        body_alone = template({"type": "body", "body": text})
        for message in (body_alone, template(heading, {"type": "body", "body": text})):
            # Of a template whose id at the BSP the account does not have.
            message["template"]["namespace"] = "another"
            with suppress(Refused):
                assert "{{" not in json.dumps(self.translate(message))

    @pytest.mark.parametrize("values", [[], [suffix("Ann")]], ids=["no values", "too few"])
    def test_a_placeholder_without_a_value_is_not_sent(self, values: list[Json]) -> None:
        text = {"text": "Hi {{1}}, order {{2}}", "parameters": values}
        for parts in ([{"type": "body", "body": text}], [header("text", text), body("Ann")]):
            message = template(*parts)
            # Of a template whose id at the BSP the account does not have.
            message["template"]["namespace"] = "another"
            with suppress(Refused):
                assert "{{" not in json.dumps(self.translate(message))

    def test_translation_is_pure(self) -> None:
        translate, account = registry.outbound(self.provider).translate, self.account()
        for group, kind in (capability.split(":") for capability in MESSAGES):
            if kind not in getattr(self.capabilities, group):
                continue
            message = _parsed(MESSAGES[f"{group}:{kind}"][0])
            before = deepcopy(message.wire())
            first, second = translate(message, "r1", account), translate(message, "r1", account)
            assert first == second
            assert first is not second
            assert message.wire() == before
            assert json.loads(json.dumps(first)) == first, "plain JSON, nothing else"

    # --- sending -----------------------------------------------------------------------------------------------------

    def test_accepted(self) -> None:
        batch = self.batch()

        assert self.sent(self.accepting(batch)) == [Accepted(f"bsp-{outgoing.reference}") for outgoing in batch]

    def test_rejected(self) -> None:
        for outcome in self.sent(self.rejecting(self.batch())):
            assert isinstance(outcome, Rejected)
            assert outcome.code in list(CallbackError)
            assert StatusError(code=CallbackError(outcome.code), title=outcome.title).title

    def test_credentials_refused_in_the_bsps_own_words(self) -> None:
        for outcome in self.sent(self.refusing_credentials()):
            assert isinstance(outcome, Rejected)
            assert (outcome.code, outcome.alarm) == (CallbackError.INVALID_CREDENTIALS, True)

    def test_throttled_by_the_bsp(self) -> None:
        assert all(isinstance(outcome, Throttled) for outcome in self.sent(self.throttling()))

    def test_throttled_to_its_end_is_told_with_the_category_of_the_throttling(self) -> None:
        answer = self.throttling()
        with self.world() as made:
            made.bsp = lambda url, payload: HttpAnswer(answer.status, {}, answer.content)
            made.send(self.message("r1"), headers=self.authorization())
            made.pump(hours=1)

            (failed,) = made.statuses
        assert failed["error"]["code"] == CallbackError.TOO_MANY_SENDS

    @pytest.mark.parametrize(("answer", "expected"), WORDLESS_ANSWERS.values(), ids=WORDLESS_ANSWERS.keys())
    def test_answers_without_a_word_about_the_messages(self, answer: Script, expected: Any) -> None:
        for outcome in self.sent(answer):
            if isinstance(expected, type):
                assert isinstance(outcome, expected)
            else:
                assert outcome == expected

    @pytest.mark.parametrize("page", [b"", b"<html>private</html>"], ids=["empty", "a page"])
    def test_every_status_without_a_word_means_the_same_at_every_bsp(self, page: bytes) -> None:
        """The rules of `providers.answers`, as a table of their own: no adapter may differ in silence."""
        statuses = range(300, 600)
        (outgoing, *_) = self.batch()
        outcomes = {}
        current = Answer()
        # Some ask more than once for a message: with another token, for one.
        with Bsp(lambda _: current) as bsp:
            for status in statuses:
                current = Answer(status, page)
                outcomes[status] = self.client(bsp.url).send([outgoing])

        found = {status: type(outcome) for status, (outcome,) in outcomes.items()}
        expected = {status: meaning_without_a_word(status) for status in statuses}
        assert found == expected | dict.fromkeys(self.final_statuses, Rejected)
        assert not any(
            outcome.alarm or outcome.code == CallbackError.INVALID_CREDENTIALS
            for (outcome,) in outcomes.values()
            if isinstance(outcome, Rejected)
        )

    def test_nobody_listens(self) -> None:
        outcomes = self.client(refusing_url()).send(self.batch())

        assert [type(outcome) for outcome in outcomes] == [NotSent] * len(self.batch())
        assert_public(outcomes)

    @pytest.mark.parametrize(
        "bad", [range(100), [0], [99], [7, 31, 32, 33, 90]], ids=["all", "the first", "the last", "five"]
    )
    def test_what_is_refused_for_its_content_takes_no_other_along_and_is_not_posted_again_and_again(
        self, bad: Sequence[int]
    ) -> None:
        people = [f"27831{place:06}" for place in range(100)]
        refused = {people[place] for place in bad}
        posts = Counter[str]()

        def bsp(url: str, payload: Any) -> HttpAnswer:
            posts.update(asked := self.recipients(url, payload))
            batch = [Outgoing(f"r{people.index(person)}", {"to": person}) for person in asked]
            answer = self.refusing_some(batch, refused)
            return HttpAnswer(answer.status, {}, answer.content)

        with self.world(self.secret_in_batches()) as made:
            made.bsp = self.with_steps_before(bsp)
            made.warm()
            for place, person in enumerate(people):
                message = template(body("private 1"), to=person) | {"msgId": f"r{place}"}
                assert made.send(message, headers=self.authorization()) == SUCCESS
            made.pump(hours=7)
            requests = len(made.bsp_requests)

            told = {status["msgId"]: (status["status"], status["error"]["code"]) for status in made.statuses}
        assert told == {f"r{place}": ("failed", CallbackError.INVALID_TEMPLATE_PARAMETERS) for place in bad}
        assert set(posts) == set(people)
        assert max(posts.values()) <= log2(len(people)) + 2
        assert requests <= len(people) + 10

    def test_no_fault_of_the_sandbox_makes_a_message_be_posted_again_and_again(self) -> None:
        """Each fault for four messages that are sent together, and then all faults among good ones."""
        faults = [*CONVENTIONS, NOT_APPROVED]
        # A lost answer is that of all messages of the request.
        mixed = [fault for fault in faults if fault == NOT_APPROVED or not CONVENTIONS[fault].answer_lost]
        batches = {fault: [fault] * 4 for fault in faults} | {"among others": [*mixed, "0000"] * 2}
        secret = self.secret_in_batches()
        posts: dict[str, Counter[str]] = {name: Counter() for name in batches}
        sandbox = SANDBOXES[self.provider](lambda region: None, seed=1)
        sandbox.add_account("acme", secret, PUBLIC_URL)
        with self.world(secret) as made, made.played_by(sandbox):
            for number, (name, batch) in enumerate(batches.items()):
                seen = len(made.bsp_requests)
                for place, fault in enumerate(batch):
                    person = f"2783{4 * number + place:03}" + (fault if fault in CONVENTIONS else "0000")
                    message = template(body("private 1"), to=person) | {"msgId": f"r{number}x{place}"}
                    if fault == NOT_APPROVED:
                        message["template"]["namespace"] = NOT_APPROVED
                    assert made.send(message, headers=self.authorization()) == SUCCESS
                made.pump(hours=7)
                for url, payload, _ in made.bsp_requests[seen:]:
                    posts[name].update(self.recipients(url, payload))
        allowed = {name: floor(log2(len(batch)) + 2) for name, batch in batches.items()}
        assert {name: max(posts[name].values()) for name in batches if max(posts[name].values()) > allowed[name]} == {}
        assert [len(posts[name]) for name in batches] == [len(batch) for batch in batches.values()]

    def test_an_exception_that_nobody_expected_costs_the_messages_of_its_request_alone(self) -> None:
        people = {f"2783100000{place}": f"r{place}" for place in range(4)}
        first = next(iter(people))

        def bsp(url: str, payload: Any) -> HttpAnswer | Exception:
            asked = self.recipients(url, payload)
            if asked == [first]:
                return RuntimeError("private")
            batch = [Outgoing(people[person], {"to": person}) for person in asked]
            answer = self.refusing_some(batch, {first})
            return HttpAnswer(answer.status, {}, answer.content)

        with self.world(self.secret_in_batches()) as made:
            made.bsp = self.with_steps_before(bsp)
            made.warm()
            for person, reference in people.items():
                message = template(body("private 1"), to=person) | {"msgId": reference}
                assert made.send(message, headers=self.authorization()) == SUCCESS
            made.pump(hours=1)

            assert made.told == [(people[first], "failed")]

    def test_lost_answer_is_not_asked_for_again(self) -> None:
        with Bsp(Fault.DROP, self.accepting(self.batch())) as bsp:
            outcomes = self.client(bsp.url).send(self.batch())
            requests = len(bsp.requests)

        assert requests == 1
        assert all(isinstance(outcome, Unknown) for outcome in outcomes)

    def test_credentials_do_not_follow_a_redirect(self) -> None:
        with Bsp(Answer(200)) as elsewhere, Bsp(Answer(307, headers={"Location": f"{elsewhere.url}/x"})) as bsp:
            self.client(bsp.url).send(self.batch())
            requests = len(elsewhere.requests)

        assert requests == 0

    def test_the_reference_goes_along(self) -> None:
        """Where the capabilities say that statuses bring it back."""
        if "reference" not in self.capabilities.features:
            return
        with Bsp(self.accepting(self.batch()[:1])) as bsp:
            self.client(bsp.url).send(self.batch()[:1])
            (request,) = bsp.requests

        assert "r1" in unquote_plus(f"{request.path} {request.body.decode('latin-1')}")

    def test_no_message_no_request(self) -> None:
        with Bsp(Answer(500)) as bsp:
            outcomes = self.client(bsp.url).send([])
            requests = len(bsp.requests)

        assert (list(outcomes), requests) == ([], 0)

    def test_prepared_without_encryption_as_it_was(self) -> None:
        (outgoing, *_) = self.batch()

        assert self.client("https://bsp.example").prepare(outgoing) == outgoing

    # --- callbacks ---------------------------------------------------------------------------------------------------

    def test_no_callback(self, not_callback: bytes) -> None:
        with pytest.raises(NotACallback) as caught:
            self.split(not_callback)
        assert_public(caught.value)

    def test_what_is_no_callback_is_kept_whole(self) -> None:
        bodies = [*_NO_JSON_OBJECTS.values(), *self.not_callbacks.values()]
        with self.world() as made:
            for raw in bodies:
                self.deliver(made, raw)

            kept = made.emptied("QuarantineQueue")
            assert sorted(b64decode(body["element"]["base64"]) for body in kept) == sorted(bodies)
            assert {(body["account"], body["kind"]) for body in kept} == {("acme", "body")}

    def test_unreadable(self, unreadable: bytes) -> None:
        with pytest.raises(BodyUnreadable) as caught:
            self.split(unreadable)
        assert_public(caught.value)

    def test_undecodable_in_a_status(self, undecodable_name: str) -> None:
        plain = self.status("sent")
        raw, _ = undecodable.spoilt(plain, TEXT)[undecodable_name]

        assert self.split(raw) == self.split(plain)

    def test_undecodable_in_a_message_from_a_person(self, undecodable_name: str) -> None:
        raw, text = undecodable.spoilt(self.incoming("text"), TEXT)[undecodable_name]

        (event,) = self.split(raw)

        assert isinstance(event, ReplyEvent)
        assert self.split(raw) == [event], "a duplicate has the same id"
        element = from_json(to_json(event.element))
        answer = registry.replies(self.provider).reply(self.client("https://bsp.example").open(element), self.account())
        assert isinstance(answer, Reply)
        assert answer.message.wire()["text"] == {"body": text}
        to_json(answer.message.wire())

    def test_undecodable_on_its_whole_way(self) -> None:
        """All of them in one world: statuses of one message each, and messages of one person."""
        with self.world() as made:
            references = [f"r{place}" for place, _ in enumerate(undecodable.NAMES, 1)]
            for name, reference in zip(undecodable.NAMES, references, strict=True):
                made.send(self.message(reference), headers=self.authorization())
                made.pump()
                raw, _ = undecodable.spoilt(self.status("sent", reference), TEXT)[name]
                self.deliver(made, raw)
                raw, _ = undecodable.spoilt(self.incoming("text", reference), TEXT)[name]
                self.deliver(made, raw)
                made.pump()

            assert made.told == [(reference, "sent") for reference in references]
            read = [undecodable.spoilt(self.incoming("text"), TEXT)[name][1] for name in undecodable.NAMES]
            assert [reply["text"]["body"] for reply in made.replies] == read
            assert made.depth("QuarantineQueue") == 0

    @pytest.mark.parametrize("window", [zlib.MAX_WBITS, -zlib.MAX_WBITS], ids=["with its header", "without"])
    def test_deflate(self, window: int) -> None:
        split = registry.inbound(self.provider).split
        for raw in (self.status("sent"), self.incoming("text")):
            packed = zlib.compress(raw, wbits=window)
            found = split(Callback("POST", {"content-encoding": "deflate"}, {}, packed), self.account())
            assert found == self.split(raw)

    def test_another_numbers_message_is_kept(self) -> None:
        raw = self.incoming("text")
        changed = self.to_another_number(raw)
        assert changed != raw
        with self.world() as made:
            self.deliver(made, changed)

            assert [kept["reason"] for kept in made.bodies("QuarantineQueue")] == ["another number's"]
            assert made.depth("RepliesQueue") == 0

    def test_a_message_from_the_accounts_own_number_is_no_persons(self) -> None:
        with self.world() as made:
            self.deliver(made, self.incoming("text").replace(PERSON.encode(), self.account().waba_number.encode()))

            assert [kept["reason"] for kept in made.bodies("QuarantineQueue")] == ["from the account's own number"]
            assert made.depth("RepliesQueue") == 0

    def test_two_people_with_one_message_id_are_both_heard(self) -> None:
        raw = self.incoming("text", "m1")
        with self.world() as made:
            for written in (raw, raw.replace(PERSON.encode(), OTHER_PERSON.encode()), raw):
                self.deliver(made, written)
                made.pump()
                made.now += FIFO_DEDUPLICATION_SECONDS

            assert [reply["from"] for reply in made.replies] == [PERSON, OTHER_PERSON]

    def test_an_id_that_is_too_long_for_a_key_blocks_nobody(self) -> None:
        with self.world() as made:
            for message_id in ("k" * 3000, "m1"):
                self.deliver(made, self.incoming("text", message_id))
                made.pump()

            assert [reply["from"] for reply in made.replies] == [PERSON, PERSON]
            assert made.depth("RepliesQueue") == 0

    def test_unreadable_is_kept_whole(self, unreadable: bytes) -> None:
        with self.world() as made:
            self.deliver(made, unreadable)

            (kept,) = made.bodies("QuarantineQueue")
            assert (kept["account"], kept["kind"]) == ("acme", "body")
            assert b64decode(kept["element"]["base64"]) == unreadable

    def test_unreadable_without_its_proof_is_forbidden(self) -> None:
        if not self.proof(b"private"):
            return
        with self.world() as made:
            assert made.callback(b"private", token=self.token).status == 403
            assert made.depth("QuarantineQueue") == 0

    def test_empty_callback(self, empty_callback: bytes) -> None:
        assert self.split(empty_callback) == []

    def test_a_test_of_the_url_is_answered_and_counted(self, counted: Callable[[], dict[str, int]]) -> None:
        bodies = _NOTHING | dict(self.empty_callbacks)
        with self.world() as made:
            for raw in bodies.values():
                self.deliver(made, raw)

            assert counted().get("CallbacksEmpty") == len(bodies)
            assert [made.depth(queue) for queue in ("RepliesQueue", "StatusesQueue", "QuarantineQueue")] == [0, 0, 0]

    @pytest.mark.parametrize(("written", "read"), TEXTS.values(), ids=TEXTS.keys())
    def test_a_text_of_another_type_is_still_the_persons_words(self, written: bytes, read: str) -> None:
        for kind in sorted(self.capabilities.incoming - {"audio", "voice", "contacts"}):
            raw = self.incoming(kind)
            # JSON that is a text in JSON, too.
            changed = raw.replace(f'\\"{TEXT}\\"'.encode(), written.replace(b'"', b'\\"'))
            (event,) = self.split(changed.replace(f'"{TEXT}"'.encode(), written))
            assert changed != raw or f'"{TEXT}"'.encode() in raw
            assert isinstance(event, ReplyEvent)
            answer = registry.replies(self.provider).reply(event.element, self.account())
            assert isinstance(answer, Reply)
            wire = answer.message.wire()
            if answer.attachment is not None:
                told = answer.attachment.caption
            elif kind == "location":
                # A place without a name.
                told = wire["location"].get("name", read if written.strip(b'"').strip() in _NO_NAMES else "")
            else:
                told = wire[kind]["payload" if kind == "button" else "body"]
            assert told == read

    def test_no_time_loses_a_message_or_a_status(self) -> None:
        with self.world() as made:
            told = []
            for place, (name, (written, expected)) in enumerate(TIMES.items(), 1):
                arrived = int(made.now)
                made.send(self.message(f"r{place}"), headers=self.authorization())
                made.pump()
                for raw in (self.incoming("text", name), self.status("sent", f"r{place}")):
                    changed = _TIME.sub(rb'"\1": ' + written, raw)
                    assert changed != raw
                    self.deliver(made, changed)
                # What it waits until it is told is no part of it.
                made.now += 60
                made.pump()
                told.append(str(arrived if expected is None else expected))

            assert [reply["timestamp"] for reply in made.replies] == told
            assert [status["timestamp"] for status in made.statuses] == told
            assert made.depth("QuarantineQueue") == 0

    def test_declared_statuses_arrive(self, declared_status: str) -> None:
        (event,) = self.split(self.status(declared_status))

        assert isinstance(event, StatusEvent)
        assert (event.status, event.unlisted) == (declared_status, False)
        assert event.reference == "1|2|3|4" or event.bsp_id
        assert (event.error_code is None) == (declared_status != "failed")
        assert_takes(event)

    def test_unknown_status_is_counted(self) -> None:
        (event,) = self.split(self.unknown_status())

        if not self.unknown_status_fails:
            assert isinstance(event, NotUnderstood)
            return
        assert isinstance(event, StatusEvent)
        assert (event.status, event.error_code, event.unlisted) == ("failed", CallbackError.OTHER, True)
        assert_takes(event)

    def test_declared_messages_from_people_arrive(self, declared_incoming: str) -> None:
        (event,) = self.split(self.incoming(declared_incoming))
        assert isinstance(event, ReplyEvent)
        account = self.account()
        element = self.client("https://bsp.example").open(event.element)
        answer = registry.replies(self.provider).reply(element, account)

        assert isinstance(answer, Reply)
        assert_public(answer)
        wire = answer.message.wire()
        assert (event.sender, wire["from"], wire["wabaNumber"]) == (PERSON, PERSON, account.waba_number)
        if answer.attachment is not None:
            # What CleverTap is told where the file cannot be had; with the file it becomes a message of its kind.
            assert (answer.attachment.kind, wire["type"]) == (declared_incoming, "text")
            return
        assert declared_incoming not in FILES
        assert wire["type"] == CLOSEST_FORM.get(declared_incoming, declared_incoming)
        assert TEXT in json.dumps(wire[wire["type"]])

    def test_the_payload_of_a_quick_reply_comes_back_with_the_tap(self) -> None:
        if "quickReply" not in self.capabilities.buttons:
            return
        payloads = {"Yes": "private|yes", "No": "private|no", "private label": None}
        buttons = [
            button("quickReply", *([payload(value)] if value else []), index=index, text=label)
            for index, (label, value) in enumerate(payloads.items())
        ]
        message = template(body("private 1"), *buttons) | {"msgId": "r1"}
        for secret in self.secrets_of_taps():
            with self.world(secret) as made:
                assert made.send(message, headers=self.authorization()) == SUCCESS
                made.pump()
                (url, sent, _) = made.bsp_requests[-1]
                for number, label in enumerate(payloads, 1):
                    self.deliver(made, self.tapped((url, sent), number, label))
                    made.pump()

                found = [(reply["button"]["text"], reply["button"]["payload"]) for reply in made.replies]
                assert found == [(label, value or label) for label, value in payloads.items()]
                assert [reply["context"] for reply in made.replies] == [{"id": "r1"}] * 3

    def test_repeat_has_the_same_id_and_another_message_another(self, declared_incoming: str) -> None:
        first, repeat, other = (
            event.id
            for message_id in ("m1", "m1", "m2")
            for event in self.split(self.incoming(declared_incoming, message_id))
            if isinstance(event, ReplyEvent)
        )

        assert first == repeat != other

    def test_unknown_kind_is_kept_for_quarantine(self) -> None:
        raw, element = self.unknown_kind()

        (event,) = self.split(raw)

        assert isinstance(event, NotUnderstood)
        assert event.element == element
        assert event.kind
        assert event.reason

    def test_unknown_kind_that_is_private_is_in_no_log(self) -> None:
        raw, _ = self.unknown_kind()
        (event,) = self.split(raw)
        assert isinstance(event, NotUnderstood)
        # Whatever the callback calls it, wherever it says so.
        private = raw.replace(f'"{event.kind}"'.encode(), f'"{TEXT} {PERSON}"'.encode())

        with self.world() as made:
            self.deliver(made, private)

            assert [kept["account"] for kept in made.bodies("QuarantineQueue")] == ["acme"]

    def test_bad_element_harms_no_other(self, bad_element: Any) -> None:
        events = [event for raw in self.mixed_callbacks(bad_element) for event in self.split(raw)]

        told = [event.reference or event.bsp_id for event in events if isinstance(event, StatusEvent)]
        assert [str(reference).removeprefix("bsp-") for reference in told] == ["r1", "r2"]
        assert [event.element for event in events if isinstance(event, NotUnderstood)] == [bad_element]
        assert len(events) == 3

    @PROPERTY
    @given(event=_JSON)
    def test_any_json_is_an_event_or_no_callback(self, event: Any) -> None:
        raw, split = self.callback_with(event), registry.inbound(self.provider).split
        try:
            events = split(callback(raw), self.account())
        except (NotACallback, BodyUnreadable):
            return
        assert all(isinstance(item, StatusEvent | ReplyEvent | NotUnderstood) for item in events)

    @PROPERTY
    @given(raw=st.binary(max_size=64))
    def test_any_bytes_are_a_callback_or_none(self, raw: bytes) -> None:
        try:
            events = registry.inbound(self.provider).split(callback(raw), self.account())
        except (NotACallback, BodyUnreadable):
            return
        assert events == []


_NO_JSON_OBJECTS: Mapping[str, bytes] = {
    "not UTF-8": b'{"private": "\xff"}',
    "text": b'"private"',
    "number": b"7",
    "list": b'["private"]',
}
# As BSPs test a URL.
_NOTHING: Mapping[str, bytes] = {
    "nothing": b"",
    "spaces": b" \r\n",
    "null": b"null",
    "empty object": b"{}",
    "empty list": b"[]",
    "empty text": b'""',
    "NaN": b'{"private": NaN}',
    "null event": b'{"event": null, "entry": null, "response": null, "statuses": null}',
}


# --- helpers ---------------------------------------------------------------------------------------------------------


def callback(raw: bytes) -> Callback:
    return Callback("POST", {"content-type": "application/json"}, {}, raw)


def assert_public(*values: object) -> None:
    """Nothing private in what a log record or a traceback would show of `values`."""
    for value in values:
        shown = looked_into(f"{value!r} {value}")
        # No value in the message either: it would end up in the test's own output.
        assert not any(part in shown for part in PRIVATE), f"a private value shows in a {type(value).__name__}"


def assert_takes(event: StatusEvent) -> None:
    """CleverTap's callback can be made of this status."""
    error = None
    if event.error_code is not None:
        error = StatusError(code=CallbackError(event.error_code), title=event.error_title or "")
        assert error.title
    update = StatusUpdate.model_validate(
        {"msg_id": "1|2|3|4", "status": event.status, "timestamp": event.timestamp, "error": error}
    )
    # CleverTap's seconds, whatever the BSP counts in.
    assert 1_500_000_000 < update.timestamp < 5_000_000_000


def _parsed(message: Json) -> TemplateMessage | FreeformMessage:
    return parse_message(json.dumps(message))


def _is_path(path: str, message: Json) -> bool:
    """Whether `path` (`components[1].body`) leads to something in `message`, or to a member that it lacks."""
    value: Any = message
    steps = path.replace("[", ".").replace("]", "").split(".")
    for place, step in enumerate(steps):
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return isinstance(value, dict) and place == len(steps) - 1
    return True


def code_of(message: Json) -> RequestError:
    """What CleverTap is answered where a message has something that WhatsApp or the BSP does not take."""
    return RequestError.INVALID_TEMPLATE_PARAMETERS if message["isTemplate"] else RequestError.OTHER


def _letters(words: str) -> str:
    return "".join(filter(str.isalpha, words.lower()))


def _carries(url: str, payload: Any, content: bytes) -> bool:
    """Whether a request has the file itself, or the address of `MEDIA`."""
    if isinstance(payload, bytes) and content in payload:
        return True
    words = payload.decode("latin-1") if isinstance(payload, bytes) else json.dumps(payload)
    return MEDIA["mediaURL"] in unquote_plus(f"{url} {words}") or b64encode(content).decode() in words


def _texts(url: str, payload: Any) -> Iterator[str]:
    """The single values of a request: in its address, and in its JSON or form."""
    yield from (value for _, value in parse_qsl(urlsplit(url).query))
    if isinstance(payload, bytes):
        yield from (value for _, value in parse_qsl(payload.decode("latin-1")))
        payload = None
    texts: list[str] = []
    _mapped(payload, lambda value, _: texts.append(value) or value)  # type: ignore[func-returns-value]
    yield from texts


def _mapped(value: Any, change: Callable[[str, str], str], path: str = "") -> Any:
    """JSON with each text in it changed, by the text and its path."""
    if isinstance(value, dict):
        return {name: _mapped(member, change, f"{path}.{name}".lstrip(".")) for name, member in value.items()}
    if isinstance(value, list):
        return [_mapped(item, change, f"{path}.{place}") for place, item in enumerate(value)]
    return change(value, path) if isinstance(value, str) else value


def _drop(value: Json, path: str) -> None:
    *parents, last = path.split(".")
    for step in parents:
        value = value[step]
    del value[last]


def _put(value: Json, path: str, new: Any) -> None:
    *parents, last = path.split(".")
    for step in parents:
        value = value.setdefault(step, {})
    value[last] = new
