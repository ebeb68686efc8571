"""`bridge quarantine replay`: an element once more, as its BSP sent it."""

from time import time
from typing import Any, Final, NamedTuple

import typer

from ops.command import OpenTarget, on_stack
from ops.output import Exit, Failed, Screen, number
from ops.queues import HELD_SECONDS, WORKED_ON_SECONDS
from ops.standing.callbacks import CannotReplay, callback_of
from ops.standing.quarantine import (
    HEADS,
    Choice,
    Element,
    Every,
    as_told,
    cells,
    held_elements,
    on_elements,
    quarantine,
)
from ops.target import Target
from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.net.http import AnswerLost, HttpClient, NotReached

# SQS drops a second message with the same deduplication id for so long.
_DEDUPLICATION_SECONDS: Final = 300


class Replayed(NamedTuple):
    """`outcome` for people; `exit` of the whole command, if it was the only one."""

    outcome: str
    exit: Exit


@quarantine.command()
@on_stack
@on_elements
def replay(screen: Screen, open_target: OpenTarget, choice: Choice, every: Every = False) -> None:
    """Give elements to the bridge again, as their BSP did. Remove the cause first: else they come back.

    An element leaves the quarantine when the bridge has stored it. Exit code 1 if one was not taken, 5 if it must wait.
    """
    target = open_target()
    again = _Replay(target, HttpClient())
    results: list[tuple[Element, Replayed]] = []
    with (
        held_elements(target, choice.people, choice.limit, seconds=WORKED_ON_SECONDS) as (queue, found),
        screen.waiting("replaying") as waiting,
    ):
        chosen = choice.of(found, every=every)
        for each in chosen:
            waiting.now(f"{len(results)} of {len(chosen)} replayed. What is not yet stays, if you interrupt it.")
            # It may have waited for those before it.
            held = queue.keep(each.message, HELD_SECONDS)
            done = again(each) if held else Replayed("not yet: there are too many at once", Exit.LATER)
            if done.exit is Exit.DONE:
                queue.delete(each.message)
                found.remove(each)
            results.append((each, done))
    screen.result([as_told(each) | {"outcome": done.outcome} for each, done in results])
    heads = [*HEADS, "outcome"]
    screen.table(heads, [[*cells(each), done.outcome] for each, done in results])
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
