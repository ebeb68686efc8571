"""What a log of a run may not hold."""

from typing import Any

import pytest

from local.simulation.plan import Event, Plan, sample_accounts
from local.simulation.privacy import Private

PLAN = Plan(1, sample_accounts(), (Event(0, "text", "acme", 12, "27820001000"),), ())
ACME = PLAN.accounts["acme"]


@pytest.mark.parametrize(
    ("message", "extra", "shows"),
    [
        pytest.param("message sent", {"account": "acme", "msgId": "12|1700000000|acme|1"}, "", id="ids"),
        pytest.param("message sent", {"seconds": 27820001}, "", id="another number"),
        pytest.param("message to 27820001000", None, "a person's number", id="a number in the message"),
        pytest.param("message sent", {"to": "+27820001000"}, "a person's number", id="a number in a key"),
        pytest.param("message sent", {"body": {"text": "hello n12n"}}, "a text", id="a text"),
        pytest.param("message sent", {"key": ACME["provider"]["api_key"]}, "a credential", id="a key"),
        pytest.param("message sent", {"key": "1" + ACME["provider"]["api_key"][1:]}, "a credential", id="rotated"),
        pytest.param("message sent", {"path": f"/status/{ACME['callback_token']}"}, "a credential", id="a token"),
    ],
)
def test_what_a_line_shows(message: str, extra: dict[str, Any] | None, shows: str) -> None:
    private = Private(PLAN, PLAN.accounts)
    private.read("SendFunction", message, extra)
    private.read("SendFunction", message, extra)
    found = [str(violation) for violation in private.violations()]
    assert len(found) == bool(shows)
    assert all(f"a log of SendFunction shows {shows}: message" in each for each in found)


@pytest.mark.parametrize("name", sorted(PLAN.accounts))
def test_the_credentials_of_each_account_are_known(name: str) -> None:
    account = PLAN.accounts[name]
    (authorization,) = account["clevertap"]["authorization"]
    private = Private(PLAN, {name: account})
    private.read("SendFunction", "read", {"it": authorization.get("password", authorization.get("value"))})
    private.read("StatusFunction", "read", {"it": account["callback_token"]})
    private.read("DispatchFunction", "read", {"it": {**account["provider"], "type": ""}})
    assert len(list(private.violations())) == 3
