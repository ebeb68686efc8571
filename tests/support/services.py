"""What an adapter's client is given, without AWS."""

from typing import Any

from whatsapp_bridge.media.fetch import Files
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers.contract.client import Services
from whatsapp_bridge.store.keys import KmsKeys


class MemoryNotes:
    """Takes the place of `Notes`; nothing expires."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.seconds: dict[tuple[str, str], int] = {}

    def get(self, account: str, key: str) -> str | None:
        return self.kept.get((account, key))

    def put(self, account: str, key: str, note: str, seconds: int) -> None:
        self.kept[account, key] = note
        self.seconds[account, key] = seconds

    def keep(self, account: str, key: str, note: str, seconds: int) -> None:
        self.put(account, key, note, seconds)

    def forget(self, account: str, key: str, note: str) -> None:
        if self.kept.get((account, key)) == note:
            del self.kept[account, key]


def services(http: HttpClient, keys: KmsKeys | None = None, notes: Any = None) -> Services:
    """Without `keys`, asking KMS fails the test."""
    return Services(http, keys or KmsKeys(_no_kms), notes or MemoryNotes(), Files(http))


def _no_kms(region: str) -> Any:
    raise AssertionError("an account without encryption has no use for KMS")
