"""A conversation over each BSP in which everything happens that its conformance suite knows, and more goes wrong.

The samples are those of the adapters' suites; ids are put in the form that the BSP's own have, which of WhatsApp's
holds the person's number.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

from local.sandbox.wamids import wamid
from tests.providers.clickatell import samples as clickatell
from tests.providers.clickatell.test_conformance import TestClickatell
from tests.providers.clickatell_legacy import samples as legacy
from tests.providers.clickatell_legacy.test_conformance import TestClickatellLegacy
from tests.providers.cloud_api import samples as cloud
from tests.providers.conformance import (
    BEYOND_WHATSAPP,
    FILES,
    MESSAGES,
    OTHER_PERSON,
    PERSON,
    TEXT,
    ProviderConformance,
    body,
    button,
    freeform,
    payload,
    template,
)
from tests.providers.gupshup import samples as gupshup
from tests.providers.gupshup.test_conformance import TestGupshup
from tests.providers.message_central import samples as central
from tests.providers.message_central.test_conformance import TestMessageCentral
from tests.providers.meta.test_conformance import TestMeta
from tests.providers.test_message_ids import OLDER
from tests.support.encrypted_clickatell import EncryptedClickatell
from tests.support.private import Private
from tests.support.world import LOST, OK, SIGNING_KEY, UNREACHED, World, json_answer
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.contract.inbound import Callback

type Json = dict[str, Any]

USER_ID: Final = "ZA.1029384756102938475610"
LONG_ID: Final = "k" * 2000
"""No BSP's ids are nearly as long, so who sends one knows what is in it: it is hashed without a secret."""
OLDER_NUMBER: Final = "27820000001"
"""The number in `OLDER`."""
_SIGNING_KEY: Final = json.loads(SIGNING_KEY)["key"]
PRIVATE: Final = Private([PERSON, OTHER_PERSON, OLDER_NUMBER], ["private", USER_ID, _SIGNING_KEY, "&signature="])
"""What the conversations are made of: the samples' names, texts, values, tokens and secrets all hold `private`. And
what opens people's files: the stack's signing key, and links."""

# As the samples write the ids of the BSP, of which some have a blank.
_BSP_ID: Final = re.compile(rb"\b(?:bsp-|wamid\.)[\w| -]+")


def _hexadecimal(name: str, *, sent: bool) -> str:
    """Clickatell's: 32 hexadecimal digits. Source: samples and public code, see facts of both APIs."""
    return sha256(name.encode()).hexdigest()[:32]


def _two_numbers(name: str, *, sent: bool) -> str:
    """Gupshup's `externalId`: two numbers that count, of 19 and 17 or 18 digits in public samples."""
    digits = str(int(sha256(name.encode()).hexdigest(), 16))
    return f"{digits[:19]}-{digits[20:38]}"


def _wamid(name: str, *, sent: bool) -> str:
    return wamid(PERSON, sha256(name.encode()).hexdigest()[:18].upper(), sent=sent)


@dataclass(frozen=True)
class Scene:
    """A BSP: its conformance suite, how it names messages, what its suite has no sample of, and how it encrypts."""

    suite: ProviderConformance
    named: Callable[..., str]
    more: Callable[[], Sequence[bytes]]
    sealed: Callable[[bytes], bytes] = bytes

    def told(self, raw: bytes) -> bytes:
        """What the BSP says, with ids as it makes them."""
        return _BSP_ID.sub(lambda found: self.named(found[0].decode(), sent=True).encode(), raw)

    def message_id(self, name: str) -> str:
        return self.named(name, sent=False)


def _of_meta() -> Sequence[bytes]:
    statuses = [
        cloud.status("sent", PERSON),
        cloud.status("delivered", None, id=OLDER[0], recipient_id=OLDER_NUMBER),
        cloud.status("read", f"order of +{PERSON}", id="wamid.unknown"),
        cloud.status("read", None, id=LONG_ID),
        cloud.status("sent", recipient_user_id=USER_ID),
        cloud.status("read", None, id="wamid.u", recipient_id=None, recipient_user_id=USER_ID),
        cloud.status("failed", errors=[cloud.error(131026), cloud.error(999999, PERSON)]),
    ]
    messages = [
        cloud.text(OLDER[0], **{"from": OLDER_NUMBER}),
        cloud.text(wamid(PERSON, "A" * 20, sent=False), from_user_id=USER_ID),
        cloud.text(wamid(USER_ID, "B" * 20, sent=False), **{"from": None, "from_user_id": USER_ID}),
        cloud.text(wamid(USER_ID, "C" * 20, sent=False), **{"from": None, "from_user_id": f"{USER_ID}9"}),
        cloud.text(None, timestamp="1760000001"),
        cloud.message("reaction", {"message_id": "wamid.1", "emoji": TEXT}, wamid(PERSON, "D" * 20, sent=False)),
        cloud.interactive("list_reply", {"id": "private-1", "title": TEXT}, wamid(PERSON, "E" * 20, sent=False)),
        cloud.order() | {"id": wamid(PERSON, "F" * 20, sent=False)},
        cloud.message("private kind", {"x": TEXT}, wamid(PERSON, "G" * 20, sent=False)),
    ]
    a_contact = {"profile": {"name": TEXT}, "wa_id": PERSON, "user_id": USER_ID}
    return [
        cloud.events(statuses=statuses, contacts=[a_contact]),
        *(cloud.events(messages=[message], contacts=[a_contact]) for message in messages),
        cloud.events(errors=[cloud.error(131031), cloud.error(131000)]),
        cloud.webhook(
            cloud.entry(
                {"field": "message_template_status_update", "value": _TEMPLATE_NEWS},
                {"field": "phone_number_quality_update", "value": {"display_phone_number": "27999000001"}},
                {"field": "account_alerts", "value": {"alert_type": "private", "alert_description": TEXT}},
            )
        ),
    ]


_TEMPLATE_NEWS: Final = {
    "event": "REJECTED",
    "message_template_id": 7,
    "message_template_name": "order_update",
    "message_template_language": "en_US",
    "reason": "INVALID_FORMAT",
}


def _of_gupshup() -> Sequence[bytes]:
    reports = [
        gupshup.report("SENT", PERSON, externalId="1-2"),
        gupshup.report("READ", None),
        gupshup.report("FAILED", cause=TEXT, errorCode=PERSON),
        gupshup.report("DELIVERED", f"order of +{PERSON}", externalId=LONG_ID),
        gupshup.click(PERSON),
    ]
    return [
        gupshup.response(*reports),
        gupshup.form(response=reports),
        gupshup.form(**gupshup.message("text")),
        gupshup.generic(gupshup.generic_status("sent"), gupshup.generic_click()),
        *(json.dumps(gupshup.message(kind)).encode() for kind in gupshup.CONTENTS),
        json.dumps(gupshup.message(replyId=..., messageId=...)).encode(),
    ]


def _of_clickatell() -> Sequence[bytes]:
    statuses = [
        clickatell.status(4, PERSON),
        clickatell.status(5, None),
        clickatell.status(6, f"order of +{PERSON}", messageId=LONG_ID),
        clickatell.status(29, status=TEXT, statusDescription=PERSON),
    ]
    return [
        clickatell.statuses(statuses),
        clickatell.callback(moButtonResponse=[clickatell.button_response()]),
        clickatell.callback(moMedia=[clickatell.inline(FILES["image"])]),
        clickatell.callback(moText=[clickatell.text(None), clickatell.text(relatedClientMessageId=PERSON)]),
        clickatell.callback(moText=[clickatell.text(encryptionKey="private", content="private")]),
    ]


def _of_legacy() -> Sequence[bytes]:
    return [
        legacy.raw(legacy.status(3, PERSON)),
        legacy.raw(legacy.status(4, None, messageId=LONG_ID)),
        legacy.raw(legacy.text(None)),
        legacy.raw(legacy.text(encryptionKey="private", content="private")),
    ]


def _of_central() -> Sequence[bytes]:
    return [
        central.statuses("sent", "delivered", wamid=OLDER[0], recipient_id=OLDER_NUMBER),
        central.statuses("read", wamid="wamid.u", recipient_id=None, recipient_user_id=USER_ID),
        central.statuses("read", wamid="wamid.v", recipient_user_id=USER_ID),
        cloud.events(messages=[cloud.text(OLDER[0], **{"from": OLDER_NUMBER}), cloud.text(None)]),
        cloud.events(messages=[cloud.text(wamid(USER_ID, "B" * 20), **{"from": None, "from_user_id": USER_ID})]),
    ]


_ENCRYPTED: Final = EncryptedClickatell()
SCENES: Final[Mapping[str, Scene]] = {
    "clickatell": Scene(TestClickatell(), _hexadecimal, _of_clickatell),
    "clickatell, encrypted": Scene(_ENCRYPTED, _hexadecimal, _of_clickatell, _ENCRYPTED.sealed),
    "clickatell_legacy": Scene(TestClickatellLegacy(), _hexadecimal, _of_legacy),
    "gupshup": Scene(TestGupshup(), _two_numbers, _of_gupshup),
    "message_central": Scene(TestMessageCentral(), _wamid, _of_central),
    "meta": Scene(TestMeta(), _wamid, _of_meta),
}


_WAMID: Final = re.compile(rb"wamid\.[A-Za-z0-9+/]+=*")
_SOMEBODY_ELSE: Final = {PERSON: "27839876501", OTHER_PERSON: "27839876502", TEXT: "other phrase"}


def of_somebody_else(said: bytes) -> bytes:
    """The same between other people and with another text: numbers in WhatsApp's ids are theirs, too."""

    def id_of(found: re.Match[bytes]) -> bytes:
        try:
            raw = b64decode(found[0].removeprefix(b"wamid."))
        except ValueError:
            return found[0]
        return b"wamid." + b64encode(raw.replace(PERSON.encode(), _SOMEBODY_ELSE[PERSON].encode()))

    said = _WAMID.sub(id_of, said)
    for one, other in _SOMEBODY_ELSE.items():
        said = said.replace(one.encode(), other.encode())
    return said


class Conversation:
    """Of one account in a world; every act ends when the queues are quiet. `token` is the account's callback token;
    `said` changes whatever CleverTap and the BSP say."""

    def __init__(
        self, made: World, scene: Scene, token: str = "", said: Callable[[bytes], bytes] = lambda raw: raw
    ) -> None:
        self._made, self._scene, self._suite = made, scene, scene.suite
        self._token, self._said = token or scene.suite.token, said
        self._takes = made.bsp
        made.bsp = self._answered

    def play(self) -> None:
        for act in (self._sends, self._hears, self._is_refused, self._is_misunderstood, self._is_attacked):
            act()
            self._made.pump(hours=3)

    def play_briefly(self) -> None:
        """Without what takes hours, and adds nothing to what is stored of a person."""
        for act in (self._sends, self._hears, self._is_misunderstood):
            act()
            self._made.pump()

    def _answered(self, url: str, sent: Any) -> Answer | Exception:
        answer = self._takes(url, sent)
        if isinstance(answer, Answer):
            return Answer(answer.status, answer.headers, self._said(self._scene.told(answer.body)))
        return answer

    # --- acts --------------------------------------------------------------------------------------------------------

    def _sends(self) -> None:
        """Every kind of message that the BSP takes, with its statuses, and those that are refused at once."""
        made, capabilities = self._made, self._suite.capabilities
        made.files = lambda url, headers: Answer(200, {}, FILES["image"])
        number = 0
        for capability, (message, _) in MESSAGES.items():
            group, kind = capability.split(":")
            number += kind in getattr(capabilities, group)
            if kind in FILES:
                content = FILES[kind]
                made.files = lambda url, headers, content=content: Answer(200, {}, content)  # type: ignore[misc]
            self._send(message, f"r{number}")
            made.pump()
            for status in sorted(capabilities.statuses - {"failed"}):
                self._hear(self._suite.status(status, f"r{number}"))
            made.pump()
        for message, _ in BEYOND_WHATSAPP.values():
            self._send(message, "r0")
        self._send(freeform("text", {"body": TEXT}, to=f"0{PERSON[2:]}"), "r0")
        self._send(template(body("private 1")), "0|0|0|0")
        made.accept("acme", {"authorization": "Basic private"}, json.dumps(template(body(TEXT))).encode())
        made.accept("acme", self._suite.authorization(), b"private")

    def _hears(self) -> None:
        """Every kind of message from a person, that it knows as an answer, with its file; each twice."""
        made, suite = self._made, self._suite
        kinds = sorted(suite.capabilities.incoming)
        for content in [*FILES.values(), None]:
            for kind in kinds:
                if content is not None and FILES.get(kind) != content:
                    continue
                takes = self._takes
                if kind in FILES:
                    self._takes = self._fileless if content is None else self._with_file(content)
                    made.files = self._takes  # type: ignore[assignment]
                raw = suite.incoming(kind, self._scene.message_id(f"{kind} {content is None}"))
                for _ in range(2):
                    self._hear(raw)
                    made.pump()
                    made.now += 400
                self._takes = takes
        if "quickReply" in suite.capabilities.buttons:
            labels = {"Yes": "private|yes", "private label": None}
            buttons = [
                button("quickReply", *([payload(value)] if value else []), index=place, text=label)
                for place, (label, value) in enumerate(labels.items())
            ]
            self._send(template(body("private 1"), *buttons), "r1000")
            made.pump()
            url, sent, _ = made.bsp_requests[-1]
            for place, label in enumerate(labels, 1):
                with suppress(KeyError):
                    self._hear(suite.tapped((url, sent), place, label))
            made.pump()

    def _is_refused(self) -> None:
        """By the BSP in every way, and by CleverTap."""
        made, suite = self._made, self._suite
        batch = suite.batch()
        refusals: list[Answer | Exception] = [
            json_answer(500, {"private": PERSON}),
            LOST,
            UNREACHED,
            RuntimeError(TEXT),
        ]
        # Refused credentials last: where a token was asked for with them, none is for a while.
        refusals += [
            Answer(given.status, {}, given.content)
            for given in (suite.throttling(), suite.rejecting(batch), suite.refusing_credentials())
        ]
        takes = self._takes
        for place, refusal in enumerate(refusals, 2000):
            self._takes = suite.with_steps_before(lambda url, sent, refusal=refusal: refusal)  # type: ignore[misc,arg-type,return-value]
            made.breakers.succeeded("acme")
            self._send(freeform("text", {"body": TEXT}), f"r{place}")
            self._send(template(body("private 1")), f"r{place}0")
            # Longer than the time limit of a freeform message.
            made.pump(hours=0.2)
        self._takes = takes
        made.pump(hours=1)
        for refusal in (json_answer(400, {"private": PERSON}), json_answer(500, {"private": TEXT}), UNREACHED):
            made.clevertap = lambda url, told, refusal=refusal: refusal  # type: ignore[misc]
            self._send(freeform("text", {"body": TEXT}), f"r3{refusal!r:.12}")
            made.run()
            self._hear(suite.status("failed", f"r3{refusal!r:.12}"))
            self._hear(suite.incoming("text", self._scene.message_id(f"{refusal!r:.20}")))
            made.pump(hours=1)
            made.clevertap = lambda url, told: OK
            made.pump(hours=2)

    def _is_misunderstood(self) -> None:
        """Statuses of nobody, unknown kinds, broken elements, and what only this BSP does."""
        made, suite = self._made, self._suite
        raws = [suite.status("sent", reference) for reference in (PERSON, f"to {PERSON}", "unknown")]
        raws += [suite.unknown_status(), suite.unknown_kind()[0]]
        raws += [raw for bad in suite.bad_elements.values() for raw in suite.mixed_callbacks(bad)]
        raws += [suite.to_another_number(suite.incoming("text", "m7"))]
        raws += [suite.incoming("text", "m8").replace(PERSON.encode(), suite.account().waba_number.encode())]
        raws += [*suite.not_callbacks.values(), *suite.unreadable.values(), f'"{PERSON} {TEXT}"'.encode()]
        for raw in (*raws, *self._scene.more()):
            self._hear(raw)
            made.pump(hours=2)
        query = {"private": PERSON, "extra": "1|2|3|4", "text": TEXT}
        with made.invocation():
            made.receive("acme", self._token, Callback("GET", {}, query, b""))
            made.receive("acme", self._token, Callback("POST", {}, {}, urlencode(query).encode()))
        made.templates.plan()

    def _is_attacked(self) -> None:
        """By somebody without the account's credentials, who writes numbers and secrets where names belong."""
        made = self._made
        with made.invocation():
            for name in ("acme", "unknown"):
                made.receive(name, "private-but-wrong", Callback("POST", {}, {}, b"private"))
                made.accept(name, {"authorization": "private"}, b"{}")
                made.show_media(name, "private", {"expires": "private", "signature": "private"})

    # --- how ---------------------------------------------------------------------------------------------------------

    def _send(self, message: Json, msg_id: str) -> None:
        raw = self._said(json.dumps(message | {"msgId": msg_id}).encode())
        self._made.send(raw, headers=self._suite.authorization())

    def _hear(self, raw: bytes) -> None:
        raw = self._scene.sealed(self._said(self._scene.told(raw)))
        assert self._made.callback(raw, token=self._token, headers=self._suite.proof(raw)).status == 200

    def _with_file(self, content: bytes) -> Callable[[str, Any], Answer]:
        def answer(url: str, *_: Any) -> Answer:
            found = self._suite.file_answer(url, content)
            return Answer(found.status, {}, found.content)

        return answer

    @staticmethod
    def _fileless(url: str, *_: Any) -> Answer:
        return json_answer(404, {"error": {"message": f"private {PERSON}"}})
