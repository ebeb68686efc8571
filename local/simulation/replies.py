"""What people wrote, held against what CleverTap was told: each once, in a person's order, whole."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from local.simulation.contents import PICTURE, link_of
from local.simulation.facts import Told, Violation, number_of_text, token
from local.simulation.internet import Posted
from local.simulation.plan import Event


def words_of(event: Event) -> str:
    """What a person writes: a text, a caption, or the text on a button."""
    return f"answer {token(event.number)}"


class Replies:
    """`answers`: the msgId of the message that a person's message answers; `may_lack`: whether the bridge may not have
    known it at that time, by the BSP's id. `opened`: what a link to a file opens; `may_lack_file`: whether a file may
    be reported as text."""

    def __init__(
        self,
        told: Sequence[Told],
        posted: Iterable[Posted],
        answers: Mapping[int, str | None],
        may_lack: Callable[[Event, Told], bool],
        opened: Callable[[str], bytes | None],
        may_lack_file: Callable[[Event, Told], bool],
    ) -> None:
        self._opened, self._may_lack_file = opened, may_lack_file
        self._told, self._answers, self._may_lack = told, answers, may_lack
        self._posted = sorted((each for each in posted if each.kind == "reply"), key=lambda each: each.begun)
        self._numbers = [number_of_text(json.dumps(each.content)) for each in told]
        self._first_at: dict[int, float] = {}
        for number, each in zip(self._numbers, told, strict=True):
            self._first_at.setdefault(number, each.at)

    def violations(self) -> Iterator[Violation]:
        yield from self._each()
        yield from self._lost()
        yield from self._order()

    def _each(self) -> Iterator[Violation]:
        events = {posted.about.number: posted.about for posted in self._posted}
        before: dict[int, Told] = {}
        for number, told in zip(self._numbers, self._told, strict=True):
            event = events.get(number)
            if event is None or told.content["from"] != event.to or f"/{event.account}/" not in told.exchange.path:
                yield Violation("false", f"reply {number} was reported of somebody else, or to another account")
                continue
            if number in before and not before[number].excused:
                yield Violation("doubled", f"reply {number} was reported twice")
            before[number] = told
            yield from self._content(event, told)

    def _content(self, event: Event, told: Told) -> Iterator[Violation]:
        expected, context = self._answers.get(event.number), told.content.get("context", {}).get("id")
        if context != expected and not (context is None and self._may_lack(event, told)):
            yield Violation("false", f"reply {event.number} answers {expected}, and was reported to answer {context}")
        texts = list(_texts(told.content))
        words = words_of(event)
        # A file that could not be fetched: its caption stands behind the text in its place.
        behind = event.kind == "person sends a file"
        if not any(text == words or (behind and text.endswith(f"] {words}")) for text in texts):
            yield Violation("false", f"reply {event.number} was reported without its text")
        if behind and not self._has_file(event, told):
            yield Violation("lost", f"reply {event.number} was reported without its file")

    def _has_file(self, event: Event, told: Told) -> bool:
        link = link_of(told.content)
        return self._may_lack_file(event, told) if link is None else self._opened(link) == PICTURE

    def _lost(self) -> Iterator[Violation]:
        for posted in self._posted:
            if posted.acknowledged is None:
                yield Violation("lost", f"the callback with reply {posted.about.number} was never acknowledged")
            elif posted.about.number not in self._first_at:
                yield Violation("lost", f"reply {posted.about.number} was never reported")

    def _order(self) -> Iterator[Violation]:
        last: dict[tuple[str, str], tuple[int, float, float]] = {}
        for posted in self._posted:
            event: Event = posted.about
            if posted.acknowledged is None or event.number not in self._first_at:
                continue
            key, at = (event.account, event.to), self._first_at[event.number]
            if key in last and last[key][1] < posted.begun and at < last[key][2]:
                yield Violation("false", f"reply {event.number} was reported before reply {last[key][0]}")
            last[key] = (event.number, posted.acknowledged, at)


def _texts(content: Any) -> Iterator[str]:
    """All texts in a callback's body."""
    if isinstance(content, str):
        yield content
    for part in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        yield from _texts(part)
