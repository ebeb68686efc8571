"""`bridge templates` on a stack: the registry and Meta, whose sandbox plays review, limits and lost answers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from local.sandbox.meta import MetaSandbox, Number
from local.sandbox.meta_review import ReviewedTemplates
from local.sandbox.meta_templates import PAGE_UNDER_502, TemplateAnswer, error
from ops.app import app
from ops.target import Target
from ops.templates import online
from ops.templates.registry import Books
from tests.ops.drafts import BODY, IMAGE, body, draft
from tests.providers.meta import samples
from tests.support.world import World, account, world
from tests.templates.samples import entry
from whatsapp_bridge.net.http import Answer, AnswerLost
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.store.templates import Imports

RUN = CliRunner()


class Operator:
    """Runs commands on one stack, with Meta's sandbox for account `acme` and no list for account `plain`."""

    def __init__(self, made: World, folder: Path, waba_id: str) -> None:
        self.now, self.folder, self.waited = 1_700_000_000.0, folder, 0.0
        secret = samples.secret(waba_id=waba_id, app_id="107")
        provider = secret["provider"]
        self.sandbox = MetaSandbox(lambda region: None)
        ids = (provider["phone_number_id"], "27999000001", provider["access_token"])
        self.sandbox.add(Number("acme", *ids, "", "", "v23.0", "", waba_id, "107"))
        self.meta = self.sandbox.templates[waba_id] = ReviewedTemplates()
        self.meta.clock, self.meta.review_seconds = lambda: self.now, 5
        self.target = Target("test", {"dynamodb": made.dynamodb}.__getitem__, "test/accounts/", made.table.name)
        plain = account(waba_number="27999000009")
        self.accounts = {"acme": parse_account("acme", secret), f"p{waba_id}": parse_account(f"p{waba_id}", plain)}
        self.plain = f"p{waba_id}"
        self.breaks_off: list[str] = []
        """Parts of addresses: the next request to each gets no answer, though it arrives."""

    def books(self, name: str, *_: Any) -> Books:
        http: Any = self
        return Books(self.target, self.accounts[name], http, lambda: self.now, self.pause)

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.waited += seconds

    def request(self, method: str, url: str, payload: bytes | None = None, headers: Any = None) -> Answer:
        self.now += 1
        headers = headers or {}
        path = url.removeprefix("https://bsp.example")
        answer = self.sandbox.handle(method, path, headers["authorization"], payload or b"", headers.get("file_offset"))
        broken = next((part for part in self.breaks_off if part in url), None)
        if broken:
            self.breaks_off.remove(broken)
        if answer.lost or broken:
            raise AnswerLost("ReadTimeout")
        return Answer(answer.status, dict(answer.headers), answer.body)

    def post_json(self, url: str, payload: Any, headers: Any = None) -> Answer:
        return self.request("POST", url, json.dumps(payload).encode(), headers)

    def file(self, *values: Any) -> str:
        file = self.folder / "templates.json"
        file.write_text(json.dumps(list(values)), encoding="utf-8")
        (self.folder / "picture.png").write_bytes(b"\x89PNG")
        return str(file)

    def __call__(self, *arguments: str) -> Result:
        return RUN.invoke(app, ["templates", *arguments])

    def told(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json").stdout)

    def statuses(self) -> dict[str, str]:
        found = self.books("acme").known().templates
        return {template.title: template.status for template in found}


@pytest.fixture(scope="module")
def shared() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.fixture
def bridge(shared: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Operator:
    operator = Operator(shared, tmp_path, str(10**15 + abs(hash(request.node.name)) % 10**14))
    monkeypatch.setattr(online, "books", operator.books)
    return operator


# --- the registry ----------------------------------------------------------------------------------------------------


def test_sync_and_list(bridge: Operator) -> None:
    bridge.meta.entries = [entry(name=f"t{number}", id=str(number)) for number in range(3)]

    done = bridge("sync", "acme")

    assert (done.exit_code, done.stdout) == (0, "3 templates listed, 3 changed, 0 gone\n")
    listed = bridge.told("list", "acme")
    assert [(each["name"], each["status"], each["category"]) for each in listed["templates"]] == [
        (f"t{number}", "APPROVED", "UTILITY") for number in range(3)
    ]
    assert listed["listed_at"]


def test_list_says_that_there_was_no_complete_list(bridge: Operator) -> None:
    assert bridge("list", "acme").stdout.splitlines()[-1] == "0 templates; no complete list yet: `sync` it"


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        pytest.param(PAGE_UNDER_502, 5, "HTTP 502 without Meta's answer", id="a proxy's page"),
        pytest.param(
            TemplateAnswer(403, json.dumps(error(10, "Nein")).encode()),
            4,
            "Meta's error 10: the token needs the permission whatsapp_business_management",
            id="permission missing",
        ),
    ],
)
def test_sync_that_does_not_reach_the_end(bridge: Operator, answer: TemplateAnswer, code: int, words: str) -> None:
    bridge.meta.next_answers = [answer]

    done = bridge("sync", "acme")

    assert done.exit_code == code
    assert words in done.stderr


def test_diff_names_what_differs_and_changes_nothing(bridge: Operator) -> None:
    bridge.meta.entries = [entry(name="kept", id="1"), entry(name="gone", id="2")]
    bridge("sync", "acme")
    bridge.meta.entries = [entry(name="kept", id="1", status="PAUSED"), entry(name="new", id="3")]

    done = bridge("diff", "acme", "--json")

    assert done.exit_code == 1
    assert [(each["name"], each["what"], each["registry"], each["bsp"]) for each in json.loads(done.stdout)] == [
        ("gone", "template", "APPROVED", "missing"),
        ("kept", "status", "APPROVED", "PAUSED"),
        ("new", "template", "missing", "APPROVED"),
    ]
    assert bridge.statuses() == {"gone (en)": "APPROVED", "kept (en)": "APPROVED"}


def test_diff_of_what_is_the_same_ends_with_0(bridge: Operator) -> None:
    bridge.meta.entries = [entry(id="1")]
    bridge("sync", "acme")

    assert bridge("diff", "acme").exit_code == 0


def test_diff_with_a_list_that_goes_round_is_none(bridge: Operator) -> None:
    bridge.meta.entries = [entry(name=f"t{number}", id=str(number)) for number in range(150)]
    bridge("sync", "acme")
    bridge.meta.next_answers = [None, bridge.meta.page({"limit": "100"}, "https://bsp.example")]

    done = bridge("diff", "acme")

    assert (done.exit_code, "comes back" in done.stderr) == (4, True)


def test_preview_names_what_an_import_would_lose(bridge: Operator) -> None:
    bridge.meta.entries = [
        entry(name="sent", id="1"),
        entry(name="pausing", id="2", status="PAUSED"),
        entry(name="code", id="3", category="AUTHENTICATION"),
    ]
    bridge("sync", "acme")

    done = bridge("import-preview", "acme", "--json")

    assert done.exit_code == 1
    assert json.loads(done.stdout) == {
        "imported": ["sent (en)"],
        "missing": [
            {"title": "code (en)", "reason": "CleverTap sends no authentication templates"},
            {"title": "pausing (en)", "reason": "is paused by WhatsApp"},
        ],
    }


def test_preview_names_what_the_last_import_had(bridge: Operator) -> None:
    bridge.meta.entries = [entry(name="sent", id="1")]
    bridge("sync", "acme")
    Imports(bridge.target.table).keep("acme", ["gone (en)", "sent (en)"])

    done = bridge("import-preview", "acme", "--json")
    Imports(bridge.target.table).keep("acme", [])

    assert json.loads(done.stdout)["missing"] == [
        {"title": "gone (en)", "reason": "is deleted, and the last import had it"}
    ]


def test_preview_before_any_complete_list(bridge: Operator) -> None:
    done = bridge("import-preview", "acme")

    assert done.exit_code == 1
    assert "HTTP 503" in done.stderr


# --- files, for a BSP without a list ---------------------------------------------------------------------------------


def test_file_is_the_complete_list_of_a_bsp_without_one(bridge: Operator) -> None:
    assert bridge("import", bridge.plain, bridge.file(draft(), draft(name="another"))).exit_code == 0

    assert bridge.told("import-preview", bridge.plain)["imported"] == ["another (en)", "order_update (en)"]


def test_replacing_asks_before_templates_count_as_deleted(bridge: Operator) -> None:
    bridge("import", bridge.plain, bridge.file(draft(), draft(name="another")))

    asked = bridge("import", bridge.plain, bridge.file(draft()), "--replace")
    done = bridge("import", bridge.plain, bridge.file(draft()), "--replace", "--yes")

    assert (asked.exit_code, done.exit_code) == (2, 0)
    assert "another (en)" in asked.stderr
    assert done.stdout == "1 template imported, 1 gone\n"


def test_second_file_of_the_same_second_counts(bridge: Operator) -> None:
    bridge("import", bridge.plain, bridge.file(draft()))
    bridge("import", bridge.plain, bridge.file(draft(category="UTILITY")))

    assert [each["category"] for each in bridge.told("list", bridge.plain)["templates"]] == ["UTILITY"]


def test_account_with_a_list_takes_no_file(bridge: Operator) -> None:
    assert bridge("import", "acme", bridge.file(draft())).exit_code == 2


def test_account_without_a_list_cannot_be_synced(bridge: Operator) -> None:
    done = bridge("sync", bridge.plain)

    assert (done.exit_code, "`import`" in done.stderr) == (2, True)


# --- making ----------------------------------------------------------------------------------------------------------


def test_template_is_made_and_waited_for(bridge: Operator) -> None:
    done = bridge("create", "acme", bridge.file(draft()), "--wait", "--json")

    assert done.exit_code == 0
    assert (json.loads(done.stdout)["status"], bridge.waited > 0) == ("APPROVED", True)
    assert bridge.statuses() == {"order_update (en)": "APPROVED"}


def test_rejected_template_ends_with_1_and_its_reason(bridge: Operator) -> None:
    done = bridge("create", "acme", bridge.file(draft(name="one_rejected")), "--wait", "--json")

    assert (done.exit_code, json.loads(done.stdout)["reason"]) == (1, "INVALID_FORMAT")


def test_review_that_takes_longer_ends_with_5(bridge: Operator) -> None:
    bridge.meta.review_seconds = 10_000

    done = bridge("create", "acme", bridge.file(draft()), "--wait", "--timeout", "60")

    assert done.exit_code == 5
    assert bridge.statuses() == {"order_update (en)": "PENDING"}


def test_bsp_that_is_away_for_a_while_does_not_end_the_waiting(bridge: Operator) -> None:
    bridge.meta.next_answers = [None, PAGE_UNDER_502, PAGE_UNDER_502]

    assert bridge("create", "acme", bridge.file(draft()), "--wait").exit_code == 0


def test_language_that_is_deleted_is_no_reason(approved: Operator) -> None:
    approved("create", "acme", approved.file(draft(language="fr")), "--wait")
    approved("delete", "acme", "order_update", "--language", "fr", "--yes")

    assert approved("status", "acme", "order_update").exit_code == 0


def test_refused_draft_never_leaves(bridge: Operator) -> None:
    done = bridge("create", "acme", bridge.file(draft(name="Bad Name")))

    assert (done.exit_code, bridge.meta.calls) == (1, 0)
    assert "[name]" in done.stdout


def test_category_that_meta_changes_is_said_aloud(bridge: Operator) -> None:
    done = bridge("create", "acme", bridge.file(draft(name="my_offer", category="UTILITY")), "--json")

    assert json.loads(done.stdout)["category_changed"] is True
    assert "WhatsApp takes it as MARKETING, not UTILITY" in done.stderr


def test_sample_is_uploaded_once_and_goes_on_where_it_broke_off(bridge: Operator) -> None:
    bridge.breaks_off = ["/upload:"]

    done = bridge("create", "acme", bridge.file(draft(IMAGE, BODY)))

    assert done.exit_code == 0
    assert bridge.meta.uploads == {"upload:session0": bytearray(b"\x89PNG")}
    assert bridge.meta.entries[0]["components"][0]["example"] == {
        "header_handle": ["https://scontent.example/v/session0?oe=6A000000"]
    }


def test_missing_sample_file_is_named(bridge: Operator) -> None:
    header = {**IMAGE, "example": {"header_file": "nothing.png"}}

    done = bridge("create", "acme", bridge.file(draft(header, BODY)))

    assert (done.exit_code, "nothing.png" in done.stderr, bridge.meta.entries) == (2, True, [])


@pytest.mark.parametrize("lost", [1, 2])
def test_lost_answer_makes_no_second_template(bridge: Operator, lost: int) -> None:
    bridge.meta.lost_answers = lost

    done = bridge("create", "acme", bridge.file(draft()))

    assert (done.exit_code, len(bridge.meta.entries)) == (0, 1)
    assert "the template is there" in done.stderr


def test_answer_without_an_id_is_looked_up(bridge: Operator) -> None:
    bridge.meta.next_answers = [TemplateAnswer(200, b"{}"), None]

    done = bridge("create", "acme", bridge.file(draft()))

    assert (done.exit_code, len(bridge.meta.entries)) == (0, 1)


def test_page_under_502_is_looked_up_before_the_second_try(bridge: Operator) -> None:
    bridge.meta.next_answers = [PAGE_UNDER_502]

    assert bridge("create", "acme", bridge.file(draft())).exit_code == 0
    assert len(bridge.meta.entries) == 1


def test_template_that_exists_is_not_taken_for_ours(bridge: Operator) -> None:
    bridge("create", "acme", bridge.file(draft()))

    done = bridge("create", "acme", bridge.file(draft()))

    assert done.exit_code == 4
    # In Meta's words, whatever their language, and with our advice.
    words = done.stderr
    assert "Inhalte in dieser Sprache existieren bereits" in words
    assert "(Meta's error 100/2388024); it exists in this language" in words
    assert "it is there with status " in words


def test_too_many_calls_say_when_to_come_again(bridge: Operator) -> None:
    bridge.meta.budget = bridge.meta.calls = 1

    done = bridge("create", "acme", bridge.file(draft()))

    assert (done.exit_code, "again in 720 s" in done.stderr) == (5, True)


def test_provider_without_the_call_says_so(bridge: Operator) -> None:
    done = bridge("create", bridge.plain, bridge.file(draft()))

    assert (done.exit_code, "has no call for it" in done.stderr) == (2, True)


# --- changing --------------------------------------------------------------------------------------------------------


@pytest.fixture
def approved(bridge: Operator) -> Operator:
    bridge("create", "acme", bridge.file(draft()), "--wait")
    assert bridge.statuses() == {"order_update (en)": "APPROVED"}
    return bridge


def test_approved_template_is_edited_once_a_day(approved: Operator) -> None:
    file = approved.file(draft(body("Hello {{1}}, your order has left our house.", "Ada")))

    first = approved("edit", "acme", file, "--yes")
    approved.pause(10)
    second = approved("edit", "acme", file, "--yes")

    assert (first.exit_code, second.exit_code) == (0, 4)
    assert "einmal in 24 Stunden" in second.stderr
    assert approved.meta.entries[0]["components"][0]["text"].endswith("left our house.")


def test_category_of_an_approved_template_stays(approved: Operator) -> None:
    done = approved("edit", "acme", approved.file(draft(category="UTILITY")), "--yes")

    assert (done.exit_code, "its category cannot change" in done.stderr) == (1, True)


def test_template_in_review_is_not_edited(bridge: Operator) -> None:
    bridge.meta.review_seconds = 10_000
    bridge("create", "acme", bridge.file(draft()))

    assert bridge("edit", "acme", bridge.file(draft()), "--yes").exit_code == 1


def test_deleting_asks_first_and_blocks_the_name(approved: Operator) -> None:
    asked = approved("delete", "acme", "order_update", "--all-languages")
    done = approved("delete", "acme", "order_update", "--language", "en", "--yes")
    again = approved("create", "acme", approved.file(draft()))

    assert (asked.exit_code, done.exit_code, again.exit_code) == (2, 0, 4)
    assert approved.statuses() == {"order_update (en)": "DELETED"}
    assert "still being deleted" in again.stderr


def test_deleting_needs_a_language_or_all(approved: Operator) -> None:
    assert approved("delete", "acme", "order_update", "--yes").exit_code == 2


def test_pause_is_ended(approved: Operator) -> None:
    approved.meta.entries[0]["status"] = "PAUSED"
    assert approved("status", "acme", "order_update").exit_code == 1

    assert approved("unpause", "acme", "order_update").exit_code == 0
    assert approved.statuses() == {"order_update (en)": "APPROVED"}
    assert approved("unpause", "acme", "order_update").exit_code == 1


def test_template_goes_to_the_archive_and_comes_back(approved: Operator) -> None:
    done = approved("archive", "acme", "order_update", "--yes")
    archived = approved.statuses()
    back = approved("unarchive", "acme", "order_update")

    assert (done.exit_code, archived) == (0, {"order_update (en)": "ARCHIVED"})
    assert (back.exit_code, approved.statuses()) == (0, {"order_update (en)": "APPROVED"})


def test_what_was_not_archived_is_named(bridge: Operator) -> None:
    bridge.meta.review_seconds = 10_000
    bridge("create", "acme", bridge.file(draft()))

    done = bridge("archive", "acme", "order_update", "--yes")

    assert (done.exit_code, "not done for order_update (en)" in done.stderr) == (4, True)


def test_history_shows_each_change_and_its_source(approved: Operator) -> None:
    history = approved.told("status", "acme", "order_update")[0]["changes"]

    assert [(each["what"], each["before"], each["after"]) for each in history] == [("status", "PENDING", "APPROVED")]


# --- one real message ------------------------------------------------------------------------------------------------

PERSON = "27821230001"


def test_message_has_the_samples_as_values(approved: Operator) -> None:
    done = approved("test", "acme", "order_update", "--to", PERSON, "--yes", "--json")

    told = json.loads(done.stdout)
    (delivered,) = approved.sandbox.delivered
    assert (done.exit_code, told["outcome"].startswith("accepted as wamid.")) == (0, True)
    assert json.loads(told["bsp_answered"])["messages"]
    assert delivered.wire["template"] == {
        "name": "order_update",
        "language": {"code": "en"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ada"}]}],
    }


def test_refused_message_shows_the_bsps_answer(approved: Operator) -> None:
    # The end of the number says so: see the conventions of the sandboxes.
    done = approved("test", "acme", "order_update", "--to", "27821239403", "--yes", "--json")

    told = json.loads(done.stdout)
    assert (done.exit_code, "error" in json.loads(told["bsp_answered"])) == (4, True)


def test_message_asks_before_it_leaves(approved: Operator) -> None:
    assert approved("test", "acme", "order_update", "--to", PERSON).exit_code == 2
    assert approved.sandbox.delivered == []


def test_file_of_a_header_must_be_named(bridge: Operator) -> None:
    bridge("create", "acme", bridge.file(draft(IMAGE, BODY)), "--wait")

    done = bridge("test", "acme", "order_update", "--to", PERSON, "--yes")

    assert (done.exit_code, "--media" in done.stderr) == (2, True)


@pytest.mark.parametrize("command", ["list", "sync", "diff", "status", "create", "edit"])
def test_no_secret_is_ever_shown(bridge: Operator, command: str) -> None:
    more = {"status": ["order_update"], "create": [bridge.file(draft())], "edit": [bridge.file(draft()), "--yes"]}

    done = bridge(command, "acme", *more.get(command, []), "--json")

    assert "private" not in done.stdout + done.stderr
