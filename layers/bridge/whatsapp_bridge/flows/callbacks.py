"""forward: callbacks to CleverTap, each of an account's two callback URLs behind a circuit breaker of its own.

The breaker is asked before a status or reply is touched: while CleverTap is away, what waits for it costs a hop on its
queue and nothing else. Retries bring the probes.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.client import Delivery, NotTried, TryLater, deliver
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.runtime.breaker import LEASE_SECONDS, May
from whatsapp_bridge.runtime.observability import count, count_of_account, logger
from whatsapp_bridge.store.breakers import Breakers, Permission
from whatsapp_bridge.store.queues import MAX_DELAY_SECONDS

type Route = Literal["status", "incoming"]

# A pause holds statuses back on the queue for the longest delay, and nothing of them is known. Some are held a little
# later, by processes that learn late of its end or wait for a probe whose process has died.
_HELD_SECONDS: Final = MAX_DELAY_SECONDS + LEASE_SECONDS + 60


class Callbacks:
    def __init__(self, *, http: HttpClient, breakers: Breakers) -> None:
        self._http, self._breakers = http, breakers

    def permission(self, account: Account, route: Route) -> Permission:
        """Whether to report now. After `PROBE`, say `unused` when all is done."""
        return self._breakers.ask(_name(account, route))

    def goes_on(self, account: Account, route: Route) -> bool:
        """Whether a batch that has begun may make one more request."""
        return self.permission(account, route).may is not May.WAIT

    def unused(self, account: Account, route: Route) -> None:
        """If a probe was allowed and no request was made, another delivery may make it."""
        self._breakers.untried(_name(account, route))

    def held_until(self, account: Account, route: Route) -> int:
        """Until when something that the last pause has held back may still come (seconds since 1970); long past if
        there was none lately."""
        return self._breakers.held_at(_name(account, route)) + _HELD_SECONDS

    def deliver(self, account: Account, route: Route, payload: Mapping[str, Any]) -> Delivery:
        name = _name(account, route)
        url = account.clevertap.status_url if route == "status" else account.clevertap.incoming_url
        delivery = deliver(self._http, url, payload)
        match delivery:
            case NotTried():
                self._breakers.untried(name)
            case TryLater(strike=True):
                if self._breakers.struck(name):
                    count("CleverTapPaused")
                    _note("CleverTapPaused", account, route)
            case _:
                # Also a refusal and 429 are answers of CleverTap's.
                if self._breakers.succeeded(name):
                    count("CleverTapResumed")
                    _note("CleverTapResumed", account, route)
        return delivery


def _note(metric: str, account: Account, route: Route) -> None:
    count_of_account(metric, account.name)
    logger.warning(metric, extra={"account": account.name, "kind": route})


def _name(account: Account, route: Route) -> str:
    # Not the URL, which is a secret.
    return f"{account.name}#{route}"
