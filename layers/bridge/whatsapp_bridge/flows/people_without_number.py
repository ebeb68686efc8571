"""What is of people whom WhatsApp names by a user id alone, and whose number nobody knows.

It is kept in a quarantine of its own, and each person is counted once a day, however much it is: the metric counts
people.
"""

from collections.abc import Mapping
from typing import Any, Final

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.flows.quarantine import Quarantine
from whatsapp_bridge.providers.contract.client import Notes
from whatsapp_bridge.providers.contract.inbound import NotUnderstood
from whatsapp_bridge.runtime.observability import count

_DAY_SECONDS: Final = 86_400


class PeopleWithoutNumber:
    def __init__(self, *, quarantine: Quarantine, notes: Notes) -> None:
        self._quarantine, self._notes = quarantine, notes

    def put(self, account: Account, person: str, event: NotUnderstood, names: Mapping[str, Any] | None = None) -> None:
        """Store, and count the `person` (a key of their note); `names` are those of the event in a log. Raises
        `NotStored` and botocore's errors."""
        key = f"no_number#{person}"
        if self._notes.get(account.name, key) is None:
            count("PeopleWithoutNumber")
            self._notes.put(account.name, key, "yes", _DAY_SECONDS)
        self._quarantine.put(account.name, [event], [names or {}])
