"""What tells Clickatell's two APIs apart, which take, answer and encrypt in the same way under other names."""

from collections.abc import Callable
from dataclasses import dataclass

from whatsapp_bridge.providers.clickatell_common import codes, encryption


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one of Clickatell's two APIs calls things. `code` and `description` are members of an `error` object."""

    api: str
    path: str
    bsp_id: str
    code: str
    description: str
    error: Callable[[int, str], codes.ErrorRow]
    outgoing: tuple[encryption.Path, ...]
    """What is encrypted of a message to a person."""
    incoming: tuple[encryption.Path, ...]
    """What is encrypted of a message from a person, as far as it is read."""
    hints: tuple[encryption.Path, ...]
    """What else is encrypted of it, by which an encrypted message is known."""
    media_kind: str
    """The `kind` of a message from a person that holds a file; its `content` is the file."""
