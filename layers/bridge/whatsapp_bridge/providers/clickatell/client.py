"""Speaking to One API: encrypt, send, and tell from the answer what became of each message.

The legacy WhatsApp API takes and answers requests in the same way under other names: `Dialect` holds these.

Source: https://www.clickatell.com/developers/api-documentation/one-api-request-parameters/ and the sections "Outbound
message request acceptance response" and "Error code comparison" of the comparison page named in `codes`. The endpoint
is /v1/message: the page's headings say /v1/messages, its endpoint table and examples do not.
"""

import os
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.http import Answer, AnswerLost, HttpClient, NotReached
from whatsapp_bridge.providers.clickatell import codes, encryption
from whatsapp_bridge.providers.clickatell.values import blank, identifier, number
from whatsapp_bridge.providers.contract import (
    Accepted,
    Json,
    NotSent,
    Outcome,
    Outgoing,
    Rejected,
    Throttled,
    Unknown,
    Unreadable,
)

if TYPE_CHECKING:
    from whatsapp_bridge.accounts import Account
    from whatsapp_bridge.store.keys import KeyService


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one of Clickatell's two APIs calls things. `code` and `description` are members of an `error` object."""

    api: str
    path: str
    bsp_id: str
    code: str
    description: str
    error: Callable[[int, str], codes.ErrorRow]
    outgoing: tuple[encryption.Path, ...]
    """What is encrypted of a message to a person."""
    incoming: tuple[encryption.Path, ...]
    """What is encrypted of a message from a person."""


ONE_API: Final = Dialect(
    api="One API",
    path="/v1/message",
    bsp_id="apiMessageId",
    code="code",
    description="description",
    error=codes.error,
    outgoing=encryption.OUTGOING,
    incoming=encryption.INCOMING,
)

# Finding the one bad message of a hundred takes 15 requests, two of them 27; `HttpClient` ends them when time is short.
_MAX_REQUESTS: Final = 30

# HTTP statuses whose meaning needs no body. 401 and 402 are One API's (errors 1, 7 and 20), 403 a gateway's.
_BY_STATUS: Final = {
    401: Rejected(CallbackError.INVALID_CREDENTIALS, "Credentials refused (HTTP 401)"),
    402: Rejected(CallbackError.OTHER, "Insufficient account balance"),
    403: Rejected(CallbackError.INVALID_CREDENTIALS, "Credentials refused (HTTP 403)"),
}


class Client:
    """One account's client. `data_keys` and `entropy` (n to n unpredictable bytes) are for tests."""

    dialect: ClassVar[Dialect] = ONE_API

    def __init__(
        self,
        account: "Account",
        http: HttpClient,
        keys: "KeyService",
        data_keys: encryption.DataKeys = encryption.SHARED,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._account, self._http, self._keys = account, http, keys
        self._data_keys, self._entropy = data_keys, entropy

    # --- encryption --------------------------------------------------------------------------------------------------

    def prepare(self, outgoing: Outgoing) -> Outgoing | NotSent:
        """Encrypt where the account says so. Without a key the message waits: it never leaves in clear."""
        settings, options = self._account.provider.encryption, self._account.options
        if settings is None:
            return outgoing
        from whatsapp_bridge.store.keys import KeyFailure

        try:
            key = self._data_keys.for_sending(
                self._keys, settings.mt_key_arn, options.data_key_max_seconds, options.data_key_max_messages
            )
        except KeyFailure as failure:
            return NotSent(failure.reason)
        # The key goes along even where there is nothing to encrypt: the integration expects encrypted messages.
        request = encryption.with_leaves(
            outgoing.request, self.dialect.outgoing, lambda text: encryption.encrypt(key.plaintext, text, self._entropy)
        )
        return Outgoing(outgoing.reference, {**request, "encryptionKey": key.encryption_key})

    def open(self, element: Json) -> Json:
        """A reply's element in clear; one that came in clear as it is. Raises `Unreadable`."""
        encryption_key = element.get("encryptionKey")
        settings = self._account.provider.encryption
        if blank(encryption_key):
            # Clickatell's own sample of an encrypted moText shows no key. Without one it is nothing but garbage.
            if settings is not None and encryption.looks_encrypted(element, self.dialect.incoming):
                raise Unreadable("encrypted, but without an encryptionKey", retriable=False)
            return element
        if settings is None:
            raise Unreadable("encrypted, but the account has no provider.encryption.mo_key_arn", retriable=True)
        from whatsapp_bridge.store.keys import KeyFailure

        try:
            key = self._data_keys.for_reading(
                self._keys, settings.mo_key_arn, str(encryption_key), self._account.options.data_key_max_seconds
            )
            clear: Json = encryption.with_leaves(
                element, self.dialect.incoming, lambda text: encryption.decrypt(key.plaintext, text)
            )
        except KeyFailure as failure:
            raise Unreadable(failure.reason, retriable=failure.retriable) from None
        except encryption.Undecipherable as error:
            raise Unreadable(str(error), retriable=False) from None
        return {**clear, "encryptionKey": None}

    # --- sending -----------------------------------------------------------------------------------------------------

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        """One request for the batch. Where all of it is refused for its form (One API's errors 21, 22), the halves are
        sent for themselves, so that one bad message does not take a hundred down."""
        outcomes: dict[str, Outcome] = {}
        parts = deque([list(batch)] if batch else [])
        for _ in range(_MAX_REQUESTS):
            if not parts:
                break
            part = parts.popleft()
            answer = self._post(part)
            if len(part) > 1 and isinstance(answer, Answer) and _refused_for_its_form(answer, self.dialect):
                parts.extend((part[: len(part) // 2], part[len(part) // 2 :]))
            else:
                outcomes.update(_outcomes(part, answer, self.dialect))
        later = NotSent("request refused for its form")
        return [outcomes.get(outgoing.reference, later) for outgoing in batch]

    def _post(self, batch: Sequence[Outgoing]) -> Answer | Outcome:
        try:
            return self._http.post_json(
                f"{self._account.provider.base_url}{self.dialect.path}",
                {"messages": [outgoing.request for outgoing in batch]},
                {"authorization": self._account.provider.api_key},
            )
        except NotReached as error:
            return NotSent(f"not reached: {error}")
        except AnswerLost as error:
            return Unknown(f"answer lost: {error}")


def _outcomes(batch: Sequence[Outgoing], answer: Answer | Outcome, dialect: Dialect) -> dict[str, Outcome]:
    """The outcome of each message of a request, by its reference."""
    if not isinstance(answer, Answer):
        return {outgoing.reference: answer for outgoing in batch}
    results = _results(answer)
    if not results:
        outcome = _of_the_request(answer, dialect)
        return {outgoing.reference: outcome for outgoing in batch}
    matched = _match(batch, results)
    lost = Unknown("not in the answer")
    return {
        outgoing.reference: _of_one(matched[outgoing.reference], answer, dialect)
        if outgoing.reference in matched
        else lost
        for outgoing in batch
    }


# --- which result is whose -------------------------------------------------------------------------------------------


def _results(answer: Answer) -> list[Json]:
    """The per-message results, which come under any status: 202, 200, 207, 400 (all refused), 500."""
    body = answer.json()
    messages = body.get("messages") if isinstance(body, dict) else None
    return [result for result in messages if isinstance(result, dict)] if isinstance(messages, list) else []


def _match(batch: Sequence[Outgoing], results: Sequence[Json]) -> dict[str, Json]:
    """Results by reference. Their order says nothing (Clickatell), and answers without clientMessageId exist: those go
    by recipient where only one message and one result are left for it. What stays open is not guessed at."""
    if len(batch) == len(results) == 1:
        return {batch[0].reference: results[0]}
    references = {outgoing.reference for outgoing in batch}
    matched: dict[str, Json] = {}
    nameless: dict[str, list[Json]] = defaultdict(list)
    for result in results:
        reference = identifier(result.get("clientMessageId"))
        if reference in references:
            # Should one message be answered twice, a yes outweighs a no: it may not be sent again.
            if matched.get(reference, {}).get("accepted") is not True:
                matched[reference] = result
        elif reference is None:
            nameless[(identifier(result.get("to")) or "").removeprefix("+")].append(result)
    waiting: dict[str, list[str]] = defaultdict(list)
    for outgoing in batch:
        if outgoing.reference not in matched:
            waiting[outgoing.request["to"]].append(outgoing.reference)
    for to, candidates in waiting.items():
        if len(candidates) == len(nameless[to]) == 1:
            matched[candidates[0]] = nameless[to][0]
    return matched


# --- what a result means ---------------------------------------------------------------------------------------------


def _of_one(result: Json, answer: Answer, dialect: Dialect) -> Outcome:
    accepted, error = result.get("accepted"), _error_row(result, dialect)
    bsp_id = identifier(result.get(dialect.bsp_id))
    if accepted is True or (accepted is None and error is None and bsp_id is not None):
        return Accepted(bsp_id)
    if error is not None:
        return _reaction(error, answer)
    if accepted is False:
        return Rejected(CallbackError.OTHER, "Not accepted, without a reason")
    return Unknown("unreadable answer")


def _of_the_request(answer: Answer, dialect: Dialect) -> Outcome:
    """The outcome of every message of a request that was answered as a whole."""
    row = _error_row(answer.json(), dialect)
    if answer.status == 429:
        return Throttled(answer.retry_after)
    if row is not None and row.listed and row.reaction != "internal":
        return _reaction(row, answer)
    if answer.status in _BY_STATUS:
        return _BY_STATUS[answer.status]
    if row is not None and 400 <= answer.status < 500:
        return _reaction(row, answer)
    if 300 <= answer.status < 500:
        # Clickatell's own errors have a body; without one, something in front of it answered and passed nothing on.
        return NotSent(f"HTTP {answer.status} without {dialect.api}'s answer")
    # 2xx: taken, by all appearances, but not a word about which message. 5xx: it may come from Clickatell after it took
    # (part of) the request, or from a gateway that lost its answer.
    return Unknown(f"HTTP {answer.status} without an answer per message")


def _reaction(row: codes.ErrorRow, answer: Answer) -> Outcome:
    match row.reaction:
        case "throttle":
            return Throttled(answer.retry_after)
        case "retry" | "internal":
            return NotSent(row.title)
        case "reject" | "split":
            return Rejected(row.error, row.title, unlisted=not row.listed)


def _refused_for_its_form(answer: Answer, dialect: Dialect) -> bool:
    row, results = _error_row(answer.json(), dialect), _results(answer)
    if results:
        # The legacy API says so of every message, as its table of errors has it.
        rows = [_error_row(result, dialect) for result in results if result.get("accepted") is False]
        return len(rows) == len(results) and all(each is not None and each.reaction == "split" for each in rows)
    # A gateway in front of Clickatell says so of a body that is too large, without Clickatell's error.
    return (row is None and answer.status == 413) or (row is not None and row.reaction == "split")


def _error_row(holder: Any, dialect: Dialect) -> codes.ErrorRow | None:
    """The error of an answer or of one result, None where there is none (readable)."""
    error = holder.get("error") if isinstance(holder, dict) else None
    if not isinstance(error, dict) or (code := number(error.get(dialect.code))) is None:
        return None
    return dialect.error(code, str(error.get(dialect.description, "")))
