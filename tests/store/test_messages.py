"""The messages table: one conditional write decides each step, whoever comes in which order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.world import World, world
from whatsapp_bridge.store.claims import Claim
from whatsapp_bridge.store.leases import DELIVERED, FAILED, READ, SENT, Lease, NoLease

HOLD = 121
"""Seconds after which a holder has lost its hold for certain."""

_numbers = count()


@pytest.fixture(scope="module")
def shared() -> Iterator[World]:
    with world() as made:
        yield made


class Message:
    """One message of the table, and the clock."""

    def __init__(self, made: World) -> None:
        self.world, self.reference = made, f"m|{next(_numbers)}"

    def claim(self, owner: str, grant: str | None = None, turn: str | None = None, *, sending: bool = False) -> Claim:
        return self.world.claims.claim(
            "acme", self.reference, owner, "pseudonym", grant or f"grant-{owner}", turn, sending=sending
        )

    def send(self, owner: str, grant: str | None = None) -> Claim:
        return self.claim(owner, grant, sending=True)

    def withdraw(self, owner: str) -> None:
        self.world.claims.withdraw("acme", self.reference, f"grant-{owner}")

    def release(self, owner: str, seconds: int | None = 1) -> bool:
        return self.world.claims.release("acme", self.reference, f"grant-{owner}", seconds)

    def settle(self, state: str, bsp_id: str | None = None) -> None:
        self.world.claims.settle("acme", self.reference, state, bsp_id)

    def confirm(self, bsp_id: str | None = None) -> None:
        self.world.claims.confirm("acme", self.reference, bsp_id)

    def lease(self, owner: str, rung: int) -> Lease | NoLease:
        return self.world.leases.begin("acme", self.reference, owner, rung, heard=False)

    def hear(self, owner: str, rung: int) -> Lease | NoLease:
        return self.world.leases.begin("acme", self.reference, owner, rung, heard=True)

    def told(self, owner: str, rung: int) -> None:
        self.world.leases.end("acme", self.reference, owner, rung)

    def leave(self, owner: str) -> None:
        self.world.leases.leave("acme", self.reference, owner)

    def wait(self, seconds: float) -> None:
        self.world.now += seconds

    def play(self, *steps: tuple[Any, ...]) -> None:
        for name, *arguments in steps:
            getattr(self, name)(*arguments)

    @property
    def item(self) -> dict[str, Any]:
        found: dict[str, Any] = self.world.table.get(f"msg#acme#{self.reference}") or {}
        return found


@pytest.fixture
def message(shared: World) -> Message:
    return Message(shared)


CLAIMED = ("claim", "q1")
SENDING = (("send", "q1"),)


@pytest.mark.parametrize("sending", [True, False], ids=["to send", "to settle"])
@pytest.mark.parametrize(
    ("history", "owner", "expected"),
    [
        pytest.param((), "q1", Claim.GRANTED, id="new"),
        pytest.param((CLAIMED,), "q1", Claim.GRANTED, id="claimed by the same: died before settling"),
        pytest.param((CLAIMED,), "q2", Claim.REPEAT, id="claimed by another"),
        pytest.param((CLAIMED, ("wait", HOLD)), "q2", Claim.GRANTED, id="claimed by another long ago: redriven"),
        pytest.param((CLAIMED, ("wait", 119)), "q2", Claim.REPEAT, id="claimed by another, still held"),
        pytest.param(SENDING, "q1", Claim.BUSY, id="sending, the same: delivered twice at once"),
        pytest.param((*SENDING, ("wait", HOLD)), "q1", Claim.INTERRUPTED, id="sending, the same: died while sending"),
        pytest.param(SENDING, "q2", Claim.REPEAT, id="sending, another"),
        pytest.param((*SENDING, ("wait", HOLD)), "q2", Claim.INTERRUPTED, id="sending, another long ago: redriven"),
        pytest.param((*SENDING, ("release", "q1")), "q1", Claim.GRANTED, id="released, the same: died before the next"),
        pytest.param((*SENDING, ("release", "q1")), "q2", Claim.REPEAT, id="released, another"),
        pytest.param((*SENDING, ("release", "q1"), ("wait", 902)), "q2", Claim.GRANTED, id="released long ago"),
        pytest.param((*SENDING, ("settle", "released")), "q2", Claim.GRANTED, id="released by an older version"),
        pytest.param((*SENDING, ("settle", "accepted", "b")), "q1", Claim.REPEAT, id="accepted, the same: redelivered"),
        pytest.param((*SENDING, ("settle", "accepted", "b")), "q2", Claim.REPEAT, id="accepted, another"),
        pytest.param((*SENDING, ("settle", "rejected")), "q2", Claim.REPEAT, id="rejected"),
        pytest.param((*SENDING, ("settle", "unknown")), "q1", Claim.REPEAT, id="unknown, the same"),
        pytest.param((*SENDING, ("settle", "unknown"), ("wait", HOLD)), "q2", Claim.REPEAT, id="unknown long ago"),
        pytest.param((*SENDING, ("settle", "accepted"), ("wait", HOLD)), "q2", Claim.REPEAT, id="accepted long ago"),
    ],
)
def test_claim(message: Message, history: tuple[Any, ...], owner: str, expected: Claim, sending: bool) -> None:
    message.play(*history)
    assert message.claim(owner, "of another delivery", sending=sending) is expected
    if expected is Claim.GRANTED:
        assert message.item["state"] == ("sending" if sending else "claimed")


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        pytest.param((), Claim.GRANTED, id="not done"),
        pytest.param(SENDING, Claim.GRANTED, id="done"),
        pytest.param((*SENDING, ("wait", HOLD)), Claim.GRANTED, id="done long ago"),
        pytest.param((*SENDING, ("settle", "accepted")), Claim.REPEAT, id="done, and a status has come"),
        pytest.param((("send", "q1", "of another delivery"),), Claim.BUSY, id="another delivery was faster"),
    ],
)
def test_the_same_claim_again_after_its_answer_was_lost(
    message: Message, history: tuple[Any, ...], expected: Claim
) -> None:
    message.play(*history)
    assert message.send("q1") is expected


@pytest.mark.parametrize(
    ("history", "state", "next_delivery"),
    [
        pytest.param((), None, Claim.GRANTED, id="it was not written"),
        pytest.param(SENDING, "claimed", Claim.GRANTED, id="it was written"),
        pytest.param((("send", "q1", "of another delivery"),), "sending", Claim.BUSY, id="another delivery has it"),
        pytest.param((*SENDING, ("release", "q1")), "released", Claim.GRANTED, id="it is released"),
        pytest.param((*SENDING, ("settle", "accepted")), "accepted", Claim.REPEAT, id="it is settled"),
    ],
)
def test_withdraw(message: Message, history: tuple[Any, ...], state: str | None, next_delivery: Claim) -> None:
    message.play(*history, ("withdraw", "q1"))
    assert message.item.get("state") == state
    assert message.claim("q1", "next", sending=True) is next_delivery


def test_a_released_message_goes_to_whose_turn_it_is(message: Message) -> None:
    message.play(*SENDING, ("release", "q1"))
    assert message.claim("copy", turn="grant-q1") is Claim.GRANTED
    # The first queue message comes back too, and is too late.
    assert message.claim("q1") is Claim.REPEAT


def test_the_turn_passes_on(message: Message) -> None:
    message.play(*SENDING, ("release", "q1"))
    # The first queue message comes back, because its delivery died, and makes the next attempt itself.
    message.play(("send", "q1", "again"))
    assert message.world.claims.release("acme", message.reference, "again", 1)
    assert message.claim("copy", turn="grant-q1") is Claim.REPEAT
    assert message.claim("next copy", turn="again") is Claim.GRANTED


@pytest.mark.parametrize(
    ("seconds", "wait", "expected"),
    [
        pytest.param(10, 909, Claim.REPEAT, id="while another's turn lasts"),
        pytest.param(10, 911, Claim.GRANTED, id="that nobody has taken"),
        pytest.param(None, 1, Claim.GRANTED, id="at once if none follows"),
    ],
)
def test_a_redriven_one_takes_over(message: Message, seconds: int | None, wait: int, expected: Claim) -> None:
    message.play(*SENDING, ("release", "q1", seconds), ("wait", wait))
    assert message.claim("redriven") is expected


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        pytest.param(SENDING, True, id="while it is sent"),
        pytest.param((*SENDING, ("release", "q1")), True, id="again, because the answer was lost"),
        pytest.param((*SENDING, ("wait", HOLD), ("claim", "q2")), True, id="another could not take it"),
        pytest.param((CLAIMED, ("claim", "q1", "later")), False, id="another delivery has it"),
        pytest.param((*SENDING, ("settle", "accepted")), False, id="a status says that the BSP has it"),
    ],
)
def test_release(message: Message, history: tuple[Any, ...], expected: bool) -> None:
    message.play(*history)
    assert message.release("q1") is expected


def test_one_of_many_claims_at_once_is_granted(message: Message) -> None:
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(message.send, [f"q{number}" for number in range(16)]))
    assert claims.count(Claim.GRANTED) == 1
    assert claims.count(Claim.REPEAT) == 15


@pytest.mark.parametrize(
    ("history", "state", "bsp_id"),
    [
        pytest.param((*SENDING, ("settle", "accepted", "b1")), "accepted", "acme#b1", id="accepted"),
        pytest.param((*SENDING, ("settle", "accepted", None)), "accepted", None, id="accepted without an id"),
        pytest.param((*SENDING, ("settle", "unknown")), "unknown", None, id="unknown"),
        pytest.param((*SENDING, ("settle", "rejected")), "rejected", None, id="rejected"),
        pytest.param((*SENDING, ("confirm", "b2")), "accepted", "acme#b2", id="confirmed while sending"),
        pytest.param((*SENDING, ("settle", "unknown"), ("confirm", "b2")), "accepted", "acme#b2", id="confirmed"),
        pytest.param((*SENDING, ("settle", "unknown"), ("confirm", None)), "accepted", None, id="confirmed without id"),
        pytest.param(
            (*SENDING, ("confirm", "b2"), ("settle", "unknown")),
            "accepted",
            "acme#b2",
            id="confirmed before the loss is recorded",
        ),
        pytest.param(
            (*SENDING, ("confirm", "b2"), ("settle", "accepted", "b1")),
            "accepted",
            "acme#b1",
            id="confirmed, then accepted",
        ),
        pytest.param(
            (*SENDING, ("settle", "rejected"), ("confirm", "b2")), "rejected", None, id="not out of a rejection"
        ),
        pytest.param((CLAIMED, ("confirm", "b2")), "claimed", None, id="not out of a claim"),
        pytest.param((*SENDING, ("release", "q1"), ("confirm", "b2")), "released", None, id="not out of a release"),
    ],
)
def test_settle_and_confirm(message: Message, history: tuple[Any, ...], state: str, bsp_id: str | None) -> None:
    message.play(*history)
    assert (message.item["state"], message.item.get("bsp_id")) == (state, bsp_id)


def test_confirming_makes_no_message(message: Message) -> None:
    message.confirm("b")
    assert message.item == {}


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        pytest.param((), False, id="no message"),
        pytest.param(SENDING, True, id="died while sending"),
        pytest.param((*SENDING, ("settle", "unknown")), True, id="answer lost"),
        pytest.param((*SENDING, ("settle", "unknown"), ("confirm", "b")), False, id="confirmed"),
        pytest.param((*SENDING, ("settle", "accepted", "b")), False, id="accepted"),
        pytest.param((*SENDING, ("settle", "rejected")), False, id="rejected"),
        pytest.param((*SENDING, ("settle", "unknown"), ("hear", "s1", SENT)), False, id="heard of, not told yet"),
        pytest.param((*SENDING, ("hear", "s1", SENT), ("settle", "unknown")), False, id="heard of before the loss"),
        pytest.param(
            (*SENDING, ("settle", "unknown"), ("lease", "s1", SENT), ("told", "s1", SENT)),
            False,
            id="CleverTap was told",
        ),
        pytest.param(
            (*SENDING, ("settle", "unknown"), ("lease", "s1", SENT), ("leave", "s1")), True, id="not told yet"
        ),
    ],
)
def test_unconfirmed(message: Message, history: tuple[Any, ...], expected: bool) -> None:
    message.play(*history)
    person = message.world.claims.unconfirmed("acme", message.reference)
    assert (person is not None) is expected


def on(rung: int) -> tuple[Any, ...]:
    """A message of which CleverTap has been told `rung`."""
    return (CLAIMED, ("lease", "s0", rung), ("told", "s0", rung))


@pytest.mark.parametrize(
    ("history", "rung", "expected"),
    [
        pytest.param((), SENT, NoLease.NO_MESSAGE, id="no message"),
        pytest.param((CLAIMED,), SENT, Lease(0), id="first"),
        pytest.param((CLAIMED,), READ, Lease(0), id="read first"),
        pytest.param(on(SENT), SENT, NoLease.REPEAT, id="again"),
        pytest.param(on(SENT), DELIVERED, Lease(SENT), id="next"),
        pytest.param(on(READ), SENT, NoLease.REPEAT, id="late"),
        pytest.param(on(SENT), FAILED, Lease(SENT), id="failed"),
        pytest.param(on(DELIVERED), FAILED, Lease(DELIVERED), id="failed after delivered"),
        pytest.param(on(READ), FAILED, NoLease.REPEAT, id="failed after read"),
        pytest.param(on(FAILED), FAILED, NoLease.REPEAT, id="failed twice"),
        pytest.param(on(FAILED), READ, NoLease.REPEAT, id="read after failed"),
        pytest.param((CLAIMED, ("lease", "s2", SENT)), SENT, NoLease.BUSY, id="another tells the same"),
        pytest.param((CLAIMED, ("lease", "s2", SENT)), DELIVERED, NoLease.BUSY, id="another tells less"),
        pytest.param((CLAIMED, ("lease", "s2", SENT), ("wait", HOLD)), SENT, Lease(0), id="another died"),
        pytest.param((CLAIMED, ("lease", "s2", SENT), ("leave", "s2")), SENT, Lease(0), id="another left"),
        pytest.param(
            (CLAIMED, ("lease", "s1", SENT)), SENT, Lease(0), id="the same write again, after its answer was lost"
        ),
        pytest.param((CLAIMED, ("lease", "s2", SENT), ("told", "s2", SENT)), DELIVERED, Lease(SENT), id="another told"),
    ],
)
def test_begin_lease(message: Message, history: tuple[Any, ...], rung: int, expected: Lease | NoLease) -> None:
    message.play(*history)
    assert message.lease("s1", rung) == expected


@pytest.mark.parametrize(
    "end",
    [pytest.param(("told", "s1", READ), id="end"), pytest.param(("leave", "s1"), id="leave")],
)
def test_who_lost_the_hold_changes_nothing(message: Message, end: tuple[Any, ...]) -> None:
    message.play(CLAIMED, ("lease", "s1", SENT), ("wait", HOLD), ("lease", "s2", DELIVERED))
    before = message.item
    message.play(end)
    assert message.item == before
    assert before["climber"] == "s2"


def test_a_redriven_claim_keeps_the_ladder(message: Message) -> None:
    message.play(*on(DELIVERED), ("wait", HOLD), ("claim", "q2"))
    assert message.item["rung"] == DELIVERED


def test_payloads_stay_whoever_claims_the_message_next(message: Message) -> None:
    """Also an older version, which knows of none."""

    def kept() -> str | None:
        return message.world.claims.payloads_of("acme", message.reference)

    assert kept() is None
    message.world.claims.claim("acme", message.reference, "q1", "pseudonym", "g", sending=True, payloads='{"Yes":"y"}')
    assert kept() == '{"Yes":"y"}'
    message.world.claims.release("acme", message.reference, "g", None)
    assert message.send("q1") is Claim.GRANTED
    assert kept() == '{"Yes":"y"}'


def test_items_expire_and_hold_no_number(message: Message) -> None:
    message.play(CLAIMED)
    assert message.item == {
        "pk": f"msg#acme#{message.reference}",
        "state": "claimed",
        "owner": "q1",
        "held_until": int(message.world.now) + 120,
        "send_grant": "grant-q1",
        "recipient": "pseudonym",
        "expires_at": int(message.world.now) + 35 * 86_400,
        "rung": 0,
    }


class TestReferenceOf:
    def test_found_by_the_account_and_the_id(self, shared: World) -> None:
        message = Message(shared)
        message.play(*SENDING, ("settle", "accepted", f"bsp-{message.reference}"))
        assert shared.claims.reference_of("acme", f"bsp-{message.reference}") == message.reference

    @pytest.mark.parametrize(
        ("account", "bsp_id"),
        [pytest.param("other", "bsp-x", id="of another account"), pytest.param("acme", "bsp-y", id="unknown")],
    )
    def test_not_found(self, shared: World, account: str, bsp_id: str) -> None:
        Message(shared).play(*SENDING, ("settle", "accepted", "bsp-x"))
        assert shared.claims.reference_of(account, bsp_id) is None

    def test_references_may_hold_the_separator(self, shared: World) -> None:
        message = Message(shared)
        message.reference = "0|0|0|0#id"
        message.play(*SENDING, ("settle", "accepted", "bsp-z"))
        assert shared.claims.reference_of("acme", "bsp-z") == "0|0|0|0#id"


@pytest.mark.parametrize(
    ("grant", "seconds", "ended", "expected"),
    [
        pytest.param("r1", 0, False, "granted", id="the same write again, after its answer was lost"),
        pytest.param("r2", 0, False, NoLease.BUSY, id="another delivery, at once"),
        pytest.param("r2", HOLD, False, "granted", id="another delivery, later"),
        pytest.param("r1", 0, True, NoLease.REPEAT, id="the same, forwarded"),
        pytest.param("r2", HOLD, True, NoLease.REPEAT, id="another, forwarded"),
    ],
)
def test_replies(shared: World, grant: str, seconds: float, ended: bool, expected: NoLease | str) -> None:
    reply = f"mo-{next(_numbers)}"
    assert shared.once.begin_reply("acme", reply, "r1") == reply
    if ended:
        shared.once.end_reply("acme", reply)
    shared.now += seconds
    assert shared.once.begin_reply("acme", reply, grant) == (reply if expected == "granted" else expected)
    assert shared.once.begin_reply("other", reply, grant) == reply, "another account's ids are its own"


@pytest.mark.parametrize(
    ("leaver", "refused"),
    [pytest.param("r1", False, id="its holder"), pytest.param("r0", True, id="who lost it, or never had it")],
)
def test_a_reply_that_is_left(shared: World, leaver: str, refused: bool) -> None:
    reply = f"mo-{next(_numbers)}"
    shared.once.begin_reply("acme", reply, "r1")
    shared.once.leave_reply("acme", reply, leaver)
    assert shared.once.begin_reply("acme", reply, "r2") == (NoLease.BUSY if refused else reply)


def test_replies_expire(shared: World) -> None:
    shared.once.begin_reply("acme", "mo-expires", "r1")
    item = shared.table.get("reply#acme#mo-expires")
    assert item is not None
    assert item["expires_at"] == int(shared.now) + 14 * 86_400


def test_dynamodb_errors_are_raised(message: Message) -> None:
    tables = (message.world.claims._table, message.world.leases._table, message.world.table)
    names = [table.name for table in tables]
    for table in tables:
        table.name = "no-such-table"
    try:
        for call in (lambda: message.claim("q1"), lambda: message.lease("s1", SENT), lambda: message.item):
            with pytest.raises(ClientError):
                call()
    finally:
        for table, name in zip(tables, names, strict=True):
            table.name = name
