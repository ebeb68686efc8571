"""Files that messages to people name by address: fetched once for all messages that need them at the same time."""

from collections import OrderedDict
from collections.abc import Hashable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from whatsapp_bridge.net.http import Answer, HttpClient

# The files that a batch keeps for its later messages.
_MAX_KEPT_BYTES: Final = 64 * 1024 * 1024
NOT_NOW: Final = frozenset({202, 407, 408, 409, 423, 425, 429, 499})
"""Statuses in place of a file that another attempt may get, as of any status from 500 on. 202 is "not ready", 407 is a
proxy's, 409 and 499 say that the request was disturbed; 423 and 425 ask for a later try."""


@dataclass(frozen=True, slots=True)
class File:
    """`content_type` without parameters; `name` with an extension."""

    content: bytes = field(repr=False)
    content_type: str
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Source:
    """A fetched file. `validator` changes when the file does: its ETag, its date, else its hash. `content_type` is the
    server's word for it."""

    content: bytes = field(repr=False)
    validator: str
    content_type: str | None = None


class _NoSource(Exception):
    """`reason` contains no address. `answer` is the one that has no file, None if there was none."""

    def __init__(self, reason: str, answer: "Answer | None" = None) -> None:
        super().__init__(reason)
        self.reason, self.answer = reason, answer


class SourceDead(_NoSource):
    """There is no such file, or never for us."""


class SourceUnavailable(_NoSource):
    """The file could not be fetched; a retry may help."""


@dataclass(frozen=True, slots=True)
class _Failed:
    """Each thread that asks gets its own exception, because each raise adds to an exception's traceback."""

    kind: type[SourceDead | SourceUnavailable]
    reason: str
    answer: "Answer | None" = None


_NOT_KEPT: Final = _Failed(SourceUnavailable, "not fetched yet")


class Files:
    """The files of one batch. It keeps files and failures, so that messages with the same file fetch it once."""

    def __init__(self, http: "HttpClient") -> None:
        self._http = http
        self._lock = Lock()
        self._turns: dict[Hashable, Lock] = {}
        self._kept: OrderedDict[Hashable, Source | _Failed | None] = OrderedDict()
        self._kept_bytes = 0

    def fetch(self, url: str, max_bytes: int, *, loopback: bool = False, validator: str | None = None) -> Source | None:
        """The file; None if it still has this `validator`.

        Raises `SourceDead`, `SourceUnavailable`, and `OutOfTime` if the invocation ends too soon.
        """
        key = (url, max_bytes, validator)
        with self._turn(key):
            found = self._kept.get(key, _NOT_KEPT)
            if found is _NOT_KEPT:
                found = self._ask(url, max_bytes, loopback, validator)
                self._keep(key, found)
        if isinstance(found, _Failed):
            raise found.kind(found.reason, found.answer)
        return found

    def _turn(self, key: Hashable) -> AbstractContextManager[object]:
        with self._lock:
            return self._turns.setdefault(key, Lock())

    def _keep(self, key: Hashable, found: Source | _Failed | None) -> None:
        with self._lock:
            self._kept[key] = found
            self._kept_bytes += _size(found)
            while self._kept_bytes > _MAX_KEPT_BYTES and len(self._kept) > 1:
                _, dropped = self._kept.popitem(last=False)
                self._kept_bytes -= _size(dropped)

    def _ask(self, url: str, max_bytes: int, loopback: bool, validator: str | None) -> Source | _Failed | None:
        try:
            return self._fetch(url, max_bytes, loopback, validator)
        except (SourceDead, SourceUnavailable) as error:
            return _Failed(type(error), error.reason, error.answer)

    def _fetch(self, url: str, max_bytes: int, loopback: bool, validator: str | None) -> Source | None:
        from whatsapp_bridge.net.http import AnswerLost, Forbidden, NotReached, OutOfTime, TooLarge

        conditions = _conditions(validator)
        try:
            answer = self._http.fetch(url, max_bytes=max_bytes, headers=conditions, loopback=loopback)
        except Forbidden as error:
            raise SourceDead(str(error)) from None
        except TooLarge:
            raise SourceDead(f"is larger than {_in_words(max_bytes)}") from None
        except OutOfTime:
            # This says nothing about the file.
            raise
        except (NotReached, AnswerLost) as error:
            raise SourceUnavailable(f"cannot be fetched: {error}") from None
        if answer.status == 304 and conditions:
            return None
        if answer.status != 200:
            later = answer.status >= 500 or answer.status in NOT_NOW
            raise (SourceUnavailable if later else SourceDead)(f"answers HTTP {answer.status}", answer)
        if not answer.body:
            raise SourceDead("is empty", answer)
        source = Source(answer.body, _validator(answer), answer.headers.get("content-type"))
        return None if source.validator == validator else source


def _in_words(size: int) -> str:
    return f"{size // 1024**2} MB" if size >= 1024**2 else f"{size // 1024} KB"


def _size(found: Source | _Failed | None) -> int:
    return len(found.content) if isinstance(found, Source) else 0


def _validator(answer: "Answer") -> str:
    for name in ("etag", "last-modified"):
        if value := answer.headers.get(name):
            return f"{name}:{value}"
    return f"sha256:{sha256(answer.body).hexdigest()}"


def _conditions(validator: str | None) -> dict[str, str]:
    name, _, value = (validator or "").partition(":")
    header = {"etag": "if-none-match", "last-modified": "if-modified-since"}.get(name)
    return {header: value} if header else {}
