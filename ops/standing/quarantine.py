"""`bridge quarantine ...`: what came from a BSP and could not be used."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final, NamedTuple

import typer

from ops.command import OpenTarget, ShowPrivate, Yes, on_stack, sharing
from ops.output import Exit, Failed, Screen, day, number
from ops.queues import HELD_SECONDS, QUARANTINES, WORKED_ON_SECONDS, Message, StackQueue, short
from ops.standing.content import Contents
from ops.standing.dead_letters import Limit
from ops.target import Target
from whatsapp_bridge.flows.quarantine import LOGGED_KIND

quarantine = typer.Typer(help="What came from a BSP and could not be used.", no_args_is_help=True)

People = Annotated[bool, typer.Option("--people", help="Of people whose number nobody knows, who have their own.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID...]", help="As `show` tells them, or their beginning.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Those with this reason.")]
OfAccount = Annotated[str | None, typer.Option("--account", help="Those of this account.")]
Every = Annotated[bool, typer.Option("--all", help="All that there are.")]

MOST_READ: Final = 1_000


class Element(NamedTuple):
    """`entry` is a quarantine's, {} if it is gone; of it `element` is private."""

    message: Message
    entry: dict[str, Any]

    @property
    def account(self) -> str:
        return str(self.entry.get("account", "unknown"))

    @property
    def kind(self) -> str:
        kind = str(self.entry.get("kind", ""))
        # It may come from the callback, where it can be any text.
        return kind if LOGGED_KIND.fullmatch(kind) else "unknown"

    @property
    def reason(self) -> str:
        return str(self.entry.get("reason", "its payload is gone"))

    @property
    def received(self) -> int:
        return int(self.entry.get("received", self.message.sent_at))


@contextmanager
def held_elements(
    target: Target,
    people: bool,
    limit: int,
    tell: Callable[[int], None] = lambda count: None,
    seconds: int = HELD_SECONDS,
) -> Iterator[tuple[StackQueue, list[Element]]]:
    queue = StackQueue(target, QUARANTINES["people" if people else "all"])
    contents = Contents(target)
    with queue.held(limit, tell, seconds) as held:
        payloads = [(message, contents.payload(message)) for message in held]
        yield queue, [Element(message, entry if isinstance(entry, dict) else {}) for message, entry in payloads]


def as_told(element: Element) -> dict[str, Any]:
    return {
        "id": element.message.id,
        "received": day(element.received),
        "account": element.account,
        "kind": element.kind,
        "reason": element.reason,
    }


HEADS: Final = ["id", "received", "account", "kind", "reason"]


def cells(element: Element) -> list[str]:
    """For people: of an id what they have to type."""
    told = as_told(element)
    return [short(told["id"]), *(str(told[head]) for head in HEADS[1:])]


@quarantine.command("list")
@on_stack
def list_reasons(screen: Screen, open_target: OpenTarget, people: People = False, limit: Limit = MOST_READ) -> None:
    """Count what is in quarantine by reason, kind and account. Nothing is lost or delayed by looking."""
    target = open_target()
    with (
        screen.waiting("reading") as waiting,
        held_elements(target, people, limit, lambda count: waiting.now(f"{count} read")) as (queue, found),
    ):
        left = max(queue.depth().all - len(found), 0)
    counts = Counter((each.reason, each.kind, each.account) for each in found)
    rows = [
        {"reason": reason, "kind": kind, "account": account, "elements": count}
        for (reason, kind, account), count in counts.most_common()
    ]
    if left:
        rows.append({"reason": "not read", "kind": "", "account": "", "elements": left})
    screen.result(rows)
    heads = ["elements", "reason", "kind", "account"]
    screen.table(heads, [[str(row[head]) for head in heads] for row in rows])
    screen.line(f"{number(len(found) + left, 'element')}; docs/operations.md says what each reason means")


class Choice(NamedTuple):
    """Which elements a command is about, as its options say."""

    ids: list[str]
    reason: str | None
    account: str | None
    people: bool
    limit: int

    def of(self, found: Sequence[Element], *, every: bool) -> list[Element]:
        """Raises `Failed` if nothing is said, or an id names none or several."""
        if not (self.says_which or every):
            raise Failed(Exit.USAGE, "say which: ids, --reason, --account, or --all")
        for wanted in self.ids:
            same = [each for each in found if each.message.id.startswith(wanted)]
            if len(same) != 1:
                said = "nothing in quarantine" if not same else f"{len(same)} in quarantine"
                raise Failed(Exit.NOT_FOUND, f"{said} has the id {wanted}")
        return [
            each
            for each in found
            if (not self.ids or any(each.message.id.startswith(wanted) for wanted in self.ids))
            and self.reason in (None, each.reason)
            and self.account in (None, each.account)
        ]

    @property
    def says_which(self) -> bool:
        return bool(self.ids or self.reason or self.account)


@contextmanager
def _choice(
    ids: Ids = None,
    reason: Reason = None,
    account: OfAccount = None,
    people: People = False,
    limit: Limit = MOST_READ,
) -> Iterator[tuple[Choice]]:
    yield (Choice(ids or [], reason, account, people, limit),)


on_elements = sharing(_choice)
"""A command on some elements: `work` gets a `Choice` (`choice`)."""


@quarantine.command()
@on_stack
@on_elements
def show(screen: Screen, open_target: OpenTarget, choice: Choice, show_private: ShowPrivate = False) -> None:
    """Show single elements, with --show-private whole."""
    with held_elements(open_target(), choice.people, choice.limit) as (_, found):
        chosen = choice.of(found, every=not choice.says_which)
    told = [as_told(each) | ({"element": each.entry.get("element")} if show_private else {}) for each in chosen]
    screen.result(told)
    screen.table(HEADS, [cells(each) for each in chosen])
    for each in chosen if show_private else ():
        screen.line(f"{short(each.message.id)}: {each.entry.get('element')}")
    screen.line(number(len(told), "element"))


# --- drop ------------------------------------------------------------------------------------------------------------


@quarantine.command()
@on_stack
@on_elements
def drop(screen: Screen, open_target: OpenTarget, choice: Choice, every: Every = False, yes: Yes = False) -> None:
    """Delete elements for good. What is not deleted when it is interrupted stays."""
    with held_elements(open_target(), choice.people, choice.limit, seconds=WORKED_ON_SECONDS) as (queue, found):
        chosen = choice.of(found, every=every)
        screen.table(HEADS, [cells(each) for each in chosen])
        if chosen:
            screen.confirm(f"Delete {number(len(chosen), 'element')} for good?", yes=yes)
        for each in chosen:
            queue.delete(each.message)
            found.remove(each)
    screen.result({"dropped": len(chosen), "left": len(found)})
    screen.line(f"{number(len(chosen), 'element')} deleted, {len(found)} left")
