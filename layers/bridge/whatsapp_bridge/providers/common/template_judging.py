"""What to do with a message by what is known of its template.

Nothing is refused on old knowledge: a pause ends by itself, an edit changes the numbers, and an event may get lost.
What was learnt from a file says what the template looks like, and never whether it can be sent.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.messages import TemplateMessage
from whatsapp_bridge.providers.capabilities import Refused
from whatsapp_bridge.providers.common.template_check import check, check_status, check_texts
from whatsapp_bridge.providers.common.template_fitting import fitted, named
from whatsapp_bridge.templates.lookup import find
from whatsapp_bridge.templates.template import FILE, FRESH_SECONDS, Template

_FIELD: Final = "template.namespace"


class Rules(NamedTuple):
    """How an account wants its messages judged."""

    refuse_unknown: bool = False
    """Whether a template is refused that a complete listing does not have."""
    by_text: bool = False
    """Whether the BSP is given the rendered text, which must then be the approved one."""


_PLAIN: Final = Rules()


def rules_of(account: Account, message: TemplateMessage) -> Rules:
    return Rules(account.options.unknown_templates == "refuse", account.provider.sends_text_of(message.template.name))


class Judgement(NamedTuple):
    """`template` is the one that the message means, None if it is not known. `is_stale`: what it is refused for was
    learnt too long ago, and the BSP has to be asked first. `has_another_text`: which this BSP does not mind."""

    template: Template | None
    refused: Refused | None = None
    is_stale: bool = False
    has_another_text: bool = False


def judge(
    message: TemplateMessage, known: Sequence[Template], listed_at: int, now: float, rules: Rules = _PLAIN
) -> Judgement:
    """`known` are the templates of its name, `listed_at` the time of the last complete listing, 0 if there was none."""
    found = find(known, message.template.name, message.template.language)
    template = found.template
    if template is None:
        is_refused = rules.refuse_unknown and listed_at > 0
        refused = Refused(_FIELD, found.reason) if is_refused else None
        return Judgement(None, refused, is_refused and _is_stale(listed_at, now))
    status, content = template.learnt_of("status"), template.learnt_of("content")
    if status.source != FILE and (refused := _refused(lambda: check_status(template))):
        return Judgement(template, refused, _is_stale(status.at, now))
    other_text = _refused(lambda: check_texts(message, template))
    refused = _refused(lambda: check(message, template)) or (other_text if rules.by_text else None)
    is_stale = refused is not None and content.source != FILE and _is_stale(content.at, now)
    return Judgement(template, refused, is_stale, other_text is not None and not rules.by_text)


def adapted(message: TemplateMessage, found: Judgement) -> TemplateMessage:
    """The message as its template needs it. What is refused, and is sent all the same, gets what fits: the BSP's name
    and language at least."""
    template = found.template
    if template is None:
        return message
    does_not_fit = found.refused is not None and _refused(lambda: check(message, template))
    return named(message, template) if does_not_fit else fitted(message, template)


def _is_stale(learnt_at: int, now: float) -> bool:
    return now - learnt_at > FRESH_SECONDS


def _refused(check: Callable[[], None]) -> Refused | None:
    try:
        check()
    except Refused as refused:
        return refused
    return None
