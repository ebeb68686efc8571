"""The registry: what is known of the templates of a scope: a WhatsApp business account or, where the BSP has no such
thing, an account of the bridge.

Items of the messages table, none of which expires:

    templates#{scope}           `listed_at`: when the first request of the last complete sync left
    templates#{scope}#{part}    `held`: the templates of a part, compressed; `version`, which each write raises
    templates#{scope}#account  the last changes of the business account and its numbers
    templates#{scope}#sync      who syncs, and how far a sync that broke off came
    templates#{scope}#asked#{hash}  who asks the BSP for a name or a template, when, and when it last answered; expires
    templates#import#{account}  `titles`: what CleverTap's last import got, compressed

A template belongs to the part that its name, without regard to case, decides: `send` finds a name in all its languages
and spellings with one call, and another one gets all there is, because a call takes a hundred keys.
"""

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from hashlib import sha256
from typing import Any, Final, NamedTuple

from pydantic_core import from_json, to_json

from whatsapp_bridge.store.items import HOLD_SECONDS, Table, Value, typed, untyped
from whatsapp_bridge.templates.news import AccountEvent, Merged, News, merged, missed
from whatsapp_bridge.templates.template import MAX_CHANGES, Change, Template, of_stored, to_stored

PARTS: Final = 99
"""With the item of the scope itself they are a hundred keys, the most that BatchGetItem takes. Never to be changed."""

# An item may have 400 KB. Above this, a part loses the histories of its templates.
_MAX_BYTES: Final = 380_000
_MOST_TRIES: Final = 10


class Conflict(Exception):
    """Others have written a part all the time."""


class Known(NamedTuple):
    """`listed_at` is 0 before the first complete sync."""

    templates: Sequence[Template]
    listed_at: int


class Result(NamedTuple):
    """What became of one piece of news. `before` is None for a template that was not known."""

    news: News
    before: Template | None
    merged: Merged


class Registry:
    def __init__(self, table: Table) -> None:
        self._table = table

    # --- reading -----------------------------------------------------------------------------------------------------

    def named(self, scope: str, name: str) -> Known:
        """The templates of this name, whatever its case, and what else is in their part. May be a second old."""
        items = self._read(scope, [None, _part_of(name)], consistent=False)
        return _known(scope, items)

    def all(self, scope: str) -> Known:
        return _known(scope, self._read(scope, [None, *range(PARTS)], consistent=True))

    def listed_at(self, scope: str) -> int:
        """When the first request of the last complete sync left; 0 if there was none."""
        return int((self._table.get(_key(scope, None)) or {}).get("listed_at", 0))

    def notes(self, scope: str) -> list[Change]:
        """The last changes of the business account and its numbers, the newest last."""
        return _read_notes(self._table.get(_notes_key(scope)) or {})

    def _read(self, scope: str, parts: Iterable[int | None], *, consistent: bool) -> dict[str, dict[str, Any]]:
        """Items by their keys. DynamoDB answers with 16 MB at most, and then names the rest."""
        left: Any = {
            self._table.name: {
                "Keys": [typed({"pk": _key(scope, part)}) for part in parts],
                "ConsistentRead": consistent,
            }
        }
        found = {}
        for _ in range(_MOST_TRIES):
            answer = self._table.dynamodb.batch_get_item(RequestItems=left)
            items = map(untyped, answer["Responses"].get(self._table.name, []))
            found.update({str(item["pk"]): item for item in items})
            left = answer.get("UnprocessedKeys")
            if not left:
                return found
        raise Conflict("DynamoDB did not read all items")

    # --- writing -----------------------------------------------------------------------------------------------------

    def take(self, scope: str, news: Sequence[News]) -> list[Result]:
        """Put news in its place; the results in the order of the news. Safe to repeat. Raises `Conflict`."""
        if not news:
            return []
        by_part: dict[int, list[int]] = defaultdict(list)
        for place, each in enumerate(news):
            by_part[_part_of(each.name)].append(place)
        found = self._read(scope, by_part, consistent=True)
        results: dict[int, Result] = {}

        def taken(part: int) -> list[Result]:
            said = [news[place] for place in by_part[part]]
            return self._change(scope, part, found, lambda known: _merge(known, said))

        for part, made in zip(by_part, map(taken, by_part), strict=True):
            results.update(zip(by_part[part], made, strict=True))
        return [results[place] for place in range(len(news))]

    def note(self, scope: str, event: AccountEvent) -> bool:
        """Keep news of a business account in its history; False if it is there already. Raises `Conflict`."""
        change = Change(event.at, event.source, event.what, event.before, event.after, event.reason)

        def noted(item: Mapping[str, Any]) -> tuple[bool, bytes | None]:
            notes = _read_notes(item)
            if change in notes:
                return False, None
            kept = sorted([*notes, change], key=lambda each: each.at)[-MAX_CHANGES:]
            return True, _deflated([list(each) for each in kept])

        return self._rewrite(_notes_key(scope), self._table.get(_notes_key(scope)) or {}, noted)

    def lacking(self, scope: str, began: int, seen: "Seen") -> list[Template]:
        """The templates that a complete listing, whose first request left at `began`, did not have."""
        known = self.all(scope).templates
        return [each for each in known if each.key not in seen and missed(each, began, "") != each]

    def complete(self, scope: str, began: int, source: str, gone: Iterable[Template] = ()) -> list[Template]:
        """Record that a listing, whose first request left at `began`, was taken to its end, and that these templates
        are deleted; returned are those that nothing was heard of since."""
        by_part: dict[int, set[tuple[str, str]]] = defaultdict(set)
        for template in gone:
            by_part[_part_of(template.name)].add(template.key)
        found = self._read(scope, by_part, consistent=True) if by_part else {}
        deleted: list[Template] = []

        def missing(part: int) -> list[Template]:
            return self._change(scope, part, found, lambda known: _miss(known, by_part[part], began, source))

        for part in by_part:
            deleted += missing(part)
        self._table.update(
            _key(scope, None),
            "SET listed_at = :at",
            "attribute_not_exists(listed_at) OR listed_at < :at",
            {":at": began},
        )
        return deleted

    def _change[R](
        self,
        scope: str,
        part: int,
        found: Mapping[str, Mapping[str, Any]],
        change: Callable[[dict[tuple[str, str], Template]], list[R]],
    ) -> list[R]:
        """Write what `change` makes of a part, which it gets again where somebody else was faster."""

        def changed(item: Mapping[str, Any]) -> tuple[list[R], bytes | None]:
            before = _read_part(item)
            after = dict(before)
            results = change(after)
            return results, None if after == before else _packed(after)

        key = _key(scope, part)
        return self._rewrite(key, found.get(key, {}), changed)

    def _rewrite[R](
        self, key: str, item: Mapping[str, Any], change: Callable[[Mapping[str, Any]], tuple[R, bytes | None]]
    ) -> R:
        """Write what `change` says that an item holds, None for what it holds already. It is called again with what
        somebody else has written meanwhile. Raises `Conflict`."""
        for _ in range(_MOST_TRIES):
            result, held = change(item)
            if held is None:
                return result
            version = int(item.get("version", 0))
            attempt = self._table.try_update(
                key,
                "SET held = :held, version = :next",
                "attribute_not_exists(pk) OR version = :seen",
                {":held": held, ":next": version + 1, ":seen": version},
            )
            if attempt.done:
                return result
            item = attempt.item
        raise Conflict("others write the same item all the time")


def _known(scope: str, items: Mapping[str, dict[str, Any]]) -> Known:
    listed_at = int(items.get(_key(scope, None), {}).get("listed_at", 0))
    parts = [_read_part(item) for item in items.values()]
    return Known([template for part in parts for template in part.values()], listed_at)


def _merge(known: dict[tuple[str, str], Template], news: Sequence[News]) -> list[Result]:
    results = []
    for each in news:
        before = known.get((each.name, each.language))
        result = merged(before, each)
        if result.template is not None:
            known[result.template.key] = result.template
        results.append(Result(each, before, result))
    return results


def _miss(
    known: dict[tuple[str, str], Template], gone: Iterable[tuple[str, str]], began: int, source: str
) -> list[Template]:
    deleted = []
    for key in gone:
        after = missed(known[key], began, source)
        if after != known[key]:
            known[key] = after
            deleted.append(after)
    return deleted


class Seen:
    """The templates that a listing had so far, by short hashes."""

    def __init__(self, hashes: Iterable[str] = ()) -> None:
        self.hashes = set(hashes)

    def add(self, key: tuple[str, str]) -> None:
        self.hashes.add(_hash(key))

    def __contains__(self, key: tuple[str, str]) -> bool:
        return _hash(key) in self.hashes


def _hash(key: tuple[str, str]) -> str:
    return sha256(to_json(key)).hexdigest()[:16]


# --- one sync at a time ----------------------------------------------------------------------------------------------


class Progress(NamedTuple):
    """How far a sync came. `began`: when its first request left; 0 if none has."""

    began: int = 0
    after: str | None = None
    pages: int = 0
    limit: int = 0
    unread: bool = False
    """It had entries that cannot be read."""
    seen: Sequence[str] = ()


class Syncs:
    """The right of one invocation to sync a scope. It is lost two minutes after it was taken or renewed."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def begin(self, scope: str, grant: str) -> Progress | None:
        """How far the last sync came that broke off; None if another one is under way."""
        now = int(self._table.now())
        attempt = self._table.try_update(
            _sync_key(scope),
            "SET #owner = :mine, held_until = :until",
            "attribute_not_exists(pk) OR #owner = :mine OR held_until < :now",
            {":mine": grant, ":until": now + HOLD_SECONDS, ":now": now},
        )
        return _progress(attempt.item.get("progress")) if attempt.done else None

    def keep(self, scope: str, grant: str, progress: Progress) -> bool:
        """Record how far it came, and go on; False if another one has taken over."""
        update = "SET progress = :progress, held_until = :until"
        values: dict[str, Value] = {
            ":progress": _deflated(progress),
            ":until": int(self._table.now()) + HOLD_SECONDS,
            ":mine": grant,
        }
        return self._table.update(_sync_key(scope), update, "#owner = :mine", values) is None

    def leave(self, scope: str, grant: str) -> None:
        """It broke off: the next one goes on where it stopped."""
        self._table.update(_sync_key(scope), "SET held_until = :over", "#owner = :mine", {":over": 0, ":mine": grant})

    def end(self, scope: str, grant: str) -> None:
        """It is complete, or has to begin anew."""
        update = "SET held_until = :over REMOVE progress"
        self._table.update(_sync_key(scope), update, "#owner = :mine", {":over": 0, ":mine": grant})


def _progress(packed: bytes | None) -> Progress:
    stored = _inflated(packed) if packed is not None else {}
    return Progress(**{name: value for name, value in stored.items() if name in Progress._fields})


# --- one question at a time -------------------------------------------------------------------------------------------


class Turn(Enum):
    """Whether this invocation may ask the BSP for a name."""

    MINE = "mine"
    ANOTHERS = "another's"
    """Somebody is asking now."""
    ANSWERED = "answered"
    """Somebody has asked in the last minutes, and what came of it is in the registry."""
    NO_ANSWER = "no answer"
    """Somebody has asked a moment ago, in vain."""


class Asked(NamedTuple):
    """`answered_at`: when the request left whose answer is in the registry; 0 if there is none."""

    turn: Turn
    answered_at: int = 0


ASKED_AGAIN_SECONDS: Final = 60
"""After a question without an answer."""
_ASKED_KEPT_SECONDS: Final = 3_600


class Questions:
    """The right to ask the BSP for the templates of a name: one invocation at a time."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def begin(self, scope: str, name: str, grant: str, fresh: int) -> Asked:
        """`fresh`: for how many seconds an answer is good. Whoever gets the turn calls `end`."""
        now = int(self._table.now())
        is_free = "(held_until < :now AND asked_at <= :again AND answered_at < :fresh)"
        attempt = self._table.try_update(
            _asked_key(scope, name),
            "SET #owner = :mine, held_until = :until, asked_at = :now, expires_at = :end,"
            " answered_at = if_not_exists(answered_at, :never)",
            f"attribute_not_exists(pk) OR {is_free}",
            {
                ":mine": grant,
                ":until": now + HOLD_SECONDS,
                ":now": now,
                ":again": now - ASKED_AGAIN_SECONDS,
                ":fresh": now - fresh,
                ":end": now + _ASKED_KEPT_SECONDS,
                ":never": 0,
            },
        )
        answered_at = int(attempt.item.get("answered_at", 0))
        if attempt.done:
            return Asked(Turn.MINE, answered_at)
        if int(attempt.item.get("held_until", 0)) >= now:
            return Asked(Turn.ANOTHERS)
        return Asked(Turn.ANSWERED, answered_at) if answered_at >= now - fresh else Asked(Turn.NO_ANSWER)

    def end(self, scope: str, name: str, grant: str, answered_at: int | None) -> None:
        """None if there was no answer."""
        values: dict[str, Value] = {":over": 0, ":mine": grant}
        update = "SET held_until = :over"
        if answered_at is not None:
            update, values = f"{update}, answered_at = :at", {**values, ":at": answered_at}
        self._table.update(_asked_key(scope, name), update, "#owner = :mine", values)


def _asked_key(scope: str, name: str) -> str:
    return f"templates#{scope}#asked#{sha256(name.casefold().encode()).hexdigest()[:32]}"


# --- CleverTap's imports ---------------------------------------------------------------------------------------------


class Imports:
    """What the last import of an account got, by the templates' titles."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def last(self, account: str) -> list[str]:
        item = self._table.get(_import_key(account))
        titles: list[str] = _inflated(item["titles"]) if item else []
        return titles

    def keep(self, account: str, titles: Sequence[str]) -> None:
        self._table.dynamodb.update_item(
            TableName=self._table.name,
            Key=typed({"pk": _import_key(account)}),
            UpdateExpression="SET titles = :titles",
            ExpressionAttributeValues=typed({":titles": _deflated(list(titles))}),
        )


def _import_key(account: str) -> str:
    return f"templates#import#{account}"


# --- items -----------------------------------------------------------------------------------------------------------


def _part_of(name: str) -> int:
    return zlib.crc32(name.casefold().encode()) % PARTS


def _key(scope: str, part: int | None) -> str:
    return f"templates#{scope}" if part is None else f"templates#{scope}#{part}"


def _notes_key(scope: str) -> str:
    return f"templates#{scope}#account"


def _read_notes(item: Mapping[str, Any]) -> list[Change]:
    return [Change(*change[: len(Change._fields)]) for change in _inflated(item["held"])] if "held" in item else []


def _sync_key(scope: str) -> str:
    return f"templates#{scope}#sync"


def _read_part(item: Mapping[str, Any]) -> dict[tuple[str, str], Template]:
    held = _inflated(item["held"]) if "held" in item else []
    return {template.key: template for template in map(of_stored, held)}


def _packed(templates: Mapping[tuple[str, str], Template]) -> bytes:
    packed = _deflated([to_stored(template) for template in templates.values()])
    if len(packed) <= _MAX_BYTES:
        return packed
    return _deflated([to_stored(template._replace(changes=())) for template in templates.values()])


def _deflated(value: Any) -> bytes:
    return zlib.compress(to_json(value._asdict() if isinstance(value, Progress) else value))


def _inflated(packed: bytes) -> Any:
    return from_json(zlib.decompress(packed))
