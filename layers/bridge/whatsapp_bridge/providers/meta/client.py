"""Calls the Cloud API: sends messages, fetches files from people.

Source: the pages named in `outbound` and `cloud_api.codes`, and
https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media for files.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.answers import posted
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.cloud_api import answers, numbers
from whatsapp_bridge.providers.common import downloads
from whatsapp_bridge.providers.common.values import identifier
from whatsapp_bridge.providers.contract.client import NoFile, Services
from whatsapp_bridge.providers.contract.outcomes import Accepted, Outcome, Outgoing
from whatsapp_bridge.providers.contract.replies import Attachment

if TYPE_CHECKING:
    from whatsapp_bridge.providers.meta.settings import Account

# Meta's hosts for files. They are not at `base_url`, but need the account's token too. `.facebook.com` has the Graph
# API as well, so that only Meta's answer may name an address there.
_FILE_HOSTS: Final = (".fbsbx.com", ".whatsapp.net")
_HOSTS: Final = (*_FILE_HOSTS, ".facebook.com")
_MAX_DESCRIPTION_BYTES: Final = 65_536


class Client:
    """One account's client."""

    def __init__(self, account: "Account", services: Services) -> None:
        self._account, self._http, self._notes = account, services.http, services.notes
        provider = account.provider
        self._url = f"{provider.base_url}/{provider.api_version}"
        self._authorization = {"authorization": f"Bearer {provider.access_token}"}

    def prepare(self, outgoing: Outgoing) -> Outgoing:
        """Unchanged: Meta fetches files from their address."""
        return outgoing

    # --- sending -----------------------------------------------------------------------------------------------------

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        """One request per message."""
        return [self._send(outgoing) for outgoing in batch]

    def _send(self, outgoing: Outgoing) -> Outcome:
        url = f"{self._url}/{self._account.provider.phone_number_id}/messages"
        answer = posted(lambda: self._http.post_json(url, outgoing.request, self._authorization), self._account.name)
        if not isinstance(answer, Answer):
            return answer
        outcome = answers.outcome(answer, "Meta")
        if isinstance(outcome, Accepted):
            numbers.keep_of_answer(self._notes, self._account, outgoing, answer)
        return outcome

    # --- receiving ---------------------------------------------------------------------------------------------------

    def open(self, element: Json) -> Json:
        """A reply's element, with the number by which CleverTap knows the sender."""
        element = numbers.with_number(self._notes, self._account, element)
        return numbers.with_known_number(self._notes, self._account, element)

    def download(self, attachment: Attachment) -> File:
        """The file that a person has sent. Raises `Unreadable`."""
        media_id = identifier(attachment.source.get("id"))
        if media_id is None:
            url, described_as = str(attachment.source.get("url", "")), None
            good = _is_encrypted_at(url, _FILE_HOSTS)
        else:
            url, described_as = self._described(media_id)
            ours = downloads.origin(self._account.provider.base_url)
            good = _is_encrypted_at(url, _HOSTS) or (ours is not None and downloads.origin(url) == ours)
        if not good:
            raise NoFile("the file's address must be Meta's", retriable=False)
        answer = downloads.get(url, self._authorization, self._http, answers.of_a_file, attachment=attachment)
        downloads.check_hash(attachment.source.get("sha256"), self._account.name, answer.body)
        return downloads.named(attachment, answer.body, answer.headers.get("content-type"), described_as)

    def _described(self, media_id: str) -> tuple[str, str | None]:
        """The file's address for the next five minutes, because the one in the webhook has expired, and its content
        type."""
        if not media_id.strip("."):
            raise NoFile("the file's id must be no step of a path", retriable=False)
        body = downloads.get(
            f"{self._url}/{quote(media_id, safe='')}",
            self._authorization,
            self._http,
            answers.of_a_file,
            _MAX_DESCRIPTION_BYTES,
        ).json()
        url = body.get("url") if isinstance(body, dict) else None
        if not isinstance(url, str):
            raise NoFile("Meta gave no address for the file", retriable=True)
        return url, identifier(body.get("mime_type"))


def _is_encrypted_at(url: str, hosts: tuple[str, ...]) -> bool:
    """Whether it is an https address at one of these domains."""
    where = downloads.origin(url)
    if where is None:
        return False
    scheme, host, port = where
    return scheme == "https" and port == 443 and f".{host}".endswith(hosts)
