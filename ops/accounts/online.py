"""What an account's credentials and addresses are worth: tried by calls that send nothing to anybody."""

from base64 import b64encode
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

from ops.accounts.bsp_calls import Tried, asked, by_status, of_bsp
from ops.target import Target
from whatsapp_bridge.accounts.account import Account, BasicCredentials, HeaderCredentials
from whatsapp_bridge.net.http import Answer, AnswerLost, HttpClient, NotReached

CLEVERTAP_WAITS: Final = 1.0
"""Seconds. Source: section "Expected API Response" of CleverTap's page."""
_TRIES: Final = 2
_VERIFICATION: Final = "whatsapp:hsm:technology:generic:verify"
"""With which CleverTap checks a provider entry (`clevertap.messages.is_verification`)."""


def try_account(
    account: Account[Any, Any],
    target: Target | None,
    http: HttpClient,
    tell: Callable[[str], None] = lambda text: None,
    clock: Callable[[], float] = perf_counter,
) -> list[Tried]:
    """Without a stack, only what the BSP says. `tell` hears what is tried now."""
    tell("asking the BSP")
    tried = list(of_bsp(account, http))
    if target is not None:
        tell("asking the bridge's own addresses")
        tried += [_callback(account, target, http, route) for route in ("incoming", "status")]
        tried += [
            _validated(account, target, http, place, clock) for place in range(len(account.clevertap.authorization))
        ]
    return tried


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
        answer = asked(http, "GET", f"{url}?{urlencode(verify)}", None, headers)
        if isinstance(answer, Answer) and answer.status == 200 and answer.body.decode(errors="replace") != challenge:
            return Tried(what, "no", "answers 200 without Meta's challenge")
    else:
        answer = asked(http, "POST", url, b"{}", headers)
    if isinstance(answer, Answer) and answer.status == 403 and account.options.source_networks:
        return Tried(what, "unknown", "HTTP 403: only options.source_networks may call it, and this machine is outside")
    tried = by_status(what, answer, "the bridge takes callbacks")
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
        "template": {"namespace": _VERIFICATION, "languageCode": "en"},
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
