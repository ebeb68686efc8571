"""Templates that come together, from CleverTap to Message Central."""

from typing import Any

import pytest

from tests.providers.message_central.samples import query, refused, said, sent
from tests.providers.message_central.test_correlation import ANN, BEN, LADDER, SECRET, report, template, told_of
from tests.support.world import LOST, World, world
from whatsapp_bridge.http import Answer

BULK = SECRET | {"options": {"bulk": True}}
MESSAGES = {"a": ANN, "b": BEN, "c": "27820000003"}


def deliver(made: World) -> None:
    for msg_id, to in MESSAGES.items():
        made.send(template(msg_id, to))
    made.pump()


def kinds(made: World) -> list[str]:
    return ["single" if body is None else "sheet" for _, body, _ in made.bsp_requests]


@pytest.mark.parametrize(("secret", "expected"), [(SECRET, ["single"] * 3), (BULK, ["sheet"])], ids=["without", "with"])
def test_the_option_makes_one_sheet_of_them(secret: dict[str, Any], expected: list[str]) -> None:
    with world(acme=secret) as made:
        made.bsp = lambda url, payload: said(200, sent())
        deliver(made)
        for number, to in enumerate(MESSAGES.values()):
            report(made, f"w{number}", *LADDER, to=to)
        made.pump()

        assert kinds(made) == expected
        assert [told_of(made, msg_id) for msg_id in MESSAGES] == [LADDER] * 3


def test_a_refused_sheet_doubles_nothing() -> None:
    def answer(url: str, payload: Any) -> Answer:
        return said(200, sent() if payload is None else refused(803))

    with world(acme=BULK) as made:
        made.bsp = answer
        deliver(made)

        assert kinds(made) == ["sheet", "single", "single", "single"]
        assert sorted(query(url).get("variables", "") for url, _, _ in made.bsp_requests) == ["", "a", "b", "c"]
        assert made.told == []


def test_a_sheet_whose_answer_is_lost_is_not_sent_again() -> None:
    with world(acme=BULK) as made:
        made.bsp = lambda url, payload: LOST
        deliver(made)

        assert kinds(made) == ["sheet"]
        assert sorted(made.told) == [(msg_id, "failed") for msg_id in MESSAGES]
