"""Reads an account's JSON: the common part, and the parts that belong to the account's BSP."""

from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import from_json

from whatsapp_bridge.accounts.account import Account, AccountInvalid
from whatsapp_bridge.accounts.fields import Config
from whatsapp_bridge.providers import registry
from whatsapp_bridge.runtime.validation import first_problem

_CREDENTIALS: Final = "must have the type basic or header"
_REASONS: Final = {"union_tag_invalid": _CREDENTIALS, "union_tag_not_found": _CREDENTIALS}


def parse_account(name: str, secret: str | bytes | dict[str, Any]) -> Account:
    """Read an account's JSON secret. Raises `AccountInvalid`, which names the field and never its value."""
    if not isinstance(secret, dict):
        try:
            secret = from_json(secret)
        except ValueError:
            raise AccountInvalid(name, "secret", "must be JSON") from None
    if not isinstance(secret, dict):
        raise AccountInvalid(name, "secret", "must be a JSON object")
    provider = secret.get("provider")
    kind = provider.get("type") if isinstance(provider, dict) else None
    if not isinstance(kind, str) or kind not in registry.PROVIDERS:
        raise AccountInvalid(name, "provider.type", f"must be one of {', '.join(sorted(registry.PROVIDERS))}")
    adapter = registry.settings(kind)
    parsed = {
        "provider": _validated(name, "provider.", adapter.Settings, provider),
        "options": _validated(name, "options.", adapter.Options, secret.get("options", {})),
    }
    account: Account = _validated(name, "", Account, {**secret, **parsed, "name": name})
    return account


def _validated(name: str, prefix: str, model: type[Config], value: Any) -> Any:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        place, reason = first_problem(error, _REASONS)
        # pydantic adds the chosen member of a union to the path; the secret has no such key.
        steps = [str(step) for step in place if step not in ("basic", "header")]
        raise AccountInvalid(name, (prefix + ".".join(steps)).rstrip("."), reason) from None
