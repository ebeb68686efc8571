"""Known defects, planted one at a time: a simulation that does not find them all proves nothing.

Each takes the place of a part of the deployed code, and must be found within as many seeds as `make test` runs.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any
from unittest.mock import patch

from local.simulation.plan import draw
from local.simulation.run import Result, deployment, play
from whatsapp_bridge.flows import confirmations, jobs, ladder, receive
from whatsapp_bridge.flows.dispatch import Dispatch
from whatsapp_bridge.flows.forward_replies import ForwardReplies
from whatsapp_bridge.flows.forward_statuses import ForwardStatuses
from whatsapp_bridge.flows.jobs import Job
from whatsapp_bridge.flows.post_statuses import PostStatuses
from whatsapp_bridge.flows.reports import Reports
from whatsapp_bridge.flows.settling import Settling
from whatsapp_bridge.flows.status_requeue import StatusRequeue
from whatsapp_bridge.providers.contract import NotSent, Rejected, Unknown
from whatsapp_bridge.runtime import breaker
from whatsapp_bridge.store.claims import Claim, Claims
from whatsapp_bridge.store.leases import Lease, Leases
from whatsapp_bridge.store.once import Once
from whatsapp_bridge.store.queues import NotStored, Queue

type Plant = Callable[[ExitStack], None]


def _instead(owner: Any, name: str, make: Callable[[Any], Any]) -> Plant:
    """Replace a function or method by what `make` makes of it."""
    return lambda stack: stack.enter_context(patch.object(owner, name, make(getattr(owner, name)))) and None


def _settled_as(change: Callable[[Any], Any]) -> Plant:
    return _instead(Settling, "_settle", lambda own: lambda self, of: own(self, (of[0], change(of[1]))))


def _always(value: Any) -> Callable[[Any], Any]:
    return lambda own: lambda *given, **named: value


def _together(*plants: Plant) -> Plant:
    def plant(stack: ExitStack) -> None:
        for one in plants:
            one(stack)

    return plant


def _swallowing(own: Any) -> Any:
    def swallow(*given: Any, **named: Any) -> Any:
        try:
            return own(*given, **named)
        except NotStored:
            return None

    return swallow


def _without_alarms(*names: str) -> Plant:
    def plant(stack: ExitStack) -> None:
        alarms = deployment().alarms
        left = {name: alarm for name, alarm in alarms.items() if not any(part in name for part in names)}
        stack.enter_context(patch.dict(alarms, left, clear=True))

    return plant


def _each_group_its_own(own: Any) -> Any:
    def entry(self: Any, account: Any, event: Any) -> Any:
        made = own(self, account, event)
        return replace(made, group=f"{made.group}.{made.deduplication}"[:128])

    return entry


def _to_another_person(own: Any) -> Any:
    def read(*given: Any, **named: Any) -> Any:
        message = own(*given, **named)
        return message.model_copy(update={"to": message.to[:-4] + "1" + message.to[-3:]})

    return read


def _without_text(own: Any) -> Any:
    def report(self: Any, account: Any, event: Any, reply: Any, record: Any) -> Any:
        text = reply.message.text
        message = reply.message.model_copy(update={"text": text and text.model_copy(update={"body": "..."})})
        return own(self, account, event, replace(reply, message=message), record)

    return report


def _refusing(own: Any) -> Any:
    def queued(*given: Any, **named: Any) -> Any:
        raise NotStored("planted")

    return queued


def _granting_interrupted(own: Any) -> Any:
    def claim(*given: Any, **named: Any) -> Claim:
        claimed: Claim = own(*given, **named)
        return Claim.GRANTED if claimed is Claim.INTERRUPTED else claimed

    return claim


def _ignoring(own: Any) -> Any:
    def send(self: Queue, batch: Any) -> list[tuple[int, str]]:
        own(self, batch)
        return []

    return send


DEFECTS: dict[str, Plant] = {
    "an unknown outcome is sent again": _settled_as(
        lambda outcome: NotSent("lost") if isinstance(outcome, Unknown) else outcome
    ),
    "what was not sent is rejected": _settled_as(
        lambda outcome: Rejected(1009, "not sent") if isinstance(outcome, NotSent) else outcome
    ),
    "the claim is not asked for": _instead(Claims, "claim", _always(Claim.GRANTED)),
    "what was being sent is sent again": _instead(Claims, "claim", _granting_interrupted),
    "a lost answer is not confirmed": _instead(Claims, "unconfirmed", _always(None)),
    "the confirmation overrules the news": _together(
        _instead(Claims, "unconfirmed", _always("somebody")),
        _instead(confirmations, "is_last_word", _always(True)),
        _instead(Leases, "begin", lambda own: lambda *given, unconfirmed, **named: own(*given, **named)),
    ),
    "time limits are not looked at": _instead(Job, "seconds_left", _always(3600.0)),
    "a busy status is dropped": _instead(StatusRequeue, "queue_again", _always([])),
    "a postponed batch is forgotten": _instead(Dispatch, "_queue_again", _always([])),
    "a batch that SQS refused in part counts as stored": _instead(Queue, "_send_batch", _ignoring),
    "a callback that was not stored is acknowledged": _instead(receive, "_send", _swallowing),
    "the order of a person's messages is lost": _instead(receive.Receive, "_reply", _each_group_its_own),
    "a reply is forwarded each time that it comes": _instead(
        Once, "begin_reply", lambda own: lambda self, account, reply, *given, **named: reply
    ),
    "the lease is given to everybody": _instead(Leases, "begin", _always(Lease(0))),
    "what CleverTap took is not recorded": _instead(Reports, "end", _always(None)),
    "skipped rungs are not added": _instead(ladder, "updates", lambda own: lambda *given: own(*given)[-1:]),
    "statuses that CleverTap did not take are let go": _instead(PostStatuses, "_settle", _always([])),
    "a status without its message is dropped": _instead(ForwardStatuses, "_wait_for_message", _always([])),
    "no alarm tells of a side that is away": _without_alarms(
        "Paused", "Unavailable", "Age", "Throttl", "NotSent", "Unknown", "Unconfirmed", "Returned", "Errors", "Failed"
    ),
    "no alarm tells of a BSP that does not answer": _without_alarms(
        "ProviderPaused", "MessagesNotSent", "MessagesUnknown", "MessagesUnconfirmed"
    ),
    "no alarm tells of a BSP that throttles": _without_alarms("MessagesThrottled", "MessagesNotSent"),
    "no alarm tells of CleverTap that is away": _without_alarms("CleverTap"),
    "no alarm tells of a secret that cannot be read": _without_alarms("AccountsStale"),
    "no alarm tells of a table that is throttled": _without_alarms("Table", "Index"),
    "no alarm tells of a function that dies": _without_alarms("DispatchErrors", "ForwardErrors"),
    "no alarm tells of a function without room": _without_alarms("DispatchThrottles", "ForwardThrottles"),
    "an account is never paused": _instead(breaker, "opens", _always(False)),
    "a reply forgets what it answers": _instead(ForwardReplies, "_answered", _always(None)),
    "a reply answers another message": _instead(ForwardReplies, "_answered", _always("1|1700000000|acme|1")),
    "a reply loses its text": _instead(ForwardReplies, "_report", _without_text),
    "messages go to another person": _instead(jobs, "read_message", _to_another_person),
    "callbacks with statuses are refused": _instead(receive, "_queued", _refusing),
}


def play_with(name: str, seed: int) -> Result:
    with ExitStack() as stack:
        DEFECTS[name](stack)
        return play(draw(seed))


def first_found(name: str, seeds: range, jobs: int, pool: ProcessPoolExecutor) -> int | None:
    """The first seed that finds a defect, of those tried together."""
    waiting = iter(seeds)
    while chunk := list(islice(waiting, jobs * 2)):
        for seed, result in zip(chunk, pool.map(partial(play_with, name), chunk), strict=True):
            if result.failed:
                return seed
    return None


def hunt(seeds: int, jobs: int, words: str = "") -> int:
    """Plant each defect that has these words in its name, and run seeds until one finds it. Returns 1 if one was not
    found, or is not known."""
    begun, missed = time.monotonic(), 0
    names = [name for name in DEFECTS if words in name]
    with ProcessPoolExecutor(jobs) as pool:
        for name in names:
            seed = first_found(name, range(seeds), jobs, pool)
            missed += seed is None
            print(f"{'NOT FOUND' if seed is None else f'seed {seed}':>10}  {name}", flush=True)
    print(f"{len(names) - missed} of {len(names)} defects found in {time.monotonic() - begun:.0f} s")
    if missed:
        print("a promise is not checked: see local/simulation/ledger.py", file=sys.stderr)
    return int(bool(missed) or not names)
