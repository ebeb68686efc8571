"""How often a queue message was sent again, and when: a bound for every chain, whatever started it.

dispatch and forward send to their own queues, and are therefore excepted from Lambda's detection of recursive loops,
which ends a chain after about 16 invocations. This bound takes its place. The longest schedule, four days without
CleverTap, has about 400 hops of 900 seconds.
Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html

A message that is sent again carries `hops`, and `queued_at` (seconds since 1970), which is true for the hop
`queued_hop`: an older version of the bridge sends it again without changing these two.
"""

from collections.abc import Mapping
from typing import Any, Final

MAX_HOPS: Final = 1000
# When it was accepted, and when it was last sent.
_OF_ITS_TIME: Final = frozenset({"accepted_at", "queued_at", "queued_hop"})
# By how much the clocks of SQS and of a function may differ, with the time that a call takes.
_CLOCKS_SECONDS: Final = 60


def next_hop(payload: Mapping[str, Any], now: float) -> dict[str, int]:
    """The members that say that this message is sent again `now`."""
    hops = int(payload.get("hops", 0)) + 1
    return {"hops": hops, "queued_at": int(now), "queued_hop": hops}


def without_hops(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of a message that begins anew."""
    return {name: value for name, value in payload.items() if name not in _OF_ITS_TIME} | {"hops": 0}


def is_redriven(payload: Mapping[str, Any], sent_at: float, first_sent_at: float) -> bool:
    """Whether SQS has moved it back from a dead-letter queue: it was put on its queue (`sent_at`) long after the bridge
    has done that, which was at `first_sent_at` if it was never sent again.

    "All redriven messages are considered new messages with a new messageID and enqueueTime."
    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
    """
    hops = payload.get("hops", 0)
    if hops and payload.get("queued_hop") != hops:
        return False
    queued_at = float(payload["queued_at"]) if hops else first_sent_at
    return sent_at > queued_at + _CLOCKS_SECONDS


def is_last_hop(payload: Mapping[str, Any]) -> bool:
    """Whether the message must not be sent again."""
    return int(payload.get("hops", 0)) >= MAX_HOPS
