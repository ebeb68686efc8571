"""The requests that CleverTap publishes, and what each page says about them."""

from pathlib import Path

import pytest

from local import ROOT, published
from local.marked import with_part
from local.sandbox.bsps import SANDBOXES
from tests.support import sample_files
from tests.support.world import BSP_URL, PUBLIC_URL, world
from whatsapp_bridge.clevertap.answers import SUCCESS
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers import registry


@pytest.mark.parametrize("page", published.pages(), ids=lambda page: page.name)
def test_the_documentation_has_the_answers_of_the_adapters(page: Path) -> None:
    assert published.with_answers(page) == page.read_text(encoding="utf-8"), "run: .venv/bin/python -m local.published"


@pytest.mark.parametrize("provider", registry.PROVIDERS)
def test_a_published_request_is_answered_with_success_or_with_one_reason_that_the_page_names(provider: str) -> None:
    page = (ROOT / f"docs/providers/{provider}.md").read_text(encoding="utf-8")
    answers = published.answers(provider)

    assert set(answers) == set(published.REQUESTS)
    for name, answered in answers.items():
        assert answered.code is None or f"| {name} | `{answered.field}` | {answered.reason} |" in page


@pytest.mark.parametrize("provider", registry.PROVIDERS)
def test_a_check_of_a_provider_entry_is_answered_and_sent_to_nobody(provider: str) -> None:
    checks = {name: answered for name, answered in published.answers(provider).items() if name.startswith("check")}

    assert set(checks.values()) == {published.Answered(sent=False)}
    assert len(checks) == 2


def test_a_page_without_the_place_for_its_part_is_an_error() -> None:
    with pytest.raises(ValueError, match="<!-- published -->"):
        with_part("<!-- matrix -->\n<!-- /matrix -->", "published", "a table")


_FILES = {"jpg": sample_files.JPEG, "mp4": sample_files.iso_media(b"isom", b"isommp42"), "pdf": sample_files.PDF}
_FILES |= {"mp3": b"ID3\x04"}


@pytest.mark.parametrize("provider", registry.PROVIDERS)
def test_what_is_sent_is_taken_by_the_sandbox(provider: str) -> None:
    account = published.account_of(provider)
    account["provider"]["base_url"] = BSP_URL
    # Whether it encrypts does not matter here, and would need KMS.
    account["provider"].pop("encryption", None)
    sandbox = SANDBOXES[provider](lambda region: None, seed=1)
    sandbox.add_account("acme", account, PUBLIC_URL)
    sent = [name for name, answered in published.answers(provider).items() if answered.sent]
    with world(acme=account) as made, made.played_by(sandbox):
        made.files = lambda url, headers: Answer(200, {}, _FILES[url.rpartition(".")[2]])
        made.warm()
        for place, name in enumerate(sent):
            request = published.REQUESTS[name] | {"wabaNumber": account["waba_number"], "msgId": f"m{place}"}
            request["to"] = f"+27820{place:02}0000"
            request.pop("msg_id", None)
            assert made.send(request, headers={"x-api-key": "made-up-key-of-acme"}) == SUCCESS
        made.pump()
        records = [made.table.get(f"msg#acme#m{place}") or {} for place in range(len(sent))]

    refused = {name: record for name, record in zip(sent, records, strict=True) if record["state"] != "accepted"}
    assert refused == {}
