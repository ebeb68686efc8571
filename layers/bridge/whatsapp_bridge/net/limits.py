"""How long one request may take, in seconds."""

from typing import Final

CONNECT_SECONDS: Final = 3.0
SEND_SECONDS: Final = 15.0
"""From a request's first byte to its last, after the connection is made."""
READ_SECONDS: Final = 15.0
"""From the last byte of a request to the last one of its answer."""
FETCH_SECONDS: Final = 15.0
"""From the last byte of a request for a file to the last one of the file, over all redirects. The upload and the
message must fit into the same invocation."""
