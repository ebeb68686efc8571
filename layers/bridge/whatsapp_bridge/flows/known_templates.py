"""What is known of the templates of a name: read once a minute by each process.

Imports nothing of the registry before there is something to read: `send` starts without it.
"""

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.messages import FreeformMessage, TemplateMessage
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.capabilities import Json, Refused
from whatsapp_bridge.runtime.observability import count, log_failure

if TYPE_CHECKING:
    from whatsapp_bridge.providers.common.template_judging import Judgement
    from whatsapp_bridge.store.templates import Known, Registry

_KEPT_SECONDS = 60
# While the table cannot be read, not each message waits for it.
_AWAY_SECONDS = 10
_MOST_NAMES = 1000


class Compared(NamedTuple):
    """A message as its template needs it. `template_id` is the BSP's, None if it is not known."""

    message: TemplateMessage | FreeformMessage
    template_id: str | None = None

    @classmethod
    def judged(cls, message: TemplateMessage, found: "Judgement") -> "Compared":
        from whatsapp_bridge.providers.common.template_judging import adapted

        return cls(adapted(message, found), found.template.id if found.template is not None else None)

    def translated(self, reference: str, account: Account) -> Json:
        """The BSP's request. Where it has no other way to send this template, by the template's id. Raises
        `Refused`."""
        translate = registry.outbound(account.provider_type).translate
        try:
            return translate(self.message, reference, account)
        except Refused:
            if self.template_id is None or not isinstance(self.message, TemplateMessage):
                raise
            with_id = account.with_template_id(self.message.template.name, self.template_id)
            if with_id is account:
                raise
            return translate(self.message, reference, with_id)


class _Kept(NamedTuple):
    known: "Known | None"
    until: float


class KnownTemplates:
    """`make` makes the registry when it is first needed. `now` gives seconds since 1970."""

    def __init__(self, make: "Callable[[], Registry]", now: Callable[[], float]) -> None:
        self._make, self._now = make, now
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._away_until = 0.0
        self._lock = Lock()

    def prepare(self) -> None:
        """Make now what the first message needs."""
        self._make()

    def named(self, scope: str, name: str) -> "Known | None":
        """None if it could not be read, or nothing was ever learnt for this scope and name."""
        kept = self._kept.get((scope, name))
        if kept is not None and self._now() < kept.until:
            return kept.known
        with self._lock:
            return self._read(scope, name)

    def learnt(self, scope: str, name: str, listed_at: int) -> "Known | None":
        """The same after the BSP was asked for all that have this name, at `listed_at`."""
        with self._lock:
            self._kept.pop((scope, name), None)
            return self._read(scope, name, listed_at)

    def _read(self, scope: str, name: str, listed_at: int = 0) -> "Known | None":
        kept = self._kept.get((scope, name), _Kept(None, 0.0))
        # Another thread may have read it meanwhile.
        if self._now() < max(kept.until, self._away_until):
            return kept.known
        try:
            known = self._make().named(scope, name)
        except Exception as error:  # noqa: BLE001 - nothing is refused because the table is away
            count("TemplatesUnread")
            log_failure("template not read", error, scope=scope)
            self._away_until = self._now() + _AWAY_SECONDS
            return kept.known
        if len(self._kept) >= _MOST_NAMES:
            self._kept.clear()
        named = _named(known, name)._replace(listed_at=max(known.listed_at, listed_at))
        there = named if named.templates or named.listed_at else None
        self._kept[scope, name] = _Kept(there, self._now() + _KEPT_SECONDS)
        return there


def _named(known: "Known", name: str) -> "Known":
    """Without the others that are stored beside them."""
    wanted = name.casefold()
    alike = [each for each in known.templates if wanted in (each.name.casefold(), each.bsp_name.casefold())]
    return known._replace(templates=alike)
