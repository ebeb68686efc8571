"""Where each part of a JSON text stands. Python's own parser forgets it, and its parts know where they end."""

import json
import re
from typing import Final, NamedTuple

from whatsapp_bridge.runtime.json_text import MAX_DEPTH, trimmed

type Place = tuple[str | int, ...]
"""``("provider", "api_key")``."""

_BLANKS: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder(strict=False)
_WORDS: Final = {
    "Expecting value": "a value is missing, or is not written as JSON has it",
    "Unterminated string starting at": "the text that begins here has no end",
    "Invalid \\escape": "a backslash stands before a sign that needs none",
    "Invalid \\uXXXX escape": "\\u needs four digits of 0-9 a-f",
}


class Position(NamedTuple):
    """Both from 1."""

    line: int
    column: int


class NotJsonAt(Exception):
    """The text is no JSON from this position on. The text contains no value."""

    def __init__(self, reason: str, position: Position) -> None:
        super().__init__(reason)
        self.reason, self.position = reason, position


class Positions:
    """Of all members and elements of a JSON text; a member's is its name's. Raises `NotJsonAt`.

    Names are as the bridge reads them: without what was pasted along at their ends.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts: dict[Place, int] = {(): 0}
        self.repeated: list[Place] = []
        """Members that stand in their object once more: the last one counts."""
        try:
            end = self._value(self._skip(0), ())
        except json.JSONDecodeError as error:
            raise NotJsonAt(_WORDS.get(error.msg.removesuffix(": "), error.msg), self._position(error.pos)) from None
        if self._skip(end) != len(text):
            raise NotJsonAt("something stands behind the end", self._position(self._skip(end)))

    def of(self, place: Place) -> Position:
        """Of a part or, where it is missing, of what it is missing in."""
        while place not in self._starts:
            place = place[:-1]
        return self._position(self._starts[place])

    def _position(self, at: int) -> Position:
        before = self._text[:at]
        return Position(before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1)

    # --- reading -----------------------------------------------------------------------------------------------------

    def _value(self, at: int, place: Place) -> int:
        """Reads the value that begins here; returns its end."""
        if len(place) > MAX_DEPTH:
            raise NotJsonAt("is nested too deep", self._position(at))
        self._starts.setdefault(place, at)
        opening = self._text[at : at + 1]
        if opening == "{":
            return self._members(self._skip(at + 1), place)
        if opening == "[":
            return self._elements(self._skip(at + 1), place)
        _, end = _DECODER.raw_decode(self._text, at)
        return end

    def _members(self, at: int, place: Place) -> int:
        if self._text[at : at + 1] == "}":
            return at + 1
        while True:
            start = at
            if self._text[at : at + 1] != '"':
                raise NotJsonAt("a name in double quotes is missing", self._position(at))
            name, at = _DECODER.raw_decode(self._text, at)
            inner = (*place, trimmed(name))
            if inner in self._starts:
                self.repeated.append(inner)
            self._starts[inner] = start
            at = self._value(self._after(self._skip(at), ":"), inner)
            at = self._skip(at)
            if self._text[at : at + 1] == "}":
                return at + 1
            at = self._after(at, ",")

    def _elements(self, at: int, place: Place) -> int:
        if self._text[at : at + 1] == "]":
            return at + 1
        number = 0
        while True:
            at = self._skip(self._value(at, (*place, number)))
            if self._text[at : at + 1] == "]":
                return at + 1
            at, number = self._after(at, ","), number + 1

    def _after(self, at: int, sign: str) -> int:
        if self._text[at : at + 1] != sign:
            raise NotJsonAt(f"{sign!r} is missing", self._position(at))
        return self._skip(at + 1)

    def _skip(self, at: int) -> int:
        found = _BLANKS.match(self._text, at)
        return found.end() if found else at
