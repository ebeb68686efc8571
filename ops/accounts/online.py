"""What an account's credentials and addresses are worth: tried by calls that send nothing to anybody."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from time import perf_counter, time
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urlencode
from uuid import uuid4

from ops.target import Target
from whatsapp_bridge.accounts.account import Account, BasicCredentials, HeaderCredentials
from whatsapp_bridge.clevertap.messages import VALIDATION_TEMPLATE
from whatsapp_bridge.media.fetch import Files
from whatsapp_bridge.net.http import Answer, AnswerLost, HttpClient, NotReached
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.contract import NotListed, Rejected, Services

type Works = Literal["yes", "no", "unknown"]

CLEVERTAP_WAITS: Final = 1.0
"""Seconds. Source: section "Expected API Response" of CleverTap's page."""
_TRIES: Final = 2
_REFUSED: Final = (401, 403)


class Tried(NamedTuple):
    """`seconds`: how long the slowest call took, where that matters."""

    what: str
    works: Works
    words: str
    seconds: float | None = None


def try_account(
    account: Account[Any, Any],
    target: Target | None,
    http: HttpClient,
    tell: Callable[[str], None] = lambda text: None,
    clock: Callable[[], float] = perf_counter,
) -> list[Tried]:
    """Without a stack, only what the BSP says. `tell` hears what is tried now."""
    tell("asking the BSP")
    tried = list(_of_bsp(account, http))
    if target is not None:
        tell("asking the bridge's own addresses")
        tried += [_callback(account, target, http, route) for route in ("incoming", "status")]
        tried += [
            _validated(account, target, http, place, clock) for place in range(len(account.clevertap.authorization))
        ]
    return tried


# --- the BSP ---------------------------------------------------------------------------------------------------------


def _of_bsp(account: Account[Any, Any], http: HttpClient) -> Iterator[Tried]:
    yield from _CALLS[account.provider_type](account, http)
    if account.template_source is not None:
        yield _listed("template_source", account, http)


def _clickatell(account: Account[Any, Any], http: HttpClient) -> Iterator[Tried]:
    """Clickatell's call for the balance; known from clients of others alone."""
    headers = {"authorization": account.provider.api_key, "accept": "application/json"}
    answer = _asked(http, "GET", f"{account.provider.base_url}/v1/balance", None, headers)
    yield _by_status("provider.api_key", answer, "Clickatell tells the balance")


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


def _asked(
    http: HttpClient, method: str, url: str, body: bytes | None, headers: dict[str, str]
) -> Answer | NotReached | AnswerLost:
    try:
        return http.request(method, url, body, headers)
    except (NotReached, AnswerLost) as error:
        return error


def _by_status(what: str, answer: Answer | NotReached | AnswerLost, good: str) -> Tried:
    if not isinstance(answer, Answer):
        return Tried(what, "unknown", f"no answer: {answer}")
    if answer.status == 200:
        return Tried(what, "yes", good)
    works: Works = "no" if answer.status in _REFUSED else "unknown"
    return Tried(what, works, f"refused with HTTP {answer.status}" if works == "no" else f"HTTP {answer.status}")


# --- our own addresses -----------------------------------------------------------------------------------------------


def _callback(account: Account[Any, Any], target: Target, http: HttpClient, route: str) -> Tried:
    """What a BSP's test of the address does: Meta's verification, for the others a callback that holds nothing."""
    what, url = f"callback URL {route}", f"{target.url}/{account.name}/{route}/{account.callback_tokens[0]}"
    headers = {"content-type": "application/json"}
    if account.provider_type == "meta":
        challenge = uuid4().hex
        verify = {
            "hub.mode": "subscribe",
            "hub.challenge": challenge,
            "hub.verify_token": account.provider.verify_token,
        }
        answer = _asked(http, "GET", f"{url}?{urlencode(verify)}", None, headers)
        if isinstance(answer, Answer) and answer.status == 200 and answer.body.decode(errors="replace") != challenge:
            return Tried(what, "no", "answers 200 without Meta's challenge")
    else:
        answer = _asked(http, "POST", url, b"{}", headers)
    if isinstance(answer, Answer) and answer.status == 403 and account.options.source_networks:
        return Tried(what, "unknown", "HTTP 403: only options.source_networks may call it, and this machine is outside")
    tried = _by_status(what, answer, "the bridge takes callbacks")
    return tried._replace(works="no") if isinstance(answer, Answer) and answer.status != 200 else tried


def _validated(
    account: Account[Any, Any], target: Target, http: HttpClient, place: int, clock: Callable[[], float]
) -> Tried:
    """CleverTap's validation of a new provider entry, which the bridge answers and does not send."""
    what, slowest = f"clevertap.authorization.{place}", 0.0
    headers = _credentials(account.clevertap.authorization[place])
    for _ in range(_TRIES):
        began = clock()
        try:
            answer = http.post_json(f"{target.url}/{account.name}/send", _validation(account), headers)
        except (NotReached, AnswerLost) as error:
            return Tried(what, "no", f"no answer: {error}")
        slowest = max(slowest, clock() - began)
        said = answer.json()
        if answer.status != 200 or not isinstance(said, dict) or said.get("status") != "success":
            return Tried(what, "no", _refusal(answer.status, said), round(slowest, 3))
    if slowest > CLEVERTAP_WAITS:
        return Tried(what, "no", f"answered in {slowest:.2f} s, and CleverTap waits for one second", round(slowest, 3))
    words = f"answered in {slowest:.2f} s, as seen from here; CleverTap waits for one second"
    return Tried(what, "yes", words, round(slowest, 3))


def _refusal(status: int, said: Any) -> str:
    error = said.get("error") if isinstance(said, dict) else None
    reason = error.get("message") if isinstance(error, dict) else None
    return f"HTTP {status}: {reason}" if reason else f"HTTP {status}"


def _credentials(credentials: BasicCredentials | HeaderCredentials) -> dict[str, str]:
    if isinstance(credentials, HeaderCredentials):
        return {credentials.name: credentials.value}
    pair = f"{credentials.username}:{credentials.password}".encode()
    return {"authorization": f"Basic {b64encode(pair).decode()}"}


def _validation(account: Account[Any, Any]) -> dict[str, Any]:
    return {
        "payloadVersion": 0.1,
        "wabaNumber": account.waba_number,
        "to": account.waba_number,
        "isTemplate": True,
        "template": {"namespace": VALIDATION_TEMPLATE, "languageCode": "en"},
        "components": [
            {
                "type": "body",
                "body": {
                    "text": "1 code: 2. Valid for 3 minutes.",
                    "parameters": [{"type": "text", "text": text} for text in "123"],
                },
            }
        ],
        "msgId": "0|0|0|0",
    }
