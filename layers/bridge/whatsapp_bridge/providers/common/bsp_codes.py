"""The BSP's own code of an error, for the message's journal and the logs: an operator looks it up, or asks the BSP.

It may come from a callback, where anything can stand in a code's place.
"""

import re
from typing import Final

# A longer number may be a person's. Names are those of a table: CASE_WITH_UNDERSCORES.
_CODE: Final = re.compile(r"-?[0-9]{1,7}|[0-9]{0,3}[A-Za-z][0-9A-Za-z]{0,7}|[A-Z][A-Z_]{1,39}")


def bsp_code(*codes: int | str | None) -> str | None:
    """The first of these that is a code; None if none is."""
    return next((text for code in codes if code is not None and _CODE.fullmatch(text := str(code))), None)
