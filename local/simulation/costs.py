"""`make costs`: what AWS's services do for one message, and what a million messages cost at list prices.

Counted in the simulation, without faults: a campaign of a thousand templates at 500 a second, or two hundred texts at
20 a second, each with the BSP's statuses. Functions wait 5 ms for each call to AWS and 100 ms for each other request;
their own work is not in it, nor are the empty polls of idle queues.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from local.simulation.internet import Effect
from local.simulation.plan import Event, Kind, Plan, sample_accounts
from local.simulation.run import Run
from local.simulation.service import After

# List prices in us-east-1 (USD), from https://aws.amazon.com/{api-gateway,lambda,sqs,dynamodb,kms}/pricing/.
# Lambda: arm64. SQS: with fair queues, which cost $0.10 more on standard queues.
PRICES: Final = {
    "API Gateway requests": 1.00 / 1e6,
    "Lambda invocations": 0.20 / 1e6,
    "Lambda GB-seconds": 0.0000133334,
    "SQS requests": 0.50 / 1e6,
    "SQS FIFO requests": 0.50 / 1e6,
    "DynamoDB writes": 0.625 / 1e6,
    "DynamoDB reads": 0.125 / 1e6,
    "KMS requests": 0.03 / 1e4,
}
SERVICES: Final = ("API Gateway", "Lambda", "SQS", "DynamoDB", "KMS")
"""How the names of their prices begin."""
UNPRICED: Final = ("requests to the BSP", "requests to CleverTap")
_AWS_SECONDS, _REQUEST_SECONDS = 0.005, 0.1
_MANY: Final[dict[Kind, tuple[int, float]]] = {"template": (1000, 500.0), "text": (200, 20.0)}
"""How many messages, and how many of them in a second."""


@dataclass(frozen=True)
class Cost:
    """What the services did for `messages`."""

    account: str
    kind: Kind
    messages: int
    used: Mapping[str, float]

    def each(self, name: str) -> float:
        return self.used[name] / self.messages

    def of_a_million(self, service: str = "") -> float:
        """USD, of all services, or of one."""
        return 1e6 * sum(self.each(name) * price for name, price in PRICES.items() if name.startswith(service))


class _Calm(Run):
    """Nothing is slow, and each call is counted."""

    def _build(self) -> None:
        super()._build()
        self.sqs_calls: Counter[bool] = Counter()
        self.kms_calls = 0
        self.internet.effect = lambda *_: Effect(seconds=_REQUEST_SECONDS)
        for service in self.aws.services:
            service.before, own = self._before, service.after
            service.after = partial(self._after, own)

    def _before(self, service: str, operation: str, parameters: Mapping[str, Any]) -> None:
        if self.scheduler.owner is not None and not self.weather.elsewhere:
            self.scheduler.sleep(_AWS_SECONDS)
        if service == "kms":
            self.kms_calls += not self.weather.elsewhere

    def _after(self, own: After, service: str, operation: str, parameters: Mapping[str, Any], answer: Any) -> None:
        if service == "sqs" and (answer or operation != "ReceiveMessage"):
            self.sqs_calls[str(parameters["QueueUrl"]).endswith(".fifo")] += 1
        own(service, operation, parameters, answer)


def cost(account: str, kind: Kind) -> Cost:
    """The cost of one account's messages of a kind."""
    number, rate = _MANY[kind]
    # No number has an ending that chooses another outcome than being read.
    events = tuple(
        Event(place / rate, kind, account, place + 1, f"2782{place % 1000:03d}{1000 + place}")
        for place in range(number)
    )
    plan = Plan(0, {account: sample_accounts()[account]}, events, (), spread=1.0, twice=0.0)
    run = _Calm(plan)
    result = run.play()
    if result.violations:
        raise AssertionError(result.violations[0])
    return Cost(account, kind, number, _used(run))


def _used(run: _Calm) -> Mapping[str, float]:
    functions, clevertap = run.deployment.functions, run.weather.hosts
    (table,) = run.aws.dynamodb.tables.values()
    used: defaultdict[str, float] = defaultdict(float)
    for name, function in functions.items():
        used["Lambda invocations"] += run.functions.counts[name]
        used["Lambda GB-seconds"] += run.functions.milliseconds[name] / 1000 * function.memory / 1024
        if any(route.function == name for route in run.deployment.routes):
            used["API Gateway requests"] += run.functions.counts[name]
    used["SQS requests"], used["SQS FIFO requests"] = run.sqs_calls[False], run.sqs_calls[True]
    used["DynamoDB writes"] = table.units.writes + table.units.index_writes
    used["DynamoDB reads"] = table.units.reads
    used["KMS requests"] = run.kms_calls
    for exchange in run.internet.exchanges:
        side = "CleverTap" if clevertap.get(exchange.host) == "clevertap" else "the BSP"
        used[f"requests to {side}"] += 1
    return used


def table(costs: list[Cost]) -> list[str]:
    """Rows of Markdown: per message, and the price of a million."""
    heads = [f"{cost.account.removeprefix('acme').strip('-') or 'one api'}, {cost.kind}" for cost in costs]
    rows = [["per message", *heads], ["---"] * (len(costs) + 1)]
    rows += [[name, *(f"{cost.each(name):.1f}" for cost in costs)] for name in (*PRICES, *UNPRICED)]
    rows += [
        [f"a million, {service}, USD", *(f"{cost.of_a_million(service):.1f}" for cost in costs)] for service in SERVICES
    ]
    rows.append(["**a million, USD**", *(f"**{cost.of_a_million():.0f}**" for cost in costs)])
    return [f"| {' | '.join(row)} |" for row in rows]


def main() -> int:
    accounts = sorted(sample_accounts())
    for kind in _MANY:
        print("\n".join(table([cost(account, kind) for account in accounts])), end="\n\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
