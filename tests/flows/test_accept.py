"""send: who is let in, what is refused with which answer, and what is put on which queue."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.conftest import Log
from tests.support.undecodable import NAMES, PACKINGS, spoilt
from tests.support.world import BASIC, TOKEN, World, account, freeform, template, world

SUCCESS = (200, {"status": "success"})
INVALID_CREDENTIALS = (200, {"status": "failure", "error": {"code": 2000, "message": "Invalid credentials"}})
BAD_REQUEST = (403, {"message": "Bad Request"})
TOO_MANY = (429, {"message": "Too many requests to process"})
SERVER_ERROR = (500, {"status": "failure", "error": {"message": "Unable to process the request"}})

# Nothing of these may ever come out again.
PRIVATE = ("27820000001", "820000001", "27999000001", "Hi Ann", "pay|yes", "hello", "secret-api-key", TOKEN, "Canary")


OLD = {"type": "basic", "username": "user", "password": "a-long-password"}
NEW = {"type": "basic", "username": "user", "password": "Canary-new-password"}
KEY = {"type": "header", "name": "X-Api-Key", "value": "Canary-key-of-the-header"}


def credentials(*entries: dict[str, str]) -> dict[str, Any]:
    return account(clevertap={**account()["clevertap"], "authorization": list(entries)})


@pytest.fixture(scope="module")
def shared() -> Iterator[World]:
    """One world for the module, with every account of its tables."""
    with world(
        acme=account(),
        other=account(),
        rotating=credentials(OLD, NEW),
        keyed=credentials(KEY),
        broken=account(callback_token="Canary"),
        african=account(options={"default_country": "ZA"}),
        validating=account(options={"send_template_validations": True}),
    ) as made:
        yield made


@pytest.fixture
def made(shared: World) -> Iterator[World]:
    """With empty queues and caches."""
    yield shared
    shared.fail = lambda *_: None
    shared.secrets.put_secret_value(SecretId="test/accounts/acme", SecretString=json.dumps(account()))
    # Nothing is cached, and no repeat known, for more than five minutes.
    shared.now += 301
    for queue in ("ConversationQueue", "CampaignQueue"):
        shared.sqs.purge_queue(QueueUrl=shared.url(queue))
    shared.steps = []


def answered(made: World, body: Any, **options: Any) -> tuple[int, Any]:
    answer = made.send(body, **options)
    return answer.status, json.loads(answer.body)


def received(made: World, queue: str) -> list[dict[str, Any]]:
    """Take what is on a queue, whole."""
    found = made.sqs.receive_message(QueueUrl=made.url(queue), MaxNumberOfMessages=10, AttributeNames=["All"])
    messages: list[dict[str, Any]] = found.get("Messages", [])
    return messages


def nothing_enqueued(made: World) -> bool:
    return made.depth("ConversationQueue") == made.depth("CampaignQueue") == 0


def without(message: dict[str, Any], *path: str) -> dict[str, Any]:
    return changed(message, path, ...)


def changed(message: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(message))
    holder: Any = copied
    for step in path[:-1]:
        holder = holder[step]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return copied


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"Canary", id="text"),
        pytest.param(b"{", id="cut off"),
        pytest.param(json.dumps(template()).encode()[:-1], id="a message cut off"),
        pytest.param(json.dumps(template()).encode() + b"x", id="more behind it"),
        pytest.param(b"msgId=Canary&to=27820000001", id="a form"),
        pytest.param(b"<Canary/>", id="XML"),
        pytest.param(b"[" * 200_000, id="200 000 lists deep, never closed"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="100 000 lists deep"),
        pytest.param(b'{"a":' * 100 + b"1" + b"}" * 100, id="100 objects deep"),
    ],
)
def test_no_json(made: World, log: Log, counted: Callable[[], dict[str, int]], body: bytes) -> None:
    assert answered(made, body) == BAD_REQUEST
    assert counted() == {"MessagesRefused": 1}
    assert nothing_enqueued(made)
    assert [(entry["message"], entry["field"]) for entry in log.entries] == [("message refused", "body")]
    assert not [private for private in PRIVATE if private in log.text]


def test_what_cannot_be_decoded_in_a_message_is_replaced_on_its_whole_way(made: World, log: Log) -> None:
    # CleverTap packs nothing.
    unpacked = [name for name in NAMES if name not in PACKINGS]
    messages = [
        spoilt(json.dumps(freeform(f"m{place}", text="Canary")).encode(), "Canary")[name]
        for place, name in enumerate(unpacked)
    ]
    for body, _ in messages:
        assert answered(made, body) == SUCCESS
        made.pump()
    assert [sent["content"] for sent in made.sent_to_bsp] == [text for _, text in messages]
    assert not [private for private in PRIVATE if private in log.text]


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        # CleverTap could not tell to which message the statuses belong.
        pytest.param({"msgId": "1|2|\ud800"}, "msgId: must be printable characters", id="msgId"),
        pytest.param({"text": {"body": float("nan")}}, "text.body: must be a string", id="NaN for a text"),
    ],
)
def test_what_cannot_be_decoded_and_is_needed_is_refused_by_its_name(
    made: World, changes: dict[str, Any], refused: str
) -> None:
    body = json.dumps(freeform(**changes)).encode()
    assert answered(made, body) == (200, {"status": "failure", "error": {"code": 2004, "message": refused}})


def nested(depth: int) -> Any:
    value: Any = "Canary"
    for _ in range(depth):
        value = {"Canary": value}
    return value


BODY = ("components", 0)
OFFER = {
    "type": "limited_time_offer",
    "text": "Canary",
    "parameters": [{"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_700_086_400_000}}],
}


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        pytest.param(b"[]", 2004, "body: must be an object", id="a list"),
        pytest.param(b'"Canary"', 2004, "body: must be an object", id="a text"),
        pytest.param(b"null", 2004, "body: must be an object", id="null"),
        pytest.param(b"27820000001", 2004, "body: must be an object", id="a number"),
        pytest.param(b"{}", 2004, "isTemplate: is missing", id="empty object"),
        pytest.param(without(template(), "msgId"), 2004, "msgId: is missing", id="no msgId"),
        pytest.param(template(msg_id=""), 2004, "msgId: must not be empty", id="empty msgId"),
        pytest.param(
            template(msg_id="Canary" * 40), 2004, "msgId: must not be longer than 128 characters", id="endless msgId"
        ),
        pytest.param(template(msg_id="Canary\n"), 2004, "msgId: must be printable characters", id="msgId of two lines"),
        pytest.param(template(msg_id=["Canary"]), 2004, "msgId: must be a string", id="msgId is a list"),
        pytest.param(
            template(isTemplate="Canary"), 2004, "isTemplate: must be true or false", id="isTemplate is a text"
        ),
        pytest.param(without(template(), "template"), 2001, "template: is missing", id="no template"),
        pytest.param(template(template="Canary"), 2001, "template: must be an object", id="template is a text"),
        pytest.param(
            without(template(), "template", "namespace"), 2001, "template.namespace: is missing", id="no template name"
        ),
        pytest.param(
            changed(template(), ("template", "namespace"), ""),
            2001,
            "template.namespace: must not be empty",
            id="empty template name",
        ),
        pytest.param(
            without(template(), "template", "languageCode"),
            2001,
            "template.languageCode: is missing",
            id="no language",
        ),
        pytest.param(without(template(), "components"), 2001, "components: is missing", id="no components"),
        pytest.param(template(components=[]), 2001, "components: must not be empty", id="empty components"),
        pytest.param(template(components="Canary"), 2001, "components: must be a list", id="components is a text"),
        pytest.param(template(components=None), 2001, "components: must be a list", id="components is null"),
        pytest.param(
            template(components=["Canary"]), 2001, "components[0]: must be an object", id="component is a text"
        ),
        pytest.param(
            without(template(), *BODY, "body"), 2001, "components[0].body: is missing", id="body component without body"
        ),
        pytest.param(
            changed(template(), (*BODY, "body", "parameters"), "Canary"),
            2001,
            "components[0].body.parameters: must be a list",
            id="parameters is a text",
        ),
        pytest.param(
            changed(template(), (*BODY, "body", "parameters", 0, "text"), {"Canary": 1}),
            2001,
            "components[0].body.parameters[0].text: must be a string",
            id="parameter is an object",
        ),
        pytest.param(
            changed(template(), (*BODY, "body", "parameters", 0, "text"), " "),
            2001,
            "components[0].body.parameters[0].text: is empty",
            id="empty parameter, which Clickatell refuses",
        ),
        pytest.param(
            template(components=[*template()["components"], OFFER]),
            2001,
            "components[2]: limited-time offers are not supported by Clickatell One API",
            id="what Clickatell cannot express",
        ),
        pytest.param(
            freeform(type="audio", audio={"mediaURL": "https://h/Canary", "caption": "Canary"}),
            2004,
            "audio.caption: WhatsApp shows no caption with audio",
            id="freeform that Clickatell cannot express",
        ),
        pytest.param(without(freeform(), "type"), 2004, "type: is missing", id="freeform without type"),
        pytest.param(
            freeform(type="Canary"),
            2004,
            "type: must be text, image, video, file, audio or location",
            id="unknown freeform type",
        ),
        pytest.param(without(freeform(), "text"), 2004, "text: is missing", id="text message without text"),
        pytest.param(freeform(text=""), 2004, "text.body: must not be empty", id="empty text"),
        pytest.param(freeform(text=" \n"), 2004, "text.body: is empty", id="text of spaces"),
        pytest.param(
            freeform(text="Canary" * 1000), 2004, "text.body: is longer than 4096 characters", id="text too long"
        ),
        pytest.param(without(template(), "to"), 2002, "to: is missing", id="no number"),
        *(
            pytest.param(
                template(to=number),
                2002,
                "to: must be a phone number with its country code, 7 to 15 digits",
                id=f"number {number!r}",
            )
            for number in (
                "",
                "Canary",
                "+",
                "123456",
                "+2782000000123456",
                "27820000001x",
                1.5,
                True,
                [],
            )
        ),
        pytest.param(without(template(), "wabaNumber"), 2004, "wabaNumber: is missing", id="no wabaNumber"),
        pytest.param(
            template(wabaNumber="Canary"),
            2004,
            "wabaNumber: must be a phone number with its country code, 7 to 15 digits",
            id="wabaNumber of letters",
        ),
        pytest.param(
            template(wabaNumber="+27820000001"), 2004, "wabaNumber: is not this account's number", id="another's number"
        ),
        pytest.param(freeform(text="Canary" * 900_000), 2004, "body: is larger than 258048 bytes", id="a body of 5 MB"),
        pytest.param(
            b"Canary" * 900_000, 2004, "body: is larger than 258048 bytes", id="5 MB that are no JSON, not even read"
        ),
    ],
)
def test_refused(made: World, log: Log, body: Any, code: int, message: str) -> None:
    assert answered(made, body) == (200, {"status": "failure", "error": {"code": code, "message": message}})
    assert nothing_enqueued(made)
    assert log.messages() == ["message refused"]
    field, _, reason = message.partition(": ")
    assert (log.entries[0]["field"], log.entries[0]["reason"]) == (field, reason)
    assert not [private for private in PRIVATE if private in message + log.text]


@pytest.mark.parametrize(
    ("name", "number", "sent_to"),
    [
        pytest.param("acme", "27820000001.0", "27820000001", id="out of a spreadsheet"),
        pytest.param("acme", "+27 (0)82 000 0001", "27820000001", id="with the zero in brackets"),
        pytest.param("acme", "\u202a+27 82 000 0001\u202c", "27820000001", id="with direction marks"),
        pytest.param("african", "082 000 0001", "27820000001", id="without its country code"),
        pytest.param("african", "+44 7700 900123", "447700900123", id="of another country"),
    ],
)
def test_a_message_goes_to_the_number_that_was_meant(made: World, name: str, number: str, sent_to: str) -> None:
    assert answered(made, template(to=number), account=name) == SUCCESS

    (queued,) = received(made, "CampaignQueue")
    assert json.loads(queued["Body"])["message"]["to"] == sent_to


@pytest.mark.parametrize("number", ["27820000001.5", "820000001", "+44 7700 (0) 900123", "2782000000100"])
def test_a_number_that_nobody_can_be_sure_of_gets_nothing(made: World, number: str) -> None:
    status, body = answered(made, template(to=number))

    assert (status, body["error"]["code"]) == (200, 2002)
    assert nothing_enqueued(made)


def test_unknown_keys_may_nest(made: World) -> None:
    assert answered(made, template(somethingNew=nested(40))) == SUCCESS
    assert answered(made, template(somethingNew=nested(80))) == BAD_REQUEST


def test_largest_body(made: World) -> None:
    room = 258_048 - len(json.dumps(template(more="")).encode())
    assert answered(made, template(more="x" * (room + 1)))[1]["error"]["message"].startswith("body: is larger")
    assert nothing_enqueued(made)
    assert answered(made, template(more="x" * room)) == SUCCESS
    assert made.depth("CampaignQueue") == 1


def test_refusals_are_counted(made: World, counted: Callable[[], dict[str, int]]) -> None:
    made.send(template(components=[]))
    assert counted() == {"MessagesRefused": 1}


# --- who is let in --------------------------------------------------------------------------------------------------


def basic(username: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + b64encode(f"{username}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("name", "headers", "expected"),
    [
        pytest.param("acme", BASIC, SUCCESS, id="basic"),
        pytest.param("rotating", basic("user", "a-long-password"), SUCCESS, id="old one during a rotation"),
        pytest.param("rotating", basic("user", "Canary-new-password"), SUCCESS, id="new one during a rotation"),
        pytest.param("keyed", {"x-api-key": "Canary-key-of-the-header"}, SUCCESS, id="header"),
        pytest.param("acme", {}, INVALID_CREDENTIALS, id="none"),
        pytest.param("acme", basic("user", "Canary"), INVALID_CREDENTIALS, id="wrong password"),
        pytest.param("acme", basic("Canary", "a-long-password"), INVALID_CREDENTIALS, id="wrong user"),
        pytest.param("acme", {"authorization": "Canary"}, INVALID_CREDENTIALS, id="not even Basic"),
        pytest.param("acme", {"x-api-key": "Canary-key-of-the-header"}, INVALID_CREDENTIALS, id="another account's"),
        pytest.param("keyed", {"x-api-key": "Canary"}, INVALID_CREDENTIALS, id="wrong header"),
        pytest.param("keyed", BASIC, INVALID_CREDENTIALS, id="basic where a header is wanted"),
        pytest.param("nobody", BASIC, INVALID_CREDENTIALS, id="unknown account"),
        pytest.param("Canary/../acme", BASIC, INVALID_CREDENTIALS, id="no account's name"),
        pytest.param("", BASIC, INVALID_CREDENTIALS, id="no name"),
    ],
)
def test_credentials(made: World, log: Log, name: str, headers: dict[str, str], expected: tuple[int, Any]) -> None:
    before = made.depth("CampaignQueue")
    assert answered(made, template(), account=name, headers=headers) == expected
    assert made.depth("CampaignQueue") - before == (expected == SUCCESS)
    assert not [private for private in PRIVATE if private in log.text]


@pytest.mark.parametrize("body", [b"Canary", b"{}", json.dumps(template(components=[])).encode()])
def test_a_stranger_learns_nothing_of_a_body(made: World, body: bytes) -> None:
    assert answered(made, body, headers={}) == INVALID_CREDENTIALS


@pytest.mark.parametrize(
    ("seconds", "old", "new"),
    [
        pytest.param(14, SUCCESS, INVALID_CREDENTIALS, id="before"),
        pytest.param(15, INVALID_CREDENTIALS, SUCCESS, id="after"),
    ],
)
def test_a_secret_that_changes_with_the_cache_warm(made: World, seconds: int, old: Any, new: Any) -> None:
    assert answered(made, template()) == SUCCESS
    made.secrets.put_secret_value(SecretId="test/accounts/acme", SecretString=json.dumps(credentials(NEW)))
    made.now += seconds
    assert answered(made, template(), headers=basic("user", "Canary-new-password")) == new
    assert answered(made, template()) == old


def test_a_broken_secret(made: World, log: Log) -> None:
    assert answered(made, template(), account="broken") == SERVER_ERROR
    assert nothing_enqueued(made)
    assert "account broken: callback_token: " in log.text
    assert not [private for private in PRIVATE if private in log.text]


# --- what is put on the queues --------------------------------------------------------------------------------------


def test_a_template_message(made: World) -> None:
    assert answered(made, template(extra={"kept": True})) == SUCCESS
    assert made.depth("ConversationQueue") == 0
    (message,) = received(made, "CampaignQueue")
    assert message["Attributes"]["MessageGroupId"] == "acme"
    job = json.loads(message["Body"])
    assert (job["account"], job["reference"]) == ("acme", "1|2|3|4")
    assert job["message"]["extra"] == {"kept": True}
    assert job["message"]["components"] == template()["components"]


def test_a_freeform_message(made: World) -> None:
    assert answered(made, freeform()) == SUCCESS
    assert made.depth("CampaignQueue") == 0
    (message,) = received(made, "ConversationQueue")
    job = json.loads(message["Body"])
    assert (job["account"], job["reference"], job["message"]["text"]) == ("acme", "9|9|9|9", {"body": "hello"})


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param({"to": "27820000001"}, True, id="the same person, spelt otherwise"),
        pytest.param({"to": "+27820000002"}, False, id="another person"),
        pytest.param({"account": "other"}, False, id="another account"),
    ],
)
def test_groups(made: World, other: dict[str, str], same: bool) -> None:
    made.send(freeform("a"))
    made.send(freeform("b", to=other.get("to", "+27820000001")), account=other.get("account", "acme"))
    groups = [message["Attributes"]["MessageGroupId"] for message in received(made, "ConversationQueue")]
    assert len(groups) == 2
    assert len(set(groups)) == (1 if same else 2)
    for group in groups:
        assert "820000001" not in group
        assert len(group) <= 128


@pytest.mark.parametrize(
    ("second", "depth"),
    [
        pytest.param(freeform("a", text="again"), 1, id="a repeat"),
        pytest.param(freeform("b"), 2, id="another msgId"),
    ],
)
def test_repeats_within_five_minutes(made: World, second: dict[str, Any], depth: int) -> None:
    assert [answered(made, message) for message in (freeform("a"), second)] == [SUCCESS, SUCCESS]
    assert made.depth("ConversationQueue") == depth


def test_queues_hold_no_credentials(made: World) -> None:
    made.send(template())
    made.send(freeform())
    messages = received(made, "CampaignQueue") + received(made, "ConversationQueue")
    assert len(messages) == 2
    for message in messages:
        for secret in ("secret-api-key", "dXNlcjphLWxvbmctcGFzc3dvcmQ=", "a-long-password", TOKEN, "clevertap.example"):
            assert secret not in json.dumps(message)


def verification(**changes: Any) -> dict[str, Any]:
    parameters = [{"type": "text", "text": text} for text in ("a", "b", "c")]
    return {
        "to": "+917770001111",
        "wabaNumber": "918880001111",
        "isTemplate": True,
        "msgId": "0|0|0|0",
        "template": {"namespace": "whatsapp:hsm:technology:generic:verify", "languageCode": "en"},
        "components": [{"type": "body", "body": {"text": "a b c", "parameters": parameters}}],
    } | changes


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(verification(), id="bare"),
        pytest.param({"body": verification()}, id="wrapped"),
        pytest.param(verification(to="<phone>", wabaNumber="<number>"), id="with placeholders"),
    ],
)
def test_provider_validation_reaches_no_queue(made: World, body: dict[str, Any]) -> None:
    assert answered(made, body) == SUCCESS
    assert nothing_enqueued(made)
    assert "before SendMessage" not in made.steps


def test_a_saved_template_is_validated_without_a_message(
    made: World, log: Log, counted: Callable[[], dict[str, int]]
) -> None:
    for _ in range(2):
        assert answered(made, template("0|0|0|0")) == SUCCESS
    assert nothing_enqueued(made)
    assert "before SendMessage" not in made.steps
    assert counted()["TemplatesValidated"] == 2
    assert "MessagesAccepted" not in counted()
    assert "template validated, not sent" in log.text


COUPON = {
    "type": "button",
    "index": 0,
    "subType": "copy_code",
    "parameters": [{"type": "coupon_code", "coupon_code": "C"}],
}
UNSUITABLE: dict[str, tuple[dict[str, Any], int, str]] = {
    "what the BSP cannot carry": (
        {"components": [COUPON]},
        2001,
        "components[0].subType: copy_code buttons are not supported by Clickatell One API",
    ),
    "what WhatsApp refuses": (
        {"components": [{"type": "footer", "footer": "k" * 61}]},
        2001,
        "components[0].footer: is longer than 60 characters",
    ),
    "malformed": ({"template": None}, 2001, "template: must be an object"),
    "another number's": ({"wabaNumber": "27999000002"}, 2004, "wabaNumber: is not this account's number"),
}


@pytest.mark.parametrize("sent", [False, True], ids=["checked", "sent"])
@pytest.mark.parametrize(("change", "code", "message"), UNSUITABLE.values(), ids=UNSUITABLE.keys())
def test_a_saved_template_is_refused_like_its_messages(
    made: World,
    counted: Callable[[], dict[str, int]],
    change: dict[str, Any],
    code: int,
    message: str,
    sent: bool,
) -> None:
    body = template("0|0|0|0") | change
    refused = answered(made, body, account="validating" if sent else "acme")
    assert refused == (200, {"status": "failure", "error": {"code": code, "message": message}})
    assert nothing_enqueued(made)
    assert counted() == {"MessagesRefused": 1}


def test_validations_of_saved_templates_are_sent_where_the_account_says_so(made: World) -> None:
    for _ in range(2):
        assert answered(made, template("0|0|0|0"), account="validating") == SUCCESS
    references = [json.loads(message["Body"])["reference"] for message in received(made, "CampaignQueue")]
    assert len(set(references)) == 2
    assert all(reference.startswith("0|0|0|0#") for reference in references)


def test_a_freeform_message_with_the_msg_id_of_validations_is_sent(made: World) -> None:
    for _ in range(2):
        assert answered(made, freeform("0|0|0|0")) == SUCCESS
    references = [json.loads(message["Body"])["reference"] for message in received(made, "ConversationQueue")]
    assert len(set(references)) == 2
    assert all(reference.startswith("0|0|0|0#") for reference in references)


# --- AWS ------------------------------------------------------------------------------------------------------------


def calls(made: World) -> list[str]:
    made.steps, steps = [], made.steps
    return [step.removeprefix("before ") for step in steps if step.startswith("before")]


@pytest.mark.parametrize("message", [pytest.param(template(), id="template"), pytest.param(freeform(), id="freeform")])
def test_one_call_warm_two_cold(made: World, message: dict[str, Any]) -> None:
    made.send(message)
    of_template = ["BatchGetItem"] if message["isTemplate"] else []
    assert calls(made) == ["BatchGetSecretValue", *of_template, "SendMessage"]
    made.send(message)
    assert calls(made) == ["SendMessage"]
    made.now += 299
    made.send(message)
    # What is known of a template is read once a minute.
    assert calls(made) == [*of_template, "SendMessage"]


@pytest.mark.parametrize(
    ("operation", "error", "expected"),
    [
        pytest.param("SendMessage", "ThrottlingException", TOO_MANY, id="SQS throttles"),
        pytest.param("SendMessage", "RequestThrottled", TOO_MANY, id="SQS throttles, by its older name"),
        pytest.param("SendMessage", "InternalError", SERVER_ERROR, id="SQS fails"),
        pytest.param("SendMessage", "AWS.SimpleQueueService.NonExistentQueue", SERVER_ERROR, id="no queue"),
        pytest.param("SendMessage", None, SERVER_ERROR, id="SQS out of reach"),
        pytest.param("GetSecretValue", "InternalServiceError", SERVER_ERROR, id="Secrets Manager fails"),
        pytest.param("GetSecretValue", "AccessDeniedException", SERVER_ERROR, id="no permission for the secret"),
        pytest.param("GetSecretValue", None, SERVER_ERROR, id="Secrets Manager out of reach"),
    ],
)
@pytest.mark.parametrize("message", [pytest.param(template(), id="template"), pytest.param(freeform(), id="freeform")])
def test_aws_trouble(
    made: World, log: Log, operation: str, error: str | None, expected: Any, message: dict[str, Any]
) -> None:
    trouble = (
        ClientError({"Error": {"Code": error, "Message": "Canary"}}, operation)
        if error
        else EndpointConnectionError(endpoint_url="https://Canary")
    )
    # One that knows the account does without Secrets Manager.
    made.forget_secrets("accept")
    made.fail = lambda called, _: trouble if called.removeprefix("Batch") == operation else None
    assert answered(made, message) == expected
    assert nothing_enqueued(made)
    # That secrets are read one by one is no error.
    assert {entry["level"] for entry in log.entries} - {"INFO"} == {"ERROR"}
    assert not [private for private in PRIVATE if private in log.text]
    made.fail = lambda *_: None
    # A secret that could not be read is read again after two seconds.
    made.now += 2
    assert answered(made, message) == SUCCESS


@pytest.mark.parametrize("message", [pytest.param(template(), id="template"), pytest.param(freeform(), id="freeform")])
@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServiceError", "AccessDeniedException"])
def test_a_start_among_many_reads_its_secrets_one_by_one(made: World, message: dict[str, Any], code: str) -> None:
    """AWS allows a hundred requests for several secrets a second."""
    made.forget_secrets("accept")
    refused = ClientError({"Error": {"Code": code, "Message": "x"}}, "BatchGetSecretValue")
    made.fail = lambda called, _: refused if called == "BatchGetSecretValue" else None
    assert answered(made, message) == SUCCESS
    # The refused one has no step: the world refuses it before it leaves.
    assert calls(made)[:2] == ["GetSecretValue", "GetSecretValue"]


def test_a_known_account_sends_on_without_secrets_manager(made: World) -> None:
    assert answered(made, template()) == SUCCESS
    made.now += 301
    made.fail = lambda called, _: (
        ClientError({"Error": {"Code": "InternalServiceError", "Message": "x"}}, called)
        if called.endswith("GetSecretValue")
        else None
    )
    assert answered(made, template()) == SUCCESS
    made.fail = lambda *_: None
