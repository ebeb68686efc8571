"""send: compares a message with what is known of its template.

Refused is only on what is at most five minutes old: else the message goes on, and `dispatch` asks the BSP before it
refuses (`template_questions`). What CleverTap sends because somebody saves a template is judged whatever the age: the
BSP is asked for its name, and has half a second.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.messages import TemplateMessage
from whatsapp_bridge.flows.known_templates import Compared, KnownTemplates
from whatsapp_bridge.providers import registry
from whatsapp_bridge.runtime.observability import count, log_failure, logger

if TYPE_CHECKING:
    from whatsapp_bridge.net.http import HttpClient
    from whatsapp_bridge.store.templates import Known

# A request may last half a second, and is not started unless it fits: so there is a little more.
ANSWER_SECONDS = 0.55


class Comparing:
    """`http` makes a client with the patience of somebody who waits for an answer, when it is first needed. `now` gives
    seconds since 1970."""

    def __init__(self, known: KnownTemplates, http: "Callable[[], HttpClient]", now: Callable[[], float]) -> None:
        self._known, self._http, self._now = known, http, now

    def prepare(self) -> None:
        """Make now what the first message needs."""
        from whatsapp_bridge.providers.common import template_judging  # noqa: F401

        self._known.prepare()
        self._http()

    def compared(self, account: Account, message: TemplateMessage) -> Compared:
        """The message as its template needs it. Raises `Refused`."""
        known = self._known.named(account.template_scope, message.template.name)
        return Compared(message) if known is None else self._judged(account, message, known)

    def validated(self, account: Account, message: TemplateMessage) -> Compared:
        """The same for a message with which CleverTap checks a template that somebody saves."""
        known = self._asked(account, message.template.name)
        known = known or self._known.named(account.template_scope, message.template.name)
        if known is None:
            return Compared(message)
        return self._judged(account, message, known, whatever_age=True)

    def _judged(
        self, account: Account, message: TemplateMessage, known: "Known", *, whatever_age: bool = False
    ) -> Compared:
        # Imported here: without a registry, no message needs it.
        from whatsapp_bridge.providers.common.template_judging import judge, rules_of

        found = judge(message, known.templates, known.listed_at, self._now(), rules_of(account, message))
        if found.refused is not None and (whatever_age or not found.is_stale):
            count("TemplateRefusals")
            raise found.refused
        if found.has_another_text:
            count("TemplateTextsDiffer")
        return Compared.judged(message, found)

    def _asked(self, account: Account, name: str) -> "Known | None":
        """What the BSP says of a name now, with what is known of it; None if it does not answer in time."""
        from whatsapp_bridge.providers.contract.templates import NotListed
        from whatsapp_bridge.store.templates import Known
        from whatsapp_bridge.templates.news import merged

        http = self._http()
        # This may import the BSP's code, which must not take the BSP's time.
        templates = registry.templates_of(account, http, self._now)
        if templates is None:
            return None
        http.end_in(ANSWER_SECONDS)
        try:
            answer = templates.find(name)
        except Exception as error:  # noqa: BLE001 - what is known decides
            log_failure("template not asked for", error, account=account.name)
            return None
        if isinstance(answer, NotListed):
            logger.info("template not asked for", extra={"account": account.name, "reason": answer.reason})
            return None
        known = self._known.named(account.template_scope, name) or Known([], 0)
        by_key = {template.key: template for template in known.templates}
        for news in answer:
            template = merged(by_key.get((news.name, news.language)), news).template
            if template is not None:
                by_key[template.key] = template
        # The answer is a list of all that have this name.
        return Known(list(by_key.values()), int(self._now()))
