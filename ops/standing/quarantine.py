"""`bridge quarantine ...`: what came from a BSP and could not be used."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import time
from typing import Annotated, Any, Final, NamedTuple

import typer

from ops.command import OpenTarget, ShowPrivate, Yes, on_stack
from ops.output import Exit, Failed, Screen, day, number
from ops.queues import HELD_SECONDS, QUARANTINES, WORKED_ON_SECONDS, Message, StackQueue, short
from ops.standing.callbacks import CannotReplay, callback_of
from ops.standing.content import Contents
from ops.standing.dead_letters import Limit
from ops.target import Target
from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.flows.quarantine import LOGGED_KIND
from whatsapp_bridge.net.http import AnswerLost, HttpClient, NotReached

quarantine = typer.Typer(help="What came from a BSP and could not be used.", no_args_is_help=True)

People = Annotated[bool, typer.Option("--people", help="Of people whose number nobody knows, who have their own.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID...]", help="As `show` tells them, or their beginning.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Those with this reason.")]
OfAccount = Annotated[str | None, typer.Option("--account", help="Those of this account.")]
Every = Annotated[bool, typer.Option("--all", help="All that there are.")]

_MOST_READ: Final = 1_000
# SQS drops a second message with the same deduplication id for so long.
_DEDUPLICATION_SECONDS: Final = 300


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
def _held(
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


def _told(element: Element) -> dict[str, Any]:
    return {
        "id": element.message.id,
        "received": day(element.received),
        "account": element.account,
        "kind": element.kind,
        "reason": element.reason,
    }


_HEADS: Final = ["id", "received", "account", "kind", "reason"]


def _cells(element: Element) -> list[str]:
    """For people: of an id what they have to type."""
    told = _told(element)
    return [short(told["id"]), *(str(told[head]) for head in _HEADS[1:])]


@quarantine.command("list")
@on_stack
def list_reasons(screen: Screen, open_target: OpenTarget, people: People = False, limit: Limit = _MOST_READ) -> None:
    """Count what is in quarantine by reason, kind and account. Nothing is lost or delayed by looking."""
    target = open_target()
    with (
        screen.waiting("reading") as waiting,
        _held(target, people, limit, lambda count: waiting.now(f"{count} read")) as (queue, found),
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


@quarantine.command()
@on_stack
def show(
    screen: Screen,
    open_target: OpenTarget,
    ids: Ids = None,
    reason: Reason = None,
    account: OfAccount = None,
    people: People = False,
    limit: Limit = _MOST_READ,
    show_private: ShowPrivate = False,
) -> None:
    """Show single elements, with --show-private whole."""
    with _held(open_target(), people, limit) as (_, found):
        chosen = _chosen(found, ids, reason, account, every=not (ids or reason or account))
    told = [_told(each) | ({"element": each.entry.get("element")} if show_private else {}) for each in chosen]
    screen.result(told)
    screen.table(_HEADS, [_cells(each) for each in chosen])
    for each in chosen if show_private else ():
        screen.line(f"{short(each.message.id)}: {each.entry.get('element')}")
    screen.line(number(len(told), "element"))


def _chosen(
    found: Sequence[Element], ids: list[str] | None, reason: str | None, account: str | None, *, every: bool
) -> list[Element]:
    """Raises `Failed` if nothing is said, or an id names none or several."""
    if not (ids or reason or account or every):
        raise Failed(Exit.USAGE, "say which: ids, --reason, --account, or --all")
    for wanted in ids or ():
        same = [each for each in found if each.message.id.startswith(wanted)]
        if len(same) != 1:
            said = "nothing in quarantine" if not same else f"{len(same)} in quarantine"
            raise Failed(Exit.NOT_FOUND, f"{said} has the id {wanted}")
    return [
        each
        for each in found
        if (not ids or any(each.message.id.startswith(wanted) for wanted in ids))
        and reason in (None, each.reason)
        and account in (None, each.account)
    ]


# --- drop ------------------------------------------------------------------------------------------------------------


@quarantine.command()
@on_stack
def drop(
    screen: Screen,
    open_target: OpenTarget,
    ids: Ids = None,
    reason: Reason = None,
    account: OfAccount = None,
    every: Every = False,
    people: People = False,
    limit: Limit = _MOST_READ,
    yes: Yes = False,
) -> None:
    """Delete elements for good. What is not deleted when it is interrupted stays."""
    with _held(open_target(), people, limit, seconds=WORKED_ON_SECONDS) as (queue, found):
        chosen = _chosen(found, ids, reason, account, every=every)
        screen.table(_HEADS, [_cells(each) for each in chosen])
        if chosen:
            screen.confirm(f"Delete {number(len(chosen), 'element')} for good?", yes=yes)
        for each in chosen:
            queue.delete(each.message)
            found.remove(each)
    screen.result({"dropped": len(chosen), "left": len(found)})
    screen.line(f"{number(len(chosen), 'element')} deleted, {len(found)} left")


# --- replay ----------------------------------------------------------------------------------------------------------


class Replayed(NamedTuple):
    """`outcome` for people; `exit` of the whole command, if it was the only one."""

    outcome: str
    exit: Exit


@quarantine.command()
@on_stack
def replay(
    screen: Screen,
    open_target: OpenTarget,
    ids: Ids = None,
    reason: Reason = None,
    account: OfAccount = None,
    every: Every = False,
    people: People = False,
    limit: Limit = _MOST_READ,
) -> None:
    """Give elements to the bridge again, as their BSP did. Remove the cause first: else they come back.

    An element leaves the quarantine when the bridge has stored it. Exit code 1 if one was not taken, 5 if it must wait.
    """
    target = open_target()
    again = _Replay(target, HttpClient())
    results: list[tuple[Element, Replayed]] = []
    with (
        _held(target, people, limit, seconds=WORKED_ON_SECONDS) as (queue, found),
        screen.waiting("replaying") as waiting,
    ):
        chosen = _chosen(found, ids, reason, account, every=every)
        for each in chosen:
            waiting.now(f"{len(results)} of {len(chosen)} replayed. What is not yet stays, if you interrupt it.")
            # It may have waited for those before it.
            held = queue.keep(each.message, HELD_SECONDS)
            done = again(each) if held else Replayed("not yet: there are too many at once", Exit.LATER)
            if done.exit is Exit.DONE:
                queue.delete(each.message)
                found.remove(each)
            results.append((each, done))
    screen.result([_told(each) | {"outcome": done.outcome} for each, done in results])
    heads = [*_HEADS, "outcome"]
    screen.table(heads, [[*_cells(each), done.outcome] for each, done in results])
    replayed = sum(done.exit is Exit.DONE for _, done in results)
    screen.line(f"{number(replayed, 'element')} replayed, {len(results) - replayed} not")
    worst = max((done.exit for _, done in results), default=Exit.DONE)
    if worst is not Exit.DONE:
        raise typer.Exit(Exit.NO if any(done.exit is Exit.NO for _, done in results) else worst)


class _Replay:
    def __init__(self, target: Target, http: HttpClient) -> None:
        self._target, self._http = target, http
        self._accounts: dict[str, Account[Any, Any]] = {}

    def __call__(self, element: Element) -> Replayed:
        if not element.entry:
            return Replayed(element.reason, Exit.NO)
        left = element.received + _DEDUPLICATION_SECONDS - time()
        if element.kind == "reply" and left > 0:
            return Replayed(f"not yet: SQS may take it for a duplicate; again in {left:.0f} s", Exit.LATER)
        try:
            account = self._account(element.account)
            request = callback_of(account, element.entry)
        except CannotReplay as error:
            return Replayed(f"not replayed: {error}", Exit.NO)
        except Failed as error:
            return Replayed(f"not replayed: {error.reason}", Exit.NO)
        url = f"{self._target.url}/{account.name}/incoming/{account.callback_tokens[0]}"
        url += f"?{request.query}" if request.query else ""
        try:
            answer = self._http.request(request.method, url, request.body or None, request.headers)
        except (NotReached, AnswerLost) as error:
            return Replayed(f"no answer: {error}", Exit.LATER)
        if answer.status == 200:
            return Replayed("replayed", Exit.DONE)
        if answer.status == 403 and account.options.source_networks:
            return Replayed("HTTP 403: the account takes callbacks from options.source_networks alone", Exit.NO)
        return Replayed(f"HTTP {answer.status}", Exit.LATER if answer.status >= 500 else Exit.NO)

    def _account(self, name: str) -> Account[Any, Any]:
        if name not in self._accounts:
            self._accounts[name] = self._target.account(name)
        return self._accounts[name]
