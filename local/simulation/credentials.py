"""The accounts' secrets as operators change them by hand, and the BSPs' credentials that are in them."""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_FIELDS = {"api_key", "access_token", "password"}


class Secrets:
    """`put` stores a text under an account's name."""

    def __init__(self, put: Callable[[str, str], None]) -> None:
        self._put = put
        self._texts: dict[str, str] = {}
        self._commas: Counter[str] = Counter()

    def write(self, account: str, content: Mapping[str, Any]) -> None:
        self._texts[account] = json.dumps(content)
        self._store(account)

    def put_in_comma(self, account: str) -> None:
        """Where JSON has none."""
        self._commas[account] += 1
        self._store(account)

    def take_out_comma(self, account: str) -> None:
        self._commas[account] -= 1
        self._store(account)

    def _store(self, account: str) -> None:
        text = self._texts[account]
        self._put(account, text[:-1] + ",}" if self._commas[account] else text)


class Credentials:
    """Those of one account, in front of its BSP: the sandbox behind knows the first ones alone. A request with those
    that are valid now reaches it as if with the first, any other is refused in its own words. `on_old`: one came with
    the first, which are no longer valid."""

    def __init__(self, provider: Mapping[str, Any], on_old: Callable[[], None]) -> None:
        self._first, self._on_old = sorted(set(_found(provider))), on_old
        self._rotations = 0

    def rotate(self) -> None:
        self._rotations += 1

    def rotated(self, provider: Mapping[str, Any]) -> dict[str, Any]:
        """The first `provider` with what is valid now."""
        return {
            name: self.rotated(value) if isinstance(value, Mapping) else self._now(value) if name in _FIELDS else value
            for name, value in provider.items()
        }

    def seen(self, part: str) -> str:
        """A part of a request (a header, its body) as the sandbox sees it."""
        if not self._rotations:
            return part
        for first in self._first:
            for form in (str, _in_base64):
                if form(first) in part:
                    self._on_old()
                part = part.replace(form(first), form("-" + first[1:])).replace(form(self._now(first)), form(first))
        return part

    def _now(self, first: str) -> str:
        # As long as the first one, so that it is as long in each form.
        return f"{self._rotations}{first[1:]}" if self._rotations else first


def _found(provider: Mapping[str, Any]) -> Iterator[str]:
    for name, value in provider.items():
        if isinstance(value, Mapping):
            yield from _found(value)
        elif name in _FIELDS:
            yield value


def _in_base64(text: str) -> str:
    """Without what fills it up, which may be escaped."""
    return b64encode(text.encode()).decode().rstrip("=")
