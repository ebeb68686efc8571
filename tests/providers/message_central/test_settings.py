from typing import Any

import pytest

from tests.providers.message_central import samples
from whatsapp_bridge.accounts.account import AccountInvalid
from whatsapp_bridge.providers.accounts import parse_account


def provider(**settings: Any) -> dict[str, Any]:
    return samples.secret() | {"provider": {"type": "message_central", **settings}}


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"token": samples.TOKEN}, id="a token alone"),
        pytest.param({"token": samples.TOKEN, "customer_id": "C-1"}, id="a token, and whose it is"),
        pytest.param({"customer_id": "C-1", "password": samples.PASSWORD}, id="a password"),
        pytest.param(
            {"customer_id": "C-1", "password": samples.PASSWORD, "country": 91, "email": "a@b.example"}, id="all of it"
        ),
    ],
)
def test_complete(settings: dict[str, Any]) -> None:
    account = parse_account("acme", provider(**settings))

    assert account.provider.base_url == "https://cpaas.messagecentral.com"
    assert account.provider.country in (None, "91")


@pytest.mark.parametrize(
    ("settings", "field", "reason"),
    [
        pytest.param({}, "password", "is missing: set either password or token", id="nothing"),
        pytest.param({"customer_id": "C-1"}, "password", "is missing: set either password or token", id="neither"),
        pytest.param(
            {"customer_id": "C-1", "password": samples.PASSWORD, "token": samples.TOKEN},
            "password",
            "must not be set together with token: only one of them is used",
            id="both",
        ),
        pytest.param(
            {"password": samples.PASSWORD},
            "customer_id",
            "is missing: it must be set together with password",
            id="no customer",
        ),
        pytest.param(
            {"token": f"two {samples.TOKEN}"},
            "token",
            "must have 43 or more visible ASCII characters and no spaces: copy all of it from the BSP",
            id="no token",
        ),
    ],
)
def test_refused(settings: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(AccountInvalid) as caught:
        parse_account("acme", provider(**settings))

    assert (caught.value.field, caught.value.reason) == (f"provider.{field}", reason)
