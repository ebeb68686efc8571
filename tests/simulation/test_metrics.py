"""The alarms of the template, on datapoints: CloudWatch's rules as far as the template uses them."""

from collections.abc import Callable

import pytest

from local.simulation.metrics import Alarm, Datapoints
from local.simulation.run import STACK, deployment

OWN = f"CleverTapWhatsAppBridge/{STACK}"


def alarm(name: str) -> Alarm:
    return Alarm(name, deployment().alarms[name])


@pytest.fixture
def at() -> Callable[[float], Datapoints]:
    """Datapoints, with the clock set to a minute."""
    clock = [0.0]
    data = Datapoints(lambda: clock[0])

    def of_minute(minute: float) -> Datapoints:
        clock[0] = minute * 60
        return data

    return of_minute


def paused(data: Datapoints, account: str, service: str = "dispatch") -> None:
    data.add(OWN, "ProviderPaused", {"service": service, "account": account}, 1)


def test_an_alarm_by_account_has_a_state_for_each(at: Callable[[float], Datapoints]) -> None:
    paused(at(10), "acme")
    data = at(31)
    paused(data, "other")
    rings = alarm("ProviderPausedAlarm").rings
    # At the end of the five minutes: also while the other's lasts.
    assert rings(data, 0, 120) == [15, 35]
    assert rings(data, 0, 120, "acme") == [15]
    assert rings(data, 0, 120, "nobody") == []


def test_an_alarm_by_account_looks_at_metrics_with_just_its_dimensions(at: Callable[[float], Datapoints]) -> None:
    data = at(1)
    data.add(OWN, "ProviderPaused", {"service": "dispatch"}, 1)
    data.add(f"{OWN}-2", "ProviderPaused", {"service": "dispatch", "account": "acme"}, 1)
    assert alarm("ProviderPausedAlarm").rings(data, 0, 60) == []


SENT, REPORTS = ("MessagesSent", "dispatch"), ("StatusesReceived", "status")
AT_INCOMING, REPLIES = ("StatusesReceived", "incoming"), ("EventsReceived", "incoming")


@pytest.mark.parametrize(
    ("counted", "rung"),
    [
        pytest.param({0: {SENT: 5}, 20: {SENT: 5}, 40: {SENT: 9}}, [45], id="nothing comes back"),
        pytest.param({0: {SENT: 5}, 20: {SENT: 5}}, [], id="twice"),
        pytest.param({0: {SENT: 5}, 20: {SENT: 5}, 65: {SENT: 9}}, [], id="over more than an hour"),
        pytest.param({0: {SENT: 4}, 20: {SENT: 4}, 40: {SENT: 4}}, [], id="too few to tell"),
        pytest.param({0: {SENT: 5}, 20: {SENT: 5, REPORTS: 1}, 40: {SENT: 5}}, [], id="a status"),
        pytest.param({0: {SENT: 5}, 20: {SENT: 5, AT_INCOMING: 1}, 40: {SENT: 5}}, [], id="at the other URL"),
        pytest.param({0: {SENT: 5}, 20: {SENT: 5, REPLIES: 1}, 40: {SENT: 5}}, [45], id="a reply is no status"),
        pytest.param({0: {REPORTS: 5}, 20: {REPORTS: 5}, 40: {REPORTS: 5}}, [], id="nothing sent"),
    ],
)
def test_statuses_that_do_not_come_raise_an_alarm(
    at: Callable[[float], Datapoints], counted: dict[int, dict[tuple[str, str], int]], rung: list[int]
) -> None:
    for minute, metrics in counted.items():
        for (metric, service), number in metrics.items():
            at(minute).add(OWN, metric, {"service": service}, number)
    assert alarm("StatusesMissingAlarm").rings(at(120), 0, 120) == rung


def test_each_throttling_of_dynamodb_raises_its_alarm_because_what_is_missing_is_filled(
    at: Callable[[float], Datapoints],
) -> None:
    filled = alarm("TableWriteThrottlesAlarm")
    watched = filled.properties["Metrics"][1]["MetricStat"]
    (dimension,) = watched["Metric"]["Dimensions"]
    for minute in (10, 11, 65):
        at(minute).add("AWS/DynamoDB", "WriteThrottleEvents", {"TableName": dimension["Value"]}, 1)
    plain = {name: value for name, value in filled.properties.items() if name != "Metrics"}
    plain |= {**watched["Metric"], "Statistic": watched["Stat"], "Period": watched["Period"]}
    assert Alarm("plain", plain).rings(at(120), 0, 120) == [15]
    assert filled.rings(at(120), 0, 120) == [15, 70]
