"""Structured logs and metrics.

What may be logged: account, msgId, BSP ids, counts, codes, our own texts, and a person's number as a keyed hash.
Never: numbers, texts, parameters, tokens, secrets, bodies, or the text of an exception that is not ours.
"""

import logging
import re
from collections import Counter
from collections.abc import Callable
from functools import wraps
from threading import Lock
from traceback import extract_tb
from typing import Any, Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from whatsapp_bridge import __version__

# UTC, no sampling. No tracebacks, because they contain the exceptions' texts (see log_failure).
logger = Logger(utc=True, use_rfc3339=True, serialize_stacktrace=False, version=__version__)
metrics = Metrics()
# Powertools' metrics are not thread-safe, and several threads handle a batch.
_counting = Lock()
_of_accounts: Counter[tuple[str, str]] = Counter()
# Libraries log through the root. Lambda's own log level (`ApplicationLogLevel`) sets the root's before it imports a
# function; at DEBUG botocore logs whole secrets, numbers and texts.
logging.getLogger().setLevel(logging.WARNING)
# urllib3 warns of an answer that it cannot parse with its URL; CleverTap's callback URLs are secrets.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)


# A msgId is at most 128 characters long; what is digits alone may be somebody's number.
_ID: Final = re.compile(r"(?!\+?[0-9]{7,}$)[!-~]{1,128}")


def shown_id(given: object) -> str | None:
    """An id that came from outside, as it may be logged; None if it has not the form of one."""
    text = str(given) if isinstance(given, str | int) else ""
    return text if _ID.fullmatch(text) else None


def count(metric: str, number: int = 1) -> None:
    """Add to a metric of the current invocation. docs/operations.md lists the names."""
    with _counting:
        metrics.add_metric(metric, MetricUnit.Count, number)


def count_of_account(metric: str, account: str, number: int = 1) -> None:
    """Count in a metric of its own for each account, besides `count`. For rare events alone: each account is a metric
    that AWS charges for. It is written at once, so an invocation that dies later does not lose it."""
    with single_metric(name=metric, unit=MetricUnit.Count, value=number) as one:
        one.add_dimension("account", account)


def count_with_account(metric: str, account: str, number: int = 1) -> None:
    """`count`, and the same in a metric of the account, which is written once at the end of the invocation. For what
    somebody has to do about one account, and what may come in thousands.

    Not for each metric: CloudWatch bills a metric with 0.30 USD a month (the first 10,000 in us-east-1), by the hours
    in which it is written, for each service, account and name. An account whose funnel of ten metrics were always
    written would cost 3 USD a month; the log has the account in each line.
    Source: https://aws.amazon.com/cloudwatch/pricing/
    """
    count(metric, number)
    with _counting:
        _of_accounts[metric, account] += number


def measure(metric: str, seconds: float) -> None:
    """Add a duration (seconds) to a metric of the current invocation. docs/operations.md lists the names."""
    with _counting:
        metrics.add_metric(metric, MetricUnit.Seconds, round(max(seconds, 0), 3))


def log_failure(message: str, error: BaseException, **keys: Any) -> None:
    """Log an unexpected exception with its type and call stack, without its text."""
    frames = [
        f"{frame.filename.rsplit('/', 2)[-1]}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)
    ]
    logger.error(message, extra={**keys, "error": type(error).__name__, "at": frames[-8:]})


def observed[Event, Answer](handler: Callable[[Event, Any], Answer]) -> Callable[[Event, Any], Answer]:
    """Flush the invocation's metrics. A failed invocation logs its exception's type and place, not its text."""

    @wraps(handler)
    def run(event: Event, context: Any) -> Answer:
        logger.set_correlation_id(getattr(context, "aws_request_id", None))
        try:
            return handler(event, context)
        except Exception as error:  # noqa: BLE001 - raised again without its text
            log_failure("invocation failed", error)
            raise InvocationFailed(type(error).__name__) from None
        finally:
            _flush()

    return run


class InvocationFailed(Exception):
    """Contains only the original's type, because Lambda logs an invocation's error text."""


def _flush() -> None:
    if metrics.metric_set:
        metrics.flush_metrics()
    with _counting:
        of_accounts = dict(_of_accounts)
        _of_accounts.clear()
    for (metric, account), number in of_accounts.items():
        count_of_account(metric, account, number)
