"""What operators do to secrets by hand, and what a BSP's sandbox then sees of a request."""

import json
from base64 import b64encode
from urllib.parse import quote

import pytest

from local.simulation.credentials import Credentials, Secrets
from local.simulation.plan import sample_accounts

PROVIDER = {"type": "x", "hsm": {"user_id": "1", "password": "made-up-hsm"}, "api_key": "made-up-key", "country": "27"}


def in_a_form(text: str) -> str:
    return f"method=SendMessage&password={quote(text)}&v=1.1"


def in_base64(text: str) -> str:
    return f"/token?customerId=1&key={quote(b64encode(text.encode()).decode())}"


FORMS = [pytest.param(form, id=form.__name__) for form in (str, in_a_form, in_base64)]


@pytest.mark.parametrize("first", ["made-up-hsm", "made-up-key"])
@pytest.mark.parametrize("form", FORMS)
def test_the_old_credential_is_refused_and_the_new_one_taken(form: type[str], first: str) -> None:
    refused: list[int] = []
    credentials = Credentials(PROVIDER, lambda: refused.append(1))
    assert (credentials.seen(form(first)), credentials.rotated(PROVIDER)) == (form(first), PROVIDER)
    valid = [first]
    for _ in range(2):
        credentials.rotate()
        provider = credentials.rotated(PROVIDER)
        valid.append(provider["api_key"] if first == PROVIDER["api_key"] else provider["hsm"]["password"])
    assert len(set(valid)) == 3
    *old, new = valid
    assert credentials.seen(form(new)) == form(first)
    assert not refused
    assert form(first) not in [credentials.seen(form(each)) for each in old]
    assert refused == [1]


@pytest.mark.parametrize("name", sorted(sample_accounts()))
def test_each_accounts_credential_can_be_rotated(name: str) -> None:
    provider = sample_accounts()[name]["provider"]
    credentials = Credentials(provider, lambda: None)
    credentials.rotate()
    rotated = credentials.rotated(provider)
    assert rotated != provider
    assert rotated.keys() == provider.keys()


def test_a_comma_breaks_a_secret_until_the_last_one_is_taken_out() -> None:
    stored: dict[str, str] = {}
    secrets = Secrets(stored.__setitem__)

    def readable() -> bool:
        try:
            return bool(json.loads(stored["acme"]))
        except ValueError:
            return False

    secrets.write("acme", {"a": 1})
    assert readable()
    secrets.put_in_comma("acme")
    secrets.put_in_comma("acme")
    secrets.write("acme", {"a": 2})
    secrets.take_out_comma("acme")
    assert not readable()
    secrets.take_out_comma("acme")
    assert stored == {"acme": '{"a": 2}'}
