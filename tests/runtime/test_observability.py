"""Logs and metrics: what never may be in them, and that they are written at the end of an invocation."""

import json
from collections.abc import Callable
from traceback import format_exception
from typing import Any

import pytest

from tests.conftest import Log
from whatsapp_bridge.runtime.observability import (
    InvocationFailed,
    count,
    count_of_account,
    count_with_account,
    log_failure,
    logger,
    measure,
    observed,
    shown_id,
)

CANARY = "Canary-7319"


class Context:
    aws_request_id = "request-1"


def fails_with(error: Exception) -> Callable[[dict[str, Any], Any], Any]:
    @observed
    def handler(event: dict[str, Any], context: Any) -> Any:
        raise error

    return handler


def chained() -> Exception:
    error = RuntimeError(CANARY)
    error.__cause__ = KeyError(CANARY)
    error.add_note(CANARY)
    return error


@pytest.mark.parametrize(
    ("error", "name"),
    [
        pytest.param(ValueError(CANARY), "ValueError", id="its text"),
        pytest.param(KeyError({"to": CANARY}), "KeyError", id="its arguments"),
        pytest.param(chained(), "RuntimeError", id="its cause and notes"),
        pytest.param(UnicodeDecodeError("utf-8", CANARY.encode(), 0, 1, CANARY), "UnicodeDecodeError", id="its object"),
    ],
)
def test_a_failed_invocation_shows_nothing_of_its_exception(
    log: Log, capsys: pytest.CaptureFixture[str], error: Exception, name: str
) -> None:
    with pytest.raises(InvocationFailed) as raised:
        fails_with(error)({"body": CANARY}, Context())
    assert str(raised.value) == name
    # What Lambda's runtime writes of an exception that reaches it.
    assert CANARY not in "".join(format_exception(raised.value))
    (entry,) = log.entries
    assert (entry["level"], entry["message"], entry["error"]) == ("ERROR", "invocation failed", name)
    assert (entry["correlation_id"], entry["service"]) == ("request-1", "tests")
    assert any("test_observability.py" in place for place in entry["at"])
    assert CANARY not in log.text + "".join(capsys.readouterr())


def test_log_failure_keeps_the_last_places(log: Log) -> None:
    def deep(level: int) -> None:
        if not level:
            raise ValueError(CANARY)
        deep(level - 1)

    with pytest.raises(ValueError, match=CANARY) as raised:
        deep(20)
    log_failure("something", raised.value, account="acme")
    (entry,) = log.entries
    assert entry["account"] == "acme"
    assert len(entry["at"]) == 8
    assert all(place.endswith(" deep") for place in entry["at"])
    assert CANARY not in log.text


@pytest.mark.parametrize("fails", [False, True], ids=["answered", "failed"])
def test_metrics_are_flushed(capsys: pytest.CaptureFixture[str], log: Log, fails: bool) -> None:
    @observed
    def handler(event: dict[str, Any], context: Any) -> str:
        count("MessagesSent", 2)
        count("MessagesSent")
        if fails:
            raise ValueError(CANARY)
        return "answer"

    for _ in range(2):
        if fails:
            with pytest.raises(InvocationFailed):
                handler({}, Context())
        else:
            assert handler({}, Context()) == "answer"
    blobs = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    # Two invocations, two blobs: nothing is carried over.
    assert [sum(blob["MessagesSent"]) for blob in blobs] == [3, 3]
    (metrics,) = blobs[0]["_aws"]["CloudWatchMetrics"]
    assert (metrics["Namespace"], metrics["Dimensions"]) == ("CleverTapWhatsAppBridge/tests", [["service"]])
    assert metrics["Metrics"] == [{"Name": "MessagesSent", "Unit": "Count"}]


def test_an_invocation_that_counts_nothing_writes_nothing(capsys: pytest.CaptureFixture[str], log: Log) -> None:
    assert observed(lambda event, context: "answer")({}, None) == "answer"
    assert capsys.readouterr().out == ""
    assert log.text == ""


def test_the_correlation_id_is_the_invocations(log: Log) -> None:
    @observed
    def handler(event: dict[str, Any], context: Any) -> None:
        logger.info("something")

    handler({}, Context())
    handler({}, None)
    assert [entry.get("correlation_id") for entry in log.entries] == ["request-1", None]


def test_a_traceback_is_never_logged(log: Log) -> None:
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        log_failure("something", error)
    assert "stack_trace" not in log.entries[0]
    assert "exception" not in log.entries[0]


def test_a_count_of_an_account_has_its_dimension_and_is_written_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    count_of_account("ProviderPaused", "acme")
    written = json.loads(capsys.readouterr().out)
    (directive,) = written["_aws"]["CloudWatchMetrics"]
    assert (written["ProviderPaused"], written["account"], written["service"]) == ([1.0], "acme", "tests")
    assert sorted(directive["Dimensions"][0]) == ["account", "service"]


def test_counts_of_an_account_beside_the_common_one_are_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    @observed
    def handler(event: dict[str, Any], context: Any) -> None:
        for account, number in (("acme", 1), ("acme", 4), ("other", 2)):
            count_with_account("StatusesDeadLettered", account, number)

    handler({}, None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line.get("account"), sum(line["StatusesDeadLettered"])) for line in lines] == [
        (None, 7),
        ("acme", 5),
        ("other", 2),
    ]
    handler = observed(lambda event, context: None)
    handler({}, None)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("1700000000|1|0|1001", "1700000000|1|0|1001"),
        ("a" * 128, "a" * 128),
        (12, "12"),
        ("a" * 129, None),
        ("27820000001", None),
        ("+27820000001", None),
        ("a b", None),
        ("a\nb", None),
        ("Zoë", None),
        ("", None),
        (None, None),
        ({"msgId": "a"}, None),
    ],
)
def test_id_from_outside_is_logged_if_it_looks_like_one(given: object, shown: str | None) -> None:
    assert shown_id(given) == shown


def test_a_duration_is_written_with_its_unit_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    @observed
    def handler(event: dict[str, Any], context: Any) -> None:
        measure("TemplateAge", 12.5)

    handler({}, Context())
    written = json.loads(capsys.readouterr().out)
    assert written["TemplateAge"] == [12.5]
    assert written["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [{"Name": "TemplateAge", "Unit": "Seconds"}]
