"""Recording what has happened: AWS fails for a while, and the invocation has time, or not."""

import pytest

from whatsapp_bridge.flows.recording import Recording


@pytest.mark.parametrize(
    ("failures", "seconds_left", "pauses", "recorded"),
    [
        pytest.param(0, 60, [], True, id="at once"),
        pytest.param(1, 60, [0.2], True, id="one failure"),
        pytest.param(5, 60, [0.2, 0.5, 1, 2, 5], True, id="at the last attempt"),
        pytest.param(6, 60, [0.2, 0.5, 1, 2, 5], False, id="for too long"),
        pytest.param(6, 4, [0.2, 0.5], False, id="the time ends"),
        pytest.param(1, 3, [], False, id="no time at all"),
    ],
)
def test_tried_again_while_there_is_time(
    failures: int, seconds_left: float, pauses: list[float], recorded: bool
) -> None:
    made, tried = list[float](), {"a": 0, "b": 0}

    def record(name: str) -> str:
        tried[name] += 1
        if name == "b" and tried[name] <= failures:
            raise OSError
        return f"record of {name}"

    recording = Recording(time_left=lambda: seconds_left - sum(made), pause=made.append)
    one, other = recording.each(record, ["a", "b"])
    assert one == "record of a"
    assert (other == "record of b") == recorded
    assert made == pauses
    assert tried["a"] == 1
