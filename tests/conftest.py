"""The environment the functions' modules are imported in, and what they logged and counted."""

import io
import json
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

# Read when `whatsapp_bridge.runtime.observability` is imported; template.yaml sets them for the functions.
os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "CleverTapWhatsAppBridge"
os.environ["POWERTOOLS_SERVICE_NAME"] = "tests"


class Log:
    """Everything that would be in the function's log group, at the most talkative level."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def messages(self) -> list[str]:
        return [entry["message"] for entry in self.entries]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    from whatsapp_bridge.runtime.observability import logger

    captured = Log()
    own = logger.registered_handler
    previous, level = own.setStream(captured.stream), logger.log_level
    logger.setLevel(logging.DEBUG)
    # Lambda's runtime has the libraries' warnings in the same log group.
    libraries = logging.StreamHandler(captured.stream)
    libraries.setLevel(logging.WARNING)
    logging.getLogger().addHandler(libraries)
    monkeypatch.setattr(logger._logger, "propagate", False)
    yield captured
    logging.getLogger().removeHandler(libraries)
    own.setStream(previous or own.stream)
    logger.setLevel(level)


@pytest.fixture(autouse=True)
def _nothing_counted() -> Iterator[None]:
    from whatsapp_bridge.runtime.observability import metrics

    metrics.clear_metrics()
    yield
    metrics.clear_metrics()


@pytest.fixture
def counted() -> Callable[[], dict[str, int]]:
    """What the test has counted so far, by metric."""
    from whatsapp_bridge.runtime.observability import metrics

    return lambda: {name: int(sum(metric["Value"])) for name, metric in metrics.metric_set.items()}


def pytest_configure(config: pytest.Config) -> None:
    # botocore's and moto's own chatter is of no use in a failure report.
    for name in ("botocore", "urllib3", "moto"):
        logging.getLogger(name).setLevel(logging.WARNING)
