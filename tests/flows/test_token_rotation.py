"""A callback token is rotated while people and messages are on their way: it lets callbacks in, and nothing else hangs
on it. What does is in test_signing_key_rotation."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.providers.message_central.samples import statuses
from tests.providers.message_central.test_correlation import ANN, SECRET, taken, template, told_of
from tests.support.world import TOKEN, World, account, mo_media, mo_text, world
from whatsapp_bridge.net.http import Answer

OLD, NEW = TOKEN, "n" * 40
# In steps, as docs/operations.md has it, or at once, because the old one has leaked.
WAYS: dict[str, list[list[str]]] = {"in steps": [[OLD, NEW], [NEW, OLD], [NEW]], "at once": [[NEW]]}


def rotate(made: World, tokens: list[str], secret: dict[str, Any] | None = None) -> None:
    """All functions have read it."""
    made.change_account("acme", (secret or account()) | {"callback_token": tokens})
    made.now += 300


@pytest.mark.parametrize("steps", WAYS.values(), ids=WAYS)
def test_links_outlive_the_token(steps: list[list[str]]) -> None:
    with world(acme=account()) as made:
        made.bsp = lambda url, payload: Answer(200, {}, b"content")

        def opened(url: str) -> int:
            identifier, query = urlsplit(url).path.rpartition("/")[2], dict(parse_qsl(urlsplit(url).query))
            return made.show_media("acme", identifier, query).status

        made.callback(mo_media(mo_id="before"), token=OLD)
        made.pump()
        for place, tokens in enumerate(steps):
            rotate(made, tokens)
            for token in tokens:
                assert made.callback(mo_media(mo_id=f"{place} {token}"), token=token).status == 200
        made.pump()
        links = [reply["image"]["mediaURL"] for reply in made.replies]
        assert len(links) == 1 + sum(map(len, steps))
        assert {opened(url) for url in links} == {302}
        assert made.callback(mo_text(), token=OLD).status == 403


@pytest.mark.parametrize("steps", WAYS.values(), ids=WAYS)
def test_statuses_find_their_messages_by_the_recipient(steps: list[list[str]]) -> None:
    with world(acme=SECRET | {"callback_token": OLD}) as made:
        made.bsp = taken
        for place in range(len(steps)):
            made.send(template(f"m{place}"))
            made.run()
            made.now += 1
        for place, tokens in enumerate(steps):
            rotate(made, tokens, SECRET)
            raw = statuses("sent", wamid=f"w{place}", recipient_id=ANN, timestamp=str(int(made.now)))
            assert made.callback(raw, token=tokens[0]).status == 200
            made.pump()
        assert [told_of(made, f"m{place}") for place in range(len(steps))] == [("sent",)] * len(steps)
        assert made.depth("QuarantineQueue") == 0


@pytest.mark.parametrize("steps", WAYS.values(), ids=WAYS)
def test_a_message_is_told_once_whichever_token_its_repeat_comes_with(steps: list[list[str]]) -> None:
    with world(acme=account()) as made:
        assert made.callback(mo_text("first"), token=OLD).status == 200
        made.pump()
        for tokens in steps:
            rotate(made, tokens)
            # SQS itself drops duplicates within five minutes.
            made.now += 300
            assert made.callback(mo_text("again"), token=NEW).status == 200
            made.pump()
        assert [reply["text"]["body"] for reply in made.replies] == ["first"]


def test_callbacks_with_another_token_than_the_first_are_counted(counted: Callable[[], dict[str, int]]) -> None:
    with world(acme=account(callback_token=[NEW, OLD])) as made:
        assert made.callback(mo_text(mo_id="r1"), token=NEW).status == 200
        assert "OldCallbackTokens" not in counted()
        assert made.callback(mo_text(mo_id="r2"), token=OLD).status == 200
        assert counted()["OldCallbackTokens"] == 1
        assert made.callback(mo_text(mo_id="r3"), token="o" * 40).status == 403
        assert counted()["OldCallbackTokens"] == 1
