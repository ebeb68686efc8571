"""No silence: what an operator must hear of, the alarms that say it, and whether one of them rings.

A fault that is felt, what is lost, messages that fail in numbers, and a stop longer than ten minutes: each names its
alarms of the template here, and one of them must be on while it lasts, or within half an hour after it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from typing import Any

from local.simulation.facts import Violation
from local.simulation.metrics import Alarm, Datapoints
from local.simulation.plan import START, Fault

BSP = "BSP"
"""In the place of an account's name."""
_UNKNOWN = ("MessagesUnknownAlarm", "MessagesUnknownBurstAlarm")
_NO_ANSWER = (
    "ProviderPausedAlarm", *_UNKNOWN, "MessagesUnconfirmedAlarm", "MessagesNotSentAlarm",
    "MediaNotFetchedAlarm",
)  # fmt: skip
_NOT_REACHED = ("ProviderPausedAlarm", "MessagesNotSentAlarm", "MediaNotFetchedAlarm")
_THROTTLES = ("MessagesThrottledAlarm", "MessagesNotSentAlarm", "MediaNotFetchedAlarm")
_OVERLOAD = ("ProviderPausedAlarm", *_THROTTLES)
_NO_FILES = ("ForwardProviderAccountAlarm", "MediaNotFetchedAlarm")
_CLEVERTAP = ("CleverTapPausedAlarm", "CleverTapUnavailableAlarm")
_FUNCTIONS = ("Send", "Dispatch", "Incoming", "Status", "Forward", "Media", "Import", "Templates")
_SECRETS = tuple(f"{name}AccountsStaleAlarm" for name in _FUNCTIONS)
_RETURNED = ("DispatchRecordsReturnedAlarm", "ForwardRecordsReturnedAlarm")
_BREAKERS = ("DispatchBreakersUnavailableAlarm", "ForwardBreakersUnavailableAlarm")
_NOT_STORED = ("IncomingErrorsAlarm", "StatusErrorsAlarm", "ApiServerErrorsAlarm")

_NO_KEY = ("MessagesNotSentAlarm", "RepliesUnreadableAlarm")
_NO_FILE = ("ForwardRecordsReturnedAlarm",)
_INDEX_THROTTLED = ("IndexWriteThrottlesAlarm", "IndexReadThrottlesAlarm")
_THROTTLED = ("TableWriteThrottlesAlarm", "TableReadThrottlesAlarm")

ALARMS: dict[tuple[str, str], tuple[str, ...]] = {
    # The first request of some messages is another one (a token, an upload, an opt-in): it is not sent, then.
    (BSP, "down"): _NOT_REACHED,
    (BSP, "hangs"): _NO_ANSWER,
    (BSP, "slow"): (),
    (BSP, "500"): _NO_ANSWER,
    (BSP, "502"): _NO_ANSWER,
    (BSP, "503"): _OVERLOAD,
    (BSP, "504"): _NO_ANSWER,
    (BSP, "answers lost"): _NO_ANSWER,
    # Without the BSP's own word, it says nothing about the account.
    (BSP, "403"): ("MessagesNotSentAlarm", "MessagesRejectedAlarm", "MessagesRejectedBurstAlarm", *_NO_FILES),
    (BSP, "credential rotated"): (
        "DispatchProviderAccountAlarm",
        "MessagesRejectedAlarm",
        "MessagesNotSentAlarm",
        # Of an account that only lists its templates meanwhile.
        "TemplatesPermissionMissingAlarm",
        *_NO_FILES,
    ),
    (BSP, "429"): _THROTTLES,
    (BSP, "maintenance page"): _NO_ANSWER,
    (BSP, "old status URL"): ("StatusCallbacksForbiddenAlarm", "StatusCallbacksForbiddenBurstAlarm"),
    (BSP, "old reply URL"): ("IncomingCallbacksForbiddenAlarm", "IncomingCallbacksForbiddenBurstAlarm"),
    ("clevertap", "down"): _CLEVERTAP,
    ("clevertap", "hangs"): _CLEVERTAP,
    ("clevertap", "slow"): (),
    ("clevertap", "500"): _CLEVERTAP,
    ("clevertap", "502"): _CLEVERTAP,
    ("clevertap", "503"): _CLEVERTAP,
    ("clevertap", "504"): _CLEVERTAP,
    ("clevertap", "403"): _CLEVERTAP,
    ("clevertap", "maintenance page"): _CLEVERTAP,
    ("clevertap", "429"): ("CleverTapUnavailableAlarm",),
    ("clevertap", "answers lost"): _CLEVERTAP,
    ("clevertap", "wrong credentials"): ("InvalidCredentialsAlarm", "InvalidCredentialsBurstAlarm"),
    ("api", "throttled"): ("RequestsThrottledAlarm",),
    # Batches become smaller.
    ("clevertap", "10 at a time"): (),
    ("dynamodb", "throttled"): _THROTTLED,
    ("dynamodb", "index throttled"): _INDEX_THROTTLED,
    ("dynamodb", "hot key throttled"): _THROTTLED,
    ("dynamodb", "answers lost"): (*_RETURNED, *_BREAKERS, *_UNKNOWN),
    ("dynamodb", "away"): (*_RETURNED, *_BREAKERS),
    # Statuses wait for their message.
    ("index", "lags"): (),
    ("sqs", "partial failures"): (*_RETURNED, *_NOT_STORED),
    ("sqs", "answers lost"): (*_RETURNED, *_NOT_STORED, "SendErrorsAlarm"),
    ("secretsmanager", "away"): _SECRETS,
    ("secretsmanager", "denied"): _SECRETS,
    ("secretsmanager", "broken secret"): _SECRETS,
    ("secretsmanager", "slow"): (),
    ("kms", "away"): _NO_KEY,
    ("kms", "denied"): _NO_KEY,
    ("kms", "slow"): (),
    ("s3", "away"): _NO_FILE,
    ("s3", "denied"): _NO_FILE,
    ("s3", "slow"): (),
    # By function: see `of_functions`.
    ("lambda", "killed"): (),
    ("lambda", "out of memory"): (),
    ("lambda", "throttled"): (),
}
"""Of each fault: who strikes, and how; whatever an answer asks for with Retry-After. Nobody need hear of those without
alarms."""

_SENDING = (
    "ProviderPausedAlarm", "MessagesNotSentAlarm", "MessagesThrottledAlarm", "DispatchErrorsAlarm",
    "DispatchThrottlesAlarm", "DispatchRecordsReturnedAlarm", "DispatchAccountsStaleAlarm",
)  # fmt: skip
_REPORTING = (
    "CleverTapPausedAlarm", "CleverTapUnavailableAlarm", "ForwardErrorsAlarm", "ForwardThrottlesAlarm",
    "ForwardRecordsReturnedAlarm", "ForwardAccountsStaleAlarm",
)  # fmt: skip
STOPS: dict[str, tuple[str, ...]] = {
    "text": ("FreeformAgeAlarm", "ConversationAgeAlarm", *_SENDING),
    "template": ("TemplateAgeAlarm", "CampaignAgeAlarm", *_SENDING),
    "status": ("StatusAgeAlarm", "StatusesAgeAlarm", *_REPORTING),
    "reply": ("ReplyAgeAlarm", "RepliesAgeAlarm", "RepliesUnreadableAlarm", *_REPORTING),
}
"""Of what does not move on."""
FAILURES = (
    "MessagesRejectedAlarm", "MessagesRejectedBurstAlarm", *_UNKNOWN, "MessagesUnconfirmedAlarm",
    "MessagesNotSentAlarm", "MessagesThrottledAlarm", "ProviderPausedAlarm", "DispatchProviderAccountAlarm",
    "StatusProviderAccountAlarm", "IncomingProviderAccountAlarm",
)  # fmt: skip
"""Of messages that fail in numbers, and not by themselves."""

STOP_SECONDS = 600.0
# Fewer campaign messages or statuses are late, as after an error of AWS's: no stop.
_FEW, _MAY_BE_LATE = 3, ("template", "status")
MASS, MASS_SECONDS = 20, 900.0
_HEARD_WITHIN = 1800.0
# A fault is felt if it strikes so often, or in so many periods of five minutes within an hour: alarms count three, of
# what they are about; one of four may be about something else, such as a person's file.
_STRIKES, _PERIODS, _PERIOD = 20, 4, 300.0
# A call to AWS is made so often before it fails.
_CALLS = 3
# AWS counts each that it throttles, also if the next one goes through.
_COUNTED_BY_AWS = {
    ("dynamodb", "throttled"), ("dynamodb", "index throttled"), ("dynamodb", "hot key throttled"), ("api", "throttled"),
}  # fmt: skip
# Strangers do the same: few of these in few periods say nothing.
_OF_CALLERS = {"old status URL", "old reply URL", "wrong credentials"}


@dataclass(frozen=True)
class Trouble:
    """Something that an operator must hear of. `start` and `end` in seconds since 1970; of an account, or of all."""

    what: str
    alarms: tuple[str, ...]
    start: float
    end: float
    account: str | None = None
    within: float = _HEARD_WITHIN
    """Seconds after its end."""


@dataclass(frozen=True)
class Wait:
    """Something that waits for the bridge, from one moment to another. `what`: see `STOPS`."""

    what: str
    account: str
    start: float
    end: float


def unheard(troubles: Iterable[Trouble], alarms: Mapping[str, Mapping[str, Any]], data: Datapoints) -> list[Violation]:
    """`alarms`: the properties of those in the template."""

    def heard(trouble: Trouble) -> bool:
        first, last = int(trouble.start // 60), int((trouble.end + trouble.within) // 60)
        there = (Alarm(name, alarms[name]) for name in trouble.alarms if name in alarms)
        return any(alarm.rings(data, first, last, trouble.account) for alarm in there)

    return [Violation("silent", f"{each.what} raised no alarm") for each in troubles if not heard(each)]


def of_faults(faults: Sequence[Fault], strikes: Mapping[int, Sequence[float]]) -> Iterator[Trouble]:
    """`strikes`: when each fault struck, in seconds from the start, by its place."""
    for place, fault in enumerate(faults):
        account = None if (fault.target, fault.kind) in ALARMS else fault.target
        named = ALARMS[BSP if account else fault.target, fault.kind]
        calls = 1 if account or fault.target == "clevertap" else _CALLS
        many = inf if fault.kind in _OF_CALLERS else _STRIKES * calls
        struck = [at for at in strikes.get(place, ()) if account is None or not _nothing_is_recorded(faults, at)]
        felt = fault.end - fault.start >= STOP_SECONDS and _is_felt(struck, many)
        if named and felt and (fault.share == 1 or (fault.target, fault.name) in _COUNTED_BY_AWS):
            yield Trouble(
                f"{fault.name} of {fault.target}",
                named,
                START + fault.start,
                START + fault.end,
                account,
            )


def _nothing_is_recorded(faults: Sequence[Fault], at: float) -> bool:
    """Whether DynamoDB is away, of which its own alarms tell: no message has an outcome then, whatever its BSP says."""
    return any(
        (fault.target, fault.name, fault.share) == ("dynamodb", "away", 1) and fault.active(at) for fault in faults
    )


def _is_felt(strikes: Sequence[float], many: float) -> bool:
    if not strikes:
        return False
    # As CloudWatch counts them.
    periods = sorted({int((START + strike) // _PERIOD) for strike in strikes})
    often = any(last - first < 3600 / _PERIOD for first, last in zip(periods, periods[_PERIODS - 1 :], strict=False))
    return strikes[-1] - strikes[0] >= STOP_SECONDS and (often or len(strikes) >= many)


def of_functions(died: Iterable[tuple[str, float]], throttled: Iterable[tuple[str, float]]) -> Iterator[Trouble]:
    """Of each function, at each time: how its invocations died, and those for which there was no room."""
    for happened, kind, said in ((died, "Errors", "died"), (throttled, "Throttles", "had no room")):
        for function, at in happened:
            name = function.removesuffix("Function")
            yield Trouble(f"an invocation of {name} that {said}", (f"{name}{kind}Alarm",), at, at, within=120)


def of_queue(name: str, arrivals: Iterable[float], lost: Iterable[float]) -> Iterator[Trouble]:
    """Of a queue that operators alone read, without "Queue": when something came there, and when SQS deleted it."""
    counted = {"StatusesDeadLetter": "StatusesDeadLetteredAlarm", "RepliesDeadLetter": "RepliesDeadLetteredAlarm"}
    named = (f"{name}DepthAlarm", f"{name}ArrivalsAlarm", *([counted[name]] if name in counted else []))
    if name == "PeopleQuarantine":
        # Each person once a day.
        named = ("PeopleWithoutNumberAlarm",)
    for at in arrivals:
        yield Trouble(f"a message on {name}", named, at, at)
    for at in lost:
        yield Trouble(f"a message that expired on {name}", (f"{name}AgeAlarm",), at - 86_400, at)


def of_stops(waits: Iterable[Wait]) -> Iterator[Trouble]:
    """Stops: people waited for ten minutes, and nobody of the account's went on."""
    by_kind: dict[tuple[str, str], list[Wait]] = defaultdict(list)
    for wait in waits:
        by_kind[wait.what, wait.account].append(wait)
    for (what, account), of_kind in by_kind.items():
        for start, end in stops(of_kind):
            waiting = sum(wait.start <= start and wait.end >= end for wait in of_kind)
            if what in _MAY_BE_LATE and waiting < _FEW:
                continue
            yield Trouble(
                f"a stop of {end - start:.0f} s of each {what} of {account}", STOPS[what], start, end, account
            )


def stops(waits: Sequence[Wait]) -> Iterator[tuple[float, float]]:
    by_end = sorted(waits, key=lambda wait: wait.end)
    # Since when the longest waiting one waits, of those that have not yet gone on.
    since = list(accumulate((wait.start for wait in reversed(by_end)), min))[::-1]
    before = float("-inf")
    for wait, longest in zip(by_end, since, strict=True):
        if wait.end - max(before, longest) > STOP_SECONDS:
            yield max(before, longest), wait.end
        before = wait.end


def of_failures(failed: Iterable[Wait]) -> Iterator[Trouble]:
    """Failures in numbers, of one account within a quarter of an hour; `failed`: from acceptance to failure."""
    by_account: dict[str, list[Wait]] = defaultdict(list)
    for each in failed:
        by_account[each.account].append(each)
    for account, of_account in by_account.items():
        of_account.sort(key=lambda each: each.end)
        for first, last in zip(of_account, of_account[MASS - 1 :], strict=False):
            if last.end - first.end <= MASS_SECONDS:
                yield Trouble(f"the failure of {MASS} messages of {account}", FAILURES, first.start, last.end, account)
                break
