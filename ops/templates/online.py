"""`bridge templates ...` on a stack: the registry, and what the BSP says."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer

from ops.command import AccountName, Yes, sharing
from ops.output import AsJson, Exit, Failed, Screen, day, number
from ops.target import Local, Profile, Region, Stack, chosen, working
from ops.templates.commands import Files, sources_of, templates
from ops.templates.registry import Books, differences, news_of
from whatsapp_bridge.clevertap.template_import import LeftOut, listing, lost
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.templates import statuses
from whatsapp_bridge.templates.template import ASPECTS, FILE, Template

Name = Annotated[str, typer.Argument(metavar="NAME", help="The template's name.")]
Language = Annotated[str | None, typer.Option("--language", help="One of its languages.")]
Wait = Annotated[bool, typer.Option("--wait", help="Until WhatsApp has reviewed it.")]
Timeout = Annotated[int, typer.Option("--timeout", help="Seconds to wait at most.", min=1)]
LONGEST_REVIEW: Final = 86_400

type Opened = Callable[[], Books]
"""Gives the account's templates. Raises `Failed`."""


def books(account: str, stack: str | None, local: bool, profile: str | None, region: str | None) -> Books:
    """Raises `Failed`."""
    target = chosen(stack, local, profile, region)
    return Books(target, target.account(account), HttpClient())


@contextmanager
def _command(
    account: AccountName,
    stack: Stack = None,
    local: Local = False,
    profile: Profile = None,
    region: Region = None,
    as_json: AsJson = False,
) -> Iterator[tuple[Screen, Opened]]:
    with working(as_json) as screen:
        yield screen, lambda: books(account, stack, local, profile, region)


on_account = sharing(_command)
"""A command on one account: `work` gets a `Screen` (`screen`) and an `Opened` (`opened`)."""


# --- showing ---------------------------------------------------------------------------------------------------------


def as_told(template: Template, *, whole: bool = False) -> dict[str, Any]:
    """A template for `--json`."""
    told: dict[str, Any] = {
        "name": template.name,
        "language": template.language,
        "id": template.id,
        "status": template.status,
        "reason": template.reason,
        "quality": template.quality,
        "category": template.category,
        "learnt": {aspect: template.learnt_of(aspect)._asdict() for aspect in ASPECTS if aspect in template.learnt},
    }
    if whole:
        told["changes"] = [change._asdict() for change in template.changes]
        told["components"] = template.content.components if template.content else None
    return told


def show(screen: Screen, found: Sequence[Template]) -> None:
    heads = ["name", "language", "status", "category", "quality", "known since", "reason"]
    rows = [
        [
            template.name,
            template.language,
            template.status or "unknown",
            template.category,
            template.quality,
            day(template.learnt_of("status").at),
            template.reason,
        ]
        for template in found
    ]
    screen.table(heads, rows)


@templates.command("list")
@on_account
def list_templates(
    screen: Screen,
    opened: Opened,
    status: Annotated[str | None, typer.Option("--status", help="Only those with this status.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Deleted ones too.")] = False,
) -> None:
    """List an account's templates, as the bridge knows them."""
    known = opened().known()
    found = [
        template
        for template in sorted(known.templates, key=lambda each: each.key)
        if (every or template.status != statuses.DELETED) and (status is None or template.status == status.upper())
    ]
    screen.result({"listed_at": known.listed_at or None, "templates": [as_told(each) for each in found]})
    show(screen, found)
    listed = f"complete list of {day(known.listed_at)}" if known.listed_at else "no complete list yet: `sync` it"
    screen.line(f"{number(len(found), 'template')}; {listed}")


# --- status ----------------------------------------------------------------------------------------------------------

_IN_REVIEW: Final = frozenset({"PENDING", "IN_APPEAL"})
_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 60.0


@templates.command()
@on_account
def status(
    screen: Screen,
    opened: Opened,
    name: Name,
    language: Language = None,
    wait: Wait = False,
    timeout: Timeout = LONGEST_REVIEW,
) -> None:
    """Ask the BSP for a template, and show what is known of it.

    Exit code 0 if it can be sent in each language, 1 if not, 5 if it is still in review.
    """
    own = opened()
    found = reviewed(screen, own, name, language, timeout) if wait else asked(own, name, language)
    screen.result([as_told(each, whole=True) for each in found])
    show(screen, found)
    for template in found:
        _show_history(screen, template)
    raise typer.Exit(exit_of(found))


def asked(own: Books, name: str, language: str | None) -> list[Template]:
    """From the BSP if it tells, else what is known."""
    own.asked(name)
    return own.named(name, language)


def reviewed(screen: Screen, own: Books, name: str, language: str | None, timeout: float) -> list[Template]:
    """The templates of a name once they are reviewed, or after `timeout` seconds."""
    began, pause = own.now(), _FIRST_PAUSE
    with screen.waiting(f"{name}: asking") as waiting:
        while True:
            left = timeout - (own.now() - began)
            try:
                found = asked(own, name, language)
                if not any(template.status in _IN_REVIEW for template in found) or left <= 0:
                    return found
                said = ", ".join(f"{template.title} {template.status}" for template in found)
            except Failed as failed:
                # A day is long: the BSP may be away for some of it.
                if failed.code is not Exit.LATER or left <= 0:
                    raise
                said = failed.reason
            waiting.now(f"{said}; {own.now() - began:.0f} s of at most a day. Ctrl-C ends the waiting alone.")
            own.pause(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)


def exit_of(every: Sequence[Template]) -> Exit:
    """Of those that are there; of a name that is deleted in all languages, no."""
    found = [template for template in every if not statuses.status(template.status).gone] or every
    if any(template.status in _IN_REVIEW for template in found):
        return Exit.LATER
    return Exit.DONE if all(statuses.status(template.status).sendable for template in found) else Exit.NO


def _show_history(screen: Screen, template: Template) -> None:
    for change in template.changes:
        reason = f": {change.reason}" if change.reason else ""
        steps = " -> ".join(filter(None, (change.before, change.after)))
        screen.line(f"  {day(change.at)} {template.language} {change.what} {steps}{reason} ({change.source})")


# --- bringing the registry up to date --------------------------------------------------------------------------------


@templates.command()
@on_account
def sync(
    screen: Screen,
    opened: Opened,
) -> None:
    """Bring the registry up to date with the BSP's list, to its end.

    A BSP that has no list, and tells of each template, is asked for those that are known.
    """
    own = opened()
    if own.tells_of_each:
        with screen.waiting(f"{own.account.name}: asking for each template that is known"):
            found = own.ask_all()
        screen.result({"asked": [as_told(each) for each in found]})
        show(screen, found)
        return
    with screen.waiting(f"{own.account.name}: walking through the BSP's list"):
        report = own.sync()
    changed = [result for result in report.results if result.before != result.merged.template]
    screen.result(
        {
            "listed": len(report.results),
            "changed": [f"{result.news.name} ({result.news.language})" for result in changed],
            "gone": [template.title for template in report.gone],
            "reason": report.reason,
        }
    )
    told = f"{number(len(report.results), 'template')} listed, {len(changed)} changed, {len(report.gone)} gone"
    screen.line(f"{told}; {report.reason}" if report.reason else told)


@templates.command("import")
@on_account
def import_files(
    screen: Screen,
    opened: Opened,
    files: Files,
    replace: Annotated[bool, typer.Option("--replace", help="What the files lack is deleted at the BSP.")] = False,
    yes: Yes = False,
) -> None:
    """Give the bridge a complete list of templates in files, for a BSP that has no list.

    An entry is one of Meta's listing, or a file of `create`. Without a status it counts as approved.
    """
    own = opened()
    if own.bsp is not None:
        raise Failed(Exit.USAGE, f"{own.account.provider_type} lists its templates itself: `sync` takes them")
    known = own.known().templates
    now = own.after(known)
    news = news_of(sources_of(files), now)
    keys = {(each.name, each.language) for each in news}
    gone = [each for each in known if each.key not in keys and each.status != statuses.DELETED]
    if replace and gone:
        names = ", ".join(template.title for template in gone)
        screen.confirm(f"These will count as deleted, and their campaigns stop: {names}. Go on?", yes=yes)
    own.registry.take(own.scope, news)
    deleted = own.registry.complete(own.scope, now, FILE, gone if replace else ())
    screen.result({"imported": len(news), "gone": [template.title for template in deleted]})
    screen.line(f"{number(len(news), 'template')} imported, {len(deleted)} gone")


@templates.command()
@on_account
def diff(
    screen: Screen,
    opened: Opened,
) -> None:
    """Compare the registry with the BSP's list, and change nothing. Exit code 1 if they differ."""
    own = opened()
    with screen.waiting(f"{own.account.name}: walking through the BSP's list") as waiting:
        listed = own.listed(lambda count: waiting.now(f"{number(count, 'template')} listed"))
    found = differences(own.known().templates, listed)
    screen.result([each._asdict() for each in found])
    screen.table(["name", "language", "what", "registry", "BSP"], [list(each) for each in found])
    screen.line(number(len(found), "difference"))
    if found:
        raise typer.Exit(Exit.NO)


@templates.command()
@on_account
def import_preview(
    screen: Screen,
    opened: Opened,
) -> None:
    """Show what CleverTap's Import would get now, and what not.

    For its own BSP, Import deletes all templates of the dashboard and puts the list in their place. Exit code 1 if a
    template that exists would be missing.
    """
    own = opened()
    known = own.known()
    if not known.listed_at:
        raise Failed(Exit.NO, "there was no complete list yet, so Import gets HTTP 503: `sync` or `import` first")
    samples = {kind.upper(): address for kind, address in own.account.options.media_samples.items()}
    entries = list(listing(known.templates, samples))
    imported = [template.title for template, made in entries if not isinstance(made, LeftOut)]
    reasons = dict.fromkeys(lost(own.last_import(), imported), "is deleted, and the last import had it")
    reasons |= {template.title: statuses.status(template.status).words for template in _not_sent(known.templates)}
    reasons |= {made.title: made.reason for _, made in entries if isinstance(made, LeftOut)}
    missing = [[title, reason] for title, reason in sorted(reasons.items())]
    screen.result({"imported": imported, "missing": [dict(zip(("title", "reason"), m, strict=True)) for m in missing]})
    screen.table(["template", "Import"], [*([title, "gets it"] for title in imported), *missing])
    screen.line(f"{number(len(imported), 'template')} imported, {len(missing)} missing")
    if missing:
        raise typer.Exit(Exit.NO)


def _not_sent(known: Sequence[Template]) -> list[Template]:
    """Those that are there and not approved: their campaigns would lose them for good."""
    return [each for each in known if each.status != statuses.APPROVED and not statuses.status(each.status).gone]
