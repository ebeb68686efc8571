"""What faults do: to requests to BSPs and CleverTap, to calls to AWS, and to invocations."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from random import Random
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from local.simulation.functions import Functions, Invocation
from local.simulation.internet import Answer, Effect
from local.simulation.plan import CLEVERTAP_FAULTS, START, Fault, Plan
from local.simulation.scheduler import Killed, Scheduler
from local.simulation.service import client_error

_PAGE = Answer(200, b"<html><body>We will be back soon.</body></html>", {"content-type": "text/html"})


def bsp_effect(fault: Fault, random: Random) -> Effect:
    """What a fault of a BSP, or of CleverTap, does to one request.

    An answer without the other side's own word may come from in front of it or from behind: it may have the request.
    """
    maybe = random.random() < 0.6
    name, _, asks = fault.name.partition(" with ")
    headers = {"retry-after": "60" if name == "429" else "120"} if asks else {}
    match name:
        case "down":
            return Effect(seconds=5, reached=False)
        case "hangs":
            return Effect(seconds=60, taken=maybe)
        case "slow":
            return Effect(seconds=random.uniform(1, 12))
        case "answers lost":
            return Effect(lost=True)
        case "500" | "502" | "504":
            return Effect(taken=maybe, answer=Answer(int(name), headers=headers))
        case "403" | "429" | "503":
            return Effect(taken=False, answer=Answer(int(name), headers=headers))
        case "maintenance page":
            return Effect(taken=False, answer=_PAGE)
        case _:
            return Effect()


# What those who are not allowed hear.
_DENIED = {"secretsmanager": "AccessDeniedException", "kms": "AccessDeniedException", "s3": "AccessDenied"}
_OF_TEMPLATES = ("TemplatesFunction", "ImportFunction")
# The client's (`store/aws.py`).
_READ_SECONDS = 2.0
# What the `lambda` fault "throttled" leaves of the account's concurrency to the bridge.
_LEFT_OVER = 2
# The first key that is touched becomes hot, with this probability: not always the breaker's, with which batches begin.
_HOT = 0.1


class Weather:
    """`strikes`: when each fault struck, in seconds from the start, by its place in the plan."""

    def __init__(self, plan: Plan, scheduler: Scheduler, random: Random) -> None:
        self._plan, self._scheduler, self._random = plan, scheduler, random
        self.strikes: dict[int, list[float]] = defaultdict(list)
        self.functions: Functions
        self._by_target: dict[str, list[tuple[int, Fault]]] = {}
        for place, fault in enumerate(plan.faults):
            self._by_target.setdefault(fault.target, []).append((place, fault))
        self.hosts: dict[str, str] = {}
        """Whose host it is: an account's name, or `clevertap`."""
        self.elsewhere = False
        """Whether the other side is at work: what it asks of AWS is asked of its own."""
        self._hot: dict[int, str] = {}
        """The key that a fault makes hot, by the fault's place."""

    @property
    def elapsed(self) -> float:
        return self._scheduler.now - START

    def _struck(self, target: str, *names: str, noted: bool = True) -> Fault | None:
        """The fault of this target, with one of the names if some are given, that strikes now."""
        for place, fault in self._active(target, *names):
            if self._random.random() < fault.share:
                if noted:
                    self.strikes[place].append(self.elapsed)
                return fault
        return None

    def _active(self, target: str, *names: str) -> Iterator[tuple[int, Fault]]:
        """The faults of this target that last now, with one of the names if some are given, and their places."""
        for place, fault in self._by_target.get(target, ()):
            if (not names or fault.name in names) and fault.active(self.elapsed):
                yield place, fault

    # --- the other sides -------------------------------------------------------------------------------------------

    def effect(self, host: str, method: str, target: str, body: bytes) -> Effect:
        owner = self._scheduler.owner
        # A list may fail three times before an alarm is due, which is longer than most runs.
        noted = not (isinstance(owner, Invocation) and owner.function in _OF_TEMPLATES)
        fault = self._struck(self.hosts.get(host, ""), *CLEVERTAP_FAULTS, noted=noted)
        if fault is None:
            return Effect(seconds=self._random.choice([0.02, 0.05, 0.2, 0.8]))
        if fault.name == "10 at a time":
            too_many = body.count(b'"msgId"') > 10
            return Effect(taken=False, answer=Answer(413)) if too_many else Effect()
        return bsp_effect(fault, self._random)

    # --- AWS ---------------------------------------------------------------------------------------------------------

    def before(self, service: str, operation: str, parameters: Mapping[str, Any]) -> None:
        owner = self._scheduler.owner
        if self.elsewhere or not isinstance(owner, Invocation):
            return
        self._scheduler.sleep(0.004 if self._random.random() < 0.98 else self._random.uniform(0.05, 1.5))
        if self._struck("lambda", "killed"):
            self.functions.die(owner, "killed")
            raise Killed
        self._fill_memory(owner)
        if service == "secretsmanager":
            # ListSecrets names none.
            for name in parameters.get("SecretIdList", [parameters.get("SecretId", "")]):
                self._note_broken(str(name))
        fault = self._struck(service, "away", "denied")
        if fault is None:
            return
        if fault.name == "denied":
            raise client_error(operation, _DENIED[service], "not authorized")
        self._scheduler.sleep(1)
        raise EndpointConnectionError(endpoint_url="https://aws.example")

    def after(self, service: str, operation: str, parameters: Mapping[str, Any], answer: Any) -> None:
        owner = self._scheduler.owner
        if self.elsewhere or not isinstance(owner, Invocation) or isinstance(answer, ClientError):
            return
        if self._struck(service, "answers lost"):
            self._wait_for_answer(_READ_SECONDS)
        elif self._struck(service, "slow"):
            self._wait_for_answer(self._random.uniform(0.3, 1.5 * _READ_SECONDS))

    def _wait_for_answer(self, seconds: float) -> None:
        self._scheduler.sleep(min(seconds, _READ_SECONDS))
        if seconds >= _READ_SECONDS:
            raise ReadTimeoutError(endpoint_url="https://aws.example")

    def _fill_memory(self, owner: Invocation) -> None:
        """It ends soon, in the middle of whatever it does then."""
        for place, fault in self._active("lambda", "out of memory"):
            if self._random.random() < fault.share:
                self._scheduler.call(partial(self._run_out, place, owner), after=self._random.uniform(0, 1.5))

    def _run_out(self, place: int, owner: Invocation) -> None:
        if owner in self.functions.running and owner.tasks:
            self.strikes[place].append(self.elapsed)
            self.functions.die(owner, "out of memory")

    def _note_broken(self, secret: str) -> None:
        for place, fault in self._active("secretsmanager", "broken secret"):
            if secret.endswith(f"/{fault.of}"):
                self.strikes[place].append(self.elapsed)

    def table_is_full(self, kind: str, of: str) -> bool:
        """Whether others have used up a limit of the table's throughput (`dynamodb.Throughput`)."""
        if self.elsewhere or not isinstance(self._scheduler.owner, Invocation):
            return False
        if kind in ("key_writes", "key_reads"):
            return self._is_hot(of)
        return self._struck("dynamodb", "index throttled" if of else "throttled") is not None

    def _is_hot(self, key: str) -> bool:
        for place, fault in self._active("dynamodb", "hot key throttled"):
            if place not in self._hot and self._random.random() < _HOT:
                self._hot[place] = key
            if self._hot.get(place) == key and self._random.random() < fault.share:
                self.strikes[place].append(self.elapsed)
                return True
        return False

    def refuses_entry(self) -> bool:
        """Whether SQS refuses this entry of a batch, although it answers 200."""
        return isinstance(self._scheduler.owner, Invocation) and self._struck("sqs", "partial failures") is not None

    def wrote(self, item: str, *, done: bool) -> None:
        """An invocation has written an item of DynamoDB; or could not, for good."""
        owner = self._scheduler.owner
        if isinstance(owner, Invocation):
            owner.writes.append((item, self._scheduler.now, done))

    def pause(self, seconds: float) -> None:
        self._scheduler.sleep(seconds)

    def index_lag(self) -> float:
        """Seconds."""
        return 30.0 if self._struck("index") else 0.2

    def has_room(self, running: int) -> bool:
        """Whether one more invocation may run beside so many."""
        if running >= _LEFT_OVER and self._struck("lambda", "throttled"):
            return False
        return running < self._plan.concurrency

    def note_old_credential(self, account: str) -> None:
        """A request came with one that was rotated. Behind another fault, the bridge does not hear of it."""
        active = list(self._active(account))
        for place, fault in active:
            if fault.name == "credential rotated" and len(active) == 1:
                self.strikes[place].append(self.elapsed)
