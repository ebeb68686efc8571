"""The functions' environment, checked against what template.yaml gives each of them."""

from pathlib import Path

import pytest

from local.template import read_template
from whatsapp_bridge.runtime.schedules import DispatchRetry
from whatsapp_bridge.runtime.settings import (
    DispatchSettings,
    ForwardSettings,
    ImportSettings,
    MediaSettings,
    ReceiveSettings,
    SendSettings,
    SettingInvalid,
)

ROOT = Path(__file__).parents[2]
FUNCTIONS = {
    "SendFunction": SendSettings,
    "DispatchFunction": DispatchSettings,
    "IncomingFunction": ReceiveSettings,
    "StatusFunction": ReceiveSettings,
    "ForwardFunction": ForwardSettings,
    "MediaFunction": MediaSettings,
    "ImportFunction": ImportSettings,
}
DISPATCH = {
    "ACCOUNT_SECRET_PREFIX": "stack/accounts/",
    "SIGNING_KEY_SECRET": "stack/signing-key",
    "CONVERSATION_QUEUE_URL": "https://queue/conversation",
    "CONVERSATION_DEAD_LETTER_QUEUE_URL": "https://queue/conversation-dead-letter",
    "CAMPAIGN_QUEUE_URL": "https://queue/campaign",
    "CAMPAIGN_DEAD_LETTER_QUEUE_URL": "https://queue/campaign-dead-letter",
    "STATUSES_QUEUE_URL": "https://queue/statuses",
    "MESSAGES_TABLE": "messages",
    "MESSAGE_TTL_DAYS": "35",
    "DISPATCH_RETRY": "1,2,60/3600",
    "SOMETHING_ELSE": "is nobody's business",
}


def environment(function: str) -> dict[str, str]:
    deployment = read_template(
        ROOT / "template.yaml", stack="test", region="eu-west-1", account_id="123456789012", aws_url="https://sqs"
    )
    return deployment.functions[function].environment


def test_values_are_typed() -> None:
    assert vars(DispatchSettings.read(DISPATCH)) == {
        "account_secret_prefix": "stack/accounts/",
        "signing_key_secret": "stack/signing-key",
        "conversation_queue_url": "https://queue/conversation",
        "conversation_dead_letter_queue_url": "https://queue/conversation-dead-letter",
        "campaign_queue_url": "https://queue/campaign",
        "campaign_dead_letter_queue_url": "https://queue/campaign-dead-letter",
        "statuses_queue_url": "https://queue/statuses",
        "messages_table": "messages",
        "message_ttl_days": 35,
        "dispatch_retry": DispatchRetry((1, 2, 60), 3600),
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_template_sets_what_the_function_reads(function: str) -> None:
    given = environment(function)
    FUNCTIONS[function].read(given)
    for name in FUNCTIONS[function].__annotations__:
        with pytest.raises(SettingInvalid, match=name.upper()):
            FUNCTIONS[function].read({key: value for key, value in given.items() if key != name.upper()})


@pytest.mark.parametrize("function", FUNCTIONS)
def test_template_sets_nothing_else(function: str) -> None:
    read = {name.upper() for name in FUNCTIONS[function].__annotations__}
    assert {name for name in environment(function) if not name.startswith("POWERTOOLS_")} == read


def test_forwarding_is_tried_for_three_days_at_least() -> None:
    settings = ForwardSettings.read(environment("ForwardFunction"))
    waited, attempt = 0, 1
    while (delay := settings.forward_retry.delay(attempt, 0.0, at_most=900)) is not None:
        waited, attempt = waited + delay, attempt + 1
    assert waited >= 3 * 86_400


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        pytest.param("MESSAGE_TTL_DAYS", "soon-canary", "malformed", id="no number"),
        pytest.param("MESSAGE_TTL_DAYS", "", "malformed", id="empty number"),
        pytest.param("DISPATCH_RETRY", "1,2,canary/3600", "malformed", id="delay is no number"),
        pytest.param("DISPATCH_RETRY", "1,2", "malformed", id="no limit"),
        pytest.param("DISPATCH_RETRY", "0,2/3600", "malformed", id="no time between attempts"),
        pytest.param("DISPATCH_RETRY", "", "malformed", id="empty schedule"),
        pytest.param("STATUSES_QUEUE_URL", None, "missing", id="missing"),
    ],
)
def test_errors_name_the_variable_and_not_the_value(name: str, value: str | None, problem: str) -> None:
    environ = {key: text for key, text in {**DISPATCH, name: value}.items() if text is not None}
    with pytest.raises(SettingInvalid) as raised:
        DispatchSettings.read(environ)
    assert str(raised.value) == f"environment variable {name} is {problem}"


@pytest.mark.parametrize(
    ("value", "by_import", "by_forward"),
    [
        pytest.param("https://bridge.example", True, True, id="a domain"),
        pytest.param("https://bridge.example:8443/a", True, True, id="port and base path"),
        pytest.param("http://127.0.0.1:8080", True, True, id="a stack on this machine"),
        pytest.param("http://localhost:8080", True, True, id="by name"),
        pytest.param("http://[::1]:8080", True, True, id="in IPv6"),
        pytest.param("", True, False, id="the API's own"),
        pytest.param("http://bridge.example/canary", False, False, id="for everybody to read"),
        pytest.param("http://127.0.0.1.canary.example", False, False, id="this machine's name before another"),
        pytest.param("http://localhost@canary.example", False, False, id="this machine as a user"),
        pytest.param("http://10.0.0.1/canary", False, False, id="a private network"),
        pytest.param("https://user:canary@bridge.example", False, False, id="credentials"),
        pytest.param("https://bridge.example/canary/", False, False, id="slash at the end"),
        pytest.param("https://bridge.example?canary", False, False, id="query"),
        pytest.param("https://:8443/canary", False, False, id="no host"),
        pytest.param("https://[canary", False, False, id="no address"),
        pytest.param("bridge.example/canary", False, False, id="no scheme"),
        pytest.param("javascript:canary", False, False, id="another scheme"),
    ],
)
def test_public_url(value: str, by_import: bool, by_forward: bool) -> None:
    for settings, function, taken in (
        (ImportSettings, "ImportFunction", by_import),
        (ForwardSettings, "ForwardFunction", by_forward),
    ):
        environ = environment(function) | {"PUBLIC_URL": value}
        if taken:
            assert settings.read(environ).public_url == value
        else:
            with pytest.raises(SettingInvalid, match="PUBLIC_URL must start with https://") as raised:
                settings.read(environ)
            assert "canary" not in str(raised.value)
