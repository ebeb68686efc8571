"""`bridge account check --online`: against the BSPs' sandboxes and the bridge's own functions."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.sandbox.gupshup import GupshupSandbox
from local.sandbox.message_central import MessageCentralSandbox
from local.sandbox.meta import MetaSandbox, Number
from local.sandbox.meta_templates import TemplateAnswer
from local.sandbox.one_api import OneApiSandbox
from ops.accounts import bsp_calls, checking
from ops.accounts.online import try_account
from tests.ops.operator import Operator
from tests.ops.test_account_check import SAMPLES
from tests.support.world import World, world
from whatsapp_bridge.net.http import Answer, AnswerLost, NotReached
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.accounts import parse_account

type Bsp = Callable[[str, str, bytes, dict[str, str]], Answer]


@pytest.fixture
def made() -> Iterator[World]:
    with world(**{kind.replace("_", "-"): secret for kind, secret in SAMPLES.items()}) as made:
        yield made


@pytest.fixture
def bridge(made: World, monkeypatch: pytest.MonkeyPatch) -> Operator:
    operator = Operator(made, monkeypatch)
    monkeypatch.setattr(checking, "HttpClient", lambda: operator)
    return operator


def of_sandbox(kind: str) -> Bsp:
    """The BSP's sandbox, with the sample account."""
    secret = SAMPLES[kind]
    if kind == "meta":
        meta = MetaSandbox(lambda region: None)
        provider = secret["provider"]
        meta.add(
            Number(
                "meta", provider["phone_number_id"], "27999000001", provider["access_token"], "", "", "v23.0", "",
                provider["waba_id"],
            )
        )  # fmt: skip

        def of_meta(method: str, url: str, body: bytes, headers: dict[str, str]) -> Answer:
            given = meta.handle(method, url.removeprefix("https://bsp.example"), headers["authorization"], body, None)
            return Answer(given.status, {}, given.body)

        return of_meta
    if kind == "gupshup":
        gupshup = GupshupSandbox(lambda region: None)
        gupshup.add_account("gupshup", secret, "http://127.0.0.1:9")

        def of_gupshup(method: str, url: str, body: bytes, headers: dict[str, str]) -> Answer:
            given = gupshup.handle(method, "/GatewayAPI/rest", headers["content-type"], body)
            return Answer(given.status, {}, given.body.encode())

        return of_gupshup
    if kind == "message_central":
        central = MessageCentralSandbox(lambda region: None)
        central.add_account("message-central", secret, "http://127.0.0.1:9")

        def of_central(method: str, url: str, body: bytes, headers: dict[str, str]) -> Answer:
            given = central.handle(method, url.removeprefix("https://bsp.example"), headers, body)
            return Answer(given.status, {}, json.dumps(given.body).encode())

        return of_central
    one_api = OneApiSandbox(lambda region: None)
    one_api.add_account("clickatell", secret, "http://127.0.0.1:9")

    def of_one_api(method: str, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        path = url.removeprefix("https://bsp.example")
        given = one_api.handle(method, path, headers.get("authorization"), body)
        return Answer(given.status, {}, json.dumps(given.body).encode())

    return of_one_api


BSP_SAYS = {
    "clickatell": [("provider.api_key", "yes")],
    "clickatell_legacy": [("provider.api_key", "unknown")],
    "gupshup": [("provider.hsm", "yes"), ("provider.two_way", "unknown")],
    "message_central": [("provider.password", "yes")],
    "meta": [("provider.access_token", "yes")],
}
OWN = [("callback URL incoming", "yes"), ("callback URL status", "yes"), ("clevertap.authorization.0", "yes")]


def test_every_bsp_is_asked_or_it_is_said_that_none_can_be() -> None:
    assert set(bsp_calls._CALLS) == set(BSP_SAYS) == set(registry.PROVIDERS)


@pytest.mark.parametrize("kind", SAMPLES)
def test_right_account_works(bridge: Operator, kind: str) -> None:
    bridge.bsp = of_sandbox(kind)

    done = bridge("account", "check", kind.replace("_", "-"), "--online", "--json")

    told = json.loads(done.stdout)
    assert done.exit_code == 0, done.stdout
    assert [(each["what"], each["works"]) for each in told["tried"]] == [*BSP_SAYS[kind], *OWN]
    assert "private" not in done.stdout + done.stderr


@pytest.mark.parametrize("kind", SAMPLES)
def test_nothing_is_sent_and_nothing_is_queued(bridge: Operator, kind: str) -> None:
    bridge.bsp = of_sandbox(kind)

    bridge("account", "check", kind.replace("_", "-"), "--online")

    beyond = [(method, url.partition("?")[0]) for method, url, *_ in bridge.asked if url.startswith("https://bsp")]
    sending = ("/v1/message", "/verification/v3/send", "/messages")
    assert not [url for _, url in beyond if url.endswith(sending)]
    assert all(bridge.world.depth(queue) == 0 for queue in bridge.world.deployment.queues)


@pytest.mark.parametrize("kind", SAMPLES)
def test_other_source_of_templates_is_asked_too(bridge: Operator, kind: str) -> None:
    source = {
        "type": "meta",
        "waba_id": "102200000000001",
        "access_token": "of-the-owner-of-it",
        "api_version": "v23.0",
    }
    secret = SAMPLES[kind] | {"template_source": source | {"base_url": "https://owner.example"}}
    own = of_sandbox(kind)

    def asked(method: str, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        return Answer(401, {}, b"{}") if url.startswith("https://owner") else own(method, url, body, headers)

    bridge.bsp = asked
    http: Any = bridge

    tried = try_account(parse_account("a", secret), None, http)

    assert [each.works for each in tried if each.what == "template_source"] == ["no"]
    assert {each.what for each in tried} >= {what for what, _ in BSP_SAYS[kind]}
    # What lists the templates is not the BSP's own credentials then.
    assert all(each.works != "no" for each in tried if each.what.startswith("provider"))


WRONG = {
    "clickatell": ("provider.api_key", {"api_key": "wrong-api-key-0001"}),
    "gupshup": ("provider.hsm", {"hsm": {"user_id": "2000", "password": "wrong-password"}}),
    "message_central": ("provider.password", {"password": "wrong-password"}),
    "meta": ("provider.access_token", {"access_token": "wrong-access-token"}),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_credentials_of_a_file(bridge: Operator, tmp_path: Path, kind: str) -> None:
    what, change = WRONG[kind]
    secret = SAMPLES[kind] | {"provider": SAMPLES[kind]["provider"] | change}
    file = tmp_path / "a.json"
    file.write_text(json.dumps(secret), encoding="utf-8")
    bridge.bsp = of_sandbox(kind)

    done = bridge("account", "check", str(file), "--online", "--json")

    found = {each["what"]: each["works"] for each in json.loads(done.stdout)["tried"]}
    assert (done.exit_code, found[what]) == (1, "no")
    assert not any(url.startswith("https://bridge.example") for _, url, *_ in bridge.asked)


@pytest.mark.parametrize("kind", ["clickatell", "message_central", "gupshup"])
@pytest.mark.parametrize("failure", [NotReached("ConnectTimeout"), AnswerLost("ReadTimeout")])
def test_bsp_that_does_not_answer_says_nothing_of_the_account(bridge: Operator, kind: str, failure: Exception) -> None:
    def away(*_: Any) -> Answer:
        raise failure

    bridge.bsp = away
    http: Any = bridge

    tried = try_account(parse_account("a", SAMPLES[kind]), None, http)

    assert {each.works for each in tried} == {"unknown"}


def test_list_that_is_not_permitted_is_said_in_metas_words(bridge: Operator) -> None:
    bridge.bsp = lambda *_: Answer(
        403, {}, TemplateAnswer(403, json.dumps({"error": {"code": 10, "message": "x"}}).encode()).body
    )

    done = bridge("account", "check", "meta", "--online")

    assert done.exit_code == 1
    assert "provider.access_token: Meta's error 10: the token needs the permission" in done.stdout


def test_callbacks_from_elsewhere_are_forbidden(bridge: Operator) -> None:
    secret = SAMPLES["clickatell"] | {"options": {"source_networks": ["198.51.100.0/24"]}}
    bridge.world.put_account("closed", secret)
    bridge.bsp = of_sandbox("clickatell")

    found = {each["what"]: each for each in bridge.told("account", "check", "closed", "--online")["tried"]}

    assert found["callback URL incoming"]["works"] == "unknown"
    assert "options.source_networks" in found["callback URL incoming"]["says"]


@pytest.mark.parametrize(
    ("seconds", "works", "words"),
    [
        pytest.param([0.1, 0.4], "yes", "answered in 0.40 s", id="in time"),
        pytest.param([1.4, 0.1], "no", "CleverTap waits for one second", id="the first one, from a cold start"),
    ],
)
def test_validation_is_timed_against_the_second(bridge: Operator, seconds: list[float], works: str, words: str) -> None:
    times = iter([0.0, seconds[0], 10.0, 10.0 + seconds[1]])
    bridge.bsp, http = of_sandbox("clickatell"), bridge
    asked: Any = http

    *_, validated = try_account(
        parse_account("clickatell", SAMPLES["clickatell"]), bridge.target, asked, clock=lambda: next(times)
    )

    assert (validated.works, words in validated.words, validated.seconds) == (works, True, max(seconds))


def test_credentials_that_the_functions_do_not_know_yet(bridge: Operator) -> None:
    account = parse_account("nobody", SAMPLES["clickatell"])
    bridge.bsp = of_sandbox("clickatell")
    http: Any = bridge

    found = {each.what: (each.works, each.words) for each in try_account(account, bridge.target, http)}

    assert found["clevertap.authorization.0"] == ("no", "HTTP 200: Invalid credentials")
    assert found["callback URL incoming"] == ("no", "refused with HTTP 403")
