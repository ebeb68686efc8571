"""The functions templates and import may die at any step: nothing that the BSP has is deleted for it, or missing in an
import, and what it tells is known in the end."""

import json
from typing import Any

import pytest

from tests.providers.meta import samples
from tests.support.waba import SCOPE, WABA_ID, Waba, secret
from tests.support.world import BASIC, TOKEN, Killed, World, world
from tests.templates.samples import entry
from whatsapp_bridge.flows.template_queue import sync_entry
from whatsapp_bridge.store.queues import TemplatesQueue

type Json = dict[str, Any]

ADDRESS = "https://bridge.example/acme/templates"
THEN, NOW = {"kept": "APPROVED", "old": "APPROVED", "paused": "APPROVED"}, {"kept": "APPROVED", "new": "APPROVED"}
KNOWN = {**NOW, "old": "DELETED", "paused": "PAUSED"}


def has(waba: Waba, statuses: dict[str, str]) -> None:
    waba.has(*(entry(name=name, id=name.encode().hex(), status=status) for name, status in statuses.items()))


def begun(made: World) -> Waba:
    waba = Waba(made)
    has(waba, THEN)
    waba.sync()
    made.now += 100
    has(waba, {**NOW, "paused": "PAUSED"})
    return waba


def statuses(waba: Waba) -> dict[str, str]:
    return {template.name: template.status for template in waba.registry.all(SCOPE).templates}


def play_queue(made: World) -> None:
    """A webhook, and a sync that is due, until the queue is empty."""
    told = {"event": "PAUSED", "message_template_id": b"paused".hex(), "message_template_language": "en"}
    change = {"field": "message_template_status_update", "value": told | {"message_template_name": "paused"}}
    at = int(made.now)
    webhook = {"object": "whatsapp_business_account", "entry": [{"id": WABA_ID, "time": at, "changes": [change]}]}
    proof = {"x-hub-signature-256": samples.signature(json.dumps(webhook).encode())}
    try:
        made.callback(webhook, "acme", TOKEN, headers=proof)
    except Killed:
        made.callback(webhook, "acme", TOKEN, headers=proof)
    made.now += 10
    TemplatesQueue(made.url("TemplatesQueue"), made.sqs).send(sync_entry(["acme"], made.now))
    made.pump(hours=2)


def imported(made: World) -> list[str] | None:
    """The names; None if there is no list."""
    with made.invocation():
        answer = made.import_templates("acme", BASIC, {}, ADDRESS)
    return [each["name"] for each in json.loads(answer.body)["data"]] if answer.status == 200 else None


def test_the_queue_is_done_in_the_end(subtests: pytest.Subtests) -> None:
    with world(acme=secret()) as made:
        waba = begun(made)
        play_queue(made)
        assert statuses(waba) == KNOWN
        steps, first = made.steps, made.first_steps
    assert {step.split()[1] for step in steps} >= {"SendMessageBatch", "BatchGetItem", "UpdateItem", "GET"}
    for kill_at in sorted({number for number, step in enumerate(steps, 1) if step.startswith("after")} | first):
        with subtests.test(f"killed {steps[kill_at - 1]} ({kill_at})"), world(acme=secret()) as made:
            waba = begun(made)
            made.kill_at = kill_at
            play_queue(made)
            assert made.steps[:kill_at] == steps[:kill_at]
            assert statuses(waba) == KNOWN
            assert (made.depth("TemplatesQueue"), made.depth("TemplatesDeadLetterQueue")) == (0, 0)


def test_an_import_that_dies_makes_the_next_one_no_shorter(subtests: pytest.Subtests) -> None:
    with world(acme=secret()) as made:
        begun(made)
        assert imported(made) == ["kept", "new"]
        steps = made.steps
    assert {step.split()[1] for step in steps} >= {"BatchGetItem", "UpdateItem", "GET"}
    for kill_at in range(1, len(steps) + 1):
        with subtests.test(f"killed {steps[kill_at - 1]} ({kill_at})"), world(acme=secret()) as made:
            waba = begun(made)
            made.kill_at = kill_at
            with pytest.raises(Killed):
                imported(made)
            assert made.steps == steps[:kill_at]
            names = imported(made)
            assert names is None or {"kept"} <= set(names) <= {"kept", "new", "old", "paused"}
            made.now += 300
            assert imported(made) == ["kept", "new"]
            assert statuses(waba) == KNOWN
