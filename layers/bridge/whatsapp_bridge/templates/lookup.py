"""Which of the known templates a message means."""

from collections.abc import Sequence
from typing import NamedTuple

from whatsapp_bridge.templates.languages import chosen
from whatsapp_bridge.templates.statuses import APPROVED, status
from whatsapp_bridge.templates.template import Template


class Found(NamedTuple):
    """`template` is None if there is none; then `reason` says what is missing, in words for a marketer."""

    template: Template | None
    reason: str = ""


def find(known: Sequence[Template], name: str, language: str) -> Found:
    """The template of this name in this language (`languages.normalised`). A name is looked up as it is, then without
    regard to case if only one is spelled so. Deleted templates count where there is no other."""
    existing = [template for template in known if not status(template.status).gone]
    for among in (existing, known):
        named = _named(among, name)
        variants = {template.language: template for template in named}
        approved = [template.language for template in named if template.status == APPROVED]
        language_found = chosen(language, variants, approved)
        if language_found is not None:
            return Found(variants[language_found])
    others = sorted(template.language for template in _named(existing, name))
    if others:
        return Found(None, f"template {name} does not exist in {language}, but in {', '.join(others)}")
    return Found(None, f"template {name} does not exist")


def _named(among: Sequence[Template], name: str) -> Sequence[Template]:
    exact = [template for template in among if name in (template.name, template.bsp_name)]
    if exact:
        return exact
    alike = [template for template in among if template.name.casefold() == name.casefold()]
    return alike if len({template.name for template in alike}) == 1 else []
