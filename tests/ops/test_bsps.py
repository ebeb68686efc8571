"""`bridge templates` at Message Central and Gupshup, against their sandboxes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner, Result

from local.sandbox.central_templates import CentralTemplates
from local.sandbox.gupshup import GupshupSandbox
from local.sandbox.message_central import MessageCentralSandbox
from ops.app import app
from ops.target import Target
from ops.templates import online
from ops.templates.registry import Books
from tests.ops.drafts import BODY, IMAGE, PHONE, REPLY, URL, body, buttons, draft, footer, header
from tests.providers.gupshup import samples as gupshup
from tests.providers.message_central import samples as central
from tests.support.world import World, world
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.accounts import parse_account

RUN = CliRunner()
HEAD = header("Congratulations")


class Operator:
    """Runs commands with one account of a BSP, whose sandbox is on the operator's clock."""

    def __init__(self, made: World, folder: Path, name: str, secret: dict[str, Any]) -> None:
        self.now, self.folder, self.name = 1_700_000_000.0, folder, name
        self.account = parse_account(name, secret)
        # Tokens are kept in the table.
        self.target = Target("test", {"dynamodb": made.dynamodb}.__getitem__, "test/accounts/", made.table.name)
        self.central = MessageCentralSandbox(lambda region: None)
        self.gupshup = GupshupSandbox(lambda region: None)
        if self.account.provider_type == "gupshup":
            self.gupshup.add_account(name, secret, "http://127.0.0.1:9")
            self.gupshup.templates[name].clock = lambda: self.now
        else:
            self.central.add_account(name, secret, "http://127.0.0.1:9")
            self.central.templates[name] = CentralTemplates("27999000001")
            self.central.templates[name].clock = lambda: self.now

    def books(self, *_: Any) -> Books:
        http: Any = self
        return Books(self.target, self.account, http, lambda: self.now, self.pause)

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def request(self, method: str, url: str, payload: bytes | None = None, headers: Any = None) -> Answer:
        self.now += 1
        split = urlsplit(url)
        path = f"{split.path}?{split.query}" if split.query else split.path
        given = {name.lower(): value for name, value in (headers or {}).items()}
        if self.account.provider_type == "gupshup":
            answer = self.gupshup.handle(method, path, given["content-type"], payload or b"")
            return Answer(answer.status, {}, answer.body.encode())
        of_central = self.central.handle(method, path, given, payload or b"")
        return Answer(of_central.status, {}, json.dumps(of_central.body).encode())

    def file(self, value: Any) -> str:
        file = self.folder / "template.json"
        file.write_text(json.dumps(value), encoding="utf-8")
        (self.folder / "picture.png").write_bytes(b"\x89PNG")
        return str(file)

    def __call__(self, command: str, *arguments: str) -> Result:
        return RUN.invoke(app, ["templates", command, self.name, *arguments])


@pytest.fixture(scope="module")
def shared() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.fixture
def bridge(shared: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Operator:
    kind = getattr(request, "param", "central")
    secret = (gupshup if kind == "gupshup" else central).secret("https://bsp.example")
    operator = Operator(shared, tmp_path, f"a{abs(hash(request.node.name)) % 10**12}", secret)
    monkeypatch.setattr(online, "books", operator.books)
    return operator


OF_GUPSHUP = pytest.mark.parametrize("bridge", ["gupshup"], indirect=True)


@pytest.mark.parametrize("components", [[HEAD, BODY, footer(), buttons(URL, PHONE)], [IMAGE, BODY, buttons(REPLY)]])
def test_message_central_makes_a_template_and_tells_of_its_review(bridge: Operator, components: Any) -> None:
    done = bridge("create", bridge.file(draft(*components)), "--wait", "--json")

    assert (done.exit_code, json.loads(done.stdout)["status"]) == (0, "APPROVED")


def test_message_centrals_spelling_is_said_and_kept(bridge: Operator) -> None:
    done = bridge("create", bridge.file(draft(HEAD, BODY, name="abhishek786")), "--wait", "--json")

    assert json.loads(done.stdout)["bsp_name"] == "abhishek_786"
    assert "the BSP calls it abhishek_786" in done.stderr
    # By either name.
    assert bridge("status", "abhishek786").exit_code == 0
    (known,) = bridge.books().named("abhishek786")
    assert (known.name, known.bsp_name, known.status) == ("abhishek786", "abhishek_786", "APPROVED")


def test_template_without_a_header_never_leaves(bridge: Operator) -> None:
    done = bridge("create", bridge.file(draft(BODY)))

    assert (done.exit_code, "813" in done.stderr) == (4, True)


def test_syncing_asks_for_each_template_that_is_known(bridge: Operator) -> None:
    bridge("create", bridge.file(draft(HEAD, BODY)))
    bridge.pause(10)

    done = bridge("sync", "--json")

    assert [each["status"] for each in json.loads(done.stdout)["asked"]] == ["APPROVED"]


@OF_GUPSHUP
@pytest.mark.parametrize("components", [[HEAD, BODY, footer(), buttons(REPLY, URL, PHONE)], [IMAGE, BODY]])
def test_gupshup_makes_a_template_and_lists_it_once_reviewed(bridge: Operator, components: Any) -> None:
    done = bridge("create", bridge.file(draft(*components)), "--wait", "--json")

    assert (done.exit_code, json.loads(done.stdout)["status"]) == (0, "APPROVED")
    (known,) = bridge.books().named("order_update")
    assert known.content is not None
    assert [each["type"] for each in known.content.components] == [each["type"] for each in components]


@OF_GUPSHUP
def test_gupshup_edits_a_template(bridge: Operator) -> None:
    bridge("create", bridge.file(draft(BODY)), "--wait")

    changed = body("Hello {{1}}, your order has left our house.", "Ada")
    done = bridge("edit", bridge.file(draft(changed)), "--yes")

    assert done.exit_code == 0, done.stderr
    (entry,) = bridge.gupshup.templates[bridge.name].entries
    assert entry["body"] == "Hello {{1}}, your order has left our house."


@OF_GUPSHUP
def test_gupshups_rejection_is_shown(bridge: Operator) -> None:
    done = bridge("create", bridge.file(draft(BODY, name="one_rejected")), "--wait", "--json")

    assert (done.exit_code, json.loads(done.stdout)["status"]) == (1, "REJECTED")


@OF_GUPSHUP
def test_gupshup_has_no_call_that_deletes(bridge: Operator) -> None:
    assert bridge("delete", "order_update", "--all-languages", "--yes").exit_code == 2
