"""The account secret: what it may hold, and errors that name the field and show no value."""

import json
from base64 import b64encode
from contextlib import suppress
from traceback import format_exception
from typing import Any

import pytest

from tests.support.world import TOKEN, account
from whatsapp_bridge.accounts.account import AccountInvalid
from whatsapp_bridge.providers.accounts import parse_account

CANARY = "Canary-7319"
KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/0a-1b"


def changed(path: str, value: Any) -> dict[str, Any]:
    """The sample secret with one field changed, `...` for none."""
    secret: dict[str, Any] = json.loads(json.dumps(account()))
    holder: Any = secret
    *parents, last = path.split(".")
    for step in parents:
        holder = holder[int(step) if step.isdigit() else step]
    if value is ...:
        del holder[last]
    else:
        holder[int(last) if last.isdigit() else last] = value
    return secret


def basic(username: str, password: str, scheme: str = "Basic") -> dict[str, str]:
    return {"authorization": f"{scheme} {b64encode(f'{username}:{password}'.encode()).decode()}"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("waba_number", "+27999000001", id="number with plus"),
        pytest.param("provider.base_url", ..., id="default base_url"),
        pytest.param("provider.base_url", "http://127.0.0.1:8080/", id="loopback base_url"),
        pytest.param("provider.base_url", "http://localhost:8080", id="localhost"),
        pytest.param("provider.base_url", "http://[::1]:8080", id="loopback IPv6"),
        pytest.param("clevertap.status_url", "https://clevertap.example/?a=1&b=2", id="callback URL with a query"),
        pytest.param("callback_token", "aZ09_.~-" * 4, id="every character of a token"),
        pytest.param("callback_token", ["t" * 32], id="a list of one token"),
        pytest.param("callback_token", ["t" * 32, "u" * 32], id="two tokens"),
        pytest.param("options", ..., id="no options"),
        pytest.param("options", {"conversation_time_limit_seconds": 86_400}, id="longest time limit"),
        pytest.param("options", {"source_networks": ["203.0.113.0/24", "2001:db8::/32", "::1"]}, id="networks"),
        pytest.param("options", {"default_country": "27"}, id="default country by its calling code"),
        pytest.param("options", {"default_country": 27}, id="default country by its calling code, as a number"),
        pytest.param("options", {"default_country": None}, id="no default country"),
        pytest.param("options", {"default_country": "ZA"}, id="default country by its ISO code"),
        pytest.param("provider.encryption", {"mt_key_arn": KEY_ARN, "mo_key_arn": KEY_ARN}, id="encryption"),
        pytest.param(
            "clevertap.authorization",
            [{"type": "header", "name": "X-Api-Key", "value": "a-key-of-15-chars"}],
            id="header credentials",
        ),
    ],
)
def test_valid(path: str, value: Any) -> None:
    parsed = parse_account("acme", json.dumps(changed(path, value)))
    assert (parsed.name, parsed.waba_number, parsed.provider_type) == ("acme", "27999000001", "clickatell")


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        pytest.param("waba_number", ..., "waba_number", id="no number"),
        pytest.param("waba_number", CANARY, "waba_number", id="number of letters"),
        pytest.param("waba_number", "271234", "waba_number", id="number too short"),
        pytest.param("waba_number", "2712345678901234", "waba_number", id="number too long"),
        pytest.param("waba_number", "++27999000001", "waba_number", id="two plus signs"),
        pytest.param(
            "waba_number",
            "\u0662\u0667\u0669\u0669\u0669\u0660\u0660\u0661",
            "waba_number",
            id="digits of another script",
        ),
        pytest.param("waba_number", 27999000001, "waba_number", id="number is no text"),
        pytest.param(
            "options.send_template_validations",
            CANARY,
            "options.send_template_validations",
            id="validations no boolean",
        ),
        pytest.param("options.default_country", CANARY, "options.default_country", id="no such country"),
        pytest.param("options.default_country", True, "options.default_country", id="country is no text"),
        pytest.param("options.default_country", ["ZA"], "options.default_country", id="several countries"),
        pytest.param("clevertap", ..., "clevertap", id="no clevertap"),
        pytest.param("clevertap", CANARY, "clevertap", id="clevertap is no object"),
        pytest.param("clevertap.authorization", ..., "clevertap.authorization", id="no credentials"),
        pytest.param("clevertap.authorization", [], "clevertap.authorization", id="empty credentials"),
        pytest.param("clevertap.authorization.0.type", CANARY, "clevertap.authorization.0", id="unknown credentials"),
        pytest.param("clevertap.authorization.0.password", ..., "clevertap.authorization.0.password", id="no password"),
        pytest.param(
            "clevertap.authorization.0.password", "", "clevertap.authorization.0.password", id="empty password"
        ),
        pytest.param(
            "clevertap.authorization.0.token", CANARY, "clevertap.authorization.0.token", id="unknown credential key"
        ),
        pytest.param("clevertap.status_url", ..., "clevertap.status_url", id="no status_url"),
        pytest.param("clevertap.status_url", f"http://{CANARY}/", "clevertap.status_url", id="plain http"),
        pytest.param("clevertap.status_url", f"https://u:{CANARY}@host/", "clevertap.status_url", id="user in the URL"),
        pytest.param("clevertap.incoming_url", f"ftp://{CANARY}/", "clevertap.incoming_url", id="other scheme"),
        pytest.param("clevertap.incoming_url", CANARY, "clevertap.incoming_url", id="no URL"),
        pytest.param("clevertap.incoming_url", f"https://h/#{CANARY}", "clevertap.incoming_url", id="fragment"),
        pytest.param("callback_token", ..., "callback_token", id="no token"),
        pytest.param("callback_token", "t" * 31, "callback_token", id="token too short"),
        pytest.param("callback_token", "t" * 32 + "/" + CANARY, "callback_token", id="token with a slash"),
        pytest.param("callback_token", "t" * 32 + "\n" + "t" * 32, "callback_token", id="tokens in lines"),
        pytest.param("callback_token", 7, "callback_token", id="token a number"),
        pytest.param("callback_token", {"new": "t" * 32}, "callback_token", id="token an object"),
        pytest.param("callback_token", [], "callback_token", id="an empty list of tokens"),
        pytest.param("callback_token", ["t" * 32, "t" * 31], "callback_token.1", id="second token too short"),
        pytest.param("callback_token", ["t" * 32, 7], "callback_token.1", id="second token a number"),
        pytest.param("callback_tokens", ["t" * 32], "callback_tokens", id="the list under a name of its own"),
        pytest.param("provider", ..., "provider.type", id="no provider"),
        pytest.param("provider", CANARY, "provider.type", id="provider is no object"),
        pytest.param("provider.type", ..., "provider.type", id="no provider type"),
        pytest.param("provider.type", CANARY, "provider.type", id="unknown provider"),
        pytest.param("provider.type", [CANARY], "provider.type", id="provider type is no text"),
        pytest.param("provider.api_key", ..., "provider.api_key", id="no api_key"),
        pytest.param("provider.api_key", f"{CANARY}\n{CANARY}", "provider.api_key", id="api_key with a line break"),
        pytest.param("provider", {f"ty{CANARY}\u200bpe": "x"}, "provider", id="a key with what nobody sees"),
        pytest.param("callback_token", "t" * 32 + "\ufffd", "callback_token", id="what could not be read"),
        pytest.param("callback_token", ["t" * 32, "REPLACE" * 5], "callback_token.1", id="a placeholder in a list"),
        pytest.param("provider", {"type": "REPLACE"}, "provider.type", id="a placeholder for the provider"),
        pytest.param(
            "clevertap.authorization",
            [{"type": "header", "name": f"X {CANARY}", "value": "a-key-of-15-chars"}],
            "clevertap.authorization.0.name",
            id="no name of a header",
        ),
        pytest.param("provider.base_url", f"http://{CANARY}/", "provider.base_url", id="plain base_url"),
        pytest.param("provider.base_url", f"https://host/?{CANARY}", "provider.base_url", id="base_url with a query"),
        pytest.param("provider.extra", CANARY, "provider.extra", id="unknown provider key"),
        pytest.param("options", {"source_networks": CANARY}, "options.source_networks", id="networks are no list"),
        pytest.param(
            "options",
            {"source_networks": ["203.0.113.0/24", CANARY]},
            "options.source_networks.1",
            id="no network",
        ),
        pytest.param(
            "options",
            {"source_networks": ["203.0.113.7/24"]},
            "options.source_networks.0",
            id="a network with bits behind its prefix",
        ),
        pytest.param("provider.encryption", {"mt_key_arn": KEY_ARN}, "provider.encryption.mo_key_arn", id="one key"),
        pytest.param(
            "provider.encryption",
            {"mt_key_arn": CANARY, "mo_key_arn": KEY_ARN},
            "provider.encryption.mt_key_arn",
            id="no ARN",
        ),
        pytest.param("options", CANARY, "options", id="options are no object"),
        pytest.param("options", {"canary": CANARY}, "options.canary", id="unknown option"),
        pytest.param(
            "options",
            {"campaign_time_limit_seconds": 0},
            "options.campaign_time_limit_seconds",
            id="no time limit at all",
        ),
        pytest.param("extra", CANARY, "extra", id="unknown key"),
    ],
)
def test_errors_name_the_field(path: str, value: Any, field: str) -> None:
    secret = json.dumps(changed(path, value))
    with pytest.raises(AccountInvalid) as raised:
        parse_account("acme", secret)
    assert raised.value.field == field
    assert str(raised.value).startswith(f"account acme: {field}: ")
    for private in (CANARY, TOKEN, "secret-api-key", "27999000001"):
        assert private not in "".join(format_exception(raised.value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("clevertap.authorization.0.password", "words with blanks", id="password"),
        pytest.param(
            "clevertap.authorization",
            [{"type": "header", "name": "Authorization", "value": "Token of-15-chars"}],
            id="header",
        ),
    ],
)
def test_what_people_make_up_may_have_blanks_inside(path: str, value: Any) -> None:
    assert parse_account("acme", changed(path, value)).name == "acme"


def test_a_text_with_a_raw_line_break_at_its_end_is_read() -> None:
    secret = json.dumps(account()).replace('"secret-api-key"', '"secret-api-key\n"')
    assert parse_account("acme", secret) == parse_account("acme", account())


def test_a_name_in_the_secret_does_not_count() -> None:
    assert parse_account("acme", changed("name", "another")).name == "acme"


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        pytest.param("{" + CANARY, "must be JSON", id="not JSON"),
        pytest.param("", "must be JSON", id="empty"),
        pytest.param("\ufeff", "must be JSON", id="a byte-order mark alone"),
        pytest.param(
            '{"' + CANARY + '\\u200bx": 1}',
            "must have no line break, no tab and no character that cannot be seen",
            id="a key with what nobody sees",
        ),
        pytest.param(f'["{CANARY}"]', "must be a JSON object", id="a list"),
        pytest.param(f'"{CANARY}"', "must be a JSON object", id="a text"),
        pytest.param("null", "must be a JSON object", id="null"),
    ],
)
def test_no_object(secret: str, reason: str) -> None:
    with pytest.raises(AccountInvalid) as raised:
        parse_account("acme", secret)
    assert str(raised.value) == f"account acme: secret: {reason}"


@pytest.mark.parametrize("name", ["", "Acme", "a" * 41, "a_b", "a/b", "a\n"])
def test_names(name: str) -> None:
    with pytest.raises(AccountInvalid) as raised:
        parse_account(name, account())
    assert raised.value.field == "name"


def test_nothing_of_a_secret_shows_in_its_repr() -> None:
    parsed = parse_account("acme", account())
    for part in (parsed, parsed.clevertap, parsed.clevertap.authorization[0], parsed.provider, parsed.options):
        for private in (TOKEN, "secret-api-key", "a-long-password", "27999000001", "clevertap.example"):
            assert private not in repr(part).replace("BasicCredentials", "")
            assert private not in str(part)


TWO = [
    {"type": "basic", "username": "user", "password": "a-long-password"},
    {"type": "basic", "username": "new:er", "password": "päss-of-15-chars"},
    {"type": "header", "name": "X-Api-Key", "value": "key-of-15-chars"},
    {"type": "header", "name": "Authorization", "value": "Token of-15-chars"},
]


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        pytest.param(basic("user", "a-long-password"), True, id="basic"),
        pytest.param(basic("user", "a-long-password", "basic"), True, id="scheme in lower case"),
        pytest.param(basic("new:er", "päss-of-15-chars"), True, id="the second one, in UTF-8"),
        pytest.param({"x-api-key": "key-of-15-chars"}, True, id="header"),
        pytest.param({"authorization": "Token of-15-chars"}, True, id="header Authorization"),
        pytest.param({"x-api-key": "key-of-15-chars", "authorization": "Basic eDp5"}, True, id="one of two is right"),
        pytest.param({}, False, id="none"),
        pytest.param(basic("user", "wrong"), False, id="wrong password"),
        pytest.param(basic("user", "päss-of-15-chars"), False, id="password of another"),
        pytest.param(basic("user", ""), False, id="no password"),
        pytest.param(basic("user", "a-long-password", "Bearer"), False, id="other scheme"),
        pytest.param({"authorization": "dXNlcjphLWxvbmctcGFzc3dvcmQ="}, False, id="no scheme"),
        pytest.param({"authorization": "Basic"}, False, id="scheme alone"),
        pytest.param({"authorization": "Basic %%%"}, False, id="no base64"),
        pytest.param({"x-api-key": "KEY-OF-15-CHARS"}, False, id="header in other case"),
        pytest.param({"x-api-key": ""}, False, id="empty header"),
        pytest.param({"x-api-key": "sch\u00fcssel\udcff"}, False, id="header beyond ASCII"),
        pytest.param({"x-other": "key-of-15-chars"}, False, id="other header"),
    ],
)
def test_credentials(headers: dict[str, str], accepted: bool) -> None:
    secret = changed("clevertap.authorization", TWO)
    assert parse_account("acme", secret).clevertap.accepts(headers) is accepted


@pytest.mark.parametrize(
    ("token", "matches"),
    [
        pytest.param(TOKEN, True, id="right"),
        pytest.param("", False, id="empty"),
        pytest.param(TOKEN[:-1], False, id="shorter"),
        pytest.param(TOKEN + "t", False, id="longer"),
        pytest.param("T" * 40, False, id="other case"),
        pytest.param("ü" * 40, False, id="beyond ASCII"),
        pytest.param("\udcff", False, id="no text"),
    ],
)
def test_token(token: str, matches: bool) -> None:
    assert parse_account("acme", account()).token_matches(token) is matches


@pytest.mark.parametrize(
    ("number", "own"),
    [
        pytest.param("27999000001", True, id="as configured"),
        pytest.param("999000001", True, id="without the country code"),
        pytest.param("27999000002", False, id="another"),
        pytest.param("000001", False, id="the end alone"),
        pytest.param("1", False, id="a digit"),
        pytest.param("", False, id="none"),
        pytest.param("1127999000001", False, id="longer"),
    ],
)
def test_own_number(number: str, own: bool) -> None:
    assert parse_account("acme", account()).has_number(number) is own


_REPLACEMENTS = [None, 0, -1, 1e400, True, "", "x", "\ud800", [], [None], {}, {"x": 1}]


def _paths(value: Any, path: str = "") -> list[str]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [each for name, member in members for each in _paths(member, f"{path}.{name}" if path else str(name))]
    return [path, *below] if path else below


@pytest.mark.parametrize("path", _paths(account()))
def test_a_secret_of_any_other_shape_is_an_account_or_invalid(path: str) -> None:
    """Any other exception would be taken for trouble with AWS."""
    for value in _REPLACEMENTS:
        with suppress(AccountInvalid):
            parse_account("acme", json.dumps(changed(path, value)))
