"""Structured logs and metrics.

What may be logged: account, msgId, BSP ids, counts, codes, our own texts, and a person's number as a keyed hash.
Never: numbers, texts, parameters, tokens, secrets, bodies, or the text of an exception that somebody else wrote.
"""

import logging
from collections.abc import Callable
from functools import wraps
from threading import Lock
from traceback import extract_tb
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

# utc and no sampling; a traceback would carry the text of the exceptions in it, so there is none (see log_failure).
logger = Logger(utc=True, use_rfc3339=True, serialize_stacktrace=False)
metrics = Metrics()
# Powertools' metrics are not safe under threads, and batches are handled by several.
_counting = Lock()
# urllib3 logs the URL of an answer that it cannot parse; CleverTap's callback URLs are secrets.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)


def count(metric: str, number: int = 1) -> None:
    """Add to a metric of the running invocation. The names stand in docs/operations.md."""
    with _counting:
        metrics.add_metric(metric, MetricUnit.Count, number)


def log_failure(message: str, error: BaseException, **keys: Any) -> None:
    """Log an unexpected exception by its type and the places it came through, without its text."""
    frames = [
        f"{frame.filename.rsplit('/', 2)[-1]}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)
    ]
    logger.error(message, extra={**keys, "error": type(error).__name__, "at": frames[-8:]})


def observed[Event, Answer](handler: Callable[[Event, Any], Answer]) -> Callable[[Event, Any], Answer]:
    """Flush the invocation's metrics; a failed invocation leaves its type and place in the log and no text."""

    @wraps(handler)
    def run(event: Event, context: Any) -> Answer:
        logger.set_correlation_id(getattr(context, "aws_request_id", None))
        try:
            return handler(event, context)
        except Exception as error:  # noqa: BLE001 - raised anew without its text
            log_failure("invocation failed", error)
            raise InvocationFailed(type(error).__name__) from None
        finally:
            _flush()

    return run


class InvocationFailed(Exception):
    """Carries the original's type alone: Lambda writes an invocation's error text to the log."""


def _flush() -> None:
    if metrics.metric_set:
        metrics.flush_metrics()
