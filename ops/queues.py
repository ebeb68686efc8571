"""The stack's queues: what each is for people, how full it is, and what is on it, without losing any of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from ops.output import Exit, Failed
from ops.target import Target
from whatsapp_bridge.store.aws import error_code

WORK: Final = {
    "conversation": "ConversationQueue",
    "campaign": "CampaignQueue",
    "statuses": "StatusesQueue",
    "replies": "RepliesQueue",
    "templates": "TemplatesQueue",
}
"""The queues by the words of commands, and their names in template.yaml."""
DEAD_LETTERS: Final = {
    "conversation": "ConversationDeadLetterQueue",
    "campaign": "CampaignDeadLetterQueue",
    "statuses": "StatusesDeadLetterQueue",
    "replies": "RepliesDeadLetterQueue",
    "templates": "TemplatesDeadLetterQueue",
}
QUARANTINES: Final = {"all": "QuarantineQueue", "people": "PeopleQuarantineQueue"}

HELD_SECONDS: Final = 120
"""So long a message that a dead command was looking at stays away. All commands give back sooner."""
WORKED_ON_SECONDS: Final = 900
"""The same for a command that does something with each: its last one waits for all before it."""
_NOT_HELD: Final = ("AWS.SimpleQueueService.MessageNotInflight", "MessageNotInflight", "ReceiptHandleIsInvalid")
_MOST_AT_ONCE: Final = 10
# SQS may answer that there is nothing although there is something: it asks a part of its servers only.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
WAIT_SECONDS: Final = 1
_EMPTY_ANSWERS: Final = 2


class Depth(NamedTuple):
    """About how many: SQS's counts may be a minute old."""

    ready: int
    in_flight: int
    delayed: int

    @property
    def all(self) -> int:
        return self.ready + self.in_flight + self.delayed


class Message(NamedTuple):
    """`sent_at` in seconds since 1970. `group` of a FIFO queue."""

    id: str
    body: str
    receipt: str
    sent_at: float
    group: str | None
    receives: int


class StackQueue:
    """One queue of a stack, by its name in template.yaml. Methods raise botocore's errors."""

    def __init__(self, target: Target, logical_id: str) -> None:
        self.url = queue_url(target, logical_id)
        self._sqs = target.aws("sqs")
        self._deleted: set[str] = set()

    @property
    def arn(self) -> str:
        return str(self._attributes("QueueArn")["QueueArn"])

    def depth(self) -> Depth:
        names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
        given = self._attributes(*names)
        return Depth(*(int(given[name]) for name in names))

    @contextmanager
    def held(
        self, limit: int, tell: Callable[[int], None] = lambda count: None, seconds: int = HELD_SECONDS
    ) -> Iterator[list[Message]]:
        """Up to `limit` of its messages, which nobody else gets meanwhile. Those that are left are given back at the
        end, also after Ctrl-C; of a FIFO queue each group's first ten at most."""
        held: list[Message] = []
        try:
            self._take(held, limit, tell, seconds)
            yield held
        finally:
            self.give_back([message for message in held if message.id not in self._deleted])

    def _take(self, held: list[Message], limit: int, tell: Callable[[int], None], seconds: int) -> None:
        empty = 0
        while len(held) < limit and empty < _EMPTY_ANSWERS:
            answer = self._sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=min(_MOST_AT_ONCE, limit - len(held)),
                VisibilityTimeout=seconds,
                WaitTimeSeconds=WAIT_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp", "MessageGroupId", "ApproximateReceiveCount"],
            )
            came = [_message(each) for each in answer.get("Messages", [])]
            held += came
            empty = 0 if came else empty + 1
            tell(len(held))

    def keep(self, message: Message, seconds: int) -> bool:
        """Hold a message for so long from now on. False if it was held for too long, and others may have it."""
        held = {"QueueUrl": self.url, "ReceiptHandle": message.receipt, "VisibilityTimeout": seconds}
        try:
            self._sqs.change_message_visibility(**held)
        except ClientError as error:
            if error_code(error) not in _NOT_HELD:
                raise
            return False
        return True

    def give_back(self, messages: Sequence[Message]) -> None:
        """Let others have them again."""
        for start in range(0, len(messages), _MOST_AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": message.receipt, "VisibilityTimeout": 0}
                for number, message in enumerate(messages[start : start + _MOST_AT_ONCE])
            ]
            # What is refused was held for too long, and is back already.
            self._sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)

    def delete(self, message: Message) -> None:
        self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message.receipt)
        self._deleted.add(message.id)

    def _attributes(self, *names: str) -> dict[str, str]:
        answer: dict[str, str] = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=list(names))[
            "Attributes"
        ]
        return answer


def _message(received: dict[str, Any]) -> Message:
    attributes = received.get("Attributes", {})
    return Message(
        received["MessageId"],
        received["Body"],
        received["ReceiptHandle"],
        int(attributes.get("SentTimestamp", 0)) / 1000,
        attributes.get("MessageGroupId"),
        int(attributes.get("ApproximateReceiveCount", 0)),
    )


def short(message_id: str) -> str:
    """As much of an id as tells it from others, as good as always."""
    return message_id[:8]


def queue_url(target: Target, logical_id: str) -> str:
    """Raises `Failed`."""
    try:
        return target.queues()[logical_id]
    except KeyError:
        raise Failed(
            Exit.NOT_FOUND, f"{target.name} has no {logical_id}: it is an older version of the bridge"
        ) from None
