"""The requests that CleverTap publishes, and what each page says about them."""

from pathlib import Path

import pytest

from local import ROOT, published
from local.marked import with_part
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
