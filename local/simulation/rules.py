"""AWS's rules that decide what becomes of a message: constants and pure functions, each with its page.

The tests' world, the local stack and the services in memory all take them from here. Where AWS documents nothing, the
harshest reading is taken, and the comment says so.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote
from zlib import crc32

KIB: Final = 1024
MIB: Final = 1024 * KIB
DAY: Final = 86_400

# --- Lambda's detection of recursive loops ---------------------------------------------------------------------------
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html

LONGEST_CHAIN: Final = 16
"""Invocations of one function in one chain ("approximately"); the next one is refused, unless it may recurse."""

type Lineage = Mapping[str, int]
"""How often each function was invoked on the way to a message or a call; a function is named by `lineage_name`."""

_LINEAGE: Final = "Lineage="


def lineage_name(function: str) -> str:
    """A function in a trace header: a short hash, as AWS writes it there."""
    return f"{crc32(function.encode()):08x}"


def read_lineage(trace_header: str | None) -> dict[str, int]:
    """`Root=...;Lineage=68fd508a:5|c512fbe3:2`: what a trace header says; {} if there is none.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    # botocore escapes the bar.
    for part in unquote(trace_header or "").split(";"):
        if part.startswith(_LINEAGE):
            entries = (entry.rpartition(":") for entry in part.removeprefix(_LINEAGE).split("|"))
            return {name: int(count) for name, _, count in entries}
    return {}


def write_lineage(trace_header: str, lineage: Lineage) -> str:
    """`trace_header` with this lineage in the place of its own."""
    others = [part for part in trace_header.split(";") if part and not part.startswith(_LINEAGE)]
    entries = "|".join(f"{name}:{count}" for name, count in lineage.items())
    return ";".join([*others, _LINEAGE + entries] if entries else others)


def merged(lineages: Iterable[Lineage]) -> dict[str, int]:
    """The lineage of a batch. Not documented: the harshest reading is the highest count of each function."""
    highest: dict[str, int] = {}
    for lineage in lineages:
        for name, count in lineage.items():
            highest[name] = max(count, highest.get(name, 0))
    return highest


def next_link(function: str, lineages: Iterable[Lineage]) -> dict[str, int]:
    """The lineage of an invocation of `function` by messages of these lineages, and of all that it sends."""
    lineage = merged(lineages)
    lineage[function] = lineage.get(function, 0) + 1
    return lineage


def ends_chain(function: str, lineage: Lineage, *, may_recurse: bool) -> bool:
    """Whether Lambda refuses the invocation with this lineage (`next_link`).

    The whole batch is refused: it comes back when its visibility is over, with one receive more, until
    `maxReceiveCount`. `may_recurse`: the function has `RecursiveLoop: Allow`.
    """
    return not may_recurse and lineage.get(function, 0) > LONGEST_CHAIN


# --- SQS -------------------------------------------------------------------------------------------------------------
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html

MAX_DELAY: Final = 900
"""Seconds. FIFO queues have no delay per message."""
MAX_BATCH: Final = 10
MAX_MESSAGE_BYTES: Final = MIB
"""Of a message, and of a batch together; since August 2025."""
MAX_RETENTION: Final = 14 * DAY
DEFAULT_RETENTION: Final = 4 * DAY
MAX_IN_FLIGHT: Final = 120_000
"""Received and not deleted, per queue. Above, polls are empty."""
DEDUPLICATION: Final = 300
"""Seconds for which a FIFO queue remembers a deduplication id, also of deleted messages."""
MAX_RECEIVE_COUNT: Final = 1000
"""The largest `maxReceiveCount` of a redrive policy."""
LEFT_OUT_OF_AGE: Final = 3
"""Receives after which a standard queue leaves a message out of ApproximateAgeOfOldestMessage.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""
BILLED_BYTES: Final = 64 * KIB
"""Each begun 64 KiB of a call is billed as a request. https://aws.amazon.com/sqs/pricing/"""

COUNTS_AGE: Final = 60
"""Seconds by which the counts of GetQueueAttributes may be old. "May not achieve consistency until at least 1 minute
after the producers stop sending messages": taken for the longest.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
"""
MAX_VISIBILITY: Final = 43_200
"""Seconds from the receive; more than is left is an error, not a cut.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""


def visibility_allowed(received_at: float, now: float, visibility: float) -> bool:
    """Whether ChangeMessageVisibility accepts `visibility` for a message that was received at `received_at`."""
    return 0 <= visibility <= MAX_VISIBILITY and (now - received_at) + visibility <= MAX_VISIBILITY


def has_room(in_flight: int) -> bool:
    """Whether a poll of the queue can bring a message."""
    return in_flight < MAX_IN_FLIGHT


def sent_at_in_dead_letter_queue(sent_at: float, now: float, *, fifo: bool) -> float:
    """From when retention counts after SQS has moved a message to a dead-letter queue.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
    """
    return now if fifo else sent_at


def expired(sent_at: float, now: float, retention: float) -> bool:
    return sent_at + retention <= now


def is_message_text(text: str) -> bool:
    """Only characters that XML 1.0 allows. Source: SendMessage in
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
    """
    # Most bodies are printable ASCII, and this is asked of each message.
    return (text.isascii() and text.isprintable()) or _NOT_IN_XML.search(text) is None


_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def sqs_requests(size: int) -> int:
    """What a call with a payload of `size` bytes is billed as."""
    return max(1, -(-size // BILLED_BYTES))


# --- Lambda ----------------------------------------------------------------------------------------------------------
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html

MAX_SOURCE_BATCH: Final = 10_000
MAX_SOURCE_BATCH_FIFO: Final = 10
UNWINDOWED_BATCH: Final = 10
"""A larger batch needs a batching window of at least a second."""
MAX_WINDOW: Final = 300
MAX_PAYLOAD_BYTES: Final = 6 * MIB
"""Of a synchronous invocation's event, and of its answer. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
ACCOUNT_CONCURRENCY: Final = 1000
"""Of all functions of an account and region together; new accounts have less."""
INIT_SECONDS: Final = 10
MIN_MAXIMUM_CONCURRENCY: Final = 2
MAX_MAXIMUM_CONCURRENCY: Final = 1000
POLLER_START: Final = 5
"""Batches at once with which an event source begins; then 300 more a minute.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""
POLLER_GROWTH_PER_MINUTE: Final = 300
POLLER_MOST: Final = 1250


def source_concurrency(seconds: float, maximum: int | None, ran: int = 0) -> int:
    """How many batches an event source runs at once after `seconds` of backlog, at whose beginning it `ran` so many.

    It scales back to five when traffic is low. How soon is not documented: here at once, but not below what is running.
    """
    grown = min(max(POLLER_START, ran) + int(seconds * POLLER_GROWTH_PER_MINUTE / 60), POLLER_MOST)
    return grown if maximum is None else min(grown, maximum)


# --- DynamoDB --------------------------------------------------------------------------------------------------------
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html

NEW_TABLE_WRITES: Final = 4_000
"""Write units a second that a new table, or index, takes at once; more only with warm throughput, or after a peak."""
NEW_TABLE_READS: Final = 12_000
PARTITION_WRITES: Final = 1_000
"""Units a second for one key. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"""
PARTITION_READS: Final = 3_000
MAX_ITEM_BYTES: Final = 400 * KIB
MAX_KEY_BYTES: Final = 2048
MAX_BATCH_KEYS: Final = 100
"""Of BatchGetItem; beyond these bytes it names the rest. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html"""
MAX_BATCH_BYTES: Final = 16 * 1024 * KIB
MAX_EXPRESSION_BYTES: Final = 4 * KIB


def write_units(before: int, after: int) -> int:
    """Of a write that changes an item of `before` bytes to one of `after` bytes (0: no item).

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """
    return max(1, -(-max(before, after) // KIB))


def read_units(size: int, *, consistent: bool) -> float:
    """Of a read that looks at `size` bytes; half if it need not be consistent."""
    units = max(1, -(-size // (4 * KIB)))
    return float(units) if consistent else units / 2


# --- API Gateway -----------------------------------------------------------------------------------------------------
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html

MAX_REQUEST_BYTES: Final = 10 * MIB
INTEGRATION_SECONDS: Final = 30
"""After it the answer is 503, even if the function still runs."""

# --- Secrets Manager -------------------------------------------------------------------------------------------------

# https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html

MAX_SECRET_BYTES: Final = 65_536
SECRETS_BATCHES: Final = 100
"""BatchGetSecretValue requests a second of an account and region; GetSecretValue has ten thousand."""
MAX_SECRETS_BATCH: Final = 20
"""Names in one request. https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html"""
