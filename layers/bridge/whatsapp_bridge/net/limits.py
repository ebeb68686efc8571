"""How long one request may take, in seconds."""

from typing import Final, NamedTuple

CONNECT_SECONDS: Final = 3.0
SEND_SECONDS: Final = 15.0
"""From a request's first byte to its last, after the connection is made."""
READ_SECONDS: Final = 15.0
"""From the last byte of a request to the last one of its answer."""
FETCH_SECONDS: Final = 15.0
"""From the last byte of a request for a file to the last one of the file, over all redirects. The upload and the
message must fit into the same invocation."""


class Patience(NamedTuple):
    """How long to wait for others, and what an invocation needs after a request, to record its outcome."""

    connect: float = CONNECT_SECONDS
    send: float = SEND_SECONDS
    read: float = READ_SECONDS
    record: float = 5.0

    @property
    def request(self) -> float:
        return self.connect + self.send + self.read


USUAL: Final = Patience()
# What asks for a list or a template is sent at once.
WHILE_IMPORTING: Final = Patience(connect=0.5, send=0.0, read=2.0, record=0.0)
"""While CleverTap waits for a page of its import."""
WHILE_SENDING: Final = Patience(connect=0.2, send=0.0, read=0.3, record=0.0)
"""While CleverTap waits for the answer to a message: a second, in which the process may have started too."""
