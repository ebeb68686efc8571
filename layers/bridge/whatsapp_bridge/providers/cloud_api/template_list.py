"""Asks Meta for a WhatsApp business account's templates.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/, "Template management", and
https://developers.facebook.com/docs/graph-api/overview/rate-limiting for the budget: 200 calls an hour for each app and
account, 5000 for an active one. Listing needs another permission than sending, `whatsapp_business_management`.
"""

from collections.abc import Callable, Sequence
from re import ASCII, fullmatch
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from whatsapp_bridge.net.http import Answer, AnswerLost, NotReached, TooLarge
from whatsapp_bridge.providers.cloud_api import codes
from whatsapp_bridge.providers.cloud_api.templates import FIELDS, of_entry, page_of
from whatsapp_bridge.providers.common.bodies import json_in
from whatsapp_bridge.providers.common.values import each, number
from whatsapp_bridge.providers.contract.templates import ListedPage, NotListed

if TYPE_CHECKING:
    from whatsapp_bridge.net.http import HttpClient
    from whatsapp_bridge.templates.news import News

SOURCE: Final = "Meta's list"
# Percent. The rest of the hour is for templates that are fetched because somebody waits for them.
_MOST_USED: Final = 90
_NAMES_PER_PAGE: Final = 100
# Digits today; nothing that is more than one step of a path.
_ID: Final = r"[A-Za-z0-9_-]{1,64}"

# Codes of this API that messages do not have, and those that mean something else here.
_RATES: Final = frozenset({4, 80007, 80008, 80012})
# "An unknown error occurred"; for a list it is "Please reduce the amount of data you're asking for".
_TOO_MUCH: Final = 1
# Also "nonexisting field (message_templates)".
_INVALID: Final = 100


class TemplateList:
    """The templates of one account. `url` is Graph API's with its version."""

    def __init__(self, http: "HttpClient", url: str, waba_id: str, token: str, now: Callable[[], float]) -> None:
        self._http, self._url, self._waba_id, self._now = http, url, waba_id, now
        self._authorization = {"authorization": f"Bearer {token}"}

    @property
    def scope(self) -> str:
        return f"waba:{self._waba_id}"

    def page(self, after: str | None, limit: int) -> ListedPage | NotListed:
        asked = {"fields": ",".join(FIELDS), "limit": str(limit)} | ({} if after is None else {"after": after})
        return self._page(asked)

    def find(self, name: str) -> "Sequence[News] | NotListed":
        """Meta's filter takes parts of names, so that there may be several pages."""
        asked = {"fields": ",".join(FIELDS), "limit": str(_NAMES_PER_PAGE), "name": name}
        found: list[News] = []
        cursors: set[str] = set()
        while True:
            page = self._page(asked)
            if isinstance(page, NotListed):
                return page
            found += [news for news in page.news if news.name.casefold() == name.casefold()]
            if page.after is None:
                return found
            if page.after in cursors:
                return NotListed("unknown", "the list comes back to a page that it had")
            cursors.add(page.after)
            asked = asked | {"after": page.after}

    def fetch(self, template_id: str) -> "News | NotListed":
        if not fullmatch(_ID, template_id, ASCII):
            # It may come from a callback, and must not choose another call of the API.
            return NotListed("missing", "the template's id is none of Meta's")
        left = int(self._now())
        answer = self._get(template_id, {"fields": ",".join(FIELDS)})
        if isinstance(answer, NotListed):
            return answer
        news = of_entry(answer.json(), left, SOURCE)
        return news or _no_list(answer, of_one=True)

    def _page(self, asked: dict[str, str]) -> ListedPage | NotListed:
        left = int(self._now())
        answer = self._get(f"{self._waba_id}/message_templates", asked)
        if isinstance(answer, NotListed):
            return answer
        page = page_of(answer.json()) if answer.status == 200 else None
        if page is None:
            return _no_list(answer, cursor="after" in asked)
        news = [of_entry(entry, left, SOURCE) for entry in page.entries]
        read = [one for one in news if one is not None]
        used, retry_after = usage(answer)
        return ListedPage(read, page.after, len(news) - len(read), used >= _MOST_USED, retry_after)

    def _get(self, path: str, asked: dict[str, str]) -> Answer | NotListed:
        try:
            return self._http.request("GET", f"{self._url}/{path}?{urlencode(asked)}", headers=self._authorization)
        except TooLarge:
            return NotListed("smaller", "the answer is too large")
        except (NotReached, AnswerLost) as error:
            return NotListed("later", f"no answer from Meta: {error}")


def _no_list(answer: Answer, *, of_one: bool = False, cursor: bool = False) -> NotListed:
    """Why an answer has no templates. `of_one`: one was asked for; `cursor`: with a cursor, which may be what is
    wrong."""
    body = answer.json()
    error = body.get("error") if isinstance(body, dict) else None
    code = number(error.get("code")) if isinstance(error, dict) else None
    row = codes.error_of(error)
    if row is None or code is None:
        is_passing = answer.status in (408, 429) or answer.status >= 500
        reason = f"HTTP {answer.status} without Meta's answer"
        return NotListed("later" if is_passing else "unknown", reason, answer.retry_after)
    reason = f"Meta's error {code}"
    if code in _RATES or row.reaction in ("throttle", "overload"):
        return NotListed("later", reason, usage(answer)[1] or answer.retry_after)
    if code == _TOO_MUCH:
        return NotListed("smaller", reason)
    if row.code == codes.NO_SUCH_OBJECT or (code == _INVALID and not cursor):
        return _not_seen(reason, of_one=of_one)
    if row.reaction == "stop":
        return NotListed("permission", f"{reason}: the token needs the permission whatsapp_business_management")
    if row.reaction == "retry" or (isinstance(error, dict) and error.get("is_transient") is True):
        return NotListed("later", reason)
    return NotListed("unknown", reason)


def _not_seen(reason: str, *, of_one: bool) -> NotListed:
    if of_one:
        return NotListed("missing", f"{reason}: no such template, or the token may not see it")
    # It may also be the id of a number or a business: that has no templates either.
    return NotListed("permission", f"{reason}: waba_id is no WhatsApp account that the token may see")


def usage(answer: Answer) -> tuple[int, float | None]:
    """How much of the budget is spent, in percent, and in how many seconds there is one again, if it is."""
    told = json_in(answer.headers.get("x-business-use-case-usage"))
    uses = [use for of_account in told.values() for use in each(of_account)] if isinstance(told, dict) else []
    used = max((_number(use, name) for use in uses for name in _USES), default=0)
    minutes = max((_number(use, "estimated_time_to_regain_access") for use in uses), default=0)
    return used, minutes * 60.0 if minutes else None


_USES: Final = ("call_count", "total_cputime", "total_time")


def _number(use: Any, name: str) -> int:
    return (number(use.get(name)) or 0) if isinstance(use, dict) else 0
