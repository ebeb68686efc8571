"""Known defects, planted one at a time: a simulation that does not find them all proves nothing.

Each takes the place of a part of the deployed code, and must be found within as many seeds as `make test` runs.
"""

import re
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, NamedTuple
from unittest.mock import patch

from local.simulation.plan import draw
from local.simulation.run import Result, deployment, play
from whatsapp_bridge.accounts.account import Account, CleverTap
from whatsapp_bridge.flows import confirmations, jobs, ladder, people_files, receive
from whatsapp_bridge.flows.dispatch import Dispatch
from whatsapp_bridge.flows.forward_replies import ForwardReplies
from whatsapp_bridge.flows.forward_statuses import ForwardStatuses
from whatsapp_bridge.flows.import_templates import ImportTemplates
from whatsapp_bridge.flows.jobs import Job
from whatsapp_bridge.flows.post_statuses import PostStatuses
from whatsapp_bridge.flows.reports import Reports
from whatsapp_bridge.flows.settling import Settling
from whatsapp_bridge.flows.status_requeue import StatusRequeue
from whatsapp_bridge.providers.common import template_judging
from whatsapp_bridge.providers.contract.outcomes import NotSent, Rejected, Unknown
from whatsapp_bridge.runtime import breaker, observability
from whatsapp_bridge.store.claims import Claim, Claims
from whatsapp_bridge.store.leases import Lease, Leases
from whatsapp_bridge.store.once import Once
from whatsapp_bridge.store.queues import NotStored, Queue

type Plant = Callable[[ExitStack], None]


class Defect(NamedTuple):
    """`found_by`: the broken promise that shows it, as a pattern; whatever else breaks proves nothing about it."""

    plant: Plant
    found_by: str


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
    def entry(self: Any, account: Any, event: Any, now: Any) -> Any:
        made = own(self, account, event, now)
        return replace(made, group=f"{made.group}.{made.deduplication}"[:128])

    return entry


def _to_another_person(own: Any) -> Any:
    def read(*given: Any, **named: Any) -> Any:
        message = own(*given, **named)
        return message.model_copy(update={"to": message.to[:-4] + "1" + message.to[-3:]})

    return read


def _without_file(own: Any) -> Any:
    def read(*given: Any, **named: Any) -> Any:
        message = own(*given, **named)
        if message.components is None:
            return message
        return message.model_copy(update={"components": [p for p in message.components if p.type != "header"]})

    return read


def _with_a_log(own: Any) -> Any:
    def read(*given: Any, **named: Any) -> Any:
        message = own(*given, **named)
        observability.logger.info("message read", extra={"to": message.to})
        return message

    return read


def _without_text(own: Any) -> Any:
    def report(self: Any, account: Any, event: Any, reply: Any, record: Any) -> Any:
        text = reply.message.text
        message = reply.message.model_copy(
            update={"text": text and text.model_copy(update={"body": text.body.removeprefix("answer ")})}
        )
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


DEFECTS: dict[str, Defect] = {
    "an unknown outcome is sent again": Defect(
        _settled_as(lambda outcome: NotSent("lost") if isinstance(outcome, Unknown) else outcome),
        r"doubled: message",
    ),
    "what was not sent is rejected": Defect(
        _settled_as(lambda outcome: Rejected(1009, "not sent") if isinstance(outcome, NotSent) else outcome),
        r"lost: message \d+ was given up",
    ),
    "the claim is not asked for": Defect(
        _instead(Claims, "claim", _always(Claim.GRANTED)),
        r"doubled: message",
    ),
    "what was being sent is sent again": Defect(
        _instead(Claims, "claim", _granting_interrupted),
        r"doubled: message",
    ),
    "a lost answer is not confirmed": Defect(
        _instead(Claims, "unconfirmed", _always(None)),
        r"lost: message .* was told nothing",
    ),
    "the confirmation overrules the news": Defect(
        _together(
            _instead(Claims, "unconfirmed", _always("somebody")),
            _instead(confirmations, "is_last_word", _always(True)),
            _instead(Leases, "begin", lambda own: lambda *given, unconfirmed, **named: own(*given, **named)),
        ),
        r"(lost|false): message .* the BSP reported",
    ),
    "time limits are not looked at": Defect(
        _instead(Job, "seconds_left", _always(3600.0)),
        r"false: message \d+ was sent \d+ s after",
    ),
    "a busy status is dropped": Defect(
        _instead(StatusRequeue, "queue_again", _always([])),
        r"lost: message .* the BSP reported",
    ),
    "a postponed batch is forgotten": Defect(
        _instead(Dispatch, "_queue_again", _always([])),
        r"lost: message .* was told nothing",
    ),
    "a batch that SQS refused in part counts as stored": Defect(
        _instead(Queue, "_send_batch", _ignoring),
        r"lost: (message|reply)",
    ),
    "a callback that was not stored is acknowledged": Defect(
        _instead(receive, "_send", _swallowing),
        r"lost: (message|reply)",
    ),
    "the order of a person's messages is lost": Defect(
        _instead(receive.Receive, "_reply", _each_group_its_own),
        r"false: reply \d+ was reported before",
    ),
    "a reply is forwarded each time that it comes": Defect(
        _instead(Once, "begin_reply", lambda own: lambda self, account, reply, *given, **named: reply),
        r"doubled: reply",
    ),
    "the lease is given to everybody": Defect(
        _instead(Leases, "begin", _always(Lease(0))),
        r"doubled: message \d+: CleverTap was told",
    ),
    "what CleverTap took is not recorded": Defect(
        _instead(Reports, "end", _always(None)),
        r"doubled: message \d+: CleverTap was told",
    ),
    "skipped rungs are not added": Defect(
        _instead(ladder, "steps", lambda own: lambda *given: own(*given)[-1:]),
        r"(lost|false): message .* the BSP reported",
    ),
    "statuses that CleverTap did not take are let go": Defect(
        _instead(PostStatuses, "_settle", _always([])),
        r"lost: message .* was told",
    ),
    "a status without its message is dropped": Defect(
        _instead(ForwardStatuses, "_wait_for_message", _always([])),
        r"lost: message .* the BSP reported",
    ),
    "no alarm tells of a side that is away": Defect(
        _without_alarms(
            "Paused",
            "Unavailable",
            "Age",
            "Throttl",
            "NotSent",
            "Unknown",
            "Unconfirmed",
            "Returned",
            "Errors",
            "Failed",
        ),
        r"silent: .* of (acme|clevertap)",
    ),
    "no alarm tells of a BSP that does not answer": Defect(
        _without_alarms("ProviderPaused", "MessagesNotSent", "MessagesUnknown", "MessagesUnconfirmed"),
        r"silent: (down|hangs|50\d|answers lost|maintenance page)\b.* of acme",
    ),
    "no alarm tells of a BSP that throttles": Defect(
        _without_alarms("MessagesThrottled", "MessagesNotSent"),
        r"silent: 429\b.* of acme",
    ),
    "no alarm tells of CleverTap that is away": Defect(
        _without_alarms("CleverTap"),
        r"silent: .* of clevertap",
    ),
    "no alarm tells of a secret that cannot be read": Defect(
        _without_alarms("AccountsStale"),
        r"silent: .* of secretsmanager",
    ),
    "no alarm tells of a table that is throttled": Defect(
        _without_alarms("Table"),
        r"silent: (hot key )?throttled of dynamodb",
    ),
    "no alarm tells of an index that is throttled": Defect(
        _without_alarms("Index"),
        r"silent: index throttled of dynamodb",
    ),
    "no alarm tells of a function that dies": Defect(
        _without_alarms("DispatchErrors", "ForwardErrors"),
        r"silent: an invocation of \w+ that died",
    ),
    "no alarm tells of a function without room": Defect(
        _without_alarms("DispatchThrottles", "ForwardThrottles"),
        r"silent: an invocation of \w+ that had no room",
    ),
    "no alarm tells of callbacks with an old token": Defect(
        _without_alarms("CallbacksForbidden"),
        r"silent: old (status|reply) URL of acme",
    ),
    "no alarm tells of CleverTap's wrong credentials": Defect(
        _without_alarms("InvalidCredentials"),
        r"silent: wrong credentials of clevertap",
    ),
    "no alarm tells of the API's own 429s": Defect(
        _without_alarms("RequestsThrottled"),
        r"silent: throttled of api",
    ),
    "any callback token will do": Defect(
        _instead(Account, "token_matches", _always(True)),
        r"false: a callback of \S+ was acknowledged with an old token",
    ),
    "any credentials will do": Defect(
        _instead(CleverTap, "accepts", _always(True)),
        r"false: message \d+ was accepted with wrong credentials",
    ),
    "an account is never paused": Defect(
        _instead(breaker, "opens", _always(False)),
        r"lost: .* after its breaker had to be open",
    ),
    "a reply forgets what it answers": Defect(
        _instead(ForwardReplies, "_answered", _always(None)),
        r"false: reply \d+ answers",
    ),
    "a reply answers another message": Defect(
        _instead(ForwardReplies, "_answered", _always("1|1700000000|acme|1")),
        r"false: reply \d+ answers",
    ),
    "a reply loses its text": Defect(
        _instead(ForwardReplies, "_report", _without_text),
        r"false: reply \d+ was reported without its text",
    ),
    "messages go to another person": Defect(
        _instead(jobs, "read_message", _to_another_person),
        r"false: message \d+ went to somebody else",
    ),
    "messages lose their files": Defect(
        _instead(jobs, "read_message", _without_file),
        r"false: message \d+ arrived without its file",
    ),
    "links to people's files open nothing": Defect(
        _instead(people_files, "link", lambda own: lambda *given: own(*given)[:-1] + "-"),
        r"lost: reply \d+ was reported without its file",
    ),
    "a log names a person": Defect(
        _instead(jobs, "read_message", _with_a_log),
        r"false: a log of DispatchFunction shows a person's number",
    ),
    "an import lacks what may be in use again": Defect(
        _instead(ImportTemplates, "_doubtful", _always([])),
        r"lost: the import of",
    ),
    "a message is refused for old knowledge of its template": Defect(
        _instead(template_judging, "_is_stale", _always(False)),
        r"lost: message \d+ was refused",
    ),
    "callbacks with statuses are refused": Defect(
        _instead(receive, "_queued", _refusing),
        r"lost: a callback .* was never acknowledged",
    ),
}


def play_with(name: str, seed: int) -> Result:
    with ExitStack() as stack:
        DEFECTS[name].plant(stack)
        return play(draw(seed))


def first_found(name: str, seeds: range, jobs: int, pool: ProcessPoolExecutor) -> int | None:
    """The first seed that finds a defect, of those tried together."""
    waiting = iter(seeds)
    while chunk := list(islice(waiting, jobs * 2)):
        for seed, result in zip(chunk, pool.map(partial(play_with, name), chunk), strict=True):
            if any(re.match(DEFECTS[name].found_by, str(violation)) for violation in result.violations):
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
