"""The ways that a message can take, played on a `World`: for the tests of its journal and of `bridge trace`."""

from collections.abc import Callable, Mapping
from typing import Final

from tests.support.world import (
    LOST,
    OK,
    START,
    UNREACHED,
    World,
    accept_all,
    json_answer,
    mo_text,
    status_update,
    template,
)
from whatsapp_bridge.flows.status_queue import queued_status
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.runtime.breaker import OPENS_AT

MSG_ID: Final = "1|2|3|4"
SENT, DELIVERED, READ, NO_SUCH_PERSON = 4, 5, 6, 29
THROTTLED: Final = json_answer(429, {"error": {"code": 43, "description": "Rate limit"}})
REJECTED: Final = json_answer(
    202,
    {
        "messages": [
            {
                "apiMessageId": None,
                "accepted": False,
                "to": "27820000001",
                "clientMessageId": MSG_ID,
                "error": {"code": 26, "description": "Recipient opted out 27820000001"},
            }
        ]
    },
)


def answers(*given: Answer | Exception) -> Callable[[str, object], Answer | Exception]:
    """A BSP that answers with these, one after the other, and then takes everything."""
    left = list(given)

    def bsp(url: str, payload: object) -> Answer | Exception:
        return left.pop(0) if left else accept_all(url, payload)

    return bsp


def send(made: World, msg_id: str = MSG_ID) -> None:
    assert made.send(template(msg_id)).status == 200


def hear(made: World, *codes: int, after: int = 10) -> None:
    """Statuses of the BSP, each so many seconds after the one before; its clock is a second behind."""
    for code in codes:
        made.now += after
        assert made.callback(status_update(MSG_ID, code, at=int(made.now - 1) * 1000)).status == 200
        made.run()


def read(made: World) -> None:
    send(made)
    made.run()
    hear(made, SENT, DELIVERED, READ)


def throttled_twice(made: World) -> None:
    made.bsp = answers(THROTTLED, THROTTLED)
    send(made)
    made.pump()


def rejected(made: World) -> None:
    made.bsp = answers(REJECTED)
    send(made)
    made.pump()


def failed_later(made: World) -> None:
    send(made)
    made.run()
    hear(made, NO_SUCH_PERSON)


def lost_then_confirmed(made: World) -> None:
    made.bsp = answers(LOST)
    send(made)
    made.run()
    hear(made, DELIVERED, after=60)
    made.pump()


def lost_then_failed(made: World) -> None:
    made.bsp = answers(LOST)
    send(made)
    made.pump()


def lost_then_queued_by_the_bsp(made: World) -> None:
    made.bsp = answers(LOST)
    send(made)
    made.run()
    hear(made, 2)


def still_lost(made: World) -> None:
    made.bsp = answers(LOST)
    send(made)
    made.run()


def held_by_the_breaker(made: World) -> None:
    for _ in range(OPENS_AT):
        made.breakers.struck("acme")
    send(made)
    made.run()
    made.pump()


def not_reached_once(made: World) -> None:
    made.bsp = answers(UNREACHED)
    send(made)
    made.pump()


def throttled_until_its_time_is_over(made: World) -> None:
    made.bsp = lambda url, payload: THROTTLED
    send(made)
    made.pump(hours=8)


def late(made: World) -> None:
    send(made)
    made.now += 6 * 3600
    made.pump()


def clicked_and_answered(made: World) -> None:
    read(made)
    for at in (1, 1, 2):
        made.now += 5
        event = StatusEvent("clicked", int(START) + at, MSG_ID, None, url="https://shop.example/Canary")
        made.sqs.send_message(
            QueueUrl=made.url("StatusesQueue"), MessageBody=queued_status("acme", event, made.now).body
        )
        made.run()
    assert made.callback(mo_text(relatedClientMessageId=MSG_ID)).status == 200
    made.run()


def not_taken_by_clevertap(made: World) -> None:
    send(made)
    made.run()
    refusals = [json_answer(500, {}), json_answer(500, {})]
    made.clevertap = lambda url, payload: refusals.pop() if refusals else OK
    hear(made, SENT)
    made.pump()


def waiting_for_clevertap(made: World) -> None:
    send(made)
    made.run()
    made.clevertap = lambda url, payload: json_answer(500, {})
    hear(made, SENT)


def refused_by_clevertap(made: World) -> None:
    send(made)
    made.run()
    made.clevertap = lambda url, payload: json_answer(400, {})
    hear(made, SENT)


WAYS: Final[Mapping[str, Callable[[World], None]]] = {
    way.__name__: way
    for way in (
        read,
        throttled_twice,
        rejected,
        failed_later,
        lost_then_confirmed,
        lost_then_failed,
        lost_then_queued_by_the_bsp,
        still_lost,
        held_by_the_breaker,
        not_reached_once,
        throttled_until_its_time_is_over,
        late,
        clicked_and_answered,
        not_taken_by_clevertap,
        waiting_for_clevertap,
        refused_by_clevertap,
    )
}
