"""What an outage of a BSP may cost, by what the circuit breaker promises: an outage costs a handful of messages, not a
campaign.

Once five requests in a row have failed, whatever other processes still send within the seconds for which they may not
know it, only probes leave: one message each, 15, 30, 60, 120, 240, then every 300 seconds.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, chain, repeat, takewhile

from local.simulation.facts import Violation
from local.simulation.internet import Exchange
from local.simulation.plan import START, Fault

_PROBES = (15.0, 30.0, 60.0, 120.0, 240.0)
_LATER_PROBES = 300.0
_STRIKES = 5
# The last request ends (15 s), and every process reads the breaker anew (5 s) before its next request.
_KNOWN_AFTER = 25.0
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
            if fault.name in COSTLY and fault.share == 1 and not beside:
                yield from self._of(fault)

    def _of(self, fault: Fault) -> Iterator[Violation]:
        start, end = START + fault.start, START + fault.end
        failed = [
            exchange
            for exchange in self._exchanges
            if self._hosts.get(exchange.host) == fault.target
            and id(exchange) in self._carried
            and start + _KNOWN_AFTER <= exchange.at < end
        ]
        if len(failed) < _STRIKES:
            return
        known = failed[_STRIKES - 1].at + _KNOWN_AFTER
        later = [exchange for exchange in failed if exchange.at >= known]
        burned = {number for exchange in later for number in self._carried[id(exchange)]}
        allowed = probes_within(end - failed[_STRIKES - 1].at)
        if len(burned) > allowed:
            yield Violation(
                "lost",
                f"{fault.name} of {fault.target} cost {len(burned)} messages after its breaker had to open, "
                f"and not {allowed} at most",
            )


def _meet(fault: Fault, other: Fault) -> bool:
    """Whether another fault changes what this one does, for some time."""
    return other.target in (fault.target, _BREAKERS) and other.start < fault.end and fault.start < other.end


def probes_within(seconds: float) -> int:
    """How many probes may have left, each later than the one before that failed."""
    waits = accumulate(chain(_PROBES, repeat(_LATER_PROBES)))
    return sum(1 for _ in takewhile(lambda due: due <= seconds, waits))
