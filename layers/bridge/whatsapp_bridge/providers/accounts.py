"""Reads an account's JSON: the common part, and the parts that belong to the account's BSP."""

from typing import Any, Final

from pydantic import ValidationError

from whatsapp_bridge.accounts.account import Account, AccountInvalid
from whatsapp_bridge.accounts.fields import Config, NotMeant, as_meant
from whatsapp_bridge.providers import registry
from whatsapp_bridge.runtime.json_text import read_json
from whatsapp_bridge.runtime.validation import first_problem

_CREDENTIALS: Final = "must have the type basic or header"
_REASONS: Final = {"union_tag_invalid": _CREDENTIALS, "union_tag_not_found": _CREDENTIALS}


def parse_account(name: str, secret: str | bytes | dict[str, Any]) -> Account:
    """Read an account's JSON secret. Raises `AccountInvalid`, which names the field and never its value."""
    fields = _fields(name, secret)
    provider = fields.get("provider")
    kind = provider.get("type") if isinstance(provider, dict) else None
    if not isinstance(kind, str) or kind not in registry.PROVIDERS:
        raise AccountInvalid(name, "provider.type", f"must be one of {', '.join(sorted(registry.PROVIDERS))}")
    adapter = registry.settings(kind)
    parsed = {
        "provider": _validated(name, "provider.", adapter.Settings, provider),
        "options": _validated(name, "options.", adapter.Options, fields.get("options", {})),
    }
    account: Account = _validated(name, "", Account, {**fields, **parsed, "name": name})
    return account


def _fields(name: str, secret: str | bytes | dict[str, Any]) -> dict[str, Any]:
    try:
        # Leniently: some editors write a byte-order mark, and a text may have been pasted with a line break.
        value = as_meant(secret if isinstance(secret, dict) else read_json(secret))
    except ValueError:
        raise AccountInvalid(name, "secret", "must be JSON") from None
    except NotMeant as error:
        raise AccountInvalid(name, error.field, error.reason) from None
    if not isinstance(value, dict):
        raise AccountInvalid(name, "secret", "must be a JSON object")
    return value


def _validated(name: str, prefix: str, model: type[Config], value: Any) -> Any:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        place, reason = first_problem(error, _REASONS)
        # pydantic adds the chosen member of a union to the path; the secret has no such key.
        steps = [str(step) for step in place if step not in ("basic", "header")]
        raise AccountInvalid(name, (prefix + ".".join(steps)).rstrip("."), reason) from None
