"""Meta's list of templates, with its traps: the last page has a cursor and no `next`, only the fields that were asked
for come, the filter by name takes parts, and each call is taken off a budget.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/, "Template management".
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from local.sandbox.template_review import Changing

type Json = dict[str, Any]

CALLS_AN_HOUR = 200
_DEFAULT_LIMIT = 25
_DEFAULT_FIELDS = "name,parameter_format,components,language,status,category,id"
_MINUTES = 12


@dataclass(frozen=True)
class TemplateAnswer:
    """An HTTP answer; `lost`: the connection closes instead."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    lost: bool = False


class TemplateList(Changing):
    """The templates of a WhatsApp business account."""

    def __init__(self, entries: Sequence[Json] = (), budget: int = CALLS_AN_HOUR, most: int | None = None) -> None:
        super().__init__()
        self.entries = list(entries)
        self.budget = budget
        self.calls = 0
        """Of this hour."""
        self._most = most
        """So many entries are too much data for an answer."""
        self.next_answers: list[TemplateAnswer | None] = []
        """Given in place of the next ones; None is the list's own."""

    @property
    def ids(self) -> set[str]:
        return {entry["id"] for entry in self.entries if "id" in entry}

    def page(self, query: Mapping[str, str], url: str) -> TemplateAnswer:
        instead = self._begin()
        if instead is not None:
            return instead
        limit = int(query.get("limit", _DEFAULT_LIMIT))
        found = [entry for entry in self.entries if query.get("name", "") in entry.get("name", "")]
        try:
            begin = _place(query["after"]) + 1 if "after" in query else 0
        except ValueError:
            return self._answer(400, error(100, "Invalid parameter"))
        shown = found[begin : begin + limit]
        if self._most is not None and len(shown) > self._most:
            return self._answer(500, error(1, "Please reduce the amount of data you're asking for, then retry"))
        paging: Json = {"cursors": {"before": _cursor(begin), "after": _cursor(begin + len(shown) - 1)}}
        if begin + len(shown) < len(found):
            # With the token, as Meta has it.
            query = {**query, "after": paging["cursors"]["after"], "access_token": "private"}
            paging["next"] = f"{url}?{urlencode(query)}"
        data = [_shown(entry, query) for entry in shown]
        return self._answer(200, {"data": data} | ({"paging": paging} if shown else {}))

    def one(self, template_id: str, query: Mapping[str, str]) -> TemplateAnswer:
        instead = self._begin()
        if instead is not None:
            return instead
        found = [entry for entry in self.entries if entry.get("id") == template_id]
        if not found:
            return self._answer(400, error(100, "Unsupported get request", error_subcode=33))
        return self._answer(200, _shown(found[0], query))

    def _begin(self) -> TemplateAnswer | None:
        self.calls += 1
        self._settle()
        instead = self.next_answers.pop(0) if self.next_answers else None
        if instead is None and self.calls > self.budget:
            return self._answer(400, error(80008, "There have been too many calls to this WhatsApp Business account"))
        return instead

    def _answer(self, status: int, body: Json) -> TemplateAnswer:
        use = {"type": "whatsapp_business_management", "call_count": 100 * self.calls // self.budget}
        over = _MINUTES if self.calls >= self.budget else 0
        told = {"1": [use | {"total_cputime": 1, "total_time": 1, "estimated_time_to_regain_access": over}]}
        return TemplateAnswer(status, json.dumps(body).encode(), {"x-business-use-case-usage": json.dumps(told)})


def error(code: int, message: str, **more: Any) -> Json:
    return {
        "error": {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code, "fbtrace_id": "A", **more}
    }


PAGE_UNDER_502 = TemplateAnswer(502, b"<html><body>Bad Gateway</body></html>", content_type="text/html")


def _shown(entry: Json, query: Mapping[str, str]) -> Json:
    """The id comes always; what it does not have, never."""
    fields = {*query.get("fields", _DEFAULT_FIELDS).split(","), "id"}
    return {name: value for name, value in entry.items() if name in fields}


def _cursor(place: int) -> str:
    return urlsafe_b64encode(f"c{place}".encode()).decode()


def _place(cursor: str) -> int:
    """Raises `ValueError`."""
    text = urlsafe_b64decode(cursor + "==").decode()
    if not text.startswith("c"):
        raise ValueError
    return int(text[1:])
