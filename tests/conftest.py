"""The environment the functions' modules are imported in, and what they logged and counted."""

import gc
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

# Read when `whatsapp_bridge.runtime.observability` is imported; template.yaml sets them for the functions.
os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "CleverTapWhatsAppBridge/tests"
os.environ["POWERTOOLS_SERVICE_NAME"] = "tests"
# As Lambda's runtime does before it imports a function, where somebody has set its own log level to DEBUG.
logging.getLogger().setLevel(logging.DEBUG)

# What `make test-fast` leaves out, by the beginning of its node id behind "tests/".
PROCESSES: tuple[str, ...] = (
    "clevertap/test_callbacks.py::test_messages_do_not_load_callbacks",
    "local/test_accounts.py::test_urls_of_the_accounts_are_used_as_they_are",
    "local/test_bench.py",
    "local/test_callers.py",
    "local/test_defences.py",
    "local/test_demo.py",
    "local/test_killed_functions.py",
    "local/test_layer.py::test_layer_that_cannot_make_its_clients",
    "local/test_layer.py::test_module_that_does_not_compile",
    "local/test_media.py",
    "local/test_runtime.py",
    "local/test_stack.py",
    "ops/test_local_stack.py",
    "providers/gupshup/test_inbound.py::test_zones_are_known",
    "simulation/test_seeds.py",
    "providers/test_imports.py",
    "test_built_artifact.py",
    "test_functions.py::test_what_a_start",
    "test_types.py",
    "test_startup.py::test_requests_starts_without_the_library_that_guesses_character_sets",
)
"""Tests that start processes. One that does and is not named here fails."""
SLOW: tuple[str, ...] = (
    "flows/test_clevertap_away.py",
    "flows/test_clicks.py",
    "flows/test_confirmations.py",
    "flows/test_delivered_twice.py",
    "flows/test_dispatch.py",
    "flows/test_fairness.py",
    "flows/test_forward",
    "flows/test_killed_between_steps.py",
    "flows/test_long_chains.py",
    "flows/test_outages.py",
    "flows/test_privacy.py",
    "flows/test_receive.py",
    "flows/test_strangers.py",
    "flows/test_template_keeping.py",
    "flows/test_template_learning.py",
    "flows/test_template_sync.py",
    "local/test_gupshup_sandbox.py",
    "local/test_legacy_api_sandbox.py",
    "local/test_message_central_sandbox.py",
    "local/test_meta_sandbox.py",
    "local/test_one_api_media.py",
    "local/test_one_api_sandbox.py",
    "local/test_poller.py",
    "ops/test_account_online.py",
    "ops/test_accounts.py",
    "ops/test_bsps.py",
    "ops/test_online.py",
    "ops/test_standing.py",
    "ops/test_status.py",
    "providers/clickatell/test_downloads.py",
    "providers/clickatell/test_uploads.py::test_campaign_of_a_hundred",
    "providers/gupshup/test_flows.py",
    "providers/message_central/test_correlation.py",
    "simulation/test_event_sources.py",
    "store/test_aws_data.py::test_every_region",
    "test_events.py",
    "test_functions.py",
)
"""Tests that take minutes in all: most play messages' whole way, each over a simulated AWS of its own."""


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
    # Lambda's runtime has what libraries log in the same log group.
    libraries = logging.StreamHandler(captured.stream)
    logging.getLogger().addHandler(libraries)
    monkeypatch.setattr(logger._logger, "propagate", False)
    yield captured
    logging.getLogger().removeHandler(libraries)
    own.setStream(previous or own.stream)
    logger.setLevel(level)


@pytest.fixture(autouse=True)
def _nothing_counted() -> Iterator[None]:
    from whatsapp_bridge.runtime.observability import _of_accounts, metrics

    metrics.clear_metrics()
    _of_accounts.clear()
    yield
    metrics.clear_metrics()
    _of_accounts.clear()


@pytest.fixture
def counted() -> Callable[[], dict[str, int]]:
    """What the test has counted so far, by metric."""
    from whatsapp_bridge.runtime.observability import metrics

    return lambda: {name: int(sum(metric["Value"])) for name, metric in metrics.metric_set.items()}


_started: list[str] = []


def _note_process(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("subprocess.Popen", "os.fork", "os.posix_spawn"):
        _started.append(f"{event} {arguments[0] if arguments else ''}")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "processes: starts processes; put on by tests/conftest.py")
    config.addinivalue_line("markers", "slow: takes long; put on by tests/conftest.py")
    sys.addaudithook(_note_process)
    # Its own chatter is of no use in a failure report.
    logging.getLogger("moto").setLevel(logging.WARNING)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tests = Path(__file__).parent
    for item in items:
        name = item.path.relative_to(tests).as_posix() + "::" + item.nodeid.partition("::")[2]
        if name.startswith(PROCESSES):
            item.add_marker("processes")
        if name.startswith(SLOW):
            item.add_marker("slow")


def pytest_collection_finish(session: pytest.Session) -> None:
    # What is imported and collected stays to the end; looking through it again and again takes a tenth of the time.
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    _started.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    yield
    if _started and not item.get_closest_marker("processes"):
        pytest.fail(f"name this test in PROCESSES of tests/conftest.py, for it starts: {_started[0]}", pytrace=False)
