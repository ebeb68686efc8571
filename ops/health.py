"""How a stack's accounts are: their secrets, breakers, pauses, and the last complete list of their templates."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Literal, NamedTuple

from ops.target import Target
from whatsapp_bridge.accounts.account import Account, AccountInvalid
from whatsapp_bridge.providers.registry import WITH_TEMPLATES
from whatsapp_bridge.runtime.breaker import Breaker
from whatsapp_bridge.store.accounts import Accounts
from whatsapp_bridge.store.templates import Registry

_AT_ONCE: Final = 8

type State = Literal["works", "paused by a person", "paused by the bridge", "on probation"]


class Side(NamedTuple):
    """Of a BSP or a callback URL of CleverTap's. `since` and `probe_at` in seconds since 1970, 0 for none."""

    what: str
    state: State
    since: int = 0
    probe_at: int = 0


class AccountHealth(NamedTuple):
    """`listed_at`: seconds since 1970, 0 without a complete list, None where nobody lists the account's templates, or
    its secret is broken; `broken` says why."""

    name: str
    sides: list[Side]
    listed_at: int | None
    broken: str | None


def side(what: str, breaker: Breaker) -> Side:
    if breaker.paused_at:
        return Side(what, "paused by a person", breaker.paused_at)
    if breaker.is_open:
        return Side(what, "paused by the bridge", probe_at=breaker.probe_at)
    if breaker.failed_probes:
        return Side(what, "on probation", breaker.resumed_at)
    return Side(what, "works")


def health(target: Target) -> list[AccountHealth]:
    """Of all accounts, by their names. Raises botocore's errors."""
    registry = Registry(target.table)
    bsp, clevertap = target.breakers("bsp"), target.breakers("clevertap")
    # Its client is made here: sessions are not for several threads.
    accounts = target.accounts()

    def of_one(name: str) -> AccountHealth:
        sides = [
            side("BSP", bsp.state(name)),
            *(side(f"CleverTap {route}", clevertap.state(f"{name}#{route}")) for route in ("status", "incoming")),
        ]
        listed_at, broken = _listed_at(accounts, name, registry)
        return AccountHealth(name, sides, listed_at, broken)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(of_one, sorted(accounts.names())))


def _listed_at(accounts: Accounts, name: str, registry: Registry) -> tuple[int | None, str | None]:
    try:
        account: Account[Any, Any] | None = accounts.get(name)
    except AccountInvalid as error:
        return None, str(error)
    if account is None:
        # It was there a moment ago.
        return None, "is marked for deletion"
    lists = account.template_source is not None or account.provider_type in WITH_TEMPLATES
    return registry.listed_at(account.template_scope) if lists else None, None
