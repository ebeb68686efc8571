"""SQS in memory: the client methods that the bridge and Lambda's pollers use."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from hashlib import md5
from random import Random
from typing import Any

from local.simulation import rules
from local.simulation.queue import Harshness, Message, NotInFlight, Queue, ReceiptExpired, State, TooLong
from local.simulation.service import Refused, Service, operation

type Refuse = Callable[[str, str, Mapping[str, Any]], str | None]
"""Asked for each entry of a batch call, with the operation and the queue's name: the code with which it fails."""

_ID = re.compile(r"[\w-]{1,80}", re.ASCII)
_INVALID = "InvalidParameterValue"
_BAD_RECEIPT = "The input receipt handle is invalid."
_SENDER = "AIDAIT2UOQQY3AUEKVGXU"


class Sqs(Service):
    """`trace` gives the X-Ray header that the caller's requests carry, as botocore sends it; None for none."""

    name = "sqs"

    def __init__(self, clock: Callable[[], float], random: Random) -> None:
        super().__init__(clock)
        self.harshness = Harshness()
        self.refuse: Refuse = lambda operation_name, queue, entry: None
        self.trace: Callable[[], str | None] = lambda: None
        self.lost: list[tuple[str, Message]] = []
        """The messages that expired, with the queue's name."""
        self.billed: Counter[str] = Counter()
        """Requests as they are billed, by operation."""
        self.queues: dict[str, Queue] = {}
        """By URL."""
        self._random = random

    def create(self, name: str, arn: str, url: str, attributes: dict[str, Any]) -> Queue:
        """A queue with CloudFormation's attributes. Its dead-letter queue must exist."""
        queue = Queue(name, arn, url, attributes, self._random, self.harshness, self._lose)
        if policy := attributes.get("RedrivePolicy"):
            queue.dead_letters = self._by_arn(policy["deadLetterTargetArn"])
        self.queues[url] = queue
        return queue

    def _lose(self, queue: Queue, message: Message) -> None:
        self.lost.append((queue.name, message))

    def _by_arn(self, arn: str) -> Queue:
        return next(queue for queue in self.queues.values() if queue.arn == arn)

    # --- sending -----------------------------------------------------------------------------------------------------

    @operation("SendMessage")
    def send_message(self, /, *, QueueUrl: str, **entry: Any) -> dict[str, Any]:
        queue = self._queue(QueueUrl)
        size = len(_encoded(entry["MessageBody"]))
        self.billed["SendMessage"] += rules.sqs_requests(size)
        return self._send(queue, entry, size)

    @operation("SendMessageBatch")
    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        queue = self._queue(QueueUrl)
        _check_batch(Entries)
        sizes = [len(_encoded(entry["MessageBody"])) for entry in Entries]
        self.billed["SendMessageBatch"] += rules.sqs_requests(sum(sizes))
        if sum(sizes) > rules.MAX_MESSAGE_BYTES:
            limit = f"Batch requests cannot be longer than {rules.MAX_MESSAGE_BYTES} bytes."
            message = f"{limit} You have sent {sum(sizes)} bytes."
            raise _batch_error("BatchRequestTooLong", message)
        sized = {entry["Id"]: size for entry, size in zip(Entries, sizes, strict=True)}
        return self._each(
            "SendMessageBatch", queue, Entries, lambda entry: self._send(queue, entry, sized[entry["Id"]])
        )

    def _send(self, queue: Queue, entry: Mapping[str, Any], size: int) -> dict[str, Any]:
        body, delay = entry["MessageBody"], entry.get("DelaySeconds")
        _check_message(queue, entry, size)
        given = entry.get("MessageSystemAttributes", {}).get("AWSTraceHeader")
        now = self.clock()
        message = Message(
            id=self._new_id(),
            body=body,
            sent_at=now,
            group=entry.get("MessageGroupId"),
            deduplication=entry.get("MessageDeduplicationId"),
            trace=given["StringValue"] if given else self.trace(),
        )
        answer = {"MessageId": message.id, "MD5OfMessageBody": _digest(body)}
        if queue.fifo:
            message.sequence = answer["SequenceNumber"] = f"{queue.sent:020}"
        queue.send(message, delay, now)
        return answer

    def _new_id(self) -> str:
        digits = f"{self._random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    # --- receiving ---------------------------------------------------------------------------------------------------

    @operation("ReceiveMessage")
    def receive_message(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int = 1,
        VisibilityTimeout: int | None = None,
        AttributeNames: Sequence[str] = (),
        MessageSystemAttributeNames: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Never waits: time is the caller's."""
        queue = self._queue(QueueUrl)
        if not 1 <= MaxNumberOfMessages <= rules.MAX_BATCH:
            message = (
                f"Value {MaxNumberOfMessages} for parameter MaxNumberOfMessages is invalid. "
                "Reason: Must be between 1 and 10, if provided."
            )
            raise Refused(_INVALID, message)
        received = queue.receive(MaxNumberOfMessages, VisibilityTimeout, self.clock())
        self.billed["ReceiveMessage"] += rules.sqs_requests(sum(len(message.body) for message in received))
        names = {*AttributeNames, *MessageSystemAttributeNames}
        return {"Messages": [_received(message, names) for message in received]} if received else {}

    @operation("DeleteMessage")
    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> dict[str, Any]:
        queue = self._queue(QueueUrl)
        self.billed["DeleteMessage"] += 1
        return self._delete(queue, {"ReceiptHandle": ReceiptHandle})

    @operation("DeleteMessageBatch")
    def delete_message_batch(self, *, QueueUrl: str, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        queue = self._queue(QueueUrl)
        _check_batch(Entries)
        self.billed["DeleteMessageBatch"] += 1
        return self._each("DeleteMessageBatch", queue, Entries, lambda entry: self._delete(queue, entry))

    def _delete(self, queue: Queue, entry: Mapping[str, Any]) -> dict[str, Any]:
        message, receive = _of_receipt(queue, entry["ReceiptHandle"])
        if message is not None:
            try:
                queue.delete(message, receive, self.clock())
            except ReceiptExpired:
                raise Refused(_INVALID, "The receipt handle has expired.") from None
        return {}

    @operation("ChangeMessageVisibility")
    def change_message_visibility(self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> dict[str, Any]:
        queue = self._queue(QueueUrl)
        self.billed["ChangeMessageVisibility"] += 1
        self._hide(queue, ReceiptHandle, VisibilityTimeout)
        return {}

    def _hide(self, queue: Queue, receipt: str, visibility: int) -> None:
        message, _ = _of_receipt(queue, receipt)
        if message is None:
            raise Refused(
                _INVALID,
                f"Value {receipt} for parameter ReceiptHandle is invalid. Reason: Message does not "
                "exist or is not available for visibility timeout change.",
            )
        try:
            queue.hide(message, visibility, self.clock())
        except NotInFlight:
            code = "AWS.SimpleQueueService.MessageNotInflight"
            raise Refused(code, "The specified message isn't in flight.") from None
        except TooLong:
            reason = (
                f"Value {visibility} for parameter VisibilityTimeout is invalid. Reason: Total "
                f"VisibilityTimeout for the message is beyond the limit [{rules.MAX_VISIBILITY} seconds]"
            )
            raise Refused(_INVALID, reason) from None

    # --- looking -----------------------------------------------------------------------------------------------------

    @operation("GetQueueAttributes")
    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: Sequence[str] = ()) -> dict[str, Any]:
        queue = self._queue(QueueUrl)
        self.billed["GetQueueAttributes"] += 1
        queue.settle(self.clock())
        attributes = {
            "ApproximateNumberOfMessages": str(queue.told_count[State.WAITING]),
            "ApproximateNumberOfMessagesDelayed": str(queue.told_count[State.DELAYED]),
            "ApproximateNumberOfMessagesNotVisible": str(queue.told_count[State.IN_FLIGHT]),
            "QueueArn": queue.arn,
            "VisibilityTimeout": str(queue.visibility),
            "MessageRetentionPeriod": str(queue.retention),
            "MaximumMessageSize": str(queue.max_bytes),
        }
        if queue.dead_letters is not None:
            attributes["RedrivePolicy"] = json.dumps(queue.attributes["RedrivePolicy"])
        return {"Attributes": {n: v for n, v in attributes.items() if n in AttributeNames or "All" in AttributeNames}}

    @operation("StartMessageMoveTask")
    def start_message_move_task(self, *, SourceArn: str, DestinationArn: str) -> dict[str, Any]:
        """A redrive, done at once: the messages are new ones, with new ids and dates.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
        Not documented: whether the trace header stays. The harshest reading is that it does.
        """
        source, to, now = self._by_arn(SourceArn), self._by_arn(DestinationArn), self.clock()
        for message in source.drain(now):
            to.put_back(self._new_id(), message, now)
        return {"TaskHandle": self._new_id()}

    # --- checking ----------------------------------------------------------------------------------------------------

    def _queue(self, url: str) -> Queue:
        try:
            return self.queues[url]
        except KeyError:
            code, message = "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."
            raise Refused(code, message) from None

    def _each(
        self,
        operation_name: str,
        queue: Queue,
        entries: Sequence[Mapping[str, Any]],
        handle: Callable[[Mapping[str, Any]], dict[str, Any]],
    ) -> dict[str, Any]:
        """Each entry succeeds or fails on its own; the whole call answers 200."""
        done, failed = [], []
        for entry in entries:
            code = self.refuse(operation_name, queue.name, entry)
            if code is not None:
                failed.append({"Id": entry["Id"], "SenderFault": False, "Code": code, "Message": ""})
                continue
            try:
                done.append({"Id": entry["Id"], **handle(entry)})
            except Refused as refused:
                failed.append(
                    {"Id": entry["Id"], "SenderFault": True, "Code": refused.code, "Message": refused.message}
                )
        answer = {"Successful": done}
        return answer | {"Failed": failed} if failed else answer


def _encoded(body: str) -> bytes:
    return body.encode(errors="surrogatepass")


def _digest(body: str) -> str:
    return md5(_encoded(body), usedforsecurity=False).hexdigest()


def _check_batch(entries: Sequence[Mapping[str, Any]]) -> None:
    ids = [entry["Id"] for entry in entries]
    if not ids:
        raise _batch_error("EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(ids) > rules.MAX_BATCH:
        message = f"Maximum number of entries per request are 10. You have sent {len(ids)}."
        raise _batch_error("TooManyEntriesInBatchRequest", message)
    if not all(map(_ID.fullmatch, ids)):
        message = (
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
            "It can be at most 80 letters long."
        )
        raise _batch_error("InvalidBatchEntryId", message)
    if len(set(ids)) < len(ids):
        repeated = next(one for place, one in enumerate(ids) if one in ids[:place])
        raise _batch_error("BatchEntryIdsNotDistinct", f"Id {repeated} repeated.")


def _batch_error(code: str, message: str) -> Refused:
    return Refused(f"AWS.SimpleQueueService.{code}", message)


def _check_message(queue: Queue, entry: Mapping[str, Any], size: int) -> None:
    delay = entry.get("DelaySeconds") or 0
    if not size:
        raise Refused("MissingParameter", "The request must contain the parameter MessageBody.")
    if queue.fifo:
        if not entry.get("MessageGroupId"):
            raise Refused("MissingParameter", "The request must contain the parameter MessageGroupId.")
        if not entry.get("MessageDeduplicationId"):
            reason = (
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
                "explicitly"
            )
            raise Refused(_INVALID, reason)
        if delay:
            reason = (
                f"Value {delay} for parameter DelaySeconds is invalid. Reason: The request include parameter that is "
                "not valid for this queue type."
            )
            raise Refused(_INVALID, reason)
    elif entry.get("MessageDeduplicationId"):
        reason = "The request include parameter that is not valid for this queue type"
        raise Refused(_INVALID, f"Value for parameter MessageDeduplicationId is invalid. Reason: {reason}.")
    if not 0 <= delay <= rules.MAX_DELAY:
        reason = "DelaySeconds must be >= 0 and <= 900."
        raise Refused(_INVALID, f"Value {delay} for parameter DelaySeconds is invalid. Reason: {reason}")
    if size > queue.max_bytes:
        reason = f"Message must be shorter than {queue.max_bytes} bytes."
        raise Refused(_INVALID, f"One or more parameters are invalid. Reason: {reason}")
    if not rules.is_message_text(entry["MessageBody"]):
        raise Refused("InvalidMessageContents", "Invalid characters found.")


def _of_receipt(queue: Queue, receipt: str) -> tuple[Message | None, int]:
    """The message, None if it is gone, and which receive this is the receipt of."""
    message_id, _, receive = receipt.rpartition("#")
    if not message_id or not receive.isdecimal():
        raise Refused("ReceiptHandleIsInvalid", _BAD_RECEIPT)
    return queue.messages.get(message_id), int(receive)


def _received(message: Message, names: set[str]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": f"{message.id}#{message.receives}",
        "MD5OfBody": _digest(message.body),
        "Body": message.body,
    }
    if names:
        attributes = {
            "SenderId": _SENDER,
            "SentTimestamp": str(int(message.sent_at * 1000)),
            "ApproximateReceiveCount": str(message.receives),
            "ApproximateFirstReceiveTimestamp": str(int((message.first_received_at or 0) * 1000)),
            "MessageDeduplicationId": message.deduplication,
            "MessageGroupId": message.group,
            "AWSTraceHeader": message.trace,
            "SequenceNumber": message.sequence,
        }
        every = "All" in names
        answer["Attributes"] = {n: v for n, v in attributes.items() if v is not None and (every or n in names)}
    return answer


def receive_batch(sqs: Any, url: str, batch_size: int) -> list[dict[str, Any]]:
    """A whole batch, as Lambda's pollers hand it out; SQS gives them ten messages in a call. `sqs` is a client."""
    received: list[dict[str, Any]] = []
    while len(received) < batch_size:
        at_most = min(rules.MAX_BATCH, batch_size - len(received))
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=at_most, AttributeNames=["All"])
        more = answer.get("Messages", [])
        if not more:
            break
        received += more
    return received


def event_record(message: Mapping[str, Any], queue_arn: str, region: str) -> dict[str, Any]:
    """A received message as Lambda's event has it."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }
