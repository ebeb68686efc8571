"""Calls Gupshup's enterprise API: one form per message. The answer must be read whatever its HTTP status.

Source: Gupshup's "Enterprise Messaging APIs for WhatsApp Business", and public clients of the API.
"""

from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.answers import guarded, of_a_step_before, posted
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.common import downloads
from whatsapp_bridge.providers.contract.client import Services
from whatsapp_bridge.providers.contract.outcomes import Accepted, NotSent, Outcome, Outgoing, Rejected, Throttled
from whatsapp_bridge.providers.contract.replies import Attachment
from whatsapp_bridge.providers.gupshup import answers

if TYPE_CHECKING:
    from whatsapp_bridge.providers.gupshup.settings import Account

_PATH: Final = "/GatewayAPI/rest"
_COMMON: Final = {"v": "1.1", "auth_scheme": "plain", "format": "json"}
_FORM: Final = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
_OPTED_IN_SECONDS: Final = 365 * 86_400


class Client:
    """One account's client."""

    def __init__(self, account: "Account", services: Services) -> None:
        self._account, self._http = account, services.http
        self._notes, self._files = services.notes, services.files
        self._lock = Lock()
        self._turns: dict[str, Lock] = {}

    # --- opt-in ------------------------------------------------------------------------------------------------------

    def prepare(self, outgoing: Outgoing) -> Outgoing | Rejected | Throttled | NotSent:
        """Opt the person in before a template if the account says so. To repeat that changes nothing at Gupshup."""
        mode = self._account.provider.opt_in
        if mode == "off" or outgoing.request["account"] != "hsm":
            return outgoing
        person = str(outgoing.request["form"]["send_to"])
        return (self._opt_in(person) if mode == "always" else self._opt_in_once(person)) or outgoing

    def _opt_in_once(self, person: str) -> Rejected | Throttled | NotSent | None:
        # The account may have several keys; the note may be under any.
        name, keys = self._account.name, [f"opt-in#{pseudonym}" for pseudonym in self._account.keys.pseudonyms(person)]
        # Several threads prepare a batch, which may have several messages to one person.
        with self._turn(person):
            if any(self._notes.get(name, key) is not None for key in keys):
                return None
            failure = self._opt_in(person)
            if failure is None:
                self._notes.put(name, keys[0], "yes", _OPTED_IN_SECONDS)
            return failure

    def _turn(self, person: str) -> Lock:
        with self._lock:
            return self._turns.setdefault(person, Lock())

    def _opt_in(self, person: str) -> Rejected | Throttled | NotSent | None:
        """None if Gupshup accepted it."""
        answer = guarded(lambda: self._post("hsm", {"method": "OPT_IN", "channel": "WHATSAPP", "phone_number": person}))
        outcome = answers.outcome(answer) if isinstance(answer, Answer) else answer
        if isinstance(outcome, Accepted):
            return None
        failure = of_a_step_before("opt-in", outcome)
        return replace(failure, title=f"Opt-in: {failure.title}") if isinstance(failure, Rejected) else failure

    # --- sending -----------------------------------------------------------------------------------------------------

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        """Gupshup takes one message per request."""
        return [self._send(outgoing) for outgoing in batch]

    def _send(self, outgoing: Outgoing) -> Outcome:
        request = outgoing.request
        answer = posted(lambda: self._post(request["account"], request["form"]), self._account.name)
        return answers.outcome(answer) if isinstance(answer, Answer) else answer

    def _post(self, account: str, form: Json) -> Answer:
        login = getattr(self._account.provider, account)
        fields = {"userid": login.user_id, "password": login.password, **_COMMON, **form}
        url = f"{self._account.provider.base_url}{_PATH}"
        return self._http.request("POST", url, urlencode(fields).encode(), _FORM)

    # --- receiving ---------------------------------------------------------------------------------------------------

    def open(self, element: Json) -> Json:
        """Unchanged: Gupshup encrypts nothing."""
        return element

    def download(self, attachment: Attachment) -> File:
        """The file at a signed address, which needs no credentials and is valid for 48 hours. Raises `Unreadable`."""
        source = downloads.public(str(attachment.source["url"]), self._account, self._files, attachment=attachment)
        # The end of the address is no name.
        return downloads.named(attachment, source.content, source.content_type)
