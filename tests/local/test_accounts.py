import errno
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local.accounts import AccountsFileInvalid, read_accounts, with_sandbox
from local.sandbox.clevertap import CleverTapSandbox
from local.stack import Stack
from local.web import LoopbackHandler, LoopbackServer
from tests.local import toy


def test_urls_of_the_accounts_are_used_as_they_are(tmp_path: Path) -> None:
    accounts = {"acme": read_accounts()["acme"]}
    accounts["acme"]["provider"]["base_url"] = "http://127.0.0.1:9/bsp"
    accounts["acme"]["clevertap"]["status_url"] = "http://127.0.0.1:9/status"
    with Stack(accounts, template=toy.write(tmp_path)) as stack:
        used = stack.accounts["acme"]
        assert used["provider"]["base_url"] == "http://127.0.0.1:9/bsp"
        assert used["clevertap"]["status_url"] == "http://127.0.0.1:9/status"
        assert used["clevertap"]["incoming_url"] == stack.clevertap.incoming_url("acme")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("{", "must be JSON", id="not JSON"),
        pytest.param("[]", "at least one account", id="no object"),
        pytest.param("{}", "at least one account", id="empty"),
        pytest.param('{"a": 1}', "account a: must be a JSON object", id="account is no object"),
        pytest.param('{"a": {}}', "account a: provider.type", id="no provider"),
        pytest.param('{"a": {"provider": {"type": "clickatell"}}}', "account a: provider.api_key", id="no API key"),
    ],
)
def test_invalid_accounts(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(text)
    template = toy.write(tmp_path)
    with pytest.raises(AccountsFileInvalid, match=re.escape(problem)), Stack(read_accounts(path), template=template):
        pytest.fail("the stack started")


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    template = toy.write(tmp_path)
    with LoopbackServer(LoopbackHandler) as other, pytest.raises(OSError, match="in use") as failure:
        Stack(port=other.port, template=template).__enter__()
    assert failure.value.errno == errno.EADDRINUSE


class Url(NamedTuple):
    url: str


def test_lists_of_templates_are_the_sandboxes_too() -> None:
    clevertap: Any = CleverTapSandbox()
    accounts: Any = {
        "shop": {"provider": {"type": "gupshup"}},
        "portal": {"provider": {"type": "clickatell"}, "template_source": {"type": "meta"}},
        "own": {"provider": {"type": "gupshup", "templates_url": "https://own.example"}},
    }
    bsps: Any = {name: Url(f"http://127.0.0.1/{name}") for name in ("gupshup", "clickatell", "meta")}
    try:
        filled = with_sandbox(accounts, bsps, clevertap)
    finally:
        clevertap._server.stop()
    assert filled["shop"]["provider"]["templates_url"] == "http://127.0.0.1/gupshup"
    assert filled["portal"]["template_source"]["base_url"] == "http://127.0.0.1/meta"
    assert filled["own"]["provider"]["templates_url"] == "https://own.example"
