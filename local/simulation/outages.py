"""What an outage of a BSP may cost, by what the circuit breaker promises: an outage costs a handful of messages, not a
campaign.

Five requests in a row open the breaker. From then on only probes leave: one message each, 15, 30, 60, 120, 240, then
every 300 seconds. An invocation knows that when five requests of its own have failed, and every process some seconds
later; what they had under way before is what an outage costs besides.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, chain, repeat, takewhile

from local.simulation.facts import Violation
from local.simulation.internet import Exchange
from local.simulation.plan import START, Fault

_PROBES = (15.0, 30.0, 60.0, 120.0, 240.0)
_LATER_PROBES = 300.0
_STRIKES = 5
# What was answered before the fault began is recorded.
_SETTLED = 3.0
# The last request ends (15 s), and every process reads the breaker anew (5 s) before its next request.
_KNOWN_AFTER = 25.0
# How long one lasts. An exchange is noted in its middle.
_HANGING, _QUICK = 16.0, 0.1
# A breaker's times are whole seconds.
_ROUNDED = 1.0
COSTLY = {"hangs", "500", "502", "504", "answers lost", "maintenance page"}
"""The BSP may have the message, so it is not sent again."""
# The breakers are in DynamoDB: without it everything is sent.
_BREAKERS = "dynamodb"


class Outages:
    """`requests`: those that carry a message, by its number."""

    def __init__(
        self,
        faults: Sequence[Fault],
        exchanges: Sequence[Exchange],
        hosts: Mapping[str, str],
        requests: Mapping[int, Sequence[Exchange]],
    ) -> None:
        self._faults, self._hosts = faults, hosts
        self._exchanges = exchanges
        self._carried: dict[int, set[int]] = {}
        for number, carrying in requests.items():
            for exchange in carrying:
                self._carried.setdefault(id(exchange), set()).add(number)

    def violations(self) -> Iterator[Violation]:
        for fault in self._faults:
            beside = [other for other in self._faults if other is not fault and _meet(fault, other)]
            if fault.kind in COSTLY and fault.share == 1 and not beside:
                yield from self._of(fault)

    def _of(self, fault: Fault) -> Iterator[Violation]:
        start, end = START + fault.start + _SETTLED, START + fault.end
        failed = [
            exchange
            for exchange in self._exchanges
            if self._hosts.get(exchange.host) == fault.target
            and id(exchange) in self._carried
            and start <= exchange.at < end
            # Nobody has heard of a request whose invocation died.
            and not (exchange.owner is None or exchange.owner.dead)
        ]
        if len(failed) < _STRIKES:
            return
        opened = failed[_STRIKES - 1].at
        late = {id(exchange) for exchange in failed if exchange.at >= opened + _KNOWN_AFTER} | self._against_knowledge(
            failed, _HANGING if fault.kind == "hangs" else _QUICK
        )
        burned = [exchange.at for exchange in failed if id(exchange) in late for _ in self._carried[id(exchange)]]
        if any(place > probes_within(at - opened + _ROUNDED) for place, at in enumerate(burned, 1)):
            yield Violation(
                "lost", f"{fault.name} of {fault.target} cost {len(burned)} messages after its breaker had to be open"
            )

    @staticmethod
    def _against_knowledge(failed: Sequence[Exchange], lasts: float) -> set[int]:
        """The requests that an invocation began after five of its own had failed."""
        of_owner: dict[int, list[Exchange]] = defaultdict(list)
        for exchange in failed:
            of_owner[id(exchange.owner)].append(exchange)
        return {
            id(exchange)
            for own in of_owner.values()
            for exchange in own[_STRIKES:]
            if exchange.at > own[_STRIKES - 1].at + lasts
        }


def _meet(fault: Fault, other: Fault) -> bool:
    """Whether another fault changes what this one does, for some time."""
    return other.target in (fault.target, _BREAKERS) and other.start < fault.end and fault.start < other.end


def probes_within(seconds: float) -> int:
    """How many probes may have left, each later than the one before that failed."""
    waits = accumulate(chain(_PROBES, repeat(_LATER_PROBES)))
    return sum(1 for _ in takewhile(lambda due: due <= seconds, waits))
