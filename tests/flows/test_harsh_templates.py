"""What goes wrong with news of templates never makes an import short, and never refuses what the BSP would take.

Each row is a template that messages did not fit, or that could not be sent, and that takes them again; a fault keeps
that from the bridge.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from local.sandbox.meta_templates import TemplateAnswer, TemplateList
from tests.providers.meta import samples
from tests.support.waba import WABA_ID, Waba, secret
from tests.support.world import BASIC, START, TOKEN, template, world
from tests.templates.samples import body, buttons, entry, reply

type Json = dict[str, Any]

ADDRESS = "https://bridge.example/acme/templates"
ALL = 8
NAME, ID = "order_update", "77"
LATER = TemplateAnswer(400, b'{"error":{"code":80008}}')
THROTTLED = ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "x")
OUT, BACK = START + 100, START + 100 + 3 * 3_600
# Of a pause that somebody has ended: what says that it began is not too old to refuse for.
SHORTLY_BEFORE = BACK - 100


def of_bsp(*components: Json, **changes: Any) -> Json:
    return entry(*(components or (body("Hi {{1}}"), buttons(reply()))), **{"name": NAME, "id": ID} | changes)


class Trouble(NamedTuple):
    """`then`: the template while it cannot be sent. Events tell that this begins, and that it is over."""

    then: Json
    begins: Json
    is_over: Json


def event(field: str, **value: Any) -> Json:
    told = {"message_template_id": int(ID), "message_template_name": NAME, "message_template_language": "en"}
    return {"field": field, "value": told | value}


STATUS, COMPONENTS = "message_template_status_update", "message_template_components_update"
TROUBLES = {
    "a pause": Trouble(of_bsp(status="PAUSED"), event(STATUS, event="PAUSED"), event(STATUS, event="APPROVED")),
    "an edit": Trouble(
        of_bsp(body("Hi {{1}}, {{2}}"), buttons(reply())),
        event(COMPONENTS, message_template_element="Hi {{1}}, {{2}}"),
        event(COMPONENTS, message_template_element="Hi {{1}}"),
    ),
}


class ShortPages(TemplateList):
    """However many are asked for: how many a page may have is documented nowhere."""

    breaks_off = False
    """Behind the first page."""

    def page(self, query: Mapping[str, str], url: str) -> TemplateAnswer:
        if self.breaks_off and "after" in query:
            return LATER
        return super().page({**query, "limit": "3"}, url)


class Harsh:
    """The template is on the last page of several."""

    def __init__(self, waba: Waba) -> None:
        self.waba, self.world = waba, waba.world
        self.listed = waba.listed = ShortPages()
        self.says(of_bsp())
        waba.sync()
        assert len(self.imported() or ()) == ALL

    def says(self, own: Json) -> None:
        self.waba.has_many(ALL - 1)
        self.waba.listed.entries.append(own)

    def at(self, now: float) -> None:
        self.world.now = now

    def hears(self, change: Json, at: float) -> None:
        """A webhook, and all that follows of it."""
        webhook = {
            "object": "whatsapp_business_account",
            "entry": [{"id": WABA_ID, "time": int(at), "changes": [change]}],
        }
        proof = {"x-hub-signature-256": samples.signature(json.dumps(webhook).encode())}
        assert self.world.callback(webhook, "acme", TOKEN, headers=proof).status == 200
        self.world.run()

    def lists(self) -> None:
        self.world.templates.plan()
        self.world.pump(hours=0.5)

    def imported(self) -> set[str] | None:
        """The names of the import; None if there is no list."""
        with self.world.invocation():
            answer = self.world.import_templates("acme", BASIC, {"limit": "500"}, ADDRESS)
        return {each["name"] for each in json.loads(answer.body)["data"]} if answer.status == 200 else None


# --- the faults ------------------------------------------------------------------------------------------------------


def no_fault(harsh: Harsh, trouble: Trouble) -> None:
    harsh.at(SHORTLY_BEFORE)
    harsh.hears(trouble.begins, SHORTLY_BEFORE)
    harsh.at(BACK)
    harsh.says(of_bsp())
    harsh.hears(trouble.is_over, BACK)


def list_broken_off(harsh: Harsh, trouble: Trouble) -> None:
    harsh.lists()
    harsh.at(BACK)
    harsh.says(of_bsp())
    harsh.listed.breaks_off = True
    harsh.lists()


def webhook_lost(harsh: Harsh, trouble: Trouble) -> None:
    harsh.hears(trouble.begins, OUT)
    harsh.at(BACK)
    harsh.says(of_bsp())


def webhook_twice(harsh: Harsh, trouble: Trouble) -> None:
    no_fault(harsh, trouble)
    harsh.at(BACK + 5)
    harsh.hears(trouble.begins, SHORTLY_BEFORE)


def webhooks_out_of_order(harsh: Harsh, trouble: Trouble) -> None:
    harsh.at(BACK)
    harsh.says(of_bsp())
    harsh.hears(trouble.is_over, BACK)
    harsh.at(BACK + 5)
    harsh.hears(trouble.begins, SHORTLY_BEFORE)


def table_not_read(harsh: Harsh, trouble: Trouble) -> None:
    harsh.hears(trouble.begins, OUT)
    harsh.world.fail = lambda name, parameters: THROTTLED if name == "BatchGetItem" else None
    harsh.at(BACK)
    harsh.says(of_bsp())
    harsh.hears(trouble.is_over, BACK)


def table_not_written(harsh: Harsh, trouble: Trouble) -> None:
    harsh.hears(trouble.begins, OUT)
    harsh.world.fail = lambda name, parameters: (
        THROTTLED if name == "UpdateItem" and "templates#" in str(parameters["Key"]) else None
    )
    harsh.at(BACK)
    harsh.says(of_bsp())
    harsh.hears(trouble.is_over, BACK)


FAULTS = (
    no_fault,
    list_broken_off,
    webhook_lost,
    webhook_twice,
    webhooks_out_of_order,
    table_not_read,
    table_not_written,
)


# --- what must not come of them --------------------------------------------------------------------------------------


def import_is_whole(harsh: Harsh) -> None:
    names = harsh.imported()
    assert names is None or len(names) == ALL


def send_takes_it(harsh: Harsh) -> None:
    assert json.loads(harsh.world.send(template()).body) == {"status": "success"}


def dispatch_sends_it(harsh: Harsh) -> None:
    send_takes_it(harsh)
    harsh.world.pump(hours=0.5)
    assert (len(harsh.waba.messages), harsh.world.statuses) == (1, [])


PROMISES: tuple[Callable[[Harsh], None], ...] = (import_is_whole, send_takes_it, dispatch_sends_it)


@pytest.fixture
def harsh() -> Iterator[Harsh]:
    with world(acme=secret()) as made:
        yield Harsh(Waba(made))


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
@pytest.mark.parametrize("fault", FAULTS, ids=[fault.__name__ for fault in FAULTS])
@pytest.mark.parametrize("promise", PROMISES, ids=[promise.__name__ for promise in PROMISES])
def test_whatever_goes_wrong(
    harsh: Harsh,
    fault: Callable[[Harsh, Trouble], None],
    trouble: Trouble,
    promise: Callable[[Harsh], None],
) -> None:
    harsh.at(OUT)
    harsh.says(trouble.then)
    fault(harsh, trouble)
    harsh.at(BACK + 20)
    promise(harsh)
