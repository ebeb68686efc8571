"""A quarantined element as the callback that its BSP made of it."""

from base64 import b64decode
from collections.abc import Callable
from dataclasses import fields
from hashlib import sha256
from hmac import digest
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from pydantic_core import to_json

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.providers.contract.statuses import StatusEvent

type Json = dict[str, Any]

_JSON: Final = "application/json"
_STATUS_FIELDS: Final = frozenset(each.name for each in fields(StatusEvent))


class CannotReplay(Exception):
    """There is no callback that would help."""


class Again(NamedTuple):
    """A request to the account's callback URL. `query` is its query string."""

    method: str
    headers: dict[str, str]
    body: bytes
    query: str = ""


def callback_of(account: Account[Any, Any], entry: Json) -> Again:
    """`entry` is a quarantine's: {"kind", "element", ...}. Raises `CannotReplay`."""
    kind, element = str(entry.get("kind")), entry.get("element")
    if kind == "body":
        again = _whole(element)
    elif kind == "status" and isinstance(element, dict) and element.keys() <= _STATUS_FIELDS:
        raise CannotReplay("a status without its message: a replay finds none either")
    else:
        again = Again("POST", {"content-type": _JSON}, to_json(_FORMS[account.provider_type](kind, element)))
    if account.provider_type == "meta":
        signature = digest(account.provider.app_secrets[0].encode(), again.body, sha256).hex()
        again = again._replace(headers={**again.headers, "x-hub-signature-256": f"sha256={signature}"})
    return again


def _whole(element: Any) -> Again:
    """The bytes as they came."""
    if not isinstance(element, dict) or not isinstance(element.get("base64"), str):
        raise CannotReplay("the body was not kept")
    body, query = b64decode(element["base64"]), element.get("query") or {}
    content_type = str(element.get("content_type") or "")
    headers = {"content-type": content_type} if content_type else {}
    return Again("GET" if query and not body else "POST", headers, body, urlencode(query))


def _one_api(kind: str, element: Any) -> Json:
    inner = dict(element) if isinstance(element, dict) else element
    # The bridge has put it in, for a message that went on.
    named = inner.pop("kind", kind) if isinstance(inner, dict) else kind
    return {"event": {named: [inner]}}


def _legacy(kind: str, element: Any) -> Any:
    return {name: value for name, value in element.items() if name != "kind"} if isinstance(element, dict) else element


def _gupshup(kind: str, element: Any) -> Any:
    return {"statuses": [element]} if kind == "status" else element


def _metas(kind: str, element: Any) -> Json:
    """Meta's form, as Message Central passes it through."""
    if isinstance(element, dict) and "changes" in element:
        return {"entry": [element]}
    if isinstance(element, dict) and "value" in element:
        return {"entry": [{"changes": [element]}]}
    held = kind if kind in ("statuses", "errors") else "messages"
    return {"entry": [{"changes": [{"field": "messages", "value": {held: [element]}}]}]}


_FORMS: Final[dict[str, Callable[[str, Any], Any]]] = {
    "clickatell": _one_api,
    "clickatell_legacy": _legacy,
    "gupshup": _gupshup,
    "message_central": _metas,
    "meta": _metas,
}
