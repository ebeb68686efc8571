"""Calls Message Central: once for each message, or once for all messages of a template.

Source: sections "Send Broadcast" and "Send Chat Messages" of Message Central's "WhatsApp Now API Documentation". All
parameters are in the query, as in its samples; a file is the only part of a form.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from time import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from whatsapp_bridge.accounts.countries import calling_code
from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.net.halving import InHalves
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.answers import posted, refused_with
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.cloud_api import numbers
from whatsapp_bridge.providers.common.outgoing_files import CannotPrepare
from whatsapp_bridge.providers.contract.client import Services
from whatsapp_bridge.providers.contract.outcomes import NotSent, Outcome, Outgoing, Rejected, Throttled
from whatsapp_bridge.providers.contract.replies import Attachment
from whatsapp_bridge.providers.message_central import answers, media, sheets
from whatsapp_bridge.providers.message_central.tokens import NoToken, Tokens
from whatsapp_bridge.runtime.observability import log_failure

if TYPE_CHECKING:
    from whatsapp_bridge.media.fetch import File
    from whatsapp_bridge.providers.message_central.settings import Account

_PATH: Final = "/verification/v3/send"
_PARALLEL: Final = 8
_ONE_TEMPLATE: Final = "one template"

# A file's name, content and content type.
type _Part = tuple[str, bytes, str]


class Client:
    """One account's client, for one batch. `now` is for tests."""

    def __init__(self, account: "Account", services: Services, now: Callable[[], float] = time) -> None:
        self._account, self._services = account, services
        self._tokens = Tokens(account, services, now)

    def prepare(self, outgoing: Outgoing) -> Outgoing | Rejected | Throttled | NotSent:
        """Split the number, fetch the file and a token: once the message is claimed, only its request may take time."""
        request = outgoing.request
        if self._account.options.bulk:
            sheets.load()
        number = _split(request["to"])
        if number is None:
            return Rejected(CallbackError.INVALID_PHONE_NUMBER, "No country has such a number")
        try:
            if "file" in request:
                request = {**request, **media.fetched(self._services, self._account, request)}
            self._tokens.get()
        except (CannotPrepare, NoToken) as error:
            return error.outcome
        return replace(outgoing, request={**request, "countryCode": number[0], "mobileNumber": number[1]})

    # --- sending -----------------------------------------------------------------------------------------------------

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        """Send prepared messages; those of one template as one sheet if the account says so."""
        groups: dict[Any, list[Outgoing]] = defaultdict(list)
        for place, outgoing in enumerate(batch):
            group = sheets.group_of(outgoing.request) if self._account.options.bulk else None
            groups[place if group is None else group].append(outgoing)
        sent = self._at_once(self._group, list(groups.values()))
        outcomes = {
            outgoing.reference: outcome
            for group, results in zip(groups.values(), sent, strict=True)
            for outgoing, outcome in zip(group, results, strict=True)
        }
        return [outcomes[outgoing.reference] for outgoing in batch]

    def _at_once[T, R](self, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        if len(items) < 2:
            return [function(item) for item in items]
        with ThreadPoolExecutor(_PARALLEL) as pool:
            return list(pool.map(function, items))

    def _group(self, group: Sequence[Outgoing]) -> list[Outcome]:
        """The outcomes of messages that may share a sheet. What a refused sheet held was certainly not accepted, so
        parts of it, and single calls, send nothing twice."""
        outcomes: dict[str, Outcome] = {}
        halves = InHalves[Outgoing, Answer | Outcome](
            lambda part, answer: answers.heard(answer),
            kind_of=lambda outgoing: _ONE_TEMPLATE,
            refused_with=lambda outgoing: outgoing.refused_with,
        )
        for part, answer, before in halves.post(group, self._part):
            apart = len(part) > 1 and answers.takes_no_sheet(answer)
            sent = self._at_once(self._one, part) if apart else [answer] * len(part)
            for outgoing, of_one in zip(part, sent, strict=True):
                read = answers.outcome_of_sheet if len(part) > 1 and not apart else answers.outcome
                outcome = read(of_one) if isinstance(of_one, Answer) else of_one
                outcomes[outgoing.reference] = refused_with(outcome, before)
        return [outcomes[outgoing.reference] for outgoing in group]

    def _part(self, part: Sequence[Outgoing]) -> Answer | Outcome:
        return self._one(part[0]) if len(part) == 1 else self._sheet([outgoing.request for outgoing in part])

    def _sheet(self, requests: Sequence[Json]) -> Answer | Outcome:
        template = {name: requests[0][name] for name in ("templateName", "langId")}
        return self._call(
            {"type": "BROADCAST", **template},
            lambda: ("messages.xlsx", sheets.sheet(requests), sheets.CONTENT_TYPE),
        )

    def _one(self, outgoing: Outgoing) -> Answer | Outcome:
        request = outgoing.request
        number = {name: request[name] for name in ("countryCode", "mobileNumber")}
        if request["type"] == "CHAT":
            file = request.get("file")
            part = None if file is None else lambda: (file["name"], file["content"], file["contentType"])
            return self._call({"type": "CHAT", **number, "message": request["message"]}, part)
        template = {name: request[name] for name in ("templateName", "langId")}
        values = {name: ",".join(request[name]) for name in ("variables", "ctaVariables") if request[name]}
        return self._call({"type": "BROADCAST", **number, **template, **values})

    def _call(self, parameters: dict[str, str], file: Callable[[], _Part] | None = None) -> Answer | Outcome:
        """The answer to one call, or what came of it without one. If the token is refused, the message was not
        accepted, and the call is made again with another token. Raises nothing: the others of the batch have their
        own outcomes."""
        query = urlencode({"flowType": "WHATSAPP", "senderId": self._account.waba_number, **parameters})
        try:
            body, headers = _form(file()) if file else (None, {})
            token = self._tokens.get()
            while True:
                answer = posted(partial(self._post, query, body, {**headers, "authToken": token}), self._account.name)
                if not isinstance(answer, Answer) or not self._renews_for(answer, token):
                    return answer
                token = self._tokens.renew(token)
        except NoToken as error:
            return error.outcome
        except Exception as error:  # noqa: BLE001 - logged, and becomes an outcome
            log_failure("call failed", error, account=self._account.name)
            return NotSent(f"failed: {type(error).__name__}")

    def _renews_for(self, answer: Answer, token: str) -> bool:
        """A 401 that is not Message Central's own may be a proxy's: another token is used only once."""
        if not answers.refuses_token(answer):
            return False
        return not answers.wordless(answer) or self._tokens.may_renew(token)

    def _post(self, query: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        return self._services.http.request("POST", f"{self._account.provider.base_url}{_PATH}?{query}", body, headers)

    # --- messages from people ----------------------------------------------------------------------------------------

    def open(self, element: Json) -> Json:
        """A reply's element, with the sender's number: Message Central encrypts nothing."""
        return numbers.with_number(self._services.notes, self._account, element)

    def download(self, attachment: Attachment) -> "File":
        """The file, if the webhook has its public address. Raises `Unreadable`."""
        return media.download(self._services, self._account, attachment)


def _split(to: str) -> tuple[str, str] | None:
    """Country code and the rest of a number in international form; None if no country has such a number."""
    country = calling_code(to)
    # The rest as it is: some countries write digits that they do not dial, and WhatsApp may need them.
    return (country, to[len(country) :]) if country else None


def _form(file: _Part) -> tuple[bytes, dict[str, str]]:
    from urllib3.filepost import encode_multipart_formdata

    body, content_type = encode_multipart_formdata({"file": file})
    return body, {"content-type": content_type}
