"""`bridge templates ...` that change something at the BSP."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from ops.command import Yes
from ops.output import Exit, Failed, Screen
from ops.templates import making
from ops.templates.commands import show as show_findings
from ops.templates.commands import sources_of, templates
from ops.templates.form import wire
from ops.templates.lint import Linted, lint
from ops.templates.online import (
    LONGEST_REVIEW,
    Language,
    Name,
    Opened,
    Timeout,
    Wait,
    as_told,
    exit_of,
    on_account,
    reviewed,
    show,
)
from ops.templates.registry import Books
from whatsapp_bridge.providers.contract.template_admin import Done, NotDone
from whatsapp_bridge.templates.statuses import APPROVED, DELETED
from whatsapp_bridge.templates.template import Template

File = Annotated[Path, typer.Argument(metavar="FILE", help="YAML or JSON with one template.")]


def checked(screen: Screen, file: Path) -> Linted:
    """The file's one template, if lint does not refuse it. Raises `Failed`."""
    done = lint(sources_of([file]))
    if len(done) != 1:
        raise Failed(Exit.USAGE, f"{file}: has {len(done)} templates; make them one by one")
    (linted,) = done
    if linted.refused or linted.draft is None:
        show_findings(screen, done)
        raise typer.Exit(Exit.NO)
    for finding in linted.findings:
        screen.aside(f"{file}:{finding.line}: warning: {finding.where} {finding.reason}", "yellow")
    return linted


@templates.command()
@on_account
def create(
    screen: Screen,
    opened: Opened,
    file: File,
    wait: Wait = False,
    timeout: Timeout = LONGEST_REVIEW,
) -> None:
    """Make a template at the BSP, for WhatsApp to review. It is checked by `lint` first."""
    linted = checked(screen, file)
    assert linted.draft is not None  # noqa: S101 - `checked` ends the command without one
    own = opened()
    draft = wire(linted.draft)
    created = making.create(own, draft, making.files_of(linted.source, draft))
    made = created.made
    template = making.remember(own, draft, made)
    if made.name != draft["name"]:
        screen.aside(f"the BSP calls it {made.name}: the bridge sends that name", "yellow")
    if created.taken_over:
        screen.aside("the BSP's answer was lost; the template is there", "yellow")
    costs_more = made.category != linted.draft.category
    if costs_more:
        told = f"WhatsApp takes it as {made.category}, not {linted.draft.category}: its messages cost accordingly"
        screen.aside(told, "yellow")
    found = [template]
    if wait:
        found = reviewed(screen, own, template.name, template.language, timeout)
    screen.result(as_told(found[0]) | {"category_changed": costs_more, "bsp_name": made.name})
    show(screen, found)
    if wait:
        raise typer.Exit(exit_of(found))


_EDITABLE = (APPROVED, "REJECTED", "PAUSED")


@templates.command()
@on_account
def edit(
    screen: Screen,
    opened: Opened,
    file: File,
    yes: Yes = False,
) -> None:
    """Replace all components of a template by those of a file, for WhatsApp to review.

    An approved one can be edited once in 24 hours and ten times in 30 days, without its category; a rejected or paused
    one freely.
    """
    linted = checked(screen, file)
    assert linted.draft is not None  # noqa: S101 - `checked` ends the command without one
    own = opened()
    admin = making.able(own, "edit")
    draft = wire(linted.draft)
    own.asked(draft["name"])
    (template,) = own.named(draft["name"], draft["language"])
    _may_be_edited(template, draft["category"])
    if template.status == APPROVED:
        screen.confirm(f"{template.title} is approved and goes back to review. Go on?", yes=yes)
    changes = {name: value for name, value in draft.items() if name not in ("name", "language", "category")}
    if draft["category"] != template.category:
        changes["category"] = draft["category"]
    making.done(admin.edit(template, changes, making.files_of(linted.source, draft)))
    found = [each for each in own.asked(template.name) if each.language == template.language]
    screen.result(as_told(found[0]))
    show(screen, found)


def _may_be_edited(template: Template, category: str) -> None:
    """Raises `Failed`."""
    if template.status not in _EDITABLE:
        raise Failed(Exit.NO, f"{template.title} is {template.status}; only {', '.join(_EDITABLE)} can be edited")
    if template.status == APPROVED and category != template.category:
        raise Failed(Exit.NO, f"{template.title} is approved as {template.category}: its category cannot change")


@templates.command()
@on_account
def delete(
    screen: Screen,
    opened: Opened,
    name: Name,
    language: Language = None,
    all_languages: Annotated[bool, typer.Option("--all-languages", help="All that have this name.")] = False,
    yes: Yes = False,
) -> None:
    """Delete a template at the BSP. The name of an approved one is blocked for 30 days."""
    if (language is None) is not all_languages:
        raise Failed(Exit.USAGE, "say which: --language CODE or --all-languages")
    own = opened()
    admin = making.able(own, "delete")
    found = [each for each in own.named(name, language) if each.status != DELETED]
    if not found:
        raise Failed(Exit.NOT_FOUND, f"{name} is deleted already")
    titles = ", ".join(template.title for template in found)
    question = f"Delete {titles}? Their campaigns stop, and an approved name is blocked for 30 days."
    screen.confirm(question, yes=yes)
    if language is not None and found[0].id is None:
        raise Failed(Exit.NOT_FOUND, f"the id of {found[0].title} is not known: `sync` first")
    making.done(admin.delete(found[0].bsp_name or name, None if language is None else found[0].id))
    for template in found:
        making.forget(own, template)
    screen.result({"deleted": [template.title for template in found]})
    screen.line(f"deleted: {titles}; an approved name is blocked for 30 days")


type _Change = Callable[[Sequence[Template]], Done | NotDone]


def _change(screen: Screen, own: Books, found: Sequence[Template], change: _Change) -> None:
    """One change of several templates, and what they are then. Raises `Failed`."""
    if any(template.id is None for template in found):
        raise Failed(Exit.NOT_FOUND, f"the id of {found[0].name} is not known: `sync` first")
    outcome = making.done(change(found))
    names = {template.key for template in found}
    after = [each for each in own.asked(found[0].name) if each.key in names]
    failed = [template.title for template in found if template.id in outcome.failed]
    screen.result({"templates": [as_told(each) for each in after], "failed": failed})
    show(screen, after)
    if failed:
        raise Failed(Exit.BSP, f"not done for {', '.join(failed)}")


@templates.command()
@on_account
def unpause(
    screen: Screen,
    opened: Opened,
    name: Name,
    language: Language = None,
) -> None:
    """End the pause of a template that was paused by pacing, which does not end by itself."""
    own = opened()
    admin = making.able(own, "unpause")
    own.asked(name)
    paused = [template for template in own.named(name, language) if template.status == "PAUSED"]
    if not paused:
        raise Failed(Exit.NO, f"{name} is not paused")

    def each(found: Sequence[Template]) -> Done | NotDone:
        for template in found:
            making.done(admin.unpause(template.id))
        return Done()

    _change(screen, own, paused, each)


@templates.command()
@on_account
def archive(
    screen: Screen,
    opened: Opened,
    name: Name,
    language: Language = None,
    yes: Yes = False,
) -> None:
    """Take a template out of use. WhatsApp deletes it after 28 days."""
    own = opened()
    admin = making.able(own, "archive")
    found = own.named(name, language)
    titles = ", ".join(template.title for template in found)
    screen.confirm(f"Archive {titles}? WhatsApp deletes what is archived after 28 days.", yes=yes)
    _change(screen, own, found, lambda each: admin.archive([template.id for template in each]))


@templates.command()
@on_account
def unarchive(
    screen: Screen,
    opened: Opened,
    name: Name,
    language: Language = None,
) -> None:
    """Take a template out of the archive."""
    own = opened()
    admin = making.able(own, "archive")
    found = own.named(name, language)
    _change(screen, own, found, lambda each: admin.unarchive([template.id for template in each]))
