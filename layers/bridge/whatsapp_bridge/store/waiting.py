"""Correlates messages that have no BSP id with ids that have no message, by person.

For a BSP whose answer has no id for some messages. One item per person in the messages table, key
`waiting#{account}#{recipient's keyed hash}`, with an attribute per message:

    w#{msgId}      waits for an id since (milliseconds)
    s#{msgId}      is being sent since (milliseconds); its answer will have its id
    b#{BSP's id}   "{milliseconds} {msgId}": bound to it recently; WhatsApp's ids are hidden
                   (`providers.common.message_ids`)

An unknown id belongs to the message that has waited longest. One conditional write binds them, so that each message
gets one id and each id one message, even with concurrent callers. While a message is being sent whose answer will have
its id, an unknown id may be that one's, and nothing is bound.

This is an item, not an index: an index is only eventually consistent, and may show a message that no longer waits or
miss an id that was just bound. So a bound id stays here until the index on `bsp_id` surely has it. And there is an
attribute per message, not a list: each step except `bind` is one write without a read before it.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from whatsapp_bridge.providers.common.message_ids import forms, hidden
from whatsapp_bridge.store.items import Attempt, Table, try_update, typed

# Longer than any function may run: a message still being sent then belongs to a dead delivery, and waits.
_SENDING_MS = 120_000
# A message without a status for so long is given up; otherwise it would take the id of a later one.
_WAITING_MS = 86_400_000
_BOUND_MS = 3_600_000
# A try fails only if another one has bound something in the meantime.
_MAX_TRIES = 20
# Old attributes are removed with another write, or when there are this many; never more at once, because a DynamoDB
# expression holds 4 KB.
_MAX_OLD = 20


class Waiting:
    def __init__(self, table: Table, ttl_days: int) -> None:
        self._table, self._ttl_seconds = table, ttl_days * 86_400

    def expect(self, account: str, recipient: str, reference: str, at: int, *, named: bool) -> None:
        """Record that its request is about to leave, `at` (ms since 1970). `named`: the answer will have the BSP's
        id."""
        self._update(
            _key(account, recipient),
            "SET #message = :at, expires_at = :expires REMOVE #other",
            {"#message": _name("s" if named else "w", reference), "#other": _name("w" if named else "s", reference)},
            {":at": at, ":expires": self._expiry()},
        )

    def wait(self, account: str, recipient: str, reference: str) -> None:
        """Record that its answer has no id, or is lost: it waits since it was sent, unless it is bound already."""
        self._update(
            _key(account, recipient),
            "SET #waiting = #sending REMOVE #sending",
            {"#waiting": _name("w", reference), "#sending": _name("s", reference)},
            condition="attribute_exists(#sending)",
        )

    def name(self, account: str, recipient: str, reference: str, bsp_id: str) -> None:
        """Record the id that its answer has."""
        key = _key(account, recipient)
        _, item = self._update(
            key,
            "SET #bound = :bound, expires_at = :expires REMOVE #sending, #waiting",
            {
                "#bound": _name("b", hidden(account, bsp_id)),
                "#sending": _name("s", reference),
                "#waiting": _name("w", reference),
            },
            {":bound": self._bound(reference), ":expires": self._expiry()},
        )
        old = self._old(item)
        if len(old) >= _MAX_OLD:
            names = {f"#old{number}": name for number, name in enumerate(old)}
            self._update(key, f"REMOVE {', '.join(names)}", names)

    def dismiss(self, account: str, recipient: str, reference: str) -> None:
        """Remove it: the BSP has not accepted it, or nothing needs it any more."""
        self._update(
            _key(account, recipient),
            "REMOVE #sending, #waiting",
            {"#sending": _name("s", reference), "#waiting": _name("w", reference)},
            condition="attribute_exists(#sending) OR attribute_exists(#waiting)",
        )

    def bind(self, account: str, recipients: Sequence[str], bsp_id: str) -> str | None:
        """The msgId of the message with this id: the one that has it, else the one that has waited longest.

        None if nothing waits (yet). The same id always gives the same message. `recipients` are one person's hashes:
        there are several while the account has several tokens.
        """
        items = self._items(account, recipients)
        for _ in range(_MAX_TRIES):
            bound = _bound_in(items, account, bsp_id)
            if bound is not None:
                return bound
            found = self._oldest(items)
            if found is None:
                return None
            key, oldest = found
            names = {"#bound": _name("b", hidden(account, bsp_id)), "#message": oldest}
            old = {f"#old{number}": name for number, name in enumerate(self._old(items[key]))}
            done, items[key] = self._update(
                key,
                f"SET #bound = :bound, expires_at = :expires REMOVE {', '.join(('#message', *old))}",
                names | old,
                {":bound": self._bound(oldest[2:]), ":expires": self._expiry()},
                condition="attribute_exists(#message) AND attribute_not_exists(#bound)",
            )
            if done:
                return oldest[2:]
        return None

    def of_reply(self, account: str, recipients: Sequence[str], bsp_id: str) -> str | None:
        """The msgId of the message that a person answers under this id: the one that has it, else the only one that
        waits. Binds nothing: a person may also answer what is not ours."""
        items = self._items(account, recipients)
        bound = _bound_in(items, account, bsp_id)
        if bound is not None:
            return bound
        fresh = self._fresh(items)
        return fresh[0][1][2:] if len(fresh) == 1 else None

    def of_person(self, account: str, recipients: Sequence[str]) -> list[Mapping[str, Any]]:
        """The items of a person, for operators."""
        return list(self._items(account, recipients).values())

    def _items(self, account: str, recipients: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """One person's items by their keys."""
        return {key: self._table.get(key) or {} for key in (_key(account, recipient) for recipient in recipients)}

    def _oldest(self, items: Mapping[str, Mapping[str, Any]]) -> tuple[str, str] | None:
        """The item and the attribute of the message that waits longest; None while one is being sent."""
        fresh = self._fresh(items)
        if not fresh:
            return None
        _, oldest, key = min(fresh)
        return key, oldest

    def _fresh(self, items: Mapping[str, Mapping[str, Any]]) -> list[tuple[int, str, str]]:
        """Since when each message waits, its attribute and item; none while one is being sent."""
        now = self._now_ms()
        fresh = []
        for key, item in items.items():
            for name, at in item.items():
                if name.startswith("s#") and now - at < _SENDING_MS:
                    return []
                if name.startswith(("w#", "s#")) and now - at < _WAITING_MS:
                    fresh.append((at, name, key))
        return fresh

    def _old(self, item: Mapping[str, Any]) -> list[str]:
        """Attributes that are no longer needed, as many as one expression may name."""
        now = self._now_ms()
        old = (
            name
            for name, value in item.items()
            if (name.startswith("b#") and now - int(value.partition(" ")[0]) >= _BOUND_MS)
            or (name.startswith(("w#", "s#")) and now - value >= _WAITING_MS)
        )
        return list(islice(old, _MAX_OLD))

    def _bound(self, reference: str) -> str:
        return f"{self._now_ms()} {reference}"

    def _now_ms(self) -> int:
        return int(self._table.now() * 1000)

    def _expiry(self) -> int:
        return int(self._table.now()) + self._ttl_seconds

    def _update(
        self,
        key: str,
        update: str,
        names: Mapping[str, str],
        values: Mapping[str, str | int] | None = None,
        condition: str | None = None,
    ) -> Attempt:
        arguments: dict[str, Any] = {
            "TableName": self._table.name,
            "Key": typed({"pk": key}),
            "UpdateExpression": update,
            "ExpressionAttributeNames": dict(names),
        }
        if values:
            arguments["ExpressionAttributeValues"] = typed(values)
        if condition:
            arguments["ConditionExpression"] = condition
        return try_update(self._table.dynamodb, arguments)


def _bound_in(items: Mapping[str, Mapping[str, Any]], account: str, bsp_id: str) -> str | None:
    """The msgId that an id is bound to."""
    names = [_name("b", form) for form in forms(account, bsp_id)]
    bound = next((item[name] for item in items.values() for name in names if name in item), None)
    return None if bound is None else str(bound).partition(" ")[2]


def _key(account: str, recipient: str) -> str:
    return f"waiting#{account}#{recipient}"


def _name(kind: str, of: str) -> str:
    return f"{kind}#{of}"
