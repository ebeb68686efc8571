"""Messages of the queue `templates`: notices of the BSPs as they came, and syncs that are due."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from whatsapp_bridge.store.queues import Entry


class NoticeWork(NamedTuple):
    """A notice that arrived at an account; `at`: when, in seconds since 1970."""

    account: str
    notice: dict[str, Any]
    at: int


class SyncWork(NamedTuple):
    """A sync of the templates that these accounts share; `at`: when it was asked for."""

    accounts: Sequence[str]
    at: int


def notice_entry(account: str, notice: dict[str, Any], now: float) -> Entry:
    return Entry(to_json({"account": account, "notice": notice, "at": int(now)}).decode(), account)


def sync_entry(accounts: Sequence[str], now: float, delay: int = 0) -> Entry:
    """`accounts` share their templates. A sync is one at a time whoever asks."""
    return Entry(to_json({"sync": list(accounts), "at": int(now)}).decode(), accounts[0], delay=delay)


def work_of(body: str) -> NoticeWork | SyncWork:
    """Raises KeyError, TypeError or ValueError for what is neither."""
    held = from_json(body)
    if "sync" in held:
        return SyncWork([str(name) for name in held["sync"]], int(held["at"]))
    return NoticeWork(str(held["account"]), dict(held["notice"]), int(held["at"]))
