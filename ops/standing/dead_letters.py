"""`bridge dead-letters ...`: what the bridge has given up, and the way back."""

from collections import Counter
from functools import partial
from time import sleep, time
from typing import Annotated, Any, Final, Literal

import typer

from ops.command import OpenTarget, ShowPrivate, Yes, on_stack
from ops.output import Exit, Failed, Screen, Waiting, day, number
from ops.queues import DEAD_LETTERS, WORK, StackQueue, short
from ops.standing.content import Content, Contents
from ops.target import Target

dead_letters = typer.Typer(help="What was given up: look at it, and bring it back.", no_args_is_help=True)

Word = Literal["conversation", "campaign", "statuses", "replies", "templates"]
QueueWord = Annotated[Word, typer.Argument(metavar="QUEUE", help=", ".join(DEAD_LETTERS))]
Limit = Annotated[int, typer.Option("--limit", help="Look at so many messages at most.", min=1, max=10_000)]
_MOST_READ: Final = 1_000
_SENDS: Final = ("conversation", "campaign")
_PAUSE_SECONDS: Final = 2.0


@dead_letters.command("list")
@on_stack
def list_queues(screen: Screen, open_target: OpenTarget, limit: Limit = _MOST_READ) -> None:
    """Count dead letters by queue, account and kind. Nothing is lost or delayed by looking."""
    target = open_target()
    contents, rows = Contents(target), []
    with screen.waiting("reading") as waiting:
        for word, logical_id in DEAD_LETTERS.items():
            queue = StackQueue(target, logical_id)
            about = queue.depth().all
            if not about:
                continue
            with queue.held(limit, partial(_tell, waiting, word)) as held:
                found = [(contents.of(word, message), message.sent_at) for message in held]
            rows += _counted(word, found, max(about, len(found)))
    screen.result(rows)
    shown = [[row["queue"], row["account"], row["what"], str(row["messages"]), day(row["oldest"])] for row in rows]
    screen.table(["queue", "account", "what", "messages", "oldest"], shown)
    screen.line(number(sum(row["messages"] for row in rows), "dead letter"))


def _tell(waiting: Waiting, word: str, count: int) -> None:
    waiting.now(f"{word}: {count} read")


def _counted(word: str, found: list[tuple[Content, float]], about: int) -> list[dict[str, Any]]:
    """By account and kind; what was not read has neither."""
    counts = Counter((content.account, content.what) for content, _ in found)
    oldest: dict[tuple[str, str], float] = {}
    for content, at in found:
        key = (content.account, content.what)
        oldest[key] = min(at, oldest.get(key, at))
    rows = [
        {"queue": word, "account": account, "what": what, "messages": count, "oldest": int(oldest[account, what])}
        for (account, what), count in sorted(counts.items())
    ]
    if about > len(found):
        rows.append({"queue": word, "account": "", "what": "not read", "messages": about - len(found), "oldest": 0})
    return rows


@dead_letters.command()
@on_stack
def show(
    screen: Screen,
    open_target: OpenTarget,
    queue: QueueWord,
    limit: Limit = 20,
    show_private: ShowPrivate = False,
) -> None:
    """Show single dead letters: account, msgId and age, and with --show-private all of each."""
    target = open_target()
    contents = Contents(target)
    with StackQueue(target, DEAD_LETTERS[queue]).held(limit) as held:
        found = [(message, contents.of(queue, message)) for message in held]
    told = [
        {
            "id": message.id,
            "sent": day(int(message.sent_at)),
            "account": content.account,
            "what": content.what,
            "name": content.name,
        }
        | ({"payload": content.payload} if show_private else {})
        for message, content in found
    ]
    screen.result(told)
    heads = ["id", "sent", "account", "what", "name"]
    screen.table(heads, [[short(each["id"]), *(each[head] for head in heads[1:])] for each in told])
    for each in told if show_private else ():
        screen.line(f"{short(each['id'])}: {each['payload']}")
    screen.line(number(len(told), "dead letter"))


# --- the way back ----------------------------------------------------------------------------------------------------


@dead_letters.command()
@on_stack
def redrive(
    screen: Screen,
    open_target: OpenTarget,
    queue: QueueWord,
    rate: Annotated[
        int | None, typer.Option("--rate", help="Messages a second; without it SQS chooses.", min=1, max=500)
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Watch it to its end.")] = True,
    cancel: Annotated[bool, typer.Option("--cancel", help="End a redrive that runs; what was moved stays.")] = False,
    yes: Yes = False,
) -> None:
    """Move all dead letters of a queue back to it. Remove the cause first.

    Those of conversation and campaign are messages to people: they are sent, however late. SQS does the work, and goes
    on if the command is interrupted.
    """
    target = open_target()
    moves = _Moves(target, queue)
    if cancel:
        moves.cancel(screen)
        return
    task = moves.newest()
    if task is None or task["Status"] not in ("RUNNING", "CANCELLING"):
        about = moves.source.depth().all
        if not about:
            screen.result({"queue": queue, "moved": 0, "status": "nothing to move"})
            screen.line(f"{queue}: no dead letters")
            return
        if queue in _SENDS:
            screen.confirm(f"Send about {number(about, 'message')} to people, however late?", yes=yes)
        moves.start(rate)
    elif rate is not None:
        screen.aside("a redrive runs already, with its own rate", "yellow")
    if wait:
        moves.watch(screen)
    task = moves.newest() or {}
    told = {"queue": queue, "moved": task.get("ApproximateNumberOfMessagesMoved", 0), "status": task.get("Status")}
    screen.result(told)
    screen.line(f"{queue}: about {told['moved']} moved, {str(told['status']).lower()}")
    if told["status"] == "FAILED":
        raise Failed(Exit.NO, f"the redrive failed: {task.get('FailureReason')}")


class _Moves:
    """The redrives of one queue: one at a time, by SQS."""

    def __init__(self, target: Target, word: Word) -> None:
        self.source = StackQueue(target, DEAD_LETTERS[word])
        # Always named: the bridge itself puts messages on these queues, and SQS does not know where those came from.
        self._destination = StackQueue(target, WORK[word]).arn
        self._arn, self._sqs, self._word = self.source.arn, target.aws("sqs"), word

    def newest(self) -> dict[str, Any] | None:
        found: list[dict[str, Any]] = self._sqs.list_message_move_tasks(SourceArn=self._arn).get("Results", [])
        return found[0] if found else None

    def start(self, rate: int | None) -> None:
        limited: dict[str, int] = {} if rate is None else {"MaxNumberOfMessagesPerSecond": rate}
        self._sqs.start_message_move_task(SourceArn=self._arn, DestinationArn=self._destination, **limited)

    def cancel(self, screen: Screen) -> None:
        task = self.newest()
        if task is None or task["Status"] != "RUNNING":
            raise Failed(Exit.NO, f"no redrive of {self._word} runs")
        answer = self._sqs.cancel_message_move_task(TaskHandle=task["TaskHandle"])
        moved = answer["ApproximateNumberOfMessagesMoved"]
        screen.result({"queue": self._word, "moved": moved, "status": "CANCELLED"})
        screen.line(f"{self._word}: cancelled, about {moved} were moved")

    def watch(self, screen: Screen) -> None:
        """Until it has ended. Ctrl-C ends the watching alone."""
        began = time()
        with screen.waiting(f"{self._word}: moving") as waiting:
            while (task := self.newest()) is not None and task["Status"] in ("RUNNING", "CANCELLING"):
                moved, all_of_it = (task.get(f"ApproximateNumberOfMessages{what}", 0) for what in ("Moved", "ToMove"))
                waiting.now(
                    f"{self._word}: about {moved} of {all_of_it} moved, {time() - began:.0f} s. Ctrl-C ends the "
                    "watching alone."
                )
                sleep(_PAUSE_SECONDS)
