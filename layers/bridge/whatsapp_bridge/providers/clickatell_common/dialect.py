"""The names that differ between Clickatell's two APIs, which otherwise accept, answer and encrypt in the same way."""

from collections.abc import Callable
from dataclasses import dataclass

from whatsapp_bridge.providers.clickatell_common import codes, encryption


@dataclass(frozen=True, slots=True)
class Dialect:
    """The names of one of Clickatell's two APIs. `code` and `description` are members of an `error` object."""

    api: str
    path: str
    bsp_id: str
    code: str
    description: str
    error: Callable[[int, str], codes.ErrorRow]
    outgoing: tuple[encryption.Path, ...]
    """The encrypted fields of a message to a person."""
    incoming: tuple[encryption.Path, ...]
    """The encrypted fields of a message from a person that the bridge reads."""
    media_kind: str
    """The `kind` of a message from a person that holds a file; its `content` is the file."""
    media_path: str | None
    """Where the API has files, each at its `fileId`; None if a message holds its file."""
