"""What faults do: to requests to BSPs and CleverTap, to calls to AWS, and to invocations."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from random import Random
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from local.simulation.functions import Functions, Invocation
from local.simulation.internet import Answer, Effect
from local.simulation.plan import START, Fault, Plan
from local.simulation.scheduler import Killed, Scheduler
from local.simulation.service import client_error

_EMPTY = Answer(500)
_PAGE = Answer(200, b"<html><body>We will be back soon.</body></html>", {"content-type": "text/html"})


def _http(status: int, **headers: str) -> Answer:
    return Answer(status, b"", {name.replace("_", "-"): value for name, value in headers.items()})


def bsp_effect(fault: Fault, random: Random) -> Effect:
    """What a fault of a BSP, or of CleverTap, does to one request.

    An answer without the other side's own word may come from in front of it or from behind: it may have the request.
    """
    maybe = random.random() < 0.6
    match fault.name:
        case "down":
            return Effect(seconds=5, reached=False)
        case "hangs":
            return Effect(seconds=60, taken=maybe)
        case "slow":
            return Effect(seconds=random.uniform(1, 12))
        case "answers lost":
            return Effect(lost=True)
        case "500" | "502" | "504":
            return Effect(taken=maybe, answer=_http(int(fault.name)))
        case "503":
            return Effect(taken=False, answer=_http(503))
        case "503 with retry-after":
            return Effect(taken=False, answer=_http(503, retry_after="120"))
        case "429":
            return Effect(taken=False, answer=_http(429))
        case "429 with retry-after":
            return Effect(taken=False, answer=_http(429, retry_after="60"))
        case "maintenance page":
            return Effect(taken=False, answer=_PAGE)
        case _:
            return Effect()


# Calls that a fault of an AWS service concerns; the others are reads of configuration or of no service named.
_THROTTLING = {
    "dynamodb": "ThrottlingException",
    "sqs": "RequestThrottled",
    "secretsmanager": "ThrottlingException",
    "kms": "ThrottlingException",
    "s3": "SlowDown",
}


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

    @property
    def elapsed(self) -> float:
        return self._scheduler.now - START

    def _struck(self, target: str, besides: Collection[str] = ()) -> Fault | None:
        for place, fault in self._by_target.get(target, ()):
            if fault.name in besides:
                continue
            if fault.active(self.elapsed) and self._random.random() < fault.share:
                self.strikes[place].append(self.elapsed)
                return fault
        return None

    # --- the other sides -------------------------------------------------------------------------------------------

    def effect(self, host: str, method: str, target: str, body: bytes) -> Effect:
        fault = self._struck(self.hosts.get(host, ""))
        if fault is None:
            return Effect(seconds=self._random.choice([0.02, 0.05, 0.2, 0.8]))
        if fault.name == "10 at a time":
            too_many = body.count(b'"msgId"') > 10
            return Effect(taken=False, answer=_http(413)) if too_many else Effect()
        return bsp_effect(fault, self._random)

    # --- AWS ---------------------------------------------------------------------------------------------------------

    def before(self, service: str, operation: str, parameters: Mapping[str, Any]) -> None:
        owner = self._scheduler.owner
        if self.elsewhere or not isinstance(owner, Invocation):
            return
        self._scheduler.sleep(0.004 if self._random.random() < 0.98 else self._random.uniform(0.05, 1.5))
        if self._struck_by("lambda", "killed"):
            self.functions.die(owner)
            raise Killed
        fault = self._struck(service, besides=("answers lost", "partial failures"))
        if fault is None:
            return
        if fault.name == "denied":
            raise client_error(operation, "AccessDeniedException", "not authorized")
        if fault.name == "away":
            self._scheduler.sleep(1)
            raise EndpointConnectionError(endpoint_url="https://aws.example")
        raise client_error(operation, _THROTTLING[service], "rate exceeded")

    def after(self, service: str, operation: str, parameters: Mapping[str, Any], answer: Any) -> None:
        owner = self._scheduler.owner
        if self.elsewhere or not isinstance(owner, Invocation) or isinstance(answer, ClientError):
            return
        if self._struck_by(service, "answers lost"):
            self._scheduler.sleep(2)
            raise ReadTimeoutError(endpoint_url="https://aws.example")

    def _struck_by(self, target: str, name: str) -> bool:
        for place, fault in self._by_target.get(target, ()):
            if fault.name == name and fault.active(self.elapsed) and self._random.random() < fault.share:
                self.strikes[place].append(self.elapsed)
                return True
        return False

    def refuses_entry(self) -> bool:
        """Whether SQS refuses this entry of a batch, although it answers 200."""
        return isinstance(self._scheduler.owner, Invocation) and self._struck_by("sqs", "partial failures")

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

    def concurrency(self) -> int:
        throttled = any(
            fault.name == "throttled" and fault.active(self.elapsed) for _, fault in self._by_target.get("lambda", ())
        )
        return 2 if throttled else self._plan.concurrency
