"""How often a queue message was sent again: a bound for every chain, whatever started it.

dispatch and forward send to their own queues, and are therefore excepted from Lambda's detection of recursive loops,
which ends a chain after about 16 invocations. This bound takes its place. The longest schedule, four days without
CleverTap, has about 400 hops of 900 seconds.
Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from collections.abc import Mapping
from typing import Any, Final

MAX_HOPS: Final = 1000


def next_hop(payload: Mapping[str, Any]) -> dict[str, int]:
    """The member that counts this message's next hop."""
    return {"hops": int(payload.get("hops", 0)) + 1}


def is_last_hop(payload: Mapping[str, Any]) -> bool:
    """Whether the message must not be sent again."""
    return int(payload.get("hops", 0)) >= MAX_HOPS
