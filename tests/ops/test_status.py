"""`bridge status`, `pause` and `resume`."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops import status
from ops.figures import COUNTED
from tests.ops.operator import Operator
from tests.ops.test_account_check import SAMPLES
from tests.support.world import LOST, START, World, freeform, template, world

HOUR = 3600


@pytest.fixture
def made() -> Iterator[World]:
    with world() as made:
        yield made


class CloudWatch:
    """Metrics by namespace, name and dimensions: points of (seconds ago, value)."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.points: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[tuple[float, float]]] = {}
        self.alarms = {"test-MessagesUnknownAlarm-1": "ALARM", "test-SendErrorsAlarm-2": "OK", "other-A": "ALARM"}
        self.alarms["test-two-SendErrorsAlarm-3"] = "ALARM"
        self.denied = False

    def get_paginator(self, operation: str) -> Any:
        paginate = {"get_metric_data": self._metric_data, "describe_alarms": self._described}[operation]
        return type("Paginator", (), {"paginate": staticmethod(paginate)})

    def _metric_data(self, *, MetricDataQueries: Any, StartTime: datetime, EndTime: datetime, ScanBy: str) -> Any:  # noqa: N803
        if self.denied:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetMetricData")
        assert ScanBy == "TimestampDescending"
        assert EndTime == datetime.fromtimestamp(self.now, UTC)
        for query in MetricDataQueries:
            metric = query["MetricStat"]["Metric"]
            dimensions = tuple((each["Name"], each["Value"]) for each in metric["Dimensions"])
            points = self.points.get((metric["Namespace"], metric["MetricName"], dimensions), [])
            length = (EndTime - StartTime).total_seconds()
            values = [value for ago, value in sorted(points) if ago <= length]
            # In two pages.
            yield {"MetricDataResults": [{"Id": query["Id"], "Values": values[:1]}]}
            yield {"MetricDataResults": [{"Id": query["Id"], "Values": values[1:]}]}

    def _described(self, *, AlarmNamePrefix: str, StateValue: str, AlarmTypes: Any) -> Any:  # noqa: N803
        names = [n for n, state in self.alarms.items() if n.startswith(AlarmNamePrefix) and state == StateValue]
        yield {"MetricAlarms": [{"AlarmName": name} for name in names]}


@pytest.fixture
def bridge(made: World, monkeypatch: pytest.MonkeyPatch) -> Operator:
    operator = Operator(made, monkeypatch)
    monkeypatch.setattr(status, "time", lambda: made.now)
    operator.target = operator.target._replace(is_local=True)
    return operator


@pytest.fixture
def cloudwatch(bridge: Operator, monkeypatch: pytest.MonkeyPatch) -> CloudWatch:
    """The stack is a deployed one."""
    found, own = CloudWatch(START + 100), bridge.target.aws
    monkeypatch.setattr(status, "time", lambda: found.now)

    def aws(service: str, region: str | None = None) -> Any:
        return found if service == "cloudwatch" else own(service, region)

    bridge.target = bridge.target._replace(is_local=False, aws=aws)
    return found


def sides(told: Any, account: str = "acme") -> dict[str, Any]:
    (found,) = [each for each in told["accounts"] if each["name"] == account]
    return {side["what"]: side for side in found["sides"]}


def test_stack_at_rest(bridge: Operator) -> None:
    done = bridge("status", "--check")

    assert done.exit_code == 0
    assert "nothing waits for a person" in done.stdout
    assert "no figures here: the local stack has no CloudWatch" in done.stdout


def test_queues_have_their_depths(bridge: Operator) -> None:
    bridge.world.send(template())
    bridge.world.send(freeform())

    told = bridge.told("status")

    depths = {row["queue"]: (row["ready"], row["oldest_seconds"]) for row in told["queues"]}
    assert depths == {
        "conversation": (1, None),
        "campaign": (1, None),
        "statuses": (0, None),
        "replies": (0, None),
        "templates": (0, None),
    }
    assert (told["counts"], told["alarms"]) == (None, None)


def test_what_waits_for_a_person_is_said_and_is_the_exit_code_of_check(bridge: Operator) -> None:
    bridge.world.callback(b"{")
    bridge.world.put_account("broken", SAMPLES["meta"] | {"waba_number": "x"})
    bridge("pause", "acme", "--yes")

    done = bridge("status", "--check", "--json")

    assert done.exit_code == 1
    assert json.loads(done.stdout)["for_a_person"] == [
        "quarantine: all",
        "account broken: account broken: waba_number: must be the number in international form, 7 to 15 digits",
        "account acme: paused by a person",
    ]
    assert bridge("status").exit_code == 0


def test_pause_of_the_bridge_is_shown_with_its_next_probe(bridge: Operator) -> None:
    bridge.world.bsp = lambda url, payload: LOST
    for number in range(5):
        bridge.world.send(template(f"1|2|3|{number}"))
    bridge.world.run()

    told = bridge.told("status")

    bsp = sides(told)["BSP"]
    assert (bsp["state"], bool(bsp["next_probe"])) == ("paused by the bridge", True)
    assert told["for_a_person"] == []


def test_figures_of_the_hour_and_the_day(bridge: Operator, cloudwatch: CloudWatch) -> None:
    key = ("CleverTapWhatsAppBridge/test", "MessagesAccepted", (("service", "send"),))
    cloudwatch.points[key] = [(60, 2.0), (HOUR - 60, 3.0), (5 * HOUR, 10.0), (30 * HOUR, 99.0)]
    name = bridge.world.deployment.queues["StatusesQueue"].url.rpartition("/")[2]
    cloudwatch.points["AWS/SQS", "ApproximateAgeOfOldestMessage", (("QueueName", name),)] = [(60, 42.0), (300, 900.0)]

    told = bridge.told("status")

    assert told["counts"]["accepted"] == {"hour": 5, "day": 15}
    assert told["counts"]["sent"] == {"hour": 0, "day": 0}
    assert {row["queue"]: row["oldest_seconds"] for row in told["queues"]}["statuses"] == 42
    assert told["alarms"] == ["test-MessagesUnknownAlarm-1"]
    assert told["for_a_person"] == ["alarm test-MessagesUnknownAlarm-1"]
    assert bridge("status").exit_code == 0


def test_counts_are_those_that_the_operations_guide_names() -> None:
    from pathlib import Path

    text = (Path(__file__).parents[2] / "docs/operations.md").read_text(encoding="utf-8")

    for metric, service in COUNTED.values():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{metric}` |")]
        assert service in row.split("|")[2]


def test_missing_permission_hides_the_figures_alone(bridge: Operator, cloudwatch: CloudWatch) -> None:
    cloudwatch.denied = True

    told = bridge.told("status")

    assert (told["counts"], told["no_figures"]) == (None, "your credentials may not read CloudWatch")
    assert len(told["queues"]) == 5


def test_watching_ends_with_an_interrupt(bridge: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([None, KeyboardInterrupt])

    def pause(_: float) -> None:
        following = next(looks)
        if following is not None:
            raise following

    monkeypatch.setattr(status, "sleep", pause)

    done = bridge("status", "--watch")

    assert (done.exit_code, done.stdout.count("nothing waits for a person")) == (0, 2)


# --- pause and resume ------------------------------------------------------------------------------------------------


def test_paused_accounts_messages_wait_and_go_on(bridge: Operator) -> None:
    bridge("pause", "acme", "--yes")
    bridge.world.send(template())
    bridge.world.send(freeform())
    # Longer than a probe of the bridge's own would take, and shorter than the limits.
    bridge.world.pump(0.1)
    held = list(bridge.world.sent_to_bsp)

    resumed = bridge("resume", "acme")
    bridge.world.pump(0.5)

    assert (held, resumed.exit_code) == ([], 0)
    assert sorted(bridge.world.sent_by_id()) == ["1|2|3|4", "9|9|9|9"]


def test_statuses_go_on_while_the_account_is_paused(bridge: Operator) -> None:
    from tests.support.world import status_update

    bridge.world.send(template())
    bridge.world.pump()
    bridge("pause", "acme", "--yes")

    bridge.world.callback(status_update("1|2|3|4", 4))
    bridge.world.pump()

    assert bridge.world.told == [("1|2|3|4", "sent")]


def test_limits_go_on_while_the_account_is_paused(bridge: Operator) -> None:
    bridge("pause", "acme", "--yes")
    bridge.world.send(freeform())

    bridge.world.pump(1)

    assert bridge.world.told == [("9|9|9|9", "failed")]
    assert bridge.world.sent_to_bsp == []


def test_pause_asks_and_says_what_it_costs(bridge: Operator) -> None:
    done = bridge("pause", "acme")

    assert done.exit_code == 2
    assert "What waits longer than 600 s (freeform), 21600 s (templates) fails with 1009." in done.stderr
    assert sides(bridge.told("status"))["BSP"]["state"] == "works"


def test_second_pause_changes_nothing(bridge: Operator) -> None:
    bridge("pause", "acme", "--yes")
    since = sides(bridge.told("status"))["BSP"]["since"]
    bridge.world.now += 100

    again = bridge("pause", "acme", "--yes", "--json")

    assert (again.exit_code, json.loads(again.stdout)["changed"]) == (0, False)
    assert sides(bridge.told("status"))["BSP"]["since"] == since


def test_resume_without_a_persons_pause(bridge: Operator) -> None:
    for _ in range(5):
        bridge.world.breakers.struck("acme")

    done = bridge("resume", "acme")

    assert done.exit_code == 1
    assert "nobody has paused acme; the bridge itself has" in done.stderr


@pytest.mark.parametrize(("name", "code"), [("nobody", 3), ("Acme", 2)])
def test_account_that_is_not_there(bridge: Operator, name: str, code: int) -> None:
    assert bridge("pause", name, "--yes").exit_code == code


def test_complete_list_is_shown_for_accounts_that_have_one(bridge: Operator) -> None:
    bridge.world.put_account("listed", SAMPLES["meta"])

    told = {
        each["name"]: (each["lists_templates"], each["templates_listed"]) for each in bridge.told("status")["accounts"]
    }

    assert told == {"acme": (False, None), "listed": (True, None)}
    assert "no complete list" in bridge("status").stdout
