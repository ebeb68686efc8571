"""Puts news of templates in the registry, and asks the BSP where the news does not say all.

A second that has two answers is decided by asking in a later one: the request leaves when the second is over.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from whatsapp_bridge.providers.contract.templates import NotListed
from whatsapp_bridge.runtime.observability import logger
from whatsapp_bridge.store.templates import Registry, Result

if TYPE_CHECKING:
    from whatsapp_bridge.providers.contract.templates import Templates
    from whatsapp_bridge.templates.news import News


class Learnt(NamedTuple):
    """What became of the news and of what the BSP was asked for. `not_asked`: some have to be asked for again, because
    the BSP did not answer."""

    results: Sequence[Result]
    not_asked: NotListed | None = None


class _Question(NamedTuple):
    """By its id, else by its name, and not before the second `after` is over."""

    id: str | None
    name: str
    after: int


class TemplateLearning:
    """`pause` waits for so many seconds."""

    def __init__(self, registry: Registry, now: Callable[[], float], pause: Callable[[float], None]) -> None:
        self._registry, self._now, self._pause = registry, now, pause

    def learn(self, templates: "Templates", news: Sequence["News"]) -> Learnt:
        """Safe to repeat: what is known already changes nothing."""
        return self.asked(templates, self._registry.take(templates.scope, news))

    def asked(self, templates: "Templates", results: Sequence[Result]) -> Learnt:
        """The same for news that is in the registry."""
        questions = {question[:2]: question for question in map(_question, results) if question is not None}
        answers: list[News] = []
        not_asked = None
        for question in questions.values():
            self._wait_for_the_end_of(question.after)
            answer = _ask(templates, question)
            if not isinstance(answer, NotListed):
                answers += answer
            elif answer.why != "missing":
                not_asked = answer
                told = {"scope": templates.scope, "template": question.name, "reason": answer.reason}
                logger.warning("template not fetched", extra=told)
        return Learnt([*results, *self._registry.take(templates.scope, answers)], not_asked)

    def _wait_for_the_end_of(self, second: int) -> None:
        left = second + 1 - self._now()
        # A clock that is further ahead than that is no reason to wait.
        if 0 < left <= 2:
            self._pause(left)


def _question(result: Result) -> _Question | None:
    """None if the news was enough, or names nothing to ask for."""
    news, known = result.news, result.merged.template
    template_id = news.id or (known.id if known is not None else None)
    if not result.merged.fetch or (template_id is None and not news.name):
        return None
    return _Question(template_id, news.name, news.at)


def _ask(templates: "Templates", question: _Question) -> "Sequence[News] | NotListed":
    if question.id is None:
        return templates.find(question.name)
    answer = templates.fetch(question.id)
    return answer if isinstance(answer, NotListed) else [answer]
