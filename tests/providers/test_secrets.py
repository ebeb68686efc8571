"""Each text of each BSP's secret: how long a credential is at least, and no placeholder of the samples anywhere."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.accounts import read_accounts
from tests.support.world import TOKEN
from whatsapp_bridge.accounts.account import Account, AccountInvalid, TemplateSource
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.accounts import parse_account

type Json = dict[str, Any]

URLS = {"status_url": "https://clevertap.example/status", "incoming_url": "https://clevertap.example/incoming"}
SOURCE = {"type": "meta", "waba_id": "1", "access_token": "a-token-of-meta", "api_version": "v23.0"}
CANARY = "Canary-7319-"


def secret(provider: str) -> Json:
    """The shortest one of the samples."""
    found = next(made for made in read_accounts().values() if made["provider"]["type"] == provider)
    made = copy.deepcopy(found) | {"options": {}, "template_source": dict(SOURCE)}
    made["clevertap"] |= URLS
    return made


def put(holder: Any, path: str, value: Any) -> Any:
    """`holder` with `value` at the path, whose parents are made where they are missing."""
    step, _, rest = path.partition(".")
    below: Any = put(_below(holder, step), rest, value) if rest else value
    if step.isdigit():
        holder = holder if isinstance(holder, list) else []
        return [*holder[: int(step)], below, *holder[int(step) + 1 :]]
    return {**(holder if isinstance(holder, dict) else {}), step: below}


def _below(holder: Any, step: str) -> Any:
    if isinstance(holder, list):
        return holder[int(step)] if int(step) < len(holder) else None
    return holder.get(step) if isinstance(holder, dict) else None


def long(characters: int) -> str:
    return (CANARY * 5)[:characters]


PASSWORD, VALUE = "clevertap.authorization.0.password", "clevertap.authorization.0.value"
HEADER = {"type": "header", "name": "X-Api-Key", "value": long(15)}
CREDENTIALS: list[tuple[str, str, int, str]] = [
    *((provider, PASSWORD, 15, "choose a longer one") for provider in sorted(registry.PROVIDERS)),
    ("clickatell", VALUE, 15, "choose a longer one"),
    ("clickatell", "callback_token", 32, "A-Z a-z 0-9"),
    ("clickatell", "callback_token.1", 32, "A-Z a-z 0-9"),
    ("clickatell", "provider.api_key", 12, "copy all of it from the BSP"),
    ("clickatell", "template_source.access_token", 12, "copy all of it from the BSP"),
    ("clickatell_legacy", "provider.api_key", 12, "copy all of it from the BSP"),
    ("gupshup", "provider.hsm.password", 6, "copy all of it from the BSP"),
    ("gupshup", "provider.two_way.password", 6, "copy all of it from the BSP"),
    ("message_central", "provider.password", 6, "copy all of it from the BSP"),
    ("message_central", "provider.token", 43, "copy all of it from the BSP"),
    ("meta", "provider.access_token", 12, "copy all of it from the BSP"),
    ("meta", "provider.app_secret", 12, "copy all of it from the BSP"),
    ("meta", "provider.app_secret.1", 12, "copy all of it from the BSP"),
    ("meta", "provider.verify_token", 8, "choose a longer one"),
]


def made_for(provider: str, path: str, value: str) -> Json:
    made = secret(provider)
    if path == VALUE:
        made["clevertap"]["authorization"] = [dict(HEADER)]
    if path == "provider.token":
        made["provider"] = {"type": provider}
    if path.endswith(".1"):
        first = TOKEN if path.startswith("callback_token") else "the-first-app-secret"
        made = put(made, path.removesuffix(".1"), [first])
    changed: Json = put(made, path, value)
    return changed


@pytest.mark.parametrize(("provider", "path", "least", "advice"), CREDENTIALS, ids=lambda part: str(part))
def test_a_credential_has_so_many_characters_at_least(provider: str, path: str, least: int, advice: str) -> None:
    assert parse_account("acme", made_for(provider, path, long(least))).name == "acme"
    for short in (long(least - 1), CANARY[:1], ""):
        with pytest.raises(AccountInvalid) as raised:
            parse_account("acme", made_for(provider, path, short))
        assert raised.value.field == path
        assert CANARY[:-1] not in str(raised.value)
        if short:
            assert f"{least} or more" in raised.value.reason
            assert advice in raised.value.reason


def test_every_credential_is_in_the_table() -> None:
    """A new one needs a bound, or a reason to have none."""
    tested = {(provider, path.removesuffix(".1")) for provider, path, _, _ in CREDENTIALS}
    words = ("password", "token", "secret", "key", "value")
    for provider in registry.PROVIDERS:
        own = {path.removesuffix(".0") for path in texts(registry.settings(provider).Settings, "provider")}
        credentials = {path for path in own if path.endswith(words)}
        assert credentials == {path for of, path in tested if of == provider and path.startswith("provider.")}


def texts(model: Any, path: str) -> Iterator[str]:
    """The path of each text that a model takes, also of one in a list or an object of names."""
    schema = model.model_json_schema()
    yield from dict.fromkeys(_texts(schema, schema.get("$defs", {}), path))


def _texts(schema: Json, definitions: Json, path: str) -> Iterator[str]:
    if reference := schema.get("$ref"):
        yield from _texts(definitions[reference.rpartition("/")[2]], definitions, path)
    for choice in (*schema.get("anyOf", []), *schema.get("oneOf", []), *schema.get("allOf", [])):
        yield from _texts(choice, definitions, path)
    for name, member in schema.get("properties", {}).items():
        yield from _texts(member, definitions, f"{path}.{name}" if path else name)
    if isinstance(schema.get("items"), dict):
        yield from _texts(schema["items"], definitions, f"{path}.0")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _texts(schema["additionalProperties"], definitions, f"{path}.some_name")
    if schema.get("type") == "string":
        yield path


def fields() -> Iterator[tuple[str, str]]:
    for provider in sorted(registry.PROVIDERS):
        adapter = registry.settings(provider)
        paths = [
            *texts(Account, ""),
            *texts(adapter.Settings, "provider"),
            *texts(adapter.Options, "options"),
            *texts(TemplateSource, "template_source"),
        ]
        # The name is not of the secret.
        yield from ((provider, path) for path in dict.fromkeys(paths) if path != "name")


FIELDS = list(fields())


def test_the_table_of_texts_is_whole() -> None:
    assert ("meta", "provider.app_secret.0") in FIELDS
    assert ("gupshup", "provider.templates.some_name") in FIELDS
    assert ("clickatell", "provider.encryption.mt_key_arn") in FIELDS
    assert ("clickatell", "options.media_samples.some_name") in FIELDS
    assert ("message_central", "options.template_media.0") in FIELDS
    assert ("meta", "clevertap.authorization.0.value") in FIELDS
    assert ("meta", "callback_token.0") in FIELDS
    assert {provider for provider, _ in FIELDS} == set(registry.PROVIDERS)


@pytest.mark.parametrize(("provider", "path"), FIELDS, ids=[" ".join(field) for field in FIELDS])
@pytest.mark.parametrize(
    "placeholder", ["REPLACE-by-the-value", " REPLACE\n", "REPLACE" * 10], ids=["sample", "pasted", "long"]
)
def test_a_placeholder_is_refused_with_its_field(provider: str, path: str, placeholder: str) -> None:
    with pytest.raises(AccountInvalid) as raised:
        parse_account("acme", json.dumps(put(secret(provider), path, placeholder)))
    assert (raised.value.field, raised.value.reason) == (path, "is still a placeholder: put in your own value")


@pytest.mark.parametrize("provider", sorted(registry.PROVIDERS))
def test_a_sample_account_is_whole(provider: str) -> None:
    assert parse_account("acme", secret(provider)).provider_type == provider
