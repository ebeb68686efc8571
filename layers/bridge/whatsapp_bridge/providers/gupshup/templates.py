"""Asks Gupshup for the templates of the HSM account, at another host than messages.

Sources: see `template_entries`. Errors come with HTTP 200. There is no cursor: a page is asked for by its offset, and
the list has ended when as many entries have come as it says that there are.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from whatsapp_bridge.net.http import Answer, AnswerLost, NotReached, TooLarge
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.common.values import identifier, number, word
from whatsapp_bridge.providers.contract.templates import ListedPage, NotListed
from whatsapp_bridge.providers.gupshup import codes
from whatsapp_bridge.providers.gupshup.template_entries import of_flat_entry

if TYPE_CHECKING:
    from whatsapp_bridge.net.http import HttpClient
    from whatsapp_bridge.providers.gupshup.settings import Account
    from whatsapp_bridge.templates.news import News

SOURCE: Final = "Gupshup's list"
_PATH: Final = "/GatewayAPI/rest"
_COMMON: Final = {
    "method": "get_whatsapp_hsm",
    "v": "1.1",
    "auth_scheme": "plain",
    "format": "json",
    "fields": '["buttons","previouscategory"]',
}
_FORM: Final = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
_NAMES_PER_PAGE: Final = 100
# Besides those of `codes`, which are of messages.
_UNAUTHORISED: Final = "401"


class Templates:
    def __init__(self, account: "Account", http: "HttpClient", now: Callable[[], float]) -> None:
        self._account, self._http, self._now = account, http, now

    @property
    def scope(self) -> str:
        return self._account.template_scope

    def page(self, after: str | None, limit: int) -> ListedPage | NotListed:
        offset = number(after) or 0
        found = self._list({"limit": str(limit), "offset": str(offset)})
        if isinstance(found, NotListed):
            return found
        news, unread, total = found
        came = offset + len(news) + unread
        if total is None or (came < total and came == offset):
            return NotListed("unknown", "the list ends before its total")
        return ListedPage(news, None if came >= total else str(came), unread)

    def fetch(self, template_id: str) -> "News | NotListed":
        found = self._list({"id": template_id, "limit": "1", "offset": "0"})
        if isinstance(found, NotListed):
            return found
        news = found[0]
        same = [each for each in news if each.id == template_id]
        if not same and news:
            return NotListed("unknown", "the list does not tell of one by its id")
        return same[0] if same else NotListed("missing", "no such template")

    def find(self, name: str) -> "Sequence[News] | NotListed":
        found = self._list({"name": name, "limit": str(_NAMES_PER_PAGE), "offset": "0"})
        if isinstance(found, NotListed):
            return found
        news, unread, total = found
        same = [each for each in news if each.name.casefold() == name.casefold()]
        # No source says that it filters: of a page of other names, the template may be on the next.
        is_filtered = len(same) == len(news) + unread < _NAMES_PER_PAGE
        if not is_filtered and (total is None or len(news) + unread < total):
            return NotListed("unknown", "the list does not tell of those of a name")
        return same

    def _list(self, asked: Json) -> "tuple[list[News], int, int | None] | NotListed":
        """The entries, how many cannot be read, and how many there are in all."""
        left = int(self._now())
        login = self._account.provider.hsm
        fields = {"userid": login.user_id, "password": login.password, **_COMMON, **asked}
        url = f"{self._account.provider.templates_url}{_PATH}"
        try:
            # By POST, which keeps the password out of the address.
            answer = self._http.request("POST", url, urlencode(fields).encode(), _FORM)
        except TooLarge:
            return NotListed("smaller", "the answer is too large")
        except (NotReached, AnswerLost) as error:
            return NotListed("later", f"no answer from Gupshup: {error}")
        body = answer.json()
        if not (answer.status == 200 and isinstance(body, dict) and isinstance(body.get("data"), list)):
            return _no_list(answer, body)
        news = [of_flat_entry(entry, left, SOURCE) for entry in body["data"]]
        read = [one for one in news if one is not None]
        meta = body.get("meta")
        return read, len(news) - len(read), number(meta.get("total")) if isinstance(meta, dict) else None


def _no_list(answer: Answer, body: object) -> NotListed:
    """An error is bare here, and in `response` for messages."""
    inner = body.get("response") if isinstance(body, dict) else None
    said = inner if isinstance(inner, dict) else body
    if not isinstance(said, dict) or word(said.get("status")) != "error":
        is_passing = answer.status in (408, 429) or answer.status >= 500
        reason = f"HTTP {answer.status} without Gupshup's list"
        return NotListed("later" if is_passing else "unknown", reason, answer.retry_after)
    row = codes.error(identifier(said.get("id")) or "")
    is_refused = row.alarm or row.code == _UNAUTHORISED
    return NotListed("permission" if is_refused else "unknown", f"Gupshup's error: {row.title}")
