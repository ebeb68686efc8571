"""Files: those that people send and get, and those on the web in CleverTap's messages."""

import re
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import quote, unquote

PATH = "/files/"
# RFC 3986.
_PART = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*"
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
_ADDRESS = re.compile(rf"(?i:https?)://(?:{_PART}@)?{_HOST}(?::[0-9]*)?(?:[/?]{_PART})?(?:#{_PART})?")


def is_address(text: object) -> bool:
    """Whether it is an address at which a BSP can fetch a file."""
    return isinstance(text, str) and _ADDRESS.fullmatch(text) is not None


def is_file_name(text: object) -> bool:
    """Whether a person can be shown it as the name of a file: no path, nothing that turns it around."""
    return isinstance(text, str) and bool(text.strip()) and text.isprintable() and not set(text) & set("/\\")


@dataclass(frozen=True)
class File:
    """An unencrypted file."""

    content: bytes = field(repr=False)
    content_type: str
    name: str


class FileHost:
    """A server of static files, each with an ETag that changes when its content does."""

    def __init__(self) -> None:
        self._files: dict[str, File] = {}

    def put(self, file: File) -> str:
        """Publish or replace a file; returns its path."""
        self._files[file.name] = file
        return PATH + quote(file.name, safe="")

    def find(self, path: str) -> File | None:
        return self._files.get(unquote(path.removeprefix(PATH)))

    def answer(self, path: str, if_none_match: str) -> tuple[int, bytes, list[tuple[str, str]]]:
        """HTTP status, body and headers; `if_none_match` is the request's header or ""."""
        file = self.find(path)
        if file is None:
            return 404, b"", []
        tag = f'"{sha256(file.content).hexdigest()[:32]}"'
        if tag in [known.strip() for known in if_none_match.split(",")]:
            return 304, b"", [("ETag", tag)]
        return 200, file.content, [("ETag", tag), ("Content-Type", file.content_type)]
