"""The registry is filled by syncs of a schedule and by the BSPs' webhooks, for all accounts that share templates."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from local.sandbox.meta_templates import TemplateAnswer, TemplateList, error
from tests.conftest import Log
from tests.providers.gupshup import samples as gupshup
from tests.providers.message_central import samples as central
from tests.providers.meta import samples as meta
from tests.support.world import START, UNREACHED, World, account, json_answer, world
from tests.templates.samples import entry
from whatsapp_bridge.flows.template_queue import sync_entry
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.cloud_api.templates import of_entry
from whatsapp_bridge.store.queues import TemplatesQueue
from whatsapp_bridge.store.templates import Registry
from whatsapp_bridge.templates.news import News
from whatsapp_bridge.templates.template import Change

type Json = dict[str, Any]

WABA, OTHER_WABA = "102290129340398", "102290129340399"
SCOPE = f"waba:{WABA}"
AT = int(START)
STATUS, NUMBER = "message_template_status_update", "phone_number_quality_update"
SOURCE = {
    "type": "meta",
    "waba_id": WABA,
    "access_token": "private-access-token",
    "api_version": "v25.0",
    "base_url": "https://bsp.example",
}
TOKEN = meta.secret()["callback_token"]


def of_meta(waba: str = WABA, number: str = "27999000001", **provider: Any) -> Json:
    return meta.secret(waba_id=waba, **provider) | {"waba_number": number}


class Graph:
    """Meta, which has one list, and Gupshup, which has a list of its own."""

    def __init__(self, made: World) -> None:
        self.world, self.listed = made, TemplateList()
        self.fails: Exception | None = None
        self.flat: list[Json] = []
        self.registry = Registry(made.table)
        made.bsp = self._answer

    def _answer(self, url: str, body: Any) -> Answer | Exception:
        if self.fails is not None:
            return self.fails
        split = urlsplit(url)
        if split.path == "/GatewayAPI/rest":
            # The offset is passed over: one public client alone gives it.
            limit = int(parse_qs(body.decode())["limit"][0])
            return json_answer(200, {"data": self.flat[:limit], "meta": {"total": len(self.flat)}})
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        if split.path.endswith("/message_templates"):
            answer = self.listed.page(query, url.partition("?")[0])
        else:
            answer = self.listed.one(split.path.rpartition("/")[2], query)
        return Answer(answer.status, dict(answer.headers), answer.body)

    def refuses(self, code: int, times: int = 1) -> None:
        self.listed.next_answers += [TemplateAnswer(400, json.dumps(error(code, "no")).encode())] * times

    def has(self, *names: str, **changes: Any) -> None:
        self.listed.entries = [entry(name=name, id=name.encode().hex(), **changes) for name in names]

    def notify(
        self, *values: Json, at: int = AT, field: str = STATUS, waba: str = WABA, account: str = "acme", **headers: str
    ) -> int:
        """The HTTP status for a webhook with these changes."""
        changes = [{"field": field, "value": value} for value in values]
        body = {"object": "whatsapp_business_account", "entry": [{"id": waba, "time": at, "changes": changes}]}
        signature = meta.signature(json.dumps(body).encode())
        answer = self.world.callback(body, account, TOKEN, headers={"x-hub-signature-256": signature, **headers})
        return answer.status

    def sync(self) -> None:
        self.world.templates.plan()
        self.world.pump()

    def statuses(self, scope: str = SCOPE) -> dict[str, str]:
        return {template.name: template.status for template in self.registry.all(scope).templates}

    def history(self, name: str, scope: str = SCOPE) -> list[tuple[str, str, str]]:
        (found,) = (each for each in self.registry.all(scope).templates if each.name == name)
        return [(change.what, change.after, change.reason) for change in found.changes]


def of_template(event: str, name: str = "offer", **more: Any) -> Json:
    return {
        "event": event,
        "message_template_id": name.encode().hex(),
        "message_template_name": name,
        "message_template_language": "en",
        "reason": None,
    } | more


@pytest.fixture
def graph() -> Iterator[Graph]:
    with world(acme=of_meta(), twin=of_meta(number="27999000002")) as made:
        yield Graph(made)


@pytest.fixture
def counted(capsys: pytest.CaptureFixture[str]) -> Callable[[str], list[str]]:
    """The accounts of which a metric was counted, in order."""
    written: list[str] = []

    def of(metric: str) -> list[str]:
        written.extend(capsys.readouterr().out.splitlines())
        found = [json.loads(line) for line in written if line.startswith('{"_aws"')]
        return [one["account"] for one in found if metric in one and "account" in one]

    return of


# --- the schedule ----------------------------------------------------------------------------------------------------


def test_each_list_is_synced_once_for_all_who_share_it(graph: Graph) -> None:
    graph.has("offer", "order")
    graph.world.put_account("shop", gupshup.secret(templates_url="https://bsp.example"))
    graph.world.put_account("portal", account())
    graph.flat = [flat("flat")]
    graph.sync()
    assert graph.listed.calls == 1
    assert graph.statuses() == {"offer": "APPROVED", "order": "APPROVED"}
    assert graph.statuses("account:shop") == {"flat": "APPROVED"}


def flat(name: str, number: int = 1) -> Json:
    return {
        "id": number,
        "name": name,
        "language": "en",
        "status": "ENABLED",
        "body": "Hi",
        "button_type": "NONE",
    }


def test_a_list_that_takes_no_offset_is_never_complete(graph: Graph) -> None:
    graph.world.put_account("shop", gupshup.secret(templates_url="https://bsp.example"))
    graph.flat = [flat(f"t{number:03}", number) for number in range(150)]
    graph.sync()
    assert graph.registry.listed_at("account:shop") == 0


def test_syncs_of_a_schedule_are_spread(graph: Graph) -> None:
    graph.world.put_account("other", of_meta(OTHER_WABA))
    graph.world.templates.plan()
    assert graph.world.run() == pytest.approx(450, abs=1)


def test_one_broken_account_does_not_keep_the_others_from_it(graph: Graph, log: Log) -> None:
    graph.world.put_account("broken", {"provider": 1})
    graph.has("offer")
    graph.sync()
    assert graph.statuses() == {"offer": "APPROVED"}


def test_accounts_of_any_bsp_can_name_metas_list(graph: Graph) -> None:
    graph.world.put_account("portal", account(template_source=SOURCE | {"waba_id": OTHER_WABA}))
    graph.has("offer")
    graph.sync()
    assert graph.statuses(f"waba:{OTHER_WABA}") == {"offer": "APPROVED"}


def test_a_sync_that_breaks_off_goes_on_by_itself(graph: Graph) -> None:
    graph.has(*(f"t{number:03}" for number in range(150)))
    graph.listed.next_answers.append(None)
    graph.refuses(80008)
    graph.sync()
    assert len(graph.statuses()) == 150
    # Two pages, and the one that was refused.
    assert graph.listed.calls == 3
    assert graph.world.depth("TemplatesQueue") == 0


def test_a_sync_that_cannot_end_is_left_to_the_next_one(graph: Graph) -> None:
    graph.fails = UNREACHED
    graph.world.templates.plan()
    graph.world.pump(hours=2)
    assert (graph.world.depth("TemplatesQueue"), graph.world.depth("TemplatesDeadLetterQueue")) == (0, 0)
    assert graph.world.now < START + 2 * 3600
    assert graph.registry.listed_at(SCOPE) == 0


def test_a_first_list_that_fails_is_told(graph: Graph, counted: Callable[[str], list[str]]) -> None:
    graph.listed.next_answers.append(TemplateAnswer(200, b"{}"))
    graph.sync()
    assert counted("TemplatesSyncOld") == ["acme", "twin"]


def test_without_the_permission_another_account_of_the_list_is_tried(
    graph: Graph, log: Log, counted: Callable[[str], list[str]]
) -> None:
    graph.has("offer")
    graph.refuses(10)
    graph.sync()
    assert graph.statuses() == {"offer": "APPROVED"}
    assert counted("TemplatesPermissionMissing") == ["acme"]
    assert "whatsapp_business_management" in log.text


def test_lists_that_get_old_are_told(graph: Graph, log: Log, counted: Callable[[str], list[str]]) -> None:
    graph.has("offer")
    graph.sync()
    for _ in range(3):
        graph.world.now += 3600
        graph.refuses(10, times=2)
        graph.sync()
    assert set(counted("TemplatesSyncOld")) == {"acme", "twin"}
    assert log.text.count("the last complete list of templates is too old") == 1


def test_sync_on_demand(graph: Graph) -> None:
    graph.has("offer")
    TemplatesQueue(graph.world.url("TemplatesQueue"), graph.world.sqs).send(sync_entry(["acme"], START))
    graph.world.pump()
    assert graph.statuses() == {"offer": "APPROVED"}


def test_where_there_is_no_list_known_templates_are_asked_for(
    graph: Graph, counted: Callable[[str], list[str]]
) -> None:
    graph.world.put_account("now", central.secret(token=central.TOKEN))
    news = [of_entry(entry(name=name, id=name), AT - 9, "a file") for name in ("offer", "order", "gone")]
    graph.registry.take("account:now", [each for each in news if each is not None])
    answers = {
        b"offer": json_answer(200, entry(name="offer", id="offer", status="PAUSED")),
        b"order": json_answer(200, entry(name="order", id="order")),
        b"gone": json_answer(200, {"responseCode": 816, "message": "Provide a correct template name"}),
    }
    graph.world.bsp = lambda url, body: next(answer for name, answer in answers.items() if name in body)
    TemplatesQueue(graph.world.url("TemplatesQueue"), graph.world.sqs).send(sync_entry(["now"], START))
    graph.world.pump()
    assert graph.statuses("account:now") == {"offer": "PAUSED", "order": "APPROVED", "gone": "APPROVED"}
    assert counted("TemplatesPaused") == ["now"]
    assert len(graph.world.http.requests) == 3


# --- webhooks --------------------------------------------------------------------------------------------------------


def test_an_event_is_stored_at_once_and_never_quarantined(graph: Graph) -> None:
    assert graph.notify(of_template("PAUSED")) == 200
    assert graph.world.depth("QuarantineQueue") == 0
    assert graph.world.depth("TemplatesQueue") == 1


def test_events_change_what_a_list_said(graph: Graph, counted: Callable[[str], list[str]]) -> None:
    graph.has("offer")
    graph.sync()
    graph.world.now += 100
    paused = of_template("PAUSED", other_info={"title": "FIRST_PAUSE", "description": "Low quality."})
    graph.notify(paused, at=int(graph.world.now))
    graph.world.pump()
    assert graph.statuses() == {"offer": "PAUSED"}
    assert graph.history("offer") == [("status", "PAUSED", "FIRST_PAUSE. Low quality")]
    assert counted("TemplatesPaused") == ["acme", "twin"]


def test_twice_and_out_of_order(graph: Graph, counted: Callable[[str], list[str]]) -> None:
    graph.has("offer")
    graph.sync()
    at = int(graph.world.now) + 100
    graph.world.now += 300
    for event, seconds in (("APPROVED", 20), ("PAUSED", 10), ("PAUSED", 10), ("APPROVED", 20)):
        graph.notify(of_template(event), at=at + seconds)
        graph.world.pump()
    assert graph.statuses() == {"offer": "APPROVED"}
    assert counted("TemplatesPaused") == []


@pytest.mark.parametrize("ahead", [3, 10**8, 10**9], ids=["seconds", "years", "decades"])
def test_an_event_of_the_future_is_of_when_it_came(graph: Graph, ahead: int) -> None:
    graph.has("offer")
    graph.sync()
    graph.world.now += 100
    graph.notify(of_template("PAUSED"), at=int(graph.world.now) + ahead)
    graph.world.pump()
    assert graph.statuses() == {"offer": "PAUSED"}
    graph.world.now += 3_600
    graph.sync()
    assert graph.statuses() == {"offer": "APPROVED"}


def test_a_list_and_an_event_of_one_second_are_decided_by_asking(graph: Graph) -> None:
    graph.has("offer")
    TemplatesQueue(graph.world.url("TemplatesQueue"), graph.world.sqs).send(sync_entry(["acme"], START))
    graph.registry.take(SCOPE, [paused_at(int(graph.world.now))])
    graph.world.run()
    assert graph.statuses() == {"offer": "APPROVED"}
    # The list, and the one template in a later second.
    assert graph.listed.calls == 2


def paused_at(at: int) -> News:
    return News("offer", "en", at, "a webhook", id=b"offer".hex(), says={"status": "PAUSED"})


def test_unknown_templates_are_fetched(graph: Graph) -> None:
    graph.has("offer", status="APPROVED")
    graph.world.now += 10
    graph.notify(of_template("APPROVED"))
    graph.world.pump()
    (found,) = graph.registry.all(SCOPE).templates
    assert found.content is not None


def test_what_cannot_be_fetched_now_is_fetched_later(graph: Graph) -> None:
    graph.has("offer")
    graph.refuses(80008, times=2)
    graph.notify(of_template("APPROVED"))
    graph.world.pump()
    assert graph.registry.all(SCOPE).templates[0].content is not None
    assert graph.world.depth("TemplatesQueue") == 0


def test_events_of_another_business_account_of_the_same_app(graph: Graph) -> None:
    graph.world.put_account("other", of_meta(OTHER_WABA))
    graph.notify(of_template("PAUSED"), waba=OTHER_WABA)
    graph.world.pump()
    assert graph.statuses(f"waba:{OTHER_WABA}") == {"offer": "PAUSED"}


def test_another_apps_events_are_not_believed(graph: Graph) -> None:
    graph.world.put_account("other", of_meta(OTHER_WABA, app_secret="another-app"))
    graph.notify(of_template("PAUSED"), waba=OTHER_WABA)
    graph.world.pump()
    assert graph.statuses(f"waba:{OTHER_WABA}") == {}
    assert graph.world.depth("TemplatesQueue") == 0


def test_gupshups_report_is_of_its_account(graph: Graph) -> None:
    graph.world.put_account("shop", gupshup.secret(templates_url="https://bsp.example"))
    report = {"field": STATUS, "time": AT} | of_template("ENABLED")
    graph.world.callback([report], "shop", TOKEN)
    assert graph.world.depth("QuarantineQueue") == 0
    graph.world.pump()
    assert graph.statuses("account:shop") == {"offer": "APPROVED"}


@pytest.mark.parametrize("is_listed", [False, True], ids=["unknown", "known by Meta's id"])
def test_gupshups_report_where_meta_lists_the_templates(graph: Graph, is_listed: bool) -> None:
    graph.world.put_account("shop", gupshup.secret(templates_url="https://bsp.example") | {"template_source": SOURCE})
    if is_listed:
        graph.has("offer")
        graph.sync()
    graph.world.now += 100
    report = {"field": STATUS, "time": int(graph.world.now)} | of_template("PAUSED", message_template_id=7000001)
    graph.world.callback([report], "shop", TOKEN)
    graph.world.pump()
    assert graph.statuses() == {"offer": "PAUSED"}


@pytest.mark.parametrize(
    ("value", "metric"),
    [
        pytest.param(of_template("REJECTED", reason="SCAM"), "TemplatesRejected", id="rejected"),
        pytest.param(of_template("LIMIT_EXCEEDED"), "TemplatesRejected", id="too many"),
        pytest.param(of_template("PAUSED"), "TemplatesPaused", id="paused"),
        pytest.param(of_template("DISABLED"), "TemplatesDisabled", id="disabled"),
        pytest.param(of_template("FLAGGED"), "TemplatesQualityFalls", id="flagged"),
        pytest.param(of_template("", new_quality_score="RED"), "TemplatesQualityFalls", id="quality falls"),
        pytest.param(of_template("", new_category="MARKETING"), "TemplateCategoriesChanged", id="another category"),
        pytest.param(of_template("", new_quality_score="GREEN"), None, id="quality as it was"),
        pytest.param(of_template("APPROVED"), None, id="approved"),
    ],
)
def test_what_is_worth_saying(
    graph: Graph, counted: Callable[[str], list[str]], value: Json, metric: str | None
) -> None:
    graph.has("offer", quality_score={"score": "GREEN"}, category="UTILITY")
    graph.sync()
    graph.world.now += 100
    for _ in range(2):
        graph.notify(value, at=int(graph.world.now))
        graph.world.pump()
    metrics = {"TemplatesRejected", "TemplatesPaused", "TemplatesDisabled", "TemplatesQualityFalls"}
    said = {one: counted(one) for one in (*metrics, "TemplateCategoriesChanged") if counted(one)}
    assert said == ({metric: ["acme", "twin"]} if metric else {})


def test_a_first_list_is_no_news(graph: Graph, counted: Callable[[str], list[str]]) -> None:
    graph.has("offer", status="REJECTED")
    graph.sync()
    assert counted("TemplatesRejected") == []
    graph.listed.entries.append(entry(name="order", id="2", status="REJECTED"))
    graph.world.now += 3600
    graph.sync()
    assert counted("TemplatesRejected") == ["acme", "twin"]


RESTRICTED = {"event": "ACCOUNT_RESTRICTION", "restriction_info": [{"restriction_type": "RESTRICTED_BIZ"}]}


@pytest.mark.parametrize(
    ("field", "value", "metric", "accounts", "change"),
    [
        pytest.param(
            "account_update",
            RESTRICTED,
            "AccountsRestricted",
            ["acme", "twin"],
            ("account_update", "", "ACCOUNT_RESTRICTION", "RESTRICTED_BIZ"),
            id="restricted",
        ),
        pytest.param(
            "account_update",
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": ["REINSTATE"]}},
            "AccountsRestricted",
            [],
            ("account_update", "", "DISABLED_UPDATE, REINSTATE", ""),
            id="no longer banned",
        ),
        pytest.param(
            NUMBER,
            {
                "display_phone_number": "+27 99 900 0002",
                "event": "FLAGGED",
                "current_limit": "TIER_1K",
                "old_limit": "TIER_10K",
            },
            "NumbersChanged",
            ["twin"],
            (NUMBER, "TIER_10K", "FLAGGED, current_limit TIER_1K", ""),
            id="a number by how it is displayed",
        ),
        pytest.param(
            "business_capability_update",
            {"max_daily_conversations_per_business": -1},
            "NumbersChanged",
            ["acme", "twin"],
            ("business_capability_update", "", "max_daily_conversations_per_business -1", ""),
            id="limits of all numbers",
        ),
        pytest.param(
            "account_update",
            {"event": "PARTNER_ADDED"},
            "AccountsRestricted",
            [],
            ("account_update", "", "PARTNER_ADDED", ""),
            id="nothing to worry about",
        ),
    ],
)
def test_news_of_accounts_and_numbers(
    graph: Graph,
    counted: Callable[[str], list[str]],
    field: str,
    value: Json,
    metric: str,
    accounts: list[str],
    change: tuple[str, str, str, str],
) -> None:
    for _ in range(2):
        assert graph.notify(value, field=field) == 200
        graph.world.pump()
    what, before, after, reason = change
    assert graph.registry.notes(SCOPE) == [Change(AT, "Meta's webhook", what, before, after, reason)]
    assert counted(metric) == accounts
    assert graph.world.depth("QuarantineQueue") == 0


def test_news_of_an_account_without_a_time(graph: Graph) -> None:
    graph.notify({"event": "PARTNER_ADDED"}, field="account_update", at=0)
    graph.world.pump()
    assert [change.at for change in graph.registry.notes(SCOPE)] == [AT]


def test_a_throttled_table_loses_no_event(graph: Graph) -> None:
    from botocore.exceptions import ClientError

    graph.has("offer")
    graph.sync()
    refused = [True, True]
    graph.world.fail = lambda operation, _: (
        ClientError({"Error": {"Code": "ThrottlingException"}}, operation)
        if operation == "BatchGetItem" and refused and refused.pop()
        else None
    )
    graph.world.now += 100
    graph.notify(of_template("PAUSED"), at=int(graph.world.now))
    graph.world.pump()
    assert graph.statuses() == {"offer": "PAUSED"}


def test_a_table_that_is_away_for_hours_loses_no_event(graph: Graph) -> None:
    graph.has("offer")
    graph.sync()
    graph.world.now += 100
    graph.notify(of_template("PAUSED"), at=int(graph.world.now))
    graph.world.fail = lambda operation, _: ConnectionError() if operation == "BatchGetItem" else None
    graph.world.pump(hours=9)
    assert graph.world.depth("TemplatesDeadLetterQueue") == 0
    graph.world.fail = lambda operation, _: None
    back = graph.world.now
    graph.world.pump()
    assert graph.statuses() == {"offer": "PAUSED"}
    assert graph.world.now - back < 1_000
