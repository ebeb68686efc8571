"""SQS queues."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from whatsapp_bridge.store.aws import client, error_code

# SQS's limit for a message was 256 KiB until August 2025, then 1 MiB; the older limit is safe for every queue.
MAX_MESSAGE_BYTES = 262_144
MAX_DELAY_SECONDS = 900
# SQS counts its limit of twelve hours from the receipt of the message.
MAX_VISIBILITY_SECONDS = 43_000
_MAX_BATCH = 10
# Characters that are valid in JSON but that SQS refuses. Source: SendMessage in
# https://docs.aws.amazon.com/AWSSimpleQueueService/.
_REFUSED: Final = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}
# A message that is too large, or has characters that SQS does not take.
_LASTING = {"InvalidParameterValue", "InvalidMessageContents", "BatchRequestTooLong"}
_THROTTLED = {"ThrottlingException", "RequestThrottled", "AWS.SimpleQueueService.RequestThrottled", "OverLimit"}


class NotStored(Exception):
    """SQS did not do what was asked: a message could not be put on its queue. `throttled`: SQS asked for less.
    `lasting`: SQS will never take it. `unanswered`: SQS may have done it all the same.

    `missing`: of several, the places of those that SQS may not have; it has the others.
    """

    def __init__(
        self,
        reason: str,
        *,
        throttled: bool = False,
        lasting: bool = False,
        unanswered: bool = False,
        missing: Sequence[int] = (),
    ) -> None:
        super().__init__(reason)
        self.throttled, self.lasting, self.unanswered, self.missing = throttled, lasting, unanswered, missing


@dataclass(frozen=True, slots=True)
class Entry:
    """A message to put on a queue: `deduplication` for FIFO queues, `delay` (seconds) for the others. `body` is JSON.

    `group` on a FIFO queue is what keeps its order. On a standard queue it is whose message it is: while one of them
    has many under way, SQS hands out those of the others first.
    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
    """

    body: str = field(repr=False)
    group: str | None = None
    deduplication: str | None = None
    delay: int = 0

    @property
    def size(self) -> int:
        """Bytes, as SQS counts them."""
        return len(self._message().encode())

    def _message(self) -> str:
        """The body with JSON escapes for characters that SQS refuses."""
        return self.body.translate(_REFUSED) if "\ufffe" in self.body or "\uffff" in self.body else self.body

    def parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = {"MessageBody": self._message()}
        if self.group is not None:
            parameters["MessageGroupId"] = self.group
        if self.deduplication is not None:
            parameters["MessageDeduplicationId"] = self.deduplication
        if self.delay:
            parameters["DelaySeconds"] = self.delay
        return parameters


class Counts(NamedTuple):
    """About how many messages a queue has. It may be what was true a minute ago, and of each number on its own.

    Source: GetQueueAttributes in https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
    """

    unfinished: int
    """That wait or are being handled."""
    delayed: int


COUNTS_SECONDS: Final = 60
"""So old may the counts of a queue be."""


class Queue:
    in_order = False
    """Whether nothing may be sent behind what SQS has refused."""

    def __init__(self, url: str, sqs: Any = None) -> None:
        self._url = url
        self._sqs = sqs or client("sqs")

    def send(self, entry: Entry) -> None:
        """One AWS call. Raises `NotStored`."""
        self._call("send_message", **entry.parameters())

    def send_all(self, entries: Iterable[Entry]) -> None:
        """In as few calls as SQS's limits allow, in order. Raises `NotStored` if any may not be on the queue.

        SQS answers 200 to a batch of which it refuses some: the other batches are sent all the same.
        """
        given, place = list(entries), 0
        refused: dict[int, str] = {}
        for batch in _batches(given):
            try:
                refused |= {place + number: code for number, code in self._send_batch(batch)}
            except NotStored as error:
                # Nobody knows what SQS has of this batch, and the next ones would meet the same.
                error.missing = [*refused, *range(place, len(given))]
                raise
            place += len(batch)
            if refused and self.in_order:
                break
        if refused:
            missing = [*refused, *range(place, len(given))]
            codes = set(refused.values())
            throttled, lasting = bool(codes & _THROTTLED), codes <= _LASTING
            raise NotStored(min(codes), throttled=throttled, lasting=lasting, missing=missing)

    def _send_batch(self, batch: list[Entry]) -> list[tuple[int, str]]:
        """The places of what SQS refused, with its codes."""
        numbered = [{"Id": str(number), **entry.parameters()} for number, entry in enumerate(batch)]
        failed = self._call("send_message_batch", Entries=numbered).get("Failed", [])
        return [(int(entry["Id"]), str(entry.get("Code", ""))) for entry in failed]

    def postpone(self, receipt_handle: str, seconds: int) -> None:
        """Make a received message come back after `seconds`. Raises `NotStored`."""
        self._call("change_message_visibility", ReceiptHandle=receipt_handle, VisibilityTimeout=seconds)

    def counts(self) -> Counts:
        """Raises `NotStored`."""
        ready, handled, delayed = (f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed"))
        given = self._call("get_queue_attributes", AttributeNames=[ready, handled, delayed])["Attributes"]
        return Counts(int(given[ready]) + int(given[handled]), int(given[delayed]))

    def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self._sqs, operation)(QueueUrl=self._url, **arguments)
        except ClientError as error:
            code = error_code(error)
            throttled, lasting = code in _THROTTLED, code in _LASTING
            unanswered = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500 and not throttled
            raise NotStored(
                f"SQS {operation}: {code}", throttled=throttled, lasting=lasting, unanswered=unanswered
            ) from None
        except BotoCoreError as error:
            raise NotStored(f"SQS {operation}: {type(error).__name__}", unanswered=True) from None


class FifoQueue(Queue):
    """A queue that keeps the order within each group."""

    in_order = True


class DeadLetterQueue(Queue):
    """A queue for messages that the bridge has given up."""


# One class per queue, so that the type checker finds two queues that are swapped.


class ConversationQueue(FifoQueue):
    """Freeform messages to people; a group per person."""


class CampaignQueue(Queue):
    """Template messages to people."""


class RepliesQueue(FifoQueue):
    """Messages from people; a group per person."""


class StatusesQueue(Queue):
    """Statuses of messages (`flows.status_queue`)."""


class TemplatesQueue(Queue):
    """News of templates, and syncs that are due (`flows.template_queue`)."""


class QuarantineQueue(Queue):
    """Elements that are authenticated but not understood (`flows.quarantine`)."""


class PeopleQuarantineQueue(QuarantineQueue):
    """Messages of people whose number nobody knows."""


class ConversationDeadLetters(DeadLetterQueue):
    """Freeform messages that were given up."""


class CampaignDeadLetters(DeadLetterQueue):
    """Template messages that were given up."""


class RepliesDeadLetters(DeadLetterQueue):
    """Messages from people that CleverTap did not accept."""


class StatusesDeadLetters(DeadLetterQueue):
    """Statuses that CleverTap did not accept."""


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Batches of at most ten messages, together at most as large as one may be."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        length = entry.size
        if batch and (len(batch) == _MAX_BATCH or size + length > MAX_MESSAGE_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += length
    if batch:
        yield batch
