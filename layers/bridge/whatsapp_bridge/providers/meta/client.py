"""Speaking to the Cloud API: send, tell from the answer what became of the message, fetch files from people.

Source: the pages named in `outbound` and `cloud_api.codes`, and
https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media for files.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.media.file_types import extension
from whatsapp_bridge.net.http import Answer, AnswerLost, NotReached
from whatsapp_bridge.providers.common import downloads
from whatsapp_bridge.providers.common.values import digits, identifier
from whatsapp_bridge.providers.contract import (
    Accepted,
    Attachment,
    Json,
    NotSent,
    Outcome,
    Outgoing,
    Rejected,
    Services,
    Throttled,
    Unknown,
    Unreadable,
)
from whatsapp_bridge.providers.meta import codes, numbers

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account

# "1 message every 6 seconds to the same user", beyond a burst of 45.
_PAIR_RATE: Final = 131056
_PAIR_RATE_SECONDS: Final = 6.0

# Where Meta keeps files: not at `base_url`, and yet to be asked with the account's token.
_FILE_HOSTS: Final = (".fbsbx.com", ".facebook.com", ".whatsapp.net")
_MAX_DESCRIPTION_BYTES: Final = 65_536


class Client:
    """One account's client."""

    def __init__(self, account: "Account", services: Services) -> None:
        self._account, self._http, self._notes = account, services.http, services.notes
        provider = account.provider
        self._url = f"{provider.base_url}/{provider.api_version}"
        self._authorization = {"authorization": f"Bearer {provider.access_token}"}

    def prepare(self, outgoing: Outgoing) -> Outgoing:
        """Nothing: Meta fetches files by their address."""
        return outgoing

    # --- sending -----------------------------------------------------------------------------------------------------

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        """A request per message, as the capabilities say."""
        return [self._send(outgoing) for outgoing in batch]

    def _send(self, outgoing: Outgoing) -> Outcome:
        url = f"{self._url}/{self._account.provider.phone_number_id}/messages"
        try:
            answer = self._http.post_json(url, outgoing.request, self._authorization)
        except NotReached as error:
            return NotSent(f"not reached: {error}")
        except AnswerLost as error:
            return Unknown(f"answer lost: {error}")
        outcome = _outcome(answer)
        if isinstance(outcome, Accepted):
            self._keep_number(outgoing, answer)
        return outcome

    def _keep_number(self, outgoing: Outgoing, answer: Answer) -> None:
        number, wa_id = digits(outgoing.request.get("to")), digits(_first(answer.json(), "contacts").get("wa_id"))
        if number is None or wa_id in (None, number):
            return
        try:
            numbers.keep(self._notes, self._account, wa_id, number)
        except Exception as error:  # noqa: BLE001 - the message is sent, whatever becomes of the note
            from whatsapp_bridge.runtime.observability import log_failure

            log_failure("wa_id not kept", error, account=self._account.name, msgId=outgoing.reference)

    # --- receiving ---------------------------------------------------------------------------------------------------

    def open(self, element: Json) -> Json:
        """A reply's element, from the number that CleverTap knows its sender by."""
        wa_id = digits(element.get("from"))
        return element if wa_id is None else {**element, "from": numbers.known(self._notes, self._account, wa_id)}

    def download(self, attachment: Attachment) -> File:
        """The file that a person has sent. Raises `Unreadable`."""
        url = self._address(attachment)
        if not self._is_for_the_token(url):
            raise Unreadable("the file's address is not Meta's", retriable=False)
        content = downloads.get(url, self._authorization, self._http).body
        downloads.check_hash(attachment.source.get("sha256"), self._account.name, content)
        content_type = downloads.content_type(attachment.content_type)
        name = attachment.file_name or attachment.kind + extension(content_type)
        return File(content, content_type, name)

    def _address(self, attachment: Attachment) -> str:
        """Where the file is for the next five minutes; the address in the webhook has had its time."""
        media_id = identifier(attachment.source.get("id"))
        if media_id is None:
            return str(attachment.source.get("url", ""))
        described = downloads.get(
            f"{self._url}/{quote(media_id, safe='')}", self._authorization, self._http, _MAX_DESCRIPTION_BYTES
        )
        body = described.json()
        url = body.get("url") if isinstance(body, dict) else None
        if not isinstance(url, str):
            raise Unreadable("no address for the file", retriable=True)
        return url

    def _is_for_the_token(self, url: str) -> bool:
        where = downloads.origin(url)
        if where is None:
            return False
        if where == downloads.origin(self._account.provider.base_url):
            return True
        scheme, host, port = where
        return scheme == "https" and port == 443 and f".{host}".endswith(_FILE_HOSTS)


# --- what an answer means --------------------------------------------------------------------------------------------


def _outcome(answer: Answer) -> Outcome:
    body = answer.json()
    error = body.get("error") if isinstance(body, dict) else None
    row = codes.error_of(error)
    # Meta: decide on the code. It documents throttling as 400, and sends it as 403 and 429 too.
    if row is not None and row.listed:
        return _reaction(row, answer)
    if answer.status == 429:
        return Throttled(answer.retry_after)
    if row is not None:
        return _unlisted(row, error, answer)
    if 200 <= answer.status < 300:
        bsp_id = identifier(_first(body, "messages").get("id"))
        return Accepted(bsp_id) if bsp_id else Unknown(f"HTTP {answer.status} without a message's id")
    if answer.status in (401, 403):
        return Rejected(CallbackError.INVALID_CREDENTIALS, f"Credentials refused (HTTP {answer.status})", alarm=True)
    if 300 <= answer.status < 500:
        # Meta's own errors have a code; without one, something in front of it answered and passed nothing on.
        return NotSent(f"HTTP {answer.status} without Meta's answer")
    return Unknown(f"HTTP {answer.status} without Meta's answer")


def _reaction(row: codes.ErrorRow, answer: Answer) -> Outcome:
    rejected = Rejected(row.error, row.title, unlisted=not row.listed, alarm=row.reaction == "stop")
    match row.reaction:
        case "throttle":
            least = _PAIR_RATE_SECONDS if row.code == _PAIR_RATE else None
            return Throttled(answer.retry_after or least)
        case "retry":
            return NotSent(row.title, rejected)
        case "reject" | "stop":
            return rejected


def _unlisted(row: codes.ErrorRow, error: Any, answer: Answer) -> Outcome:
    if error.get("is_transient") is True:
        return NotSent(row.title)
    # Under 5xx an error may come from behind the point where the message was taken.
    return _reaction(row, answer) if answer.status < 500 else Unknown(f"HTTP {answer.status}: {row.title}")


def _first(body: Any, name: str) -> Json:
    """The first element of a list in the answer; {} where there is none."""
    elements = body.get(name) if isinstance(body, dict) else None
    first = elements[0] if isinstance(elements, list) and elements else None
    return first if isinstance(first, dict) else {}
