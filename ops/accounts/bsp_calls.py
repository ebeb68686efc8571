"""What a BSP says of an account's credentials, asked by calls that send nothing to anybody."""

from collections.abc import Callable, Iterator
from time import time
from typing import Any, Final, Literal, NamedTuple

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.media.fetch import Files
from whatsapp_bridge.net.http import Answer, AnswerLost, HttpClient, NotReached
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.contract.client import Services
from whatsapp_bridge.providers.contract.outcomes import Rejected
from whatsapp_bridge.providers.contract.templates import NotListed

type Works = Literal["yes", "no", "unknown"]

_REFUSED: Final = (401, 403)


class Tried(NamedTuple):
    """`seconds`: how long the slowest call took, where that matters."""

    what: str
    works: Works
    words: str
    seconds: float | None = None


def of_bsp(account: Account[Any, Any], http: HttpClient) -> Iterator[Tried]:
    yield from _CALLS[account.provider_type](account, http)
    if account.template_source is not None:
        yield _listed("template_source", account, http)


def _clickatell(account: Account[Any, Any], http: HttpClient) -> Iterator[Tried]:
    """Clickatell's call for the balance; known from clients of others alone."""
    headers = {"authorization": account.provider.api_key, "accept": "application/json"}
    answer = asked(http, "GET", f"{account.provider.base_url}/v1/balance", None, headers)
    yield by_status("provider.api_key", answer, "Clickatell tells the balance")


def _no_call(*fields: str) -> Callable[[Account[Any, Any], HttpClient], Iterator[Tried]]:
    def tried(account: Account[Any, Any], http: HttpClient) -> Iterator[Tried]:
        for field in fields:
            yield Tried(f"provider.{field}", "unknown", "no call of the BSP's is known that tries it and sends nothing")

    return tried


def _gupshup(account: Account[Any, Any], http: HttpClient) -> Iterator[Tried]:
    if account.template_source is None:
        yield _listed("provider.hsm", account, http)
    else:
        yield from _no_call("hsm")(account, http)
    yield from _no_call("two_way")(account, http)


def _message_central(account: Account[Any, Any], http: HttpClient) -> Iterator[Tried]:
    if account.provider.token is not None:
        yield from _no_call("token")(account, http)
        return
    from whatsapp_bridge.providers.message_central.tokens import NoToken, Tokens

    unused: Any = None
    try:
        Tokens(account, Services(http, unused, _NoNotes(), Files(http)), time).get()
    except NoToken as error:
        refused = isinstance(error.outcome, Rejected)
        words = "Message Central refuses them" if refused else "Message Central gives no token now: try again later"
        yield Tried("provider.password", "no" if refused else "unknown", words)
        return
    yield Tried("provider.password", "yes", "Message Central gives a token")


def _meta(account: Account[Any, Any], http: HttpClient) -> Iterator[Tried]:
    if account.template_source is None:
        yield _listed("provider.access_token", account, http)
    else:
        yield from _no_call("access_token")(account, http)


_CALLS: Final[dict[str, Callable[[Account[Any, Any], HttpClient], Iterator[Tried]]]] = {
    "clickatell": _clickatell,
    "clickatell_legacy": _no_call("api_key"),
    "gupshup": _gupshup,
    "message_central": _message_central,
    "meta": _meta,
}


class _NoNotes:
    """A token that was noted, or refused a moment ago, says nothing of the credentials now."""

    def get(self, account: str, key: str) -> str | None:
        return None

    def put(self, account: str, key: str, note: str, seconds: int) -> None:
        return

    keep = put

    def forget(self, account: str, key: str, note: str) -> None:
        return


def _listed(what: str, account: Account[Any, Any], http: HttpClient) -> Tried:
    """The BSP lists its templates with the same credentials."""
    templates = registry.templates_of(account, http, time)
    page = NotListed("unknown", "nobody lists its templates") if templates is None else templates.page(None, 1)
    if not isinstance(page, NotListed):
        return Tried(what, "yes", "the BSP lists the templates")
    return Tried(what, "unknown" if page.why == "later" else "no", page.reason)


def asked(
    http: HttpClient, method: str, url: str, body: bytes | None, headers: dict[str, str]
) -> Answer | NotReached | AnswerLost:
    try:
        return http.request(method, url, body, headers)
    except (NotReached, AnswerLost) as error:
        return error


def by_status(what: str, answer: Answer | NotReached | AnswerLost, good: str) -> Tried:
    if not isinstance(answer, Answer):
        return Tried(what, "unknown", f"no answer: {answer}")
    if answer.status == 200:
        return Tried(what, "yes", good)
    works: Works = "no" if answer.status in _REFUSED else "unknown"
    return Tried(what, works, f"refused with HTTP {answer.status}" if works == "no" else f"HTTP {answer.status}")
