"""How many batches an event source of the simulation runs at once, and how chats wait beside a BSP that hangs."""

from random import Random

from local.simulation.internet import Effect
from local.simulation.plan import START, Event, Fault, Plan, sample_accounts
from local.simulation.run import Run, deployment


class _Slow(Run):
    """A BSP and CleverTap that need nine seconds for each request; `at_once`: dispatch's invocations, by second."""

    def _build(self) -> None:
        super()._build()
        self.at_once: dict[int, int] = {}
        self.internet.effect = self._effect

    def _effect(self, *_: object) -> Effect:
        second = int(self.scheduler.now - START)
        running = sum(invocation.function == "DispatchFunction" for invocation in self.functions.running)
        self.at_once[second] = max(running, self.at_once.get(second, 0))
        return Effect(seconds=9)


def test_it_grows_by_five_a_second_up_to_the_queues_maximum_concurrency() -> None:
    events = tuple(Event(0.0, "text", "acme", number, f"2782{number:03d}1000") for number in range(1, 200))
    run = _Slow(Plan(1, {"acme": sample_accounts()["acme"]}, events, (), spread=0.0, twice=0.0))
    run.play()
    assert all(run.at_once[second] <= 5 * (second + 2) for second in range(8))
    (source,) = [source for source in deployment().event_sources if "ConversationQueue" in source.queue_arn]
    assert max(run.at_once.values()) == source.maximum_concurrency


SECONDS = 600


def late(*faults: Fault) -> float:
    """How long the chats of the accounts whose BSP is well wait for their request: 99 of 100 less than so many seconds.
    Each account has two a second, for ten minutes."""
    random, accounts = Random("chats"), sample_accounts()
    names, events = ("acme", "acme-meta", "acme-gupshup"), []
    for name in names:
        at = 0.0
        while at < SECONDS:
            at += random.expovariate(2)
            number = len(events) + 1
            events.append(Event(at, "text", name, number, f"27{82_000 + number}1000"))
    run = Run(Plan(1, {name: accounts[name] for name in names}, tuple(events), faults, spread=0.5, twice=0.0))
    assert not run.play().failed
    waits = sorted(
        arrived.at - (run._sent[int(arrived.delivered.msg_id.split("|")[0])].accepted or 0)
        for arrived in run._arrived
        if arrived.account != "acme"
    )
    assert len(waits) == sum(event.account != "acme" for event in events)
    return waits[int(len(waits) * 0.99)]


def test_a_bsp_that_hangs_makes_the_chats_of_others_wait_little() -> None:
    assert late(Fault("hangs", "acme", 60, SECONDS)) <= 1.5 * late()
