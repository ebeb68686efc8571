"""What an operator must hear of, and the alarms that say it."""

import pytest

from local.simulation import silence
from local.simulation.metrics import Datapoints
from local.simulation.plan import AWS_FAULTS, BSP_FAULTS, CALLER_FAULTS, CLEVERTAP_FAULTS, START, Fault
from local.simulation.run import STACK, deployment
from local.simulation.silence import ALARMS, BSP, FAILURES, STOPS, Trouble, Wait

HOUR = 3600.0
EVERY_MINUTE = [60.0 * minute for minute in range(60)]


def test_each_fault_of_a_plan_names_its_alarms() -> None:
    of_others = [(BSP, name) for name in BSP_FAULTS] + [("clevertap", name) for name in CLEVERTAP_FAULTS]
    of_callers = [(BSP if target is True else str(target), name) for target, name in CALLER_FAULTS]
    faults = [Fault(name, target, 0, 1) for target, name in (*of_others, *of_callers, *AWS_FAULTS)]
    assert set(ALARMS) == {(fault.target, fault.kind) for fault in faults}


def test_what_is_named_is_in_the_template() -> None:
    queues = [
        name.removesuffix("Queue") for name, q in deployment().queues.items() if "RedrivePolicy" not in q.attributes
    ]
    troubles = [trouble for queue in queues for trouble in silence.of_queue(queue, [0.0], [0.0])]
    troubles += silence.of_functions([(name, 0.0) for name in deployment().functions], [("MediaFunction", 0.0)])
    of_troubles = [trouble.alarms for trouble in troubles]
    named = {name for names in (*ALARMS.values(), *STOPS.values(), FAILURES, *of_troubles) for name in names}
    assert named <= set(deployment().alarms)


@pytest.mark.parametrize(
    ("fault", "strikes", "alarms"),
    [
        pytest.param(Fault("down", "clevertap", 0, HOUR), EVERY_MINUTE, ALARMS["clevertap", "down"], id="all the time"),
        pytest.param(Fault("down", "acme", 0, HOUR), EVERY_MINUTE, ALARMS[BSP, "down"], id="of an account's BSP"),
        pytest.param(Fault("down", "acme", 0, HOUR, 0.5), EVERY_MINUTE, None, id="a part of the requests"),
        pytest.param(
            Fault("index throttled", "dynamodb", 0, HOUR, 0.3),
            EVERY_MINUTE,
            ALARMS["dynamodb", "index throttled"],
            id="a part of the calls to DynamoDB, which counts them",
        ),
        pytest.param(Fault("slow", "acme", 0, HOUR), EVERY_MINUTE, None, id="nobody need hear of it"),
        pytest.param(Fault("down", "acme", 0, 599), EVERY_MINUTE[:10], None, id="short"),
        pytest.param(Fault("down", "acme", 0, HOUR), [1.0] * 30, None, id="nothing comes after it"),
        pytest.param(Fault("down", "acme", 0, HOUR), [1.0, 400.0, 800.0, 1200.0], ALARMS[BSP, "down"], id="often"),
        pytest.param(Fault("down", "acme", 0, 2 * HOUR), [1.0, 400.0, 5000.0], None, id="seldom"),
        pytest.param(Fault("down", "acme", 0, HOUR), [1.0] * 19 + [700.0], ALARMS[BSP, "down"], id="many times"),
        pytest.param(Fault("down", "acme", 0, HOUR), [], None, id="never"),
        pytest.param(
            Fault("wrong credentials", "clevertap", 0, HOUR), [1.0] * 19 + [700.0], None, id="as strangers do it"
        ),
        pytest.param(
            Fault("wrong credentials", "clevertap", 0, HOUR),
            [1.0, 400.0, 800.0, 1200.0],
            ALARMS["clevertap", "wrong credentials"],
            id="as nobody else does it",
        ),
        pytest.param(
            Fault("old status URL", "acme", 0, HOUR), EVERY_MINUTE, ALARMS[BSP, "old status URL"], id="of a BSP's URL"
        ),
        pytest.param(
            Fault("throttled", "api", 0, HOUR, 0.3), EVERY_MINUTE, ALARMS["api", "throttled"], id="a part of the API's"
        ),
    ],
)
def test_a_fault_that_is_felt(fault: Fault, strikes: list[float], alarms: tuple[str, ...] | None) -> None:
    (*found,) = silence.of_faults([fault], {0: strikes})
    assert [trouble.alarms for trouble in found] == ([] if alarms is None else [alarms])
    assert {(trouble.start - START, trouble.end - START) for trouble in found} <= {(fault.start, fault.end)}


@pytest.mark.parametrize(
    ("target", "other", "heard"),
    [
        pytest.param("acme", Fault("away", "dynamodb", 0, HOUR), False, id="no outcome is recorded"),
        pytest.param("acme", Fault("away", "dynamodb", 0, HOUR / 2), True, id="for a while"),
        pytest.param("acme", Fault("away", "dynamodb", 0, HOUR, 0.5), True, id="some are recorded"),
        pytest.param("acme", Fault("throttled", "dynamodb", 0, HOUR), True, id="recorded late"),
        pytest.param("clevertap", Fault("away", "dynamodb", 0, HOUR), True, id="CleverTap's is counted at once"),
    ],
)
def test_a_bsps_fault_while_dynamodb_is_away(target: str, other: Fault, heard: bool) -> None:
    found = silence.of_faults([Fault("down", target, 0, HOUR), other], {0: EVERY_MINUTE})
    assert bool(list(found)) is heard


@pytest.mark.parametrize(
    ("waits", "stops"),
    [
        pytest.param([(0, 600)], [], id="ten minutes"),
        pytest.param([(0, 700)], [(0, 700)], id="longer"),
        pytest.param([(0, 700), (100, 350)], [], id="another one went on"),
        pytest.param([(0, 1000), (100, 350)], [(350, 1000)], id="until then"),
        pytest.param([(0, 5), (5000, 5005)], [], id="nobody waited"),
        pytest.param([(0, 5), (3, 900), (800, 900)], [(5, 900)], id="all at once"),
    ],
)
def test_a_stop(waits: list[tuple[float, float]], stops: list[tuple[float, float]]) -> None:
    of_acme = [Wait("text", "acme", start, end) for start, end in waits]
    of_other = [Wait("text", "other", float(at), at + 1.0) for at in range(0, 1000, 100)]
    found = list(silence.of_stops([*of_acme, *of_other]))
    assert [(trouble.start, trouble.end) for trouble in found] == stops
    assert {(trouble.alarms, trouble.account) for trouble in found} <= {(STOPS["text"], "acme")}


@pytest.mark.parametrize(
    ("waiting", "stop"), [pytest.param(2, False, id="two are late"), pytest.param(3, True, id="3")]
)
@pytest.mark.parametrize("what", ["template", "status"])
def test_few_of_a_campaign_are_late_and_no_stop(what: str, waiting: int, stop: bool) -> None:
    assert bool(list(silence.of_stops([Wait(what, "acme", 0, 700)] * waiting))) is stop


@pytest.mark.parametrize(
    ("failed_at", "felt"),
    [
        pytest.param([float(at) for at in range(20)], True, id="within seconds"),
        pytest.param([50.0 * at for at in range(20)], False, id="over a quarter of an hour"),
        pytest.param([float(at) for at in range(19)], False, id="fewer"),
    ],
)
def test_messages_that_fail_in_numbers(failed_at: list[float], felt: bool) -> None:
    failed = [Wait("failed", "acme", 0.0, at) for at in failed_at]
    others = [Wait("failed", "other", 0.0, at) for at in failed_at[:10]]
    assert [trouble.alarms for trouble in silence.of_failures([*failed, *others])] == [FAILURES] * felt


@pytest.mark.parametrize(
    ("minutes", "alarms", "heard"),
    [
        pytest.param([10], None, True, id="while it lasts"),
        pytest.param([35], None, True, id="soon after"),
        pytest.param([45], None, False, id="too late"),
        pytest.param([], None, False, id="never"),
        pytest.param([10], ("MessagesThrottledAlarm",), False, id="by another alarm"),
        pytest.param([10], ("ErasedAlarm",), False, id="by one that is not there"),
    ],
)
def test_a_trouble_is_heard_of(minutes: list[int], alarms: tuple[str, ...] | None, heard: bool) -> None:
    clock = [0.0]
    data = Datapoints(lambda: clock[0])
    for minute in minutes:
        clock[0] = 60.0 * minute
        data.add("AWS/Lambda", "Errors", {"FunctionName": deployment().functions["SendFunction"].name}, 1)
    trouble = Trouble("a death", alarms or ("SendErrorsAlarm",), 300, 600)
    assert (silence.unheard([trouble], deployment().alarms, data) == []) is heard


def test_an_account_is_told_from_others() -> None:
    data = Datapoints(lambda: 300.0)
    namespace, dimensions = f"CleverTapWhatsAppBridge/{STACK}", {"service": "dispatch", "account": "acme"}
    data.add(namespace, "ProviderPaused", dimensions, 1)
    troubles = [Trouble(account, ("ProviderPausedAlarm",), 300, 600, account) for account in ("acme", "other")]
    assert [str(each) for each in silence.unheard(troubles, deployment().alarms, data)] == [
        "silent: other raised no alarm"
    ]


@pytest.mark.parametrize(
    ("shown", "heard"),
    [
        pytest.param({10: 1}, True, id="the first one"),
        pytest.param({9: 3, 10: 4}, True, id="one more"),
        pytest.param({}, False, id="never shown"),
    ],
)
def test_a_dead_letter_is_heard_of(shown: dict[int, int], heard: bool) -> None:
    clock = [0.0]
    data = Datapoints(lambda: clock[0])
    queue = deployment().queues["RepliesDeadLetterQueue"]
    for minute, number in shown.items():
        clock[0] = 60.0 * minute
        for metric, value in (("Visible", number), ("NotVisible", 0)):
            data.add("AWS/SQS", f"ApproximateNumberOfMessages{metric}", {"QueueName": queue.name}, value)
    (trouble,) = silence.of_queue("RepliesDeadLetter", [590.0], [])
    assert (silence.unheard([trouble], deployment().alarms, data) == []) is heard
    if len(shown) > 1:
        without_depth = {name: alarm for name, alarm in deployment().alarms.items() if "Depth" not in name}
        assert silence.unheard([trouble], without_depth, data) == []
