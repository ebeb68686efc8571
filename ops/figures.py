"""What CloudWatch knows of a stack: counts, ages of queues, alarms. The local stack has no CloudWatch."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from ops.queues import WORK, queue_url
from ops.target import Target
from whatsapp_bridge.store.aws import error_code

COUNTED: Final = {
    "accepted": ("MessagesAccepted", "send"),
    "refused": ("MessagesRefused", "send"),
    "sent": ("MessagesSent", "dispatch"),
    "failed before they were sent": ("MessagesRejected", "dispatch"),
    "throttled attempts": ("MessagesThrottled", "dispatch"),
    "answers lost": ("MessagesUnknown", "dispatch"),
    "statuses reported": ("StatusesForwarded", "forward"),
    "replies reported": ("RepliesForwarded", "forward"),
}
"""Metrics and their services by what they count. docs/operations.md has them all."""
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
# CloudWatch has minutes for 15 days; a day in minutes would be more than one page of points.
_PERIODS: Final = {"hour": (_HOUR, 60), "day": (_DAY, 300)}
_AGE: Final = timedelta(minutes=10)


class Figures(NamedTuple):
    """`counts`: {"accepted": {"hour": 1, "day": 2}, ...}; `ages`: seconds by the queue's word, None for one without
    a figure; `alarms`: names of those that are on."""

    counts: dict[str, dict[str, int]]
    ages: dict[str, int | None]
    alarms: list[str]


class NoFigures(NamedTuple):
    reason: str


def figures(target: Target, now: float) -> Figures | NoFigures:
    """Raises botocore's errors, but for a permission that is missing."""
    if target.is_local:
        return NoFigures("the local stack has no CloudWatch")
    cloudwatch = target.aws("cloudwatch")
    at = datetime.fromtimestamp(now, UTC)
    try:
        return Figures(_counts(cloudwatch, target.name, at), _ages(cloudwatch, target, at), _alarms(cloudwatch, target))
    except ClientError as error:
        if not error_code(error).startswith("AccessDenied"):
            raise
        return NoFigures("your credentials may not read CloudWatch")


def _counts(cloudwatch: Any, stack: str, at: datetime) -> dict[str, dict[str, int]]:
    words = list(COUNTED)
    counts: dict[str, dict[str, int]] = {word: {} for word in words}
    for name, (length, period) in _PERIODS.items():
        queries = [
            _query(
                number,
                f"CleverTapWhatsAppBridge/{stack}",
                COUNTED[word][0],
                {"service": COUNTED[word][1]},
                period,
                "Sum",
            )
            for number, word in enumerate(words)
        ]
        values = _values(cloudwatch, queries, at - length, at)
        for number, word in enumerate(words):
            counts[word][name] = round(sum(values[f"q{number}"]))
    return counts


def _ages(cloudwatch: Any, target: Target, at: datetime) -> dict[str, int | None]:
    words = list(WORK)
    names = [queue_url(target, WORK[word]).rpartition("/")[2] for word in words]
    queries = [
        _query(number, "AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": name}, 60, "Maximum")
        for number, name in enumerate(names)
    ]
    values = _values(cloudwatch, queries, at - _AGE, at)
    # The newest comes first. SQS sends none for a queue that nobody has used for hours.
    newest = [values[f"q{number}"][:1] for number in range(len(words))]
    return {word: round(found[0]) if found else None for word, found in zip(words, newest, strict=True)}


def _query(
    number: int, namespace: str, metric: str, dimensions: dict[str, str], period: int, statistic: str
) -> dict[str, Any]:
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    of_metric = {"Namespace": namespace, "MetricName": metric, "Dimensions": named}
    return {"Id": f"q{number}", "MetricStat": {"Metric": of_metric, "Period": period, "Stat": statistic}}


def _values(cloudwatch: Any, queries: list[dict[str, Any]], start: datetime, end: datetime) -> dict[str, list[float]]:
    """The points of each query, the newest first."""
    values: dict[str, list[float]] = {query["Id"]: [] for query in queries}
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=start, EndTime=end, ScanBy="TimestampDescending"
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            values[result["Id"]] += result["Values"]
    return values


def _alarms(cloudwatch: Any, target: Target) -> list[str]:
    pages = cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=f"{target.name}-", StateValue="ALARM", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    names = [
        str(alarm["AlarmName"])
        for page in pages
        for alarm in (*page.get("MetricAlarms", []), *page.get("CompositeAlarms", []))
    ]
    # CloudFormation's names are the stack's, the alarm's and some letters. Another stack's name may begin like this.
    return sorted(name for name in names if name.removeprefix(f"{target.name}-").count("-") == 1)
