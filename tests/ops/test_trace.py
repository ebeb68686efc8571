"""`bridge trace`: the timeline of each way that a message can take, and what follows."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ops.app import app
from ops.target import Target
from ops.tracing import command
from ops.tracing.timeline import Pauses, following, pause_ends, steps
from tests.providers.message_central import samples
from tests.support.ways import MSG_ID, THROTTLED, WAYS, answers, send
from tests.support.world import BSP_URL, START, World, account, keys_of, world
from whatsapp_bridge.runtime.breaker import OPENS_AT, Breaker
from whatsapp_bridge.store.journal_reading import read

RUN = CliRunner()
NO_PAUSES = Pauses(0, 0)
ACCEPTED = "+0 accepted from CleverTap"
SENT = "+0 attempt 1: accepted by the BSP"
ENDED = "nothing: CleverTap knows its end"


def heard(at: int, name: str) -> list[str]:
    return [f"+{at} the BSP says {name}, at 22:13:{at + 19}Z by its clock", f"+{at} CleverTap took {name}"]


# By way: the steps with their seconds since the start, and what follows.
TIMELINES: dict[str, tuple[list[str], str]] = {
    "read": ([SENT, *heard(10, "sent"), *heard(20, "delivered"), *heard(30, "read")], ENDED),
    "throttled_twice": (
        [
            "+0 attempt 1: throttled (the BSP's code 43)",
            "+1 attempt 2: throttled (the BSP's code 43)",
            "+3 attempt 3: accepted by the BSP",
        ],
        "waits for a status of the BSP's",
    ),
    "rejected": (
        [
            "+0 attempt 1: rejected",
            "+0 failed: 1006, the BSP's code 26, Recipient opted out",
            "+0 CleverTap took failed",
        ],
        ENDED,
    ),
    "failed_later": (
        [
            SENT,
            "+10 failed: 1005, the BSP's code 29, Recipient does not exist on channel",
            "+10 CleverTap took failed",
        ],
        ENDED,
    ),
    "lost_then_confirmed": (
        [
            "+0 attempt 1: answer lost (ReadTimeout)",
            "+60 the BSP says sent, at 22:14:19Z by its clock",
            "+60 CleverTap took sent",
            "+60 the BSP says delivered, at 22:14:19Z by its clock",
            "+60 CleverTap took delivered",
        ],
        "waits for a later status of the BSP's",
    ),
    "lost_then_failed": (
        [
            "+0 attempt 1: answer lost (ReadTimeout)",
            "+960 failed: 1009, delivery could not be confirmed",
            "+960 CleverTap took failed",
        ],
        ENDED,
    ),
    "lost_then_queued_by_the_bsp": (
        ["+0 attempt 1: answer lost (ReadTimeout)", "+10 the BSP confirmed that it has the message"],
        "waits for a status of the BSP's",
    ),
    "still_lost": (
        ["+0 attempt 1: answer lost (ReadTimeout)"],
        "CleverTap is told failed, unless the BSP reports a status before; it is never sent again at +900",
    ),
    "held_by_the_breaker": (
        [
            "+0 held back once: the account was paused, because its BSP failed",
            "+16 attempt 1: accepted by the BSP",
        ],
        "waits for a status of the BSP's",
    ),
    "not_reached_once": (
        ["+0 attempt 1: not sent (not reached: ConnectTimeout)", "+1 attempt 2: accepted by the BSP"],
        "waits for a status of the BSP's",
    ),
    "throttled_until_its_time_is_over": (
        [
            "+20340 attempt 43: throttled (the BSP's code 43); 42 before it are not kept",
            "+20940 attempt 44: throttled (the BSP's code 43)",
            "+21540 attempt 45: throttled (the BSP's code 43)",
            "+21597 attempt 46: given up (throttled, the BSP's code 43)",
            "+21597 failed: 1004, the BSP's code 43, Rate limit",
            "+21597 CleverTap took failed",
        ],
        ENDED,
    ),
    "late": (
        [
            "+21600 attempt 1: given up (its time was over)",
            "+21600 failed: 1009, not accepted by the provider in time",
            "+21600 CleverTap took failed",
        ],
        ENDED,
    ),
    "clicked_and_answered": (
        [
            SENT,
            *heard(10, "sent"),
            *heard(20, "delivered"),
            *heard(30, "read"),
            "+35 first click on a link (reported 3 times in all)",
        ],
        ENDED,
    ),
    "not_taken_by_clevertap": (
        [
            SENT,
            "+10 the BSP says sent, at 22:13:29Z by its clock",
            "+12 CleverTap did not take sent, attempt 2: HTTP 500",
            "+22 CleverTap took sent",
        ],
        "waits for a later status of the BSP's",
    ),
    "waiting_for_clevertap": (
        [SENT, "+10 CleverTap did not take sent, attempt 1: HTTP 500"],
        "CleverTap is told sent again at +12 until +345610",
    ),
    "refused_by_clevertap": (
        [SENT, "+10 CleverTap did not take sent, attempt 1: HTTP 400"],
        "sent was given up: it is among the dead letters of the statuses, until somebody redrives it",
    ),
}


@pytest.mark.parametrize("name", WAYS)
def test_timeline_of_a_way(name: str) -> None:
    with world() as made:
        WAYS[name](made)
        item, now = made.table.get(f"msg#acme#{MSG_ID}") or {}, made.now

    written = read(item)
    expected, follows = TIMELINES[name]
    assert [f"+{step.at - int(START)} {step.text}" for step in steps(written)] == [ACCEPTED, *expected]
    assert said(item, now) == follows


def said(item: dict[str, Any], now: float, pauses: Pauses = NO_PAUSES) -> str:
    found = following(item, read(item), pauses, now)
    at = "" if found.at is None else f" at +{found.at - int(START)}"
    until = "" if found.until is None else f" until +{found.until - int(START)}"
    return f"{found.text}{at}{until}"


T = int(START)
RELEASED = {"state": "released", "acc": f"{T} 600", "nx": T + 240}
PENDING = {"state": "accepted", "rung": 1, "x": f"{T} 3 2 {T} {T + 30} {T + 900} HTTP 503"}


@pytest.mark.parametrize(
    ("item", "now", "pauses", "expected"),
    [
        pytest.param(RELEASED, 1, (0, 0), "tried again at +240 until +600", id="released"),
        pytest.param(
            RELEASED,
            1,
            (T + 30, 0),
            "tried again when the account's pause ends; the next probe decides at +30 until +600",
            id="released, and paused",
        ),
        pytest.param(
            {"state": "claimed", "acc": f"{T} 600"},
            1,
            (0, 0),
            "another delivery of its queue message goes on until +600",
            id="withdrawn",
        ),
        pytest.param(
            {"state": "sending", "held_until": T + 120, "acc": f"{T} 600"},
            1,
            (0, 0),
            "its request is under way, or the function has died at +120 until +600",
            id="sending",
        ),
        pytest.param(
            {"state": "sending", "held_until": T + 120},
            121,
            (0, 0),
            "nobody has recorded an answer: it is settled as lost when its queue message comes back",
            id="died while sending",
        ),
        pytest.param(
            {"state": "rejected", "rung": 0},
            1,
            (0, 0),
            "CleverTap is told failed as soon as the statuses' queue comes to it",
            id="rejected, not yet told",
        ),
        pytest.param(
            {"state": "accepted", "rung": 0, "climber": "g", "climb_until": T + 120},
            1,
            (0, 0),
            "a status is being told to CleverTap now",
            id="being told",
        ),
        pytest.param(PENDING, 1, (0, 0), "CleverTap is told delivered again at +30 until +900", id="not taken"),
        pytest.param(
            PENDING,
            1,
            (0, T + 90),
            "CleverTap is told delivered again; CleverTap is paused at +90 until +900",
            id="not taken, and CleverTap is away",
        ),
        pytest.param(
            PENDING,
            901,
            (0, 0),
            "delivered was given up: it is among the dead letters of the statuses, until somebody redrives it",
            id="its days are over",
        ),
        pytest.param({**PENDING, "rung": 3}, 1, (0, 0), ENDED, id="taken since"),
        pytest.param({"state": "accepted", "rung": 2}, 1, (0, 0), "waits for a later status of the BSP's", id="older"),
        pytest.param({"state": "unknown", "rung": 0}, 1, (0, 0), TIMELINES["still_lost"][1][:-8], id="older, lost"),
    ],
)
def test_what_follows(item: dict[str, Any], now: float, pauses: tuple[int, int], expected: str) -> None:
    assert said(item, START + now, Pauses(*pauses)) == expected


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    central = samples.secret(base_url=BSP_URL)
    with world(acme=account(), central=central) as fresh:
        clients = {"dynamodb": fresh.dynamodb, "secretsmanager": fresh.secrets}
        signing_key = fresh.deployment.functions["SendFunction"].environment["SIGNING_KEY_SECRET"]
        target = Target("test", clients.__getitem__, "test/accounts/", fresh.table.name, signing_key=signing_key)
        monkeypatch.setattr("ops.command.chosen", lambda *_: target)
        monkeypatch.setattr(command, "time", lambda: fresh.now)
        yield fresh


def run(*arguments: str) -> Result:
    return RUN.invoke(app, ["trace", *arguments])


def test_one_screen_for_people(made: World) -> None:
    made.bsp = answers(THROTTLED)
    send(made)
    made.run()

    done = run("acme", MSG_ID)

    assert done.exit_code == 0
    assert [re.sub(" +", " ", line).strip() for line in done.stdout.splitlines()] == [
        f"acme {MSG_ID}: released",
        "at after what happened",
        "2023-11-14 22:13:20Z accepted from CleverTap",
        "2023-11-14 22:13:20Z 0 s attempt 1: throttled (the BSP's code 43)",
        "next: tried again, in 1 s, until 2023-11-15 04:13:20Z",
    ]


def test_json(made: World) -> None:
    WAYS["rejected"](made)

    told = json.loads(run("acme", MSG_ID, "--json").stdout)

    assert (told["account"], told["msgId"], told["state"], told["bspId"]) == ("acme", MSG_ID, "rejected", None)
    failure = {"code": 1006, "bspCode": "26", "title": "Recipient opted out"}
    assert told["failure"] == {**failure, "text": "1006, the BSP's code 26, Recipient opted out"}
    assert [step["step"] for step in told["steps"]] == ["accepted", "attempt", "heard_failed", "told_failed"]
    assert told["steps"][0]["at"] == "2023-11-14 22:13:20Z"
    assert told["next"] == {"text": ENDED, "at": None, "until": None, "ended": True}


def test_by_the_bsps_id(made: World) -> None:
    WAYS["read"](made)

    done = run("acme", "--bsp-id", f"api-{MSG_ID}", "--json")

    assert (done.exit_code, json.loads(done.stdout)["msgId"]) == (0, MSG_ID)
    assert json.loads(done.stdout)["bspId"] == f"api-{MSG_ID}"


def test_item_of_an_older_version(made: World) -> None:
    made.claims.claim("acme", "old", "q", "pseudonym", "grant", sending=True)
    made.claims.settle("acme", "old", "accepted")

    assert "An older version has sent it" in run("acme", "old").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["acme"], 2, "say which message", id="no message"),
        pytest.param(["acme", "a", "--bsp-id", "b"], 2, "say which message", id="two"),
        pytest.param(["acme", "a"], 3, "no record of acme's message a", id="unknown msgId"),
        pytest.param(["acme", "--bsp-id", "b"], 3, "no message of acme has this id", id="unknown id of the BSP's"),
        pytest.param(["acme", "--to", "+27820000001"], 1, "kept by msgId, not by person", id="a BSP that gives ids"),
        pytest.param(["central", "--to", "hello"], 2, "--to must be a phone number", id="no number"),
        pytest.param(["central", "--to", "+27820000001"], 3, "no message to this person", id="nobody waits"),
        pytest.param(["nobody", "--to", "+27820000001"], 3, "has no account nobody", id="no account"),
    ],
)
def test_what_cannot_be_shown(made: World, arguments: list[str], code: int, words: str) -> None:
    done = run(*arguments)

    assert done.exit_code == code
    assert words in " ".join(done.stderr.split())
    assert "27820000001" not in done.output


def struck_open(made: World) -> None:
    for _ in range(OPENS_AT):
        made.breakers.struck("acme")


def paused_by_a_person(made: World) -> None:
    made.breakers.pause("acme")


@pytest.mark.parametrize(
    ("pause", "why"),
    [
        pytest.param(struck_open, "acme is paused; its next probe is due in 15 s", id="by its breaker"),
        pytest.param(
            paused_by_a_person, "A person has paused acme: `bridge resume acme` lets it go on", id="by a person"
        ),
    ],
)
def test_message_that_was_never_tried_and_why(made: World, pause: Callable[[World], None], why: str) -> None:
    pause(made)
    send(made)
    made.run()

    done = run("acme", MSG_ID)

    assert done.exit_code == 3
    assert why in " ".join(done.stderr.split())


def test_a_released_message_of_an_account_that_a_person_pauses(made: World) -> None:
    made.bsp = answers(THROTTLED)
    send(made)
    made.run()
    made.breakers.pause("acme")

    assert "a person has paused the account: `bridge resume` lets it go on" in " ".join(
        run("acme", MSG_ID).stdout.split()
    )


def test_messages_to_a_person_where_the_bsp_gives_no_ids(made: World) -> None:
    number = "+27820000001"
    (mine, *_) = keys_of("central").pseudonyms("27820000001")
    made.waiting.expect("central", mine, "a", int(START * 1000), named=False)
    made.waiting.expect("central", mine, "b", int(START * 1000) + 5000, named=True)
    made.waiting.expect("central", mine, "c", int(START * 1000), named=True)
    made.now += 9
    made.waiting.name("central", mine, "c", "wamid.x")

    told = json.loads(run("central", "--to", number, "--json").stdout)

    assert [list(each.values()) for each in told["messages"]] == [
        ["a", "2023-11-14 22:13:20Z", "waits for its id"],
        ["b", "2023-11-14 22:13:25Z", "is being sent"],
        ["c", "2023-11-14 22:13:29Z", "has its id"],
    ]


@pytest.mark.parametrize(
    ("breaker", "expected"),
    [
        (Breaker(), 0),
        (Breaker(strikes=4), 0),
        (Breaker(probe_at=100), 100),
        (Breaker(probe_at=100, probe_until=400), 280),
    ],
)
def test_when_a_pause_ends(breaker: Breaker, expected: int) -> None:
    assert pause_ends(breaker) == expected
