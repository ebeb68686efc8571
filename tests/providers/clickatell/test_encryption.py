import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from tests.providers.clickatell import samples
from tests.providers.clickatell.samples import ENCRYPTION, MO_KEY, MT_KEY, Json
from tests.providers.conformance import (
    MESSAGES,
    PERSON,
    PROPERTY,
    TEXT,
    assert_public,
    body,
    button,
    freeform,
    header,
    payload,
    suffix,
    template,
)
from tests.support.services import services
from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.reading import parse_message
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.clickatell import outbound, replies
from whatsapp_bridge.providers.clickatell.client import INCOMING, OUTGOING, OUTGOING_CLEAR, Client
from whatsapp_bridge.providers.clickatell_common import encryption
from whatsapp_bridge.providers.contract.client import KeyFailure, Unreadable
from whatsapp_bridge.providers.contract.outcomes import NotSent, Outgoing
from whatsapp_bridge.providers.contract.replies import Reply
from whatsapp_bridge.store.keys import KmsKeys

KEY = bytes(range(32))


class Keys(KmsKeys):
    """KMS in memory: numbered data keys, whose encrypted form says key ARN and number."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.failure: KeyFailure | None = None
        self.aliases: dict[str, str] = {}
        """The ARN of each alias's key."""
        self._numbers = count()

    def generate(self, key_arn: str) -> tuple[bytes, bytes, str]:
        self._called("generate")
        blob = f"{key_arn} {next(self._numbers)}".encode()
        return self._plaintext(blob), blob, self.aliases.get(key_arn, key_arn)

    def decrypt(self, key_arn: str, blob: bytes) -> bytes:
        self._called("decrypt")
        if not blob.startswith(f"{key_arn} ".encode()):
            raise KeyFailure("KMS decrypt: IncorrectKeyException", retriable=False)
        return self._plaintext(blob)

    def _called(self, operation: str) -> None:
        self.calls.append(operation)
        if self.failure:
            raise self.failure

    def _plaintext(self, blob: bytes) -> bytes:
        return blob.rjust(32, b"k")[-32:]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Numbered:
    """Entropy that never repeats and can be predicted."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def __call__(self, size: int) -> bytes:
        return next(self._numbers).to_bytes(size)


def account(encrypted: bool = True, **options: int) -> Account:
    provider = {"encryption": ENCRYPTION} if encrypted else {}
    return parse_account("acme", samples.secret(**provider) | {"options": options})


def client(keys: KmsKeys, clock: Clock | None = None, encrypted: bool = True, **options: int) -> Client:
    data_keys = encryption.DataKeys(clock or Clock())
    return Client(account(encrypted, **options), services(HttpClient(), keys), data_keys, Numbered())


def prepared(client: Client, message: Json, reference: str = "r1") -> Json:
    request = outbound.translate(parse_message(json.dumps(message)), reference, account())
    outgoing = client.prepare(Outgoing(reference, request))
    assert isinstance(outgoing, Outgoing)
    assert outgoing.reference == reference
    return outgoing.request


def hello() -> Json:
    return freeform("text", {"body": TEXT})


# --- one field -------------------------------------------------------------------------------------------------------


def test_field_is_iv_and_ciphertext_in_base64() -> None:
    # NIST SP 800-38A, F.2.5 (CBC-AES256.Encrypt), block 1. Its plaintext is no text; CBC enciphers plaintext XOR IV, so
    # that another plaintext with an IV of the same sum has the same ciphertext.
    key = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    enciphered = bytes.fromhex("6bc0bce12a459991e134741a7f9e1925")
    text = "0123456789abcdef"
    iv = bytes(a ^ b for a, b in zip(enciphered, text.encode(), strict=True))

    raw = b64decode(encryption.encrypt(key, text, lambda size: iv[:size]))

    assert raw[:16] == iv
    assert raw[16:32].hex() == "f58c4c04d6e5f1ba779eabfb5f7bfbd6"
    assert len(raw) == 48


@pytest.mark.parametrize(("size", "expected"), [(0, 32), (1, 32), (15, 32), (16, 48), (31, 48), (32, 64), (4096, 4128)])
def test_length_of_a_field(size: int, expected: int) -> None:
    assert len(b64decode(encryption.encrypt(KEY, "k" * size, Numbered()))) == expected


@PROPERTY
@given(st.text())
def test_round_trip(text: str) -> None:
    assert encryption.decrypt(KEY, encryption.encrypt(KEY, text, Numbered())) == text


def _encrypted(plaintext: bytes) -> str:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES256
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    encryptor = Cipher(AES256(KEY), CBC(bytes(16))).encryptor()
    return b64encode(bytes(16) + encryptor.update(plaintext) + encryptor.finalize()).decode()


@pytest.mark.parametrize(
    "written",
    [
        lambda packed: packed + "\n",
        lambda packed: packed.rstrip("="),
        lambda packed: packed.replace("+", "-").replace("/", "_"),
    ],
    ids=["with a line break", "without padding", "in the alphabet of addresses"],
)
def test_a_field_in_a_neighbouring_base64_is_read(written: Callable[[str], str]) -> None:
    texts = [TEXT + "k" * length for length in range(16)]
    fields = [written(encryption.encrypt(KEY, text, Numbered())) for text in texts]

    assert [encryption.decrypt(KEY, field) for field in fields] == texts


UNDECIPHERABLE = {
    "no base64": "private!",
    "nothing": "",
    "IV alone": b64encode(bytes(16)).decode(),
    "half an IV": b64encode(bytes(8)).decode(),
    "half a block": b64encode(bytes(40)).decode(),
    "padding 0": _encrypted(b"private" + bytes(9)),
    "padding 17": _encrypted(b"\x11" * 32),
    "padding uneven": _encrypted(b"private words" + b"\x01\x03\x03"),
    "not UTF-8": _encrypted(b"\xff\xfe" + b"\x0e" * 14),
}


@pytest.mark.parametrize("field", UNDECIPHERABLE.values(), ids=UNDECIPHERABLE.keys())
def test_what_cannot_be_deciphered(field: str) -> None:
    with pytest.raises(encryption.Undecipherable) as caught:
        encryption.decrypt(KEY, field)
    assert_public(caught.value)
    assert caught.value.__cause__ is None


# --- messages to people ----------------------------------------------------------------------------------------------

FULL = template(
    header("text", {"text": "Hello", "parameters": [suffix("private h")]}),
    body("private 1", "private 2"),
    button("quickReply", payload("private a")),
    button("quickReply", payload("private b"), index=1),
)


def test_template_is_encrypted_field_by_field() -> None:
    keys = Keys()
    request = prepared(client(keys), FULL)

    key = keys.decrypt(MT_KEY, b64decode(request.pop("encryptionKey")))
    clear = encryption.with_leaves(request, OUTGOING, lambda text: encryption.decrypt(key, text))
    assert clear == outbound.translate(parse_message(json.dumps(FULL)), "r1", account())
    assert "private" not in json.dumps(request)


def test_freeform_and_url_are_encrypted() -> None:
    for message in (hello(), template(body("private 1"), button("dynamicUrl", suffix(TEXT)))):
        request = prepared(client(Keys()), message)
        assert TEXT not in json.dumps(request)
        assert "private" not in json.dumps(request)


LEAVES = {
    "location": (
        freeform("location", {"latitude": "1.5", "longitude": "2.5", "name": TEXT, "address": TEXT}),
        {},
        {"location": ("longitude", "latitude", "name", "address")},
    ),
    "location without words": (
        freeform("location", {"latitude": "1.5", "longitude": "2.5"}),
        {},
        {"location": ("longitude", "latitude")},
    ),
    "hsm": (template(body("private 1", "private 2")), {"hsm": True}, {"hsm": ("parameters",)}),
}


@pytest.mark.parametrize(("message", "options", "secret"), LEAVES.values(), ids=LEAVES.keys())
def test_exactly_these_leaves_are_ciphertext(
    message: Json, options: dict[str, bool], secret: dict[str, tuple[str, ...]]
) -> None:
    keys = Keys()
    clear = outbound.translate(parse_message(json.dumps(message)), "r1", account(**options))
    outgoing = client(keys).prepare(Outgoing("r1", clear))
    assert isinstance(outgoing, Outgoing)
    key = keys.decrypt(MT_KEY, b64decode(outgoing.request["encryptionKey"]))

    changed = {path for path in _leaves(clear) if _at(clear, path) != _at(outgoing.request, path)}
    assert changed == {path for path in _leaves(clear) if path[0] in secret and path[1] in secret[path[0]]}
    assert {path: encryption.decrypt(key, _at(outgoing.request, path)) for path in changed} == {
        path: _at(clear, path) for path in changed
    }


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def test_what_one_api_reads_stays_clear() -> None:
    request = prepared(
        client(Keys()), template(body("x"), button("callPhone"), button("dynamicUrl", suffix("k"), index=1))
    )

    assert (request["channel"], request["to"], request["clientMessageId"]) == ("whatsapp", PERSON, "r1")
    assert request["template"]["templateName"] == "order_update"
    assert request["template"]["buttons"]["websiteUrl"][0]["listPosition"] == 2
    assert prepared(client(Keys()), freeform("text", {"body": "http://x"}))["previewFirstUrl"] is True


def test_every_leaf_is_in_one_of_the_tables() -> None:
    tables = (*OUTGOING, *OUTGOING_CLEAR)
    messages = [FULL, freeform("text", {"body": "http://x"})]
    for capability, (message, _) in MESSAGES.items():
        group, kind = capability.split(":")
        if kind in getattr(outbound.CAPABILITIES, group):
            messages.append(message)
    requests = [outbound.translate(parse_message(json.dumps(message)), "r1", account()) for message in messages]
    in_the_older_form = template(body("private 1"))
    requests.append(outbound.translate(parse_message(json.dumps(in_the_older_form)), "r1", account(hsm=True)))
    for request in requests:
        for path in _leaves(_uploaded(request)):
            assert sum(_covers(row, path) for row in tables) == 1, path


def _uploaded(value: Any) -> Any:
    """`value` with a fileId where a file is still to be uploaded."""
    if not isinstance(value, dict):
        return value
    return {
        "fileId" if name == "source" else name: "k" if name == "source" else _uploaded(member)
        for name, member in value.items()
    }


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if members is None:
        yield path
    else:
        for name, member in members:
            yield from _leaves(member, (*path, str(name)))


def _covers(row: tuple[str, ...], path: tuple[str, ...]) -> bool:
    return len(row) == len(path) and all(step in ("*", name) for step, name in zip(row, path, strict=True))


def test_each_field_has_its_own_iv() -> None:
    same = template(body("private 1", "private 1"))
    keys = client(Keys())
    first, second = prepared(keys, same), prepared(keys, same)

    fields = [*first["template"]["body"]["parameters"].values(), *second["template"]["body"]["parameters"].values()]
    assert first["encryptionKey"] == second["encryptionKey"]
    assert len({b64decode(field)[:16] for field in fields}) == 4


def test_message_without_fields_carries_the_key_too() -> None:
    assert prepared(client(Keys()), template(body()))["encryptionKey"]


def test_preparing_leaves_the_original_alone_and_can_be_repeated() -> None:
    original = Outgoing("r1", {"content": TEXT})
    first, second = (client(Keys()).prepare(original) for _ in range(2))

    assert original.request == {"content": TEXT}
    assert isinstance(first, Outgoing)
    assert isinstance(second, Outgoing)
    assert first.request["content"] != TEXT


@pytest.mark.parametrize("retriable", [True, False])
def test_without_a_key_nothing_is_sent(retriable: bool) -> None:
    keys = Keys()
    keys.failure = KeyFailure("KMS generate_data_key: AccessDeniedException", retriable=retriable)

    assert client(keys).prepare(Outgoing("r1", {"content": TEXT})) == NotSent(
        "KMS generate_data_key: AccessDeniedException"
    )


# --- data keys for sending -------------------------------------------------------------------------------------------


def generated(messages: int, seconds_between: float = 0, **options: int) -> int:
    keys, clock = Keys(), Clock()
    sender = client(keys, clock, **options)
    for _ in range(messages):
        prepared(sender, hello())
        clock.now += seconds_between
    return len(keys.calls)


@pytest.mark.parametrize(
    ("messages", "seconds_between", "options", "expected"),
    [
        (100, 0, {}, 1),
        (101, 0, {}, 2),
        (2, 299, {}, 1),
        (2, 300, {}, 2),
        (5, 0, {"data_key_max_messages": 2}, 3),
        (5, 0, {"data_key_max_messages": 1}, 5),
        (5, 0, {"data_key_max_messages": 0}, 5),
        (5, 0, {"data_key_max_seconds": 0}, 5),
        (3, 1, {"data_key_max_seconds": 2}, 2),
    ],
)
def test_data_key_is_bounded(messages: int, seconds_between: float, options: dict[str, int], expected: int) -> None:
    assert generated(messages, seconds_between, **options) == expected


def test_data_key_outlives_its_client_and_belongs_to_its_arn() -> None:
    keys, data_keys = Keys(), encryption.DataKeys(Clock())
    other = samples.secret(encryption=ENCRYPTION | {"mt_key_arn": MO_KEY})
    for secret in (samples.secret(encryption=ENCRYPTION), samples.secret(encryption=ENCRYPTION), other):
        Client(parse_account("acme", secret), services(HttpClient(), keys), data_keys).prepare(
            Outgoing("r1", {"content": TEXT})
        )

    assert keys.calls == ["generate", "generate"]


def test_threads_share_a_data_key_and_its_bound() -> None:
    keys, threads = Keys(), 8
    sender, together = client(keys), Barrier(threads)

    def prepare(number: int) -> str:
        together.wait()
        requests = [prepared(sender, hello(), f"{number}-{place}") for place in range(25)]
        return ",".join(request["encryptionKey"] for request in requests)

    with ThreadPoolExecutor(threads) as pool:
        used = ",".join(pool.map(prepare, range(threads))).split(",")

    assert keys.calls == ["generate", "generate"]
    assert sorted(used.count(key) for key in set(used)) == [100, 100]


class Meeting(Keys):
    """KMS that is slow enough for two threads to meet in it, if they can."""

    def __init__(self) -> None:
        super().__init__()
        self._together = Barrier(2)
        self.met = False

    def generate(self, key_arn: str) -> tuple[bytes, bytes, str]:
        with suppress(BrokenBarrierError):
            self._together.wait(timeout=0.3)
            self.met = True
        return super().generate(key_arn)


@pytest.mark.parametrize(("options", "expected"), [({}, False), ({"data_key_max_messages": 0}, True)])
def test_threads_wait_for_a_shared_key_and_not_for_keys_of_their_own(options: dict[str, int], expected: bool) -> None:
    keys = Meeting()
    sender = client(keys, **options)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda reference: prepared(sender, hello(), reference), ("r1", "r2")))

    assert keys.met is expected


def test_kms_is_not_asked_again_right_after_it_failed() -> None:
    keys, clock = Keys(), Clock()
    keys.failure = KeyFailure("KMS generate_data_key: ConnectTimeoutError", retriable=True)
    sender = client(keys, clock, data_key_max_seconds=0)
    outcomes = [sender.prepare(Outgoing("r1", {"content": TEXT})) for _ in range(100)]

    assert outcomes == [NotSent("KMS generate_data_key: ConnectTimeoutError")] * 100
    assert len(keys.calls) == 1

    keys.failure, clock.now = None, clock.now + 2
    assert isinstance(sender.prepare(Outgoing("r1", {"content": TEXT})), Outgoing)


# --- messages from people --------------------------------------------------------------------------------------------


def received(keys: Keys, element: Json, arn: str = MO_KEY) -> Json:
    """`element` as Clickatell would send it encrypted."""
    plaintext, blob, _ = keys.generate(arn)
    keys.calls.clear()
    return encryption.with_leaves(
        element,
        (*INCOMING, ("whatsapp", "profileName")),
        lambda text: encryption.encrypt(plaintext, text, Numbered()),
    ) | {"encryptionKey": b64encode(blob).decode()}


@pytest.mark.parametrize(
    "element",
    [
        samples.text(),
        samples.tap(),
        samples.location(),
        samples.location(latitute=None, latitude="1.5", locationName=None),
        samples.contacts("m1", {"name": {"formattedName": TEXT}, "phones": [{"phone": None, "waId": PERSON}]}),
        samples.contacts(
            contacts=["private", {"name": "private", "org": "private", "phones": [PERSON, {"phone": "private"}]}]
        ),
        samples.contacts(contacts=[{"vcard": "private card"}]),
        samples.contacts(
            contacts=[{"name": "private", "nickname": "private", "pets": [{"name": ["private"], "n": 2}]}]
        ),
        samples.contacts(contacts="private card"),
        samples.button_response(),
        samples.button_response(title=None, postbackData=None, selectedItem={"title": TEXT, "postbackData": TEXT}),
    ],
    ids=[
        "text",
        "tap",
        "location",
        "location spelt right",
        "contacts",
        "plain contacts",
        "card",
        "members that no table names",
        "contacts a text",
        "button response",
        "selected item",
    ],
)
def test_encrypted_reply_is_opened(element: Json) -> None:
    keys = Keys()
    sent = received(keys, element)
    assert "private" not in json.dumps(sent)

    assert read(client(keys).open(sent)) == read(element)


@pytest.mark.parametrize(
    ("element", "change"),
    [
        (samples.text(), {"whatsapp": {"profileName": "private name"}}),
        (samples.text(), {"whatsapp": {"profileName": {"private": 1}}}),
        (samples.text(), {"whatsapp": {"profileName": ""}}),
        (samples.location(), {"locationName": "", "locationAddress": "null"}),
        (samples.tap(), {"content": ""}),
        (samples.contacts(), {"contacts": [{"nickname": "private", "age": 7}]}),
    ],
    ids=[
        "profile name in clear",
        "profile name an object",
        "profile name empty",
        "place without a name",
        "no label",
        "a card in clear",
    ],
)
def test_fields_that_hold_nothing_or_that_nobody_reads_cost_no_message(element: Json, change: Json) -> None:
    keys = Keys()
    sent = received(keys, element) | change

    assert read(client(keys).open(sent)) == read(element | change)


def read(element: Json) -> Json:
    """Nobody reads the profile's name."""
    return {name: value for name, value in element.items() if name != "whatsapp"}


def test_opened_twice_is_the_same() -> None:
    keys = Keys()
    reader = client(keys)
    opened = reader.open(received(keys, samples.text()))

    assert reader.open(opened) == opened


def test_null_stays_null() -> None:
    keys = Keys()
    element = samples.tap(content=None, whatsapp={"profileName": None})

    assert read(client(keys).open(received(keys, element))) == read(element)


@pytest.mark.parametrize("missing", [None, "", "null"])
def test_clear_element_passes(missing: Any) -> None:
    keys = Keys()
    element = samples.text(encryptionKey=missing)

    assert client(keys).open(element) == element
    assert keys.calls == []


CODES = {"hexadecimal digits": "0a" * 32, "base64": "A" * 43 + "=", "the form of ciphertext": "A" * 64}


@pytest.mark.parametrize("text", CODES.values(), ids=CODES.keys())
@pytest.mark.parametrize("missing", [None, "", "null"])
def test_a_code_that_somebody_writes_is_their_words(text: str, missing: Any) -> None:
    keys = Keys()
    element = samples.text(content=text, encryptionKey=missing)

    assert client(keys).open(element) == element
    assert keys.calls == []


def test_encrypted_reply_becomes_a_message() -> None:
    keys = Keys()
    answer = replies.reply(
        client(keys).open(received(keys, samples.tap() | {"kind": "moSuggestedResponse"})), account()
    )

    assert isinstance(answer, Reply)
    assert answer.message.wire()["button"] == {"payload": TEXT, "text": "private label"}


def unreadable(reader: Client, element: Json) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        reader.open(element)
    assert_public(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


def test_encrypted_without_settings_names_the_setting() -> None:
    keys = Keys()
    error = unreadable(client(keys, encrypted=False), received(keys, samples.text()))

    assert error.retriable
    assert "provider.encryption.mo_key_arn" in error.reason


BROKEN: dict[str, Json] = {
    "content in clear": {"content": TEXT},
    "content cut": {"content": b64encode(bytes(40)).decode()},
    "content no text": {"content": 5},
    "key no base64": {"encryptionKey": "private!"},
    "key of another ARN": {"encryptionKey": b64encode(f"{MT_KEY} 7".encode()).decode()},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_what_never_will_be_readable(change: Json) -> None:
    keys = Keys()

    assert not unreadable(client(keys), received(keys, samples.text()) | change).retriable


def test_one_bad_key_harms_no_other_message() -> None:
    keys = Keys()
    element = received(keys, samples.text())
    reader = client(keys)
    unreadable(reader, element | BROKEN["key of another ARN"])

    assert reader.open(element)["content"] == TEXT


def test_kms_failure_is_retried() -> None:
    keys, clock = Keys(), Clock()
    element = received(keys, samples.text())
    reader = client(keys, clock)
    keys.failure = KeyFailure("KMS decrypt: EndpointConnectionError", retriable=True)

    assert unreadable(reader, element).retriable
    assert unreadable(reader, received_again(element)).retriable
    assert keys.calls == ["decrypt"]

    keys.failure, clock.now = None, clock.now + 2
    assert reader.open(element)["content"] == TEXT


def received_again(element: Json) -> Json:
    return element | {"messageId": "m2"}


@pytest.mark.parametrize(
    ("seconds", "options", "expected"),
    [(0, {}, 1), (299, {}, 1), (300, {}, 2), (0, {"data_key_max_seconds": 0}, 2)],
)
def test_decrypted_keys_are_kept_for_a_while(seconds: float, options: dict[str, int], expected: int) -> None:
    keys, clock = Keys(), Clock()
    reader, element = client(keys, clock, **options), received(keys, samples.text())
    reader.open(element)
    clock.now += seconds
    reader.open(element)

    assert len(keys.calls) == expected


def test_decrypted_keys_are_bounded_in_number() -> None:
    keys = Keys()
    reader = client(keys)
    elements = [received(keys, samples.text()) for _ in range(501)]
    for element in elements:
        reader.open(element)
    keys.calls.clear()

    reader.open(elements[-1])
    reader.open(elements[1])
    assert keys.calls == []
    reader.open(elements[0])
    assert keys.calls == ["decrypt"]
    # It took the place of the one that was not asked for longest: the third, as the second just was.
    reader.open(elements[1])
    assert keys.calls == ["decrypt"]
    reader.open(elements[2])
    assert keys.calls == ["decrypt", "decrypt"]


# --- KMS itself ------------------------------------------------------------------------------------------------------


def test_both_ways_with_kms() -> None:
    with mock_aws():
        session = get_session()
        session.set_credentials("testing", "testing")
        kms = session.create_client("kms", region_name="eu-west-1")
        arns = {name: kms.create_key()["KeyMetadata"]["Arn"] for name in ENCRYPTION}
        regions: list[str] = []

        def in_region(region: str) -> Any:
            regions.append(region)
            return kms

        own = parse_account("acme", samples.secret(encryption=arns))
        bridge = Client(own, services(HttpClient(), KmsKeys(in_region)), encryption.DataKeys())
        outgoing = bridge.prepare(Outgoing("r1", {"content": TEXT}))
        assert isinstance(outgoing, Outgoing)

        key = kms.decrypt(CiphertextBlob=b64decode(outgoing.request["encryptionKey"]))
        assert key["KeyId"] == arns["mt_key_arn"]
        assert encryption.decrypt(key["Plaintext"], outgoing.request["content"]) == TEXT

        answer = kms.generate_data_key(KeyId=arns["mo_key_arn"], KeySpec="AES_256")
        content = encryption.encrypt(answer["Plaintext"], TEXT, Numbered())
        element = samples.text(
            content=content, whatsapp=None, encryptionKey=b64encode(answer["CiphertextBlob"]).decode()
        )
        assert bridge.open(element)["content"] == TEXT
        assert set(regions) == {"eu-west-1"}
