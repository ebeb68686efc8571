"""How many batches an event source of the simulation runs at once."""

from local.simulation.internet import Effect
from local.simulation.plan import START, Event, Plan, sample_accounts
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
