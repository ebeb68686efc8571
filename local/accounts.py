"""Account files: `{"<account>": {account JSON}, ...}`."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.sandbox.bsp import BspSandbox
from local.sandbox.clevertap import CleverTapSandbox

SAMPLE = Path(__file__).with_name("sample_accounts.json")

type Accounts = dict[str, dict[str, Any]]


class AccountsFileInvalid(Exception):
    """The file cannot be used. The text names the account and the field and contains no value."""


def read_accounts(path: Path = SAMPLE) -> Accounts:
    """Raises `AccountsFileInvalid` if the file is not an object of objects; `check_accounts` checks the rest."""
    try:
        accounts = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AccountsFileInvalid(f"{path}: {error.strerror}") from None
    except ValueError:
        raise AccountsFileInvalid(f"{path}: must be JSON") from None
    if not isinstance(accounts, dict) or not accounts:
        raise AccountsFileInvalid(f"{path}: must be a JSON object of at least one account")
    for name, account in accounts.items():
        if not isinstance(account, dict):
            raise AccountsFileInvalid(f"{path}: account {name}: must be a JSON object")
    return accounts


def check_accounts(accounts: Accounts) -> None:
    """Raises `AccountsFileInvalid` for the first account that the functions would refuse."""
    from whatsapp_bridge.accounts.account import AccountInvalid
    from whatsapp_bridge.providers.accounts import parse_account

    for name, account in accounts.items():
        try:
            parse_account(name, account)
        except AccountInvalid as error:
            raise AccountsFileInvalid(str(error)) from None


def with_sandbox(accounts: Accounts, bsps: Mapping[str, BspSandbox], clevertap: CleverTapSandbox) -> Accounts:
    """The accounts, with the sandbox's URLs if they have none of their own; `bsps` by provider type."""
    filled = copy.deepcopy(accounts)
    for name, account in filled.items():
        provider = account.get("provider")
        if isinstance(provider, dict) and (bsp := bsps.get(str(provider.get("type")))):
            provider.setdefault("base_url", bsp.url)
            if provider.get("type") == "gupshup":
                # It tells of its templates at another address.
                provider.setdefault("templates_url", provider["base_url"])
        source = account.get("template_source")
        if isinstance(source, dict) and (owner := bsps.get(str(source.get("type")))):
            source.setdefault("base_url", owner.url)
        if isinstance(account.get("clevertap"), dict):
            account["clevertap"].setdefault("status_url", clevertap.status_url(name))
            account["clevertap"].setdefault("incoming_url", clevertap.incoming_url(name))
    return filled
